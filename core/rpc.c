/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/rpc.h"

#include "core/log.h"
#include "core/sys.h"
#include "core/util.h"

#include <errno.h>

#define NS_PER_MS 1000000u

#define VIA_BODY 256 /* of READ and WRITE */

static const char *peer_of(const struct bfs_transport *t)
{
	return t && t->peer ? t->peer : "the daemon";
}

static bool is_wait(const struct bfs_rpc_message *m)
{
	return bfs_op_flags(m->op) == BFS_RPC_WAIT;
}

static struct bfs_transport *take_transport(struct bfs_client *c)
{
	return c->get ? c->get(c) : atomic_load(&c->t);
}

static void put_transport(struct bfs_client *c, struct bfs_transport *t)
{
	if (t && c->put)
		c->put(c, t);
}

void bfs_rpc_end(struct bfs_rpc *r)
{
	struct bfs_transport *t = r->t;

	if (!t)
		return;
	r->t = NULL;
	t->ops->end(t, &r->io);
	put_transport(r->client, t);
}

static void drop_fd(struct bfs_io *io)
{
	if (io->fd >= 0)
		bfs_sys_close(io->fd);
	io->fd = -1;
}

/* What the daemon is told of the deadline (transport.h). */
static uint32_t deadline_for(const struct bfs_transport *t, uint64_t deadline)
{
	uint64_t now = bfs_now();

	if (t->bounded)
		return (uint32_t)(deadline / NS_PER_MS + t->clock);
	return deadline > now ? (uint32_t)((deadline - now) / NS_PER_MS) : 0;
}

static int put_relayed(struct bfs_wire *w, const struct bfs_rpc_message *m)
{
	uint8_t body[VIA_BODY];
	struct bfs_wire in;
	int e;

	bfs_wire_init(&in, body, sizeof(body));
	e = m->put(&in, m->req);
	if (e)
		return e;
	return bfs_via_req_put(
		w,
		&(struct bfs_via_req){
			.op = m->op,
			.shard = m->via - 1,
			.body = { (char *)body, (uint32_t)(in.pos - body) } });
}

/* 0, or -ENAMETOOLONG: only paths can make a request too long. */
static int encode(struct bfs_rpc *r, const struct bfs_rpc_message *m)
{
	struct bfs_io *io = &r->io;
	struct bfs_wire w;

	bfs_wire_init(&w, io->req, io->req_cap);
	bfs_put_req_head(
		&w, &(struct bfs_req_head){
			    .op = m->via ? BFS_OP_VIA : m->op,
			    .deadline_ms = deadline_for(r->t, io->deadline),
			    .id = m->id,
			    .session = r->t->session,
			    .ticket = r->t->ticket,
			    .generation = r->t->generation });
	if (m->via ? put_relayed(&w, m) : m->put(&w, m->req))
		return -ENAMETOOLONG;
	io->req_len = (size_t)(w.pos - io->req);
	return 0;
}

/* -EBADMSG if this is no answer to m. */
static int decode(struct bfs_rpc *r, struct bfs_rpc_message *m)
{
	struct bfs_rep_head h;
	struct bfs_wire w;
	int e;

	bfs_wire_init(&w, r->io.rep, r->io.rep_len);
	h = bfs_get_rep_head(&w);
	e = bfs_wire_end(&w);
	/* What VIA carries is answered as itself, or from memory. */
	if (!e && ((h.op != m->op && !(m->via && h.op == BFS_OP_VIA)) ||
		   h.id != m->id || h.status > BFS_ESCAPE))
		e = -EBADMSG;
	if (!e && h.status == BFS_ESCAPE)
		e = bfs_escape_get(&w, &r->escape);
	else if (!e && !h.status)
		e = m->get(&w, m->rep);
	m->status = e ? 0 : -(int)h.status;
	if (e)
		bfs_log(error, "%s: malformed answer from %s",
			bfs_op_name(m->op), peer_of(r->t));
	return e;
}

/*
 * A call that changes something must not run in two sessions: the second
 * knows nothing of what the first one did (the daemon has lost its memory).
 */
static int check(struct bfs_transport *t, const struct bfs_io *io,
		 const struct bfs_rpc_message *m)
{
	if (io->out_len > t->bulk_max) {
		bfs_log(error, "%s: %zu bytes are too many for one call",
			bfs_op_name(m->op), io->out_len);
		return -EMSGSIZE;
	}
	if (m->sent_by && m->sent_by != t->session &&
	    bfs_op_flags(m->op) == BFS_RPC_ONCE) {
		bfs_log(error, "%s: %s has forgotten this session",
			bfs_op_name(m->op), peer_of(t));
		return -EIO;
	}
	return 0;
}

/* Who would know it again. */
static uint64_t executor(const struct bfs_client *c,
			 const struct bfs_transport *t)
{
	return c->relay ? c->session : t->session;
}

/* Take a place on t.  0, or the transport's error. */
static int claim(struct bfs_rpc *r, struct bfs_transport *t,
		 struct bfs_rpc_message *m)
{
	int e = check(t, &r->io, m);

	r->io.id = m->id;
	r->io.fd = -1;
	r->io.in_len = 0;
	r->io.filled = false;
	if (!e)
		e = t->ops->begin(t, &r->io);
	if (!e)
		r->t = t;
	return e;
}

/* What came of the call on r->t.  0: answered, m->status says what. */
static int conclude(struct bfs_rpc *r, struct bfs_rpc_message *m, int e)
{
	struct bfs_transport *t = r->t;

	if (!e)
		e = decode(r, m);
	if (e || m->status)
		drop_fd(&r->io);
	if (!e && (m->status == 0 || m->status == -(int)BFS_ESCAPE))
		return 0; /* the reply is borrowed until bfs_rpc_end() */
	r->t = NULL;
	t->ops->end(t, &r->io);
	return e;
}

/* One try.  0: answered, m->status says what; else the transport's error. */
static int attempt(struct bfs_client *c, struct bfs_rpc *r,
		   struct bfs_transport *t, struct bfs_rpc_message *m)
{
	int e = claim(r, t, m);

	if (e)
		return e;
	e = encode(r, m);
	if (e) {
		m->status = e;
		r->t = NULL;
		t->ops->end(t, &r->io);
		return 0;
	}
	m->sent_by = executor(c, t);
	return conclude(r, m, t->ops->call(t, &r->io));
}

/* The end of what begin() has sent. */
static int collect(struct bfs_rpc *r, struct bfs_rpc_message *m)
{
	m->posted = false;
	return conclude(r, m, r->t->ops->wait(r->t, &r->io));
}

/* A transport's error as the application sees it. */
static int final_error(struct bfs_client *c, const struct bfs_rpc *r,
		       struct bfs_transport *t, const struct bfs_rpc_message *m,
		       int e)
{
	if (r->quiet)
		return e == -ECONNRESET ? -EIO : e;
	switch (e) {
	case -EINTR:
	case -EMFILE:
		return e;
	case -ETIMEDOUT:
		bfs_log(error, "%s: no answer from %s within %u ms",
			bfs_op_name(m->op), peer_of(t), c->timeout_ms);
		return e;
	case -ECONNRESET:
		bfs_log(error, "%s: lost the connection to %s",
			bfs_op_name(m->op), peer_of(t));
		return -EIO;
	default:
		return -EIO;
	}
}

/* Before the try with that number: make sure that there is a connection. */
static int reconnect(struct bfs_client *c, struct bfs_transport *old,
		     uint64_t deadline, unsigned tries)
{
	_Atomic uint32_t never = 0;
	int e;

	if (tries > 1) /* a pause, without libc's cancellation point */
		bfs_sys_futex_wait(&never, 0, 10 * NS_PER_MS);
	e = c->reconnect(c, old, deadline);
	/* No room for the connection's descriptors is the program's own. */
	if (e == -ETIMEDOUT || e == -EINTR || e == -EMFILE || e == -EAGAIN ||
	    !e)
		return e;
	return -EIO;
}

/* Its daemon has not answered, or is the wrong one: the node's has to. */
static struct bfs_client *take_relay(struct bfs_client *c, struct bfs_rpc *r,
				     struct bfs_transport *t,
				     struct bfs_rpc_message *m)
{
	if (m->status == -EREMOTE) {
		m->sent_by = 0; /* it was not executed */
	} else {
		bfs_log(info, "%s: not by shard %u itself", bfs_op_name(m->op),
			c->shard);
		if (t)
			c->lost(c, t);
	}
	m->via = m->sent_by ? c->shard + 1 : 0;
	m->status = 0;
	put_transport(c, t);
	r->client = c->relay;
	return c->relay;
}

static bool gone_astray(const struct bfs_client *c,
			const struct bfs_rpc_message *m, int e)
{
	return c->relay &&
	       (e == -ECONNRESET || e == -EBADMSG || m->status == -EREMOTE);
}

/* Try until there is an answer or io.deadline has passed (F1, F2). */
static int persist(struct bfs_client *c, struct bfs_rpc *r,
		   struct bfs_rpc_message *m)
{
	for (unsigned tries = 1;; tries++) {
		bool posted = m->posted;
		struct bfs_transport *t = posted ? r->t : take_transport(c);
		int e = posted ? collect(r, m)
			: t    ? attempt(c, r, t, m)
			       : -ECONNRESET;

		if (gone_astray(c, m, e)) {
			c = take_relay(c, r, t, m);
			tries = 0;
			continue;
		}
		if (e == -ECONNRESET && bfs_now() >= r->io.deadline)
			e = -ETIMEDOUT;
		if (e == -ECONNRESET && c->reconnect) {
			e = reconnect(c, t, r->io.deadline, tries);
			put_transport(c, t);
			/* It is down, and expected back: until the deadline. */
			if (e && e != -EAGAIN)
				return e;
			continue;
		}
		if (e == -ETIMEDOUT && c->relay)
			c->lost(c, t);
		if (e && !(e == -ETIMEDOUT && is_wait(m)))
			e = final_error(c, r, t, m, e);
		if (!r->t)
			put_transport(c, t);
		return e ? e : m->status;
	}
}

static uint64_t after_ms(uint64_t ms)
{
	return bfs_now() + ms * NS_PER_MS;
}

/* Ask the daemon to forget id (0: whether it is alive) before the deadline. */
static int cancel(struct bfs_client *c, uint64_t id, uint64_t deadline)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_cancel_rep rep;
	int e;

	r.deadline = deadline;
	e = bfs_rpc_cancel(c, &r, &(struct bfs_cancel_req){ .id = id }, &rep);
	bfs_rpc_end(&r);
	return e;
}

/*
 * A call that may be parked at the daemon has no deadline.  Each third of the
 * time-out the daemon is asked for a sign of life and the request sent again:
 * with the id of the parked one it takes its place, or brings the answer that
 * got lost (RULES 32).
 */
static int keep_waiting(struct bfs_client *c, struct bfs_rpc *r,
			struct bfs_rpc_message *m)
{
	for (;;) {
		int e;

		r->io.deadline = after_ms(c->timeout_ms / 3);
		m->status = 0;
		e = persist(c, r, m);
		if (e == -ECANCELED && e == m->status)
			continue; /* lost its place when a connection went */
		if (r->t || e == m->status)
			return e;
		if (e == -EINTR) {
			e = cancel(c, m->id, after_ms(c->timeout_ms));
			if (e != -ENOENT)
				return e ? e : -EINTR;
		} else if (e == -ETIMEDOUT) {
			e = cancel(c, 0, after_ms(c->timeout_ms * 2ull / 3));
			if (e)
				return e;
		} else {
			return e;
		}
	}
}

/* A signal may come between two tries as well. */
static int wait_for(struct bfs_client *c, struct bfs_rpc *r,
		    struct bfs_rpc_message *m)
{
	uint64_t signals;
	int e;

	if (!r->io.interruptible)
		return keep_waiting(c, r, m);
	bfs_sys_block_signals(&signals);
	r->io.signals = &signals;
	e = keep_waiting(c, r, m);
	r->io.signals = NULL;
	bfs_sys_restore_signals(&signals);
	return e;
}

static void number(struct bfs_client *c, struct bfs_rpc *r,
		   struct bfs_rpc_message *m)
{
	r->client = c;
	m->id = atomic_fetch_add(&(c->same ? c->same : c)->next_id, 1) + 1;
}

static void set_deadline(const struct bfs_client *c, struct bfs_rpc *r)
{
	if (!r->deadline)
		r->deadline = after_ms(c->timeout_ms);
	r->io.deadline = r->deadline;
}

static int run(struct bfs_client *c, struct bfs_rpc *r,
	       struct bfs_rpc_message *m)
{
	number(c, r, m);
	if (is_wait(m))
		return wait_for(c, r, m);
	set_deadline(c, r);
	return persist(c, r, m);
}

/* A place on t, if there is one: no waiting for others. */
static bool take_place(struct bfs_rpc *r, struct bfs_transport *t,
		       struct bfs_rpc_message *m)
{
	int e;

	r->io.deadline = 0;
	e = claim(r, t, m);
	r->io.deadline = r->deadline;
	return !e;
}

/* In its place. */
static bool post(struct bfs_client *c, struct bfs_rpc *r,
		 struct bfs_transport *t, struct bfs_rpc_message *m)
{
	int e = encode(r, m);

	if (!e) {
		m->sent_by = executor(c, t);
		e = t->ops->send(t, &r->io);
	}
	if (!e)
		return true;
	m->sent_by = 0;
	r->t = NULL;
	t->ops->end(t, &r->io);
	return false;
}

static bool begin(struct bfs_client *c, struct bfs_rpc *r,
		  struct bfs_rpc_message *m)
{
	struct bfs_transport *t;

	number(c, r, m);
	set_deadline(c, r);
	t = take_transport(c);
	m->posted =
		t && t->ops->send && take_place(r, t, m) && post(c, r, t, m);
	if (t && !m->posted)
		put_transport(c, t);
	return m->posted;
}

static bool prepare(struct bfs_client *c, struct bfs_rpc *r,
		    struct bfs_rpc_message *m)
{
	struct bfs_transport *t;

	number(c, r, m);
	t = take_transport(c);
	if (t && t->ops->fill && t->ops->send && take_place(r, t, m)) {
		t->ops->fill(t, &r->io);
		return true;
	}
	put_transport(c, t);
	return false;
}

/* What prepare() has made ready, or has not. */
static void go(struct bfs_rpc *r, struct bfs_rpc_message *m)
{
	struct bfs_client *c = r->client;
	struct bfs_transport *t = r->t;

	set_deadline(c, r);
	if (!t)
		return;
	/* What was sent into a connection that is over may have happened. */
	if (t != atomic_load(&c->t))
		bfs_rpc_end(r);
	else if (!(m->posted = post(c, r, t, m)))
		put_transport(c, t);
}

static int end(struct bfs_rpc *r, struct bfs_rpc_message *m)
{
	return persist(r->client, r, m);
}

#define RPC(num, NAME, name, flags, reqf, repf) \
	static int put_##name(struct bfs_wire *w, const void *req) \
	{ \
		return bfs_##name##_req_put(w, req); \
	} \
	static int get_##name(struct bfs_wire *w, void *rep) \
	{ \
		return bfs_##name##_rep_get(w, rep); \
	} \
	int bfs_rpc_##name(struct bfs_client *c, struct bfs_rpc *r, \
			   const struct bfs_##name##_req *req, \
			   struct bfs_##name##_rep *rep) \
	{ \
		struct bfs_rpc_message m = { .op = BFS_OP_##NAME, \
					     .req = req, \
					     .rep = rep, \
					     .put = put_##name, \
					     .get = get_##name }; \
\
		return run(c, r, &m); \
	}
#include "core/proto.def"
#undef RPC

bool bfs_rpc_read_begin(struct bfs_client *c, struct bfs_rpc *r,
			struct bfs_rpc_message *m,
			const struct bfs_read_req *req)
{
	*m = (struct bfs_rpc_message){
		.op = BFS_OP_READ, .req = req, .put = put_read, .get = get_read
	};
	return begin(c, r, m);
}

int bfs_rpc_read_end(struct bfs_rpc *r, struct bfs_rpc_message *m,
		     struct bfs_read_rep *rep)
{
	m->rep = rep;
	return end(r, m);
}

bool bfs_rpc_write_prepare(struct bfs_client *c, struct bfs_rpc *r,
			   struct bfs_rpc_message *m,
			   const struct bfs_write_req *req)
{
	*m = (struct bfs_rpc_message){ .op = BFS_OP_WRITE,
				       .req = req,
				       .put = put_write,
				       .get = get_write };
	return prepare(c, r, m);
}

void bfs_rpc_write_go(struct bfs_rpc *r, struct bfs_rpc_message *m)
{
	go(r, m);
}

int bfs_rpc_write_end(struct bfs_rpc *r, struct bfs_rpc_message *m,
		      struct bfs_write_rep *rep)
{
	m->rep = rep;
	return end(r, m);
}
