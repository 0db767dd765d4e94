/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoints of the ucx port. */
#include "core/log.h"
#include "core/util.h"
#include "server/session.h"
#include "server/ucx_impl.h"

#include <errno.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct bfs_ucx_peer *bfs_ucx_peer_find(struct bfs_port_ucx *p, uint64_t session,
				       uint64_t ticket)
{
	struct bfs_ucx_peer *peer;

	HASH_FIND(hh, p->peers, &session, sizeof(session), peer);
	return peer && peer->ticket == ticket ? peer : NULL;
}

struct bfs_ucx_peer *bfs_ucx_peer_again(struct bfs_port_ucx *p,
					uint64_t session, uint64_t ticket,
					struct bfs_str address)
{
	struct bfs_ucx_peer *peer = bfs_ucx_peer_find(p, session, ticket);

	if (!peer || !peer->ep ||
	    peer->address != XXH3_64bits(address.ptr, address.len))
		return NULL;
	return peer;
}

void bfs_ucx_peer_fail(struct bfs_ucx_peer *peer)
{
	if (peer->failed || peer->closing)
		return;
	peer->failed = true;
	peer->next_failed = peer->port->failed;
	peer->port->failed = peer;
}

/* Called by UCX.  Its endpoint must not be closed in here. */
static void on_error(void *arg, ucp_ep_h ep, ucs_status_t status)
{
	struct bfs_ucx_peer *peer = arg;

	bfs_log(debug, "ucx: session %016llx: %s",
		(unsigned long long)peer->session, ucs_status_string(status));
	bfs_ucx_peer_fail(peer);
}

int bfs_ucx_peer_new(struct bfs_ucx_call *c, struct bfs_str address)
{
	struct bfs_port_ucx *p =
		bfs_container_of(c->call.port, struct bfs_port_ucx, base);
	struct bfs_ucx_peer *peer;
	int r;

	if (p->npeers >= BFS_UCX_PEERS)
		return -EUSERS;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	r = bfs_ucx_endpoint(&p->door->ucx, address.ptr, address.len, on_error,
			     peer, &peer->ep);
	if (r) {
		free(peer);
		return r;
	}
	peer->port = p;
	peer->session = c->call.head.session;
	peer->ticket = c->call.head.ticket;
	peer->address = XXH3_64bits(address.ptr, address.len);
	peer->daemon = c->call.head.op == BFS_OP_PEERHELLO;
	peer->met = !p->door->ucx.tcp_only;
	peer->calls = 1;
	c->peer = peer;
	p->npeers++;
	return 0;
}

static void free_unused(struct bfs_ucx_peer *peer)
{
	if (peer->calls || peer->closing || peer->failed || peer->ep)
		return;
	peer->port->npeers--;
	free(peer);
}

static void on_closed(void *req, ucs_status_t status, void *arg)
{
	struct bfs_ucx_peer *peer = arg;

	ucp_request_free(req);
	peer->closing = false;
	peer->port->nclosing--;
	free_unused(peer);
}

static void close_endpoint(struct bfs_ucx_peer *peer, unsigned flags)
{
	ucp_request_param_t param = {
		.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
				UCP_OP_ATTR_FIELD_USER_DATA |
				UCP_OP_ATTR_FIELD_FLAGS,
		.cb.send = on_closed,
		.user_data = peer,
		.flags = flags,
	};
	ucs_status_ptr_t req = ucp_ep_close_nbx(peer->ep, &param);

	peer->ep = NULL;
	/* If it does not close it, it may still tell peer of its errors: then
	 * that is never freed. */
	peer->closing = req != NULL;
	if (UCS_PTR_IS_PTR(req))
		peer->port->nclosing++;
	if (UCS_PTR_IS_ERR(req))
		bfs_log(error, "ucx: session %016llx: not closed: %s",
			(unsigned long long)peer->session,
			ucs_status_string(UCS_PTR_STATUS(req)));
}

/* The session has no way over us any more. */
static void unlist(struct bfs_ucx_peer *peer)
{
	struct bfs_port_ucx *p = peer->port;
	struct bfs_session *s;

	if (!peer->attached)
		return;
	peer->attached = false;
	HASH_DEL(p->peers, peer);
	s = bfs_session_find(p->server, peer->session);
	if (s && s->attached == &p->base)
		s->attached = NULL;
}

void bfs_ucx_peer_drop(struct bfs_ucx_peer *peer)
{
	unlist(peer);
	peer->calls++; /* it must outlive what follows */
	if (peer->ep)
		close_endpoint(peer, UCP_EP_CLOSE_FLAG_FORCE);
	bfs_ucx_call_orphan(peer->port, peer);
	peer->calls--;
	free_unused(peer);
}

void bfs_ucx_peer_put(struct bfs_ucx_peer *peer)
{
	if (--peer->calls || peer->attached)
		return;
	/* HELLO was refused: the answer has to go out first. */
	if (peer->ep && !peer->failed)
		close_endpoint(peer, 0);
	free_unused(peer);
}

int bfs_ucx_peer_reap(struct bfs_port_ucx *p)
{
	int n = 0;

	while (p->failed) {
		struct bfs_ucx_peer *peer = p->failed;

		p->failed = peer->next_failed;
		peer->failed = false;
		bfs_ucx_peer_drop(peer);
		n++;
	}
	return n;
}

int bfs_ucx_attach(struct bfs_call *call, struct bfs_str address)
{
	struct bfs_ucx_call *c =
		bfs_container_of(call, struct bfs_ucx_call, call);
	struct bfs_ucx_peer *old;
	int r = c->peer ? 0 : bfs_ucx_peer_new(c, address);

	if (r)
		return r;
	HASH_FIND(hh, c->peer->port->peers, &c->peer->session,
		  sizeof(c->peer->session), old);
	if (old == c->peer)
		return 0;
	if (old)
		bfs_ucx_peer_drop(old); /* the client has come back */
	HASH_ADD(hh, c->peer->port->peers, session, sizeof(c->peer->session),
		 c->peer);
	if (!bfs_hashed(c->peer))
		return -ENOMEM;
	c->peer->attached = true;
	c->peer->far = call->session && call->session->far;
	return 0;
}

void bfs_ucx_detach(struct bfs_port *port, struct bfs_session *s)
{
	struct bfs_port_ucx *p =
		bfs_container_of(port, struct bfs_port_ucx, base);
	struct bfs_ucx_peer *peer = bfs_ucx_peer_find(p, s->id, s->ticket);

	if (peer)
		bfs_ucx_peer_drop(peer);
}
