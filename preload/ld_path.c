/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/ld_path.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *after(const char *p, const char *token)
{
	size_t n = strlen(token);

	return strncmp(p, token, n) ? NULL : p + n;
}

/* Copy an element of n bytes: false if it cannot be used. */
static bool expand(char *out, size_t size, const char *p, size_t n,
		   const char *origin)
{
	const char *end = p + n, *next;
	char *to = out;

	while (p < end) {
		size_t left = size - (size_t)(to - out);

		if (*p != '$') {
			if (left < 2)
				return false;
			*to++ = *p++;
			continue;
		}
		next = after(p, "$ORIGIN");
		if (!next)
			next = after(p, "${ORIGIN}");
		if (!next || !origin || strlen(origin) >= left)
			return false;
		to = stpcpy(to, origin);
		p = next;
	}
	*to = '\0';
	return true;
}

int bfs_ld_search(const char *list, const char *origin, const char *name,
		  bfs_ld_fn *fn, void *arg)
{
	char path[PATH_MAX];
	size_t n, len;
	int r = 0;

	for (const char *p = list; p && !r; p = p[n] ? p + n + 1 : NULL) {
		n = strcspn(p, ":;");
		if (!expand(path, sizeof(path), p, n, origin))
			continue;
		len = strlen(path);
		if (len + strlen(name) + 2 > sizeof(path))
			continue;
		/* An empty element is the working directory. */
		sprintf(path + len, "%s%s", len ? "/" : "", name);
		r = fn(arg, path);
	}
	return r;
}

void bfs_ld_spell(char *out, const char *dir, int fd, size_t len)
{
	static _Atomic unsigned serial;
	unsigned n = serial++;
	char *p = stpcpy(out, dir);

	/* The kernel reads over "/" and "/." alike. */
	for (int i = 0; i < BFS_LD_SERIAL_BITS; i++, n >>= 1)
		p = stpcpy(p, n & 1 ? "/." : "/");
	while ((size_t)(p - out) < len && len < PATH_MAX)
		*p++ = '/';
	sprintf(p, "/%d", fd);
}
