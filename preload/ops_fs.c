/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system as a whole, and what makes data durable or allocated. */
#include "core/sys.h"
#include "preload/attr.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/open.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"

#include <string.h>

/* AT_HANDLE_FID, _MNT_ID_UNIQUE and _CONNECTABLE are newer than libc's. */
#define HANDLE_FLAGS (AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | 0x200 | 0x001 | 0x002)
#define BENCHFS_MAGIC 0x42454653 /* "BEFS" */

/* 0, -errno, or 1: w leads out. */
static int ask(struct bfs_where *w, struct bfs_statfs_rep *rep)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_client *c;
	int e = bfs_session(&c);

	while (!e) {
		if (w->foreign)
			return 1;
		e = bfs_rpc_statfs(
			c, &r,
			&(struct bfs_statfs_req){ .at = w->at,
						  .path = bfs_where_str(w) },
			rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

static int ask_fd(int fd, struct bfs_statfs_rep *rep)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct bfs_where w = { .path = "" };

	if (!d)
		return -EBADF;
	w.at = bfs_desc_handle(d);
	return ask(&w, rep);
}

static void fill_statfs(const struct bfs_statfs_rep *a, struct statfs *s)
{
	memset(s, 0, sizeof(*s));
	s->f_type = BENCHFS_MAGIC;
	s->f_bsize = s->f_frsize = a->bsize;
	s->f_blocks = a->blocks;
	s->f_bfree = a->bfree;
	s->f_bavail = a->bavail;
	s->f_files = a->files;
	s->f_ffree = a->ffree;
	s->f_fsid.__val[0] = (int)a->fsid;
	s->f_fsid.__val[1] = (int)(a->fsid >> 32);
	s->f_namelen = a->namelen;
}

static void fill_statvfs(const struct bfs_statfs_rep *a, struct statvfs *s)
{
	memset(s, 0, sizeof(*s));
	s->f_bsize = s->f_frsize = a->bsize;
	s->f_blocks = a->blocks;
	s->f_bfree = a->bfree;
	s->f_bavail = a->bavail;
	s->f_files = a->files;
	s->f_ffree = s->f_favail = a->ffree;
	s->f_fsid = a->fsid;
	s->f_namemax = a->namelen;
}

int bfs_statfs(const char *path, struct statfs *s)
{
	struct bfs_statfs_rep rep;
	struct bfs_where w;
	int e = bfs_where(&w, AT_FDCWD, path);

	if (!e)
		e = ask(&w, &rep);
	if (e == 1)
		return (int)bfs_ret(REAL(statfs)(w.path, s));
	if (!e)
		e = bfs_mem_out(s, sizeof(*s));
	if (!e)
		fill_statfs(&rep, s);
	return e;
}

int bfs_fstatfs(int fd, struct statfs *s)
{
	struct bfs_statfs_rep rep;
	int e = ask_fd(fd, &rep);

	if (!e)
		e = bfs_mem_out(s, sizeof(*s));
	if (!e)
		fill_statfs(&rep, s);
	return e;
}

int bfs_statvfs(const char *path, struct statvfs *s)
{
	struct bfs_statfs_rep rep;
	struct bfs_where w;
	int e = bfs_where(&w, AT_FDCWD, path);

	if (!e)
		e = ask(&w, &rep);
	if (e == 1)
		return (int)bfs_ret(REAL(statvfs)(w.path, s));
	if (!e)
		fill_statvfs(&rep, s);
	return e;
}

int bfs_fstatvfs(int fd, struct statvfs *s)
{
	struct bfs_statfs_rep rep;
	int e = ask_fd(fd, &rep);

	if (!e)
		fill_statvfs(&rep, s);
	return e;
}

/* HOOK_R: -1 with errno untouched is "no limit". */
static long limit(int name)
{
	switch (name) {
	case _PC_LINK_MAX:
		return 0x7fffffff;
	case _PC_NAME_MAX:
		return BFS_NAME_MAX;
	case _PC_PATH_MAX:
		return BFS_PATH_MAX;
	case _PC_MAX_CANON:
	case _PC_MAX_INPUT:
		return 255;
	case _PC_PIPE_BUF:
	case _PC_REC_INCR_XFER_SIZE:
	case _PC_REC_MIN_XFER_SIZE:
	case _PC_REC_XFER_ALIGN:
	case _PC_ALLOC_SIZE_MIN:
		return 4096;
	case _PC_CHOWN_RESTRICTED:
	case _PC_NO_TRUNC:
	case _PC_2_SYMLINKS:
	case _PC_SYNC_IO:
		return 1;
	case _PC_VDISABLE:
		return 0;
	case _PC_FILESIZEBITS:
		return 64;
	case _PC_ASYNC_IO:
	case _PC_PRIO_IO:
	case _PC_SOCK_MAXBUF:
	case _PC_SYMLINK_MAX:
	case _PC_REC_MAX_XFER_SIZE:
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

/* An unknown name is the first thing that libc refuses. */
static bool unknown(int name)
{
	int saved = errno;
	bool none;

	errno = 0;
	none = limit(name) < 0 && errno == EINVAL;
	errno = saved;
	return none;
}

static long fail(int e)
{
	errno = e;
	return -1;
}

long bfs_pathconf(const char *path, int name)
{
	struct stat st;
	int e = unknown(name) ? -EINVAL : bfs_stat(path, &st);

	return e ? fail(-e) : limit(name);
}

long bfs_fpathconf(int fd, int name)
{
	return bfs_fd_desc(fd) ? limit(name) : fail(EBADF);
}

/* Not there in this file system, as an honest kernel would say. */
int bfs_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	return -ENOSYS;
}

/* As on a kernel's file system that has no handles to give. */
int bfs_name_to_handle_at(int dirfd, const char *path, struct file_handle *h,
			  int *id, int flags)
{
	int how = AT_SYMLINK_NOFOLLOW;
	struct stat st;
	int e;

	if (flags & ~HANDLE_FLAGS)
		return -EINVAL;
	if (flags & AT_SYMLINK_FOLLOW)
		how = 0;
	e = bfs_fstatat(dirfd, path, &st, how | (flags & AT_EMPTY_PATH));
	return e ? e : -EOPNOTSUPP;
}

/*
 * Nothing of the kernel's can be mounted where it sees no directory, and the
 * real one of the prefix's name is not what was meant (F7).
 */
static int no_mount(const char *path, int how)
{
	struct stat st;
	int e = bfs_fstatat(AT_FDCWD, path, &st, how);

	return e ? e : -EPERM;
}

int bfs_mount(const char *what, const char *path, const char *type,
	      unsigned long flags, const void *data)
{
	return no_mount(path, 0);
}

int bfs_umount2(const char *path, int flags)
{
	return no_mount(path,
			flags & UMOUNT_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
}

int bfs_umount(const char *path)
{
	return bfs_umount2(path, 0);
}

/* libc's asks the kernel about the file by itself. */
key_t bfs_ftok(const char *path, int id)
{
	struct stat st;
	int e = bfs_stat(path, &st);

	if (e)
		return (key_t)fail(-e);
	return (key_t)((st.st_ino & 0xffff) | (st.st_dev & 0xff) << 16 |
		       ((unsigned)id & 0xff) << 24);
}

static int sync_by_daemon(struct bfs_desc *d, unsigned flags)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_fsync_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	if (!e)
		e = bfs_rpc_fsync(
			c, &r,
			&(struct bfs_fsync_req){ .handle = bfs_desc_handle(d),
						 .flags = flags },
			&rep);
	bfs_rpc_end(&r);
	return e;
}

/*
 * A passed-through file's errors are reported on its own description, so the
 * kernel is asked; what finds the data is the daemon's, if it has a journal.
 * All of that is in files of the same file system, for syncfs.
 */
static int sync_fd(int fd, long call, unsigned flags)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	int r;

	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	if (d->kind != BFS_KIND_PASS)
		return sync_by_daemon(d, flags);
	r = (int)bfs_sys_1(call, fd);
	if (r || flags == BFS_FSYNC_ALL || !bfs_session_journal())
		return r;
	return sync_by_daemon(d, flags | BFS_FSYNC_NAMES);
}

int bfs_sync_name(int fd)
{
	struct bfs_desc *d = bfs_fd_desc(fd);

	return bfs_session_journal() ? sync_by_daemon(d, BFS_FSYNC_NAMES) : 0;
}

int bfs_fsync(int fd)
{
	return sync_fd(fd, SYS_fsync, 0);
}

int bfs_fdatasync(int fd)
{
	return sync_fd(fd, SYS_fdatasync, BFS_FSYNC_DATA);
}

int bfs_syncfs(int fd)
{
	return sync_fd(fd, SYS_syncfs, BFS_FSYNC_ALL);
}

static int held_file(int fd)
{
	struct bfs_desc *d = bfs_fd_desc(fd);

	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	return d->kind == BFS_KIND_FILE ? 0 : -ENODEV;
}

int bfs_sync_file_range(int fd, off_t offset, off_t size, unsigned int flags)
{
	int e = held_file(fd);

	if (e)
		return e == -ENODEV ? -ESPIPE : e;
	if (offset < 0 || size < 0 ||
	    flags & ~(unsigned)(SYNC_FILE_RANGE_WAIT_BEFORE |
				SYNC_FILE_RANGE_WRITE |
				SYNC_FILE_RANGE_WAIT_AFTER))
		return -EINVAL;
	return bfs_fdatasync(fd);
}

int bfs_fallocate(int fd, int mode, off_t offset, off_t size)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_fallocate_rep rep;
	uint64_t room = bfs_file_room();
	struct bfs_client *c;
	int e;

	if (!bfs_fd_desc(fd) || bfs_fd_kind(fd) == BFS_KIND_PATH)
		return -EBADF;
	if (offset < 0 || size <= 0)
		return -EINVAL;
	e = held_file(fd);
	/* No directory is open for writing. */
	if (e || (bfs_fd_desc(fd)->oflags & O_ACCMODE) == O_RDONLY)
		e = -EBADF;
	if (!e)
		e = bfs_session(&c);
	if (!e)
		e = bfs_rpc_fallocate(
			c, &r,
			&(struct bfs_fallocate_req){
				.handle = bfs_desc_handle(bfs_fd_desc(fd)),
				.mode = (uint32_t)mode,
				.offset = (uint64_t)offset,
				.size = (uint64_t)size,
				.room = room },
			&rep);
	bfs_rpc_end(&r);
	return (int)bfs_file_grown(e, room);
}

int bfs_posix_fallocate(int fd, off_t offset, off_t size)
{
	return bfs_fallocate(fd, 0, offset, size);
}

/* Advice may be ignored, wrong arguments may not. */
int bfs_posix_fadvise(int fd, off_t offset, off_t size, int advice)
{
	struct bfs_desc *d = bfs_fd_desc(fd);

	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	return size < 0 || advice < POSIX_FADV_NORMAL ||
			       advice > POSIX_FADV_NOREUSE
		       ? -EINVAL
		       : 0;
}

ssize_t bfs_readahead(int fd, off_t offset, size_t n)
{
	int e = held_file(fd);

	/* O_WRONLY, or the mode that neither reads nor writes. */
	if (!e && bfs_fd_desc(fd)->oflags & O_WRONLY)
		e = -EBADF;
	return e == -ENODEV ? -EINVAL : e;
}
