/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a home has said lately of a file: at that version it has been so long
 * at least.  Only a truncate makes a file shorter, and that is a new version,
 * which the shards with the data know before it has returned; one that did not
 * get through to all of them has taken longer than we remember anything.
 */
#include "core/util.h"
#include "server/stripe_home.h"

#define LASTS_NS 300000000ull
#define PLACES \
	(sizeof(((struct bfs_fs *)0)->known) / sizeof(struct bfs_stripe_known))

static struct bfs_stripe_known *place(struct bfs_fs *fs, uint64_t ino)
{
	return &fs->known[(ino ^ ino >> BFS_SHARD_SHIFT) % PLACES];
}

bool bfs_stripe_known(struct bfs_fs *fs, uint64_t ino, uint64_t end,
		      uint64_t *version)
{
	const struct bfs_stripe_known *k = place(fs, ino);

	if (k->ino != ino || k->size < end || bfs_now() >= k->until)
		return false;
	*version = k->version;
	return true;
}

void bfs_stripe_learn(struct bfs_fs *fs, uint64_t ino, uint64_t version,
		      uint64_t size, uint64_t asked)
{
	struct bfs_stripe_known *k = place(fs, ino);

	if (k->ino == ino && k->version == version)
		size = BFS_MAX(size, k->size);
	*k = (struct bfs_stripe_known){ ino, version, size, asked + LASTS_NS };
}

void bfs_stripe_forget(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_stripe_known *k = place(fs, ino);

	if (k->ino == ino)
		k->ino = 0;
}
