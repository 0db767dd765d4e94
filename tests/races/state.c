/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes, names and descriptions; what two states have in common. */
#include "state.h"

#include <err.h>
#include <string.h>

void state_init(struct state *s, uint8_t dirs)
{
	memset(s, 0, sizeof(*s));
	node_new(s, OPS + NAMES + 1, 'd');
	for (int i = 0; i < NAMES; i++) {
		int node;

		if (!(dirs & 1 << i))
			continue;
		node = node_new(s, OPS + 1 + i, 'd');
		set_entry(s, 0, i, node);
	}
}

/* The new node has no name yet; a directory's parent is set with its name. */
int node_new(struct state *s, int id, char type)
{
	int i = 0;

	while (i < NODES && s->node[i].id)
		i++;
	if (i == NODES)
		errx(1, "a history with more than %d files at once", NODES);
	memset(&s->node[i], 0, sizeof(s->node[i]));
	s->node[i].id = (uint16_t)id;
	s->node[i].type = (uint8_t)type;
	memset(s->node[i].entry, NONE, NAMES);
	return i;
}

struct desc *desc_of(struct state *s, const struct op *op)
{
	for (int i = 0; op->opened && i < DESCS; i++)
		if (s->desc[i].id == op->opened)
			return &s->desc[i];
	return NULL;
}

/* What listings that are under way may have seen. */
static void tell_listings(struct state *s, int dir, int name, int old, int new)
{
	uint8_t bit = (uint8_t)(1 << name);

	for (int t = 0; t < s->walks; t++) {
		struct walk *w = &s->walk[t];

		if (w->stage != LISTING || w->dir != dir)
			continue;
		w->changed |= bit;
		if (new != NONE)
			w->present |= bit;
		/* another file of that name is another entry */
		if (new == NONE || old != NONE)
			w->absent |= bit;
	}
}

void set_entry(struct state *s, int dir, int name, int node)
{
	struct node *d = &s->node[dir];
	int old = d->entry[name];

	if (old != NONE)
		s->node[old].links--;
	d->entry[name] = (uint8_t)node;
	if (node != NONE) {
		s->node[node].links++;
		s->node[node].parent = (uint8_t)dir;
	}
	tell_listings(s, dir, name, old, node);
}

bool is_below(const struct state *s, int node, int dir)
{
	for (int i = 0; i < NODES; i++) {
		if (node == dir)
			return true;
		if (!node)
			return false;
		node = s->node[node].parent;
	}
	return false;
}

/* Frees what has no name and nobody has open or is about to look at. */
void state_sweep(struct state *s)
{
	bool used[NODES] = { true };

	for (int i = 0; i < DESCS; i++)
		if (s->desc[i].id)
			used[s->desc[i].node] = true;
	for (int t = 0; t < s->walks; t++) {
		const struct walk *w = &s->walk[t];

		if (w->stage == START)
			continue;
		used[w->dir] = used[w->dir_a] = used[w->dir_b] = true;
		if (w->held != NONE)
			used[w->held] = true;
	}
	for (int i = 0; i < NODES; i++)
		if (!used[i] && !s->node[i].links)
			s->node[i].id = 0;
}

/* Not h ^ v of the caller's: what is mixed first must be a constant. */
static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9fb21c651e98df25ull;
	return h ^ h >> 29;
}

static void add(struct hash *sum, uint64_t h)
{
	sum->a += mix(h, 0x1234567);
	sum->b += mix(h, 0xabcdef0123);
}

static int id_of(const struct state *s, int node)
{
	return node == NONE ? 0 : s->node[node].id;
}

static uint64_t hash_node(const struct state *s, const struct node *n)
{
	uint64_t h = mix(mix(1, n->id), n->ino), word;

	if (n->type == 'd') {
		for (int i = 0; i < NAMES; i++)
			h = mix(h, (uint64_t)id_of(s, n->entry[i]));
		return n->links ? mix(h, (uint64_t)id_of(s, n->parent)) : h;
	}
	h = mix(h, (uint64_t)n->target << 8 | n->size);
	for (int i = 0; i < n->size; i += 8) {
		memcpy(&word, n->data + i, 8);
		h = mix(h, word);
	}
	return h;
}

static uint64_t hash_desc(const struct state *s, const struct desc *d)
{
	uint64_t h = mix(mix(2, d->id), (uint64_t)id_of(s, d->node));

	h = mix(h, (uint64_t)d->closed << 16 | (uint64_t)d->posix_r << 8 |
			   d->posix_w);
	return mix(h, (uint64_t)d->ofd_r << 16 | (uint64_t)d->ofd_w << 8 |
			      (uint64_t)d->flock);
}

static uint64_t hash_walk(const struct state *s, int t)
{
	const struct walk *w = &s->walk[t];
	uint64_t h = mix(mix(3, (uint64_t)t), (uint64_t)w->stage << 8 | w->at);

	h = mix(h, (uint64_t)w->name_a << 16 | (uint64_t)w->pending << 8 |
			   w->loops);
	h = mix(h, (uint64_t)id_of(s, w->dir) << 16 |
			   (uint64_t)id_of(s, w->dir_a));
	h = mix(h, (uint64_t)id_of(s, w->dir_b) << 16 |
			   (uint64_t)id_of(s, w->held));
	return mix(h, (uint64_t)w->present << 16 | (uint64_t)w->absent << 8 |
			      w->changed);
}

/* Equal states have equal hashes, wherever their nodes are kept. */
struct hash state_hash(const struct state *s)
{
	struct hash sum = { 1, 2 };

	for (int i = 0; i < NODES; i++)
		if (s->node[i].id)
			add(&sum, hash_node(s, &s->node[i]));
	for (int i = 0; i < DESCS; i++)
		if (s->desc[i].id)
			add(&sum, hash_desc(s, &s->desc[i]));
	for (int t = 0; t < s->walks; t++)
		if (s->walk[t].stage != START)
			add(&sum, hash_walk(s, t));
	return sum;
}
