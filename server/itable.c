/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/itable.h"

#include "server/inode.h"

#include <stdlib.h>

#define FIRST (1u << BFS_ITABLE_FIRST_LOG2)
#define SHRINK_BY 4 /* buckets an add, as long as most are empty */

/* Eight numbers that follow each other share a cache line of buckets. */
static uint64_t hash(uint64_t ino)
{
	uint64_t h = (ino >> 3) * 0x9e3779b97f4a7c15ull;

	return (h ^ h >> 32) << 3 | (ino & 7);
}

static unsigned log2_of(uint64_t b)
{
	return 63 - (unsigned)__builtin_clzll(b);
}

static uint64_t buckets(const struct bfs_itable *t)
{
	return FIRST + t->extra;
}

static struct bfs_inode **bucket(const struct bfs_itable *t, uint64_t b)
{
	unsigned k;

	if (b < FIRST)
		return (struct bfs_inode **)&t->first[b];
	k = log2_of(b);
	return &t->segment[k - BFS_ITABLE_FIRST_LOG2][b - (1ull << k)];
}

static uint64_t number_of(const struct bfs_itable *t, uint64_t ino)
{
	uint64_t n = buckets(t), high = 1ull << log2_of(n);
	uint64_t h = hash(ino), b = h & (2 * high - 1);

	return b < n ? b : h & (high - 1);
}

static struct bfs_inode **bucket_of(const struct bfs_itable *t, uint64_t ino)
{
	return bucket(t, number_of(t, ino));
}

/* One bucket more: half of the one that has its inodes. */
static void grow(struct bfs_itable *t)
{
	uint64_t b = buckets(t), high = 1ull << log2_of(b);
	struct bfs_inode ***segment =
		&t->segment[log2_of(b) - BFS_ITABLE_FIRST_LOG2];
	struct bfs_inode **from = bucket(t, b - high), **to;

	if (!*segment)
		*segment = calloc(high, sizeof(**segment));
	if (!*segment)
		return; /* the chains grow longer */
	t->extra++;
	to = bucket(t, b);
	while (*from) {
		struct bfs_inode *i = *from;

		if ((hash(i->ino) & (2 * high - 1)) != b) {
			from = &i->hash_next;
			continue;
		}
		*from = i->hash_next;
		i->hash_next = *to;
		*to = i;
	}
}

static void shrink(struct bfs_itable *t)
{
	uint64_t b = buckets(t) - 1, high = 1ull << log2_of(b);
	struct bfs_inode *from = *bucket(t, b);
	struct bfs_inode **to = bucket(t, b - high);

	while (*to)
		to = &(*to)->hash_next;
	*to = from;
	*bucket(t, b) = NULL;
	t->extra--;
	if (b == high) {
		unsigned n = log2_of(b) - BFS_ITABLE_FIRST_LOG2;

		free(t->segment[n]);
		t->segment[n] = NULL;
	}
}

void bfs_itable_add(struct bfs_itable *t, struct bfs_inode *i)
{
	struct bfs_inode **at;

	if (t->n >= buckets(t))
		grow(t);
	for (int n = 0; n < SHRINK_BY && t->extra && t->n < t->extra / 4; n++)
		shrink(t);
	at = bucket_of(t, i->ino);
	i->hash_next = *at;
	*at = i;
	t->n++;
}

void bfs_itable_remove(struct bfs_itable *t, struct bfs_inode *i)
{
	struct bfs_inode **at = bucket_of(t, i->ino);

	while (*at != i)
		at = &(*at)->hash_next;
	*at = i->hash_next;
	t->n--;
}

struct bfs_inode *bfs_itable_find(const struct bfs_itable *t, uint64_t ino)
{
	struct bfs_inode *i = *bucket_of(t, ino);

	while (i && i->ino != ino)
		i = i->hash_next;
	return i;
}

static struct bfs_inode *from(const struct bfs_itable *t, uint64_t b)
{
	for (; b < buckets(t); b++)
		if (*bucket(t, b))
			return *bucket(t, b);
	return NULL;
}

struct bfs_inode *bfs_itable_first(const struct bfs_itable *t)
{
	return from(t, 0);
}

struct bfs_inode *bfs_itable_next(const struct bfs_itable *t,
				  const struct bfs_inode *i)
{
	return i->hash_next ? i->hash_next : from(t, number_of(t, i->ino) + 1);
}

void bfs_itable_fini(struct bfs_itable *t)
{
	for (unsigned n = 0; n < BFS_ITABLE_SEGMENTS; n++)
		free(t->segment[n]);
	*t = (struct bfs_itable){ 0 };
}
