/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptions and processes of other nodes, for which their daemons vouch.
 * Owner thread only.
 */
#ifndef BFS_FAR_H
#define BFS_FAR_H

#include "server/inode.h"
#include "server/lock.h"

/* The inode's list of descriptions becomes true.  0; 1: it waited, walk again;
 * -errno; -BFS_NEED_FIBER. */
int bfs_far_settle(struct bfs_call *c, struct bfs_inode *i);
/* The same without waiting: sooner or later. */
void bfs_far_ask(struct bfs_server *s, struct bfs_inode *i);
/*
 * Does the owner of a lock, on another node, still exist?  1; 0: no, and its
 * locks have been dropped; -EINTR: c was given up; -EIO; -ENOMEM;
 * -BFS_NEED_FIBER.  Whoever cannot be asked for long exists.
 */
int bfs_far_owner_lives(struct bfs_call *c, uint64_t ino,
			const struct bfs_lock_owner *o);
/* The same without waiting: it is dropped sooner or later. */
void bfs_far_ask_owner(struct bfs_server *s, uint64_t ino,
		       const struct bfs_lock_owner *o);
/* Nobody waits for an answer any more. */
void bfs_far_owners_free(struct bfs_server *s);
/* May clients of that node, whose daemon has ended, be back with it? */
bool bfs_far_may_return(struct bfs_server *s, unsigned node);
/* It has answered. */
void bfs_far_answered(struct bfs_server *s, unsigned node);
/* A process of this node has ended: tell those who may know it. */
void bfs_far_gone(struct bfs_server *s, pid_t pid);
/* They can be told: of those that ended while we were down. */
void bfs_far_joined(struct bfs_server *s);

#endif
