/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/direct.h"

#include "core/util.h"
#include "server/route.h"
#include "server/server.h"
#include "server/session.h"

#include <errno.h>
#include <string.h>

bool bfs_direct_came(const struct bfs_call *c)
{
	return c->session && c->session->far && !c->origin.forwarded;
}

bool bfs_direct_near(const struct bfs_server *s, uint32_t shard)
{
	return shard >= s->nshards || shard == s->shard ||
	       (s->same_node && s->same_node(s, shard));
}

int bfs_direct_unwrap(struct bfs_call *c)
{
	struct bfs_via_req req;
	struct bfs_wire w;
	int r;

	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	r = bfs_via_req_get(&w, &req);
	if (r)
		return r;
	if (req.op != BFS_OP_READ && req.op != BFS_OP_WRITE)
		return -EINVAL;
	c->head.op = req.op;
	if (!bfs_direct_near(c->server, req.shard))
		c->via = req.shard + 1;
	memmove(c->req + BFS_REQ_HEAD_LEN, req.body.ptr, req.body.len);
	c->req_len = BFS_REQ_HEAD_LEN + req.body.len;
	return 0;
}
