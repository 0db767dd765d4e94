/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data directory: ours alone (lock), marked as such (benchfs), with data/
 * and sock/ in it.  Errors are logged here.  Owner thread only.
 */
#ifndef BFS_STORE_H
#define BFS_STORE_H

#include "server/inode.h"

#define BFS_STORE_LOCK "lock"
#define BFS_STORE_META "meta" /* the journal's */

/* Open and take fs->conf.data_dir; sets fs->top_fd, ... 0 or -errno. */
int bfs_store_open(struct bfs_fs *fs);
/* For who only looks, or mends: the same, and nothing is made or written.
 * Whose it is goes to fs->conf.  -EBUSY: a daemon has it. */
int bfs_store_look(struct bfs_fs *fs, bool write);
/* Remove all data files and sockets.  0 or -errno. */
int bfs_store_wipe(const struct bfs_fs *fs);
/* Remove all that is ours; the directory is left empty. */
void bfs_store_remove(const struct bfs_fs *fs);
/* Check whose it is, or make it ours; cluster and secret of fs->conf become the
 * directory's.  0 or -errno (identity.c). */
int bfs_store_identify(struct bfs_fs *fs);
/* Take over whose it is.  0 or -errno. */
int bfs_store_recognize(struct bfs_fs *fs);
/* Remove what says so. */
void bfs_store_forget(const struct bfs_fs *fs);
void bfs_store_close(struct bfs_fs *fs);

#endif
