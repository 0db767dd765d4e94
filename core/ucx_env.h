/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The settings under which UCX is loaded and opened.  UCX reads most of them
 * from the environment only, so they are put there around those steps.  What
 * the user has set himself is left as it is.  libc only; any thread.
 */
#ifndef BFS_UCX_ENV_H
#define BFS_UCX_ENV_H

#include <stdbool.h>
#include <stddef.h>

struct bfs_ucx_env {
	char **old, **ours;
	size_t kept; /* of old, at the start of ours */
	char *left;  /* the one that is not */
};

/*
 * Put the settings into the environment.  The environment is replaced, not
 * changed, so that a getenv() on another thread is never disturbed.
 * eager_max: the largest message that is not sent by rendezvous, 0 for the
 * default.  no_shm: whatever the user says.  0 or -ENOMEM; after 0, leave() is
 * owed.
 */
int bfs_ucx_env_enter(struct bfs_ucx_env *e, size_t eager_max, bool no_shm);
/* Take them out again. */
void bfs_ucx_env_leave(struct bfs_ucx_env *e);

#endif
