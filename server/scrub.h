/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * benchfsd --scrub: is the content of data directories what their checksums
 * say?  Daemons may be at work on them: what changes meanwhile is looked at
 * again.  Not thread-safe.
 */
#ifndef BFS_SCRUB_H
#define BFS_SCRUB_H

/* main of it, behind "--scrub": the exit status, with fsck's numbers. */
#define BFS_SCRUB_CLEAN 0
#define BFS_SCRUB_DAMAGED 4
#define BFS_SCRUB_ERROR 8
#define BFS_SCRUB_USAGE 16
int bfs_scrub_main(int argc, char **argv);

#endif
