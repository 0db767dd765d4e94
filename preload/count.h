/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Call accounting (BENCHFS_REPORT).  Off, it costs the calls that are ours one
 * branch and foreign calls nothing.  On, the generated entries put each call
 * between begin and end, and whoever does its work says who served it.  A call
 * made by a call is counted as well.  Any thread, signal handlers too.
 */
#ifndef BFS_COUNT_H
#define BFS_COUNT_H

#include "core/report.h"
#include "core/util.h"

#include <stdbool.h>

/* The rows of the report. */
enum bfs_row {
#define HOOK(type, name, params, args, ours) BFS_ROW_##name,
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours) BFS_ROW_##name,
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params) BFS_ROW_##name,
#define ALIAS(new, old)
#include "preload/hooks.def"
#include "preload/undef.h"
#define CALL(name, ours, call) BFS_ROW_SYS_##name,
#define CALL_N CALL
#include "preload/syscalls.def"
#undef CALL
#undef CALL_N
	BFS_ROW_FILE_read, /* by stdio, of a descriptor of ours */
	BFS_ROW_FILE_write,
	BFS_ROWS
};

/* How a call tells that it failed. */
enum bfs_result {
	BFS_RESULT_PLAIN, /* -errno */
	BFS_RESULT_BYTES, /* -errno, or how many bytes it moved */
	BFS_RESULT_ERROR, /* everything but 0 */
};

/* The call that this thread is in. */
struct bfs_count {
	uint64_t start;
	uint16_t row;
	uint8_t via;
	bool early; /* counted already, by bfs_count_early() */
	bool never; /* not to be counted: the child of a fork */
};
extern __thread struct bfs_count bfs_count;

/* NULL: off. */
extern struct bfs_report_file *bfs_report;

/* Map the report that BENCHFS_REPORT names; once, by bfs_init(). */
void bfs_count_init(void);

/* The call around it, which end() takes up again. */
struct bfs_count bfs_count_begin(enum bfs_row row);
void bfs_count_end(const struct bfs_count *outer, long result,
		   enum bfs_result kind);

static inline void bfs_count_via(enum bfs_via via)
{
	if (bfs_count.via < via)
		bfs_count.via = (uint8_t)via;
}

/* It is not about BenchFS, unless somebody else has served it or will. */
static inline void bfs_count_foreign(void)
{
	if (bfs_count.via == BFS_VIA_LIBRARY)
		bfs_count.via = BFS_VIA_NONE;
}

/* The call will not come back if it succeeds: exec. */
void bfs_count_early(void);

/* In the child of a fork: the parent counts it.  false: count it here. */
static inline void bfs_count_never(bool never)
{
	bfs_count.never = never;
}

/* The value of call, which is counted. */
#define BFS_COUNTED(row, kind, call) \
	({ \
		long result_; \
\
		if (bfs_likely(!bfs_report)) { \
			result_ = (long)(call); \
		} else { \
			struct bfs_count outer_ = bfs_count_begin(row); \
\
			result_ = (long)(call); \
			bfs_count_end(&outer_, result_, kind); \
		} \
		result_; \
	})

#endif
