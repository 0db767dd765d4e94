/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client's side of the ucx transport: a module of its own, because it
 * needs libucp, which only programs that talk to other nodes should load.
 */
#include "core/ucx_client.h"

#include "core/log.h"
#include "core/sys.h"
#include "core/ucx_async.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#define NAP_NS \
	50000000u /* how long to wait before looking for a slot again \
		   */

__attribute__((visibility("default"))) bfs_ucx_connect_fn bfs_ucx_connect;

static struct bfs_ucx_client *client_of(const struct bfs_transport *t)
{
	return bfs_container_of(t, struct bfs_ucx_client, base);
}

static struct bfs_ucx_slot *claim(struct bfs_ucx_client *u)
{
	for (int i = 0; i < BFS_UCX_SLOTS; i++) {
		uint32_t is = BFS_UCX_FREE;

		if (!atomic_load_explicit(&u->slot[i].claimed,
					  memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&u->slot[i].claimed, &is,
						   BFS_UCX_TAKEN))
			return &u->slot[i];
	}
	return NULL;
}

static void release(struct bfs_ucx_slot *s)
{
	struct bfs_ucx_client *u = s->client;

	atomic_store(&s->claimed, BFS_UCX_FREE);
	atomic_fetch_add(&u->freed, 1);
	if (atomic_load(&u->claimers))
		bfs_sys_futex_wake(&u->freed, 1);
}

static int ucx_begin(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_client *u = client_of(t);
	struct bfs_ucx_slot *s;

	for (;;) {
		uint32_t freed = atomic_load(&u->freed);
		uint64_t now;

		s = claim(u);
		if (s)
			break;
		now = bfs_now();
		if (now >= io->deadline)
			return -ETIMEDOUT;
		atomic_fetch_add(&u->claimers, 1);
		bfs_sys_futex_wait(&u->freed, freed,
				   BFS_MIN(io->deadline - now, NAP_NS));
		atomic_fetch_sub(&u->claimers, 1);
	}
	io->priv = s;
	io->req = s->req + BFS_UCX_HEAD_LEN;
	io->req_cap = BFS_FIELDS_MAX;
	return 0;
}

/* Called by UCX under the lock: what we sent is ours again. */
static void on_sent(void *req, ucs_status_t status, void *arg)
{
	struct bfs_ucx_slot *s = arg;

	ucp_request_free(req);
	s->sending = false;
	if (s->io) {
		if (status != UCS_OK && s->result == BFS_UCX_PENDING)
			s->result = bfs_ucx_errno(status);
		bfs_ucx_tell(s);
	} else if (atomic_load(&s->claimed) == BFS_UCX_LEFT) {
		release(s);
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

static ucs_status_t on_reply(void *arg, const void *header, size_t header_len,
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

/* Called by UCX under the lock.  The endpoint is closed once it returned. */
static void on_error(void *arg, ucp_ep_h ep, ucs_status_t status)
{
	struct bfs_ucx_client *u = arg;

	bfs_log(info, "ucx: the daemon is gone: %s", ucs_status_string(status));
	u->failed = true;
}

static int post(struct bfs_ucx_slot *s, struct bfs_io *io, bool first)
{
	struct bfs_ucx_client *u = s->client;
	struct bfs_ucx_msg m = {
		.id = BFS_UCX_REQUEST,
		.head = { .fields_len = (uint32_t)io->req_len,
			  .bulk_len = (uint32_t)io->out_len,
			  .in_cap = (uint32_t)io->in_cap,
			  .slot = (uint32_t)(s - u->slot) },
		.fields = s->req,
		.bulk = io->out,
		.done = on_sent,
		.arg = s,
		.want_reply_ep = !first, /* for a reset */
		.at_once = first,
	};
	int r;

	if (u->dead)
		return -ECONNRESET;
	s->io = io;
	s->id = io->id;
	s->result = BFS_UCX_PENDING;
	s->sending = true; /* a callback may come before send returns */
	r = bfs_ucx_send(&u->ucx, u->ep, &m);
	if (r <= 0)
		s->sending = false;
	if (r >= 0)
		bfs_ucx_nudge(u);
	return r < 0 ? r : 0;
}

/*
 * The caller goes away.  What UCX may still write to or read from is his: if
 * it does not let go, the connection has to.
 */
static int give_up(struct bfs_ucx_slot *s, struct bfs_io *io, int r)
{
	if (s->receiving || (s->sending && io->out_len))
		bfs_ucx_bury(s->client);
	s->io = NULL;
	if (s->sending) {
		atomic_store(&s->claimed, BFS_UCX_LEFT);
		io->priv = NULL;
	}
	return r;
}

/* first: HELLO, sent when there is a connection (ucx_common.h). */
static int exchange(struct bfs_ucx_slot *s, struct bfs_io *io, bool first,
		    const uint64_t *signals)
{
	struct bfs_ucx_client *u = s->client;
	int r;

	while ((r = post(s, io, first)) == -EAGAIN) {
		if (bfs_now() >= io->deadline)
			return -ETIMEDOUT;
		bfs_ucx_nap(u, signals);
	}
	if (!r)
		r = bfs_ucx_wait(s, io, signals);
	if (s->io && bfs_ucx_over(s))
		return s->result;
	return u->dead ? -ECONNRESET : r;
}

static bool is_welcome(const struct bfs_ucx_slot *s)
{
	struct bfs_wire w;

	bfs_wire_init(&w, s->rep, s->rep_len);
	return !bfs_get_rep_head(&w).status;
}

static int meet(struct bfs_ucx_slot *s, struct bfs_io *io,
		const uint64_t *signals)
{
	struct bfs_ucx_client *u = s->client;
	int r = u->ucx.tcp_only ? exchange(s, io, true, signals) : 0;

	if (r || (u->ucx.tcp_only && !is_welcome(s)))
		return r;
	r = exchange(s, io, false, signals);
	u->met = !r;
	return r;
}

/* UCX has what it needs, also a connection that the daemon made to us. */
static void settle_fds(struct bfs_ucx_client *u)
{
	if (!u->opening)
		return;
	u->opening = false;
	bfs_ucx_fds_leave(&u->fds);
	u->base.fds = u->fds.fd;
	u->base.nfds = u->fds.n;
}

static int ucx_call(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_client *u = client_of(t);
	struct bfs_ucx_slot *s = io->priv;
	uint64_t signals;
	int r;

	io->fd = -1;
	if (io->out_len > BFS_BULK_MAX || io->in_cap > BFS_BULK_MAX)
		return -EMSGSIZE;
	bfs_ucx_lock(u, &signals);
	r = u->met ? exchange(s, io, false, &signals) : meet(s, io, &signals);
	settle_fds(u);
	r = give_up(s, io, r);
	bfs_ucx_unlock(u, &signals);
	if (r)
		return r;
	io->rep = s->rep;
	io->rep_len = s->rep_len;
	io->in_len = s->in_len;
	return 0;
}

static void ucx_end(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_slot *s = io->priv;

	if (!s)
		return; /* UCX is still sending from it: on_sent frees it */
	io->priv = NULL;
	release(s);
}

static void unmap(struct bfs_ucx_client *u)
{
	free(u->address);
	if (u->wake_fd >= 0)
		bfs_sys_close(u->wake_fd);
	bfs_sys_munmap(u, sizeof(*u));
}

static void ucx_destroy(struct bfs_transport *t)
{
	struct bfs_ucx_client *u = client_of(t);
	uint64_t signals;

	bfs_ucx_fork_del(u);
	bfs_ucx_lock(u, &signals);
	bfs_ucx_bury(u);
	bfs_ucx_close(&u->ucx);
	settle_fds(u);
	bfs_ucx_unlock(u, &signals);
	unmap(u);
}

/* UCX's objects are shared with the parent in part: leave them alone. */
static void ucx_forget(struct bfs_transport *t)
{
	struct bfs_ucx_client *u = client_of(t);

	bfs_ucx_fds_forget(&u->fds);
	unmap(u);
}

static const struct bfs_transport_ops ucx_ops = {
	.name = "ucx",
	.begin = ucx_begin,
	.call = ucx_call,
	.end = ucx_end,
	.destroy = ucx_destroy,
	.forget = ucx_forget,
};

/* The daemon has given us up, or has never heard of us. */
static ucs_status_t on_reset(void *arg, const void *header, size_t header_len,
			     void *data, size_t len,
			     const ucp_am_recv_param_t *param)
{
	struct bfs_ucx_client *u = arg;

	bfs_log(info, "ucx: the daemon does not know this connection");
	u->failed = true;
	return UCS_OK;
}

struct setting_up {
	struct bfs_ucx_client *u;
	size_t len, local_len;
	uint8_t address[];
};

static int connect_to(struct setting_up *s)
{
	static const ucp_am_recv_callback_t handlers[BFS_UCX_IDS] = {
		[BFS_UCX_REPLY] = on_reply,
		[BFS_UCX_RESET] = on_reset,
	};
	struct bfs_ucx_client *u = s->u;
	int r = bfs_ucx_handle(&u->ucx, handlers, u, UCP_AM_FLAG_WHOLE_MSG);

	if (!r)
		r = bfs_ucx_address(&u->ucx, &u->address, &s->local_len);
	if (!r)
		r = bfs_ucx_endpoint(&u->ucx, s->address, s->len, on_error, u,
				     &u->ep);
	return r;
}

static int set_up(void *arg)
{
	struct setting_up *s = arg;
	struct bfs_ucx_client *u = s->u;
	pid_t newest = bfs_ucx_newest_thread(), now;
	int r = bfs_ucx_open(&u->ucx);

	if (r)
		return r;
	if (bfs_ucx_forked())
		bfs_ucx_async_find();
	now = bfs_ucx_newest_thread();
	u->ucx_tid = now > newest ? now : 0;
	u->wake_fd =
		(int)bfs_sys_2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = u->wake_fd < 0 ? u->wake_fd : connect_to(s);
	if (r)
		bfs_ucx_close(&u->ucx);
	return r;
}

static struct bfs_ucx_client *client_new(void)
{
	struct bfs_ucx_client *u;
	long p = bfs_sys_mmap(NULL, sizeof(*u), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p < 0 && p > -4096)
		return NULL;
	u = (struct bfs_ucx_client *)p;
	u->base.ops = &ucx_ops;
	u->base.bulk_max = BFS_BULK_MAX;
	u->wake_fd = -1;
	for (int i = 0; i < BFS_UCX_SLOTS; i++)
		u->slot[i].client = u;
	return u;
}

static int client_start(struct bfs_ucx_client *u, struct setting_up *s)
{
	uint64_t signals;
	int r;

	/* UCX's own thread inherits the mask: our signals stay away from it. */
	bfs_sys_block_signals(&signals);
	bfs_ucx_fds_enter(&u->fds);
	u->opening = true;
	r = bfs_ucx_guard(set_up, s);
	if (r)
		settle_fds(u);
	bfs_sys_restore_signals(&signals);
	if (r == -EDEADLK)
		bfs_log(error, "ucx: the parent was busy in it at the fork: "
			       "it cannot be used in this process");
	else if (r)
		unmap(u);
	return r;
}

int bfs_ucx_connect(const void *address, size_t len, struct bfs_transport **t,
		    const void **local, size_t *local_len)
{
	struct setting_up *s = malloc(sizeof(*s) + len);
	struct bfs_ucx_client *u = s ? client_new() : NULL;
	int r;

	if (!u) {
		free(s);
		return -ENOMEM;
	}
	s->u = u;
	s->len = len;
	memcpy(s->address, address, len);
	r = client_start(u, s);
	if (!r) {
		bfs_ucx_fork_add(u);
		*t = &u->base;
		*local = u->address;
		*local_len = s->local_len;
	}
	if (r != -EDEADLK)
		free(s);
	return r;
}
