/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * benchfsd --fsck: are the names, inodes and data of stopped daemons what they
 * should be?  Not thread-safe.
 */
#ifndef BFS_FSCK_H
#define BFS_FSCK_H

/* main of it, behind "--fsck": the exit status, as e2fsck has them. */
#define BFS_FSCK_CLEAN 0
#define BFS_FSCK_CORRECTED 1
#define BFS_FSCK_LEFT 4
#define BFS_FSCK_ERROR 8
#define BFS_FSCK_USAGE 16
int bfs_fsck_main(int argc, char **argv);

#endif
