/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork and its relatives.  A child finds out by itself that its connection is
 * its parent's (session.c).
 */
#include "core/stats.h"
#include "core/sys.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/lock.h"
#include "preload/ops.h"
#include "preload/pipe.h"
#include "preload/raw.h"
#include "preload/real.h"
#include "preload/vfork.h"

#include <string.h>

/* In the child of a vfork: the end of the pipe that its parent waits for. */
static int vfork_pipe = -1;

/* A child's child would keep that parent waiting. */
static void drop_pipe(void)
{
	if (vfork_pipe < 0)
		return;
	bfs_pipe_close(vfork_pipe);
	vfork_pipe = -1;
}

static pid_t in_child(pid_t pid)
{
	if (pid == 0) {
		drop_pipe();
		bfs_vfork_forget();
		bfs_count_never(true);
		bfs_lock_set_inodes(0);
		/* The parent reports what it has counted. */
		memset(&bfs_stats, 0, sizeof(bfs_stats));
		if (bfs_raw_on)
			bfs_raw_arm();
	} else {
		/* what other threads opened meanwhile */
		bfs_fd_share_all();
	}
	return pid;
}

pid_t bfs_fork(void)
{
	bfs_fd_share_all();
	return in_child((pid_t)bfs_ret(REAL(fork)()));
}

pid_t bfs__Fork(void)
{
	bfs_fd_share_all();
	return in_child((pid_t)bfs_ret(REAL(_Fork)()));
}

int bfs_pipe_open(int ends[2])
{
	int e = (int)bfs_sys_2(SYS_pipe2, ends, O_CLOEXEC);

	for (int i = 0; !e && i < 2; i++) {
		int fd = bfs_sys_fcntl(ends[i], F_DUPFD_CLOEXEC,
				       bfs_settings.fd_base);

		if (fd >= 0) {
			bfs_sys_close(ends[i]);
			ends[i] = fd;
		}
		bfs_fd_own(ends[i]);
	}
	return e;
}

void bfs_pipe_close(int fd)
{
	bfs_fd_disown(fd);
	bfs_sys_close(fd);
}

/* Until the child's end is closed by exec or exit. */
static void wait_end(int fd)
{
	char c;

	while (bfs_sys_3(SYS_read, fd, &c, 1) == -EINTR)
		;
}

/*
 * Where what we know of this process cannot be put aside (vfork.h) the child
 * gets its own memory, and the parent waits as programs expect (RULES 6); what
 * the child stores is not seen by the parent.
 */
pid_t bfs_vfork(void)
{
	int ends[2];
	pid_t pid;

	/* At the limit of descriptors: better early than not at all. */
	if (bfs_pipe_open(ends))
		return bfs_fork();
	pid = bfs_fork();
	if (pid == 0) {
		bfs_pipe_close(ends[0]);
		vfork_pipe = ends[1];
		return 0;
	}
	bfs_pipe_close(ends[1]);
	if (pid > 0)
		wait_end(ends[0]);
	bfs_pipe_close(ends[0]);
	return pid;
}

static int to_null(void)
{
	int fd = bfs_sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);

	if (fd < 0)
		return fd;
	/* libc's own name: what is there may be ours */
	for (int i = 0; i < 3; i++)
		if (i != fd && dup2(fd, i) < 0)
			return -errno;
	if (fd > 2)
		bfs_sys_close(fd);
	return 0;
}

int bfs_daemon(int nochdir, int noclose)
{
	pid_t pid = bfs_fork();
	int e = 0;

	if (pid < 0)
		return pid;
	if (pid > 0)
		bfs__exit(0);
	bfs_count_never(false);
	e = (int)bfs_sys_0(SYS_setsid);
	if (e < 0)
		return e;
	e = nochdir ? 0 : bfs_chdir("/");
	return e || noclose ? e : to_null();
}
