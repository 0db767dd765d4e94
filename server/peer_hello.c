/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How two daemons find out that they mean the same cluster (F4).  Each proves
 * that it has the cluster's secret by a MAC of a number that the other one has
 * chosen: the first greeting asks for such a number, the second answers it and
 * opens the connection.  The first one's proof only keeps accidents away, and
 * the address in it ours.
 */
#include "core/log.h"
#include "core/siphash.h"
#include "core/util.h"
#include "server/peer_where.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static uint64_t mac(const struct bfs_server *s, const char *label,
		    const struct bfs_wire *w, const uint8_t *begin)
{
	uint64_t parts[2] = {
		bfs_siphash(s->secret, label, strlen(label)),
		bfs_siphash(s->secret, begin, (size_t)(w->pos - begin)),
	};

	return bfs_siphash(s->secret, parts, sizeof(parts));
}

static uint64_t req_proof(const struct bfs_server *s,
			  const struct bfs_peerhello_req *req)
{
	struct bfs_peerhello_req bare = *req;
	uint8_t buf[BFS_FIELDS_MAX];
	struct bfs_wire w;

	bare.proof = 0;
	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_peerhello_req_put(&w, &bare);
	return mac(s, "greeting", &w, buf);
}

/* nonce: of the request that is answered. */
static uint64_t rep_proof(const struct bfs_server *s, uint64_t nonce,
			  const struct bfs_peerhello_rep *rep)
{
	struct bfs_peerhello_rep bare = *rep;
	uint8_t buf[256];
	struct bfs_wire w;

	bare.proof = 0;
	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_u64(&w, nonce);
	bfs_peerhello_rep_put(&w, &bare);
	return mac(s, "greeted", &w, buf);
}

/* A number that goes with (from, to, incarnation of from) only. */
static uint64_t derived(const struct bfs_server *s, const char *label,
			unsigned from, unsigned to, uint64_t incarnation)
{
	uint8_t buf[24];
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_u64(&w, from);
	bfs_put_u64(&w, to);
	bfs_put_u64(&w, incarnation);
	return mac(s, label, &w, buf) | 1;
}

uint64_t bfs_peer_session_id(const struct bfs_server *s, unsigned from,
			     unsigned to, uint64_t incarnation)
{
	return derived(s, "session", from, to, incarnation);
}

uint64_t bfs_peer_session_ticket(const struct bfs_server *s, unsigned from,
				 unsigned to, uint64_t incarnation)
{
	return derived(s, "ticket", from, to, incarnation);
}

int bfs_peer_greet_init(struct bfs_peers *all)
{
	struct bfs_server *s = all->server;
	struct timespec t;

	if (getrandom(all->nonce_key, sizeof(all->nonce_key), 0) !=
	    sizeof(all->nonce_key))
		return -EIO;
	clock_gettime(CLOCK_REALTIME, &t);
	if (!s->incarnation)
		s->incarnation =
			(uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	return 0;
}

/* The number that this greeting has to answer; nothing is kept for it. */
static uint64_t our_nonce(const struct bfs_server *s,
			  const struct bfs_peerhello_req *req)
{
	uint64_t parts[] = { req->nonce, req->shard, req->incarnation,
			     req->generation };

	return bfs_siphash(s->peers->nonce_key, parts, sizeof(parts)) | 1;
}

/* What does not agree, as a positive errno. */
static uint32_t check(const struct bfs_server *s,
		      const struct bfs_peerhello_req *req)
{
	if (req->version != BFS_PROTO_VERSION)
		return EPROTONOSUPPORT;
	if (req->cluster != s->cluster || req->list_hash != s->list_hash)
		return ECONNREFUSED;
	if (req->to != s->shard || req->shard >= s->nshards ||
	    req->shard == s->shard)
		return EADDRNOTAVAIL;
	return req->proof == req_proof(s, req) ? 0 : EKEYREJECTED;
}

bool bfs_peer_hello_address(struct bfs_server *s, struct bfs_wire *w,
			    struct bfs_str *address)
{
	struct bfs_peerhello_req req;
	uint64_t incarnation;
	const void *a;
	size_t len;

	if (!s->peers || bfs_peerhello_req_get(w, &req))
		return false;
	*address = req.address;
	if (req.proof == req_proof(s, &req))
		return true;
	if (req.shard >= s->nshards || !s->peer_address ||
	    s->peer_address(s, req.shard, &a, &len, &incarnation))
		return false;
	*address = (struct bfs_str){ a, (uint32_t)len };
	return true;
}

/* Both sides' values, on both sides. */
static void tell(unsigned from, unsigned to, uint32_t error,
		 const uint64_t theirs[3], const uint64_t ours[3])
{
	if (error == EKEYREJECTED)
		bfs_log(error,
			"greeting of shard %u refused by shard %u: they do not "
			"have the same secret",
			from, to);
	else if (error == EADDRNOTAVAIL)
		bfs_log(error,
			"greeting of shard %u refused by who is at the address "
			"of shard %u: it is another one",
			from, to);
	else
		bfs_log(error,
			"greeting of shard %u (version %llu, cluster %016llx, "
			"member list %016llx) refused by shard %u (version "
			"%llu, cluster %016llx, member list %016llx)",
			from, (unsigned long long)theirs[0],
			(unsigned long long)theirs[1],
			(unsigned long long)theirs[2], to,
			(unsigned long long)ours[0],
			(unsigned long long)ours[1],
			(unsigned long long)ours[2]);
}

static int refuse(const struct bfs_server *s,
		  const struct bfs_peerhello_req *req, uint32_t error,
		  struct bfs_peerhello_rep *rep)
{
	rep->refused = error;
	if (error != ESTALE)
		tell(req->shard, req->to, error,
		     (uint64_t[]){ req->version, req->cluster, req->list_hash },
		     (uint64_t[]){ rep->version, rep->cluster,
				   rep->list_hash });
	return 0;
}

/* The second greeting opens the connection; it may come twice. */
static int open_session(struct bfs_call *c, const struct bfs_peerhello_req *req,
			struct bfs_peerhello_rep *rep)
{
	struct bfs_server *s = c->server;
	uint64_t id =
		bfs_peer_session_id(s, req->shard, s->shard, req->incarnation);
	uint64_t ticket = bfs_peer_session_ticket(s, req->shard, s->shard,
						  req->incarnation);
	struct bfs_session *sess;
	int r = bfs_peer_met(s, req->shard, req->incarnation);

	if (r)
		return r;
	sess = bfs_session_find(s, id);
	if (!sess)
		sess = bfs_session_new_peer(s, id, ticket, req->shard,
					    req->incarnation);
	if (!sess)
		return -ENOMEM;
	if (req->generation < sess->generation)
		return -ESTALE;
	sess->generation = req->generation;
	if (c->port->ops->attach)
		sess->attached = c->port;
	rep->session = id;
	rep->ticket = ticket;
	return 0;
}

/* The way back, for either greeting. */
static int attach(struct bfs_call *c, const struct bfs_peerhello_req *req)
{
	const struct bfs_server *s = c->server;

	if (c->head.session != bfs_peer_session_id(s, req->shard, s->shard,
						   req->incarnation) ||
	    c->head.ticket != bfs_peer_session_ticket(s, req->shard, s->shard,
						      req->incarnation))
		return -EACCES;
	return c->port->ops->attach ? c->port->ops->attach(c, req->address) : 0;
}

int bfs_serve_peerhello(struct bfs_call *c, const struct bfs_peerhello_req *req,
			struct bfs_peerhello_rep *rep)
{
	struct bfs_server *s = c->server;
	uint32_t error;
	int r = 0;

	if (!s->peers)
		return -EPERM;
	rep->version = BFS_PROTO_VERSION;
	rep->cluster = s->cluster;
	rep->list_hash = s->list_hash;
	rep->incarnation = s->incarnation;
	rep->remembers = s->remembers;
	error = check(s, req);
	rep->nonce = error ? 0 : our_nonce(s, req);
	if (!error && req->answer && req->answer != rep->nonce)
		error = ESTALE; /* that was asked of an earlier run */
	if (!error)
		r = attach(c, req);
	if (!r && !error && req->answer)
		r = open_session(c, req, rep);
	if (r == -ESTALE)
		error = ESTALE;
	else if (r)
		return r;
	if (error)
		return refuse(s, req, error, rep);
	rep->proof = rep_proof(s, req->nonce, rep);
	return 0;
}

int bfs_serve_peerping(struct bfs_call *c, const struct bfs_peerping_req *req,
		       struct bfs_peerping_rep *rep)
{
	rep->value = req->value;
	return 0;
}

static void send_greeting(struct bfs_peer *p);

/* The one that we want has ended, and its port is somebody else's by now. */
static bool is_another(const struct bfs_server *s,
		       const struct bfs_peerhello_rep *rep)
{
	return rep->refused == EADDRNOTAVAIL || rep->cluster != s->cluster;
}

/* 0, or why this is not who we want. */
static int check_reply(struct bfs_peer *p, const struct bfs_peerhello_rep *rep)
{
	const struct bfs_server *s = p->all->server;

	if (rep->refused) {
		if (!p->told && rep->refused != ESTALE)
			tell(s->shard, p->shard, rep->refused,
			     (uint64_t[]){ BFS_PROTO_VERSION, s->cluster,
					   s->list_hash },
			     (uint64_t[]){ rep->version, rep->cluster,
					   rep->list_hash });
		if (is_another(s, rep))
			return -ECONNREFUSED;
		return rep->refused == ESTALE ? -ECONNRESET : -EACCES;
	}
	if (rep->proof == rep_proof(s, p->nonce, rep))
		return 0;
	bfs_log(error,
		"shard %u, as it calls itself, does not have the secret of us, "
		"shard %u",
		p->shard, s->shard);
	return -EACCES;
}

static void on_greeted(struct bfs_peer_msg *m)
{
	struct bfs_peer *p = m->arg;
	bool first = p->state == BFS_PEER_HELLO;
	struct bfs_peerhello_rep rep;
	struct bfs_wire w;
	int r = m->status;

	p->hello = NULL;
	bfs_wire_init(&w, m->rep, m->rep_len);
	if (!r)
		r = bfs_peerhello_rep_get(&w, &rep);
	if (!r)
		r = check_reply(p, &rep);
	if (r) {
		bfs_peer_link_fail(p, r);
	} else if (first) {
		p->state = BFS_PEER_HELLO2;
		p->their_nonce = rep.nonce;
		send_greeting(p);
	} else {
		bfs_peer_link_up(p, rep.incarnation, rep.remembers);
	}
}

static struct bfs_peerhello_req greeting_of(struct bfs_peer *p)
{
	const struct bfs_server *s = p->all->server;
	struct bfs_peerhello_req req = {
		.version = BFS_PROTO_VERSION,
		.generation = p->generation,
		.cluster = s->cluster,
		.list_hash = s->list_hash,
		.shard = s->shard,
		.to = p->shard,
		.incarnation = s->incarnation,
		.nonce = p->nonce,
		.answer = p->state == BFS_PEER_HELLO2 ? p->their_nonce : 0,
		.address = p->all->address,
	};

	req.proof = req_proof(s, &req);
	return req;
}

/* Its number tells the greetings of different connections apart. */
static uint64_t greeting_id(const struct bfs_peer *p)
{
	uint64_t n = 2ull * p->generation + (p->state == BFS_PEER_HELLO2);

	return n * BFS_PEER_SLOTS + BFS_PEER_GREETING;
}

static void send_greeting(struct bfs_peer *p)
{
	struct bfs_peerhello_req req = greeting_of(p);
	uint8_t buf[BFS_FIELDS_MAX];
	struct bfs_wire w;
	int r;

	bfs_wire_init(&w, buf, sizeof(buf) - BFS_REQ_HEAD_LEN);
	r = bfs_peerhello_req_put(&w, &req);
	p->hello_msg = (struct bfs_peer_msg){
		.op = BFS_OP_PEERHELLO,
		.req = buf,
		.req_len = (size_t)(w.pos - buf),
		.rep = p->hello_rep,
		.rep_cap = sizeof(p->hello_rep),
		.deadline = p->hello_until,
		.done = on_greeted,
		.arg = p,
	};
	p->hello = r ? NULL : bfs_peer_tx_new(p, &p->hello_msg);
	if (p->hello) {
		p->hello->id = greeting_id(p);
		bfs_peer_put_head(p->hello);
		r = p->ops->send(p->hello);
	} else {
		r = -ENOMEM;
	}
	if (!r)
		return;
	p->broken = true;
	p->error = r;
	bfs_peer_wake(p->all, 1);
}

void bfs_peer_greet(struct bfs_peer *p)
{
	const struct bfs_server *s = p->all->server;

	if (getrandom(&p->nonce, sizeof(p->nonce), 0) != sizeof(p->nonce))
		p->nonce = 0;
	p->session = bfs_peer_session_id(s, s->shard, p->shard, s->incarnation);
	p->ticket =
		bfs_peer_session_ticket(s, s->shard, p->shard, s->incarnation);
	send_greeting(p);
}

void bfs_peer_greet_end(struct bfs_peer *p)
{
	struct bfs_peer_tx *tx = p->hello;

	/* Its answer may have come already, and is of no use. */
	bfs_peer_unfinish(p->all, &p->hello_msg);
	p->hello = NULL;
	if (!tx)
		return;
	tx->m = NULL;
	tx->ended = true;
	if (!tx->net)
		bfs_peer_tx_free(tx);
}
