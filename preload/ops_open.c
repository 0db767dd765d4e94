/* SPDX-License-Identifier: BSD-3-Clause */
/* open and its family. */
#include "core/log.h"
#include "core/sys.h"
#include "preload/fd.h"
#include "preload/open.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/self_open.h"
#include "preload/session.h"

bool bfs_open_creates(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static void describe(struct bfs_desc *d, const struct bfs_open_rep *rep,
		     int flags)
{
	d->ino = rep->handle.ino;
	d->rights = rep->handle.rights;
	d->mac = rep->handle.mac;
	d->oflags = (uint32_t)(flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC |
					 O_CLOEXEC));
}

/* The passed descriptor is the data file itself, already without offset. */
static int take_data_file(int fd, struct bfs_desc *d,
			  const struct bfs_open_rep *rep, int flags)
{
	if (fd >= BFS_FDS) {
		bfs_sys_close(fd);
		return -EMFILE;
	}
	if (!(flags & O_CLOEXEC))
		bfs_sys_fcntl(fd, F_SETFD, 0);
	d->data_ino = rep->data_ino;
	bfs_fd_adopt(fd, BFS_KIND_PASS, d);
	return fd;
}

/* A fifo: the daemon passed an O_PATH descriptor and did not open it (R11). */
static int open_special(int path_fd, int flags)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	fd = (int)bfs_ret(REAL(openat)(
		AT_FDCWD, name, flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW), 0));
	bfs_sys_close(path_fd);
	return fd;
}

static int finish(struct bfs_rpc *r, struct bfs_open_rep *rep,
		  struct bfs_desc *d, int flags)
{
	bool cloexec = flags & O_CLOEXEC;
	int fd;

	describe(d, rep, flags);
	if (rep->kind == BFS_OPEN_SELF) {
		fd = bfs_self_open(r->t, d, flags);
		if (fd != BFS_SELF_CANNOT)
			return fd;
		bfs_rpc_end(r);
		fd = bfs_self_take(r, d, flags, rep);
		if (fd)
			return fd;
	}
	fd = r->io.fd;
	bfs_rpc_end(r);
	switch (rep->kind) {
	case BFS_OPEN_PASS:
		fd = take_data_file(fd, d, rep, flags);
		break;
	case BFS_OPEN_FILE:
		return bfs_fd_placeholder(BFS_KIND_FILE, d, cloexec);
	case BFS_OPEN_DIR:
		return bfs_fd_placeholder(BFS_KIND_DIR, d, cloexec);
	case BFS_OPEN_PATH:
		return bfs_fd_placeholder(BFS_KIND_PATH, d, cloexec);
	case BFS_OPEN_SPECIAL:
		fd = open_special(fd, flags);
		bfs_desc_drop(d);
		return fd;
	default:
		bfs_log(error, "open: answer of unknown kind %u", rep->kind);
		return -EIO;
	}
	return fd;
}

static int open_foreign(const struct bfs_where *w, int flags, mode_t mode,
			uint32_t resolve)
{
	struct open_how how = { .flags = (uint64_t)flags,
				.mode = bfs_open_creates(flags) ? mode : 0,
				.resolve = resolve };

	/* libc has no function for it. */
	if (resolve)
		return (int)bfs_sys_4(SYS_openat2, w->dirfd, w->path, &how,
				      sizeof(how));
	return (int)bfs_ret(REAL(openat)(w->dirfd, w->path, flags, mode));
}

/* w is where to start; d the record in the making. */
/* Writes will be durable: the name has to be. */
static int with_name(int fd)
{
	int e = bfs_fd_kind(fd) == BFS_KIND_PASS ||
				bfs_fd_kind(fd) == BFS_KIND_FILE
			? bfs_sync_name(fd)
			: 0;

	if (e)
		bfs_close(fd);
	return e ? e : fd;
}

static int open_where(struct bfs_where *w, struct bfs_desc *d, int flags,
		      mode_t mode, uint32_t resolve)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_rep rep;
	struct bfs_client *c;
	bool local = false;
	int e = bfs_session(&c);

	while (!e) {
		if (w->foreign) {
			e = open_foreign(w, flags, mode, resolve);
			if (e == -ENOENT && !(flags & O_NOFOLLOW) &&
			    bfs_where_lead(w, true)) {
				e = 0;
				continue;
			}
			bfs_desc_drop(d);
			return e;
		}
		if (w->magic && resolve & BFS_NO_MAGIC) {
			e = -ELOOP;
			break;
		}
		e = bfs_rpc_open(c, &r,
				 &(struct bfs_open_req){
					 .at = w->at,
					 .path = bfs_where_str(w),
					 .oflags = (uint32_t)flags,
					 .mode = bfs_open_creates(flags)
							 ? bfs_mode_new(mode)
							 : 0,
					 .resolve = resolve,
					 .arena_slot = bfs_desc_index(d),
					 .slot_gen = bfs_desc_gen(d) },
				 &rep);
		/* A fifo: its descriptor comes by the local socket only. */
		if (e == -EOPNOTSUPP && bfs_settings.ucx && !local) {
			local = true;
			e = bfs_session_local(&c);
			continue;
		}
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	if (!e)
		e = finish(&r, &rep, d, flags);
	bfs_rpc_end(&r);
	if (e < 0)
		bfs_desc_drop(d);
	return e < 0 || !(flags & O_DSYNC) ? e : with_name(e);
}

int bfs_open_bad_flags(int flags)
{
	bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;

	if (flags & O_PATH)
		return 0;
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return -EINVAL;
	return unnamed && (flags & O_ACCMODE) == O_RDONLY ? -EINVAL : 0;
}

/* Where RESOLVE_* lets a path start that is ours. */
static int check_start(const struct bfs_where *w, const char *path,
		       uint32_t resolve)
{
	/* By its own name, or by one of a directory above it. */
	bool by_mount = !w->magic && *w->path == '/';

	if (w->foreign || !by_mount)
		return 0;
	return resolve & (RESOLVE_NO_XDEV | BFS_SCOPED) ? -EXDEV : 0;
}

int bfs_openat_resolve(int dirfd, const char *path, int flags, mode_t mode,
		       uint32_t resolve)
{
	struct bfs_where w;
	struct bfs_desc *d;
	int e = bfs_where_at(&w, dirfd, path,
			     flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);

	if (!e)
		e = check_start(&w, path, resolve);
	if (!e && w.link_slash && (flags & O_CREAT))
		e = -EISDIR;
	if (!e)
		e = bfs_desc_new(&d);
	return e ? e : open_where(&w, d, flags, mode & 07777, resolve);
}

int bfs_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int e = bfs_open_bad_flags(flags);

	/* The kernel ignores what O_PATH does not use. */
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	return e ? e : bfs_openat_resolve(dirfd, path, flags, mode, 0);
}

int bfs_open(const char *path, int flags, mode_t mode)
{
	return bfs_openat(AT_FDCWD, path, flags, mode);
}

int bfs_creat(const char *path, mode_t mode)
{
	return bfs_open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int bfs___open_2(const char *path, int flags)
{
	if (bfs_open_creates(flags))
		__chk_fail();
	return bfs_open(path, flags, 0);
}

int bfs___openat_2(int dirfd, const char *path, int flags)
{
	if (bfs_open_creates(flags))
		__chk_fail();
	return bfs_openat(dirfd, path, flags, 0);
}
