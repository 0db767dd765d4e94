/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which core the daemon is on, and whether others are idle.  A client that
 * finds the daemon on its own core cannot look for its answer, it has to sleep
 * (NUMBERS: waiting).  Each wakes the other one where it is itself, so they may
 * stay together for ever, 10 us a call, with a core beside them that has
 * nothing to do.  One thread.
 */
#ifndef BFS_CORES_H
#define BFS_CORES_H

#include <stdbool.h>
#include <stdint.h>

struct bfs_cores {
	int loadavg;	    /* /proc/loadavg, or -1 */
	unsigned cores;	    /* of the node */
	unsigned together;  /* calls since we looked into it */
	uint64_t not_until; /* ... again */
	uint64_t moved, pause_ns;
};

void bfs_cores_init(struct bfs_cores *c);
void bfs_cores_done(struct bfs_cores *c);

/* Is there a core for each that wants one?  True if that is not known. */
bool bfs_cores_idle(const struct bfs_cores *c);
/* The text of /proc/loadavg, and how many cores there are. */
bool bfs_cores_idle_by(const char *loadavg, unsigned cores);

/* A client sleeps on our core: shall we leave it? */
bool bfs_cores_together(struct bfs_cores *c);
/* To another core that we may use, if there is one: 0 or -errno. */
int bfs_cores_leave(void);

#endif
