/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both sides of the ucx transport share: opening UCX, addresses, and the
 * form of messages.  Not thread-safe: the caller holds the worker's lock.
 *
 * A message is one active message.  Its header is struct bfs_ucx_head and, if
 * they fit, the fields; its payload is the bulk.  Fields too long for a header
 * are the payload of a message that has no bulk (no call has both).
 *
 * HELLO goes twice over tcp.  UCX 1.13 aborts the process whose peer dies while
 * the answer to UCX's own first message waits for the connection.  So the first
 * HELLO and its reply are messages that need nothing of UCX but a connection
 * (at_once); the second makes UCX exchange its ids when nothing has to wait.
 */
#ifndef BFS_UCX_COMMON_H
#define BFS_UCX_COMMON_H

#include "core/proto.h"

#include <stdbool.h>
#include <ucp/api/ucp.h>

enum bfs_ucx_id { /* active message ids; there is none below */
		  BFS_UCX_REQUEST,
		  BFS_UCX_REPLY,
		  BFS_UCX_RESET, /* "I do not know you": at most the slot */
		  BFS_UCX_PROBE, /* the daemon's, to itself */
		  BFS_UCX_IDS
};
#define BFS_UCX_HEAD_LEN 16
#define BFS_UCX_NO_SLOT 0xffffffffu /* of RESET: it answers nothing */
#define BFS_UCX_ADDRESS_MAX 8192

struct bfs_ucx {
	ucp_context_h context;
	ucp_worker_h worker;
	int fd;		   /* readable when an armed worker has work */
	size_t header_max; /* of an active message */
	bool tcp_only;	   /* no other transport can be chosen */
};

/* The settings of ucx_env.h must be in force.  0 or -errno, logged. */
int bfs_ucx_open(struct bfs_ucx *u);
void bfs_ucx_close(struct bfs_ucx *u);

/*
 * The worker's address as it is published: with magic, length and checksum.
 * Owned by the caller.  More may follow it (bfs_ucx_address_end).
 */
int bfs_ucx_address(struct bfs_ucx *u, void **address, size_t *len);

/* Where an address ends, in what was published; NULL: it is none. */
const uint8_t *bfs_ucx_address_end(const void *address, size_t len);

/*
 * Who gets what arrives; by id, NULL: it is dropped.  (UCX 1.13 must not be
 * left without a handler for an id below one that has a handler: it calls what
 * was never set.)  arg and flags as in ucp_am_handler_param_t.
 */
int bfs_ucx_handle(struct bfs_ucx *u,
		   const ucp_am_recv_callback_t fn[BFS_UCX_IDS], void *arg,
		   uint32_t flags);

/* An endpoint to a published address.  0; -EBADMSG if it is not one. */
int bfs_ucx_endpoint(struct bfs_ucx *u, const void *address, size_t len,
		     ucp_err_handler_cb_t on_error, void *arg, ucp_ep_h *ep);

struct bfs_ucx_head {
	uint32_t fields_len;
	uint32_t bulk_len; /* of the message */
	uint32_t in_cap;   /* how much bulk the reply may have */
	uint32_t slot;	   /* the client's; comes back in the reply */
};

/* BFS_UCX_HEAD_LEN bytes. */
void bfs_ucx_put_head(uint8_t *to, const struct bfs_ucx_head *h);

/* One message to be sent. */
struct bfs_ucx_msg {
	unsigned id; /* BFS_UCX_REQUEST or _REPLY */
	struct bfs_ucx_head head;
	/* BFS_UCX_HEAD_LEN free bytes and the fields behind them. */
	uint8_t *fields;
	const void *bulk;
	ucp_send_nbx_callback_t done; /* called unless sent at once */
	void *arg;
	bool want_reply_ep;
	bool at_once; /* -EAGAIN if it would have to wait in UCX */
};

/*
 * 0: sent; 1: under way, done() will be called, all buffers stay; -errno.
 * done() owns the request that it is given.
 */
int bfs_ucx_send(struct bfs_ucx *u, ucp_ep_h ep, struct bfs_ucx_msg *m);

/*
 * Check what arrived.  *fields is NULL if they are the payload.  -EBADMSG if
 * the lengths do not agree or go beyond proto.h's limits.
 */
int bfs_ucx_parse(const void *header, size_t header_len, size_t payload_len,
		  struct bfs_ucx_head *head, const uint8_t **fields);

/* UCX's status as -errno. */
int bfs_ucx_errno(ucs_status_t status);

#endif
