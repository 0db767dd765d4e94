/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/path.h"

#include "core/sys.h"
#include "core/util.h"
#include "preload/lead.h"
#include "preload/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Behind slashes and "." components; p stands at a slash or at the end. */
static const char *skip_slashes(const char *p)
{
	while (*p == '/') {
		p++;
		if (p[0] == '.' && (p[1] == '/' || !p[1]))
			p++;
	}
	return p;
}

/*
 * Match p against the components of want, both without a leading slash, and
 * return what is left of p ("" or "/..."); NULL if it does not start so.
 */
static const char *match(const char *p, const char *want)
{
	for (;;) {
		while (*want && *want != '/') {
			if (*p++ != *want++)
				return NULL;
		}
		if (*p && *p != '/')
			return NULL;
		if (!*want)
			return p;
		want++;
		if (!*p)
			return NULL;
		p = skip_slashes(p);
	}
}

/* The same at the start of a relative path. */
static const char *skip_dots(const char *p)
{
	while (p[0] == '.' && p[1] == '/')
		p = skip_slashes(p + 1);
	return p;
}

static const char *below_mount(const char *p)
{
	const struct bfs_settings *s = &bfs_settings;

	/* The usual spelling first. */
	if (!strncmp(p, s->mount, s->mount_len) &&
	    (p[s->mount_len] == '/' || !p[s->mount_len]))
		return p + s->mount_len;
	return match(skip_slashes(p), s->mount + 1);
}

static const char *number(const char *p, int *n)
{
	int v = 0;

	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9' && v < BFS_FDS; p++)
		v = 10 * v + (*p - '0');
	*n = v;
	return *p && *p != '/' ? NULL : p;
}

/* "/proc/self/", "/proc/<our pid>/" and the like: what follows, or NULL. */
static const char *own_proc(const char *p)
{
	static const char *const names[] = { "/proc/self/",
					     "/proc/thread-self/" };
	const char *q;
	int pid;

	for (size_t i = 0; i < BFS_COUNT(names); i++)
		if (!strncmp(p, names[i], strlen(names[i])))
			return p + strlen(names[i]);
	if (strncmp(p, "/proc/", 6))
		return NULL;
	q = number(p + 6, &pid);
	return q && *q == '/' && pid == bfs_sys_0(SYS_getpid) ? q + 1 : NULL;
}

/* A name of one of our descriptors: its number and the rest of the path. */
static const char *fd_name(const char *p, int *fd)
{
	static const char *const std[] = { "/dev/stdin", "/dev/stdout",
					   "/dev/stderr" };
	const char *q = own_proc(p);

	for (int i = 0; i < 3; i++)
		if (!strcmp(p, std[i])) {
			*fd = i;
			return "";
		}
	if (q)
		q = strncmp(q, "fd/", 3) ? NULL : q + 3;
	else
		q = strncmp(p, "/dev/fd/", 8) ? NULL : p + 8;
	return q ? number(q, fd) : NULL;
}

static bool maybe_fd_name(const char *p)
{
	return p[0] == '/' && (p[1] == 'p' || p[1] == 'd');
}

static const char *own_fd_name(const char *p, int *fd)
{
	const char *rest = maybe_fd_name(p) ? fd_name(p, fd) : NULL;

	return rest && bfs_fd_desc(*fd) ? rest : NULL;
}

/* "/proc/self/cwd" while the working directory is ours. */
static const char *own_cwd_name(const char *p)
{
	const char *q = bfs_cwd_ours && maybe_fd_name(p) ? own_proc(p) : NULL;

	if (!q || strncmp(q, "cwd", 3) || (q[3] && q[3] != '/'))
		return NULL;
	return q + 3;
}

/* From the kernel's working directory below the mount point: what is left of
 * p, or NULL. */
static const char *from_cwd(const char *p)
{
	const char *way = bfs_cwd_to_mount;

	return *way ? match(skip_dots(p), way) : NULL;
}

bool bfs_owns_path(const char *p)
{
	int fd;

	if (bfs_unlikely(!bfs_ready))
		bfs_init();
	/* A bad address goes to libc, and the kernel says EFAULT. */
	if (!bfs_on || bfs_aside || bfs_mem_str(p, BFS_PATH_MAX) < 0)
		return false;
	if (*p == '/')
		return below_mount(p) || own_fd_name(p, &fd) || own_cwd_name(p);
	if (bfs_cwd_ours)
		return true;
	return from_cwd(p) != NULL;
}

/* Is dirfd the directory that the first n bytes of the mount point name? */
static bool is_above(int dirfd, size_t n)
{
	char name[sizeof(bfs_settings.mount)];
	struct stat above, it;

	memcpy(name, bfs_settings.mount, n);
	strcpy(name + n, n ? "" : "/");
	return !bfs_sys_fstat(dirfd, &it) && S_ISDIR(it.st_mode) &&
	       !bfs_sys_4(SYS_newfstatat, AT_FDCWD, name, &above, 0) &&
	       it.st_ino == above.st_ino && it.st_dev == above.st_dev;
}

/*
 * Does p lead to the mount point from dirfd, a directory above it ("benchfs"
 * in /)?  What is left of p then, or NULL.  Programs walk so that resolve a
 * path name by name.
 */
static const char *from_above(int dirfd, const char *p)
{
	const struct bfs_settings *s = &bfs_settings;
	const char *rest;

	p = skip_dots(p);
	for (const char *m = s->mount; m; m = strchr(m + 1, '/')) {
		rest = match(p, m + 1);
		if (bfs_unlikely(rest && is_above(dirfd, m - s->mount)))
			return rest;
	}
	return NULL;
}

bool bfs_owns_at(int dirfd, const char *p)
{
	if (dirfd == AT_FDCWD)
		return bfs_owns_path(p);
	if (bfs_unlikely(!bfs_ready))
		bfs_init();
	if (!bfs_on || bfs_mem_str(p, BFS_PATH_MAX) < 0)
		return false;
	if (*p == '/')
		return bfs_owns_path(p);
	return bfs_fd_desc(dirfd) || (*p && !bfs_aside && from_above(dirfd, p));
}

/* Behind the name of a descriptor; slashes ask for a directory. */
static void start_behind(struct bfs_where *w, const char *rest)
{
	const char *p = rest;

	while (*p == '/')
		p++;
	w->magic = true;
	w->link = !*rest;
	w->link_slash = *rest && !*p;
	w->path = w->link_slash ? "." : p;
}

/* Absolute paths of ours. */
static bool start_absolute(struct bfs_where *w, const char *p)
{
	const char *rest = below_mount(p);
	int fd;

	if (rest) {
		w->path = *rest ? rest : "/";
		return true;
	}
	rest = own_fd_name(p, &fd);
	if (rest)
		w->at = bfs_desc_handle(bfs_fd_desc(fd));
	else if ((rest = own_cwd_name(p)))
		w->at = bfs_cwd_handle();
	else
		return false;
	start_behind(w, rest);
	return true;
}

static bool start_relative(struct bfs_where *w, int dirfd, const char *p)
{
	const struct bfs_desc *d =
		dirfd == AT_FDCWD ? NULL : bfs_fd_desc(dirfd);
	const char *rest;

	w->path = p;
	if (d)
		w->at = bfs_desc_handle(d);
	else if (dirfd == AT_FDCWD && bfs_cwd_ours)
		w->at = bfs_cwd_handle();
	else if (dirfd == AT_FDCWD && (rest = from_cwd(p)))
		w->path = *rest ? rest : "/";
	else if (dirfd != AT_FDCWD && (rest = from_above(dirfd, p)))
		w->path = *rest ? rest : "/";
	else
		return false;
	return true;
}

int bfs_where(struct bfs_where *w, int dirfd, const char *path)
{
	long n = bfs_mem_str(path, BFS_PATH_MAX);
	bool ours;

	if (n < 0)
		return (int)n;
	if (n == BFS_PATH_MAX)
		return -ENAMETOOLONG;
	w->at = (struct bfs_handle){ 0, 0, 0 };
	w->link = w->link_slash = w->magic = false;
	w->hops = 0;
	if (!*path)
		return -ENOENT;
	ours = *path == '/' ? start_absolute(w, path)
			    : start_relative(w, dirfd, path);
	w->foreign = !ours;
	w->dirfd = dirfd;
	if (!ours)
		w->path = path;
	return 0;
}

static void make_foreign(struct bfs_where *w, int dirfd, const char *path)
{
	w->foreign = true;
	w->dirfd = dirfd;
	w->path = path;
}

int bfs_where_name(struct bfs_where *w, int dirfd, const char *path)
{
	int e = bfs_where(w, dirfd, path);

	if (!e && (w->link || w->link_slash))
		make_foreign(w, dirfd, path);
	return e;
}

int bfs_where_at(struct bfs_where *w, int dirfd, const char *path, int flags)
{
	struct bfs_desc *d;

	if (!(flags & AT_EMPTY_PATH) || bfs_mem_in(path, 1) || *path) {
		int e = bfs_where(w, dirfd, path);

		if (!e && w->link && (flags & AT_SYMLINK_NOFOLLOW))
			make_foreign(w, dirfd, path);
		return e;
	}
	*w = (struct bfs_where){ .dirfd = dirfd, .path = "" };
	d = dirfd == AT_FDCWD ? NULL : bfs_fd_desc(dirfd);
	if (d)
		w->at = bfs_desc_handle(d);
	else if (dirfd == AT_FDCWD && bfs_cwd_ours)
		w->at = bfs_cwd_handle();
	else
		w->foreign = true;
	return 0;
}

/* ".." of the root of BenchFS: the directory that holds the mount point. */
static size_t mount_dir_len(void)
{
	size_t n = bfs_settings.mount_len;

	while (n && bfs_settings.mount[n - 1] != '/')
		n--;
	return n;
}

int bfs_where_escape(struct bfs_where *w, const struct bfs_escape_rep *x)
{
	size_t up = x->up ? mount_dir_len() : 0;
	unsigned hops = w->hops + 1;
	char next[BFS_PATH_MAX];
	int r;

	if (hops > 40)
		return -ELOOP;
	if (up + x->path.len >= sizeof(next))
		return -ENAMETOOLONG;
	memcpy(next, bfs_settings.mount, up);
	memcpy(next + up, x->path.ptr, x->path.len);
	next[up + x->path.len] = '\0';
	memcpy(w->buf, next, up + x->path.len + 1);
	r = bfs_where(w, AT_FDCWD, w->buf);
	w->hops = hops;
	if (!r && w->foreign)
		bfs_where_lead(w, false);
	return r;
}

bool bfs_where_lead(struct bfs_where *w, bool follow)
{
	char found[BFS_PATH_MAX];
	unsigned hops = w->hops;

	if (!w->foreign ||
	    !bfs_leads_in(w->dirfd, w->path, follow, found, sizeof(found)))
		return false;
	strcpy(w->buf, found);
	if (bfs_where(w, AT_FDCWD, w->buf))
		return false;
	w->hops = hops;
	return !w->foreign;
}

bool bfs_where_on(struct bfs_where *w, struct bfs_rpc *r, int *e)
{
	if (*e != -(int)BFS_ESCAPE)
		return false;
	*e = bfs_where_escape(w, &r->escape);
	bfs_rpc_end(r);
	return *e == 0;
}

int bfs_path_out(char *out, size_t size, struct bfs_str path)
{
	size_t n = bfs_settings.mount_len;

	if (path.len == 1 && path.ptr[0] == '/')
		path.len = 0;
	if (n + path.len >= size)
		return -ENAMETOOLONG;
	memcpy(out, bfs_settings.mount, n);
	memcpy(out + n, path.ptr, path.len);
	out[n + path.len] = '\0';
	return (int)(n + path.len);
}
