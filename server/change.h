/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest steps of a change on several shards, each on the one shard that
 * has the entry or inode.  Making one cannot fail for any reason that could
 * have been known before.  Owner thread only.
 */
#ifndef BFS_CHANGE_H
#define BFS_CHANGE_H

#include "server/inode.h"

enum bfs_change_kind {
	BFS_CHANGE_PUT = 1, /* (dir, name) names ino of that type */
	BFS_CHANGE_DROP,    /* (dir, name), which names ino, is gone */
	BFS_CHANGE_LINKS,   /* ino has delta names more, or another, it changed:
			     * (dir, name) came or, delta -1, went */
	BFS_CHANGE_GONE,    /* directory ino is removed */
	BFS_CHANGE_MOVED,   /* directory ino is (dir, name) now */
	BFS_CHANGE_TREE,    /* nothing; the right to move is needed still */
};

struct bfs_change {
	uint32_t kind;
	uint64_t dir;
	struct bfs_str name;
	uint64_t ino;
	uint32_t type;
	int32_t delta;
};

#define BFS_CHANGES_MAX 8
#define BFS_CHANGES_LEN (BFS_CHANGES_MAX * (32 + BFS_NAME_MAX))

void bfs_change_put(struct bfs_wire *w, const struct bfs_change *c);
/* 0 or -EBADMSG. */
int bfs_change_get(struct bfs_wire *w, struct bfs_change *c);
/* Where it is to be made. */
unsigned bfs_change_shard(const struct bfs_fs *fs, const struct bfs_change *c);
/* Can all that are encoded there be made here, as things are?  0 or
 * -EBADMSG. */
int bfs_changes_check(const struct bfs_fs *fs, struct bfs_str changes);
/* Make all that are encoded there. */
void bfs_changes_make(struct bfs_fs *fs, const uint8_t *buf, size_t len);

#endif
