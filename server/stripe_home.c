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
	return S_ISREG(i->mode) && bfs_fs_clustered(fs) &&
			       i->layout.policy == BFS_POLICY_STRIPE
		       ? i->layout.chunk_log2
		       : 0;
}

uint32_t bfs_stripe_right(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	unsigned chunk = bfs_stripe_chunk(fs, i);

	return chunk ? BFS_RIGHT_STRIPED | chunk << BFS_RIGHT_CHUNK_SHIFT : 0;
}

/* One that a daemon made for itself says nothing; where it is sent, at the
 * home, the inode does. */
unsigned bfs_stripe_chunk_of(const struct bfs_fs *fs, struct bfs_handle h)
{
	struct bfs_inode *i;

	if (!bfs_fs_clustered(fs))
		return 0;
	if (h.rights & BFS_RIGHT_STRIPED)
		return BFS_RIGHT_CHUNK(h.rights);
	i = bfs_inode_here(fs, h.ino);
	return i ? bfs_stripe_chunk(fs, i) : 0;
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
	unsigned chunk = bfs_stripe_chunk_of(fs, h);
	struct bfs_plan p;

	if (!chunk || !size || offset > INT64_MAX ||
	    size > INT64_MAX - offset || !bfs_handle_genuine(fs, h))
		return false;
	p = bfs_stripe_plan(fs, h.ino, chunk, offset, offset + size);
	return !bfs_plan_whole(&p, p.home);
}

static bool is_old(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return (i->ino & NUMBER) <= fs->first_counter;
}

bool bfs_stripe_untouched(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return !bfs_stripe_chunk(fs, i) ||
	       (!is_old(fs, i) && !bfs_inode_stripe(i));
}

struct bfs_stripe *bfs_stripe_get(struct bfs_fs *fs, struct bfs_inode *i)
{
	struct bfs_rare *r = bfs_inode_rare(i);

	if (!r || r->stripe)
		return r ? r->stripe : NULL;
	r->stripe = calloc(1, sizeof(*r->stripe));
	if (r->stripe)
		r->stripe->unsure = is_old(fs, i);
	return r->stripe;
}

uint64_t bfs_stripe_version(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return fs->conf.incarnation +
	       (bfs_inode_stripe(i) ? bfs_inode_stripe(i)->steps : 0);
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
	struct bfs_stripe *s = bfs_inode_stripe(i);
	struct bfs_grant *g, *next;

	if (!s)
		return;
	bfs_cuts_free(NULL, i, false);
	free_dirty(s);
	DL_FOREACH_SAFE(s->grants, g, next)
	free(g);
	free(s);
	i->rare->stripe = NULL;
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
	DL_APPEND(bfs_inode_stripe(i)->grants, g);
	return g;
}

struct bfs_grant *bfs_stripe_granted(const struct bfs_inode *i, uint64_t id)
{
	struct bfs_grant *g;

	if (!bfs_inode_stripe(i))
		return NULL;
	DL_FOREACH(bfs_inode_stripe(i)->grants, g)
	if (g->id == id)
		return g;
	return NULL;
}

void bfs_stripe_ungrant(struct bfs_fs *fs, struct bfs_inode *i,
			struct bfs_grant *g, uint64_t done)
{
	uint64_t from = BFS_MAX(done, g->offset), end = g->end;

	DL_DELETE(bfs_inode_stripe(i)->grants, g);
	free(g);
	if (from < end)
		bfs_stripe_dirty(fs, i, from, end);
	bfs_hold_changed(fs);
}

void bfs_stripe_expire(struct bfs_server *s, struct bfs_inode *i)
{
	struct bfs_grant *g, *next;

	DL_FOREACH_SAFE(bfs_inode_stripe(i)->grants, g, next)
	if (g->until <= bfs_now() ||
	    (g->node != s->shard && bfs_peer_dead(s, g->node)))
		bfs_stripe_ungrant(s->fs, i, g, g->offset);
}

void bfs_stripe_peer_new(struct bfs_server *s, unsigned shard)
{
	struct bfs_inode *i, *more;
	struct bfs_grant *g, *next;

	BFS_ITABLE_EACH(&s->fs->inodes, i, more)
	{
		if (!S_ISREG(i->mode) || !bfs_inode_stripe(i))
			continue;
		DL_FOREACH_SAFE(bfs_inode_stripe(i)->grants, g, next)
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

	while (!r && i && (s = bfs_inode_stripe(i))) {
		bfs_stripe_expire(c->server, i);
		if (!s->busy && !(alone ? s->grants != NULL : s->wanting > 0))
			break;
		s->wanting += alone;
		r = wait_a_bit(c);
		i = bfs_inode_here(bfs_call_fs(c), ino);
		if (i && bfs_inode_stripe(i))
			bfs_inode_stripe(i)->wanting -= alone;
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
		bfs_inode_stripe(i)->busy = true;
	return r;
}

void bfs_stripe_leave(struct bfs_fs *fs, struct bfs_inode *i)
{
	bfs_inode_stripe(i)->busy = false;
	i->pins--;
	bfs_hold_changed(fs);
}
