/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What has to be on disk besides an inode's own part of its home (D2, R25), and
 * storage.fsync_on_close, for what no close() of a client has done.  Owner
 * thread only.
 */
#ifndef BFS_SYNC_H
#define BFS_SYNC_H

#include "server/serve.h"
#include "server/shards.h"

struct bfs_inode;

/* A description with BFS_RIGHT_SYNC is gone without having been closed.  h
 * comes out of shared memory and may be anything. */
void bfs_sync_closed(struct bfs_server *s, struct bfs_handle h);

/*
 * On a fiber, until our log, with all that has been noted, is on disk.  0, also
 * without a journal; -errno of the disk; -BFS_NEED_FIBER.
 */
int bfs_sync_own_log(struct bfs_server *s);

/*
 * On a fiber, until those shards' logs are on disk, all at once: SYNCLOG with
 * that ino and flags.  0; -EIO, logged: one of them failed, or was silent until
 * the call's deadline; -ENOMEM; -BFS_NEED_FIBER, and nothing was asked.
 */
int bfs_sync_shards(struct bfs_call *c, const struct bfs_shards *whom,
		    uint64_t ino, uint32_t flags);

/*
 * Which others' logs does fsync of the inode, whose home we are, need: those
 * that have a part in changes which are not settled yet (server/settle.h), and
 * of a directory its holders.  Added to parties and holders; 0, -ENOMEM.
 */
int bfs_sync_whom(struct bfs_fs *fs, const struct bfs_inode *i,
		  struct bfs_shards *parties, struct bfs_shards *holders);

#endif
