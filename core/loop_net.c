/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/loop_net.h"

#include "core/util.h"

#include <errno.h>
#include <string.h>

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

static void free_event(struct bfs_tloop_event *e)
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
	struct bfs_tloop_event **at = &net->events;
	struct bfs_tloop_event *e = calloc(1, sizeof(*e));

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

void bfs_tloop_wake(struct bfs_tloop *net, struct bfs_tloop_waiter *w,
		    int result)
{
	if (w->done)
		return;
	w->done = true;
	w->result = result;
	net->running++;
}

static struct bfs_tloop_waiter *find_waiter(struct bfs_tloop *net,
					    uint64_t conn, uint64_t id)
{
	struct bfs_tloop_waiter *w = net->waiters;

	while (w && (w->conn->number != conn || w->io->id != id || w->done))
		w = w->next;
	return w;
}

void bfs_tloop_send(struct bfs_tloop *net, const struct bfs_tloop_msg *m,
		    int fd)
{
	enum bfs_tloop_fate fate = decide(net, m);
	struct bfs_tloop_waiter *w = find_waiter(net, m->conn, m->id);

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
		bfs_tloop_wake(net, w, -EINTR);
}

void bfs_tloop_answer(struct bfs_tloop *net, const struct bfs_tloop_msg *m,
		      int fd)
{
	bfs_tloop_send(net, m, fd);
}

void bfs_tloop_break(struct bfs_tloop *net, uint64_t number)
{
	struct bfs_tloop_conn *c = net->conns;

	while (c && c->number != number)
		c = c->next;
	if (!c || c->broken)
		return;
	c->broken = true;
	for (struct bfs_tloop_waiter *w = net->waiters; w; w = w->next)
		if (w->conn == c)
			bfs_tloop_wake(net, w, -ECONNRESET);
	if (net->config.closed)
		net->config.closed(net->config.arg, number);
}

static void receive(struct bfs_tloop *net, struct bfs_tloop_event *e)
{
	struct bfs_tloop_waiter *w = find_waiter(net, e->m.conn, e->m.id);
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
	bfs_tloop_wake(net, w, 0);
}

static void run_event(struct bfs_tloop *net, struct bfs_tloop_event *e)
{
	net->now = BFS_MAX(net->now, e->time);
	if (e->reset)
		bfs_tloop_break(net, e->m.conn);
	else if (e->m.reply)
		receive(net, e);
	else
		net->config.deliver(net->config.arg, &e->m);
	free_event(e);
}

static struct bfs_tloop_waiter *first_to_expire(struct bfs_tloop *net)
{
	struct bfs_tloop_waiter *first = NULL;

	for (struct bfs_tloop_waiter *w = net->waiters; w; w = w->next)
		if (!w->done && (!first || w->deadline < first->deadline))
			first = w;
	return first;
}

void bfs_tloop_step(struct bfs_tloop *net)
{
	struct bfs_tloop_waiter *w = first_to_expire(net);
	struct bfs_tloop_event *e = net->events;

	if (e && (!w || e->time <= w->deadline)) {
		net->events = e->next;
		run_event(net, e);
	} else if (w) {
		if (w->deadline == UINT64_MAX)
			abort(); /* nothing can ever end this wait */
		net->now = BFS_MAX(net->now, w->deadline);
		bfs_tloop_wake(net, w, -ETIMEDOUT);
	}
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
		struct bfs_tloop_event *e = net->events;

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
		bfs_tloop_step(net);
	pthread_cond_broadcast(&net->changed);
	pthread_mutex_unlock(&net->mutex);
}

struct bfs_tloop_counts bfs_tloop_counts(const struct bfs_tloop *net)
{
	return net->counts;
}
