/* SPDX-License-Identifier: BSD-3-Clause */
/* readlink and realpath. */
#include "core/sys.h"
#include "core/util.h"
#include "preload/fd.h"
#include "preload/handle.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static ssize_t copy_out(char *buf, size_t n, const char *from, size_t len)
{
	len = BFS_MIN(len, n);
	if (bfs_mem_out(buf, len))
		return -EFAULT;
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

	if (len == -ENOENT)
		len = snprintf(path, sizeof(path), "%s/#%lu (deleted)",
			       bfs_settings.mount, w->at.ino);
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
	if (bfs_exe_named(path)) /* the kernel's has the data's name */
		return copy_out(buf, n, bfs_exe_path(), strlen(bfs_exe_path()));
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
	/* A descriptor that is no symlink has nothing of that name. */
	if (e == -EINVAL && !*path)
		e = -ENOENT;
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

/* O_PATH handle of a place: 0, -errno, or 1: w leads out. */
static int find(struct bfs_where *w, int flags, struct bfs_open_rep *rep)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_client *c;
	int e = bfs_session(&c);

	while (!e) {
		if (w->foreign)
			return 1;
		e = bfs_rpc_open(c, &r,
				 &(struct bfs_open_req){
					 .at = w->at,
					 .path = bfs_where_str(w),
					 .oflags = O_PATH | (uint32_t)flags,
					 .arena_slot = BFS_NO_SLOT },
				 rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

/* Cut path before its last name, which is returned. */
static const char *split(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return NULL;
	*slash = '\0';
	return slash + 1;
}

/*
 * A file with several names: its directory tells which of them was meant,
 * once no symlink stands at the end of the path any more.
 */
static int resolve_named(const char *path, char *out)
{
	char at[2 * BFS_PATH_MAX], link[BFS_PATH_MAX];

	if (strlen(path) >= sizeof(link))
		return -ENAMETOOLONG;
	strcpy(at, path);
	for (int hops = 0; hops < 40; hops++) {
		ssize_t n = bfs_readlink(at, link, sizeof(link) - 1);
		const char *name;
		size_t len;
		char *dir;

		if (n >= 0 && link[0] == '/') {
			link[n] = '\0';
			strcpy(at, link);
			continue;
		}
		name = split(at);
		dir = bfs_realpath(name ? (*at ? at : "/") : ".", out);
		if ((unsigned long)dir >= (unsigned long)-4095)
			return (int)(long)dir;
		len = strlen(out);
		if (n >= 0) {
			link[n] = '\0';
			name = link;
		} else if (!name) {
			name = at;
		}
		if (len + 1 + strlen(name) >= BFS_PATH_MAX)
			return -ENAMETOOLONG;
		if (n < 0) {
			out[len] = '/';
			strcpy(out + len + 1, name);
			return 0;
		}
		memcpy(at, out, len);
		at[len] = '/';
		strcpy(at + len + 1, link);
	}
	return -ELOOP;
}

static int resolve(const char *path, char *out)
{
	struct bfs_open_rep rep;
	struct bfs_where w;
	int e = bfs_where(&w, AT_FDCWD, path);

	if (!e)
		e = find(&w, 0, &rep);
	if (e == 1)
		return REAL(realpath)(w.path, out) ? 0 : -errno;
	if (e)
		return e;
	if (rep.attr.nlink > 1 && !S_ISDIR(rep.attr.mode))
		return resolve_named(path, out);
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
