/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A request's way through the ucx port: arrived -> (starved: needs a buffer
 * -> busy: fetched by rendezvous) -> ready -> served -> busy: reply sent.
 */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/server.h"
#include "server/session.h"
#include "server/ucx_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <utlist.h>

#define SWEEP_NS 1000000000u
#define GREET_NS 50000u /* between attempts: each wakes the socket */
#define GREET_WAKE_NS 1000000u

static struct bfs_ucx_call *call_of(struct bfs_call *call)
{
	return bfs_container_of(call, struct bfs_ucx_call, call);
}

static struct bfs_port_ucx *port_of(const struct bfs_ucx_call *c)
{
	return bfs_container_of(c->call.port, struct bfs_port_ucx, base);
}

static void *buffer_get(struct bfs_port_ucx *p)
{
	void *b = p->buffers;

	if (b) {
		p->buffers = *(void **)b;
		return b;
	}
	if (p->nbuffers == BFS_UCX_BUFFERS)
		return NULL;
	b = mmap(NULL, BFS_BULK_MAX, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return NULL;
	p->nbuffers++;
	return b;
}

static void buffer_put(struct bfs_port_ucx *p, void *b)
{
	*(void **)b = p->buffers;
	p->buffers = b;
}

static struct bfs_ucx_call *call_get(struct bfs_port_ucx *p)
{
	struct bfs_ucx_call *c = p->pool;

	if (c) {
		p->pool = c->next;
	} else {
		if (p->ncalls == BFS_UCX_CALLS)
			return NULL;
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
		p->ncalls++;
	}
	memset(&c->call, 0, offsetof(struct bfs_call, req));
	c->call.server = p->server;
	c->call.port = &p->base;
	c->call.rep = c->rep + BFS_UCX_HEAD_LEN;
	c->call.in = NULL;
	c->call.out = NULL;
	c->call.pass_fd = -1;
	c->peer = NULL;
	c->door = p->door;
	c->door->users++;
	c->held = c->rndv = c->buffer = NULL;
	c->fields_in_bulk = false;
	return c;
}

static void call_put(struct bfs_ucx_call *c)
{
	struct bfs_port_ucx *p = port_of(c);

	if (c->held)
		ucp_am_data_release(c->door->ucx.worker, c->held);
	if (c->rndv)
		ucp_am_data_release(c->door->ucx.worker, c->rndv);
	if (c->buffer) {
		buffer_put(p, c->buffer);
		if (c->peer)
			c->peer->buffers--;
	}
	if (c->peer)
		bfs_ucx_peer_put(c->peer);
	bfs_ucx_door_put(c->door);
	c->next = p->pool;
	p->pool = c;
}

/* The peer's side is slow: see to it that this ends. */
static void keep(struct bfs_ucx_call *c, struct bfs_ucx_call **queue)
{
	struct bfs_port_ucx *p = port_of(c);
	uint64_t now = bfs_now();

	c->expires = now + SWEEP_NS + c->call.head.deadline_ms * 1000000ull;
	DL_APPEND(*queue, c);
	if (!p->sweep.at)
		bfs_loop_timer(p->server->loop, &p->sweep, now + SWEEP_NS);
}

static void make_busy(struct bfs_ucx_call *c)
{
	keep(c, &port_of(c)->busy);
}

static void sweep(struct bfs_ucx_call *queue, uint64_t now)
{
	struct bfs_ucx_call *c, *next;

	DL_FOREACH_SAFE(queue, c, next)
	{
		if (c->expires > now || !c->peer || !c->peer->ep ||
		    c->peer->failed)
			continue;
		bfs_log(warn, "ucx: session %016llx takes no data: dropped",
			(unsigned long long)c->peer->session);
		bfs_ucx_peer_fail(c->peer);
	}
}

/* A client that is stopped must not keep buffers from the others. */
void bfs_ucx_sweep(struct bfs_timer *t)
{
	struct bfs_port_ucx *p = t->arg;
	uint64_t now = bfs_now();

	sweep(p->busy, now);
	sweep(p->greeting, now);
	if (p->busy || p->greeting)
		bfs_loop_timer(p->server->loop, t, now + SWEEP_NS);
}

static void orphans(struct bfs_ucx_call **queue,
		    const struct bfs_ucx_peer *peer)
{
	struct bfs_ucx_call *c, *next;

	DL_FOREACH_SAFE(*queue, c, next)
	{
		if (c->peer != peer)
			continue;
		DL_DELETE(*queue, c);
		call_put(c);
	}
}

void bfs_ucx_call_orphan(struct bfs_port_ucx *p, struct bfs_ucx_peer *peer)
{
	orphans(&p->greeting, peer);
	orphans(&p->starved, peer);
	orphans(&p->ready, peer);
}

static bool hello_address(const struct bfs_ucx_call *c, struct bfs_str *address)
{
	struct bfs_hello_req req;
	struct bfs_wire w;

	bfs_wire_init(&w, c->call.req, c->call.req_len);
	bfs_get_req_head(&w);
	if (bfs_hello_req_get(&w, &req))
		return false;
	*address = req.address;
	return true;
}

/*
 * Whose is it?  HELLO is let in with the ticket of a session that exists, and
 * anything else from a peer that HELLO attached.
 */
static bool identify(struct bfs_ucx_call *c)
{
	struct bfs_req_head *h = &c->call.head;
	struct bfs_session *s;
	struct bfs_str address;
	struct bfs_wire w;

	bfs_wire_init(&w, c->call.req, c->call.req_len);
	*h = bfs_get_req_head(&w);
	if (bfs_wire_end(&w))
		return false;
	if (h->op == BFS_OP_HELLO) {
		s = bfs_session_find(c->call.server, h->session);
		if (!s || s->ticket != h->ticket) {
			bfs_log(warn,
				"ucx: hello refused: no ticket for session %llx",
				(unsigned long long)h->session);
			return false;
		}
		if (!hello_address(c, &address))
			return false;
		c->peer = bfs_ucx_peer_again(port_of(c), h->session, h->ticket,
					     address);
		if (!c->peer)
			return true;
	} else {
		c->peer = bfs_ucx_peer_find(port_of(c), h->session, h->ticket);
	}
	if (!c->peer)
		return false;
	c->peer->calls++;
	return c->peer->calls <= BFS_UCX_PEER_CALLS;
}

static void on_told(void *req, ucs_status_t status, void *arg)
{
	ucp_request_free(req);
}

/* Tell a client that we do not know it; its endpoint is good in here only. */
static void refuse(const ucp_am_recv_param_t *param)
{
	ucp_request_param_t p = { .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK,
				  .cb.send = on_told };

	if (param->recv_attr & UCP_AM_RECV_ATTR_FIELD_REPLY_EP)
		ucp_am_send_nbx(param->reply_ep, BFS_UCX_RESET, NULL, 0, NULL,
				0, &p);
}

/* Where the payload is, and what the call needs before it can be served. */
static ucs_status_t take_payload(struct bfs_ucx_call *c, void *data, size_t len,
				 uint64_t attr)
{
	struct bfs_port_ucx *p = port_of(c);
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
	c = call_get(p);
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
			refuse(param);
			call_put(c);
			return UCS_OK;
		}
	}
	return take_payload(c, data, len, param->recv_attr);
}

/* What was announced by rendezvous is in the buffer. */
static void fetched(struct bfs_ucx_call *c, ucs_status_t status)
{
	struct bfs_port_ucx *p = port_of(c);
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
		call_put(c);
	}
}

static void on_fetched(void *req, ucs_status_t status, size_t len, void *arg)
{
	struct bfs_ucx_call *c = arg;

	ucp_request_free(req);
	DL_DELETE(port_of(c)->busy, c);
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
	void *desc = c->rndv;
	ucs_status_ptr_t req;

	c->rndv = NULL; /* UCX's again, whatever it answers */
	req = ucp_am_recv_data_nbx(c->door->ucx.worker, desc, c->buffer, len,
				   &param);
	if (UCS_PTR_IS_PTR(req))
		make_busy(c);
	else
		fetched(c, UCS_PTR_STATUS(req));
}

/* Hand out buffers, to everybody his share. */
static void feed(struct bfs_port_ucx *p)
{
	struct bfs_ucx_call *c, *next;

	DL_FOREACH_SAFE(p->starved, c, next)
	{
		if (c->peer && c->peer->buffers >= BFS_UCX_PEER_BUFFERS)
			continue;
		c->buffer = buffer_get(p);
		if (!c->buffer)
			return;
		if (c->peer)
			c->peer->buffers++;
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

static void on_replied(void *req, ucs_status_t status, void *arg)
{
	struct bfs_ucx_call *c = arg;

	ucp_request_free(req);
	DL_DELETE(port_of(c)->busy, c);
	call_put(c);
}

/* A refusal of HELLO has no peer yet to go to. */
static void find_way_back(struct bfs_ucx_call *c)
{
	struct bfs_str address;

	if (!c->peer && c->call.head.op == BFS_OP_HELLO &&
	    hello_address(c, &address))
		bfs_ucx_peer_new(c, address);
}

/* 1: UCX has it; 0: it is out, or nobody is left to take it; or -errno. */
static int send_reply(struct bfs_ucx_call *c)
{
	struct bfs_ucx_msg m = {
		.id = BFS_UCX_REPLY,
		.head = { .fields_len = (uint32_t)c->call.rep_len,
			  .bulk_len = (uint32_t)c->call.in_len,
			  .slot = c->slot },
		.fields = c->rep,
		.bulk = c->call.in,
		.done = on_replied,
		.arg = c,
	};
	int r;

	if (!c->peer || !c->peer->ep)
		return 0;
	m.at_once = !c->peer->met;
	r = bfs_ucx_send(&c->door->ucx, c->peer->ep, &m);
	if (r >= 0)
		c->peer->met = true;
	return r;
}

/* False: it has to be tried again. */
static bool reply(struct bfs_ucx_call *c)
{
	int r = send_reply(c);

	if (r == -EAGAIN)
		return false;
	if (r < 0 && !c->peer->failed)
		bfs_log(warn, "ucx: session %016llx: reply not sent: %s",
			(unsigned long long)c->peer->session, strerror(-r));
	if (r > 0)
		make_busy(c);
	else
		call_put(c);
	return true;
}

int bfs_ucx_greet(struct bfs_port_ucx *p)
{
	struct bfs_ucx_call *c, *next, *queue = p->greeting;
	uint64_t now;
	int n = 0;

	if (!queue || (now = bfs_now()) < p->greet_at)
		return 0;
	p->greet_at = now + GREET_NS;
	p->greeting = NULL;
	DL_FOREACH_SAFE(queue, c, next)
	{
		DL_DELETE(queue, c);
		if (reply(c))
			n++;
		else
			DL_APPEND(p->greeting, c);
	}
	if (p->greeting)
		bfs_loop_timer(p->server->loop, &p->greet, now + GREET_WAKE_NS);
	return n;
}

void bfs_ucx_reply(struct bfs_call *call)
{
	struct bfs_ucx_call *c = call_of(call);

	if (call->pass_fd >= 0)
		close(call->pass_fd); /* only the local port passes them */
	call->pass_fd = -1;
	find_way_back(c);
	if (!reply(c))
		keep(c, &port_of(c)->greeting);
}

void bfs_ucx_drop(struct bfs_call *call)
{
	if (call->pass_fd >= 0)
		close(call->pass_fd);
	call->pass_fd = -1;
	call_put(call_of(call));
}

void bfs_ucx_call_free_pools(struct bfs_port_ucx *p)
{
	while (p->pool) {
		struct bfs_ucx_call *c = p->pool;

		p->pool = c->next;
		free(c);
	}
	while (p->buffers) {
		void *b = p->buffers;

		p->buffers = *(void **)b;
		munmap(b, BFS_BULK_MAX);
	}
}
