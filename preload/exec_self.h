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

struct bfs_self {
	char preload[2 * BFS_PATH_MAX]; /* "LD_PRELOAD=...", ours last */
	char audit[BFS_PATH_MAX];	/* the audit library's path */
	char exe[BFS_PATH_MAX];		/* this program in BenchFS, or "" */
	char text[8192];		/* "BENCHFS_X=..." */
	char *keep[BFS_SELF_KEEP];
	int kept;
};

extern struct bfs_self bfs_self;

/* Idempotent; the constructor's, or the first caller's. */
void bfs_self_init(void);
/* Is our library in this value of LD_PRELOAD? */
bool bfs_self_lists_library(const char *value);
/* value of LD_AUDIT without our audit library; to has room for it. */
void bfs_self_drop_audit(char *to, const char *value);

#endif
