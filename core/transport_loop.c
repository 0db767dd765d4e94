/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/transport_loop.h"

#include "core/util.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* A message under way, or the news that a connection is gone. */
struct event {
	struct event *next;
	uint64_t time;
	bool reset;
	int fd;
	struct bfs_tloop_msg m; /* owns fields and bulk */
};

struct conn {
	struct bfs_transport t;
	struct bfs_tloop *net;
	struct conn *next;
	uint64_t number;
	bool broken;
};

/* A call under way; bfs_io.priv. */
struct waiter {
	struct waiter *next;
	struct bfs_io *io;
	struct conn *conn;
	uint64_t deadline; /* virtual */
	bool done;
	int result;
	uint8_t req[BFS_FIELDS_MAX];
	uint8_t rep[BFS_FIELDS_MAX];
};

struct bfs_tloop {
	struct bfs_tloop_config config;
	struct bfs_tloop_counts counts;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t now, random, last_conn;
	int running;
	struct event *events; /* by time */
	struct waiter *waiters;
	struct conn *conns;
};

/* xorshift64*: the same run for the same seed, on any machine. */
static uint64_t draw(struct bfs_tloop *net)
{
	net->random ^= net->random >> 12;
	net->random ^= net->random << 25;
	net->random ^= net->random >> 27;
	return net->random * 0x2545f4914f6cdd1du;
}

static enum bfs_tloop_fate decide(struct bfs_tloop *net,
				  const struct bfs_tloop_msg *m)
{
	const struct bfs_tloop_config *c = &net->config;

	return c->decide ? c->decide(c->arg, m) : BFS_TLOOP_PASS;
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

static void free_event(struct event *e)
{
	if (e->fd >= 0)
		close(e->fd);
	free((void *)e->m.fields);
	free((void *)e->m.bulk);
	free(e);
}

#define HOUR_NS 3600000000000u

/* Put a copy of m on its way. */
static void launch(struct bfs_tloop *net, const struct bfs_tloop_msg *m,
		   bool reset, int fd, uint64_t later_ns)
{
	const struct bfs_tloop_config *c = &net->config;
	uint64_t span = c->delay_max_ns - c->delay_min_ns;
	struct event **at = &net->events;
	struct event *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->m = *m;
	e->m.fields = copy(m->fields, m->fields_len);
	e->m.bulk = copy(m->bulk, m->bulk_len);
	e->reset = reset;
	e->fd = fd;
	e->time = net->now + c->delay_min_ns + later_ns;
	if (span)
		e->time += draw(net) % span;
	while (*at && (*at)->time <= e->time)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

static void wake(struct bfs_tloop *net, struct waiter *w, int result)
{
	if (w->done)
		return;
	w->done = true;
	w->result = result;
	net->running++;
}

static struct waiter *find_waiter(struct bfs_tloop *net, uint64_t conn,
				  uint64_t id)
{
	struct waiter *w = net->waiters;

	while (w && (w->conn->number != conn || w->io->id != id || w->done))
		w = w->next;
	return w;
}

/* Decide on m and send it.  fd is taken over. */
static void send_msg(struct bfs_tloop *net, const struct bfs_tloop_msg *m,
		     int fd)
{
	enum bfs_tloop_fate fate = decide(net, m);
	struct waiter *w = find_waiter(net, m->conn, m->id);

	*(m->reply ? &net->counts.replies : &net->counts.requests) += 1;
	if (fate == BFS_TLOOP_LOSE || fate == BFS_TLOOP_RESET) {
		net->counts.lost++;
		if (fd >= 0)
			close(fd);
	} else {
		launch(net, m, false, fd,
		       fate == BFS_TLOOP_STRAY ? HOUR_NS : 0);
	}
	if (fate == BFS_TLOOP_DUPLICATE)
		launch(net, m, false, -1, 0);
	if (fate == BFS_TLOOP_RESET || fate == BFS_TLOOP_BREAK ||
	    fate == BFS_TLOOP_STRAY)
		launch(net, &(struct bfs_tloop_msg){ .conn = m->conn }, true,
		       -1, 0);
	if (fate == BFS_TLOOP_INTERRUPT && w && w->io->interruptible)
		wake(net, w, -EINTR);
}

void bfs_tloop_answer(struct bfs_tloop *net, const struct bfs_tloop_msg *m,
		      int fd)
{
	send_msg(net, m, fd);
}

static void break_conn(struct bfs_tloop *net, uint64_t number)
{
	struct conn *c = net->conns;

	while (c && c->number != number)
		c = c->next;
	if (!c || c->broken)
		return;
	c->broken = true;
	for (struct waiter *w = net->waiters; w; w = w->next)
		if (w->conn == c)
			wake(net, w, -ECONNRESET);
	if (net->config.closed)
		net->config.closed(net->config.arg, number);
}

static void receive(struct bfs_tloop *net, struct event *e)
{
	struct waiter *w = find_waiter(net, e->m.conn, e->m.id);
	struct bfs_io *io;

	if (!w) {
		net->counts.late++;
		return;
	}
	io = w->io;
	memcpy(w->rep, e->m.fields, BFS_MIN(e->m.fields_len, sizeof(w->rep)));
	io->rep = w->rep;
	io->rep_len = BFS_MIN(e->m.fields_len, sizeof(w->rep));
	io->in_len = BFS_MIN(e->m.bulk_len, io->in_cap);
	if (io->in_len)
		memcpy(io->in, e->m.bulk, io->in_len);
	io->fd = e->fd;
	e->fd = -1;
	wake(net, w, 0);
}

static void run_event(struct bfs_tloop *net, struct event *e)
{
	net->now = BFS_MAX(net->now, e->time);
	if (e->reset)
		break_conn(net, e->m.conn);
	else if (e->m.reply)
		receive(net, e);
	else
		net->config.deliver(net->config.arg, &e->m);
	free_event(e);
}

static struct waiter *first_to_expire(struct bfs_tloop *net)
{
	struct waiter *first = NULL;

	for (struct waiter *w = net->waiters; w; w = w->next)
		if (!w->done && (!first || w->deadline < first->deadline))
			first = w;
	return first;
}

/* Time jumps to whatever happens next. */
static void step(struct bfs_tloop *net)
{
	struct waiter *w = first_to_expire(net);
	struct event *e = net->events;

	if (e && (!w || e->time <= w->deadline)) {
		net->events = e->next;
		run_event(net, e);
	} else if (w) {
		if (w->deadline == UINT64_MAX)
			abort(); /* nothing can ever end this wait */
		net->now = BFS_MAX(net->now, w->deadline);
		wake(net, w, -ETIMEDOUT);
	}
}

static int loop_begin(struct bfs_transport *t, struct bfs_io *io)
{
	struct conn *c = bfs_container_of(t, struct conn, t);
	struct waiter *w;

	if (c->broken)
		return -ECONNRESET;
	w = malloc(sizeof(*w));
	if (!w)
		abort();
	w->io = io;
	w->conn = c;
	w->done = false;
	io->priv = w;
	io->req = w->req;
	io->req_cap = sizeof(w->req);
	return 0;
}

static void remove_waiter(struct bfs_tloop *net, struct waiter *w)
{
	struct waiter **at = &net->waiters;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
}

/* The caller's deadline is on the real clock, which stands still for us. */
static uint64_t virtual_deadline(struct bfs_tloop *net, uint64_t deadline)
{
	uint64_t now = bfs_now();

	if (deadline == UINT64_MAX)
		return UINT64_MAX;
	return net->now + (deadline > now ? deadline - now : 0);
}

static int loop_call(struct bfs_transport *t, struct bfs_io *io)
{
	struct waiter *w = io->priv;
	struct bfs_tloop *net = w->conn->net;
	struct bfs_tloop_msg m = { .conn = w->conn->number,
				   .id = io->id,
				   .fields = io->req,
				   .fields_len = io->req_len,
				   .bulk = io->out,
				   .bulk_len = io->out_len,
				   .in_cap = io->in_cap };
	struct bfs_wire head;

	bfs_wire_init(&head, io->req, io->req_len);
	m.op = bfs_get_u32(&head);
	pthread_mutex_lock(&net->mutex);
	w->deadline = virtual_deadline(net, io->deadline);
	w->next = net->waiters;
	net->waiters = w;
	net->running--;
	if (w->conn->broken)
		wake(net, w, -ECONNRESET);
	else
		send_msg(net, &m, -1);
	pthread_cond_broadcast(&net->changed);
	while (!w->done) {
		if (net->running > 0)
			pthread_cond_wait(&net->changed, &net->mutex);
		else
			step(net);
		pthread_cond_broadcast(&net->changed);
	}
	remove_waiter(net, w);
	pthread_mutex_unlock(&net->mutex);
	return w->result;
}

static void loop_end(struct bfs_transport *t, struct bfs_io *io)
{
	free(io->priv);
	io->priv = NULL;
}

static void loop_destroy(struct bfs_transport *t)
{
	struct conn *c = bfs_container_of(t, struct conn, t);
	struct bfs_tloop *net = c->net;
	struct conn **at = &net->conns;

	pthread_mutex_lock(&net->mutex);
	break_conn(net, c->number);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	pthread_mutex_unlock(&net->mutex);
	free(c);
}

static void loop_forget(struct bfs_transport *t)
{
	free(bfs_container_of(t, struct conn, t));
}

static const struct bfs_transport_ops ops = {
	.name = "loop",
	.begin = loop_begin,
	.call = loop_call,
	.end = loop_end,
	.destroy = loop_destroy,
	.forget = loop_forget,
};

struct bfs_transport *bfs_tloop_connect(struct bfs_tloop *net)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->t.ops = &ops;
	c->t.bulk_max = BFS_BULK_MAX;
	c->t.peer = "loop";
	c->net = net;
	pthread_mutex_lock(&net->mutex);
	c->number = ++net->last_conn;
	c->next = net->conns;
	net->conns = c;
	pthread_mutex_unlock(&net->mutex);
	return &c->t;
}

uint64_t bfs_tloop_number(const struct bfs_transport *t)
{
	return bfs_container_of(t, struct conn, t)->number;
}

struct bfs_tloop *bfs_tloop_new(const struct bfs_tloop_config *config)
{
	struct bfs_tloop *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->config = *config;
	net->random = config->seed * 2 + 1; /* not 0 */
	net->running = 1;
	pthread_mutex_init(&net->mutex, NULL);
	pthread_cond_init(&net->changed, NULL);
	return net;
}

void bfs_tloop_free(struct bfs_tloop *net)
{
	while (net->events) {
		struct event *e = net->events;

		net->events = e->next;
		free_event(e);
	}
	pthread_cond_destroy(&net->changed);
	pthread_mutex_destroy(&net->mutex);
	free(net);
}

void bfs_tloop_running(struct bfs_tloop *net, int delta)
{
	pthread_mutex_lock(&net->mutex);
	net->running += delta;
	pthread_cond_broadcast(&net->changed);
	pthread_mutex_unlock(&net->mutex);
}

void bfs_tloop_drain(struct bfs_tloop *net)
{
	pthread_mutex_lock(&net->mutex);
	while (net->events)
		step(net);
	pthread_cond_broadcast(&net->changed);
	pthread_mutex_unlock(&net->mutex);
}

struct bfs_tloop_counts bfs_tloop_counts(const struct bfs_tloop *net)
{
	return net->counts;
}
