/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/client.h"

#include "core/kill.h"
#include "core/local_io.h"
#include "core/log.h"
#include "core/stats.h"
#include "core/sys.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/client_rings.h"
#include "server/client_wakes.h"
#include "server/fs.h"
#include "server/loop.h"
#include "server/port_local.h"
#include "server/process.h"
#include "server/session.h"
#include "server/stage.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <utlist.h>

/* A call that came over a ring. */
struct ring_call {
	struct bfs_call call;
	struct bfs_conn *conn;
	struct bfs_slot *slot; /* NULL: HELLO, which comes by the socket */
	uint8_t hello_rep[BFS_FIELDS_MAX];
};

static struct ring_call *call_get(struct bfs_conn *c)
{
	struct bfs_port_local *p = c->port;
	struct ring_call *rc = (struct ring_call *)p->pool;

	if (rc)
		p->pool = rc->call.next;
	else
		rc = malloc(sizeof(*rc));
	if (!rc)
		return NULL;
	memset(&rc->call, 0, offsetof(struct bfs_call, req));
	rc->call.server = p->server;
	rc->call.session = c->session;
	rc->call.port = &p->base;
	rc->call.cred = &c->cred;
	rc->call.out = rc->call.in = NULL;
	rc->call.out_len = rc->call.in_cap = 0;
	rc->call.cancel = NULL;
	rc->call.parked = NULL;
	rc->conn = c;
	c->calls++;
	return rc;
}

static void conn_free(struct bfs_conn *c)
{
	if (c->ring)
		bfs_rings_bury(c->port, c->ring);
	free(c->cred.groups);
	free(c);
}

static void call_put(struct ring_call *rc)
{
	struct bfs_conn *c = rc->conn;

	rc->call.next = c->port->pool;
	c->port->pool = &rc->call;
	if (!--c->calls && c->sock < 0)
		conn_free(c);
}

/*
 * The descriptor goes first: when the client sees DONE it is there, and ours
 * is closed.  Or else a flock would outlive the client's close, by the time
 * that we have been interrupted for (S10).
 */
static bool send_fd(struct ring_call *rc)
{
	struct bfs_fd_note note = {
		rc->call.head.id, (uint32_t)(rc->slot - rc->conn->ring->slot)
	};
	int r;

	if (rc->call.pass_fd < 0)
		return false;
	r = bfs_local_send(rc->conn->sock, &note, sizeof(note),
			   &rc->call.pass_fd, 1, MSG_DONTWAIT);
	if (r < 0)
		bfs_log(error, "cannot pass a descriptor to process %d: %s",
			rc->conn->process->pid, strerror(-r));
	BFS_KILL_POINT(fd_sent);
	close(rc->call.pass_fd);
	rc->call.pass_fd = -1;
	return true;
}

static void reply_ring(struct ring_call *rc)
{
	struct bfs_slot *s = rc->slot;
	uint32_t taken = BFS_SLOT_TAKEN, waits;

	s->rep_len = (uint32_t)rc->call.rep_len;
	s->in_len = (uint32_t)rc->call.in_len;
	s->has_fd = rc->conn->sock >= 0 && send_fd(rc);
	if (!atomic_compare_exchange_strong(&s->state, &taken, BFS_SLOT_DONE)) {
		atomic_store(&s->state, BFS_SLOT_FREE); /* it was abandoned */
		return;
	}
	waits = atomic_load(&s->waiting);
	if (waits)
		bfs_wakes_add(rc->conn, s,
			      waits == (uint32_t)sched_getcpu() + 1);
}

/*
 * Who owns the data files can open them as it is: then it need not be passed
 * the descriptor of each.
 */
static bool lets_in(const struct bfs_conn *c, int *fd)
{
	const struct bfs_server *s = c->port->server;

	*fd = s->pass ? bfs_fs_data_fd(s->fs, c->cred.uid) : -1;
	c->session->opens = *fd >= 0;
	return *fd >= 0;
}

static void heat(struct bfs_conn *c)
{
	struct bfs_port_local *p = c->port;

	if (c->hot || p->nhot == BFS_HOT) {
		/* No room: it must ring again for the next request. */
		if (!c->hot)
			bfs_client_sleep(c);
		return;
	}
	c->hot = true;
	p->hot[p->nhot++] = c;
	bfs_client_wake(c);
}

/* Its first call comes at once: no bell for that. */
static void expect_call(struct bfs_conn *c, bool together)
{
	if (together)
		bfs_loop_rest(c->port->server->loop);
	else
		bfs_loop_expect(c->port->server->loop);
}

static int send_hello(struct ring_call *rc)
{
	struct bfs_conn *c = rc->conn;
	int fds[4] = { -1, -1, -1, -1 }, r, n = 0;
	uint32_t here = (uint32_t)sched_getcpu();
	bool together = false;
	uint64_t ino;

	if (rc->call.rep_len > BFS_REP_HEAD_LEN) {
		c->session = rc->call.session;
		r = bfs_arenas_get(c->port->server->arenas, c->cred.uid,
				   &fds[1], &fds[2], &ino);
		if (r)
			return r;
		together = c->session->cpu == here;
		fds[0] = bfs_rings_take(c->port, &c->ring);
		if (fds[0] < 0)
			return fds[0];
		/* Whoever rings has us on his core, most likely. */
		c->ring->near = together;
		n = 3 + lets_in(c, &fds[3]);
		heat(c);
		if (c->hot)
			bfs_client_tell_core(c, here);
	}
	r = bfs_local_send(c->sock, rc->call.rep, rc->call.rep_len, fds, n,
			   MSG_DONTWAIT);
	BFS_KILL_POINT(hello_sent);
	if (n)
		close(fds[0]);
	if (n && r >= 0)
		expect_call(c, together);
	/* While it maps what it got. */
	bfs_rings_prepare(c->port);
	return n ? r : -EACCES;
}

static void client_reply(struct bfs_call *call)
{
	struct ring_call *rc = bfs_container_of(call, struct ring_call, call);
	struct bfs_conn *c = rc->conn;
	int r = 0;

	if (!rc->slot)
		c->hello = NULL;
	if (rc->slot)
		reply_ring(rc);
	else if (c->sock >= 0)
		r = send_hello(rc);
	if (call->pass_fd >= 0)
		close(call->pass_fd);
	call->pass_fd = -1;
	if (r < 0) {
		bfs_log(warn, "process %d refused: %s", c->process->pid,
			strerror(-r));
		bfs_client_drop(c);
	}
	call_put(rc);
}

const struct bfs_port_ops bfs_client_port_ops = {
	.name = "local",
	.passes_fds = true,
	.reply = client_reply,
};

static void serve_slot(struct bfs_conn *c, struct bfs_slot *s)
{
	uint32_t posted = BFS_SLOT_POSTED;
	struct ring_call *rc;
	struct bfs_call *call;

	if (!atomic_compare_exchange_strong(&s->state, &posted, BFS_SLOT_TAKEN))
		return; /* given up */
	rc = call_get(c);
	if (!rc) {
		bfs_log(error, "out of memory: process %d dropped",
			c->process->pid);
		bfs_client_drop(c);
		return;
	}
	call = &rc->call;
	rc->slot = s;
	call->req_len = bfs_ring_len(&s->req_len, BFS_FIELDS_MAX);
	call->out_len = bfs_ring_len(&s->out_len, BFS_RING_BULK);
	call->in_cap = bfs_ring_len(&s->in_cap, BFS_RING_BULK);
	memcpy(call->req, s->fields, call->req_len);
	call->out = s->bulk;
	call->in = s->bulk;
	call->rep = s->fields;
	bfs_stat_add(requests_local, 1);
	bfs_serve(call);
}

/* As its client says; who lies waits for longer, or is no faster. */
static bool is_long(const struct bfs_slot *s)
{
	return *(const volatile uint32_t *)&s->out_len > BFS_LONG ||
	       *(const volatile uint32_t *)&s->in_cap > BFS_LONG;
}

/* May that slot be served now? */
static bool may_serve(struct bfs_conn *c, unsigned slot)
{
	if (!is_long(&c->ring->slot[slot % BFS_RING_SLOTS]))
		return true;
	if (c->port->had_long)
		return false;
	c->port->had_long = true;
	return true;
}

/* Others come before it is their turn again. */
static void put_off(struct bfs_conn *c, uint64_t bits)
{
	atomic_fetch_or(&c->ring->posted, bits);
	if (c->hot || c->late)
		return;
	DL_APPEND2(c->port->late, c, lprev, lnext);
	c->late = true;
}

/* Some of what a client has posted, the slots in a circle; the others wait
 * until all clients have had their turn. */
static uint64_t take_turns(struct bfs_conn *c, uint64_t bits)
{
	uint64_t now = 0, later = 0;

	for (int n = 0; bits && n < BFS_TURN;) {
		uint64_t above = bits & ~0ull << c->first;
		uint64_t bit = above ? above & -above : bits & -bits;
		unsigned slot = (unsigned)__builtin_ctzll(bit);

		bits &= ~bit;
		if (!may_serve(c, slot)) {
			later |= bit;
			continue;
		}
		now |= bit;
		c->first = (slot + 1) % BFS_RING_SLOTS;
		n++;
	}
	later |= bits;
	if (later)
		put_off(c, later);
	return now;
}

void bfs_client_tell_core(struct bfs_conn *c, uint32_t core)
{
	atomic_store_explicit(&c->ring->cpu, core, memory_order_relaxed);
}

/* Until when others wait for these calls; who is alone does not look. */
static uint64_t turn_end(const struct bfs_conn *c, uint64_t bits)
{
	return c->port->nhot > 1 && bits & (bits - 1) ? bfs_now() + BFS_TURN_NS
						      : UINT64_MAX;
}

static int serve_turn(struct bfs_conn *c, uint64_t bits)
{
	uint64_t until = turn_end(c, bits);
	int n = 0;

	while (bits && c->sock >= 0) {
		unsigned slot = (unsigned)__builtin_ctzll(bits);

		serve_slot(c, &c->ring->slot[slot % BFS_RING_SLOTS]);
		n++;
		bits &= bits - 1;
		if (bits && c->sock >= 0 && until != UINT64_MAX &&
		    bfs_now() >= until) {
			c->first = (unsigned)__builtin_ctzll(bits);
			put_off(c, bits);
			break;
		}
	}
	return n;
}

int bfs_client_poll(struct bfs_conn *c)
{
	uint64_t bits;
	int n;

	if (!atomic_load_explicit(&c->ring->posted, memory_order_relaxed))
		return 0;
	bits = take_turns(c, atomic_exchange(&c->ring->posted, 0));
	bfs_client_tell_core(c, (uint32_t)sched_getcpu());
	c->port->base.looked = bfs_stage_now();
	c->calls++; /* c must outlive the loop */
	n = serve_turn(c, bits);
	if (!--c->calls && c->sock < 0)
		conn_free(c);
	return n;
}

static void not_late(struct bfs_conn *c)
{
	if (c->late)
		DL_DELETE2(c->port->late, c, lprev, lnext);
	c->late = false;
}

int bfs_client_poll_late(struct bfs_port_local *p)
{
	struct bfs_conn *c = p->late;

	if (!c || p->had_long)
		return 0;
	not_late(c);
	return bfs_client_poll(c); /* it goes behind the others */
}

void bfs_client_sleep(struct bfs_conn *c)
{
	bfs_client_tell_core(c, BFS_RING_NO_CPU);
	atomic_store(&c->ring->sleeping, 1);
}

void bfs_client_wake(struct bfs_conn *c)
{
	atomic_store(&c->ring->sleeping, 0);
}

bool bfs_client_posted(struct bfs_conn *c)
{
	return atomic_load(&c->ring->posted) != 0;
}

static void cool(struct bfs_conn *c)
{
	struct bfs_port_local *p = c->port;

	for (int i = 0; i < p->nhot; i++)
		if (p->hot[i] == c)
			p->hot[i] = p->hot[--p->nhot];
	c->hot = false;
}

static int take_hello(struct bfs_conn *c)
{
	struct ring_call *rc = call_get(c);
	int r;

	if (!rc)
		return -ENOMEM;
	rc->slot = NULL;
	rc->call.rep = rc->hello_rep;
	r = (int)recv(c->sock, rc->call.req, sizeof(rc->call.req),
		      MSG_DONTWAIT);
	if (r <= 0) {
		call_put(rc);
		return r ? -errno : -ECONNRESET;
	}
	rc->call.req_len = (size_t)r;
	c->port->base.looked = bfs_stage_now();
	if (r < 4 || memcmp(rc->call.req, "\1\0\0\0", 4)) {
		call_put(rc);
		return -EPROTO;
	}
	c->hello = &rc->call;
	bfs_serve(&rc->call);
	return 0;
}

void bfs_client_left(struct bfs_port_local *p)
{
	/* It is ending, on our core perhaps, and others wait for that. */
	if (p->nhot <= 1)
		bfs_loop_rest(p->server->loop);
}

/* Whom we have been woken by may need our core to go on: it could not even go
 * to sleep before it had the answer. */
static void look_who_rang(struct bfs_conn *c)
{
	uint32_t cpu =
		atomic_load_explicit(&c->ring->bell_cpu, memory_order_relaxed);

	if (cpu == (uint32_t)sched_getcpu() + 1)
		bfs_loop_rest(c->port->server->loop);
}

static void on_socket(void *arg, uint32_t events)
{
	struct bfs_conn *c = arg;
	char bells[16];
	ssize_t n;
	int r;

	if (c->hello && !(events & EPOLLHUP))
		return; /* one at a time */
	if (!c->ring && !(events & EPOLLHUP)) {
		r = take_hello(c);
		if (r && r != -EAGAIN)
			bfs_client_drop(c);
		return;
	}
	n = recv(c->sock, bells, sizeof(bells), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		bfs_client_left(c->port);
		bfs_client_drop(c);
		return;
	}
	if (!c->ring)
		return;
	heat(c);
	look_who_rang(c);
	bfs_client_poll(c);
}

static int introduce(struct bfs_conn *c)
{
	struct bfs_server *s = c->port->server;
	pid_t pid = 0;
	int r = bfs_client_cred(c->sock, &c->cred, &pid);

	if (r)
		return r;
	if (!bfs_client_allowed(s, c->cred.uid)) {
		bfs_log(warn,
			"user %u refused: this daemon serves user %u; "
			"auth.allow_users can name others",
			c->cred.uid, geteuid());
		return -EACCES;
	}
	c->process = bfs_process_get(c->port, pid);
	if (!c->process)
		return -errno;
	c->session = bfs_session_new(s, pid, &c->cred);
	if (!c->session)
		return -ENOMEM;
	return bfs_loop_add(s->loop, c->sock, EPOLLIN, on_socket, c);
}

void bfs_client_new(struct bfs_port_local *p, int sock)
{
	struct bfs_conn *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(sock);
		return;
	}
	c->port = p;
	c->sock = sock;
	DL_APPEND(p->conns, c);
	r = introduce(c);
	/* What it has to say is there already, unless we have been woken on
	 * its core. */
	if (!r)
		r = take_hello(c);
	if (r == -EAGAIN)
		bfs_loop_rest(p->server->loop);
	else if (r)
		bfs_client_drop(c);
}

void bfs_client_drop(struct bfs_conn *c)
{
	struct bfs_port_local *p = c->port;

	if (c->sock < 0)
		return;
	cool(c);
	not_late(c);
	bfs_wakes_end(c);
	bfs_loop_del(p->server->loop, c->sock);
	close(c->sock);
	c->sock = -1;
	DL_DELETE(p->conns, c);
	c->calls++;
	/* The answer to HELLO waits for the journal: it may have put another
	 * session in the place of ours, which is gone. */
	if (c->hello)
		c->session = c->hello->session;
	c->hello = NULL;
	if (c->session)
		bfs_session_put(p->server, c->session);
	c->session = NULL;
	if (!--c->calls)
		conn_free(c);
}

void bfs_client_drop_all(struct bfs_port_local *p)
{
	struct bfs_conn *c, *next;

	DL_FOREACH_SAFE(p->conns, c, next)
	bfs_client_drop(c);
	bfs_process_free_all(p);
	while (p->pool) {
		struct bfs_call *call = p->pool;

		p->pool = call->next;
		free(bfs_container_of(call, struct ring_call, call));
	}
}
