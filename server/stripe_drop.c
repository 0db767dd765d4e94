/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a striped file: what others have of it goes (S5). */
#include "core/util.h"
#include "server/chunks.h"
#include "server/hash.h"
#include "server/peer.h"
#include "server/shared.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#define AGAIN_NS 1000000000ull

/* One shard that is to be told. */
struct bfs_drop {
	struct bfs_drop *prev, *next; /* in fs->drops */
	struct bfs_peer_msg m;
	struct bfs_server *server;
	struct bfs_timer timer;
	unsigned shard;
	uint8_t req[8], rep[16];
};

/* A file that goes as soon as no restart can bring it back. */
struct bfs_doomed {
	uint64_t ino;
	UT_hash_handle hh;
};

static void send(struct bfs_drop *d)
{
	d->m.deadline = bfs_now() +
			d->server->config.network.timeout_secs * 1000000000ull;
	bfs_peer_send(d->server, d->shard, &d->m);
}

static void on_timer(struct bfs_timer *t)
{
	send(t->arg);
}

/* One that has ended looks by itself what is left when it starts. */
static void done(struct bfs_peer_msg *m)
{
	struct bfs_drop *d = m->arg;

	if (m->status && m->status != -EHOSTDOWN && m->status != -ECANCELED &&
	    d->server->loop) {
		bfs_loop_timer(d->server->loop, &d->timer,
			       bfs_now() + AGAIN_NS);
		return;
	}
	DL_DELETE(d->server->fs->drops, d);
	free(d);
}

static void tell(struct bfs_server *s, unsigned shard, uint64_t ino)
{
	struct bfs_drop *d = calloc(1, sizeof(*d));
	struct bfs_wire w;

	if (!d)
		return; /* it finds out when it starts */
	bfs_wire_init(&w, d->req, sizeof(d->req));
	bfs_put_u64(&w, ino);
	d->server = s;
	d->shard = shard;
	d->timer = (struct bfs_timer){ .fn = on_timer, .arg = d };
	d->m = (struct bfs_peer_msg){ .op = BFS_OP_CHUNKDROP,
				      .req = d->req,
				      .req_len = sizeof(d->req),
				      .rep = d->rep,
				      .rep_cap = sizeof(d->rep),
				      .unless_dead = true,
				      .done = done,
				      .arg = d };
	DL_APPEND(s->fs->drops, d);
	send(d);
}

void bfs_stripe_drop(struct bfs_server *s, uint64_t ino)
{
	for (unsigned n = 0; s->peers && n < s->nshards; n++)
		if (n != s->shard)
			tell(s, n, ino);
}

/* Of an earlier run only the size tells. */
static bool may_have_chunks(struct bfs_fs *fs, struct bfs_inode *i)
{
	unsigned chunk = bfs_stripe_chunk(fs, i);
	uint64_t size;

	if (!chunk || bfs_inode_stripe(i))
		return chunk;
	return !bfs_stripe_size(fs, i, &size) && size >> chunk;
}

void bfs_stripe_gone(struct bfs_fs *fs, struct bfs_inode *i)
{
	struct bfs_doomed *d;

	if (!may_have_chunks(fs, i))
		return;
	if (bfs_inode_stripe(i))
		bfs_cuts_free(fs, i, true);
	d = malloc(sizeof(*d));
	if (!d)
		return;
	d->ino = i->ino;
	HASH_ADD(hh, fs->doomed, ino, sizeof(d->ino), d);
	if (!bfs_hashed(d))
		free(d);
}

void bfs_stripe_removed(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_doomed *d;

	HASH_FIND(hh, fs->doomed, &ino, sizeof(ino), d);
	if (!d)
		return;
	HASH_DEL(fs->doomed, d);
	free(d);
	if (fs->conf.drop_far)
		fs->conf.drop_far(fs->conf.arg_far, ino);
}

void bfs_stripe_drops_free(struct bfs_fs *fs)
{
	struct bfs_doomed *d, *more;
	struct bfs_drop *p, *next;

	HASH_ITER(hh, fs->doomed, d, more)
	{
		HASH_DEL(fs->doomed, d);
		free(d);
	}
	DL_FOREACH_SAFE(fs->drops, p, next)
	free(p);
	fs->drops = NULL;
}
