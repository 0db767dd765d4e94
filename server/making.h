/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a new inode goes, and how it gets there if that is not the shard of
 * its entry: whoever is to have the inode makes it, without a name, and drives
 * the change that gives it one (tx.h).  Owner thread only.
 */
#ifndef BFS_MAKING_H
#define BFS_MAKING_H

#include "server/node.h"

/* The lowest shard on that shard's node: equal for daemons of one node. */
unsigned bfs_node_of(const struct bfs_server *s, unsigned shard);

/*
 * The home of what the call makes in dir (mode: its type): with policy local a
 * daemon of the client's node.  Fifos and sockets serve the processes of one
 * node only, so that is where they are, whatever the policy.
 */
unsigned bfs_making_home(const struct bfs_call *c, const struct bfs_inode *dir,
			 struct bfs_str name, uint32_t mode);

/*
 * The walk (BFS_WALK_MAKE*) found nothing where something of that type is to
 * be made.  0: make it here; 1: here, but its entry is another shard's
 * (bfs_making); -BFS_ELSEWHERE: another shard is to.
 */
int bfs_making_where(struct bfs_call *c, const struct bfs_walk *w,
		     uint32_t mode);

/* What stands in for w->dir and w->top, which do not outlast a wait. */
struct bfs_making {
	struct bfs_inode dir, top;
};

/*
 * Make n, and have the other shard's entry where the walk ended name it.  0
 * with *i, which stays until bfs_making_done(), and n->fd; -EEXIST: there is
 * something, w->ino of w->type; -errno; -BFS_NEED_FIBER.
 */
int bfs_making(struct bfs_call *c, struct bfs_making *m, struct bfs_walk *w,
	       struct bfs_node *n, struct bfs_inode **i);
void bfs_making_done(struct bfs_inode *i);

#endif
