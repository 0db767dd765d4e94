/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlopen of a library in BenchFS: libc is given /proc/self/fd/N of its data,
 * and afterwards the library gets its own name, so that dladdr() and a second
 * dlopen() know it.  What it needs from BenchFS is loaded before it.
 */
#include "core/elf_scan.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/datafd.h"
#include "preload/ld_path.h"
#include "preload/lead.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#define FD_DIR "/proc/self/fd"
#define DEPTH 64 /* of libraries that need libraries */

struct need {
	struct need *next;
	void *handle; /* once it is loaded */
	char *path;   /* what it is called then */
	char name[];
};

struct load {
	int depth;
	struct need *needs, **last;
	char *rpath, *runpath;
	char origin[BFS_PATH_MAX];
};

static void *load(const char *path, int flags, int depth);

/* What dlerror() says next: libc's own text has the data file's name. */
static __thread char *message;
static __thread bool pending;

bool bfs_dl_failed(void)
{
	return pending;
}

char *bfs_dlerror(void)
{
	pending = false;
	return message;
}

static void *say(char *text)
{
	free(message);
	message = text;
	pending = text != NULL;
	return NULL;
}

static void *fail(const char *path, int e)
{
	const char *what = "cannot open shared object file";
	struct stat st;
	char *text = NULL;

	/* libc's own name, which is ours */
	if (e == -ENODEV && !stat(path, &st) && S_ISDIR(st.st_mode)) {
		what = "cannot read file data";
		e = -EISDIR;
	}
	if (asprintf(&text, "%s: %s: %s", path, what, strerror(-e)) < 0)
		return NULL;
	return say(text);
}

/* libc could not load name, which stands for path. */
static void *fail_as_libc(const char *name, const char *path)
{
	const char *text = REAL(dlerror)(), *at;
	char *out = NULL;

	at = text ? strstr(text, name) : NULL;
	if (!at)
		return say(text ? strdup(text) : NULL);
	if (asprintf(&out, "%.*s%s%s", (int)(at - text), text, path,
		     at + strlen(name)) < 0)
		return NULL;
	return say(out);
}

/* Where dladdr() and libc's search look for the name; it has room. */
static void set_name(void *handle, const char *from, const char *to)
{
	struct link_map *map = NULL;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) || !map ||
	    strcmp(map->l_name, from) || strlen(from) < strlen(to))
		return;
	strcpy(map->l_name, to);
}

static bool note(void *arg, int64_t tag, const char *text)
{
	struct load *l = arg;
	struct need *n;

	if (tag == DT_RPATH && !l->rpath)
		l->rpath = strdup(text);
	if (tag == DT_RUNPATH && !l->runpath)
		l->runpath = strdup(text);
	if (tag != DT_NEEDED)
		return false;
	n = calloc(1, sizeof(*n) + strlen(text) + 1);
	if (!n)
		return true;
	strcpy(n->name, text);
	*l->last = n;
	l->last = &n->next;
	return false;
}

struct attempt {
	struct load *l;
	struct need *n;
};

/* 1: the search is over, found here or for libc to find. */
static int try(void *arg, const char *path)
{
	struct attempt *a = arg;
	struct stat st;

	if (!bfs_owns_path(path))
		return !bfs_sys_2(SYS_stat, path, &st);
	/* libc's own name, which is ours */
	if (stat(path, &st))
		return 0;
	a->n->handle = load(path, RTLD_LAZY, a->l->depth + 1);
	a->n->path = a->n->handle ? strdup(path) : NULL;
	return a->n->handle != NULL;
}

static bool is_loaded(const char *name)
{
	void *h = REAL(dlopen)(name, RTLD_LAZY | RTLD_NOLOAD);

	if (h)
		dlclose(h);
	return h != NULL;
}

static bool lists_ours(const struct load *l, const char *list)
{
	const char *mount = bfs_settings.mount;

	return list &&
	       (strstr(list, mount) || strstr(list, "ORIGIN") || bfs_cwd_ours);
}

static void load_need(struct load *l, struct need *n)
{
	const char *lists[] = { l->runpath ? NULL : l->rpath,
				getenv("LD_LIBRARY_PATH"), l->runpath };
	struct attempt a = { l, n };

	if (strchr(n->name, '/')) {
		if (bfs_owns_path(n->name))
			try(&a, n->name);
		return;
	}
	if ((!lists_ours(l, lists[0]) && !lists_ours(l, lists[1]) &&
	     !lists_ours(l, lists[2])) ||
	    is_loaded(n->name))
		return;
	for (int i = 0; i < 3; i++)
		if (lists[i] && *lists[i] &&
		    bfs_ld_search(lists[i], l->origin, n->name, try, &a))
			break;
	/* One without DT_SONAME is known by nothing but its name. */
	if (n->path)
		set_name(n->handle, n->path, n->name);
}

static void load_needs(struct load *l, int fd, const char *path)
{
	const char *slash = strrchr(path, '/');

	l->last = &l->needs;
	snprintf(l->origin, sizeof(l->origin), "%.*s",
		 (int)(slash ? slash - path : 1), slash ? path : ".");
	bfs_elf_scan(fd, note, l);
	for (struct need *n = l->needs; n; n = n->next)
		load_need(l, n);
}

/* Our references go; those of the library that needs them stay. */
static void end_needs(struct load *l)
{
	struct need *n, *next;

	for (n = l->needs; n; n = next) {
		struct link_map *map = NULL;

		next = n->next;
		if (n->path && !dlinfo(n->handle, RTLD_DI_LINKMAP, &map) &&
		    !strcmp(map->l_name, n->name))
			strcpy(map->l_name, n->path);
		if (n->handle)
			dlclose(n->handle);
		free(n->path);
		free(n);
	}
	free(l->rpath);
	free(l->runpath);
}

static void *load_data(int fd, const char *path, int flags, int depth)
{
	struct load *l = calloc(1, sizeof(*l));
	char name[BFS_LD_SPELL_MAX];
	void *handle;

	if (!l)
		return NULL;
	l->depth = depth;
	load_needs(l, fd, path);
	bfs_ld_spell(name, "/proc/self/fd", fd, strlen(path));
	handle = REAL(dlopen)(name, flags);
	if (handle)
		set_name(handle, name, path);
	else
		fail_as_libc(name, path);
	end_needs(l);
	free(l);
	return handle;
}

/* Symlinks lead out of BenchFS, and in again. */
static int open_library(const char *path)
{
	struct bfs_where w;
	int e = bfs_where(&w, AT_FDCWD, path);

	if (e)
		return e;
	bfs_where_lead(&w, true);
	e = bfs_datafd(&w, BFS_DATAFD_COPY, NULL, NULL);
	return e == -(int)BFS_ESCAPE ? bfs_sys_openat(w.dirfd, w.path,
						      O_RDONLY | O_CLOEXEC, 0)
				     : e;
}

static void *load(const char *path, int flags, int depth)
{
	void *handle = NULL;
	int fd = depth > DEPTH ? -ELOOP : open_library(path);

	if (fd < 0)
		return fail(path, fd);
	if (is_loaded(path))
		handle = REAL(dlopen)(path, flags | RTLD_NOLOAD);
	if (!handle)
		handle = load_data(fd, path, flags, depth);
	bfs_sys_close(fd);
	return handle;
}

bool bfs_dl_ours(const char *path)
{
	if (!path || !strchr(path, '/'))
		return false;
	return bfs_owns_path(path) ||
	       (bfs_on &&
		bfs_sys_3(SYS_faccessat, AT_FDCWD, path, F_OK) == -ENOENT &&
		bfs_led(AT_FDCWD, &path));
}

void *bfs_dlopen(const char *path, int flags)
{
	pending = false;
	REAL(dlerror)(); /* looked up now: that wipes out what it has to say */
	return load(path, flags, 0);
}
