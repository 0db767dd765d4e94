/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network between daemons over UCX: requests leave by an endpoint of ours
 * for each peer, on the worker of the ucx port, which receives theirs as it
 * does its clients'.  Owner thread only.
 *
 * An endpoint is closed only when UCX says that it has failed.  UCX 1.13 over
 * tcp uses a freed connection if one with something left to send is closed and
 * its peer closes it too (uct_tcp_iface_handle_events: a FIN that is read frees
 * what is written to next).  So what a silent peer does not take stays with
 * UCX, and the bulk of calls lies in buffers of ours: a call that has ended
 * leaves its buffer behind, not its caller's memory.
 */
#ifndef BFS_PEER_UCX_H
#define BFS_PEER_UCX_H

#include "server/peer_impl.h"
#include "server/ucx_impl.h"

/* A way to a peer. */
struct bfs_ucx_out {
	struct bfs_port_ucx *port;
	struct bfs_peer *peer; /* NULL: left, and UCX has yet to close it */
	ucp_ep_h ep;
	uint64_t address;	  /* hash of the peer's */
	int error;		  /* not 0: it has failed */
	int again;		  /* not 0: the peer has to be greeted anew */
	bool listed;		  /* in port->out_failed */
	bool met;		  /* the first greeting has been answered */
	bool knocking;		  /* it has not left yet */
	struct bfs_ucx_out *next; /* of those that have failed */
	struct bfs_ucx_out *prev, *nxt; /* of all */
};

/* The handlers of what arrives; arg is the port. */
ucs_status_t bfs_peer_ucx_on_reply(void *arg, const void *header,
				   size_t header_len, void *data, size_t len,
				   const ucp_am_recv_param_t *param);
ucs_status_t bfs_peer_ucx_on_reset(void *arg, const void *header,
				   size_t header_len, void *data, size_t len,
				   const ucp_am_recv_param_t *param);

/* The peer has to be greeted anew, as soon as that is safe; error as for
 * bfs_peer_net_failed(). */
void bfs_peer_ucx_fail(struct bfs_ucx_out *o, int error);
/* What UCX holds of a request, in tx->net. */
#define BFS_UCX_SENDING 1u
#define BFS_UCX_RECEIVING 2u
void bfs_peer_ucx_hold(struct bfs_peer_tx *tx, unsigned what);
void bfs_peer_ucx_let_go(struct bfs_peer_tx *tx, unsigned what);
/* The connection that a message belongs to: in its `slot`. */
uint32_t bfs_peer_ucx_tag(const struct bfs_peer *p);

/* peer_ucx_buffer.c: room for the bulk of a call that is sent, or may come
 * back by rendezvous.  False: not now. */
bool bfs_peer_ucx_reserve(struct bfs_peer_tx *tx);
void bfs_peer_ucx_release(struct bfs_peer_tx *tx);
void bfs_peer_ucx_free_buffers(struct bfs_port_ucx *p);

#endif
