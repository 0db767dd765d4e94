/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a handler sees.  Owner thread only: the daemon has one thread.
 *
 * A port (local ring, ucx, loop) takes a request off its queue, wraps it in a
 * struct bfs_call and hands it to bfs_serve(); dispatch.c decodes it and runs
 * bfs_serve_<name>(), and the port's reply() sends the answer.
 */
#ifndef BFS_SERVE_H
#define BFS_SERVE_H

#include "core/proto.h"

#include <stdbool.h>
#include <sys/types.h>

/* A handler's result for "the answer comes later, by bfs_call_finish()".  It
 * has called bfs_session_park() before. */
#define BFS_LATER 1

/* As -errno: another shard is to serve the call, c->where says which. */
#define BFS_ELSEWHERE 4099

struct bfs_cred {
	uint32_t uid, gid;
	uint32_t ngroups;
	uint32_t *groups; /* owned */
};

struct bfs_server;
struct bfs_session;
struct bfs_port;
struct bfs_fs; /* the file system: server/fs.h */

/* For a handler's result -BFS_ELSEWHERE: which shard is to serve the call. */
struct bfs_where {
	unsigned shard;
	bool rewrite; /* with this place in the place of its own: */
	struct bfs_handle at;
	char path[BFS_NAME_MAX + 1]; /* a name, perhaps with a slash */
	uint32_t path_len;
	uint32_t links; /* symlinks followed so far */
	uint64_t top;	/* as in FORWARD */
	uint32_t uid, gid;
};

#define BFS_FORWARD_GROUPS 128 /* a client in more has no rights by them */
#define BFS_HOPS_MAX 48	       /* more than symlinks may be followed */

/* How a call came here that a peer has forwarded. */
struct bfs_origin {
	bool forwarded;
	struct bfs_req_head head; /* of the message that brought it */
	uint64_t session;	  /* the client's, at its own daemon */
	uint32_t hops, links;
	uint64_t top;
	struct bfs_cred cred;
	uint32_t groups[BFS_FORWARD_GROUPS];
};

/*
 * One request being served.  It belongs to its port and lives until reply();
 * a parked call (BFS_LATER) therefore stays valid, with all its buffers.
 */
struct bfs_call {
	struct bfs_server *server;
	struct bfs_session *session; /* NULL only before HELLO */
	struct bfs_port *port;
	struct bfs_req_head head;
	const struct bfs_cred *cred; /* of the session; what S9 checks */
	int peer; /* the shard whose daemon sent it; -1: a client did */

	/*
	 * For a parked call (bfs_session_park).  cancel: forget it (CANCEL,
	 * session gone); must not call bfs_call_finish itself.  move: the
	 * same request came again as `to`, which is to be answered in its
	 * place.  NULL: cannot be given up; the second is answered as well.
	 * Of a call whose handler runs on a fiber, cancel sees to it that the
	 * handler soon returns, with -EINTR if nothing has happened, and move
	 * is not used.
	 */
	void (*cancel)(struct bfs_call *c);
	void (*move)(struct bfs_call *c, struct bfs_call *to);
	/* For CANCEL, instead of cancel, if another shard decides whether the
	 * call can still be given up: asks it to.  The call ends with -EINTR,
	 * or as it would have. */
	void (*recall)(struct bfs_call *c);
	void *parked;		      /* the handler's own while parked */
	struct bfs_call *prev, *next; /* parked calls of the session */
	struct bfs_call *heir;	      /* gets the same answer */
	uint64_t changes;	      /* the journal's, when it began */
	struct bfs_call *canceller;   /* answered when this one has ended */
	/* Set while a handler runs on a fiber. */
	bool *over;		  /* to be told when the call has ended */
	struct bfs_session *held; /* kept for it */
	/* How long the caller waits; bfs_now() clock; 0: nobody has asked. */
	uint64_t deadline;

	/* In a cluster: see route.h. */
	struct bfs_where where;
	struct bfs_origin origin;
	unsigned via;	      /* not 0: that shard, + 1, is to serve it (VIA) */
	uint64_t stage_since; /* see stage.h; 0: not counted */
	unsigned waits;	      /* how often it has waited for another shard */
	unsigned tries;	      /* how often what it named was gone on arrival */
	bool reopens;	      /* an open that was answered already: it may */

	uint8_t req[BFS_FIELDS_MAX]; /* our own copy of head and fields */
	size_t req_len;
	const void *out; /* bulk of the request: may be shared memory, so */
	size_t out_len;	 /* use each byte once; the length is checked */

	uint8_t *rep; /* reply's head and fields, BFS_FIELDS_MAX */
	size_t rep_len;
	void *in; /* where the reply's bulk goes */
	size_t in_cap, in_len;
	int pass_fd; /* sent with the reply, then closed; -1: none */
	struct bfs_escape_rep escape;	     /* for status -BFS_ESCAPE */
	char escape_path[BFS_DEEP_PATH_MAX]; /* GETPATH's too */
};

struct bfs_port_ops {
	const char *name;
	bool passes_fds;
	bool peers; /* daemons come by it as well as clients */
	/* Send c->rep, bulk and fd, then release the call. */
	void (*reply)(struct bfs_call *c);
	/*
	 * Release the call without an answer: its client has sent the same
	 * request again, and could take this one's answer for that one's.
	 * NULL: no danger of that, so it is answered with ECANCELED.
	 */
	void (*drop)(struct bfs_call *c);
	/*
	 * For a port that has no connection of its own to tell clients apart
	 * (ucx): HELLO has found c->session, whose client's worker has that
	 * address; 0 or -errno.  detach: the session ends.  NULL for others.
	 */
	int (*attach)(struct bfs_call *c, struct bfs_str address);
	void (*detach)(struct bfs_port *p, struct bfs_session *s);
};
struct bfs_port {
	const struct bfs_port_ops *ops;
	uint64_t looked; /* when at what has come; 0: at each call (stage.h) */
};

/* Decode and run c (head not yet read).  Always ends in reply(), perhaps
 * later. */
void bfs_serve(struct bfs_call *c);

/* The answer of a parked call: 0 or -errno.  The fields of the reply, if any,
 * have been set by bfs_<name>_rep_put into bfs_call_fields(c) before. */
void bfs_call_finish(struct bfs_call *c, int status);

/* The answer is made: send it, when what it tells is in the journal. */
void bfs_call_send(struct bfs_call *c);
/* The call whose handler runs on this fiber; NULL: this is none. */
const struct bfs_call *bfs_call_on_fiber(void);

/* The head of the reply. */
void bfs_call_put_head(struct bfs_call *c, uint32_t status);

/* The parked call from its first line, for what it named is gone.  False: it
 * has been so too often. */
bool bfs_call_again(struct bfs_call *c);

/* A codec positioned behind the reply's head, for parked calls. */
struct bfs_wire bfs_call_fields(struct bfs_call *c);
/* Tell how far the fields reach. */
void bfs_call_fields_end(struct bfs_call *c, const struct bfs_wire *w);

/*
 * One handler per line of proto.def: 0 and *rep is sent; -errno; -BFS_ESCAPE
 * with c->escape filled in; BFS_LATER; or -BFS_NEED_FIBER (fiber.h), and it is
 * run again on a fiber.  There it may wait; the call is parked meanwhile, its
 * session and credentials stay, and nothing else about the world does.
 */
#define RPC(num, NAME, name, flags, req, rep) \
	int bfs_serve_##name(struct bfs_call *c, \
			     const struct bfs_##name##_req *req_, \
			     struct bfs_##name##_rep *rep_);
#include "core/proto.def"
#undef RPC

#endif
