/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/peer_ucx.h"

#include "core/log.h"
#include "core/util.h"
#include "server/peer_probe.h"
#include "server/peer_where.h"
#include "server/port_ucx.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define KNOCK_NS 50000u /* between attempts: each wakes the socket */
#define KNOCK_WAKE_NS 1000000u

void bfs_peer_ucx_hold(struct bfs_peer_tx *tx, unsigned what)
{
	tx->net = (void *)((uintptr_t)tx->net | what);
}

/* Called by UCX: what follows from it has to wait for poll. */
void bfs_peer_ucx_let_go(struct bfs_peer_tx *tx, unsigned what)
{
	tx->net = (void *)((uintptr_t)tx->net & ~(uintptr_t)what);
	if (!tx->net)
		bfs_peer_net_let_go(tx);
}

uint32_t bfs_peer_ucx_tag(const struct bfs_peer *p)
{
	return p->shard | p->generation << 16;
}

static void list_failed(struct bfs_ucx_out *o)
{
	if (o->listed)
		return;
	o->listed = true;
	o->next = o->port->out_failed;
	o->port->out_failed = o;
}

void bfs_peer_ucx_fail(struct bfs_ucx_out *o, int error)
{
	o->again = error;
	list_failed(o);
}

/* Called by UCX.  The endpoint must not be closed in here. */
static void on_error(void *arg, ucp_ep_h ep, ucs_status_t status)
{
	struct bfs_ucx_out *o = arg;

	bfs_log(debug, "ucx: shard %d: %s", o->peer ? (int)o->peer->shard : -1,
		ucs_status_string(status));
	o->error = bfs_ucx_errno(status);
	list_failed(o);
}

static void free_out(struct bfs_ucx_out *o)
{
	o->port->nout--;
	free(o);
}

static void on_closed(void *req, ucs_status_t status, void *arg)
{
	ucp_request_free(req);
	free_out(arg);
}

/* The peer has it no more; what it was sent goes on. */
static void detach(struct bfs_ucx_out *o)
{
	if (o->peer)
		o->peer->net = NULL;
	o->peer = NULL;
}

/* It has failed, or we are stopping. */
static void close_out(struct bfs_ucx_out *o)
{
	ucp_request_param_t param = {
		.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
				UCP_OP_ATTR_FIELD_USER_DATA |
				UCP_OP_ATTR_FIELD_FLAGS,
		.cb.send = on_closed,
		.user_data = o,
		.flags = UCP_EP_CLOSE_FLAG_FORCE,
	};
	ucs_status_ptr_t req;

	detach(o);
	if (o->listed)
		LL_DELETE(o->port->out_failed, o);
	o->listed = true; /* nobody lists it again */
	DL_DELETE2(o->port->outs, o, prev, nxt);
	req = ucp_ep_close_nbx(o->ep, &param);
	if (!req)
		free_out(o);
	if (!UCS_PTR_IS_ERR(req))
		return;
	/* UCX may still tell o of its errors: it is never freed. */
	bfs_log(error, "ucx: a way to a daemon is not closed: %s",
		ucs_status_string(UCS_PTR_STATUS(req)));
	o->port->nout--;
}

/* UCX does not say whether somebody refused: ask the host. */
static void look_for(struct bfs_peer *p)
{
	const void *address;
	size_t len;

	if (!bfs_peer_where(p, &address, &len))
		bfs_peer_probe(p, address, len);
}

static int open_endpoint(struct bfs_peer *p, const void *address, size_t len)
{
	struct bfs_port_ucx *port = p->all->net;
	struct bfs_ucx_out *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->port = port;
	o->peer = p;
	o->address = XXH3_64bits(address, len);
	r = bfs_ucx_endpoint(&port->door->ucx, address, len, on_error, o,
			     &o->ep);
	if (r) {
		free(o);
		look_for(p);
		return r;
	}
	DL_APPEND2(port->outs, o, prev, nxt);
	port->nout++;
	p->net = o;
	return 0;
}

/* The endpoint that there is, unless the peer is somewhere else by now. */
static int open_way(struct bfs_peer *p)
{
	struct bfs_ucx_out *o = p->net;
	const void *address;
	size_t len;
	int r = bfs_peer_where(p, &address, &len);

	if (r)
		return r;
	if (o && !o->error && o->address == XXH3_64bits(address, len))
		return 0;
	if (o)
		detach(o); /* it is closed when UCX finds out that it is gone */
	return open_endpoint(p, address, len);
}

/* Who has never answered on this endpoint may do so on another one: UCX has
 * ones that get stuck while both sides connect. */
static void leave(struct bfs_peer *p)
{
	struct bfs_ucx_out *o = p->net;

	if (!o)
		return;
	o->knocking = false;
	if (p->error != -ETIMEDOUT || o->met || o->error)
		return;
	o->error = -ETIMEDOUT;
	list_failed(o);
}

static void on_sent(void *req, ucs_status_t status, void *arg)
{
	ucp_request_free(req);
	bfs_peer_ucx_let_go(arg, BFS_UCX_SENDING);
}

/* As HELLO's of a client, the first greeting needs nothing of UCX but a
 * connection, and leaves at once or not at all (ucx_common.h). */
static int send_on(struct bfs_peer_tx *tx)
{
	const struct bfs_peer *p = tx->peer;
	struct bfs_ucx_out *o = p->net;
	bool first = o && !o->met && p->state == BFS_PEER_HELLO &&
		     o->port->door->ucx.tcp_only;
	struct bfs_ucx_msg m = {
		.id = BFS_UCX_REQUEST,
		.head = { .fields_len = (uint32_t)tx->len,
			  .bulk_len = (uint32_t)tx->m->out_len,
			  .in_cap = (uint32_t)tx->m->in_cap,
			  .slot = bfs_peer_ucx_tag(p) },
		.fields = tx->bytes,
		.bulk = tx->buffer,
		.done = on_sent,
		.arg = tx,
		.want_reply_ep = !first,
		.at_once = first,
	};
	int r;

	if (!o || o->error)
		return o ? o->error : -ENOTCONN;
	if (tx->m->out_len)
		memcpy(tx->buffer, tx->m->out, tx->m->out_len);
	o->met |= p->state == BFS_PEER_HELLO2;
	o->port->awake = true;
	bfs_peer_ucx_hold(tx, BFS_UCX_SENDING);
	r = bfs_ucx_send(&o->port->door->ucx, o->ep, &m);
	if (r <= 0)
		tx->net = NULL;
	o->knocking = r == -EAGAIN;
	if (o->knocking && !o->port->knock.at)
		bfs_loop_timer(o->port->server->loop, &o->port->knock,
			       bfs_now() + KNOCK_NS);
	return o->knocking ? 0 : BFS_MIN(r, 0);
}

/* All that UCX holds is ours. */
static bool give_up(struct bfs_peer_tx *tx)
{
	return true;
}

static void fini(struct bfs_peers *all)
{
	struct bfs_port_ucx *port = all->net;
	uint64_t until = bfs_now() + BFS_UCX_CLOSE_NS;

	bfs_loop_timer(port->server->loop, &port->knock, 0);
	for (struct bfs_peer *p = all->first; p; p = p->next)
		bfs_peer_probe_end(p);
	while (port->outs)
		close_out(port->outs);
	while (port->nout && bfs_now() < until)
		ucp_worker_progress(port->door->ucx.worker);
	bfs_peer_ucx_free_buffers(port);
	free((char *)all->address.ptr);
	port->peers_out = NULL;
}

static const struct bfs_peer_net ops = {
	.name = "ucx",
	.connect = open_way,
	.disconnect = leave,
	.reserve = bfs_peer_ucx_reserve,
	.send = send_on,
	.release = bfs_peer_ucx_release,
	.give_up = give_up,
	.fini = fini,
};

static int take_address(struct bfs_port_ucx *p)
{
	struct bfs_peers *all = p->peers_out;
	void *address;
	size_t len;
	int r = bfs_ucx_address(&p->door->ucx, &address, &len);

	if (r)
		return r;
	free((char *)all->address.ptr);
	all->address = (struct bfs_str){ address, (uint32_t)len };
	return 0;
}

static void on_knock(struct bfs_timer *t)
{
	struct bfs_port_ucx *port = t->arg;
	bool again = false;

	for (struct bfs_peer *p = port->peers_out->first; p; p = p->next) {
		struct bfs_ucx_out *o = p->net;

		if (p->shard == port->server->shard || !o || !o->knocking ||
		    !p->hello)
			continue;
		again |= !send_on(p->hello) && o->knocking;
	}
	if (again)
		bfs_loop_timer(port->server->loop, t,
			       bfs_now() + KNOCK_WAKE_NS);
}

static int begin(struct bfs_port_ucx *p)
{
	struct bfs_server *s = p->server;
	int r = bfs_peers_new(s, &ops, p);

	if (r)
		return r;
	p->peers_out = s->peers;
	p->knock.fn = on_knock;
	p->knock.arg = p;
	if (s->members && !s->peer_address)
		bfs_peer_where_members(s);
	return 0;
}

/* A new door: all connections go with the old one. */
static int on_open(struct bfs_port_ucx *p)
{
	int r = p->peers_out ? 0 : begin(p);

	if (r)
		return r;
	for (struct bfs_ucx_out *o = p->outs; o; o = o->nxt) {
		o->error = -ECONNRESET;
		list_failed(o);
	}
	return take_address(p);
}

static void handle_failed(struct bfs_ucx_out *o)
{
	struct bfs_peer *peer = o->peer;
	int error = o->error ? o->error : o->again;

	if (o->error)
		close_out(o);
	else
		o->again = 0;
	if (!peer)
		return;
	bfs_peer_net_failed(peer, error);
	if (error != -ENOTCONN)
		look_for(peer);
}

static int poll_out(struct bfs_port_ucx *p)
{
	int n;

	if (!p->peers_out)
		return 0;
	n = bfs_peers_settle(p->peers_out);
	while (p->out_failed) {
		struct bfs_ucx_out *o = p->out_failed;

		LL_DELETE(p->out_failed, o);
		o->listed = false;
		handle_failed(o);
		n++;
	}
	return n;
}

static bool is_quiet(const struct bfs_port_ucx *p)
{
	return !p->peers_out || (!p->out_failed && !p->peers_out->over &&
				 !p->peers_out->released);
}

const struct bfs_ucx_daemons bfs_peer_ucx = {
	.open = on_open,
	.poll = poll_out,
	.quiet = is_quiet,
	.on_reply = bfs_peer_ucx_on_reply,
	.on_reset = bfs_peer_ucx_on_reset,
	.hello_address = bfs_peer_hello_address,
};
