/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What other shards have to cut from a file of ours.  Each cut is a new version
 * of it, and no shard serves a version before it has cut all that belongs to it
 * (RULES 19): those that did not answer are told when they ask.
 */
#include "core/util.h"
#include "server/fanout.h"
#include "server/journal.h"
#include "server/server.h"
#include "server/shared.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <utlist.h>

int bfs_cut_whom(const struct bfs_fs *fs, const struct bfs_inode *i,
		 uint64_t offset, uint64_t end, struct bfs_shards *whom)
{
	struct bfs_plan p =
		bfs_stripe_plan(fs, i->ino, bfs_stripe_chunk(fs, i), offset,
				BFS_MIN(end, (uint64_t)INT64_MAX));
	int r = 0;

	for (unsigned n = 0; !r && n < p.nshards; n++) {
		struct bfs_piece at = { 0 };

		if (n != p.home && bfs_plan_next(&p, n, &at))
			r = bfs_shards_add(whom, n);
	}
	if (r)
		bfs_shards_clear(whom);
	return r;
}

static struct bfs_rec_cut record(const struct bfs_inode *i,
				 const struct bfs_cut *k, unsigned shard)
{
	return (struct bfs_rec_cut){ .ino = i->ino,
				     .shard = shard,
				     .offset = k->offset,
				     .end = k->end };
}

static void put_down(struct bfs_fs *fs, const struct bfs_inode *i,
		     struct bfs_cut *k)
{
	k->logged = true;
	if (!fs->journal)
		return;
	for (unsigned n = bfs_shards_next(&k->owing, 0); n != UINT_MAX;
	     n = bfs_shards_next(&k->owing, n + 1)) {
		struct bfs_rec_cut r = record(i, k, n);

		bfs_journal_add_cut(fs->journal, &r);
	}
}

static void settle(struct bfs_fs *fs, const struct bfs_inode *i,
		   struct bfs_cut *k, unsigned shard)
{
	struct bfs_rec_cut r = record(i, k, shard);

	bfs_shards_remove(&k->owing, shard);
	if (k->logged && fs && fs->journal)
		bfs_journal_gone_cut(fs->journal, &r);
}

static void drop(struct bfs_inode *i, struct bfs_cut *k)
{
	DL_DELETE(bfs_inode_stripe(i)->cuts, k);
	bfs_shards_clear(&k->owing);
	free(k);
}

static bool settled(const struct bfs_cut *k)
{
	return bfs_shards_next(&k->owing, 0) == UINT_MAX;
}

void bfs_cuts_free(struct bfs_fs *fs, struct bfs_inode *i, bool gone)
{
	struct bfs_cut *k, *next;
	unsigned n;

	DL_FOREACH_SAFE(bfs_inode_stripe(i)->cuts, k, next)
	{
		while (gone && (n = bfs_shards_next(&k->owing, 0)) != UINT_MAX)
			settle(fs, i, k, n);
		drop(i, k);
	}
}

/* Whoever cuts all of k need not cut what lies in it. */
static void supersede(struct bfs_fs *fs, struct bfs_inode *i,
		      const struct bfs_cut *by)
{
	struct bfs_cut *k, *next;

	DL_FOREACH_SAFE(bfs_inode_stripe(i)->cuts, k, next)
	{
		if (k == by || k->offset < by->offset || k->end > by->end)
			continue;
		for (unsigned n = bfs_shards_next(&by->owing, 0); n != UINT_MAX;
		     n = bfs_shards_next(&by->owing, n + 1))
			if (bfs_shards_has(&k->owing, n))
				settle(fs, i, k, n);
		if (settled(k))
			drop(i, k);
	}
}

struct bfs_cut *bfs_cut_add(struct bfs_fs *fs, struct bfs_inode *i,
			    uint64_t offset, uint64_t end,
			    struct bfs_shards *whom, bool logged)
{
	struct bfs_stripe *s = bfs_stripe_get(fs, i);
	struct bfs_cut *k = s ? calloc(1, sizeof(*k)) : NULL;

	if (!k) {
		bfs_shards_clear(whom);
		return NULL;
	}
	s->steps++;
	k->version = bfs_stripe_version(fs, i);
	k->offset = offset;
	k->end = end;
	k->owing = *whom;
	*whom = (struct bfs_shards){ 0 };
	DL_APPEND(s->cuts, k);
	if (logged) {
		supersede(fs, i, k);
		put_down(fs, i, k);
	}
	return k;
}

struct pushing {
	struct bfs_fanout f;
	struct bfs_inode *inode; /* stays */
	struct bfs_cut *cut;
};

static int take(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct pushing *p = (struct pushing *)f;

	settle(bfs_call_fs(f->c), p->inode, p->cut, f->shards[n]);
	return 0;
}

/* Up to there others may have something to cut that they do not know of. */
static uint64_t after(const struct bfs_inode *i, const struct bfs_cut *k)
{
	uint64_t v = 0;

	for (const struct bfs_cut *o = bfs_inode_stripe(i)->cuts; o;
	     o = o->next)
		if (o != k)
			v = BFS_MAX(v, o->version);
	return v;
}

static int ask_all(struct pushing *p)
{
	struct bfs_chunkcut_req req = { .ino = p->inode->ino,
					.version = p->cut->version,
					.after = after(p->inode, p->cut),
					.offset = p->cut->offset,
					.end = p->cut->end };
	struct bfs_wire w;
	int r = bfs_fanout_begin(&p->f, &p->cut->owing, &w);

	if (r)
		return r;
	bfs_chunkcut_req_put(&w, &req);
	r = bfs_fanout_run(&p->f, &w);
	bfs_fanout_end(&p->f);
	return r;
}

int bfs_cut_push(struct bfs_call *c, struct bfs_inode *i, struct bfs_cut *k)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct pushing p = { .f = { .c = c,
				    .op = BFS_OP_CHUNKCUT,
				    .unless_dead = true,
				    .dead_ok = true,
				    .take = take },
			     .inode = i,
			     .cut = k };
	int r = ask_all(&p);

	if (settled(k)) {
		drop(i, k);
		return 0;
	}
	/*
	 * Some may have cut without our hearing of it, and serve that version:
	 * if they are to cut again, then only what was not written since.
	 */
	bfs_inode_stripe(i)->steps++;
	k->version = bfs_stripe_version(fs, i);
	supersede(fs, i, k);
	put_down(fs, i, k);
	return r ? -EIO : 0;
}

static void confirm(struct bfs_fs *fs, struct bfs_inode *i, unsigned shard,
		    uint64_t have)
{
	struct bfs_cut *k, *next;

	DL_FOREACH_SAFE(bfs_inode_stripe(i)->cuts, k, next)
	{
		if (k->version > have || !bfs_shards_has(&k->owing, shard))
			continue;
		settle(fs, i, k, shard);
		/* Whoever pushes it looks himself. */
		if (k->logged && settled(k))
			drop(i, k);
	}
}

static void tell(const struct bfs_inode *i, unsigned shard, struct bfs_wire *w)
{
	const struct bfs_cut *k;

	DL_FOREACH(bfs_inode_stripe(i)->cuts, k)
	{
		if (!bfs_shards_has(&k->owing, shard))
			continue;
		bfs_put_u64(w, k->offset);
		bfs_put_u64(w, k->end);
	}
}

int bfs_cuts_tell(struct bfs_fs *fs, struct bfs_inode *i, unsigned shard,
		  uint64_t have, struct bfs_wire *w)
{
	if (!bfs_inode_stripe(i))
		return 0;
	confirm(fs, i, shard, have);
	tell(i, shard, w);
	return bfs_wire_end(w) ? -EIO : 0;
}

static void restore(void *arg, const struct bfs_record *rec)
{
	const struct bfs_rec_cut *r = &rec->cut;
	struct bfs_server *s = arg;
	struct bfs_inode *i = bfs_inode_here(s->fs, r->ino);
	struct bfs_shards whom = { 0 };

	if (!i || !S_ISREG(i->mode)) {
		bfs_journal_gone_cut(s->fs->journal, r);
		return;
	}
	if (!bfs_shards_add(&whom, r->shard))
		bfs_cut_add(s->fs, i, r->offset, r->end, &whom, true);
}

void bfs_stripe_restore(struct bfs_server *s)
{
	if (s->fs->journal)
		bfs_journal_each(s->fs->journal, BFS_RECORD_CUT, restore, s);
}
