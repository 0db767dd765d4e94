/* SPDX-License-Identifier: BSD-3-Clause */
/* One question to several shards at once, from a fiber.  Owner thread only. */
#ifndef BFS_FANOUT_H
#define BFS_FANOUT_H

#include "server/peer.h"

struct bfs_shards;

struct bfs_fanout {
	struct bfs_call *c;
	uint32_t op;
	uint64_t ino;	  /* take()'s own */
	bool unless_dead; /* do not wait for shards that are dead... */
	bool dead_ok;	  /* ...and do without their answer */
	size_t in_cap;	  /* room for each one's bulk, of which... */
	/* An answer (of shards[n]) has come: 0 or -errno.  Called in order,
	 * when all have. */
	int (*take)(struct bfs_fanout *f, unsigned n, struct bfs_wire *rep);

	unsigned n;
	unsigned *shards;
	struct bfs_peer_msg *msgs; /* ...msgs[n].in and .in_len tell */
	uint8_t *req, *room;
};

/* Whom to ask, and a codec for the one request.  0, -ENOMEM, or
 * -BFS_NEED_FIBER if anybody is to be asked and this is no fiber. */
int bfs_fanout_begin(struct bfs_fanout *f, const struct bfs_shards *whom,
		     struct bfs_wire *req);
/* The first error, or 0. */
int bfs_fanout_run(struct bfs_fanout *f, const struct bfs_wire *req);
/* After a successful begin. */
void bfs_fanout_end(struct bfs_fanout *f);

#endif
