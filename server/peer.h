/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls to the other daemons of the cluster.  A call is sent with the same
 * number over as many connections as it takes, until it is answered or its
 * deadline has passed, and takes effect once (F2).  Owner thread only.
 *
 * Corrections to what was agreed: unless_dead, bfs_peer_call,
 * bfs_peer_msg_cancel, and two private members of struct bfs_peer_msg.
 */
#ifndef BFS_PEER_H
#define BFS_PEER_H

#include "server/fiber.h"
#include "server/server.h"

struct bfs_peer_tx;

/* One request to a peer, and its answer.  What is not used is 0. */
struct bfs_peer_msg {
	uint32_t op;
	const void *req; /* encoded fields (what follows the head); copied */
	size_t req_len;
	const void *out; /* bulk that goes with it; stays until done */
	size_t out_len;
	void *in; /* bulk that comes back */
	size_t in_cap, in_len;
	uint8_t *rep; /* encoded fields of the reply */
	size_t rep_cap, rep_len;
	/* bfs_now() clock.  UINT64_MAX, for WAIT calls: as long as the peer
	 * shows that it is alive. */
	uint64_t deadline;
	/* End with -EHOSTDOWN as soon as bfs_peer_dead(). */
	bool unless_dead;
	/*
	 * 0; -errno or -BFS_ESCAPE (with its fields in rep) of the peer's
	 * handler; -ETIMEDOUT: no answer; -EIO: no connection, or the peer was
	 * started anew and cannot know whether it has done this before;
	 * -ECANCELED: we are stopping.  What is not the handler's is logged.
	 */
	int status;
	/* From the loop's stack, never from inside bfs_peer_send(), but where
	 * the daemon is stopping: -ECANCELED.  NULL only
	 * for bfs_peer_call() and bfs_peer_wait_all(). */
	void (*done)(struct bfs_peer_msg *m);
	void *arg;

	struct bfs_peer_tx *tx; /* private from here */
	struct bfs_peer_msg *next;
};

/* done() is called exactly once.  shard may be our own. */
void bfs_peer_send(struct bfs_server *s, unsigned shard,
		   struct bfs_peer_msg *m);
/* m, which has been sent to that shard and is not done, is wanted no more: the
 * peer is asked to give it up.  It ends with -EINTR, or with its answer. */
void bfs_peer_msg_cancel(struct bfs_server *s, unsigned shard,
			 struct bfs_peer_msg *m);

/* Send and suspend the fiber until it is done: m->status.  -BFS_NEED_FIBER,
 * and nothing was sent, if this is no fiber. */
int bfs_peer_call(struct bfs_server *s, unsigned shard, struct bfs_peer_msg *m);
/* Several at once, from a fiber; shards[i] gets m[i].  0 when all are done,
 * each with its own status; or -BFS_NEED_FIBER. */
int bfs_peer_wait_all(struct bfs_server *s, struct bfs_peer_msg *m,
		      const unsigned *shards, unsigned n);

/* Where the network finds us; empty if it needs no address. */
struct bfs_str bfs_peer_address(const struct bfs_server *s);

/* Is its process known to have ended, and no new one known to run? */
bool bfs_peer_dead(struct bfs_server *s, unsigned shard);

/*
 * int bfs_peer_<name>(s, shard, deadline, &req, &rep, room), from a fiber: as
 * bfs_peer_call(), for calls without bulk.  The strings of rep lie in room,
 * BFS_FIELDS_MAX bytes; after -BFS_ESCAPE what bfs_escape_get() reads does.
 */
#define RPC(num, NAME, name, flags, reqf, repf) \
	int bfs_peer_##name(struct bfs_server *s, unsigned shard, \
			    uint64_t deadline, \
			    const struct bfs_##name##_req *req, \
			    struct bfs_##name##_rep *rep, uint8_t *room);
#include "core/proto.def"
#undef RPC

/* What has been going on; for tests and measurements. */
struct bfs_peer_counts {
	uint64_t sent, resent, answered, late, connects, failures;
};
struct bfs_peer_counts bfs_peer_counts(const struct bfs_server *s);

#endif
