/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/btree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAR 3			       /* levels, of what is in no cache */
#define SMALLEST 2u		       /* most directories are small */
#define POOR (BFS_BTREE_MAX / 4)       /* looks for a neighbour to join */
#define JOINED (BFS_BTREE_MAX * 3 / 4) /* and has room left then */

/* Keys and values lie apart, so that a search reads keys only.  An inner
 * node's key is at most the lowest one in that child. */
struct bfs_bnode {
	uint16_t n, cap, level;
	uint64_t key[]; /* cap of them, then cap values */
};

static void **values(const struct bfs_bnode *node)
{
	return (void **)(uintptr_t)(node->key + node->cap);
}

static struct bfs_bnode *child(const struct bfs_bnode *node, unsigned at)
{
	return values(node)[at];
}

/* How many keys are at most that. */
static unsigned upto(const struct bfs_bnode *node, uint64_t key)
{
	const uint64_t *base = node->key;

	for (unsigned n = node->n, half; n > 1; n -= half) {
		half = n / 2;
		base += base[half - 1] <= key ? half : 0;
	}
	return (unsigned)(base - node->key) + (node->n && *base <= key);
}

/* Its keys, all at once; the first line comes by itself. */
static const struct bfs_bnode *fetch(const struct bfs_bnode *node)
{
#pragma GCC unroll 4
	for (unsigned k = 0; k < BFS_BTREE_MAX; k += 8)
		__builtin_prefetch(&node->key[k]);
	return node;
}

/* Of an inner node: the child for that key. */
static unsigned branch(const struct bfs_bnode *node, uint64_t key)
{
	unsigned at = upto(node, key);

	return at ? at - 1 : 0;
}

static struct bfs_bnode *new_node(unsigned cap, unsigned level)
{
	struct bfs_bnode *node = malloc(
		sizeof(*node) + cap * (sizeof(*node->key) + sizeof(void *)));

	if (!node)
		return NULL;
	node->n = 0;
	node->cap = (uint16_t)cap;
	node->level = (uint16_t)level;
	return node;
}

/* count of them, from a place in one node to the end of another. */
static void append(struct bfs_bnode *to, const struct bfs_bnode *from,
		   unsigned at, unsigned count)
{
	memcpy(to->key + to->n, from->key + at, count * sizeof(*to->key));
	memcpy(values(to) + to->n, values(from) + at, count * sizeof(void *));
	to->n = (uint16_t)(to->n + count);
}

static void insert(struct bfs_bnode *node, unsigned at, uint64_t key,
		   void *value)
{
	unsigned behind = node->n - at;
	void **v = values(node);

	memmove(node->key + at + 1, node->key + at,
		behind * sizeof(*node->key));
	memmove(v + at + 1, v + at, behind * sizeof(*v));
	node->key[at] = key;
	v[at] = value;
	node->n++;
}

static void cut(struct bfs_bnode *node, unsigned at)
{
	unsigned behind = --node->n - at;
	void **v = values(node);

	memmove(node->key + at, node->key + at + 1,
		behind * sizeof(*node->key));
	memmove(v + at, v + at + 1, behind * sizeof(*v));
}

/* Room for one more, below the largest size. */
static int widen(struct bfs_bnode **node)
{
	struct bfs_bnode *wide = new_node((*node)->cap * 2u, (*node)->level);

	if (!wide)
		return -ENOMEM;
	append(wide, *node, 0, (*node)->n);
	free(*node);
	*node = wide;
	return 0;
}

/* A full child becomes two: halves, or where the key goes to its end (as in a
 * load, which is in order) all but the last stay.  The parent has room. */
static int split(struct bfs_bnode *parent, unsigned at, uint64_t key)
{
	struct bfs_bnode *full = child(parent, at), *more;
	unsigned keep =
		key > full->key[full->n - 1] ? full->n - 1u : full->n / 2u;

	more = new_node(full->cap, full->level);
	if (!more)
		return -ENOMEM;
	append(more, full, keep, full->n - keep);
	full->n = (uint16_t)keep;
	insert(parent, at + 1, more->key[0], more);
	return 0;
}

/* One level more above a full top. */
static int raise_top(struct bfs_bnode **top)
{
	struct bfs_bnode *above;

	if ((*top)->level + 1 == BFS_BTREE_LEVELS)
		return -ENOSPC;
	above = new_node(SMALLEST, (*top)->level + 1u);
	if (!above)
		return -ENOMEM;
	insert(above, 0, (*top)->key[0], *top);
	*top = above;
	return 0;
}

/* Room in that node for one more, by more memory or by a second one. */
static int make_room(struct bfs_bnode **top, struct bfs_bnode *parent,
		     unsigned at, uint64_t key)
{
	struct bfs_bnode **node =
		parent ? (struct bfs_bnode **)&values(parent)[at] : top;
	int r;

	if ((*node)->n < (*node)->cap)
		return 0;
	if ((*node)->cap < BFS_BTREE_MAX)
		return widen(node);
	if (parent)
		return split(parent, at, key);
	r = raise_top(top);
	return r ? r : split(*top, 0, key);
}

int bfs_btree_add(struct bfs_bnode **top, uint64_t key, void *value)
{
	struct bfs_bnode *parent = NULL, *node;
	unsigned at = 0;
	int r;

	if (!*top)
		*top = new_node(SMALLEST, 0);
	if (!*top)
		return -ENOMEM;
	r = make_room(top, NULL, 0, key);
	for (node = *top; !r && node->level; node = child(parent, at)) {
		parent = node;
		if (key < parent->key[0])
			parent->key[0] = key;
		at = branch(parent, key);
		r = make_room(top, parent, at, key);
		at = branch(parent, key);
	}
	if (!r)
		insert(node, upto(node, key), key, value);
	if (!(*top)->n) {
		free(*top);
		*top = NULL;
	}
	return r;
}

/* A poor child and the one behind it are one, if that leaves room. */
static void join(struct bfs_bnode *parent, unsigned at)
{
	struct bfs_bnode *node = child(parent, at), *next;

	if (at + 1 == parent->n)
		return;
	next = child(parent, at + 1);
	if (node->n + next->n > (int)JOINED || node->n + next->n > node->cap)
		return;
	append(node, next, 0, next->n);
	free(next);
	cut(parent, at + 1);
}

/* What has become empty goes, and a top with one child. */
static void tidy(struct bfs_bnode **top, struct bfs_bnode **path,
		 const unsigned *at, unsigned n)
{
	while (n-- > 1) {
		struct bfs_bnode *node = path[n], *parent = path[n - 1];

		if (!node->n) {
			cut(parent, at[n - 1]);
			free(node);
		} else if (node->n < POOR) {
			join(parent, at[n - 1]);
		}
	}
	while (*top && ((*top)->level ? (*top)->n < 2 : !(*top)->n)) {
		struct bfs_bnode *old = *top;

		*top = old->level && old->n ? child(old, 0) : NULL;
		free(old);
	}
}

void bfs_btree_remove(struct bfs_bnode **top, uint64_t key)
{
	struct bfs_bnode *path[BFS_BTREE_LEVELS], *node = *top;
	unsigned at[BFS_BTREE_LEVELS], n = 0;

	for (; node->level; node = child(node, at[n++])) {
		path[n] = node;
		at[n] = branch(node, key);
	}
	path[n++] = node;
	cut(node, upto(node, key) - 1);
	tidy(top, path, at, n);
}

void *bfs_btree_get(const struct bfs_bnode *top, uint64_t key)
{
	unsigned at;

	if (!top)
		return NULL;
	while (top->level)
		top = child(top, branch(top, key));
	at = upto(top, key);
	return at && top->key[at - 1] == key ? values(top)[at - 1] : NULL;
}

void bfs_btree_iter_init(struct bfs_btree_iter *it, const struct bfs_bnode *top,
			 uint64_t above)
{
	it->n = top ? top->level + 1u : 0;
	for (unsigned l = it->n; l--;) {
		it->level[l].node = it->n < FAR ? top : fetch(top);
		it->level[l].at = l ? branch(top, above) : upto(top, above);
		top = l ? child(top, it->level[l].at) : NULL;
	}
}

/* The leaf is at its end: to the next one. */
static void step(struct bfs_btree_iter *it)
{
	unsigned l = 1;

	while (l < it->n && it->level[l].at + 1 == it->level[l].node->n)
		l++;
	if (l >= it->n) {
		it->n = 0;
		return;
	}
	it->level[l].at++;
	for (; l; l--) {
		it->level[l - 1].node =
			child(it->level[l].node, it->level[l].at);
		it->level[l - 1].at = 0;
	}
}

void *bfs_btree_iter_next(struct bfs_btree_iter *it)
{
	while (it->n && it->level[0].at == it->level[0].node->n)
		step(it);
	return it->n ? values(it->level[0].node)[it->level[0].at++] : NULL;
}

void *bfs_btree_iter_peek(const struct bfs_btree_iter *it, unsigned steps)
{
	const struct bfs_bnode *leaf, *up;
	unsigned at;

	if (it->n < FAR)
		return NULL;
	leaf = it->level[0].node;
	at = it->level[0].at + steps;
	if (at < leaf->n)
		return values(leaf)[at];
	up = it->level[1].node;
	if (it->level[1].at + 1 == up->n)
		return NULL;
	at -= leaf->n;
	leaf = child(up, it->level[1].at + 1);
	return at < leaf->n ? values(leaf)[at] : NULL;
}

static int check(const struct bfs_bnode *node, uint64_t low, uint64_t high)
{
	if (!node->n || node->n > node->cap || node->cap > BFS_BTREE_MAX)
		return -1;
	for (unsigned k = 0; k < node->n; k++) {
		uint64_t from = node->key[k];
		uint64_t to = k + 1u < node->n ? node->key[k + 1] : high;

		if (from < low || from >= to)
			return -1;
		if (node->level && (child(node, k)->level + 1 != node->level ||
				    check(child(node, k), from, to) < 0))
			return -1;
	}
	return node->level;
}

int bfs_btree_check(const struct bfs_bnode *top)
{
	return top ? check(top, 0, UINT64_MAX) : 0;
}
