/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this process found in its environment when it started, kept for the
 * programs that it runs: programs clear or overwrite their environment.
 */
#ifndef BFS_EXEC_SELF_H
#define BFS_EXEC_SELF_H

#include "core/proto.h"

#include <stdbool.h>

#define BFS_SELF_KEEP 32

/* The longest of the first two. */
#define BFS_SELF_PATH (2 * BFS_PATH_MAX)

struct bfs_self {
	const char *preload;	   /* "LD_PRELOAD=...", ours last */
	const char *audit;	   /* the audit library's path */
	const char *exe;	   /* this program in BenchFS, or "" */
	char *keep[BFS_SELF_KEEP]; /* "BENCHFS_X=..." */
	int kept;
	/* All of it, close together: each page that is touched at the start
	 * costs every program some microseconds. */
	size_t used;
	char text[4 * BFS_PATH_MAX + 8192];
};

extern struct bfs_self bfs_self;

/* Idempotent; the constructor's, or the first caller's. */
void bfs_self_init(void);
/* Is our library in this value of LD_PRELOAD? */
bool bfs_self_lists_library(const char *value);
/* value of LD_AUDIT without our audit library; to has room for it. */
void bfs_self_drop_audit(char *to, const char *value);
/*
 * glibc (2.36) lays out the static TLS of a program with LD_AUDIT before it has
 * loaded its libraries, and then has 2 KB for theirs: rustc's want 23, and it
 * does not start.  So there is room for more.  It is taken from each thread's
 * stack.
 */
#define BFS_SELF_TUNABLE "glibc.rtld.optional_static_tls=32832"
/* value of GLIBC_TUNABLES without that; to has room for it. */
void bfs_self_drop_tunable(char *to, const char *value);

#endif
