/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to other daemons: their numbers, their queues, their ends. */
#include "core/log.h"
#include "core/util.h"
#include "server/peer_impl.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

/* In flight to one peer; together they are fewer than the slots. */
static const unsigned limits[BFS_PEER_CLASSES] = {
	[BFS_PEER_PLAIN] = 256,
	[BFS_PEER_NESTED] = 512,
	[BFS_PEER_WAITING] = BFS_PEER_WAITING_MAX,
};

#define SLOT_BITS 12

static enum bfs_peer_class classify(const struct bfs_peer_msg *m)
{
	const struct bfs_call *c = bfs_call_on_fiber();

	if (m->deadline == UINT64_MAX)
		return BFS_PEER_WAITING;
	return c && c->peer >= 0 ? BFS_PEER_NESTED : BFS_PEER_PLAIN;
}

bool bfs_peer_once(const struct bfs_peer_tx *tx)
{
	return bfs_op_flags(tx->m->op) == BFS_RPC_ONCE;
}

struct bfs_peer_tx *bfs_peer_tx_new(struct bfs_peer *p, struct bfs_peer_msg *m)
{
	size_t len = BFS_REQ_HEAD_LEN + m->req_len;
	struct bfs_peer_tx *tx = malloc(sizeof(*tx) + BFS_PEER_ROOM + len);

	if (!tx)
		return NULL;
	*tx = (struct bfs_peer_tx){
		.peer = p, .m = m, .class = classify(m), .slot = -1, .len = len
	};
	if (m->req_len)
		memcpy(tx->bytes + BFS_PEER_ROOM + BFS_REQ_HEAD_LEN, m->req,
		       m->req_len);
	return tx;
}

static uint32_t ms_left(uint64_t deadline)
{
	uint64_t now = bfs_now();

	if (deadline <= now)
		return 0;
	return (uint32_t)BFS_MIN((deadline - now) / 1000000, UINT32_MAX);
}

void bfs_peer_put_head(struct bfs_peer_tx *tx)
{
	const struct bfs_peer *p = tx->peer;
	struct bfs_wire w;

	bfs_wire_init(&w, tx->bytes + BFS_PEER_ROOM, BFS_REQ_HEAD_LEN);
	bfs_put_req_head(&w, &(struct bfs_req_head){
				     .op = tx->m->op,
				     .deadline_ms = ms_left(tx->m->deadline),
				     .id = tx->id,
				     .session = p->session,
				     .ticket = p->ticket,
				     .generation = p->generation });
}

static int grow_slots(struct bfs_peer *p)
{
	int n = p->nslots ? 2 * p->nslots : 16;
	struct bfs_peer_slot *more =
		realloc(p->slots, (size_t)n * sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->slots = more;
	for (int i = n - 1; i >= p->nslots; i--) {
		more[i] = (struct bfs_peer_slot){ .next = p->free_slot };
		/* the last of all is the greeting's */
		if (i != (int)BFS_PEER_GREETING)
			p->free_slot = i;
	}
	p->nslots = n;
	return 0;
}

/* A number for tx.  False: there is none to be had now. */
static bool take_slot(struct bfs_peer_tx *tx)
{
	struct bfs_peer *p = tx->peer;

	if (tx->slot >= 0)
		return true;
	if (p->out[tx->class] == limits[tx->class])
		return false;
	if (p->free_slot < 0 && grow_slots(p))
		return false;
	tx->slot = p->free_slot;
	p->free_slot = p->slots[tx->slot].next;
	p->slots[tx->slot].tx = tx;
	p->out[tx->class]++;
	tx->id = ++p->sequence << SLOT_BITS | (uint64_t)tx->slot;
	return true;
}

static void give_slot(struct bfs_peer_tx *tx)
{
	struct bfs_peer *p = tx->peer;

	if (tx->slot < 0)
		return;
	p->slots[tx->slot].tx = NULL;
	p->slots[tx->slot].next = p->free_slot;
	p->free_slot = tx->slot;
	p->out[tx->class]--;
}

void bfs_peer_tx_unlink(struct bfs_peer_tx *tx)
{
	struct bfs_peer *p = tx->peer;

	if (!tx->prev)
		return;
	if (tx->is_sent)
		DL_DELETE(p->sent, tx);
	else
		DL_DELETE(p->queue[tx->class], tx);
	tx->prev = tx->next = NULL;
	tx->is_sent = false;
}

void bfs_peer_tx_free(struct bfs_peer_tx *tx)
{
	if (tx->buffer)
		tx->peer->ops->release(tx);
	if (tx->peer->hello == tx)
		tx->peer->hello = NULL;
	free(tx);
}

/* m has what it gets, and tx goes unless the network still holds it. */
static void finish(struct bfs_peer_tx *tx)
{
	struct bfs_peer_msg *m = tx->m;

	tx->m = NULL;
	if (!tx->net)
		bfs_peer_tx_free(tx);
	if (!m)
		return;
	m->tx = NULL;
	m->done(m);
}

/* Out of all lists: nothing can find it any more. */
static void settle(struct bfs_peer_tx *tx, int status)
{
	bfs_peer_tx_unlink(tx);
	give_slot(tx);
	if (tx->class == BFS_PEER_WAITING)
		tx->peer->waiting--;
	tx->m->status = status;
	tx->ended = true;
}

void bfs_peer_end_later(struct bfs_peer_tx *tx, int status)
{
	struct bfs_peer_msg *m = tx->m;

	settle(tx, status);
	m->tx = NULL;
	bfs_peer_finish_later(tx->peer->all, m, status);
	bfs_peer_tx_free(tx);
}

void bfs_peer_end(struct bfs_peer_tx *tx, int status)
{
	struct bfs_peer *p = tx->peer;

	settle(tx, status);
	if (!tx->net || p->ops->give_up(tx))
		finish(tx);
	/* Its slot may be what another one waits for. */
	bfs_peer_pump(p);
}

void bfs_peer_finish_at_settling(struct bfs_peers *all, struct bfs_peer_msg *m)
{
	m->next = NULL;
	*all->over_end = m;
	all->over_end = &m->next;
}

void bfs_peer_unfinish(struct bfs_peers *all, const struct bfs_peer_msg *m)
{
	struct bfs_peer_msg **at = &all->over;

	while (*at && *at != m)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = m->next;
	if (all->over_end == &m->next)
		all->over_end = at;
}

void bfs_peer_finish_later(struct bfs_peers *all, struct bfs_peer_msg *m,
			   int status)
{
	m->status = status;
	bfs_peer_finish_at_settling(all, m);
	bfs_peer_wake(all, 1);
}

void bfs_peer_net_let_go(struct bfs_peer_tx *tx)
{
	struct bfs_peers *all = tx->peer->all;
	struct bfs_peer_msg *m = tx->m;

	if (tx->answered && !tx->ended)
		settle(tx, tx->result);
	all->released = true;
	if (!tx->ended)
		return;
	bfs_peer_tx_free(tx);
	if (!m)
		return;
	m->tx = NULL;
	bfs_peer_finish_at_settling(all, m);
}

void bfs_peer_net_answered(struct bfs_peer_tx *tx)
{
	if (tx->ended)
		return;
	tx->answered = true;
	tx->peer->all->counts.answered++;
	tx->peer->heard = bfs_now();
	if (!tx->net)
		bfs_peer_net_let_go(tx);
}

int bfs_peers_settle(struct bfs_peers *all)
{
	struct bfs_peer_msg *m;
	int n = 0;

	for (; (m = all->over); n++) {
		all->over = m->next;
		if (!all->over)
			all->over_end = &all->over;
		m->done(m);
	}
	if (!all->released)
		return n;
	all->released = false;
	for (struct bfs_peer *p = all->first; p; p = p->next)
		bfs_peer_pump(p);
	return n;
}

void bfs_peer_transmit(struct bfs_peer_tx *tx)
{
	struct bfs_peer *p = tx->peer;
	int r;

	tx->again_at = bfs_now() + p->all->server->config.network.timeout_secs *
					   1000000000ull / 3;
	bfs_peer_wake(p->all, BFS_MIN(tx->again_at, tx->m->deadline));
	*(tx->ran_in ? &p->all->counts.resent : &p->all->counts.sent) += 1;
	tx->ran_in = p->incarnation;
	bfs_peer_put_head(tx);
	r = p->ops->send(tx); /* our own daemon has answered by now, perhaps */
	if (!r)
		return;
	p->broken = true;
	p->error = r;
	bfs_peer_wake(p->all, 1);
}

/* The first that can go; what an old connection holds cannot. */
static struct bfs_peer_tx *next_to_go(struct bfs_peer *p)
{
	struct bfs_peer_tx *tx;

	for (int k = 0; k < BFS_PEER_CLASSES; k++)
		DL_FOREACH(p->queue[k], tx)
		{
			if (tx->net)
				continue;
			if ((!p->ops->reserve || p->ops->reserve(tx)) &&
			    take_slot(tx))
				return tx;
			break;
		}
	return NULL;
}

void bfs_peer_pump(struct bfs_peer *p)
{
	struct bfs_peer_tx *tx;

	while (p->state == BFS_PEER_UP && !p->broken && (tx = next_to_go(p))) {
		DL_DELETE(p->queue[tx->class], tx);
		DL_APPEND(p->sent, tx);
		tx->is_sent = true;
		bfs_peer_transmit(tx);
	}
}

void bfs_peer_requeue(struct bfs_peer *p)
{
	/* From the last, so that the first is at the front in the end. */
	while (p->sent) {
		struct bfs_peer_tx *tx = p->sent->prev;

		DL_DELETE(p->sent, tx);
		tx->is_sent = false;
		DL_PREPEND(p->queue[tx->class], tx);
	}
}

bool bfs_peer_busy(const struct bfs_peer *p)
{
	for (int k = 0; k < BFS_PEER_CLASSES; k++)
		if (p->queue[k])
			return true;
	return p->sent != NULL;
}

void bfs_peer_submit(struct bfs_peer *p, struct bfs_peer_msg *m)
{
	struct bfs_peer_tx *tx;

	m->in_len = m->rep_len = 0;
	m->tx = NULL;
	if (p->all->stopping) {
		bfs_peer_finish_later(p->all, m, -ECANCELED);
		return;
	}
	if (m->unless_dead && p->dead) {
		bfs_peer_finish_later(p->all, m, -EHOSTDOWN);
		return;
	}
	tx = m->tx = bfs_peer_tx_new(p, m);
	if (!tx) {
		bfs_peer_finish_later(p->all, m, -ENOMEM);
		return;
	}
	if (tx->class == BFS_PEER_WAITING)
		p->waiting++;
	DL_APPEND(p->queue[tx->class], tx);
	if (p->state == BFS_PEER_UP)
		bfs_peer_pump(p);
	else
		bfs_peer_wake(p->all,
			      p->state == BFS_PEER_IDLE
				      ? 1
				      : BFS_MAX(m->deadline, (uint64_t)1));
}

struct bfs_peer_tx *bfs_peer_find(struct bfs_peer *p, uint64_t id)
{
	uint64_t slot = id % BFS_PEER_SLOTS;
	struct bfs_peer_tx *tx = NULL;

	if (slot == BFS_PEER_GREETING)
		tx = p->hello;
	else if (slot < (uint64_t)p->nslots)
		tx = p->slots[slot].tx;
	if (tx && tx->id == id && (tx == p->hello || tx->is_sent))
		return tx;
	p->all->counts.late++;
	return NULL;
}

int bfs_peer_net_fields(struct bfs_peer_tx *tx, const uint8_t *rep, size_t len)
{
	struct bfs_peer *p = tx->peer;
	struct bfs_peer_msg *m = tx->m;
	struct bfs_rep_head h;
	struct bfs_wire w;
	size_t n;

	bfs_wire_init(&w, rep, len);
	h = bfs_get_rep_head(&w);
	n = (size_t)(w.end - w.pos);
	if (bfs_wire_end(&w) || h.op != m->op || h.id != tx->id ||
	    h.status > BFS_ESCAPE || n > m->rep_cap) {
		bfs_log(error, "%s: malformed answer from shard %u",
			bfs_op_name(m->op), p->shard);
		return -EBADMSG;
	}
	/* Not an answer: it does not know this connection (admit.c). */
	if (h.status == ENOTCONN && tx != p->hello)
		return -ENOTCONN;
	if (n)
		memcpy(m->rep, w.pos, n);
	m->rep_len = n;
	tx->result = -(int)h.status;
	return 0;
}

void bfs_peer_net_reply(struct bfs_peer_tx *tx, const uint8_t *rep, size_t len)
{
	struct bfs_peer *p = tx->peer;
	int r = bfs_peer_net_fields(tx, rep, len);

	p->heard = bfs_now();
	if (r) {
		bfs_peer_net_failed(p, r);
		return;
	}
	p->all->counts.answered++;
	bfs_peer_end(tx, tx->result);
}
