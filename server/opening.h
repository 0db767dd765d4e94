/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An open(2) under way (serve_open.c), and what its client gets in the end
 * (hand_out.c).  Owner thread only.
 */
#ifndef BFS_OPENING_H
#define BFS_OPENING_H

#include "server/inode.h"

struct bfs_opening {
	struct bfs_call *c;
	struct bfs_fs *fs;
	int flags;
	uint32_t mode;
	uint32_t slot, gen;
	struct bfs_inode *inode;
	bool created;
	bool self; /* the client can open the data file as it is itself */
	int fd;	   /* of the data file, or -1 */
};

/* BFS_RIGHT_READ, _WRITE or _PATH, as the access mode says. */
uint32_t bfs_opening_rights(int flags);
/* Does the access mode, or O_TRUNC, ask for it? */
bool bfs_opening_writes(const struct bfs_opening *o);
/* May who makes this call open data files, with these flags? */
bool bfs_opening_self(const struct bfs_call *c, int flags, uint32_t slot);
/* Must the daemon see each write?  May descriptors be passed at all? */
bool bfs_opening_seen(const struct bfs_opening *o);
bool bfs_opening_can_pass(const struct bfs_opening *o);
/* Is the description to be the data file's own?  (RULES 13) */
bool bfs_opening_passes(const struct bfs_opening *o);

/*
 * The inode is found or made, and kind set: the rest of the answer.  o->fd is
 * passed or closed.  0 or -errno.
 */
int bfs_opening_hand_out(struct bfs_opening *o, struct bfs_open_rep *rep);

#endif
