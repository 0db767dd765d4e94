/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections to other daemons as they come and go, and what time does. */
#include "core/log.h"
#include "core/util.h"
#include "server/peer_impl.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#define PAUSE_MIN_NS 10000000ull
#define PAUSE_MAX_NS 1000000000ull

static uint64_t timeout_ns(const struct bfs_peers *all)
{
	return all->server->config.network.timeout_secs * 1000000000ull;
}

void bfs_peer_wake(struct bfs_peers *all, uint64_t at)
{
	if (at != UINT64_MAX && (!all->timer.at || at < all->timer.at))
		bfs_loop_timer(all->server->loop, &all->timer, at);
}

/* All of one peer's calls in q that `which` picks end. */
static void end_some(struct bfs_peer *p, int status,
		     bool (*which)(const struct bfs_peer_tx *tx, uint64_t arg),
		     uint64_t arg)
{
	struct bfs_peer_tx **lists[] = { &p->sent, &p->queue[0], &p->queue[1],
					 &p->queue[2] };
	struct bfs_peer_tx *tx, *next, *found = NULL;

	for (size_t i = 0; i < BFS_COUNT(lists); i++)
		DL_FOREACH_SAFE(*lists[i], tx, next)
	if (which(tx, arg)) {
		bfs_peer_tx_unlink(tx);
		LL_PREPEND(found, tx); /* done() may change the lists */
	}
	while ((tx = found)) {
		LL_DELETE(found, tx);
		tx->next = NULL;
		if (status != -ECANCELED && status != -EHOSTDOWN)
			bfs_log(warn, "%s: no answer from shard %u: %s%s%s",
				bfs_op_name(tx->m->op), p->shard,
				strerror(-status), p->error ? "; " : "",
				p->error ? strerror(-p->error) : "");
		bfs_peer_end(tx, status);
	}
}

static bool any(const struct bfs_peer_tx *tx, uint64_t arg)
{
	return true;
}

static bool has_expired(const struct bfs_peer_tx *tx, uint64_t now)
{
	return tx->m->deadline <= now;
}

static bool has_no_deadline(const struct bfs_peer_tx *tx, uint64_t arg)
{
	return tx->class == BFS_PEER_WAITING;
}

static bool gives_up(const struct bfs_peer_tx *tx, uint64_t arg)
{
	return tx->m->unless_dead;
}

/* Sent to an earlier incarnation, which may have executed it. */
static bool is_doubtful(const struct bfs_peer_tx *tx, uint64_t incarnation)
{
	return tx->ran_in && tx->ran_in != incarnation && bfs_peer_once(tx);
}

/* With a greeting: little at first, since another connection may do, and then
 * as with one who is busy or stopped. */
static uint64_t patience_ns(const struct bfs_peer *p)
{
	uint64_t most = timeout_ns(p->all) / 3;

	return p->silent < 2 ? most / (p->silent ? 2 : 4) : most;
}

void bfs_peer_link_start(struct bfs_peer *p)
{
	int r;

	p->generation++;
	p->broken = p->look = false;
	p->all->counts.connects++;
	p->hello_until = bfs_now() + patience_ns(p);
	bfs_peer_wake(p->all, p->hello_until);
	r = p->ops->connect(p);
	if (r) {
		bfs_peer_link_fail(p, r);
		return;
	}
	p->state = BFS_PEER_HELLO;
	bfs_peer_greet(p);
}

/* Its process is not the one we knew. */
static void is_new(struct bfs_peer *p, uint64_t incarnation)
{
	bool before = p->incarnation && p->incarnation != incarnation;

	p->incarnation = incarnation;
	if (!before)
		return;
	bfs_log(info, "shard %u has been started anew", p->shard);
	if (p->all->server->peer_new)
		p->all->server->peer_new(p->all->server, p->shard);
}

void bfs_peer_link_up(struct bfs_peer *p, uint64_t incarnation, bool remembers)
{
	p->state = BFS_PEER_UP;
	p->dead = p->told = false;
	p->backoff = 0;
	p->silent = 0;
	p->error = 0;
	p->heard = bfs_now();
	is_new(p, incarnation);
	if (!remembers)
		end_some(p, -EIO, is_doubtful, incarnation);
	bfs_peer_pump(p);
}

static void tell(struct bfs_peer *p, int error)
{
	if (p->told || p->all->stopping || error == -EAGAIN)
		return;
	p->told = true;
	bfs_log(warn, "no connection to shard %u over %s: %s%s", p->shard,
		p->ops->name, strerror(-error),
		p->dead ? "; its daemon has ended" : "");
}

void bfs_peer_link_fail(struct bfs_peer *p, int error)
{
	bool was_up = p->state == BFS_PEER_UP;
	uint64_t now = bfs_now();

	p->all->counts.failures++;
	p->error = error;
	p->broken = false;
	p->state = BFS_PEER_PAUSE;
	p->dead |= error == -ECONNREFUSED || error == -EOWNERDEAD;
	/* How else do we find out whether it has ended? */
	p->look = was_up;
	p->ops->disconnect(p);
	bfs_peer_greet_end(p);
	bfs_peer_requeue(p);
	if (!was_up || p->dead)
		tell(p, error);
	p->backoff = BFS_MIN(p->backoff ? 2 * p->backoff : PAUSE_MIN_NS,
			     PAUSE_MAX_NS);
	p->retry_at = now + p->backoff;
	bfs_peer_wake(p->all, p->retry_at);
	if (p->dead)
		end_some(p, -EHOSTDOWN, gives_up, 0);
}

void bfs_peer_net_dead(struct bfs_peer *p)
{
	if (p->state != BFS_PEER_IDLE && p->state != BFS_PEER_PAUSE)
		return; /* it has come back */
	p->dead = true;
	p->error = -ECONNREFUSED;
	tell(p, p->error);
	end_some(p, -EHOSTDOWN, gives_up, 0);
}

void bfs_peer_net_failed(struct bfs_peer *p, int error)
{
	if (p->state != BFS_PEER_IDLE && p->state != BFS_PEER_PAUSE)
		bfs_peer_link_fail(p, error);
}

/* It has greeted us: sessions of its earlier runs are over. */
static void drop_sessions(struct bfs_server *s, const struct bfs_peer *p)
{
	struct bfs_session *sess, *next;

	HASH_ITER(hh, s->sessions, sess, next)
	if (sess->is_peer && sess->shard == p->shard &&
	    sess->incarnation < p->incarnation && !sess->gone)
		bfs_session_drop(sess);
}

int bfs_peer_met(struct bfs_server *s, unsigned shard, uint64_t incarnation)
{
	struct bfs_peer *p = bfs_peer_get(s, shard);

	if (!p)
		return -ENOMEM;
	if (incarnation < p->incarnation)
		return -ESTALE;
	if (incarnation == p->incarnation)
		return 0;
	if (p->incarnation)
		bfs_peer_net_failed(p, -ECONNRESET);
	p->dead = false;
	is_new(p, incarnation);
	drop_sessions(s, p);
	return 0;
}

static void on_pong(struct bfs_peer_msg *m)
{
	struct bfs_peer *p = m->arg;

	p->pinging = false;
	if (!m->status || m->status == -ECANCELED)
		return;
	bfs_log(error, "shard %u gives no sign of life: %s", p->shard,
		strerror(-m->status));
	end_some(p, m->status, has_no_deadline, 0);
}

/* Calls that wait without bound do so only while the peer is alive. */
static void ping(struct bfs_peer *p, uint64_t now)
{
	uint8_t value[8] = { 0 };

	p->pinging = true;
	p->ping = (struct bfs_peer_msg){ .op = BFS_OP_PEERPING,
					 .req = value,
					 .req_len = sizeof(value),
					 .rep = p->ping_rep,
					 .rep_cap = sizeof(p->ping_rep),
					 .deadline = now +
						     timeout_ns(p->all) * 2 / 3,
					 .done = on_pong,
					 .arg = p };
	bfs_peer_submit(p, &p->ping);
}

static void resend(struct bfs_peer *p, uint64_t now)
{
	struct bfs_peer_tx *tx, *next;

	DL_FOREACH_SAFE(p->sent, tx, next)
	if (tx->again_at <= now && !tx->net && !p->broken)
		bfs_peer_transmit(tx);
}

static void expire(struct bfs_peer *p, uint64_t now)
{
	struct bfs_peer_tx *tx;
	bool up = p->state == BFS_PEER_UP;
	int status = !p->error || p->error == -ETIMEDOUT ? -ETIMEDOUT : -EIO;

	DL_FOREACH(p->sent, tx)
	if (has_expired(tx, now))
		break;
	/* Silence: perhaps it is somewhere else by now. */
	if (tx && up && now - p->heard > timeout_ns(p->all) / 2) {
		p->broken = true;
		p->error = -ETIMEDOUT;
	}
	end_some(p, status, has_expired, now);
}

static uint64_t first_of(const struct bfs_peer_tx *list, bool sent)
{
	const struct bfs_peer_tx *tx;
	uint64_t at = UINT64_MAX;

	DL_FOREACH(list, tx)
	{
		at = BFS_MIN(at, tx->m->deadline);
		if (sent && !tx->net)
			at = BFS_MIN(at, tx->again_at);
	}
	return at;
}

/* When is there something to do for p? */
static uint64_t next_of(const struct bfs_peer *p)
{
	uint64_t at = first_of(p->sent, p->state == BFS_PEER_UP);

	for (int k = 0; k < BFS_PEER_CLASSES; k++)
		at = BFS_MIN(at, first_of(p->queue[k], false));
	if (p->state == BFS_PEER_PAUSE)
		at = BFS_MIN(at, p->retry_at);
	if (p->state == BFS_PEER_HELLO || p->state == BFS_PEER_HELLO2)
		at = BFS_MIN(at, p->hello_until);
	if (p->waiting && !p->pinging)
		at = BFS_MIN(at, p->heard + timeout_ns(p->all) / 3);
	return p->broken ? 1 : at;
}

static void connection(struct bfs_peer *p, uint64_t now)
{
	bool greeting =
		p->state == BFS_PEER_HELLO || p->state == BFS_PEER_HELLO2;

	if (p->broken)
		bfs_peer_link_fail(p, p->error);
	else if (greeting && p->hello_until <= now) {
		p->silent++;
		bfs_peer_link_fail(p, -ETIMEDOUT);
	} else if (p->state == BFS_PEER_IDLE && bfs_peer_busy(p))
		bfs_peer_link_start(p);
	else if (p->state == BFS_PEER_PAUSE && p->retry_at <= now) {
		if (bfs_peer_busy(p) || p->look)
			bfs_peer_link_start(p);
		else
			p->state = BFS_PEER_IDLE;
	}
}

static void care(struct bfs_peer *p, uint64_t now)
{
	connection(p, now);
	expire(p, now);
	if (p->state == BFS_PEER_UP)
		resend(p, now);
	bfs_peer_pump(p);
	if (p->waiting && !p->pinging &&
	    p->heard + timeout_ns(p->all) / 3 <= now)
		ping(p, now);
}

void bfs_peer_tick(struct bfs_timer *t)
{
	struct bfs_peers *all = t->arg;
	uint64_t now = bfs_now(), at = UINT64_MAX;

	bfs_peers_settle(all);
	for (struct bfs_peer *p = all->first; p; p = p->next)
		care(p, now);
	for (struct bfs_peer *p = all->first; p; p = p->next)
		at = BFS_MIN(at, next_of(p));
	bfs_peer_wake(all, at);
}

static void free_peer(struct bfs_peer *p)
{
	end_some(p, -ECANCELED, any, 0);
	p->state = BFS_PEER_IDLE;
	p->ops->disconnect(p);
	bfs_peer_greet_end(p);
}

void bfs_peers_free(struct bfs_server *s)
{
	struct bfs_peers *all = s->peers;
	struct bfs_peer *p;

	if (!all)
		return;
	all->stopping = true;
	for (p = all->first; p; p = p->next)
		free_peer(p);
	bfs_peers_settle(all);
	all->ops->fini(all);
	bfs_peers_settle(all);
	bfs_loop_timer(s->loop, &all->timer, 0);
	while ((p = all->first)) {
		all->first = p->next;
		free(p->slots);
		free(p);
	}
	free(all->peers);
	free(all);
	s->peers = NULL;
}

int bfs_peers_new(struct bfs_server *s, const struct bfs_peer_net *ops,
		  void *net)
{
	struct bfs_peers *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->server = s;
	all->ops = ops;
	all->net = net;
	all->n = s->nshards;
	all->over_end = &all->over;
	all->timer.fn = bfs_peer_tick;
	all->timer.arg = all;
	all->peers = calloc(s->nshards, sizeof(struct bfs_peer *));
	if (!all->peers || bfs_peer_greet_init(all)) {
		free(all->peers);
		free(all);
		return -ENOMEM;
	}
	s->peers = all;
	return 0;
}

struct bfs_peer *bfs_peer_get(struct bfs_server *s, unsigned shard)
{
	struct bfs_peers *all = s->peers;
	struct bfs_peer *p;

	if (!all || shard >= all->n)
		return NULL;
	if (all->peers[shard])
		return all->peers[shard];
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->all = all;
	p->shard = shard;
	p->ops = all->ops;
	p->free_slot = -1;
	if (shard == s->shard && bfs_peer_self_init(p)) {
		free(p);
		return NULL;
	}
	p->next = all->first;
	all->first = p;
	all->peers[shard] = p;
	return p;
}

bool bfs_peer_dead(struct bfs_server *s, unsigned shard)
{
	const struct bfs_peers *all = s->peers;

	return all && shard < all->n && all->peers[shard] &&
	       all->peers[shard]->dead;
}

struct bfs_str bfs_peer_address(const struct bfs_server *s)
{
	return s->peers ? s->peers->address : (struct bfs_str){ NULL, 0 };
}

struct bfs_peer_counts bfs_peer_counts(const struct bfs_server *s)
{
	return s->peers->counts;
}
