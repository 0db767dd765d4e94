/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the ucx port.  Owner thread only. */
#ifndef BFS_UCX_IMPL_H
#define BFS_UCX_IMPL_H

#include "core/ucx_common.h"
#include "server/hash.h"
#include "server/loop.h"
#include "server/serve.h"
#include "server/session.h"

#define BFS_UCX_PEERS 16384	     /* endpoints */
#define BFS_UCX_CALLS 16384	     /* requests, waiting ones included */
#define BFS_UCX_PEER_CALLS 256	     /* of one peer */
#define BFS_UCX_BUFFERS 256	     /* of BFS_BULK_MAX, for bulk under way */
#define BFS_UCX_PEER_BUFFERS 16	     /* of one peer */
#define BFS_UCX_SERVE 64	     /* requests per turn of the loop */
#define BFS_UCX_CLOSE_NS 2000000000u /* for closing all endpoints */

/* Another daemon is many clients. */
#define BFS_UCX_DAEMON_CALLS (BFS_PEER_SLOTS + 64)
#define BFS_UCX_DAEMON_BUFFERS 32

/* Where clients come in: our worker. */
struct bfs_ucx_door {
	struct bfs_ucx ucx;
	unsigned users; /* calls that came in here */
	bool left;	/* another one has taken its place */
};

/* ucx_probe.c */
struct bfs_ucx_probe {
	struct bfs_ucx ucx;
	ucp_ep_h ep;
	bool open, failed;
	unsigned seen, wanted;
	uint64_t since;
	struct bfs_timer timer;
};

/* A client's worker. */
struct bfs_ucx_peer {
	struct bfs_port_ucx *port;
	ucp_ep_h ep; /* NULL: closed */
	uint64_t session, ticket;
	uint64_t address; /* hash of the worker's */
	bool daemon;	  /* it came by PEERHELLO */
	bool far;	  /* a client of another node (direct.h) */
	bool met;	  /* the first HELLO has been answered */
	bool attached;	  /* in port->peers */
	bool failed;	  /* in port->failed */
	bool closing;	  /* UCX has yet to say that the endpoint is gone */
	unsigned calls;	  /* that point here */
	unsigned buffers; /* that they hold */
	struct bfs_ucx_peer *next_failed;
	UT_hash_handle hh;
};

/* A request, from its arrival until UCX has sent the reply. */
struct bfs_ucx_call {
	struct bfs_call call;
	struct bfs_ucx_peer *peer; /* NULL: HELLO before it is attached */
	struct bfs_ucx_door *door;
	uint32_t slot;	     /* the client's */
	void *held;	     /* UCX's data, released with the call */
	void *rndv;	     /* announced by rendezvous, not yet fetched */
	bool fields_in_bulk; /* long fields came as the payload */
	void *buffer;	     /* BFS_BULK_MAX bytes, from the pool */
	uint64_t expires;    /* UCX has to be done with it; bfs_now() clock */
	/* In the queue it is waiting in, or among the busy ones. */
	struct bfs_ucx_call *prev, *next;
	uint8_t rep[BFS_UCX_HEAD_LEN + BFS_FIELDS_MAX];
};

/* What our calls to other daemons need of the port: peer_ucx.c has it. */
struct bfs_ucx_daemons {
	/* The door has been opened, not yet published: 0 or -errno. */
	int (*open)(struct bfs_port_ucx *p);
	/* What cannot be done inside of UCX's callbacks: how many things were
	 * done. */
	int (*poll)(struct bfs_port_ucx *p);
	/* Is nothing left to do that poll would? */
	bool (*quiet)(const struct bfs_port_ucx *p);
	/* What arrives; arg is the port. */
	ucp_am_recv_callback_t on_reply, on_reset;
	/* Where the answer to PEERHELLO goes, whose fields are next in w. */
	bool (*hello_address)(struct bfs_server *s, struct bfs_wire *w,
			      struct bfs_str *address);
};

struct bfs_port_ucx {
	struct bfs_port base;
	struct bfs_server *server;
	size_t eager_max;
	struct bfs_ucx_door *door;
	struct bfs_ucx_probe probe;
	struct bfs_ucx_peer *peers;  /* uthash by session */
	struct bfs_ucx_peer *failed; /* to be dropped at the next turn */
	unsigned npeers, nclosing;
	struct bfs_ucx_call *pool; /* singly linked */
	unsigned ncalls;
	struct bfs_ucx_call *ready;    /* to be served; utlist DL_ */
	struct bfs_ucx_call *starved;  /* wait for a buffer; utlist DL_ */
	struct bfs_ucx_call *greeting; /* replies to a first HELLO; DL_ */
	struct bfs_ucx_call *busy;     /* UCX sends or receives; utlist DL_ */
	void *buffers;		       /* free ones, linked by first word */
	unsigned nbuffers;	       /* made so far */
	struct bfs_timer sweep, greet;
	uint64_t greet_at; /* not before; bfs_now() clock */
	bool awake;	   /* there may be something to do without any peer */
	struct bfs_timer left; /* for bfs_ucx_left_sweep() */
	unsigned left_tries;
	/* Our calls to other daemons. */
	const struct bfs_ucx_daemons *daemons; /* NULL: we are alone */
	struct bfs_peers *peers_out;
	struct bfs_ucx_out *outs, *out_failed;
	unsigned nout;	     /* endpoints, those that are being closed too */
	unsigned out_bulk;   /* buffers of calls that have not ended */
	void *out_buffers;   /* free ones, linked by first word */
	unsigned out_pooled; /* how many */
	struct bfs_timer knock;
};

extern const struct bfs_port_ops bfs_ucx_port_ops;

/* ucx_ports.c */
/* Behind an address: the sockets that UCX listens at, so that others can tell
 * whether our process still is.  0 or -ENOMEM, and *address is freed. */
int bfs_ucx_add_ports(void **address, size_t *len);

/* port_ucx.c */
/* A new worker at a new address; the peers are gone. */
void bfs_ucx_door_change(struct bfs_port_ucx *p);
/* A call that came in there is over. */
void bfs_ucx_door_put(struct bfs_ucx_door *d);

/* ucx_left.c: soon, what the dead have left in /dev/shm is removed. */
void bfs_ucx_left_soon(struct bfs_port_ucx *p);

/* ucx_probe.c: does our queue still work?  A client has died. */
void bfs_ucx_probe(void *port);
void bfs_ucx_probe_look(struct bfs_timer *t);
void bfs_ucx_probe_end(struct bfs_port_ucx *p);
ucs_status_t bfs_ucx_on_probe(void *arg, const void *header, size_t header_len,
			      void *data, size_t len,
			      const ucp_am_recv_param_t *param);

/* ucx_peer.c */
/* The peer of a session, if the ticket is right; or NULL. */
struct bfs_ucx_peer *bfs_ucx_peer_find(struct bfs_port_ucx *p, uint64_t session,
				       uint64_t ticket);
/* For a second HELLO, or NULL. */
struct bfs_ucx_peer *bfs_ucx_peer_again(struct bfs_port_ucx *p,
					uint64_t session, uint64_t ticket,
					struct bfs_str address);
/* Make c->peer, not yet attached, from HELLO's address. */
int bfs_ucx_peer_new(struct bfs_ucx_call *c, struct bfs_str address);
/* Close its endpoint.  It is freed with its last call. */
void bfs_ucx_peer_drop(struct bfs_ucx_peer *peer);
/* It is to be dropped as soon as that is safe. */
void bfs_ucx_peer_fail(struct bfs_ucx_peer *peer);
/* One call less; peers that HELLO did not attach go with it. */
void bfs_ucx_peer_put(struct bfs_ucx_peer *peer);
/* Drop those that failed since the last time: how many. */
int bfs_ucx_peer_reap(struct bfs_port_ucx *p);
int bfs_ucx_attach(struct bfs_call *call, struct bfs_str address);
void bfs_ucx_detach(struct bfs_port *port, struct bfs_session *s);

/* ucx_call.c */
struct bfs_ucx_call *bfs_ucx_call_of(struct bfs_call *call);
struct bfs_port_ucx *bfs_ucx_call_port(const struct bfs_ucx_call *c);
/* NULL: too many. */
struct bfs_ucx_call *bfs_ucx_call_get(struct bfs_port_ucx *p);
void bfs_ucx_call_put(struct bfs_ucx_call *c);
/* BFS_BULK_MAX bytes, given back with the call; NULL: all are in use. */
void *bfs_ucx_buffer_get(struct bfs_port_ucx *p);
/* The peer's side is slow: see to it that this ends. */
void bfs_ucx_call_keep(struct bfs_ucx_call *c, struct bfs_ucx_call **queue);
void bfs_ucx_call_busy(struct bfs_ucx_call *c);

/* ucx_request.c: where the answer to HELLO or PEERHELLO goes. */
bool bfs_ucx_hello_address(const struct bfs_ucx_call *c,
			   struct bfs_str *address);

/* ucx_reply.c, ucx_request.c and ucx_call.c */
ucs_status_t bfs_ucx_on_request(void *arg, const void *header,
				size_t header_len, void *data, size_t len,
				const ucp_am_recv_param_t *param);
void bfs_ucx_reply(struct bfs_call *call);
void bfs_ucx_drop(struct bfs_call *call);
/* Send the replies that wait for a connection: how many. */
int bfs_ucx_greet(struct bfs_port_ucx *p);
/* Serve what is ready: how many. */
int bfs_ucx_serve(struct bfs_port_ucx *p);
void bfs_ucx_sweep(struct bfs_timer *t);
/* Give up what the peer's calls wait for. */
void bfs_ucx_call_orphan(struct bfs_port_ucx *p, struct bfs_ucx_peer *peer);
void bfs_ucx_call_free_pools(struct bfs_port_ucx *p);

#endif
