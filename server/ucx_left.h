/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared memory that nobody has any more.  UCX makes a segment under a name in
 * /dev/shm, fills it, and only then takes the name away; a process that is
 * killed in between leaves name and memory behind (PITFALLS E7).  Who has made
 * one the name does not say, so the kernel is asked: it gives a lease to write
 * only to somebody who is alone with a file, mappings included.  Owner thread
 * only.
 */
#ifndef BFS_UCX_LEFT_H
#define BFS_UCX_LEFT_H

struct bfs_left {
	unsigned removed;
	unsigned others; /* somebody has them, or they are too young to tell */
};

/* In that directory, the files of our user. SIGIO has to be ignored: whoever
 * else looks at one that we hold a lease of sends it. */
struct bfs_left bfs_ucx_left_sweep(const char *dir);

#endif
