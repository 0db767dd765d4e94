/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/exec_self.h"

#include "core/sys.h"
#include "core/util.h"
#include "preload/exec.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/state.h"

#include <dlfcn.h>
#include <link.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUDIT "libbenchfs_audit.so"

struct bfs_self bfs_self = { .preload = "", .audit = "", .exe = "" };
static const char *library = "libbenchfs_preload.so"; /* our file's name */

/* Put n bytes behind what is there; end() makes it a string. */
static void add(const char *p, size_t n)
{
	n = BFS_MIN(n, sizeof(bfs_self.text) - 1 - bfs_self.used);
	memcpy(bfs_self.text + bfs_self.used, p, n);
	bfs_self.used += n;
}

static char *begin(void)
{
	return bfs_self.text + bfs_self.used;
}

static void end(void)
{
	bfs_self.text[bfs_self.used] = '\0';
	if (bfs_self.used + 1 < sizeof(bfs_self.text))
		bfs_self.used++;
}

static const char *base_name(const char *path, size_t n)
{
	while (n && path[n - 1] != '/')
		n--;
	return path + n;
}

/* The next name in a list like LD_PRELOAD's; *n 0 at the end. */
static const char *next_name(const char *p, const char *separators, size_t *n)
{
	p += strspn(p, separators);
	*n = strcspn(p, separators);
	return p;
}

static bool is_file(const char *p, size_t n, const char *file)
{
	const char *base = base_name(p, n);
	size_t len = strlen(file);

	return (size_t)(p + n - base) == len && !memcmp(base, file, len);
}

bool bfs_self_lists_library(const char *p)
{
	size_t n;

	for (p = next_name(p, ": ", &n); n; p = next_name(p + n, ": ", &n))
		if (is_file(p, n, library))
			return true;
	return false;
}

/* A list with ":" without what is ours in it. */
static void drop_from(char *to, const char *p, const char *ours,
		      bool (*is)(const char *p, size_t n, const char *ours))
{
	char *start = to;
	size_t n;

	for (p = next_name(p, ":", &n); n; p = next_name(p + n, ":", &n)) {
		if (is(p, n, ours))
			continue;
		if (to > start)
			*to++ = ':';
		memcpy(to, p, n);
		to += n;
	}
	*to = '\0';
}

static bool is_text(const char *p, size_t n, const char *text)
{
	return n == strlen(text) && !memcmp(p, text, n);
}

void bfs_self_drop_audit(char *to, const char *value)
{
	drop_from(to, value, AUDIT, is_file);
}

void bfs_self_drop_tunable(char *to, const char *value)
{
	drop_from(to, value, BFS_SELF_TUNABLE, is_text);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/*
 * A sanitizer's runtime has to be loaded before us and be told what to do,
 * also when a program starts another with an empty environment.
 */
static const char *before_us(const char *value, size_t *n)
{
	const char *p = value;
	size_t len;

	*n = 0;
	if (!SANITIZED)
		return p;
	for (p = next_name(p, ": ", &len); len;
	     p = next_name(p + len, ": ", &len))
		if (is_file(p, len, library)) {
			*n = (size_t)(p - value);
			break;
		}
	return value;
}

static void find_library(void)
{
	const char *value = getenv("LD_PRELOAD"), *before;
	char here[BFS_PATH_MAX] = "";
	struct dl_find_object here_is;
	const char *name = "";
	size_t n, dir;

	/* dladdr() would go through all our symbols. */
	if (!_dl_find_object((void *)find_library, &here_is))
		name = here_is.dlfo_link_map->l_name;
	if (*name != '/') {
		bfs_sys_2(SYS_getcwd, here, sizeof(here) - 1);
		strcat(here, "/");
	}
	if (*name)
		library = base_name(name, strlen(name));
	before = before_us(value ? value : "", &n);
	bfs_self.preload = begin();
	add("LD_PRELOAD=", 11);
	add(before, n);
	add(here, strlen(here));
	add(name, strlen(name));
	end();
	dir = (size_t)(base_name(name, strlen(name)) - name);
	bfs_self.audit = begin();
	add(here, strlen(here));
	add(name, dir);
	add(AUDIT, sizeof(AUDIT) - 1);
	end();
}

/* UCX's settings belong to ours: without them it would not find the daemon. */
static bool over_ucx(void)
{
	const char *v = getenv("BENCHFS_TRANSPORT");

	return v && !strcmp(v, "ucx");
}

static bool is_setting(const char *entry)
{
	if (bfs_env_value(entry, "UCX_TLS") ||
	    bfs_env_value(entry, "UCX_NET_DEVICES"))
		return over_ucx();
	if (SANITIZED && (bfs_env_value(entry, "ASAN_OPTIONS") ||
			  bfs_env_value(entry, "UBSAN_OPTIONS") ||
			  bfs_env_value(entry, "TSAN_OPTIONS")))
		return true;
	return !strncmp(entry, "BENCHFS_", 8) &&
	       !bfs_env_value(entry, "BENCHFS_STATE") &&
	       !bfs_env_value(entry, "BENCHFS_EXE");
}

static void keep_settings(void)
{
	for (char **v = environ; v && *v; v++) {
		size_t n = strlen(*v) + 1;

		/* room for the name of the program is left */
		if (!is_setting(*v) || bfs_self.kept == BFS_SELF_KEEP ||
		    n > sizeof(bfs_self.text) - bfs_self.used - BFS_PATH_MAX)
			continue;
		bfs_self.keep[bfs_self.kept++] = begin();
		add(*v, n - 1);
		end();
	}
}

/* "<dev>.<ino>.<path>" counts only if it speaks of this very program: one that
 * was executed behind our back has inherited the variable. */
static void learn_exe(void)
{
	const char *v = getenv("BENCHFS_EXE"), *base;
	unsigned long dev, ino;
	struct stat st;
	char *p;

	if (!v)
		return;
	dev = strtoul(v, &p, 16);
	ino = *p == '.' ? strtoul(p + 1, &p, 16) : 0;
	if (*p == '.' && !bfs_sys_2(SYS_stat, "/proc/self/exe", &st) &&
	    st.st_dev == dev && st.st_ino == ino) {
		bfs_self.exe = begin();
		add(p + 1, strnlen(p + 1, BFS_PATH_MAX - 1));
		end();
		base = base_name(bfs_self.exe, strlen(bfs_self.exe));
		/* The kernel took the name of the data file. */
		bfs_sys_2(SYS_prctl, PR_SET_NAME, base);
	}
	unsetenv("BENCHFS_EXE");
}

static void forget(const char *name, void (*drop)(char *to, const char *value))
{
	const char *v = getenv(name);
	char rest[BFS_PATH_MAX];

	if (!v || !*v || strlen(v) >= sizeof(rest))
		return;
	drop(rest, v);
	if (!*rest)
		unsetenv(name);
	else if (strcmp(rest, v))
		setenv(name, rest, 1);
}

void bfs_self_init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	find_library();
	keep_settings();
	learn_exe();
	forget("LD_AUDIT", bfs_self_drop_audit);
	forget("GLIBC_TUNABLES", bfs_self_drop_tunable);
}

const char *bfs_exe_path(void)
{
	bfs_self_init();
	return *bfs_self.exe ? bfs_self.exe : NULL;
}

bool bfs_exe_named(const char *path)
{
	char name[32];

	if (!*bfs_self.exe || bfs_mem_str(path, BFS_PATH_MAX) < 0 ||
	    strncmp(path, "/proc/", 6))
		return false;
	path += 6;
	if (!strcmp(path, "self/exe") || !strcmp(path, "thread-self/exe"))
		return true;
	snprintf(name, sizeof(name), "%ld/exe", bfs_sys_0(SYS_getpid));
	return !strcmp(path, name);
}

/* Before main, while there is one thread and the environment is as given. */
__attribute__((constructor(102))) static void start(void)
{
	if (bfs_on)
		bfs_self_init();
}
