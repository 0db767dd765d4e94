/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/transport_loop.h"

#include "core/loop_net.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>

static int loop_begin(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_tloop_conn *c =
		bfs_container_of(t, struct bfs_tloop_conn, t);
	struct bfs_tloop_waiter *w;

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

static void remove_waiter(struct bfs_tloop *net, struct bfs_tloop_waiter *w)
{
	struct bfs_tloop_waiter **at = &net->waiters;

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
	struct bfs_tloop_waiter *w = io->priv;
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
		bfs_tloop_wake(net, w, -ECONNRESET);
	else
		bfs_tloop_send(net, &m, -1);
	pthread_cond_broadcast(&net->changed);
	while (!w->done) {
		if (net->running > 0)
			pthread_cond_wait(&net->changed, &net->mutex);
		else
			bfs_tloop_step(net);
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
	struct bfs_tloop_conn *c =
		bfs_container_of(t, struct bfs_tloop_conn, t);
	struct bfs_tloop *net = c->net;
	struct bfs_tloop_conn **at = &net->conns;

	pthread_mutex_lock(&net->mutex);
	bfs_tloop_break(net, c->number);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	pthread_mutex_unlock(&net->mutex);
	free(c);
}

static void loop_forget(struct bfs_transport *t)
{
	free(bfs_container_of(t, struct bfs_tloop_conn, t));
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
	struct bfs_tloop_conn *c = calloc(1, sizeof(*c));

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
	return bfs_container_of(t, struct bfs_tloop_conn, t)->number;
}
