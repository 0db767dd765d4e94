/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/home.h"

#include "core/log.h"
#include "server/fanout.h"
#include "server/fiber.h"
#include "server/hold.h"
#include "server/journal.h"
#include "server/server.h"
#include "server/shared.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <utlist.h>

/* More than can be under way: each begins with what changed since the last. */
#define GATHERS_AWAITED 64

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

struct bfs_part bfs_part_of(const struct bfs_inode *i)
{
	return (struct bfs_part){ .subdirs = i->nlink > 2 ? i->nlink - 2 : 0,
				  .mtime = i->mtime,
				  .ctime = i->ctime };
}

static int make_parts(struct bfs_shared *s, unsigned shard)
{
	struct bfs_part *p;

	if (shard < s->nparts)
		return 0;
	p = realloc(s->parts, (shard + 1) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (unsigned n = s->nparts; n <= shard; n++)
		p[n] = (struct bfs_part){ 0 };
	s->parts = p;
	s->nparts = shard + 1;
	return 0;
}

int bfs_part_take(struct bfs_fs *fs, struct bfs_inode *dir, unsigned shard,
		  const struct bfs_part *p)
{
	struct bfs_shared *s = dir->dir.shared;
	struct bfs_part *was;

	if (make_parts(s, shard))
		return -ENOMEM;
	was = &s->parts[shard];
	if (p->version <= was->version)
		return 0;
	bfs_note_inode(fs, dir);
	dir->nlink += p->subdirs - was->subdirs;
	/* A time that utimensat has set since the part last changed stays,
	 * however old it is. */
	if (later(p->mtime, was->mtime) &&
	    (s->times_set || later(p->mtime, dir->mtime))) {
		dir->mtime = p->mtime;
		s->times_set = false;
	}
	if (later(p->ctime, dir->ctime))
		dir->ctime = p->ctime;
	*was = *p;
	return 0;
}

static struct timespec to_timespec(struct bfs_time t)
{
	return (struct timespec){ t.sec, t.nsec };
}

static int take_dirpart(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct bfs_inode *i = bfs_inode_find(bfs_call_fs(f->c), f->ino);
	struct bfs_dirpart_rep rep;

	if (bfs_dirpart_rep_get(w, &rep))
		return -EBADMSG;
	if (!i)
		return -ENOENT;
	/* It goes on without telling. */
	if (rep.held && bfs_shards_add(&i->dir.shared->changed, f->shards[n]))
		return -ENOMEM;
	return bfs_part_take(
		bfs_call_fs(f->c), i, f->shards[n],
		&(struct bfs_part){ rep.subdirs, to_timespec(rep.mtime),
				    to_timespec(rep.ctime), rep.version });
}

/* They must be asked again. */
static void unasked(const struct bfs_fanout *f)
{
	struct bfs_inode *i = bfs_inode_find(bfs_call_fs(f->c), f->ino);

	for (unsigned n = 0; i && n < f->n; n++)
		bfs_shards_add(&i->dir.shared->changed, f->shards[n]);
}

/* A question under way to the parts of a directory. */
struct bfs_gather {
	struct bfs_gather *prev, *next;
};

static int gather(struct bfs_call *c, struct bfs_inode *i)
{
	struct bfs_dirpart_req req = { i->ino };
	struct bfs_fanout f = { .c = c,
				.op = BFS_OP_DIRPART,
				.ino = i->ino,
				.take = take_dirpart };
	struct bfs_shared *s = i->dir.shared;
	struct bfs_gather g;
	struct bfs_wire w;
	int r = bfs_fanout_begin(&f, &s->changed, &w);

	if (r)
		return r;
	bfs_dirpart_req_put(&w, &req);
	/* What changes while we ask is told anew. */
	bfs_shards_clear(&s->changed);
	DL_APPEND(s->gathers, &g);
	r = bfs_fanout_run(&f, &w);
	if (r)
		unasked(&f);
	bfs_fanout_end(&f);
	i = bfs_inode_find(bfs_call_fs(c), req.ino);
	if (i)
		DL_DELETE(i->dir.shared->gathers, &g);
	bfs_hold_changed(bfs_call_fs(c));
	return r;
}

/* Is the question still under way?  It may have ended, and the place on its
 * fiber's stack be another's now: then that one came later, which does no
 * harm. */
static bool under_way(const struct bfs_inode *i, const struct bfs_gather *g)
{
	const struct bfs_gather *at;

	DL_FOREACH(i->dir.shared->gathers, at)
	if (at == g)
		return true;
	return false;
}

/* The answers to what others have asked before count for us too. */
static int await(struct bfs_call *c, uint64_t ino,
		 const struct bfs_gather *last)
{
	struct bfs_inode *i = bfs_inode_find(bfs_call_fs(c), ino);
	int r = 0;

	while (!r && i && under_way(i, last)) {
		r = bfs_hold_wait(c);
		i = bfs_inode_find(bfs_call_fs(c), ino);
	}
	return r;
}

int bfs_home_gather(struct bfs_call *c, struct bfs_inode *i)
{
	struct bfs_shared *s = S_ISDIR(i->mode) ? i->dir.shared : NULL;
	const struct bfs_gather *before[GATHERS_AWAITED], *at;
	unsigned n = 0;
	uint64_t ino = i->ino;
	int r = 0;

	if (!s || s->copy ||
	    (!s->gathers && bfs_shards_next(&s->changed, 0) == UINT_MAX))
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	DL_FOREACH(s->gathers, at)
	if (n < GATHERS_AWAITED)
		before[n++] = at;
	if (bfs_shards_next(&s->changed, 0) != UINT_MAX)
		r = gather(c, i);
	for (unsigned k = 0; !r && k < n; k++)
		r = await(c, ino, before[k]);
	return r ? r : 1;
}

struct revoking {
	struct bfs_fanout f;
	bool entries, held;
};

/* Who has entries stays a holder, and so is asked before a removal. */
static int take_revoked(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct revoking *v = (struct revoking *)f;
	struct bfs_fs *fs = bfs_call_fs(f->c);
	struct bfs_inode *i = bfs_inode_find(fs, f->ino);
	struct bfs_dirrevoke_rep rep;

	if (bfs_dirrevoke_rep_get(w, &rep))
		return -EBADMSG;
	if (!i)
		return -ENOENT;
	v->held |= rep.held != 0;
	v->entries |= rep.entries != 0;
	if (!rep.entries && !rep.held)
		bfs_holder_remove(fs, i, f->shards[n]);
	if (rep.held && bfs_shards_add(&i->dir.shared->changed, f->shards[n]))
		return -ENOMEM;
	return bfs_part_take(
		fs, i, f->shards[n],
		&(struct bfs_part){ rep.subdirs, to_timespec(rep.mtime),
				    to_timespec(rep.ctime), rep.version });
}

static int ask_holders(struct bfs_call *c, struct bfs_inode *i,
		       const struct bfs_shards *whom, bool *entries)
{
	struct bfs_dirrevoke_req req = { i->ino };
	struct revoking v = { .f = { .c = c,
				     .op = BFS_OP_DIRREVOKE,
				     .ino = i->ino,
				     .unless_dead = true,
				     .dead_ok = !entries,
				     .take = take_revoked } };
	struct bfs_wire w;
	int r;

	if (bfs_shards_next(whom, 0) == UINT_MAX)
		return 0;
	r = bfs_fanout_begin(&v.f, whom, &w);
	if (r)
		return r;
	bfs_dirrevoke_req_put(&w, &req);
	r = bfs_fanout_run(&v.f, &w);
	if (r) /* some have answered, and were not listened to */
		unasked(&v.f);
	bfs_fanout_end(&v.f);
	if (entries)
		*entries = v.entries;
	return !r && entries && v.held ? -EAGAIN : r;
}

int bfs_home_revoke(struct bfs_call *c, struct bfs_inode *i, uint64_t tx,
		    bool *entries)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_shared *s = S_ISDIR(i->mode) ? i->dir.shared : NULL;
	int r;

	if (entries)
		*entries = false;
	if (!s)
		return 0;
	if (s->busy && s->busy != tx) {
		r = bfs_hold_wait(c);
		return r ? r : 1;
	}
	if (bfs_shards_next(&s->holders, 0) != UINT_MAX && !bfs_fiber_self())
		return -BFS_NEED_FIBER;
	bfs_hold_dir(fs, i, tx);
	r = ask_holders(c, i, &s->holders, entries);
	if (!r && entries && bfs_hold_any(fs, i->ino))
		r = -EAGAIN;
	if (r)
		bfs_hold_dir_end(fs, i);
	return r;
}

/*
 * Held meanwhile as for a change: a copy that the holder asks for again is
 * given to it after that.
 */
static int have_back(struct bfs_call *c, struct bfs_inode *i)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_shards one = { 0 };
	uint64_t tx = bfs_home_tx(fs);
	int r = bfs_shards_add(&one, (unsigned)c->peer);

	if (r)
		return r;
	bfs_hold_dir(fs, i, tx);
	r = ask_holders(c, i, &one, NULL);
	bfs_hold_release(fs, tx);
	bfs_shards_clear(&one);
	return r;
}

int bfs_serve_dirdrop(struct bfs_call *c, const struct bfs_dirdrop_req *req,
		      struct bfs_dirdrop_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i;

	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	while ((i = bfs_inode_here(fs, req->ino)) && S_ISDIR(i->mode) &&
	       i->dir.shared->busy) {
		int r = bfs_hold_wait(c);

		if (r)
			return r;
	}
	if (!i || !S_ISDIR(i->mode) ||
	    !bfs_shards_has(&i->dir.shared->holders, (unsigned)c->peer))
		return 0;
	return have_back(c, i);
}

uint64_t bfs_home_tx(struct bfs_fs *fs)
{
	uint64_t tx;

	/* Unique in the cluster and over restarts by its length alone. */
	while (getrandom(&tx, sizeof(tx), 0) != sizeof(tx) || !tx)
		;
	return tx;
}
