/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The C library's own functions: REAL(read)(fd, buf, n).  Found at their first
 * use, since looking up hundreds of names at start costs 100 us.
 */
#ifndef BFS_REAL_H
#define BFS_REAL_H

#include "preload/headers.h"

#include <errno.h>

struct real {
#define HOOK(type, name, params, args, ours) type(*name) params;
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours) void(*name) params;
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params) type(*name) params;
#define ALIAS(new, old)
#include "preload/hooks.def"
#include "preload/undef.h"
};

extern struct real bfs_real;

/* Looks name up and stores it; aborts if libc has none. */
void *bfs_real_find(void *slot, const char *name);

#define REAL(name) \
	((__typeof__(bfs_real.name))(__builtin_expect(!!bfs_real.name, 1) \
					     ? (void *)bfs_real.name \
					     : bfs_real_find(&bfs_real.name, \
							     #name)))

/* What a libc call answered, as result or -errno. */
static inline long bfs_ret(long r)
{
	return r == -1 ? -errno : r;
}

#endif
