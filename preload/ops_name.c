/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that make and remove names. */
#include "core/sys.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"

#include <string.h>

static int make_node(int dirfd, const char *path, mode_t mode, dev_t dev,
		     const char *target, struct bfs_where *w)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_mknod_rep rep;
	struct bfs_client *c;
	int e = bfs_where_name(w, dirfd, path);

	if (!e)
		e = bfs_session(&c);
	while (!e) {
		if (w->foreign)
			return 1;
		e = bfs_rpc_mknod(
			c, &r,
			&(struct bfs_mknod_req){
				.at = w->at,
				.path = bfs_where_str(w),
				.mode = mode,
				.rdev = dev,
				.target = { target,
					    (uint32_t)strlen(target) } },
			&rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

int bfs_mkdirat(int dirfd, const char *path, mode_t mode)
{
	struct bfs_where w;
	mode_t m = S_IFDIR | (mode & 01777 & ~bfs_umask_now);
	int e = make_node(dirfd, path, m, 0, "", &w);

	return e == 1 ? (int)bfs_ret(REAL(mkdirat)(w.dirfd, w.path, mode)) : e;
}

int bfs_mkdir(const char *path, mode_t mode)
{
	return bfs_mkdirat(AT_FDCWD, path, mode);
}

int bfs_mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
	struct bfs_where w;
	mode_t type = mode & S_IFMT;
	int e;

	if (type == S_IFDIR)
		return -EPERM;
	if (!type)
		type = S_IFREG;
	if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK &&
	    type != S_IFCHR && type != S_IFBLK)
		return -EINVAL;
	e = make_node(dirfd, path, type | bfs_mode_new(mode & 07777), dev, "",
		      &w);
	return e == 1 ? (int)bfs_ret(REAL(mknodat)(w.dirfd, w.path, mode, dev))
		      : e;
}

int bfs_mknod(const char *path, mode_t mode, dev_t dev)
{
	return bfs_mknodat(AT_FDCWD, path, mode, dev);
}

int bfs___xmknod(int ver, const char *path, mode_t mode, dev_t *dev)
{
	return ver ? -EINVAL : bfs_mknod(path, mode, *dev);
}

int bfs___xmknodat(int ver, int dirfd, const char *path, mode_t mode,
		   dev_t *dev)
{
	return ver ? -EINVAL : bfs_mknodat(dirfd, path, mode, *dev);
}

int bfs_mkfifoat(int dirfd, const char *path, mode_t mode)
{
	return bfs_mknodat(dirfd, path, (mode & 07777) | S_IFIFO, 0);
}

int bfs_mkfifo(const char *path, mode_t mode)
{
	return bfs_mkfifoat(AT_FDCWD, path, mode);
}

int bfs_symlinkat(const char *target, int dirfd, const char *path)
{
	struct bfs_where w;
	long n = bfs_mem_str(target, BFS_PATH_MAX);
	int e;

	if (n <= 0)
		return n ? (int)n : -ENOENT;
	if (n == BFS_PATH_MAX)
		return -ENAMETOOLONG;
	e = make_node(dirfd, path, S_IFLNK | 0777, 0, target, &w);
	return e == 1 ? (int)bfs_ret(REAL(symlinkat)(target, w.dirfd, w.path))
		      : e;
}

int bfs_symlink(const char *target, const char *path)
{
	return bfs_symlinkat(target, AT_FDCWD, path);
}

int bfs_unlinkat(int dirfd, const char *path, int flags)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_unlink_rep rep;
	struct bfs_client *c;
	struct bfs_where w;
	int e;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	e = bfs_where_name(&w, dirfd, path);
	if (!e)
		e = bfs_session(&c);
	while (!e) {
		if (w.foreign)
			return (int)bfs_ret(
				REAL(unlinkat)(w.dirfd, w.path, flags));
		e = bfs_rpc_unlink(
			c, &r,
			&(struct bfs_unlink_req){ .at = w.at,
						  .path = bfs_where_str(&w),
						  .flags = (uint32_t)flags },
			&rep);
		if (!bfs_where_on(&w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

int bfs_unlink(const char *path)
{
	return bfs_unlinkat(AT_FDCWD, path, 0);
}

int bfs_rmdir(const char *path)
{
	return bfs_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int bfs_remove(const char *path)
{
	int e = bfs_unlink(path);

	return e == -EISDIR ? bfs_rmdir(path) : e;
}
