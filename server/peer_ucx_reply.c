/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back from other daemons.  All of it is called by UCX. */
#include "core/log.h"
#include "core/util.h"
#include "server/peer_ucx.h"

#include <errno.h>
#include <string.h>

/* The connection that the message belongs to, if we still have it. */
static struct bfs_ucx_out *find_out(const struct bfs_port_ucx *p, uint32_t tag)
{
	struct bfs_peers *all = p->peers_out;
	unsigned shard = tag & 0xffff;
	struct bfs_peer *peer;

	peer = all && shard < all->n ? all->peers[shard] : NULL;
	return peer && bfs_peer_ucx_tag(peer) == tag ? peer->net : NULL;
}

static struct bfs_peer_tx *find_tx(struct bfs_peer *p, const uint8_t *fields,
				   size_t len)
{
	struct bfs_peer_tx *tx;
	struct bfs_rep_head h;
	struct bfs_wire w;

	bfs_wire_init(&w, fields, len);
	h = bfs_get_rep_head(&w);
	tx = bfs_wire_end(&w) ? NULL : bfs_peer_find(p, h.id);
	/* It may come twice, if the request was sent twice. */
	return tx && !((uintptr_t)tx->net & BFS_UCX_RECEIVING) ? tx : NULL;
}

/* The bulk is in tx's buffer, for as long as somebody wants it. */
static void received(struct bfs_peer_tx *tx, ucs_status_t status)
{
	struct bfs_ucx_out *o = tx->peer->net;

	if (status == UCS_OK && !tx->ended) {
		memcpy(tx->m->in, tx->buffer, tx->m->in_len);
		bfs_peer_net_answered(tx);
	} else if (status != UCS_OK && o) {
		bfs_peer_ucx_fail(o, -ECONNRESET);
	}
	bfs_peer_ucx_let_go(tx, BFS_UCX_RECEIVING);
}

static void on_received(void *req, ucs_status_t status, size_t len, void *arg)
{
	ucp_request_free(req);
	received(arg, status);
}

/* What it has begun to fetch it keeps; else it is not wanted any more, which
 * its sender is to know. */
static ucs_status_t fetching(ucs_status_ptr_t req)
{
	return UCS_PTR_STATUS(req) == UCS_ERR_NO_MEMORY ? UCS_OK
							: UCS_INPROGRESS;
}

static ucs_status_t fetch(struct bfs_port_ucx *port, struct bfs_peer_tx *tx,
			  void *desc, size_t len)
{
	ucp_request_param_t p = { .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
						  UCP_OP_ATTR_FIELD_USER_DATA,
				  .cb.recv_am = on_received,
				  .user_data = tx };
	ucs_status_ptr_t req;

	bfs_peer_ucx_hold(tx, BFS_UCX_RECEIVING);
	req = ucp_am_recv_data_nbx(port->door->ucx.worker, desc, tx->buffer,
				   len, &p);
	if (!UCS_PTR_IS_PTR(req))
		received(tx, UCS_PTR_STATUS(req));
	return fetching(req);
}

/* Head and fields are there. */
static ucs_status_t take(struct bfs_port_ucx *port, struct bfs_ucx_out *o,
			 const struct bfs_ucx_head *h, const uint8_t *fields,
			 void *data, uint64_t attr)
{
	struct bfs_peer_tx *tx = find_tx(o->peer, fields, h->fields_len);
	int r;

	if (!tx)
		return UCS_OK;
	r = h->bulk_len > tx->m->in_cap
		    ? -EBADMSG
		    : bfs_peer_net_fields(tx, fields, h->fields_len);
	if (r) {
		bfs_peer_ucx_fail(o, r);
		return UCS_OK;
	}
	tx->m->in_len = h->bulk_len;
	if (h->bulk_len && attr & UCP_AM_RECV_ATTR_FLAG_RNDV)
		return fetch(port, tx, data, h->bulk_len);
	if (h->bulk_len)
		memcpy(tx->m->in, data, h->bulk_len);
	bfs_peer_net_answered(tx);
	return UCS_OK;
}

/* Long fields that were announced by rendezvous (a tiny eager_threshold). */
struct late_fields {
	struct bfs_port_ucx *port;
	struct bfs_ucx_head head;
	uint8_t fields[BFS_FIELDS_MAX];
};

static void got_fields(struct late_fields *l, ucs_status_t status)
{
	struct bfs_ucx_out *o = find_out(l->port, l->head.slot);

	if (o && status == UCS_OK)
		take(l->port, o, &l->head, l->fields, NULL, 0);
	free(l);
}

static void on_fields(void *req, ucs_status_t status, size_t len, void *arg)
{
	ucp_request_free(req);
	got_fields(arg, status);
}

static ucs_status_t fetch_fields(struct bfs_port_ucx *port, void *desc,
				 const struct bfs_ucx_head *h)
{
	struct late_fields *l = malloc(sizeof(*l));
	ucp_request_param_t p = { .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
						  UCP_OP_ATTR_FIELD_USER_DATA,
				  .cb.recv_am = on_fields,
				  .user_data = l };
	ucs_status_ptr_t req;

	if (!l)
		return UCS_OK; /* it is asked for again */
	l->port = port;
	l->head = *h;
	req = ucp_am_recv_data_nbx(port->door->ucx.worker, desc, l->fields,
				   h->fields_len, &p);
	if (!UCS_PTR_IS_PTR(req))
		got_fields(l, UCS_PTR_STATUS(req));
	return fetching(req);
}

ucs_status_t bfs_peer_ucx_on_reply(void *arg, const void *header,
				   size_t header_len, void *data, size_t len,
				   const ucp_am_recv_param_t *param)
{
	bool rndv = param->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV;
	struct bfs_port_ucx *port = arg;
	struct bfs_ucx_out *o;
	struct bfs_ucx_head h;
	const uint8_t *fields;

	if (bfs_ucx_parse(header, header_len, len, &h, &fields))
		return UCS_OK;
	o = find_out(port, h.slot);
	if (!o || !o->peer)
		return UCS_OK;
	if (!fields && rndv)
		return fetch_fields(port, data, &h);
	return take(port, o, &h, fields ? fields : data, data,
		    param->recv_attr);
}

ucs_status_t bfs_peer_ucx_on_reset(void *arg, const void *header,
				   size_t header_len, void *data, size_t len,
				   const ucp_am_recv_param_t *param)
{
	struct bfs_ucx_head h;
	const uint8_t *fields;
	struct bfs_ucx_out *o;

	if (bfs_ucx_parse(header, header_len, len, &h, &fields))
		return UCS_OK;
	o = find_out(arg, h.slot);
	if (o)
		bfs_peer_ucx_fail(o, -ENOTCONN);
	return UCS_OK;
}
