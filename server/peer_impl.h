/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the calls between daemons, and what a network (peer_loop.c,
 * peer_ucx.c, peer_self.c) has to offer.  Owner thread only.
 *
 * A request's number is `sequence << 12 | slot`.  A slot is given to another
 * request when its last one has ended, so that the other side, which remembers
 * one answer for each slot, remembers all that can be asked for again.
 */
#ifndef BFS_PEER_IMPL_H
#define BFS_PEER_IMPL_H

#include "server/peer.h"
#include "server/session.h"

#define BFS_PEER_GREETING (BFS_PEER_SLOTS - 1) /* the slot of PEERHELLO */
#define BFS_PEER_ROOM 16 /* before a message, for the network's own head */

/*
 * Calls of different kinds do not wait for each other's slots: nested ones are
 * sent while a peer's call is being served, and the peer may have none to spare
 * until they are answered.
 */
enum bfs_peer_class {
	BFS_PEER_PLAIN,
	BFS_PEER_NESTED,
	BFS_PEER_WAITING,
	BFS_PEER_CLASSES
};

/* A request, from bfs_peer_send() until it has ended. */
struct bfs_peer_tx {
	struct bfs_peer *peer;
	struct bfs_peer_msg *m;		 /* NULL: done */
	struct bfs_peer_tx *prev, *next; /* in peer->queue[] or ->sent */
	enum bfs_peer_class class;
	bool is_sent;
	bool ended;    /* m->status is set; done() when the network lets go */
	bool answered; /* with result; it ends when the network lets go */
	int result;
	int slot;	   /* -1: none yet */
	uint64_t id;	   /* 0: none yet */
	uint64_t again_at; /* send it again, if there is no answer by then */
	uint64_t ran_in;   /* incarnation that may have run it; 0: none */
	void *net;	   /* not NULL: the network uses tx, and bulk of m's */
	void *buffer;	   /* the network's own, released with tx */
	size_t len;	   /* of head and fields */
	uint8_t bytes[];   /* BFS_PEER_ROOM, head, fields */
};

enum bfs_peer_state {
	BFS_PEER_IDLE,
	BFS_PEER_HELLO, /* connected; the first greeting is under way */
	BFS_PEER_HELLO2,
	BFS_PEER_UP,
	BFS_PEER_PAUSE, /* until retry_at */
};

struct bfs_peer_slot {
	struct bfs_peer_tx *tx;
	int next; /* free one */
};

/* Our way to another shard, or to ourselves. */
struct bfs_peer {
	struct bfs_peers *all;
	struct bfs_peer *next; /* of those that have been needed */
	unsigned shard;
	const struct bfs_peer_net *ops;
	void *net; /* the network's own */
	enum bfs_peer_state state;
	uint64_t incarnation; /* last known; 0: none yet */
	bool dead;	      /* see bfs_peer_dead() */
	bool told;	      /* the log has why there is no connection */
	bool broken;	      /* sending failed: the next tick sees to it */
	bool look; /* connect once more, though nothing is to be sent */
	int error; /* why the last connection ended or was not made */
	uint32_t generation;
	uint64_t session, ticket;
	uint64_t nonce, their_nonce; /* of the greeting under way */
	uint64_t hello_until, retry_at, heard, backoff;
	unsigned silent; /* greetings without an answer since it was up */

	struct bfs_peer_tx *queue[BFS_PEER_CLASSES]; /* utlist DL_ */
	struct bfs_peer_tx *sent;		     /* utlist DL_ */
	unsigned out[BFS_PEER_CLASSES];		     /* that have a slot */
	unsigned waiting;			     /* have no deadline */
	unsigned bulk; /* buffers of the network */
	uint64_t sequence;
	struct bfs_peer_slot *slots;
	int nslots, free_slot;	      /* -1: none */
	struct bfs_peer_probe *probe; /* peer_probe.c; NULL: none is on */
	struct bfs_peer_tx *hello;
	struct bfs_peer_msg hello_msg, ping;
	uint8_t hello_rep[256], ping_rep[16];
	bool pinging;
};

/* What a network does.  It never calls back from inside these. */
struct bfs_peer_net {
	const char *name;
	/* A connection to where the peer is now.  0, or -errno as in
	 * bfs_peer_net_failed. */
	int (*connect)(struct bfs_peer *p);
	/* It is not used any more. */
	void (*disconnect)(struct bfs_peer *p);
	/* Is there what tx needs to be sent?  False: it waits for
	 * bfs_peers_settle().  NULL: always. */
	bool (*reserve)(struct bfs_peer_tx *tx);
	/* tx->bytes, m->out, and the room for an answer.  0 or -errno. */
	int (*send)(struct bfs_peer_tx *tx);
	/* Free tx->buffer, which is set. */
	void (*release)(struct bfs_peer_tx *tx);
	/*
	 * tx, whose net is set, ends without an answer.  True: what m points
	 * to is not used any more.  False: it will be soon, and then comes
	 * bfs_peer_net_let_go(), as it does for tx in any case.
	 */
	bool (*give_up)(struct bfs_peer_tx *tx);
	void (*fini)(struct bfs_peers *all);
};

struct bfs_peers {
	struct bfs_server *server;
	const struct bfs_peer_net *ops;
	void *net;		/* the network's own */
	struct bfs_str address; /* ours, if the network tells it */
	unsigned n;
	struct bfs_peer **peers; /* by shard; NULL: not needed yet */
	struct bfs_peer *first;
	struct bfs_timer timer;
	struct bfs_peer_msg *over; /* done() is owed; singly linked */
	struct bfs_peer_msg **over_end;
	bool released; /* something may be sent again that was held */
	uint8_t nonce_key[16];
	bool stopping;
	struct bfs_peer_counts counts;
};

/* From s->shard, nshards, secret.  0 or -errno. */
int bfs_peers_new(struct bfs_server *s, const struct bfs_peer_net *ops,
		  void *net);
/* All calls end with -ECANCELED, so that no fiber is left waiting.  Before
 * the ports and sessions go. */
void bfs_peers_free(struct bfs_server *s);

/* What a network reports, from the loop's stack. */
/*
 * The connection is gone, or could not be made.  -ECONNREFUSED: the host says
 * that nobody is there; -EOWNERDEAD: the process is known to have ended;
 * -ECONNRESET; -EHOSTUNREACH; -ETIMEDOUT...
 */
void bfs_peer_net_failed(struct bfs_peer *p, int error);
/* After that: its host says that its process has ended. */
void bfs_peer_net_dead(struct bfs_peer *p);
/* Head and fields of an answer to tx (bfs_peer_find), whose bulk is in m->in
 * and m->in_len already. */
void bfs_peer_net_reply(struct bfs_peer_tx *tx, const uint8_t *rep, size_t len);
/*
 * The same in steps, from anywhere.  fields: 0, or the error that the
 * connection fails with.  answered: all of it is there, and the call ends with
 * the next bfs_peers_settle(), if tx->net is NULL by then.  let_go: tx->net has
 * become NULL; tx may be gone when it returns.
 */
int bfs_peer_net_fields(struct bfs_peer_tx *tx, const uint8_t *rep, size_t len);
void bfs_peer_net_answered(struct bfs_peer_tx *tx);
void bfs_peer_net_let_go(struct bfs_peer_tx *tx);
/* From the loop's stack, after the above: how many calls were done. */
int bfs_peers_settle(struct bfs_peers *all);
/* Who waits for the answer with that number over this connection; NULL: nobody
 * (any more), and it is counted as late. */
struct bfs_peer_tx *bfs_peer_find(struct bfs_peer *p, uint64_t id);
/* NULL: no such shard, or no memory. */
struct bfs_peer *bfs_peer_get(struct bfs_server *s, unsigned shard);

/* peer.c */
void bfs_peer_submit(struct bfs_peer *p, struct bfs_peer_msg *m);
/* From the loop's stack: tx is freed, and m done. */
void bfs_peer_end(struct bfs_peer_tx *tx, int status);
/* The same from anywhere, for tx that no network holds. */
void bfs_peer_end_later(struct bfs_peer_tx *tx, int status);
/* Out of its queue; it stays in its slot. */
void bfs_peer_tx_unlink(struct bfs_peer_tx *tx);
void bfs_peer_tx_free(struct bfs_peer_tx *tx);
/* Those that were sent are to be sent again. */
void bfs_peer_requeue(struct bfs_peer *p);
/* Over the connection that there is.  If that fails, it is seen to later. */
void bfs_peer_transmit(struct bfs_peer_tx *tx);
void bfs_peer_pump(struct bfs_peer *p);
bool bfs_peer_once(const struct bfs_peer_tx *tx);
bool bfs_peer_busy(const struct bfs_peer *p);
struct bfs_peer_tx *bfs_peer_tx_new(struct bfs_peer *p, struct bfs_peer_msg *m);
/* Put the head in front of the fields, as it has to be now. */
void bfs_peer_put_head(struct bfs_peer_tx *tx);
/* bfs_peer_call()'s done(): may be called from anywhere. */
void bfs_peer_wake_fiber(struct bfs_peer_msg *m);
/* done() is to be called from the loop's stack: when somebody settles, or
 * soon. */
void bfs_peer_finish_at_settling(struct bfs_peers *all, struct bfs_peer_msg *m);
void bfs_peer_finish_later(struct bfs_peers *all, struct bfs_peer_msg *m,
			   int status);
/* done() is not owed any more. */
void bfs_peer_unfinish(struct bfs_peers *all, const struct bfs_peer_msg *m);

/* peer_link.c: connections and time */
void bfs_peer_link_start(struct bfs_peer *p);
/* The greeting has succeeded. */
void bfs_peer_link_up(struct bfs_peer *p, uint64_t incarnation, bool remembers);
void bfs_peer_link_fail(struct bfs_peer *p, int error);
/* See to p's calls not later than at that time. */
void bfs_peer_wake(struct bfs_peers *all, uint64_t at);
void bfs_peer_tick(struct bfs_timer *t);
/* Another daemon with that shard has greeted us.  0 or -ESTALE: an older
 * one. */
int bfs_peer_met(struct bfs_server *s, unsigned shard, uint64_t incarnation);

/* peer_hello.c */
int bfs_peer_greet_init(struct bfs_peers *all);
/* What stands for the session of `from` at `to`: both know it. */
uint64_t bfs_peer_session_id(const struct bfs_server *s, unsigned from,
			     unsigned to, uint64_t incarnation);
uint64_t bfs_peer_session_ticket(const struct bfs_server *s, unsigned from,
				 unsigned to, uint64_t incarnation);
void bfs_peer_greet(struct bfs_peer *p);
void bfs_peer_greet_end(struct bfs_peer *p);

/* peer_self.c */
int bfs_peer_self_init(struct bfs_peer *p);
/* Only ourselves can be called: of a daemon that is alone.  0 or -errno. */
int bfs_peers_alone(struct bfs_server *s);

#endif
