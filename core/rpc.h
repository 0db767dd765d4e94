/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client side of the RPC engine: request ids, deadlines, retries, and the
 * typed stubs bfs_rpc_getattr(client, &rpc, &req, &rep), ...  Any thread.
 *
 *   struct bfs_rpc r = BFS_RPC_INIT;
 *   int e = bfs_rpc_readlink(c, &r, &req, &rep);
 *   ... use rep (its strings borrow from r) ...
 *   bfs_rpc_end(&r);
 */
#ifndef BFS_RPC_H
#define BFS_RPC_H

#include "core/transport.h"

#include <stdatomic.h>

struct bfs_rpc;

struct bfs_client {
	/* NULL: not connected yet (or not since fork). */
	struct bfs_transport *_Atomic t;
	uint32_t timeout_ms; /* for one application call, retries included */
	_Atomic uint64_t next_id;
	/* Another way into the same session, whose numbers count; or NULL. */
	struct bfs_client *same;
	/*
	 * Called when there is no transport or its peer is gone: put a new
	 * one, which has said HELLO, into c->t before the deadline.  old is
	 * the one that failed, or NULL; if c->t is another by now, some other
	 * thread did the work.  0 or -errno, logged.  NULL: no retry.
	 */
	int (*reconnect)(struct bfs_client *c, struct bfs_transport *old,
			 uint64_t deadline);
	/* Reference counting of c->t around a call; may be NULL. */
	struct bfs_transport *(*get)(struct bfs_client *c);
	void (*put)(struct bfs_client *c, struct bfs_transport *t);
	/*
	 * A way past the node's daemon, straight to the one of that shard, for
	 * READ and WRITE: what it does not answer goes on through relay, whose
	 * session here has that number.  What may have been executed goes to
	 * the same shard (VIA), which knows it again.  lost: t is of no use any
	 * more.  NULL: this is no such way.
	 */
	struct bfs_client *relay;
	void (*lost)(struct bfs_client *c, struct bfs_transport *t);
	uint64_t session;
	uint32_t shard;
};

/* One RPC, from the first try to the last; rpc.c's own. */
struct bfs_rpc_message {
	uint32_t op;
	const void *req;
	void *rep;
	int (*put)(struct bfs_wire *w, const void *req);
	int (*get)(struct bfs_wire *w, void *rep);
	uint64_t id;
	uint64_t sent_by; /* session that may have run it; 0: never sent */
	uint32_t via;	  /* by the relay to that shard, + 1; 0: not */
	bool posted;	  /* it is under way on the rpc's transport */
	int status;	  /* the daemon's answer: 0, -errno, -BFS_ESCAPE */
};

/*
 * One struct serves all RPCs of one application call in turn, so that they
 * share one deadline (R32); bfs_rpc_end() comes between them.
 */
struct bfs_rpc {
	struct bfs_io io;  /* the caller may set out, in, interruptible */
	uint64_t deadline; /* bfs_now() clock; 0: set by the first RPC */
	bool quiet; /* the caller has another way: no answer is no news */
	struct bfs_client *client;
	struct bfs_transport *t;      /* not NULL: end() is owed */
	struct bfs_escape_rep escape; /* valid after -BFS_ESCAPE, till end */
};
#define BFS_RPC_INIT \
	{ \
		.io = {.fd = -1 } \
	}

/*
 * Each returns 0, -errno or -BFS_ESCAPE.  A call that could not be completed
 * in time is -ETIMEDOUT, one whose daemon is gone -EIO; both are logged.  A
 * WAIT call lasts as long as the daemon shows that it is alive; if a signal
 * ends it (-EINTR) it is withdrawn at the daemon.  After 0, io.fd is the
 * caller's to close; after an error it is -1.
 */
#define RPC(num, NAME, name, flags, reqf, repf) \
	int bfs_rpc_##name(struct bfs_client *c, struct bfs_rpc *r, \
			   const struct bfs_##name##_req *req, \
			   struct bfs_##name##_rep *rep);
#include "core/proto.def"
#undef RPC

/*
 * Several READs or WRITEs of one thread at once: each is begun, and then ended
 * in the same order; *req stays until then.  False: it has not been sent, for
 * lack of room (begin no more before one has ended) or of a connection; ending
 * it does all of it.
 */
bool bfs_rpc_read_begin(struct bfs_client *c, struct bfs_rpc *r,
			struct bfs_rpc_message *m,
			const struct bfs_read_req *req);
int bfs_rpc_read_end(struct bfs_rpc *r, struct bfs_rpc_message *m,
		     struct bfs_read_rep *rep);

/*
 * A WRITE whose bytes are put in place while the call before it is under way:
 * prepared, then sent (go), then ended; or, instead of being sent, given up by
 * bfs_rpc_end().  False, nothing is in place: the transport cannot, or has no
 * room; go on all the same.
 */
bool bfs_rpc_write_prepare(struct bfs_client *c, struct bfs_rpc *r,
			   struct bfs_rpc_message *m,
			   const struct bfs_write_req *req);
void bfs_rpc_write_go(struct bfs_rpc *r, struct bfs_rpc_message *m);
int bfs_rpc_write_end(struct bfs_rpc *r, struct bfs_rpc_message *m,
		      struct bfs_write_rep *rep);

/* Release what the reply borrows.  Harmless after a failed call. */
void bfs_rpc_end(struct bfs_rpc *r);

#endif
