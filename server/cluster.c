/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/cluster.h"

#include "core/log.h"
#include "core/members.h"
#include "core/util.h"
#include "server/far.h"
#include "server/hidden.h"
#include "server/mappers.h"
#include "server/peer.h"
#include "server/reclaim.h"
#include "server/settle.h"
#include "server/shared.h"
#include "server/special.h"
#include "server/stripe.h"
#include "server/stripe_space.h"
#include "server/tx.h"
#include "server/txp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* For tests on one machine: each daemon is on a node of its own. */
static bool apart(void)
{
	static int is = -1;

	if (is < 0)
		is = getenv("BENCHFS_TEST_APART") != NULL;
	return is;
}

/* One that does not say where it is is alone there. */
static bool one_node(const struct bfs_member *a, const struct bfs_member *b)
{
	return a == b || (!apart() && *a->node && !strcmp(a->node, b->node));
}

static bool same_node(const struct bfs_server *s, unsigned shard)
{
	const struct bfs_members *l = s->members;

	return shard < l->n && one_node(&l->m[shard], &l->m[s->shard]);
}

static const char *data_dir_of(const struct bfs_server *s, unsigned shard)
{
	return s->members->m[shard].data_dir;
}

static void find_nodes(struct bfs_server *s)
{
	const struct bfs_members *l = s->members;

	s->node_first = calloc(l->n, sizeof(*s->node_first));
	for (unsigned n = 0; s->node_first && n < l->n; n++)
		while (!one_node(&l->m[s->node_first[n]], &l->m[n]))
			s->node_first[n]++;
}

static bool many_nodes(const struct bfs_server *s)
{
	for (unsigned n = 0; n < s->members->n; n++)
		if (!same_node(s, n))
			return true;
	return false;
}

void bfs_cluster_joined(struct bfs_server *s)
{
	if (!s->members)
		return;
	find_nodes(s);
	s->same_node = same_node;
	s->data_dir_of = data_dir_of;
	bfs_fs_placed(s->fs, many_nodes(s));
	bfs_special_find(s);
	bfs_stripe_look(s, UINT_MAX);
	bfs_reclaim_start(s);
	bfs_far_joined(s);
}

void bfs_cluster_peer_new(struct bfs_server *s, unsigned shard)
{
	bfs_log(info, "daemon of shard %u has started anew", shard);
	bfs_shared_peer_new(s->fs, shard);
	bfs_txp_peer_new(s, shard);
	bfs_tx_peer_new(s, shard);
	bfs_hidden_peer_new(s, shard);
	bfs_mappers_forget(s, shard);
	bfs_settle_peer_new(s, shard);
	bfs_stripe_peer_new(s, shard);
	bfs_stripe_look(s, shard);
}

bool bfs_cluster_elsewhere(const struct bfs_server *s, uint64_t ino)
{
	unsigned home = bfs_shared_home(s->fs, ino);

	return home != s->fs->conf.shard && home < s->nshards;
}

bool bfs_cluster_needed(const struct bfs_server *s, uint64_t ino)
{
	struct bfs_shards parties = { 0 };
	bool needed = bfs_cluster_elsewhere(s, ino) ||
		      bfs_settle_parties(s->fs, ino, &parties);

	bfs_shards_clear(&parties);
	return needed;
}

struct closing {
	struct bfs_peer_msg msg;
	uint64_t ino;
	uint8_t req[64], rep[16];
};

static void on_synced(struct bfs_peer_msg *m)
{
	struct closing *k = m->arg;

	if (m->status && m->status != -ESTALE)
		bfs_log(error, "cannot sync data file %016lx at its close: %s",
			k->ino, strerror(-m->status));
	free(k);
}

void bfs_cluster_closed(struct bfs_server *s, struct bfs_handle h)
{
	struct bfs_fsync_req req = { .handle = h, .flags = BFS_FSYNC_CLOSED };
	struct closing *k = NULL;
	struct bfs_wire w;

	if (h.rights & BFS_RIGHT_SYNC)
		k = calloc(1, sizeof(*k));
	if (!k || !bfs_handle_genuine(s->fs, h)) {
		free(k);
		return;
	}
	k->ino = h.ino;
	bfs_wire_init(&w, k->req, sizeof(k->req));
	bfs_fsync_req_put(&w, &req);
	k->msg = (struct bfs_peer_msg){
		.op = BFS_OP_FSYNC,
		.req = k->req,
		.req_len = (size_t)(w.pos - k->req),
		.rep = k->rep,
		.rep_cap = sizeof(k->rep),
		.deadline = bfs_now() +
			    s->config.network.timeout_secs * 1000000000ull,
		.done = on_synced,
		.arg = k
	};
	bfs_peer_send(s, bfs_shared_home(s->fs, h.ino), &k->msg);
}

bool bfs_cluster_sweep(struct bfs_server *s)
{
	struct bfs_inode *i;
	bool again;

	if (s->nshards <= 1)
		return false;
	DL_FOREACH(s->fs->orphans, i)
	bfs_far_ask(s, i);
	bfs_special_sweep(s);
	again = bfs_txp_sweep(s);
	return bfs_settle_sweep(s) || again;
}
