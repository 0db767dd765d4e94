/* SPDX-License-Identifier: BSD-3-Clause */
/* stat, chmod, chown, times, sizes: what GETATTR and SETATTR do. */
#include "preload/attr.h"

#include "core/sys.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"

#include <string.h>
#include <sys/sysmacros.h>

/* A device number of our own: no real file system has it. */
static uint64_t fs_dev(void)
{
	return makedev(0xbf5, 1);
}

static struct timespec to_timespec(struct bfs_time t)
{
	return (struct timespec){ (time_t)t.sec, (long)t.nsec };
}

void bfs_attr_stat(const struct bfs_attr *a, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = fs_dev();
	st->st_ino = a->ino;
	st->st_mode = a->mode;
	st->st_nlink = a->nlink;
	st->st_uid = a->uid;
	st->st_gid = a->gid;
	st->st_rdev = a->rdev;
	st->st_size = (off_t)a->size;
	st->st_blksize = 4096;
	st->st_blocks = (blkcnt_t)a->blocks;
	st->st_atim = to_timespec(a->atime);
	st->st_mtim = to_timespec(a->mtime);
	st->st_ctim = to_timespec(a->ctime);
}

static int give_stat(const struct bfs_attr *a, struct stat *st)
{
	int e = bfs_mem_out(st, sizeof(*st));

	if (!e)
		bfs_attr_stat(a, st);
	return e;
}

static struct statx_timestamp to_statx(struct bfs_time t)
{
	return (struct statx_timestamp){ .tv_sec = t.sec, .tv_nsec = t.nsec };
}

static void fill_statx(const struct bfs_attr *a, struct statx *x)
{
	memset(x, 0, sizeof(*x));
	x->stx_mask = STATX_BASIC_STATS | STATX_BTIME;
	x->stx_blksize = 4096;
	x->stx_nlink = a->nlink;
	x->stx_uid = a->uid;
	x->stx_gid = a->gid;
	x->stx_mode = (uint16_t)a->mode;
	x->stx_ino = a->ino;
	x->stx_size = a->size;
	x->stx_blocks = a->blocks;
	x->stx_atime = to_statx(a->atime);
	x->stx_mtime = to_statx(a->mtime);
	x->stx_ctime = to_statx(a->ctime);
	x->stx_btime = to_statx(a->btime);
	x->stx_rdev_major = major(a->rdev);
	x->stx_rdev_minor = minor(a->rdev);
	x->stx_dev_major = major(fs_dev());
	x->stx_dev_minor = minor(fs_dev());
}

/*
 * Attributes of a place.  0, -errno, or 1 with w naming where it leads out of
 * BenchFS: the caller asks libc then.
 */
static int attr_of(struct bfs_where *w, int flags, struct bfs_attr *a)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_getattr_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	while (!e) {
		if (w->foreign)
			return 1;
		e = bfs_rpc_getattr(
			c, &r,
			&(struct bfs_getattr_req){ .at = w->at,
						   .path = bfs_where_str(w),
						   .flags = (uint32_t)flags },
			&rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	if (!e)
		*a = rep.attr;
	return e;
}

int bfs_attr_handle(struct bfs_handle h, struct bfs_attr *a)
{
	struct bfs_where w = { .at = h, .path = "" };

	return attr_of(&w, 0, a);
}

int bfs_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	struct bfs_where w;
	struct bfs_attr a;
	int e = bfs_where_at(&w, dirfd, path, flags);

	if (flags & ~(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (!e)
		e = attr_of(&w, flags & AT_SYMLINK_NOFOLLOW, &a);
	if (e == 1) {
		e = (int)bfs_ret(REAL(fstatat)(w.dirfd, w.path, st, flags));
		if (e != -ENOENT || (flags & AT_SYMLINK_NOFOLLOW) ||
		    !bfs_where_lead(&w, true))
			return e;
		e = attr_of(&w, 0, &a);
	}
	return e ? e : give_stat(&a, st);
}

int bfs_stat(const char *path, struct stat *st)
{
	return bfs_fstatat(AT_FDCWD, path, st, 0);
}

int bfs_lstat(const char *path, struct stat *st)
{
	return bfs_fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

/*
 * A number may have been closed and used again behind our back (by a raw
 * system call): then it is no data file of ours any more (RULES 4).
 */
static bool still_ours(int fd, const struct bfs_desc *d, struct stat *st)
{
	if (d->kind != BFS_KIND_PASS)
		return true;
	if (!bfs_sys_fstat(fd, st) && st->st_ino == d->data_ino &&
	    st->st_dev == bfs_session_data_dev())
		return true;
	return bfs_session_data_dev() == 0;
}

int bfs_fstat(int fd, struct stat *st)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct bfs_attr a;
	int e = bfs_mem_out(st, sizeof(*st));

	if (!d)
		return -EBADF;
	if (e)
		return e;
	if (!still_ours(fd, d, st)) {
		bfs_fd_share(fd); /* somebody closed it behind our back */
		(void)bfs_fd_forget(fd);
		return bfs_sys_fstat(fd, st);
	}
	e = bfs_attr_handle(bfs_desc_handle(d), &a);
	/* The daemon has forgotten the inode (a restart): what the kernel
	 * knows of the data file is still true (RULES 16). */
	if (e == -ESTALE && d->kind == BFS_KIND_PASS) {
		st->st_dev = fs_dev();
		st->st_ino = d->ino;
		st->st_nlink = 0;
		return 0;
	}
	if (!e)
		bfs_attr_stat(&a, st);
	return e;
}

int bfs_statx(int dirfd, const char *path, int flags, unsigned int mask,
	      struct statx *x)
{
	struct bfs_where w;
	struct bfs_attr a;
	int e;

	if ((mask & STATX__RESERVED) ||
	    (flags & ~(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW |
		       AT_STATX_SYNC_TYPE)) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	e = bfs_where_at(&w, dirfd, path, flags);
	if (!e)
		e = attr_of(&w, flags & AT_SYMLINK_NOFOLLOW, &a);
	if (e == 1)
		return (int)bfs_ret(
			REAL(statx)(w.dirfd, w.path, flags, mask, x));
	if (!e)
		e = bfs_mem_out(x, sizeof(*x));
	if (!e)
		fill_statx(&a, x);
	return e;
}

/* Version 1 is the only layout of x86-64; 0 is the kernel's, the same. */
#define STAT_VER(ver) ((ver) == 0 || (ver) == 1)

int bfs___xstat(int ver, const char *path, struct stat *st)
{
	return STAT_VER(ver) ? bfs_stat(path, st) : -EINVAL;
}

int bfs___lxstat(int ver, const char *path, struct stat *st)
{
	return STAT_VER(ver) ? bfs_lstat(path, st) : -EINVAL;
}

int bfs___fxstat(int ver, int fd, struct stat *st)
{
	return STAT_VER(ver) ? bfs_fstat(fd, st) : -EINVAL;
}

int bfs___fxstatat(int ver, int dirfd, const char *path, struct stat *st,
		   int flags)
{
	return STAT_VER(ver) ? bfs_fstatat(dirfd, path, st, flags) : -EINVAL;
}

int bfs_setattr(struct bfs_where *w, struct bfs_setattr_req *q)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_setattr_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	while (!e) {
		if (w->foreign)
			return 1;
		q->at = w->at;
		q->path = bfs_where_str(w);
		e = bfs_rpc_setattr(c, &r, q, &rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

/* The place that an open descriptor is. */
static int where_fd(struct bfs_where *w, int fd)
{
	struct bfs_desc *d = bfs_fd_desc(fd);

	if (!d)
		return -EBADF;
	*w = (struct bfs_where){ .at = bfs_desc_handle(d), .path = "" };
	return d->kind == BFS_KIND_PATH ? -EBADF : 0;
}

int bfs_setattr_fd(int fd, struct bfs_setattr_req *q)
{
	struct bfs_where w;
	int e = where_fd(&w, fd);

	return e ? e : bfs_setattr(&w, q);
}
