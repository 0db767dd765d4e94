/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In a cluster: which shard serves a call, and its way there and back
 * (docs/design/CLUSTER.md).  Owner thread only.
 */
#ifndef BFS_ROUTE_H
#define BFS_ROUTE_H

#include "server/walk.h"

/* Before the handler: 0, or -BFS_ELSEWHERE for a call on a handle whose inode
 * another shard has. */
int bfs_route(struct bfs_call *c);
/* c->where is filled in: send it there.  BFS_LATER or -errno. */
int bfs_route_forward(struct bfs_call *c);
/* Does the call wait at another shard, and which? */
bool bfs_route_waits(const struct bfs_call *c, unsigned *shard);
/* A peer has forwarded a call: c becomes that call.  0, -errno, or
 * BFS_SESSION_REPLAYED. */
int bfs_route_unwrap(struct bfs_call *c);

/* For the walk: the last entry, or the inode, is that shard's.  -BFS_ELSEWHERE
 * with c->where filled in, or -errno. */
int bfs_route_entry(struct bfs_call *c, const struct bfs_walk *w,
		    struct bfs_str name, bool slash, unsigned shard);
int bfs_route_inode(struct bfs_call *c, const struct bfs_walk *w, uint64_t ino);
/* Is it a handle of ours (a daemon's) to an inode of another shard? */
bool bfs_route_far(const struct bfs_fs *fs, struct bfs_handle h);
/* How many symlinks the call has followed on its way here. */
uint32_t bfs_route_links(const struct bfs_call *c, uint32_t which);
/* Where the walk began, if that was on another shard: sets w->top. */
int bfs_route_top(struct bfs_call *c, struct bfs_walk *w);

/* The session, where it arrives, of a client's calls that so many daemons have
 * passed on. */
uint64_t bfs_route_session(uint64_t session, uint32_t hops);
/* The caller's groups as others are told them; BFS_FORWARD_GROUPS of 4 bytes.
 * 0 or -EOVERFLOW. */
int bfs_route_groups(const struct bfs_call *c, uint8_t *groups, size_t *len);
/* ... and as they hear them; cred->groups has room for as many.  0 or
 * -EBADMSG. */
int bfs_route_cred(uint32_t uid, uint32_t gid, struct bfs_str groups,
		   struct bfs_cred *cred);

/* The shard of the daemon on the client's node, and the client's process
 * there. */
unsigned bfs_route_node(const struct bfs_call *c);
pid_t bfs_route_pid(const struct bfs_call *c);
/* Has another daemon forwarded it? */
bool bfs_route_forwarded(const struct bfs_call *c);
/* May the client get descriptors: is its daemon on this node? */
bool bfs_route_passes(const struct bfs_call *c);

#endif
