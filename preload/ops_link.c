/* SPDX-License-Identifier: BSD-3-Clause */
/* readlink and realpath. */
#include "core/sys.h"
#include "core/util.h"
#include "preload/fd.h"
#include "preload/handle.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"

#include <string.h>

static ssize_t copy_out(char *buf, size_t n, const char *from, size_t len)
{
	len = BFS_MIN(len, n);
	memcpy(buf, from, len);
	return (ssize_t)len;
}

/* /proc/self/fd/N of ours is a link to the file; it has no link itself. */
static bool names_descriptor(const struct bfs_where *w, const char *path)
{
	return *path == '/' && !*w->path && w->at.ino;
}

static ssize_t read_descriptor(const struct bfs_where *w, char *buf, size_t n)
{
	char path[BFS_PATH_MAX];
	int len = bfs_handle_path(w->at, path, sizeof(path));

	return len < 0 ? len : copy_out(buf, n, path, (size_t)len);
}

ssize_t bfs_readlinkat(int dirfd, const char *path, char *buf, size_t n)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_readlink_rep rep;
	struct bfs_client *c;
	struct bfs_where w;
	ssize_t done = 0;
	int e;

	if ((ssize_t)n <= 0)
		return -EINVAL;
	e = bfs_where_at(&w, dirfd, path, AT_EMPTY_PATH);
	if (!e && names_descriptor(&w, path))
		return read_descriptor(&w, buf, n);
	if (!e)
		e = bfs_session(&c);
	while (!e) {
		if (w.foreign)
			return bfs_ret(
				REAL(readlinkat)(w.dirfd, w.path, buf, n));
		e = bfs_rpc_readlink(
			c, &r,
			&(struct bfs_readlink_req){ .at = w.at,
						    .path = bfs_where_str(&w) },
			&rep);
		if (!bfs_where_on(&w, &r, &e))
			break;
	}
	if (!e)
		done = copy_out(buf, n, rep.target.ptr, rep.target.len);
	bfs_rpc_end(&r);
	return e ? e : done;
}

ssize_t bfs_readlink(const char *path, char *buf, size_t n)
{
	return bfs_readlinkat(AT_FDCWD, path, buf, n);
}

ssize_t bfs___readlink_chk(const char *path, char *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return bfs_readlink(path, buf, n);
}

ssize_t bfs___readlinkat_chk(int dirfd, const char *path, char *buf, size_t n,
			     size_t size)
{
	if (n > size)
		__chk_fail();
	return bfs_readlinkat(dirfd, path, buf, n);
}

/*
 * The walk to the file ends at its inode; the daemon knows its directory's
 * path, and the last name is found by resolving symlinks here.
 */
static int resolve(const char *path, char *out)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_rep rep;
	struct bfs_client *c;
	struct bfs_where w;
	char *p;
	int e = bfs_where(&w, AT_FDCWD, path);

	if (!e)
		e = bfs_session(&c);
	while (!e) {
		if (w.foreign) {
			p = REAL(realpath)(w.path, out);
			return p ? 0 : -errno;
		}
		e = bfs_rpc_open(
			c, &r,
			&(struct bfs_open_req){ .at = w.at,
						.path = bfs_where_str(&w),
						.oflags = O_PATH,
						.arena_slot = BFS_NO_SLOT },
			&rep);
		if (!bfs_where_on(&w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	if (e)
		return e;
	e = bfs_handle_path(rep.handle, out, BFS_PATH_MAX);
	return e < 0 ? e : 0;
}

char *bfs_realpath(const char *path, char *out)
{
	char buf[BFS_PATH_MAX];
	int e = resolve(path, out ? out : buf);
	char *copy;

	if (e)
		return (char *)(long)e;
	if (out)
		return out;
	copy = malloc(strlen(buf) + 1);
	return copy ? strcpy(copy, buf) : (char *)(long)-ENOMEM;
}

char *bfs___realpath_chk(const char *path, char *out, size_t size)
{
	if (out && size < BFS_PATH_MAX)
		__chk_fail();
	return bfs_realpath(path, out);
}

char *bfs_canonicalize_file_name(const char *path)
{
	return bfs_realpath(path, NULL);
}
