/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/cluster.h"

#include "core/log.h"
#include "core/members.h"
#include "server/far.h"
#include "server/shared.h"
#include "server/txp.h"

#include <string.h>
#include <utlist.h>

static bool same_node(const struct bfs_server *s, unsigned shard)
{
	const struct bfs_members *l = s->members;

	return shard == s->shard ||
	       (shard < l->n && *l->m[shard].node &&
		!strcmp(l->m[shard].node, l->m[s->shard].node));
}

static const char *data_dir_of(const struct bfs_server *s, unsigned shard)
{
	return s->members->m[shard].data_dir;
}

void bfs_cluster_joined(struct bfs_server *s)
{
	if (!s->members)
		return;
	s->same_node = same_node;
	s->data_dir_of = data_dir_of;
	for (unsigned n = 0; n < s->members->n; n++)
		if (!same_node(s, n))
			s->fs->conf.many_nodes = true;
}

void bfs_cluster_peer_new(struct bfs_server *s, unsigned shard)
{
	bfs_log(info, "daemon of shard %u has started anew", shard);
	bfs_copy_revoke_all(s->fs, shard);
}

bool bfs_cluster_sweep(struct bfs_server *s)
{
	struct bfs_inode *i;

	if (s->nshards <= 1)
		return false;
	DL_FOREACH(s->fs->orphans, i)
	bfs_far_ask(s, i);
	return bfs_txp_sweep(s);
}
