/* SPDX-License-Identifier: BSD-3-Clause */
/* Small helpers with no module of their own.  Any thread. */
#ifndef BFS_UTIL_H
#define BFS_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BFS_COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Each argument is evaluated once: it may be in memory that others write. */
#define BFS_PICK(a, op, b, x, y) \
	__extension__({ \
		__auto_type x = (a); \
		__auto_type y = (b); \
		x op y ? x : y; \
	})
#define BFS_JOIN2(a, b) a##b
#define BFS_JOIN(a, b) BFS_JOIN2(a, b)
#define BFS_MIN(a, b) \
	BFS_PICK(a, <, b, BFS_JOIN(bfs_x, __COUNTER__), \
		 BFS_JOIN(bfs_y, __COUNTER__))
#define BFS_MAX(a, b) \
	BFS_PICK(a, >, b, BFS_JOIN(bfs_x, __COUNTER__), \
		 BFS_JOIN(bfs_y, __COUNTER__))
#define bfs_likely(x) __builtin_expect(!!(x), 1)
#define bfs_unlikely(x) __builtin_expect(!!(x), 0)

#define bfs_container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))

static inline void bfs_cleanup_free(void *p)
{
	free(*(void **)p);
}
#define BFS_AUTOFREE __attribute__((cleanup(bfs_cleanup_free)))

/* Not 0: the time in a simulation of many daemons (server/peer_loop.h). */
extern uint64_t bfs_virtual_now;

/* CLOCK_MONOTONIC in nanoseconds: deadlines are points on this clock. */
static inline uint64_t bfs_now(void)
{
	struct timespec t;

	if (bfs_unlikely(bfs_virtual_now))
		return bfs_virtual_now;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void bfs_relax(void)
{
	__builtin_ia32_pause();
}

#endif
