/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/lead.h"

#include "core/sys.h"
#include "preload/path.h"
#include "preload/state.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>

#define LINKS_MAX 40

/* A walk through the real tree by name. */
struct lead {
	char at[BFS_PATH_MAX];	     /* resolved so far: "" is the root */
	char rest[2 * BFS_PATH_MAX]; /* what is still to be walked */
	size_t len;		     /* of at */
	int links;
	bool follow; /* a symlink at the end */
};

static long read_link(const char *path, char *to, size_t size)
{
	long n = bfs_sys_4(SYS_readlinkat, AT_FDCWD, path, to, size - 1);

	if (n >= 0)
		to[n] = '\0';
	return n;
}

/* Where a relative path starts. */
static bool start(struct lead *l, int dirfd, const char *path)
{
	char name[32];
	long n;

	l->len = 0;
	l->links = 0;
	if (strlen(path) >= sizeof(l->rest))
		return false;
	strcpy(l->rest, path);
	l->at[0] = '\0';
	if (*path == '/')
		return true;
	if (dirfd == AT_FDCWD) {
		n = bfs_sys_2(SYS_getcwd, l->at, sizeof(l->at));
		n = n > 0 ? n - 1 : n;
	} else {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", dirfd);
		n = read_link(name, l->at, sizeof(l->at));
	}
	if (n <= 0 || l->at[0] != '/')
		return false;
	l->len = n == 1 ? 0 : (size_t)n;
	l->at[l->len] = '\0';
	return true;
}

static void up(struct lead *l)
{
	while (l->len && l->at[l->len - 1] != '/')
		l->len--;
	if (l->len)
		l->len--;
	l->at[l->len] = '\0';
}

/* The name at the front of rest; returns what follows it. */
static char *front(struct lead *l, char **name, size_t *n)
{
	char *p = l->rest;

	while (*p == '/')
		p++;
	*name = p;
	while (*p && *p != '/')
		p++;
	*n = (size_t)(p - *name);
	return p;
}

/* at/name is a symlink to target: go on from there. */
static bool follow(struct lead *l, const char *target, const char *after)
{
	char next[2 * BFS_PATH_MAX];

	if (++l->links > LINKS_MAX ||
	    snprintf(next, sizeof(next), "%s%s", target, after) >=
		    (int)sizeof(next))
		return false;
	strcpy(l->rest, next);
	if (*target == '/') {
		l->len = 0;
		l->at[0] = '\0';
	}
	return true;
}

/* One name further.  1: go on; 0: the end, or nothing there. */
static int step(struct lead *l)
{
	char target[BFS_PATH_MAX], *name, *after;
	size_t n, was = l->len;

	after = front(l, &name, &n);
	if (!n)
		return 0;
	if (n == 2 && name[0] == '.' && name[1] == '.')
		up(l);
	if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'))) {
		memmove(l->rest, after, strlen(after) + 1);
		return 1;
	}
	if (l->len + 1 + n >= sizeof(l->at))
		return 0;
	l->at[l->len] = '/';
	memcpy(l->at + l->len + 1, name, n);
	l->len += 1 + n;
	l->at[l->len] = '\0';
	if ((*after || l->follow) &&
	    read_link(l->at, target, sizeof(target)) >= 0) {
		l->len = was;
		l->at[was] = '\0';
		return follow(l, target, after);
	}
	memmove(l->rest, after, strlen(after) + 1);
	return 1;
}

bool bfs_leads_in(int dirfd, const char *path, bool follow, char *out,
		  size_t size)
{
	struct lead l = { .follow = follow };
	const char *m = bfs_settings.mount;

	if (!path || !*path || !start(&l, dirfd, path))
		return false;
	do {
		if (strncmp(l.at, m, bfs_settings.mount_len) ||
		    (l.at[bfs_settings.mount_len] &&
		     l.at[bfs_settings.mount_len] != '/'))
			continue;
		return snprintf(out, size, "%s%s%s", l.at,
				*l.rest && *l.rest != '/' ? "/" : "",
				l.rest) < (int)size;
	} while (step(&l));
	return false;
}

/* The real directory of the mount point's name, if there is one. */
static bool is_mount(const struct stat *st)
{
	struct stat m;

	return !bfs_sys_4(SYS_newfstatat, AT_FDCWD, bfs_settings.mount, &m,
			  0) &&
	       m.st_ino == st->st_ino && m.st_dev == st->st_dev;
}

/* From the root down, name by name: it leads nowhere but where it says. */
static bool is_straight(const char *path)
{
	if (*path != '/')
		return false;
	for (; *path; path++) {
		if (*path != '/')
			continue;
		if (path[1] == '/')
			return false;
		path += path[1] == '.';
		path += path[1] == '.';
		if (*path == '.' && (!path[1] || path[1] == '/'))
			return false;
	}
	return true;
}

/* One call for what takes three: is it missing, and no symlink on the way to
 * it?  False: perhaps. */
static bool surely_missing(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	long fd;

	if (!is_straight(path))
		return false;
	fd = bfs_sys_4(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd >= 0)
		bfs_sys_close((int)fd);
	return fd == -ENOENT;
}

/* Just a name that is not there, in a directory of the real tree? */
static bool plain_missing(int dirfd, const char *path)
{
	char dir[BFS_PATH_MAX], target[8];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	struct stat st;

	if (surely_missing(path))
		return true;
	if (bfs_sys_4(SYS_readlinkat, dirfd, path, target, sizeof(target)) >= 0)
		return false; /* a dangling link: it may lead in */
	if (!slash || !n)
		return true; /* the directory is there */
	if (n >= sizeof(dir))
		return false;
	memcpy(dir, path, n);
	dir[n] = '\0';
	return !bfs_sys_4(SYS_newfstatat, dirfd, dir, &st, 0) && !is_mount(&st);
}

/* What replaces a hook's argument must outlive the call: as many calls that
 * lead in may be under way at once. */
#define FOUND 64

bool bfs_led(int dirfd, const char **path)
{
	static char found[FOUND][BFS_PATH_MAX];
	static _Atomic unsigned next;
	char *out;

	if (!bfs_on || !*path || !**path)
		return false;
	if (bfs_owns_at(dirfd, *path))
		return true;
	if (plain_missing(dirfd, *path))
		return false;
	out = found[next++ % FOUND];
	if (!bfs_leads_in(dirfd, *path, true, out, BFS_PATH_MAX))
		return false;
	*path = out;
	return true;
}
