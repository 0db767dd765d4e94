/* SPDX-License-Identifier: BSD-3-Clause */
/* A request of the ucx port from its arrival until it is served. */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/server.h"
#include "server/session.h"
#include "server/ucx_impl.h"

#include <string.h>
#include <utlist.h>

#define AGAIN_NS 1000000u /* where UCX has no memory */

bool bfs_ucx_hello_address(const struct bfs_ucx_call *c,
			   struct bfs_str *address)
{
	const struct bfs_ucx_daemons *d = bfs_ucx_call_port(c)->daemons;
	struct bfs_hello_req req;
	struct bfs_wire w;

	bfs_wire_init(&w, c->call.req, c->call.req_len);
	if (bfs_get_req_head(&w).op == BFS_OP_PEERHELLO)
		return d && d->hello_address(c->call.server, &w, address);
	if (bfs_hello_req_get(&w, &req))
		return false;
	*address = req.address;
	return true;
}

/* A client has the ticket of a session that exists. */
static bool has_ticket(const struct bfs_ucx_call *c)
{
	const struct bfs_req_head *h = &c->call.head;
	struct bfs_session *s = bfs_session_find(c->call.server, h->session);

	if (s && s->ticket && s->ticket == h->ticket)
		return true;
	bfs_log(warn, "ucx: hello refused: no ticket for session %llx",
		(unsigned long long)h->session);
	return false;
}

/* HELLO and PEERHELLO: the latter proves by itself who it is. */
static bool identify_hello(struct bfs_ucx_call *c)
{
	const struct bfs_req_head *h = &c->call.head;
	struct bfs_str address;

	if ((h->op == BFS_OP_HELLO && !has_ticket(c)) ||
	    !bfs_ucx_hello_address(c, &address))
		return false;
	c->peer = bfs_ucx_peer_again(bfs_ucx_call_port(c), h->session,
				     h->ticket, address);
	return true;
}

/*
 * Whose is it?  HELLO is let in with the ticket of a session that exists, and
 * anything else from a peer that HELLO attached.
 */
static bool identify(struct bfs_ucx_call *c)
{
	struct bfs_req_head *h = &c->call.head;
	bool hello;
	struct bfs_wire w;

	bfs_wire_init(&w, c->call.req, c->call.req_len);
	*h = bfs_get_req_head(&w);
	if (bfs_wire_end(&w))
		return false;
	hello = h->op == BFS_OP_HELLO || h->op == BFS_OP_PEERHELLO;
	if (hello && !identify_hello(c))
		return false;
	if (!hello)
		c->peer = bfs_ucx_peer_find(bfs_ucx_call_port(c), h->session,
					    h->ticket);
	if (!c->peer)
		return hello;
	if (c->peer->far)
		h->deadline_ms = bfs_session_left(h->deadline_ms);
	c->peer->calls++;
	return c->peer->calls <=
	       (c->peer->daemon ? BFS_UCX_DAEMON_CALLS : BFS_UCX_PEER_CALLS);
}

struct refusal {
	uint8_t head[BFS_UCX_HEAD_LEN];
};

static void on_told(void *req, ucs_status_t status, void *arg)
{
	ucp_request_free(req);
	free(arg);
}

/* Tell a client or daemon that we do not know it; its endpoint is good in here
 * only.  It gets its slot back. */
static void refuse(const ucp_am_recv_param_t *param, uint32_t slot)
{
	struct refusal *r = malloc(sizeof(*r));
	ucp_request_param_t p = { .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
						  UCP_OP_ATTR_FIELD_USER_DATA,
				  .cb.send = on_told,
				  .user_data = r };
	struct bfs_ucx_head h = { .slot = slot };

	if (r && param->recv_attr & UCP_AM_RECV_ATTR_FIELD_REPLY_EP) {
		bfs_ucx_put_head(r->head, &h);
		if (UCS_PTR_IS_PTR(ucp_am_send_nbx(
			    param->reply_ep, BFS_UCX_RESET, r->head,
			    sizeof(r->head), NULL, 0, &p)))
			return;
	}
	free(r);
}

/* Where the payload is, and what the call needs before it can be served. */
static ucs_status_t take_payload(struct bfs_ucx_call *c, void *data, size_t len,
				 uint64_t attr)
{
	struct bfs_port_ucx *p = bfs_ucx_call_port(c);
	ucs_status_t st = UCS_OK;

	if (attr & UCP_AM_RECV_ATTR_FLAG_RNDV) {
		c->rndv = data;
		st = UCS_INPROGRESS;
	} else if (len && !c->fields_in_bulk) {
		c->held = data;
		c->call.out = data;
		st = UCS_INPROGRESS;
	}
	if (c->rndv || c->call.in_cap)
		DL_APPEND(p->starved, c);
	else
		DL_APPEND(p->ready, c);
	return st;
}

ucs_status_t bfs_ucx_on_request(void *arg, const void *header,
				size_t header_len, void *data, size_t len,
				const ucp_am_recv_param_t *param)
{
	struct bfs_port_ucx *p = arg;
	bool rndv = param->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV;
	struct bfs_ucx_call *c;
	struct bfs_ucx_head h;
	const uint8_t *fields;

	if (bfs_ucx_parse(header, header_len, len, &h, &fields))
		return UCS_OK;
	/* UCP_AM_FLAG_PERSISTENT_DATA promises one or the other. */
	if (len && !rndv && !(param->recv_attr & UCP_AM_RECV_ATTR_FLAG_DATA))
		return UCS_OK;
	c = bfs_ucx_call_get(p);
	if (!c)
		return UCS_OK;
	c->slot = h.slot;
	c->call.req_len = h.fields_len;
	c->call.out_len = h.bulk_len;
	c->call.in_cap = h.in_cap;
	c->call.head.deadline_ms = 0;
	c->fields_in_bulk = !fields;
	if (!fields && !rndv)
		fields = data;
	if (fields) {
		memcpy(c->call.req, fields, h.fields_len);
		if (!identify(c)) {
			refuse(param, h.slot);
			bfs_ucx_call_put(c);
			return UCS_OK;
		}
	}
	return take_payload(c, data, len, param->recv_attr);
}

/* What was announced by rendezvous is in the buffer. */
static void fetched(struct bfs_ucx_call *c, ucs_status_t status)
{
	struct bfs_port_ucx *p = bfs_ucx_call_port(c);
	bool ok = status == UCS_OK && !(c->peer && !c->peer->ep);

	if (ok && c->fields_in_bulk) {
		memcpy(c->call.req, c->buffer, c->call.req_len);
		ok = identify(c);
		if (c->peer)
			c->peer->buffers++;
	}
	if (ok) {
		c->call.out = c->buffer;
		DL_APPEND(p->ready, c);
	} else {
		bfs_ucx_call_put(c);
	}
}

static void on_fetched(void *req, ucs_status_t status, size_t len, void *arg)
{
	struct bfs_ucx_call *c = arg;

	ucp_request_free(req);
	DL_DELETE(bfs_ucx_call_port(c)->busy, c);
	fetched(c, status);
}

static void fetch(struct bfs_ucx_call *c)
{
	ucp_request_param_t param = { .op_attr_mask =
					      UCP_OP_ATTR_FIELD_CALLBACK |
					      UCP_OP_ATTR_FIELD_USER_DATA,
				      .cb.recv_am = on_fetched,
				      .user_data = c };
	size_t len = c->fields_in_bulk ? c->call.req_len : c->call.out_len;
	struct bfs_port_ucx *p = bfs_ucx_call_port(c);
	void *desc = c->rndv;
	ucs_status_ptr_t req;

	req = ucp_am_recv_data_nbx(c->door->ucx.worker, desc, c->buffer, len,
				   &param);
	if (UCS_PTR_STATUS(req) == UCS_ERR_NO_MEMORY) {
		/* It has not begun: in front, where this turn is over. */
		DL_PREPEND(p->starved, c);
		bfs_loop_timer(p->server->loop, &p->greet,
			       bfs_now() + AGAIN_NS);
		return;
	}
	c->rndv = NULL; /* UCX's again */
	if (UCS_PTR_IS_PTR(req))
		bfs_ucx_call_busy(c);
	else
		fetched(c, UCS_PTR_STATUS(req));
}

static unsigned most_buffers(const struct bfs_ucx_peer *peer)
{
	return peer->daemon ? BFS_UCX_DAEMON_BUFFERS : BFS_UCX_PEER_BUFFERS;
}

static bool give_buffer(struct bfs_port_ucx *p, struct bfs_ucx_call *c)
{
	c->buffer = bfs_ucx_buffer_get(p);
	if (c->buffer && c->peer)
		c->peer->buffers++;
	return c->buffer;
}

/* Hand out buffers, to everybody his share. */
static void feed(struct bfs_port_ucx *p)
{
	struct bfs_ucx_call *c, *next;

	DL_FOREACH_SAFE(p->starved, c, next)
	{
		if (!c->buffer && c->peer &&
		    c->peer->buffers >= most_buffers(c->peer))
			continue;
		if (!c->buffer && !give_buffer(p, c))
			return;
		DL_DELETE(p->starved, c);
		if (c->rndv)
			fetch(c);
		else
			DL_APPEND(p->ready, c);
	}
}

int bfs_ucx_serve(struct bfs_port_ucx *p)
{
	int n = 0;

	for (feed(p); p->ready && n < BFS_UCX_SERVE; n++) {
		struct bfs_ucx_call *c = p->ready;

		DL_DELETE(p->ready, c);
		c->call.in = c->buffer;
		c->call.prev = c->call.next = NULL;
		bfs_stat_add(requests_ucx, 1);
		bfs_serve(&c->call);
	}
	return n;
}
