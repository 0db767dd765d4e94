/* SPDX-License-Identifier: BSD-3-Clause */
/* DIRECT and VOUCH. */
#include "core/util.h"
#include "server/direct.h"
#include "server/peer.h"
#include "server/route.h"
#include "server/session.h"

#include <errno.h>
#include <string.h>

static int vouch(struct bfs_call *c, unsigned shard, struct bfs_vouch_rep *rep,
		 uint8_t *room)
{
	struct bfs_vouch_req req = {
		.session = bfs_route_session(c->session->id, 1),
		.pid = (uint32_t)c->session->pid,
		.uid = c->cred->uid,
		.gid = c->cred->gid,
	};
	uint8_t groups[BFS_FORWARD_GROUPS * 4];
	size_t len;
	int r = bfs_route_groups(c, groups, &len);

	if (r)
		return r;
	req.groups = (struct bfs_str){ (char *)groups, (uint32_t)len };
	/* It has to hear of the process's end. */
	r = bfs_shards_add(&c->session->used, shard);
	return r ? r
		 : bfs_peer_vouch(c->server, shard, c->deadline, &req, rep,
				  room);
}

int bfs_serve_direct(struct bfs_call *c, const struct bfs_direct_req *req,
		     struct bfs_direct_rep *rep)
{
	struct bfs_server *s = c->server;
	uint8_t room[BFS_FIELDS_MAX];
	struct bfs_vouch_rep v;
	int r;

	rep->shards = s->nshards;
	rep->near = bfs_direct_near(s, req->shard);
	if (rep->near)
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = vouch(c, req->shard, &v, room);
	if (r)
		return r;
	if (v.address.len > sizeof(c->escape_path))
		return -EMSGSIZE;
	memcpy(c->escape_path, v.address.ptr, v.address.len);
	rep->session = bfs_route_session(c->session->id, 1);
	rep->ticket = v.ticket;
	rep->generation = v.generation;
	rep->clock = v.clock;
	rep->address = (struct bfs_str){ c->escape_path, v.address.len };
	return 0;
}

int bfs_serve_vouch(struct bfs_call *c, const struct bfs_vouch_req *req,
		    struct bfs_vouch_rep *rep)
{
	uint32_t groups[BFS_FORWARD_GROUPS];
	struct bfs_cred cred = { .groups = groups };
	struct bfs_session *sess;
	int r = bfs_route_cred(req->uid, req->gid, req->groups, &cred);

	if (r)
		return r;
	rep->address = bfs_peer_address(c->server);
	if (!rep->address.len)
		return -EOPNOTSUPP;
	sess = bfs_session_far(c->server, req->session, (unsigned)c->peer,
			       (pid_t)req->pid);
	r = sess ? bfs_session_vouch(sess, &cred, &rep->generation) : -ENOMEM;
	if (r)
		return r;
	rep->ticket = sess->ticket;
	rep->clock = bfs_now() / 1000000;
	return 0;
}

/* The dispatcher has unwrapped it before it gets here. */
int bfs_serve_via(struct bfs_call *c, const struct bfs_via_req *req,
		  struct bfs_via_rep *rep)
{
	return -EPROTO;
}
