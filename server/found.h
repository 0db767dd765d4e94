/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a walk lacks and gets from other shards (docs/design/CLUSTER.md).
 * Directories become copies, which last; the rest is known to the one walk.
 * Owner thread only.
 */
#ifndef BFS_FOUND_H
#define BFS_FOUND_H

#include "server/inode.h"

/* The walk lacks something: w->need says what.  As -errno, inside only. */
#define BFS_NEED 4100

enum bfs_need_kind {
	BFS_NEED_ENTRY,	 /* what (ino, name) names */
	BFS_NEED_DIR,	 /* a copy of directory ino */
	BFS_NEED_TARGET, /* of symlink ino */
	BFS_NEED_TOLD,	 /* the home of directory ino must know we change it */
	BFS_NEED_CHANGE, /* somebody else to be done with what he holds */
};

struct bfs_need {
	enum bfs_need_kind kind;
	uint64_t ino;
	struct bfs_str name;
};

/* An entry of another shard (ino, type: what it names), or, with no name, a
 * symlink's target. */
struct bfs_found {
	struct bfs_found *next;
	uint64_t dir, ino;
	uint32_t type;
	uint32_t len;
	char text[];
};

const struct bfs_found *bfs_found_entry(const struct bfs_found *list,
					uint64_t dir, struct bfs_str name);
const struct bfs_found *bfs_found_target(const struct bfs_found *list,
					 uint64_t ino);
void bfs_found_free(struct bfs_found *list);

/* The home of directory ino has sent a message about it. */
void bfs_found_overtaken(struct bfs_fs *fs, uint64_t ino);

/* Get it, on a fiber.  0: walk again; -errno; -BFS_NEED_FIBER. */
int bfs_found_get(struct bfs_call *c, const struct bfs_need *need,
		  struct bfs_found **list);

#endif
