/* SPDX-License-Identifier: BSD-3-Clause */
/* The network to our own daemon: a call is served at once, without a message,
 * and by the same rules. */
#include "core/util.h"
#include "server/peer_impl.h"

#include <errno.h>
#include <string.h>

struct self_call {
	struct bfs_call call;
	struct bfs_peer_tx *tx;
	bool *inside; /* bfs_peer_send() has not returned: tell it */
	uint8_t rep[BFS_FIELDS_MAX];
};

static struct self_call *of(struct bfs_call *call)
{
	return bfs_container_of(call, struct self_call, call);
}

static void deliver(const struct self_call *c)
{
	const struct bfs_call *call = &c->call;
	struct bfs_peer_tx *tx = c->tx;
	struct bfs_peers *all = tx->peer->all;
	struct bfs_peer_msg *m = tx->m;

	if (!tx->ended && !bfs_peer_net_fields(tx, call->rep, call->rep_len)) {
		m->in_len = call->in_len;
		if ((!c->inside && !bfs_fiber_self()) ||
		    m->done == bfs_peer_wake_fiber) {
			bfs_peer_end(tx, tx->result);
			return;
		}
		bfs_peer_end_later(tx, tx->result);
	} else {
		bfs_peer_net_let_go(tx);
	}
	bfs_peer_wake(all, 1);
}

static void reply(struct bfs_call *call)
{
	struct self_call *c = of(call);

	if (call->pass_fd >= 0)
		close(call->pass_fd);
	c->tx->net = NULL;
	deliver(c);
	if (c->inside)
		*c->inside = false;
	free(c);
}

static const struct bfs_port_ops port_ops = { .name = "self", .reply = reply };
static struct bfs_port port = { .ops = &port_ops };

static void fill(struct self_call *c, struct bfs_peer_tx *tx)
{
	const struct bfs_peer_msg *m = tx->m;
	struct bfs_call *call = &c->call;

	memset(call, 0, offsetof(struct bfs_call, req));
	call->server = tx->peer->all->server;
	call->port = &port;
	call->req_len = tx->len;
	memcpy(call->req, tx->bytes + BFS_PEER_ROOM, tx->len);
	call->out = m->out;
	call->out_len = m->out_len;
	call->rep = c->rep;
	call->in = m->in;
	call->in_cap = m->in_cap;
	call->pass_fd = -1;
	c->tx = tx;
}

static int serve(struct bfs_peer_tx *tx)
{
	struct self_call *c = malloc(sizeof(*c));
	bool inside = true;

	if (!c)
		return -ENOMEM;
	fill(c, tx);
	c->inside = &inside;
	tx->net = c; /* the handler uses what m points to */
	bfs_serve(&c->call);
	if (inside)
		c->inside = NULL;
	return 0;
}

static int stay(struct bfs_peer *p)
{
	return 0;
}

static void leave(struct bfs_peer *p)
{
}

/* Until the handler ends. */
static bool keep(struct bfs_peer_tx *tx)
{
	return false;
}

static void fini(struct bfs_peers *all)
{
}

static const struct bfs_peer_net self_ops = {
	.name = "self",
	.connect = stay,
	.disconnect = leave,
	.send = serve,
	.give_up = keep,
	.fini = fini,
};

int bfs_peer_self_init(struct bfs_peer *p)
{
	struct bfs_server *s = p->all->server;
	unsigned me = p->shard;
	struct bfs_session *sess;

	p->ops = &self_ops;
	p->state = BFS_PEER_UP;
	p->incarnation = s->incarnation;
	p->session = bfs_peer_session_id(s, me, me, s->incarnation);
	p->ticket = bfs_peer_session_ticket(s, me, me, s->incarnation);
	p->generation = 1;
	sess = bfs_session_find(s, p->session);
	if (!sess)
		sess = bfs_session_new_peer(s, p->session, p->ticket, me,
					    s->incarnation);
	if (!sess)
		return -ENOMEM;
	sess->generation = 1;
	return 0;
}

int bfs_peers_alone(struct bfs_server *s)
{
	return bfs_peers_new(s, &self_ops, NULL);
}
