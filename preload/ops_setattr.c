/* SPDX-License-Identifier: BSD-3-Clause */
/* chmod, chown, times, truncate, access. */
#include "preload/attr.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/session.h"

#include "core/sys.h"

#include <signal.h>
#include <sys/resource.h>

int bfs_fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	struct bfs_setattr_req q = { .valid = BFS_SET_MODE,
				     .mode = mode & 07777,
				     .flags = (uint32_t)flags &
					      AT_SYMLINK_NOFOLLOW };
	struct bfs_where w;
	int e;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	e = bfs_where_at(&w, dirfd, path, flags);
	if (!e)
		e = bfs_setattr(&w, &q);
	return e == 1 ? (int)bfs_ret(
				REAL(fchmodat)(w.dirfd, w.path, mode, flags))
		      : e;
}

int bfs_chmod(const char *path, mode_t mode)
{
	return bfs_fchmodat(AT_FDCWD, path, mode, 0);
}

int bfs_lchmod(const char *path, mode_t mode)
{
	return bfs_fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW);
}

int bfs_fchmod(int fd, mode_t mode)
{
	struct bfs_setattr_req q = { .valid = BFS_SET_MODE,
				     .mode = mode & 07777 };

	return bfs_setattr_fd(fd, &q);
}

int bfs_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	struct bfs_setattr_req q = { .valid = BFS_SET_OWNER,
				     .uid = uid,
				     .gid = gid,
				     .flags = (uint32_t)flags &
					      AT_SYMLINK_NOFOLLOW };
	struct bfs_where w;
	int e;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	e = bfs_where_at(&w, dirfd, path, flags);
	if (!e)
		e = bfs_setattr(&w, &q);
	return e == 1 ? (int)bfs_ret(REAL(fchownat)(w.dirfd, w.path, uid, gid,
						    flags))
		      : e;
}

int bfs_chown(const char *path, uid_t uid, gid_t gid)
{
	return bfs_fchownat(AT_FDCWD, path, uid, gid, 0);
}

int bfs_lchown(const char *path, uid_t uid, gid_t gid)
{
	return bfs_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int bfs_fchown(int fd, uid_t uid, gid_t gid)
{
	struct bfs_setattr_req q = { .valid = BFS_SET_OWNER,
				     .uid = uid,
				     .gid = gid };

	return bfs_setattr_fd(fd, &q);
}

/* A time that is none is the daemon's to refuse: names are looked up first. */
static void one_time(const struct timespec *t, struct bfs_time *out,
		     uint32_t set, uint32_t now, uint32_t *valid)
{
	if (t->tv_nsec == UTIME_OMIT)
		return;
	if (t->tv_nsec == UTIME_NOW) {
		*valid |= now;
		return;
	}
	*out = (struct bfs_time){ t->tv_sec,
				  t->tv_nsec < 0 || t->tv_nsec > 999999999
					  ? UINT32_MAX
					  : (uint32_t)t->tv_nsec };
	*valid |= set;
}

/* t NULL: now, both. */
static int fill_times(struct bfs_setattr_req *q, const struct timespec t[2])
{
	if (!t) {
		q->valid = BFS_SET_ATIME_NOW | BFS_SET_MTIME_NOW;
		return 0;
	}
	if (bfs_mem_in(t, 2 * sizeof(*t)))
		return -EFAULT;
	one_time(&t[0], &q->atime, BFS_SET_ATIME, BFS_SET_ATIME_NOW, &q->valid);
	one_time(&t[1], &q->mtime, BFS_SET_MTIME, BFS_SET_MTIME_NOW, &q->valid);
	return 0;
}

int bfs_futimens(int fd, const struct timespec t[2])
{
	struct bfs_setattr_req q = { 0 };
	int e = fill_times(&q, t);

	if (e || (!q.valid && bfs_fd_desc(fd)))
		return e;
	return bfs_setattr_fd(fd, &q);
}

int bfs_utimensat(int dirfd, const char *path, const struct timespec t[2],
		  int flags)
{
	struct bfs_setattr_req q = { .flags = (uint32_t)flags &
					      AT_SYMLINK_NOFOLLOW };
	struct bfs_where w;
	int e;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	/* glibc refuses it; the system call, which means dirfd, does not. */
	if (!path)
		return -EINVAL;
	e = fill_times(&q, t);
	if (e || !q.valid)
		return e;
	e = bfs_where_at(&w, dirfd, path, flags);
	if (!e)
		e = bfs_setattr(&w, &q);
	return e == 1 ? (int)bfs_ret(REAL(utimensat)(w.dirfd, w.path, t, flags))
		      : e;
}

static int from_timeval(const struct timeval t[2], struct timespec out[2])
{
	if (bfs_mem_in(t, 2 * sizeof(*t)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (t[i].tv_usec < 0 || t[i].tv_usec > 999999)
			return -EINVAL;
		out[i] = (struct timespec){ t[i].tv_sec, t[i].tv_usec * 1000 };
	}
	return 0;
}

int bfs_futimesat(int dirfd, const char *path, const struct timeval t[2])
{
	struct timespec ts[2];
	int e = t ? from_timeval(t, ts) : 0;

	if (!path)
		return e ? e : bfs_futimens(dirfd, t ? ts : NULL);
	return e ? e : bfs_utimensat(dirfd, path, t ? ts : NULL, 0);
}

int bfs_utimes(const char *path, const struct timeval t[2])
{
	return bfs_futimesat(AT_FDCWD, path, t);
}

int bfs_lutimes(const char *path, const struct timeval t[2])
{
	struct timespec ts[2];
	int e = t ? from_timeval(t, ts) : 0;

	return e ? e
		 : bfs_utimensat(AT_FDCWD, path, t ? ts : NULL,
				 AT_SYMLINK_NOFOLLOW);
}

int bfs_futimes(int fd, const struct timeval t[2])
{
	struct timespec ts[2];
	int e = t ? from_timeval(t, ts) : 0;

	return e ? e : bfs_futimens(fd, t ? ts : NULL);
}

int bfs_utime(const char *path, const struct utimbuf *t)
{
	struct timespec ts[2];

	if (!t)
		return bfs_utimensat(AT_FDCWD, path, NULL, 0);
	if (bfs_mem_in(t, sizeof(*t)))
		return -EFAULT;
	ts[0] = (struct timespec){ t->actime, 0 };
	ts[1] = (struct timespec){ t->modtime, 0 };
	return bfs_utimensat(AT_FDCWD, path, ts, 0);
}

uint64_t bfs_file_room(void)
{
	struct rlimit l;

	if (bfs_sys_2(SYS_getrlimit, RLIMIT_FSIZE, &l) ||
	    l.rlim_cur == RLIM_INFINITY)
		return 0;
	return l.rlim_cur + 1;
}

long bfs_file_grown(long result, uint64_t room)
{
	if (result == -EFBIG && room)
		bfs_sys_3(SYS_tgkill, bfs_sys_0(SYS_getpid),
			  bfs_sys_0(SYS_gettid), SIGXFSZ);
	return result;
}

int bfs_truncate(const char *path, off_t size)
{
	/* By path, even if that is a name of a descriptor. */
	struct bfs_setattr_req q = { .valid = BFS_SET_SIZE,
				     .size = (uint64_t)size,
				     .room = bfs_file_room(),
				     .flags = AT_EMPTY_PATH };
	struct bfs_where w;
	int e;

	if (size < 0)
		return -EINVAL;
	e = bfs_where(&w, AT_FDCWD, path);
	if (!e)
		e = bfs_setattr(&w, &q);
	return e == 1 ? (int)bfs_ret(REAL(truncate)(w.path, size))
		      : (int)bfs_file_grown(e, q.room);
}

int bfs_ftruncate(int fd, off_t size)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct bfs_setattr_req q = { .valid = BFS_SET_SIZE,
				     .size = (uint64_t)size,
				     .room = bfs_file_room() };

	if (size < 0)
		return -EINVAL;
	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	if (d->kind != BFS_KIND_FILE || (d->oflags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	return (int)bfs_file_grown(bfs_setattr_fd(fd, &q), q.room);
}

/* Which ids are asked for: the effective, unless the real ones differ. */
static uint32_t access_flags(int flags)
{
	if (bfs_sys_0(SYS_getuid) == bfs_sys_0(SYS_geteuid) &&
	    bfs_sys_0(SYS_getgid) == bfs_sys_0(SYS_getegid))
		flags |= AT_EACCESS;
	return (uint32_t)flags;
}

int bfs_faccessat(int dirfd, const char *path, int mode, int flags)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_access_rep rep;
	struct bfs_client *c;
	struct bfs_where w;
	int e;

	if ((mode & ~(R_OK | W_OK | X_OK)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	e = bfs_where_at(&w, dirfd, path, flags);
	if (!e)
		e = bfs_session(&c);
	while (!e) {
		if (w.foreign)
			return (int)bfs_ret(
				REAL(faccessat)(w.dirfd, w.path, mode, flags));
		e = bfs_rpc_access(c, &r,
				   &(struct bfs_access_req){
					   .at = w.at,
					   .path = bfs_where_str(&w),
					   .mode = (uint32_t)mode,
					   .flags = access_flags(flags) },
				   &rep);
		if (!bfs_where_on(&w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

int bfs_access(const char *path, int mode)
{
	return bfs_faccessat(AT_FDCWD, path, mode, 0);
}

int bfs_euidaccess(const char *path, int mode)
{
	return bfs_faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}
