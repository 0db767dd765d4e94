/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside settle.h: what the driver's rounds need.  Owner thread only. */
#ifndef BFS_SETTLE_IMPL_H
#define BFS_SETTLE_IMPL_H

#include "server/hash.h"
#include "server/settle.h"

struct bfs_unsettled {
	uint64_t id;
	unsigned driver;
	struct bfs_shards with; /* the others */
	/* The inodes and directories that our part is about. */
	uint64_t about[16];
	unsigned nabout;
	bool any;	/* ...or we do not know which, any more */
	uint64_t since; /* bfs_now() */
	bool asked;	/* the driver, whether it knows of it still */
	/* Driven by us, and decided: */
	bool decided;
	bool over; /* the decision is out of the log */
	struct bfs_shards unheard;
	uint8_t *changes; /* all of them; len bytes */
	uint32_t len;
	UT_hash_handle hh;
};

struct bfs_unsettled *bfs_settle_find(const struct bfs_fs *fs, uint64_t tx);
void bfs_settle_forget(struct bfs_fs *fs, struct bfs_unsettled *u);

/* Has it been heard by all? */
bool bfs_settle_ready(const struct bfs_unsettled *u);
/* What has been heard by all is made durable (settle_round.c). */
void bfs_settle_round(struct bfs_server *s);

#endif
