/* SPDX-License-Identifier: BSD-3-Clause */
/* One exec with all that it tries: what ops_exec.c and exec_foreign.c share. */
#ifndef BFS_EXEC_RUN_H
#define BFS_EXEC_RUN_H

#include "preload/exec.h"
#include "preload/path.h"
#include "preload/script.h"

struct bfs_run {
	struct bfs_env env;
	int level; /* of scripts */
};

/* A program in BenchFS. */
struct bfs_program {
	struct bfs_where where;
	struct bfs_script script;
	char path[BFS_PATH_MAX], interp[BFS_PATH_MAX];
	int fd;
};

/* What cannot be done behind the exec.  Nothing breaks if it fails. */
void bfs_run_prepare(void);
bool bfs_exec_interp_ours(int fd, char *interp, size_t size);
void bfs_run_head(struct bfs_script *s, int fd);

/* Each returns only with -errno.  name: what a script is called. */
int bfs_run_at(struct bfs_run *x, int dirfd, const char *path, int flags,
	       char *const argv[]);
int bfs_run_foreign(struct bfs_run *x, int dirfd, const char *path, int flags,
		    const char *name, char *const argv[]);
/* The program in fd, whose PT_INTERP is ours; exe: its path, or NULL. */
int bfs_run_interp(struct bfs_run *x, int fd, bool ours, const char *exe,
		   const char *interp, char *const argv[]);
int bfs_run_script(struct bfs_run *x, struct bfs_script *s, const char *name,
		   char *const argv[]);

#endif
