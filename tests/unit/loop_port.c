/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "tests/unit/loop_port.h"

#include "core/util.h"

#include <errno.h>
#include <string.h>

struct loop_call {
	struct bfs_call call;
	uint64_t conn;
	uint8_t rep[BFS_FIELDS_MAX];
	void *out, *in;
};

static const struct bfs_cred cred = { .uid = 1000, .gid = 1000 };

static void drop(struct bfs_call *call)
{
	struct loop_call *lc = bfs_container_of(call, struct loop_call, call);

	free(lc->in);
	free(lc->out);
	free(lc);
}

static void reply(struct bfs_call *call)
{
	struct loop_call *lc = bfs_container_of(call, struct loop_call, call);
	struct loop_port *p =
		bfs_container_of(call->port, struct loop_port, base);

	if (call->session && !p->closed[lc->conn])
		p->session[lc->conn] = call->session; /* HELLO may resume */
	bfs_tloop_answer(p->net,
			 &(struct bfs_tloop_msg){ .conn = lc->conn,
						  .reply = true,
						  .op = call->head.op,
						  .id = call->head.id,
						  .fields = lc->rep,
						  .fields_len = call->rep_len,
						  .bulk = lc->in,
						  .bulk_len = call->in_len },
			 call->pass_fd);
	drop(call);
}

static const struct bfs_port_ops ops = {
	.name = "loop", .passes_fds = true, .reply = reply, .drop = drop
};

static void deliver(void *arg, const struct bfs_tloop_msg *m)
{
	struct loop_port *p = arg;
	struct loop_call *lc = calloc(1, sizeof(*lc));
	struct bfs_call *c = &lc->call;

	if (!p->session[m->conn] && !p->closed[m->conn])
		p->session[m->conn] =
			bfs_session_new(p->server, p->pid[m->conn], &cred);
	lc->conn = m->conn;
	lc->in = malloc(m->in_cap + 1);
	lc->out = malloc(m->bulk_len + 1);
	if (m->bulk_len)
		memcpy(lc->out, m->bulk, m->bulk_len);
	c->server = p->server;
	/* What arrives after the connection has gone finds its session by
	 * name, so that only the generation can refuse it. */
	c->session = p->closed[m->conn] ? NULL : p->session[m->conn];
	c->port = &p->base;
	c->cred = &cred;
	c->req_len = BFS_MIN(m->fields_len, sizeof(c->req));
	memcpy(c->req, m->fields, c->req_len);
	c->out = lc->out;
	c->out_len = m->bulk_len;
	c->rep = lc->rep;
	c->in = lc->in;
	c->in_cap = m->in_cap;
	c->pass_fd = -1;
	bfs_serve(c);
}

static void closed(void *arg, uint64_t conn)
{
	struct loop_port *p = arg;

	p->closed[conn] = true;
	if (p->session[conn])
		bfs_session_put(p->server, p->session[conn]);
	p->session[conn] = NULL;
}

static enum bfs_tloop_fate decide(void *arg, const struct bfs_tloop_msg *m)
{
	struct loop_port *p = arg;

	return p->decide ? p->decide(p->arg, m) : BFS_TLOOP_PASS;
}

void loop_port_init(struct loop_port *p, struct bfs_server *s,
		    struct bfs_tloop_config config)
{
	memset(p, 0, sizeof(*p));
	p->base.ops = &ops;
	p->server = s;
	config.deliver = deliver;
	config.closed = closed;
	config.decide = decide;
	config.arg = p;
	p->net = bfs_tloop_new(&config);
	assert_non_null(p->net);
}

void loop_port_fini(struct loop_port *p)
{
	bfs_tloop_free(p->net);
}

struct bfs_transport *loop_connect(struct loop_port *p, pid_t pid,
				   const struct bfs_hello_req *req,
				   struct bfs_hello_rep *rep, int *error)
{
	struct bfs_transport *t = bfs_tloop_connect(p->net);
	struct bfs_client c = { .t = t, .timeout_ms = 30000 };
	struct bfs_rpc r = BFS_RPC_INIT;

	p->pid[bfs_tloop_number(t)] = pid;
	*error = bfs_rpc_hello(&c, &r, req, rep);
	bfs_rpc_end(&r);
	if (*error) {
		t->ops->destroy(t);
		return NULL;
	}
	t->session = rep->session;
	t->ticket = rep->ticket;
	t->generation = req->generation;
	return t;
}

static int reconnect(struct bfs_client *c, struct bfs_transport *old,
		     uint64_t deadline)
{
	struct loop_client *l = bfs_container_of(c, struct loop_client, c);
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .generation = 1 };
	struct bfs_hello_rep rep;
	int e;

	if (atomic_load(&c->t) != old)
		return 0;
	if (old) {
		req.session = old->session;
		req.ticket = old->ticket;
		req.generation = old->generation + 1;
	}
	if (l->forget)
		bfs_session_free_all(l->port->server);
	l->forget = false;
	assert_true(l->connects < BFS_COUNT(l->made));
	l->made[l->connects] = loop_connect(l->port, l->pid, &req, &rep, &e);
	if (e)
		return e;
	atomic_store(&c->t, l->made[l->connects++]);
	return 0;
}

void loop_client_init(struct loop_client *l, struct loop_port *p, pid_t pid)
{
	memset(l, 0, sizeof(*l));
	l->c.timeout_ms = 30000;
	l->c.reconnect = reconnect;
	l->port = p;
	l->pid = pid;
}

void loop_client_fini(struct loop_client *l)
{
	for (unsigned i = 0; i < l->connects; i++)
		l->made[i]->ops->destroy(l->made[i]);
}
