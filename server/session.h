/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions: who a client is, and what it was answered.  Owner thread only.
 */
#ifndef BFS_SESSION_H
#define BFS_SESSION_H

#include "core/util.h"
#include "server/hash.h"
#include "server/serve.h"
#include "server/shards.h"

/* A request was answered from memory; nothing is left to do. */
#define BFS_SESSION_REPLAYED 2

/* Answers kept per session for retries (F2); calls in flight are fewer. */
#define BFS_REMEMBERED 64

/* Waiting calls a session may have: each holds a slot of its ring. */
#define BFS_WAITING_MAX 24

/* The same for another daemon, whose calls have numbers with a slot in the low
 * bits: a slot is used again when its last answer has arrived (peer.c). */
#define BFS_PEER_SLOTS 4096u
#define BFS_PEER_WAITING_MAX 3072

/* What a retried HELLO or an exec'd program may take to come back. */
#define BFS_SESSION_LINGER_NS 120000000000u

struct bfs_answer;

struct bfs_session {
	struct bfs_server *server;
	uint64_t id, ticket;
	/* Requests of an older generation are refused (R26).  A client may
	 * have two ways to us: its connection, and an attached port. */
	uint32_t generation, attached_generation;
	pid_t pid; /* 0: not on this node */
	/* Of a client whose calls a peer forwards: the shard of its node's
	 * daemon, and its process there. */
	bool far;
	bool vouched; /* it may come by itself too, by a ticket */
	unsigned node;
	pid_t far_pid;
	struct bfs_shards used; /* that its calls have been forwarded to */
	struct bfs_cred cred;
	bool is_peer;	      /* of another daemon */
	unsigned shard;	      /* then: whose */
	uint64_t incarnation; /* and in which run of it */
	/* By id % BFS_REMEMBERED; of a daemon by slot. */
	struct bfs_answer **answers;
	unsigned nanswers;
	uint64_t last_id;	 /* highest request id seen */
	uint64_t resumed_id;	 /* last_id when the client came back last */
	struct bfs_call *parked; /* doubly linked (utlist DL_) */
	unsigned users;		 /* connections */
	unsigned held;		 /* calls that need it to stay */
	uint32_t cpu;		 /* where its client was at HELLO */
	bool greeted;		 /* HELLO has been answered */
	bool opens;		 /* data files, by itself: BFS_OPEN_SELF */
	bool gone;		 /* its process has ended */
	bool noted;		 /* it is in the journal */
	/* Known from before our start: calls of it may come again until then.
	 */
	uint64_t awaited_until;	   /* bfs_now() clock; 0: it is not */
	uint64_t started;	   /* then: bfs_process_mark() */
	uint64_t idle_since;	   /* users became 0; bfs_now() clock */
	struct bfs_port *attached; /* whose detach() is owed, or NULL */
	UT_hash_handle hh;
};

/* A new session with one connection, for a client with these credentials
 * (copied).  NULL: no memory. */
struct bfs_session *bfs_session_new(struct bfs_server *s, pid_t pid,
				    const struct bfs_cred *cred);
/* One that the journal tells of: nobody has come back to it yet. */
struct bfs_session *bfs_session_again(struct bfs_server *s, uint64_t id,
				      uint64_t ticket, pid_t pid,
				      const struct bfs_cred *cred);
struct bfs_session *bfs_session_find(struct bfs_server *s, uint64_t id);
/* The session, here, of another daemon's client.  NULL: no memory. */
struct bfs_session *bfs_session_far(struct bfs_server *s, uint64_t id,
				    unsigned node, pid_t pid);
/*
 * Its node's daemon says whose it is: with its ticket the client may come by
 * itself, in that generation.  0 or -errno.
 */
int bfs_session_vouch(struct bfs_session *sess, const struct bfs_cred *cred,
		      uint32_t *generation);
/* Of such a client's call: how long it will still wait (DIRECT). */
static inline uint32_t bfs_session_left(uint32_t deadline_ms)
{
	uint32_t left = deadline_ms - (uint32_t)(bfs_now() / 1000000);

	return left <= INT32_MAX ? left : 0;
}
/* That client's process has ended. */
void bfs_session_far_gone(struct bfs_server *s, unsigned node, pid_t pid);
/* Has the request been here before?  0 or BFS_SESSION_REPLAYED, or -EIO. */
int bfs_session_repeated(struct bfs_call *c);
/*
 * That of a daemon of the cluster, who acts as root; it has no connection of
 * its own and stays until `gone` is set.  Also for a journal that remembers
 * one.  NULL: no memory.
 */
struct bfs_session *bfs_session_new_peer(struct bfs_server *s, uint64_t id,
					 uint64_t ticket, unsigned shard,
					 uint64_t incarnation);
/* That daemon is not coming back: free it as soon as no call needs it. */
void bfs_session_drop(struct bfs_session *sess);
/*
 * One connection less.  Without any, calls that wait are given up, but the
 * session stays for a while (its process may have called exec, or may come
 * back by a new connection), until the process ends or nothing came for
 * BFS_SESSION_LINGER_NS.
 */
void bfs_session_put(struct bfs_server *s, struct bfs_session *sess);

/*
 * HELLO on a new connection names an earlier session: c->session becomes that
 * one, in the new generation, and what was made for the connection is dropped.
 * 0, -EACCES, -ESTALE.
 */
int bfs_session_resume(struct bfs_call *c, uint64_t id, uint64_t ticket,
		       uint32_t generation);
/* HELLO over a port that attaches: sets c->session and c->cred. */
int bfs_session_attach(struct bfs_call *c, uint64_t id, uint64_t ticket,
		       uint32_t generation);

/*
 * Check head.session, ticket and generation against c->session (found here
 * for ports that have no connection of their own).  0, -ESTALE for an older
 * generation, -EACCES, or BFS_SESSION_REPLAYED: the remembered answer has been
 * sent, or will be with that of the same request, which is still being served.
 */
int bfs_session_admit(struct bfs_call *c);
/* Keep the answer of a ONCE or WAIT call and pass it on to the heir. */
void bfs_session_remember(struct bfs_call *c, int status);

/* A call that is answered later: each handler that returns BFS_LATER.
 * Harmless if it is parked already. */
void bfs_session_park(struct bfs_call *c);
/* Harmless if c is not parked; bfs_call_finish() does it by itself. */
void bfs_session_unpark(struct bfs_call *c);
/* The parked call with that request id, or NULL. */
struct bfs_call *bfs_session_parked(struct bfs_session *sess, uint64_t id);
/* c is the same request as old, which is parked: it gets the answer too. */
void bfs_session_adopt(struct bfs_call *old, struct bfs_call *c);
/* End a call of which nobody waits for the answer (ECANCELED). */
void bfs_session_abandon(struct bfs_call *c);
/* Does the session wait for too many things already? */
bool bfs_session_full(const struct bfs_session *sess);
/* For CANCEL.  0; -ENOENT: that request has been answered; BFS_LATER: `by`
 * will be answered when it is known. */
int bfs_session_cancel(struct bfs_call *by, uint64_t id);

/* It stays, with its credentials, until it is released: returns it.  NULL is
 * harmless. */
struct bfs_session *bfs_session_hold(struct bfs_session *sess);
void bfs_session_release(struct bfs_session *sess);

/* Into the journal with it, once, and out of it (session_log.c). */
void bfs_session_note(struct bfs_session *sess);
void bfs_session_note_gone(struct bfs_session *sess);
/* At the start: those that the journal has; then, with the port, watch their
 * processes. */
void bfs_session_restore(struct bfs_server *s);
struct bfs_port_local;
void bfs_session_watch(struct bfs_server *s, struct bfs_port_local *p);
/* May some of them still come back, whose calls were under way when we ended?
 * For no longer than a call may take, and not those whose process has ended. */
bool bfs_session_awaited(struct bfs_server *s);
/* That process has: soon all is asked again that it will ask again. */
void bfs_session_is_back(struct bfs_server *s, pid_t pid);

/* Free sessions that nobody came back to. */
void bfs_session_sweep(struct bfs_server *s);
/*
 * Close our end of what clients of other nodes have made and not used for twice
 * as long as they keep it by themselves (network.direct_idle_secs).  Are there
 * others?
 */
bool bfs_session_close_idle(struct bfs_server *s);
/* All of them: the ports are closed. */
void bfs_session_free_all(struct bfs_server *s);
/* The sessions of a process that has ended. */
void bfs_session_process_gone(struct bfs_server *s, pid_t pid);

/* That process has ended: its sessions and POSIX locks go (serve_lock.c). */
void bfs_serve_process_gone(struct bfs_server *s, pid_t pid);

/* Its locks, if no process of this node owns them (serve_lock.c). */
void bfs_serve_session_gone(struct bfs_session *sess);

#endif
