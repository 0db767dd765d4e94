/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/lock.h"

#include "core/sys.h"
#include "preload/desc.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/session.h"

#include <errno.h>

/* Inodes on which this process has taken POSIX locks through the daemon: a
 * bit for each hash, so that close() costs nothing for the others. */
static _Atomic uint64_t locked_here;

static uint64_t bit_of(uint64_t ino)
{
	return 1ull << (ino * 0x9e3779b97f4a7c15u >> 58);
}

/*
 * Bytes from BFS_LIFE on are ours: they tell that the description is alive.
 * A lock "to the end of the file" ends there.
 */
static int kernel_lock(int fd, int cmd, struct flock *f)
{
	struct flock k = *f;
	bool clipped = k.l_whence == SEEK_SET && k.l_len == 0 &&
		       k.l_start >= 0 && k.l_start < BFS_LIFE;
	int r;

	if (clipped)
		k.l_len = BFS_LIFE - k.l_start;
	else if (k.l_len == 0 && k.l_whence != SEEK_SET) {
		int64_t base = bfs_sys_lseek(fd, 0, SEEK_CUR);
		struct stat st;

		if (k.l_whence == SEEK_END)
			base = bfs_sys_fstat(fd, &st) ? -1 : st.st_size;
		if (base < 0 || base + k.l_start < 0)
			return -EINVAL;
		k.l_start += base;
		k.l_whence = SEEK_SET;
		k.l_len = BFS_LIFE - k.l_start;
	}
	r = bfs_sys_fcntl(fd, cmd, (long)&k);
	if (r || (cmd != F_GETLK && cmd != F_OFD_GETLK))
		return r;
	if (k.l_type == F_UNLCK) {
		f->l_type = F_UNLCK;
		return 0;
	}
	if (k.l_start + k.l_len == BFS_LIFE)
		k.l_len = 0;
	*f = k;
	return 0;
}

static int range(struct bfs_desc *d, int fd, const struct flock *f,
		 uint64_t *start, uint64_t *end)
{
	int64_t base = 0, from;
	struct stat st;

	switch (f->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = d->kind == BFS_KIND_PASS ? bfs_sys_lseek(fd, 0, SEEK_CUR)
						: (int64_t)d->offset;
		break;
	case SEEK_END:
		if (bfs_fstat(fd, &st))
			return -EIO;
		base = st.st_size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, f->l_start, &from))
		return -EOVERFLOW;
	if (from < 0)
		return -EINVAL;
	*end = UINT64_MAX;
	if (f->l_len > 0) {
		if (f->l_len - 1 > INT64_MAX - from)
			return -EOVERFLOW;
		*end = (uint64_t)from + (uint64_t)f->l_len;
	} else if (f->l_len < 0) {
		*end = (uint64_t)from;
		from += f->l_len;
	}
	if (from < 0)
		return -EINVAL;
	*start = (uint64_t)from;
	return 0;
}

/* Who keeps the locks of the description: the daemon, or the kernel? */
static bool with_daemon(const struct bfs_desc *d)
{
	return d->kind != BFS_KIND_PASS || d->rights & BFS_RIGHT_LOCK;
}

static int ask(int fd, struct bfs_desc *d, struct bfs_lock_req *q,
	       struct bfs_lock_rep *rep)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_client *c;
	int e = bfs_session(&c);

	if (e)
		return e;
	q->handle = bfs_desc_handle(d);
	q->arena_slot = bfs_fd_slot(fd);
	q->slot_gen = bfs_desc_gen(d);
	q->arena = bfs_arenas[bfs_desc_arena(d)].map->key;
	q->pid = (uint32_t)bfs_sys_0(SYS_getpid);
	r.io.interruptible = q->flags & BFS_LOCK_BLOCK;
	e = bfs_rpc_lock(c, &r, q, rep);
	bfs_rpc_end(&r);
	return e;
}

static int may_lock(const struct bfs_desc *d, int type)
{
	unsigned mode = d->oflags & O_ACCMODE;

	if (type == F_RDLCK && mode == O_WRONLY)
		return -EBADF;
	if (type == F_WRLCK && mode == O_RDONLY)
		return -EBADF;
	return type == F_RDLCK || type == F_WRLCK || type == F_UNLCK ? 0
								     : -EINVAL;
}

static void answer(struct flock *f, const struct bfs_lock_rep *rep)
{
	f->l_type = (short)rep->type;
	if (rep->type == F_UNLCK)
		return;
	f->l_whence = SEEK_SET;
	f->l_start = (off_t)rep->start;
	f->l_len = rep->end == UINT64_MAX ? 0 : (off_t)(rep->end - rep->start);
	f->l_pid = (pid_t)rep->pid;
}

int bfs_lock_fcntl(int fd, struct bfs_desc *d, int cmd, struct flock *f)
{
	bool ofd =
		cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool test = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct bfs_lock_req q = { .space =
					  ofd ? BFS_LOCK_OFD : BFS_LOCK_POSIX };
	struct bfs_lock_rep rep;
	int e;

	if (!f)
		return -EFAULT;
	if (!with_daemon(d))
		return kernel_lock(fd, cmd, f);
	if (d->kind == BFS_KIND_PATH)
		return -EBADF;
	if (ofd && f->l_pid)
		return -EINVAL;
	e = range(d, fd, f, &q.start, &q.end);
	if (!e)
		e = test ? (f->l_type == F_UNLCK && !ofd ? -EINVAL : 0)
			 : may_lock(d, f->l_type);
	if (e)
		return e;
	q.type = (uint32_t)f->l_type;
	q.flags = test					   ? BFS_LOCK_TEST
		  : cmd == F_SETLKW || cmd == F_OFD_SETLKW ? BFS_LOCK_BLOCK
							   : 0;
	if (!ofd && !test)
		locked_here |= bit_of(d->ino);
	e = ask(fd, d, &q, &rep);
	if (!e && test)
		answer(f, &rep);
	return e;
}

bool bfs_lock_to_drop(const struct bfs_desc *d)
{
	return d && with_daemon(d) && (locked_here & bit_of(d->ino));
}

/* All POSIX locks of this process on an inode. */
static void drop_all(struct bfs_client *c, struct bfs_handle h)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_lock_rep rep;

	bfs_rpc_lock(c, &r,
		     &(struct bfs_lock_req){ .handle = h,
					     .space = BFS_LOCK_POSIX,
					     .type = F_UNLCK,
					     .end = UINT64_MAX,
					     .arena_slot = BFS_NO_SLOT },
		     &rep);
	bfs_rpc_end(&r);
}

void bfs_lock_closing(int fd)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct bfs_client *c;

	if (bfs_lock_to_drop(d) && !bfs_session(&c))
		drop_all(c, bfs_desc_handle(d));
}

/* In a constructor: no time to load UCX. */
void bfs_lock_closed(struct bfs_handle h)
{
	struct bfs_client *c;

	if (!bfs_session_local(&c))
		drop_all(c, h);
}

uint64_t bfs_lock_inodes(void)
{
	return locked_here;
}

void bfs_lock_set_inodes(uint64_t inodes)
{
	locked_here = inodes;
}

int bfs_flock(int fd, int op)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct bfs_lock_req q = { .space = BFS_LOCK_FLOCK, .end = UINT64_MAX };
	struct bfs_lock_rep rep;
	int e;

	switch (op & ~LOCK_NB) {
	case LOCK_SH:
		q.type = F_RDLCK;
		break;
	case LOCK_EX:
		q.type = F_WRLCK;
		break;
	case LOCK_UN:
		q.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	/* The mode that neither reads nor writes has nothing to lock. */
	if ((d->oflags & O_ACCMODE) == O_ACCMODE)
		return q.type == F_UNLCK ? 0 : -EBADF;
	if (!with_daemon(d))
		return (int)bfs_sys_2(SYS_flock, fd, op);
	q.flags = op & LOCK_NB ? 0 : BFS_LOCK_BLOCK;
	e = ask(fd, d, &q, &rep);
	return e == -EACCES ? -EAGAIN : e;
}

int bfs_lockf(int fd, int cmd, off_t size)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct flock f = { .l_type = F_WRLCK,
			   .l_whence = SEEK_CUR,
			   .l_len = size };
	int e;

	if (!d)
		return -EBADF;
	switch (cmd) {
	case F_LOCK:
		return bfs_lock_fcntl(fd, d, F_SETLKW, &f);
	case F_TLOCK:
		return bfs_lock_fcntl(fd, d, F_SETLK, &f);
	case F_ULOCK:
		f.l_type = F_UNLCK;
		return bfs_lock_fcntl(fd, d, F_SETLK, &f);
	case F_TEST:
		f.l_type = F_RDLCK;
		e = bfs_lock_fcntl(fd, d, F_GETLK, &f);
		if (e || f.l_type == F_UNLCK ||
		    f.l_pid == (pid_t)bfs_sys_0(SYS_getpid))
			return e;
		return -EACCES;
	default:
		return -EINVAL;
	}
}
