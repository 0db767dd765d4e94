/* SPDX-License-Identifier: BSD-3-Clause */
/* close, dup, fcntl and what else is about descriptors. */
#include "core/stats.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/fd.h"
#include "preload/lock.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/session.h"

#include <linux/close_range.h>
#include <linux/fs.h>

static bool is_own(int fd)
{
	return bfs_fd_kind(fd) == BFS_KIND_OWN;
}

/* storage.fsync_on_close.  0 or the error, for close() to tell. */
static int sync_closing(int fd)
{
	const struct bfs_desc *d = bfs_fd_desc(fd);

	if (bfs_likely(!d || !(d->rights & BFS_RIGHT_SYNC)) ||
	    !bfs_fd_is_last(fd))
		return 0;
	bfs_stat_add(client_close_syncs, 1);
	return bfs_fsync(fd);
}

int bfs_fd_closing(int fd)
{
	int e = sync_closing(fd);

	bfs_lock_closing(fd);
	return e;
}

int bfs_close(int fd)
{
	struct bfs_fd_gone gone;
	int e, r;

	if (is_own(fd))
		return -EBADF;
	e = bfs_fd_closing(fd);
	gone = bfs_fd_forget(fd);
	r = bfs_sys_close(fd);
	bfs_fd_release(gone);
	return r ? r : e;
}

static int close_some(unsigned first, unsigned last, unsigned flags)
{
	if (first > last)
		return 0;
	for (int fd = (int)first; !(flags & CLOSE_RANGE_CLOEXEC) &&
				  fd < bfs_fd_high() && (unsigned)fd <= last;
	     fd++) {
		if (!bfs_fd_desc(fd))
			continue;
		bfs_fd_closing(fd);
		/* The daemon frees its record. */
		bfs_fd_share(fd);
		(void)bfs_fd_forget(fd);
	}
	return (int)bfs_sys_3(SYS_close_range, first, last, flags);
}

/* Everything but our own sockets and memfds. */
int bfs_close_range(unsigned int first, unsigned int last, int flags)
{
	unsigned from = first;
	int r = 0, high = bfs_fd_high();

	if (first > last ||
	    ((unsigned)flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
		return (int)bfs_sys_3(SYS_close_range, first, last, flags);
	for (int fd = (int)BFS_MIN(first, (unsigned)high);
	     fd < high && (unsigned)fd <= last && !r; fd++) {
		if (!is_own(fd))
			continue;
		if ((unsigned)fd > from)
			r = close_some(from, (unsigned)fd - 1, (unsigned)flags);
		from = (unsigned)fd + 1;
	}
	return r ? r : close_some(from, last, (unsigned)flags);
}

void bfs_closefrom(int low)
{
	bfs_close_range((unsigned)BFS_MAX(low, 0), ~0u, 0);
}

int bfs_dup(int fd)
{
	int to = is_own(fd) ? -EBADF : (int)bfs_sys_1(SYS_dup, fd);

	if (to >= 0)
		bfs_fd_copy(fd, to);
	return to;
}

int bfs_dup3(int fd, int to, int flags)
{
	int r;

	if (is_own(fd))
		return -EBADF;
	/* That number is taken, as by another thread that opens a file. */
	if (is_own(to))
		return -EBUSY;
	if (bfs_fd_desc(to) && fd != to && bfs_sys_fcntl(fd, F_GETFD, 0) >= 0)
		bfs_fd_closing(to);
	r = (int)bfs_sys_3(SYS_dup3, fd, to, flags);
	if (r >= 0)
		bfs_fd_copy(fd, to);
	return r;
}

int bfs_dup2(int fd, int to)
{
	if (fd == to)
		return bfs_fd_desc(fd) ? fd : -EBADF;
	return bfs_dup3(fd, to, 0);
}

static int dup_above(int fd, int cmd, long low)
{
	int to = bfs_sys_fcntl(fd, cmd, low);

	if (to >= 0)
		bfs_fd_copy(fd, to);
	return to;
}

/* Status flags of a placeholder live in its record (S6). */
#define SETTABLE (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

static int set_flags(struct bfs_desc *d, long flags)
{
	d->oflags = (d->oflags & ~(unsigned)SETTABLE) |
		    ((unsigned)flags & SETTABLE);
	return 0;
}

static bool is_lock(int cmd)
{
	return cmd == F_GETLK || cmd == F_SETLK || cmd == F_SETLKW ||
	       cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}

static bool bad_lock(int cmd, long arg)
{
	const size_t n = sizeof(struct flock);

	return cmd == F_GETLK || cmd == F_OFD_GETLK
		       ? bfs_mem_out((void *)arg, n)
		       : bfs_mem_in((void *)arg, n);
}

static bool is_owner(int cmd)
{
	return cmd == F_GETOWN || cmd == F_SETOWN || cmd == F_GETSIG ||
	       cmd == F_SETSIG || cmd == F_GETOWN_EX || cmd == F_SETOWN_EX;
}

int bfs_fcntl(int fd, int cmd, long arg)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	enum bfs_kind kind = bfs_fd_kind(fd);

	if (!d)
		return -EBADF;
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return dup_above(fd, cmd, arg);
	if (is_lock(cmd) && kind != BFS_KIND_PATH && bad_lock(cmd, arg))
		return -EFAULT;
	if (is_lock(cmd))
		return bfs_lock_fcntl(fd, d, cmd, (struct flock *)arg);
	if (kind == BFS_KIND_PASS || cmd == F_GETFD || cmd == F_SETFD)
		return bfs_sys_fcntl(fd, cmd, arg);
	if (cmd == F_GETFL) /* which the kernel adds, but not to O_PATH */
		return (int)d->oflags |
		       (kind == BFS_KIND_PATH ? 0 : BFS_O_LARGEFILE);
	if (kind == BFS_KIND_PATH)
		return -EBADF;
	if (cmd == F_SETFL)
		return set_flags(d, arg);
	if (is_owner(cmd)) /* remembered; no signal will ever come */
		return bfs_sys_fcntl(fd, cmd, arg);
	/* Leases, seals, pipes: nothing for a file here. */
	return -EINVAL;
}

/* What a regular file answers to FIONREAD. */
static int bytes_left(int fd, int *n)
{
	struct stat st;
	int e = bfs_fstat(fd, &st);

	if (!e)
		e = bfs_mem_out(n, sizeof(*n));
	if (!e)
		*n = (int)(st.st_size - (off_t)bfs_fd_desc(fd)->offset);
	return e;
}

int bfs_ioctl(int fd, unsigned long request, void *arg)
{
	enum bfs_kind kind = bfs_fd_kind(fd);

	if (kind == BFS_KIND_PATH || kind == BFS_KIND_OWN)
		return -EBADF;
	if (request == FICLONE || request == FICLONERANGE)
		return -EOPNOTSUPP;
	switch (request) {
	case FIOCLEX:
		return bfs_sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
	case FIONCLEX:
		return bfs_sys_fcntl(fd, F_SETFD, 0);
	case FIONBIO:
	case FIONREAD:
		if (kind == BFS_KIND_PASS)
			return (int)bfs_sys_3(SYS_ioctl, fd, request, arg);
		if (kind == BFS_KIND_FILE && request == FIONREAD)
			return bytes_left(fd, arg);
	}
	return -ENOTTY;
}

int bfs_isatty(int fd)
{
	errno = bfs_fd_kind(fd) == BFS_KIND_PATH ||
				bfs_fd_kind(fd) == BFS_KIND_OWN
			? EBADF
			: ENOTTY;
	return 0;
}
