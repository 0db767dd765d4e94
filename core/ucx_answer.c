/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's side of UCX: what comes back.  All of it under the lock. */
#include "core/ucx_client.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>

/* Called by UCX under the lock: what we sent is ours again. */
void bfs_ucx_on_sent(void *req, ucs_status_t status, void *arg)
{
	struct bfs_ucx_slot *s = arg;

	ucp_request_free(req);
	s->sending = false;
	if (s->io) {
		if (status != UCS_OK && s->result == BFS_UCX_PENDING)
			s->result = bfs_ucx_lost(s->way, bfs_ucx_errno(status));
		bfs_ucx_tell(s);
	} else if (atomic_load(&s->claimed) == BFS_UCX_LEFT) {
		bfs_ucx_release(s);
	}
}

static void finish(struct bfs_ucx_slot *s, int result)
{
	s->result = result;
	bfs_ucx_tell(s);
}

/* The fields of a reply lie in s->rep: are they the answer to our request? */
static int check_reply(struct bfs_ucx_slot *s)
{
	struct bfs_rep_head head;
	struct bfs_wire w;

	bfs_wire_init(&w, s->rep, s->rep_len);
	head = bfs_get_rep_head(&w);
	return bfs_wire_end(&w) || head.id != s->id ? -EPROTO : 0;
}

/* Called by UCX under the lock: the payload of a reply is there. */
static void on_received(void *req, ucs_status_t status, size_t len, void *arg)
{
	struct bfs_ucx_slot *s = arg;

	ucp_request_free(req);
	s->receiving = false;
	finish(s, status == UCS_OK ? check_reply(s) : -ECONNRESET);
}

/* Bring the payload to where it belongs. */
static ucs_status_t take_payload(struct bfs_ucx_slot *s, void *to, void *data,
				 size_t len, uint64_t attr)
{
	ucp_request_param_t p = { .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
						  UCP_OP_ATTR_FIELD_USER_DATA,
				  .cb.recv_am = on_received,
				  .user_data = s };
	ucs_status_ptr_t req;

	if (!(attr & UCP_AM_RECV_ATTR_FLAG_RNDV)) {
		memcpy(to, data, len);
		finish(s, check_reply(s));
		return UCS_OK;
	}
	req = ucp_am_recv_data_nbx(s->client->ucx.worker, data, to, len, &p);
	if (UCS_PTR_IS_PTR(req))
		s->receiving = true;
	else
		finish(s, req ? -ECONNRESET : check_reply(s));
	return UCS_INPROGRESS;
}

/* A late answer has a slot that is free, or used again by another call. */
static bool is_for(const struct bfs_ucx_slot *s, const uint8_t *fields,
		   size_t len)
{
	struct bfs_rep_head head;
	struct bfs_wire w;

	if (!s->io || s->result != BFS_UCX_PENDING || s->receiving)
		return false;
	if (!fields)
		return true; /* looked at when they are here */
	bfs_wire_init(&w, fields, len);
	head = bfs_get_rep_head(&w);
	return !bfs_wire_end(&w) && head.id == s->id;
}

ucs_status_t bfs_ucx_on_reply(void *arg, const void *header, size_t header_len,
			      void *data, size_t len,
			      const ucp_am_recv_param_t *param)
{
	struct bfs_ucx_client *u = arg;
	struct bfs_ucx_slot *s;
	struct bfs_ucx_head h;
	const uint8_t *fields;

	if (bfs_ucx_parse(header, header_len, len, &h, &fields) ||
	    h.slot >= BFS_UCX_SLOTS)
		return UCS_OK;
	s = &u->slot[h.slot];
	if (!is_for(s, fields, h.fields_len))
		return UCS_OK;
	s->rep_len = h.fields_len;
	s->in_len = h.bulk_len;
	if (!fields)
		return take_payload(s, s->rep, data, len, param->recv_attr);
	memcpy(s->rep, fields, h.fields_len);
	if (h.bulk_len > s->io->in_cap) {
		finish(s, -EPROTO);
		return UCS_OK;
	}
	if (!h.bulk_len) {
		finish(s, check_reply(s));
		return UCS_OK;
	}
	return take_payload(s, s->io->in, data, len, param->recv_attr);
}
