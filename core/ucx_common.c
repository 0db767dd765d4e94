/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/ucx_common.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <ucs/config/global_opts.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ADDRESS_MAGIC 0x31584355534642ull /* "BFSUCX1" */
#define ADDRESS_HEAD 24			  /* magic, length, checksum */

int bfs_ucx_errno(ucs_status_t status)
{
	switch (status) {
	case UCS_OK:
		return 0;
	case UCS_ERR_NO_MEMORY:
		return -ENOMEM;
	case UCS_ERR_TIMED_OUT:
	case UCS_ERR_ENDPOINT_TIMEOUT:
		return -ETIMEDOUT;
	case UCS_ERR_UNREACHABLE:
		return -EHOSTUNREACH;
	case UCS_ERR_CONNECTION_RESET:
	case UCS_ERR_NOT_CONNECTED:
	case UCS_ERR_REJECTED:
	case UCS_ERR_CANCELED:
		return -ECONNRESET;
	case UCS_ERR_UNSUPPORTED:
		return -EOPNOTSUPP;
	case UCS_ERR_MESSAGE_TRUNCATED:
		return -EMSGSIZE;
	case UCS_ERR_NO_DEVICE:
		return -ENODEV;
	default:
		return -EIO;
	}
}

static int complain(const char *what, ucs_status_t status)
{
	bfs_log(error, "ucx: %s: %s", what, ucs_status_string(status));
	return bfs_ucx_errno(status);
}

static int open_context(struct bfs_ucx *u)
{
	ucp_params_t p = { .field_mask = UCP_PARAM_FIELD_FEATURES,
			   .features = UCP_FEATURE_AM | UCP_FEATURE_WAKEUP };
	ucp_config_t *config;
	ucs_status_t st = ucp_config_read(NULL, NULL, &config);

	if (st != UCS_OK)
		return complain("cannot read its settings", st);
	st = ucp_init(&p, config, &u->context);
	ucp_config_release(config);
	return st == UCS_OK ? 0 : complain("cannot start", st);
}

/* Each of a list of transports is tcp, or the loopback. */
static bool is_tcp_only(const char *list)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (!(n == 3 && !memcmp(list, "tcp", n)) &&
		    !(n == 4 && !memcmp(list, "self", n)))
			return false;
		if (!list[n])
			return true;
		list += n + 1;
	}
	return false;
}

static int open_worker(struct bfs_ucx *u)
{
	ucp_worker_params_t p = {
		.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE,
		.thread_mode = UCS_THREAD_MODE_SERIALIZED,
	};
	ucp_worker_attr_t a = { .field_mask =
					UCP_WORKER_ATTR_FIELD_MAX_AM_HEADER };
	ucs_status_t st = ucp_worker_create(u->context, &p, &u->worker);

	if (st != UCS_OK)
		return complain("cannot make a worker", st);
	st = ucp_worker_query(u->worker, &a);
	if (st == UCS_OK)
		st = ucp_worker_get_efd(u->worker, &u->fd);
	if (st != UCS_OK)
		return complain("its transports cannot be waited for", st);
	u->header_max = a.max_am_header;
	u->tcp_only = is_tcp_only(getenv("UCX_TLS"));
	if (u->header_max < 1024) {
		bfs_log(error, "ucx: headers of %zu bytes are too short",
			u->header_max);
		return -EOPNOTSUPP;
	}
	return 0;
}

int bfs_ucx_open(struct bfs_ucx *u)
{
	int r;

	memset(u, 0, sizeof(*u));
	u->fd = -1;
	/*
	 * Not all settings concern every transport, and an UCX that was loaded
	 * before ours (by an MPI) would print a line about that on stdout.
	 */
	ucs_global_opts_set_value("WARN_UNUSED_ENV_VARS", "n");
	r = open_context(u);
	if (!r)
		r = open_worker(u);
	if (r)
		bfs_ucx_close(u);
	return r;
}

void bfs_ucx_close(struct bfs_ucx *u)
{
	if (u->worker)
		ucp_worker_destroy(u->worker);
	if (u->context)
		ucp_cleanup(u->context);
	u->worker = NULL;
	u->context = NULL;
}

int bfs_ucx_address(struct bfs_ucx *u, void **address, size_t *len)
{
	ucp_address_t *bare;
	struct bfs_wire w;
	ucs_status_t st;
	size_t n;

	st = ucp_worker_get_address(u->worker, &bare, &n);
	if (st != UCS_OK)
		return complain("no address", st);
	*len = ADDRESS_HEAD + n;
	*address = n <= BFS_UCX_ADDRESS_MAX ? malloc(*len) : NULL;
	if (*address) {
		bfs_wire_init(&w, *address, *len);
		bfs_put_u64(&w, ADDRESS_MAGIC);
		bfs_put_u64(&w, n);
		bfs_put_u64(&w, XXH3_64bits(bare, n));
		memcpy(w.pos, bare, n);
	}
	ucp_worker_release_address(u->worker, bare);
	return *address ? 0 : -ENOMEM;
}

static ucs_status_t drop(void *arg, const void *header, size_t header_len,
			 void *data, size_t len,
			 const ucp_am_recv_param_t *param)
{
	return UCS_OK;
}

int bfs_ucx_handle(struct bfs_ucx *u,
		   const ucp_am_recv_callback_t fn[BFS_UCX_IDS], void *arg,
		   uint32_t flags)
{
	ucp_am_handler_param_t p = {
		.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID |
			      UCP_AM_HANDLER_PARAM_FIELD_FLAGS |
			      UCP_AM_HANDLER_PARAM_FIELD_CB |
			      UCP_AM_HANDLER_PARAM_FIELD_ARG,
		.flags = flags,
		.arg = arg,
	};
	ucs_status_t st = UCS_OK;

	for (unsigned id = 0; id < BFS_UCX_IDS && st == UCS_OK; id++) {
		p.id = id;
		p.cb = fn[id] ? fn[id] : drop;
		st = ucp_worker_set_am_recv_handler(u->worker, &p);
	}
	return st == UCS_OK ? 0 : complain("no active messages", st);
}

/* UCX itself does not check the bytes of an address: this keeps accidents
 * from it, and tickets (serve_session.c) keep strangers out. */
static const ucp_address_t *check_address(const void *address, size_t len)
{
	struct bfs_wire w;
	uint64_t magic, n, sum;

	bfs_wire_init(&w, address, len);
	magic = bfs_get_u64(&w);
	n = bfs_get_u64(&w);
	sum = bfs_get_u64(&w);
	if (bfs_wire_end(&w) || magic != ADDRESS_MAGIC || !n ||
	    n > len - ADDRESS_HEAD || n > BFS_UCX_ADDRESS_MAX ||
	    sum != XXH3_64bits(w.pos, n))
		return NULL;
	return (const ucp_address_t *)w.pos;
}

const uint8_t *bfs_ucx_address_end(const void *address, size_t len)
{
	const uint8_t *bare = (const uint8_t *)check_address(address, len);
	struct bfs_wire w;

	if (!bare)
		return NULL;
	bfs_wire_init(&w, address, len);
	bfs_get_u64(&w);
	return bare + bfs_get_u64(&w);
}

int bfs_ucx_endpoint(struct bfs_ucx *u, const void *address, size_t len,
		     ucp_err_handler_cb_t on_error, void *arg, ucp_ep_h *ep)
{
	ucp_ep_params_t p = {
		.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS |
			      UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE |
			      UCP_EP_PARAM_FIELD_ERR_HANDLER,
		.address = check_address(address, len),
		.err_mode = UCP_ERR_HANDLING_MODE_PEER,
		.err_handler = { on_error, arg },
	};
	ucs_status_t st;

	if (!p.address)
		return -EBADMSG;
	st = ucp_ep_create(u->worker, &p, ep);
	return st == UCS_OK ? 0 : complain("cannot connect", st);
}

void bfs_ucx_put_head(uint8_t *to, const struct bfs_ucx_head *h)
{
	struct bfs_wire w;

	bfs_wire_init(&w, to, BFS_UCX_HEAD_LEN);
	bfs_put_u32(&w, h->fields_len);
	bfs_put_u32(&w, h->bulk_len);
	bfs_put_u32(&w, h->in_cap);
	bfs_put_u32(&w, h->slot);
}

int bfs_ucx_send(struct bfs_ucx *u, ucp_ep_h ep, struct bfs_ucx_msg *m)
{
	size_t header = BFS_UCX_HEAD_LEN + m->head.fields_len;
	const void *payload = m->bulk;
	size_t n = m->head.bulk_len;
	ucp_request_param_t p = {
		.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
				UCP_OP_ATTR_FIELD_USER_DATA |
				UCP_OP_ATTR_FIELD_FLAGS,
		.cb.send = m->done,
		.user_data = m->arg,
		.flags = m->want_reply_ep ? UCP_AM_SEND_FLAG_REPLY : 0,
	};
	ucs_status_ptr_t req;

	if (header > u->header_max) {
		if (n)
			return -EMSGSIZE;
		header = BFS_UCX_HEAD_LEN;
		payload = m->fields + BFS_UCX_HEAD_LEN;
		n = m->head.fields_len;
	}
	bfs_ucx_put_head(m->fields, &m->head);
	if (m->at_once)
		p.op_attr_mask |= UCP_OP_ATTR_FLAG_FORCE_IMM_CMPL;
	req = ucp_am_send_nbx(ep, m->id, m->fields, header, n ? payload : NULL,
			      n, &p);
	if (m->at_once && UCS_PTR_STATUS(req) == UCS_ERR_NO_RESOURCE)
		return -EAGAIN;
	if (UCS_PTR_IS_ERR(req))
		return bfs_ucx_errno(UCS_PTR_STATUS(req));
	return req ? 1 : 0;
}

int bfs_ucx_parse(const void *header, size_t header_len, size_t payload_len,
		  struct bfs_ucx_head *h, const uint8_t **fields)
{
	struct bfs_wire w;

	bfs_wire_init(&w, header, header_len);
	h->fields_len = bfs_get_u32(&w);
	h->bulk_len = bfs_get_u32(&w);
	h->in_cap = bfs_get_u32(&w);
	h->slot = bfs_get_u32(&w);
	if (bfs_wire_end(&w) || h->fields_len > BFS_FIELDS_MAX ||
	    h->bulk_len > BFS_BULK_MAX || h->in_cap > BFS_BULK_MAX)
		return -EBADMSG;
	*fields = NULL;
	if (header_len == BFS_UCX_HEAD_LEN && !h->bulk_len)
		return payload_len == h->fields_len ? 0 : -EBADMSG;
	*fields = w.pos;
	if ((size_t)(w.end - w.pos) != h->fields_len ||
	    payload_len != h->bulk_len)
		return -EBADMSG;
	return 0;
}
