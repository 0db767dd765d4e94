/* SPDX-License-Identifier: BSD-3-Clause */
/* mkstemp and its family, tempnam, tmpfile. */
#include "core/sys.h"
#include "core/util.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"

#include <string.h>

#define X_COUNT 6
#define TRIES 10000 /* of 62^6 names */

/* Where the X are in a template with a suffix of that length; or NULL. */
static char *find_x(char *t, int suffix)
{
	size_t n = strlen(t);

	if (suffix < 0 || n < X_COUNT || n - X_COUNT < (size_t)suffix)
		return NULL;
	t += n - (size_t)suffix - X_COUNT;
	return strncmp(t, "XXXXXX", X_COUNT) ? NULL : t;
}

static uint64_t random_bits(void)
{
	uint64_t v;

	if (bfs_sys_3(SYS_getrandom, &v, sizeof(v), 0) != sizeof(v))
		v = bfs_now() * 0x9e3779b97f4a7c15u;
	return v;
}

static void fill_x(char *x)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	uint64_t v = random_bits();

	for (int i = 0; i < X_COUNT; i++, v /= 62)
		x[i] = letters[v % 62];
}

/* Each of these makes the name, or says -EEXIST. */
static int make_file(const char *path, int flags)
{
	return bfs_openat(AT_FDCWD, path,
			  (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL,
			  0600);
}

static int make_dir(const char *path, int flags)
{
	return bfs_mkdirat(AT_FDCWD, path, 0700);
}

static int make_nothing(const char *path, int flags)
{
	struct stat st;
	int e = bfs_lstat(path, &st);

	return e == -ENOENT ? 0 : e ? e : -EEXIST;
}

static int make(char *t, int suffix, int flags,
		int (*one)(const char *path, int flags))
{
	char *x = find_x(t, suffix);
	int r = -EEXIST;

	if (!x)
		return -EINVAL;
	for (int i = 0; i < TRIES && r == -EEXIST; i++) {
		fill_x(x);
		r = one(t, flags);
	}
	return r;
}

int bfs_mkostemps(char *t, int len, int flags)
{
	return make(t, len, flags, make_file);
}

int bfs_mkostemp(char *t, int flags)
{
	return bfs_mkostemps(t, 0, flags);
}

int bfs_mkstemps(char *t, int len)
{
	return bfs_mkostemps(t, len, 0);
}

int bfs_mkstemp(char *t)
{
	return bfs_mkostemps(t, 0, 0);
}

char *bfs_mkdtemp(char *t)
{
	int e = make(t, 0, 0, make_dir);

	return e ? (char *)(long)e : t;
}

char *bfs_mktemp(char *t)
{
	int saved = errno;
	int e = make(t, 0, 0, make_nothing);

	errno = e ? -e : saved;
	if (e)
		*t = '\0';
	return t;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return path && !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The name is in the first of these that is a directory. */
static const char *tempnam_dir(const char *dir)
{
	const char *env = secure_getenv("TMPDIR");

	if (is_dir(env))
		return env;
	return is_dir(dir) ? dir : P_tmpdir;
}

char *bfs_tempnam(const char *dir, const char *prefix)
{
	const char *where = tempnam_dir(dir);
	size_t n = strlen(where);
	char *t;
	int e;

	if (!bfs_owns_path(where)) {
		t = REAL(tempnam)(dir, prefix);
		return t ? t : (char *)(long)-errno;
	}
	while (n > 1 && where[n - 1] == '/')
		n--;
	if (asprintf(&t, "%.*s/%.5sXXXXXX", (int)n, where,
		     prefix && *prefix ? prefix : "file") < 0)
		return (char *)(long)-ENOMEM;
	e = make(t, 0, 0, make_nothing);
	if (!e)
		return t;
	free(t);
	return (char *)(long)e;
}

FILE *bfs_tmpfile(void)
{
	int fd = bfs_openat(AT_FDCWD, P_tmpdir, O_TMPFILE | O_EXCL | O_RDWR,
			    0600);
	FILE *f;
	int saved;

	if (fd < 0)
		return (FILE *)(long)fd;
	f = fdopen(fd, "w+");
	if (f)
		return f;
	saved = errno;
	close(fd);
	return (FILE *)(long)-saved;
}
