/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is at work on a striped file, as its home knows. */
#include "server/stripe_home.h"

#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/hold.h"
#include "server/peer.h"
#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <utlist.h>

#define LOOK_NS 1000000000ull /* after those who may have ended */
#define GRACE_NS 2000000000ull

/* The counter in an inode's number. */
#define NUMBER (((uint64_t)1 << BFS_SHARD_SHIFT) - 1)

unsigned bfs_stripe_chunk(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return S_ISREG(i->mode) && bfs_fs_clustered(fs) ? fs->conf.stripe_log2
							 : 0;
}

uint32_t bfs_stripe_right(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	unsigned chunk = bfs_stripe_chunk(fs, i);

	return chunk ? BFS_RIGHT_STRIPED | chunk << BFS_RIGHT_CHUNK_SHIFT : 0;
}

struct bfs_plan bfs_stripe_plan(const struct bfs_fs *fs, uint64_t ino,
				unsigned chunk, uint64_t offset, uint64_t end)
{
	return (struct bfs_plan){ .home = bfs_shared_home(fs, ino),
				  .nshards = fs->conf.nshards,
				  .chunk = chunk,
				  .offset = offset,
				  .end = end };
}

bool bfs_stripe_spread(const struct bfs_fs *fs, struct bfs_handle h,
		       uint64_t offset, uint64_t size)
{
	unsigned chunk = BFS_RIGHT_CHUNK(h.rights);
	struct bfs_plan p;

	if (!(h.rights & BFS_RIGHT_STRIPED) || !size || !chunk ||
	    offset > INT64_MAX || size > INT64_MAX - offset ||
	    !bfs_fs_clustered(fs) || !bfs_handle_genuine(fs, h))
		return false;
	p = bfs_stripe_plan(fs, h.ino, chunk, offset, offset + size);
	return !bfs_plan_whole(&p, p.home);
}

static bool is_old(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return (i->ino & NUMBER) <= fs->first_counter;
}

struct bfs_stripe *bfs_stripe_get(struct bfs_fs *fs, struct bfs_inode *i)
{
	struct bfs_stripe *s = i->file.stripe;

	if (s)
		return s;
	s = i->file.stripe = calloc(1, sizeof(*s));
	if (s)
		s->unsure = is_old(fs, i);
	return s;
}

uint64_t bfs_stripe_version(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return fs->conf.incarnation +
	       (i->file.stripe ? i->file.stripe->steps : 0);
}

int bfs_stripe_size(struct bfs_fs *fs, struct bfs_inode *i, uint64_t *size)
{
	struct stat st;
	int r = bfs_data_stat(fs, i, &st);

	*size = r ? 0 : (uint64_t)st.st_size;
	return r;
}

static void free_dirty(struct bfs_stripe *s)
{
	struct bfs_dirty *d, *next;

	LL_FOREACH_SAFE(s->dirty, d, next)
	free(d);
}

void bfs_stripe_free(struct bfs_inode *i)
{
	struct bfs_stripe *s = i->file.stripe;
	struct bfs_grant *g, *next;

	if (!s)
		return;
	bfs_cuts_free(NULL, i, false);
	free_dirty(s);
	DL_FOREACH_SAFE(s->grants, g, next)
	free(g);
	free(s);
	i->file.stripe = NULL;
}

struct bfs_grant *bfs_stripe_grant(struct bfs_call *c, struct bfs_inode *i,
				   uint64_t offset, uint64_t end)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_grant *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	/* Never the same as one of an earlier run. */
	g->id = fs->conf.incarnation + ++fs->grants;
	g->offset = offset;
	g->end = end;
	g->node = c->peer >= 0 ? (unsigned)c->peer : fs->conf.shard;
	g->until = bfs_now() + c->head.deadline_ms * 1000000ull + GRACE_NS;
	DL_APPEND(i->file.stripe->grants, g);
	return g;
}

struct bfs_grant *bfs_stripe_granted(const struct bfs_inode *i, uint64_t id)
{
	struct bfs_grant *g;

	if (!i->file.stripe)
		return NULL;
	DL_FOREACH(i->file.stripe->grants, g)
	if (g->id == id)
		return g;
	return NULL;
}

void bfs_stripe_ungrant(struct bfs_fs *fs, struct bfs_inode *i,
			struct bfs_grant *g, uint64_t done)
{
	uint64_t from = BFS_MAX(done, g->offset), end = g->end;

	DL_DELETE(i->file.stripe->grants, g);
	free(g);
	if (from < end)
		bfs_stripe_dirty(fs, i, from, end);
	bfs_hold_changed(fs);
}

void bfs_stripe_expire(struct bfs_server *s, struct bfs_inode *i)
{
	struct bfs_grant *g, *next;

	DL_FOREACH_SAFE(i->file.stripe->grants, g, next)
	if (g->until <= bfs_now() ||
	    (g->node != s->shard && bfs_peer_dead(s, g->node)))
		bfs_stripe_ungrant(s->fs, i, g, g->offset);
}

void bfs_stripe_peer_new(struct bfs_server *s, unsigned shard)
{
	struct bfs_inode *i, *more;
	struct bfs_grant *g, *next;

	HASH_ITER(hh, s->fs->inodes, i, more)
	{
		if (!S_ISREG(i->mode) || !i->file.stripe)
			continue;
		DL_FOREACH_SAFE(i->file.stripe->grants, g, next)
		if (g->node == shard)
			bfs_stripe_ungrant(s->fs, i, g, g->offset);
	}
}

static int wait_a_bit(struct bfs_call *c)
{
	return bfs_hold_wait_until(c, bfs_now() + LOOK_NS);
}

int bfs_stripe_await(struct bfs_call *c, uint64_t ino, bool alone)
{
	struct bfs_inode *i = bfs_inode_here(bfs_call_fs(c), ino);
	struct bfs_stripe *s;
	int r = 0;

	while (!r && i && (s = i->file.stripe)) {
		if (alone)
			bfs_stripe_expire(c->server, i);
		if (!s->busy && !(alone ? s->grants != NULL : s->wanting > 0))
			break;
		s->wanting += alone;
		r = wait_a_bit(c);
		i = bfs_inode_here(bfs_call_fs(c), ino);
		if (i && i->file.stripe)
			i->file.stripe->wanting -= alone;
	}
	if (!i)
		return -ESTALE;
	return r;
}

int bfs_stripe_enter(struct bfs_call *c, struct bfs_inode *i)
{
	uint64_t ino = i->ino;
	int r;

	if (!bfs_stripe_get(bfs_call_fs(c), i))
		return -ENOMEM;
	i->pins++;
	r = bfs_stripe_await(c, ino, true);
	if (r)
		i->pins--;
	else
		i->file.stripe->busy = true;
	return r;
}

void bfs_stripe_leave(struct bfs_fs *fs, struct bfs_inode *i)
{
	i->file.stripe->busy = false;
	i->pins--;
	bfs_hold_changed(fs);
}
