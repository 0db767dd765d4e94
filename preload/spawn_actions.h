/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file actions of posix_spawn, which glibc lets one build but not read.
 * tests/unit/test_spawn_actions.c holds this against what glibc builds.
 */
#ifndef BFS_SPAWN_ACTIONS_H
#define BFS_SPAWN_ACTIONS_H

#include <spawn.h>
#include <stdbool.h>
#include <sys/types.h>

enum bfs_action_tag {
	BFS_ACTION_CLOSE,
	BFS_ACTION_DUP2,
	BFS_ACTION_OPEN,
	BFS_ACTION_CHDIR,
	BFS_ACTION_FCHDIR,
	BFS_ACTION_CLOSEFROM,
	BFS_ACTION_TCSETPGRP,
};

struct bfs_action {
	int tag;
	union {
		int fd; /* all but dup2, open and chdir */
		struct {
			int from, to;
		} dup2;
		struct {
			int fd;
			char *path;
			int flags;
			mode_t mode;
		} open;
		char *path; /* chdir */
	} u;
};

/* The list, and how many; none for NULL. */
const struct bfs_action *bfs_actions(const posix_spawn_file_actions_t *a,
				     int *n);

struct bfs_fd_plan;

/* The kernel alone can carry them out: nothing but descriptors is ours. */
bool bfs_actions_plain(const posix_spawn_file_actions_t *a);
/* How long a plan of descriptors behind them is. */
int bfs_actions_reach(const posix_spawn_file_actions_t *a);
/* Fill in plan->from, for plan->n numbers. */
void bfs_actions_plan(const posix_spawn_file_actions_t *a,
		      struct bfs_fd_plan *plan);
/* Carry them out, here.  0 or -errno. */
int bfs_actions_do(const posix_spawn_file_actions_t *a);

#endif
