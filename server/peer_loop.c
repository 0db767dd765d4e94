/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/peer_loop.h"

#include "core/util.h"
#include "server/peer_impl.h"

#include <errno.h>
#include <string.h>

#define HOUR_NS 3600000000000ull
#define BEGIN_NS 1000000000ull

enum kind { REQUEST, REPLY, BROKEN };

/* Something under way. */
struct event {
	uint64_t time, order;
	enum kind kind;
	unsigned from, to;
	uint64_t conn; /* of `to` for a reply or reset, else of `from` */
	uint64_t boot; /* of whom the request is for */
	int error;     /* BROKEN */
	size_t in_cap; /* REQUEST */
	uint8_t *fields, *bulk;
	size_t fields_len, bulk_len;
};

/* A place for a daemon. */
struct node {
	struct bfs_port port;
	struct bfs_ploop *net;
	struct bfs_server *server; /* NULL: it does not run */
	uint64_t boot;		   /* tells its runs apart */
	bool cut;
};

/* One connection of a peer; bfs_peer.net. */
struct conn {
	uint64_t number;
	uint64_t boot; /* of the other side */
	bool up;
};

struct call {
	struct bfs_call call;
	unsigned from, to;
	uint64_t conn;
	uint8_t rep[BFS_FIELDS_MAX];
	void *out, *in;
};

struct bfs_ploop {
	struct bfs_ploop_config config;
	struct bfs_loop *loop;
	uint64_t random, order, conns, boots;
	struct event *heap; /* the first to happen at 0 */
	size_t nevents, cap;
	struct node *nodes;
	uint64_t sent[BFS_OP_LIMIT], total;
};

/* xorshift64*: the same run for the same seed, on any machine. */
static uint64_t draw(struct bfs_ploop *net)
{
	net->random ^= net->random >> 12;
	net->random ^= net->random << 25;
	net->random ^= net->random >> 27;
	return net->random * 0x2545f4914f6cdd1du;
}

static bool before(const struct event *a, const struct event *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void push(struct bfs_ploop *net, const struct event *e)
{
	size_t i = net->nevents++;

	if (i == net->cap) {
		net->cap = net->cap ? 2 * net->cap : 256;
		net->heap = realloc(net->heap, net->cap * sizeof(*e));
		if (!net->heap)
			abort();
	}
	for (; i && before(e, &net->heap[(i - 1) / 2]); i = (i - 1) / 2)
		net->heap[i] = net->heap[(i - 1) / 2];
	net->heap[i] = *e;
}

static struct event pop(struct bfs_ploop *net)
{
	struct event first = net->heap[0], e = net->heap[--net->nevents];
	size_t i = 0, n = net->nevents, k;

	while ((k = 2 * i + 1) < n) {
		if (k + 1 < n && before(&net->heap[k + 1], &net->heap[k]))
			k++;
		if (!before(&net->heap[k], &e))
			break;
		net->heap[i] = net->heap[k];
		i = k;
	}
	net->heap[i] = e;
	return first;
}

static void *copy(const void *from, size_t n)
{
	void *to = malloc(n + 1);

	if (!to)
		abort();
	if (n)
		memcpy(to, from, n);
	return to;
}

static void damage(struct bfs_ploop *net, uint8_t *bytes, size_t len)
{
	for (uint64_t n = 1 + draw(net) % 4; len && n; n--)
		bytes[draw(net) % len] = (uint8_t)draw(net);
}

static void launch(struct bfs_ploop *net, const struct event *e,
		   uint64_t later_ns)
{
	uint64_t span = net->config.delay_max_ns - net->config.delay_min_ns;
	struct event own = *e;

	own.time = bfs_now() + net->config.delay_min_ns + later_ns;
	if (span)
		own.time += draw(net) % span;
	own.order = net->order++;
	own.fields = copy(e->fields, e->fields_len);
	if (net->config.damage && draw(net) % 1000 < net->config.damage)
		damage(net, own.fields, own.fields_len);
	own.bulk = copy(e->bulk, e->bulk_len);
	push(net, &own);
}

static enum bfs_ploop_fate decide(struct bfs_ploop *net,
				  const struct bfs_ploop_msg *m)
{
	const struct bfs_ploop_config *c = &net->config;
	uint64_t n = draw(net) % 1000;

	if (c->decide)
		return c->decide(c->arg, m);
	if (n < c->lose)
		return BFS_PLOOP_LOSE;
	if (n < c->lose + c->duplicate)
		return BFS_PLOOP_DUPLICATE;
	if (n < c->lose + c->duplicate + c->breaks)
		return BFS_PLOOP_BREAK;
	if (n < c->lose + c->duplicate + c->breaks + c->stray)
		return BFS_PLOOP_STRAY;
	return BFS_PLOOP_PASS;
}

/* The connection with that number, of `owner` to `other`, is gone. */
static void reset(struct bfs_ploop *net, unsigned owner, unsigned other,
		  uint64_t conn, int error)
{
	launch(net,
	       &(struct event){ .kind = BROKEN,
				.from = other,
				.to = owner,
				.conn = conn,
				.error = error },
	       0);
}

static void transmit(struct bfs_ploop *net, const struct event *e, uint32_t op)
{
	struct bfs_ploop_msg m = { .from = e->from,
				   .to = e->to,
				   .reply = e->kind == REPLY,
				   .op = op };
	enum bfs_ploop_fate fate = decide(net, &m);
	unsigned owner = e->kind == REPLY ? e->to : e->from;
	unsigned other = e->kind == REPLY ? e->from : e->to;

	if (fate == BFS_PLOOP_PASS || fate == BFS_PLOOP_DUPLICATE)
		launch(net, e, 0);
	if (fate == BFS_PLOOP_DUPLICATE)
		launch(net, e, 0);
	if (fate == BFS_PLOOP_STRAY)
		launch(net, e, draw(net) % HOUR_NS);
	if (fate == BFS_PLOOP_BREAK || fate == BFS_PLOOP_STRAY)
		reset(net, owner, other, e->conn, -ECONNRESET);
}

/* The daemon's side. */
static void free_call(struct call *c)
{
	free(c->in);
	free(c->out);
	free(c);
}

static void reply(struct bfs_call *bc)
{
	struct call *c = bfs_container_of(bc, struct call, call);
	struct node *n = bfs_container_of(bc->port, struct node, port);

	if (bc->pass_fd >= 0)
		close(bc->pass_fd);
	if (n->server && !n->cut)
		transmit(n->net,
			 &(struct event){ .kind = REPLY,
					  .from = c->to,
					  .to = c->from,
					  .conn = c->conn,
					  .fields = c->rep,
					  .fields_len = bc->rep_len,
					  .bulk = c->in,
					  .bulk_len = bc->in_len },
			 bc->head.op);
	free_call(c);
}

static void drop(struct bfs_call *bc)
{
	free_call(bfs_container_of(bc, struct call, call));
}

static const struct bfs_port_ops port_ops = {
	.name = "loop", .peers = true, .reply = reply, .drop = drop
};

/* What cannot be a peer's: the port of a real network drops it as well. */
static bool is_known(struct node *n, const struct event *e)
{
	struct bfs_req_head h;
	struct bfs_wire w;

	bfs_wire_init(&w, e->fields, e->fields_len);
	h = bfs_get_req_head(&w);
	return !bfs_wire_end(&w) && (h.op == BFS_OP_PEERHELLO ||
				     bfs_session_find(n->server, h.session));
}

static void on_request(struct bfs_ploop *net, const struct event *e)
{
	struct node *n = &net->nodes[e->to];
	struct call *c;

	if (!n->server || n->cut)
		return;
	if (n->boot != e->boot || !is_known(n, e)) {
		reset(net, e->from, e->to, e->conn, -ECONNRESET);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->from = e->from;
	c->to = e->to;
	c->conn = e->conn;
	c->in = malloc(e->in_cap + 1);
	c->out = copy(e->bulk, e->bulk_len);
	c->call.server = n->server;
	c->call.port = &n->port;
	c->call.req_len = BFS_MIN(e->fields_len, sizeof(c->call.req));
	memcpy(c->call.req, e->fields, c->call.req_len);
	c->call.out = c->out;
	c->call.out_len = e->bulk_len;
	c->call.rep = c->rep;
	c->call.in = c->in;
	c->call.in_cap = e->in_cap;
	c->call.pass_fd = -1;
	bfs_serve(&c->call);
}

/* The caller's side: the peer with that connection, if it still has it. */
static struct bfs_peer *find(struct bfs_ploop *net, const struct event *e)
{
	struct bfs_server *s = net->nodes[e->to].server;
	struct bfs_peer *p;
	struct conn *c;

	if (!s || !s->peers)
		return NULL;
	p = s->peers->peers[e->from];
	c = p ? p->net : NULL;
	return c && c->up && c->number == e->conn ? p : NULL;
}

static void on_reply(struct bfs_ploop *net, const struct event *e)
{
	struct bfs_peer *p = find(net, e);
	struct bfs_rep_head h;
	struct bfs_peer_tx *tx;
	struct bfs_wire w;

	if (!p || net->nodes[e->to].cut)
		return;
	bfs_wire_init(&w, e->fields, e->fields_len);
	h = bfs_get_rep_head(&w);
	tx = bfs_peer_find(p, h.id);
	if (!tx)
		return;
	tx->m->in_len = BFS_MIN(e->bulk_len, tx->m->in_cap);
	if (tx->m->in_len)
		memcpy(tx->m->in, e->bulk, tx->m->in_len);
	bfs_peer_net_reply(tx, e->fields, e->fields_len);
}

static int connect(struct bfs_peer *p)
{
	struct bfs_ploop *net = p->all->net;
	struct node *n = &net->nodes[p->shard];
	struct conn *c = p->net;

	if (!c)
		c = p->net = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->number = ++net->conns;
	c->boot = n->boot;
	c->up = true;
	if (!n->server && !n->cut)
		reset(net, p->all->server->shard, p->shard, c->number,
		      -ECONNREFUSED);
	return 0;
}

static void disconnect(struct bfs_peer *p)
{
	struct conn *c = p->net;

	if (c)
		c->up = false;
}

static int send(struct bfs_peer_tx *tx)
{
	struct bfs_peer *p = tx->peer;
	struct bfs_ploop *net = p->all->net;
	const struct bfs_peer_msg *m = tx->m;
	const struct conn *c = p->net;
	unsigned me = p->all->server->shard;
	struct event e = { .kind = REQUEST,
			   .from = me,
			   .to = p->shard,
			   .conn = c->number,
			   .boot = c->boot,
			   .in_cap = m->in_cap,
			   .fields = tx->bytes + BFS_PEER_ROOM,
			   .fields_len = tx->len,
			   .bulk = (void *)m->out,
			   .bulk_len = m->out_len };

	net->sent[m->op]++;
	net->total++;
	if (net->nodes[me].server && !net->nodes[me].cut)
		transmit(net, &e, m->op);
	return 0;
}

static bool give_up(struct bfs_peer_tx *tx)
{
	return true;
}

static void fini(struct bfs_peers *all)
{
	for (struct bfs_peer *p = all->first; p; p = p->next)
		free(p->net);
}

static const struct bfs_peer_net ops = {
	.name = "loop",
	.connect = connect,
	.disconnect = disconnect,
	.send = send,
	.give_up = give_up,
	.fini = fini,
};

struct bfs_ploop *bfs_ploop_new(const struct bfs_ploop_config *config)
{
	struct bfs_ploop *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->config = *config;
	net->random = config->seed * 2 + 1; /* not 0 */
	net->loop = bfs_loop_new(0);
	net->nodes = calloc(config->shards, sizeof(*net->nodes));
	if (!net->loop || !net->nodes)
		abort();
	bfs_virtual_now = BEGIN_NS;
	for (unsigned i = 0; i < config->shards; i++) {
		net->nodes[i].port.ops = &port_ops;
		net->nodes[i].net = net;
	}
	return net;
}

void bfs_ploop_free(struct bfs_ploop *net)
{
	while (net->nevents) {
		struct event e = pop(net);

		free(e.fields);
		free(e.bulk);
	}
	bfs_loop_free(net->loop);
	free(net->heap);
	free(net->nodes);
	free(net);
	bfs_virtual_now = 0;
}

struct bfs_loop *bfs_ploop_loop(struct bfs_ploop *net)
{
	return net->loop;
}

int bfs_ploop_join(struct bfs_ploop *net, struct bfs_server *s)
{
	struct node *n = &net->nodes[s->shard];
	int r;

	n->boot = ++net->boots;
	if (!s->incarnation)
		s->incarnation = n->boot;
	r = bfs_peers_new(s, &ops, net);
	n->server = r ? NULL : s;
	return r;
}

/* Whoever has a connection to it hears that it is gone. */
static void reset_all(struct bfs_ploop *net, unsigned shard)
{
	for (unsigned i = 0; i < net->config.shards; i++) {
		struct bfs_server *s = net->nodes[i].server;
		struct bfs_peer *p =
			s && s->peers ? s->peers->peers[shard] : NULL;
		struct conn *c = p ? p->net : NULL;

		if (c && c->up)
			reset(net, i, shard, c->number, -ECONNRESET);
	}
}

void bfs_ploop_kill(struct bfs_ploop *net, struct bfs_server *s)
{
	struct node *n = &net->nodes[s->shard];

	n->server = NULL;
	if (!n->cut)
		reset_all(net, s->shard);
	bfs_peers_free(s);
}

void bfs_ploop_cut(struct bfs_ploop *net, unsigned shard, bool cut)
{
	net->nodes[shard].cut = cut;
}

static void run_event(struct bfs_ploop *net, struct event *e)
{
	struct bfs_peer *p;

	if (e->kind == REQUEST)
		on_request(net, e);
	else if (e->kind == REPLY)
		on_reply(net, e);
	else if ((p = find(net, e)) && !net->nodes[e->to].cut)
		bfs_peer_net_failed(p, e->error);
	free(e->fields);
	free(e->bulk);
}

bool bfs_ploop_step(struct bfs_ploop *net)
{
	uint64_t timer = bfs_loop_next(net->loop);
	uint64_t event = net->nevents ? net->heap[0].time : UINT64_MAX;
	struct event e;

	if (timer == UINT64_MAX && event == UINT64_MAX)
		return false;
	bfs_virtual_now = BFS_MAX(bfs_virtual_now, BFS_MIN(timer, event));
	if (event < timer) {
		e = pop(net);
		run_event(net, &e);
	}
	bfs_loop_turn(net->loop);
	return true;
}

bool bfs_ploop_run(struct bfs_ploop *net, const bool *done, uint64_t max_ns)
{
	uint64_t until = bfs_now() + max_ns;

	while (!*done && bfs_now() <= until)
		if (!bfs_ploop_step(net))
			break;
	return *done;
}

uint64_t bfs_ploop_sent(const struct bfs_ploop *net, uint32_t op)
{
	return net->sent[op];
}

uint64_t bfs_ploop_total(const struct bfs_ploop *net)
{
	return net->total;
}
