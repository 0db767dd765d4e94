/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies of directories that nobody has walked through for long are given up,
 * so that a daemon does not end with one of every directory there is
 * (CLUSTER.md, "Copies of directories").  Owner thread only.
 */
#ifndef BFS_COPIES_H
#define BFS_COPIES_H

struct bfs_fs;
struct bfs_server;
struct bfs_shared;

/* There is a copy more, or less. */
void bfs_copies_enlist(struct bfs_fs *fs, struct bfs_shared *s);
void bfs_copies_delist(struct bfs_fs *fs, struct bfs_shared *s);

/* If there are more than fs->conf.max_copies: ask the homes of some that were
 * not used lately, and have no entries, to have them back. */
void bfs_copies_trim(struct bfs_server *s);

#endif
