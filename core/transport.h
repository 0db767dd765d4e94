/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A transport carries one request to a daemon and brings its reply back.
 * Layers above see messages only: fields (encoded by proto.h) and, beside
 * them, bulk bytes.  Any thread may call; several calls may be under way.
 */
#ifndef BFS_TRANSPORT_H
#define BFS_TRANSPORT_H

#include "core/proto.h"

#include <stdbool.h>

/* One call under way; lives on the caller's stack. */
struct bfs_io {
	/* Set by begin(): where the request's fields are encoded. */
	uint8_t *req;
	size_t req_cap;

	/* Set by the caller between begin() and call(). */
	size_t req_len;
	const void *out; /* bulk that goes with the request */
	size_t out_len;
	bool filled; /* by fill(); begin() makes it false */
	void *in;    /* where the reply's bulk is to be put */
	size_t in_cap;
	uint64_t id;	    /* request id, also in the encoded head */
	uint64_t deadline;  /* bfs_now() clock; UINT64_MAX: none */
	bool interruptible; /* a signal ends the wait with -EINTR */
	/* The caller has blocked all signals, that none gets lost between two
	 * tries of an interruptible call: what was blocked before.  Or NULL. */
	const uint64_t *signals;

	/* Set by call(): valid until end(). */
	const uint8_t *rep;
	size_t rep_len;
	size_t in_len; /* bytes of bulk received, <= in_cap */
	int fd; /* passed descriptor, CLOEXEC, owned by the caller; or -1 */

	void *priv; /* the transport's own */
};

struct bfs_transport;

struct bfs_transport_ops {
	const char *name;
	/* Claim what the call needs.  0, -ETIMEDOUT, -ECONNRESET. */
	int (*begin)(struct bfs_transport *t, struct bfs_io *io);
	/*
	 * What can be done of sending before it: the bulk is put where the
	 * daemon will look for it.  NULL: nothing.
	 */
	void (*fill)(struct bfs_transport *t, struct bfs_io *io);
	/*
	 * Send and wait.  0: io->rep is set.  -ETIMEDOUT: the deadline passed
	 * and the effect is unknown or none; -ECONNRESET: the peer is gone;
	 * -EINTR: interruptible, and a signal came.  A late answer is dropped.
	 */
	int (*call)(struct bfs_transport *t, struct bfs_io *io);
	/*
	 * The two halves of call(), that one thread may have several under
	 * way; both or neither (NULL).  After an error of the first only
	 * end() follows, after success wait() must.
	 */
	int (*send)(struct bfs_transport *t, struct bfs_io *io);
	int (*wait)(struct bfs_transport *t, struct bfs_io *io);
	/* Release; must follow every successful begin(). */
	void (*end)(struct bfs_transport *t, struct bfs_io *io);
	/* Do other transports keep its descriptors (fds, below) when it goes?
	 * NULL: no. */
	bool (*shares_fds)(const struct bfs_transport *t);
	/* Unused for so long its connection is to end, though nobody makes a
	 * call: the next one fails (-ECONNRESET).  NULL: it stays. */
	void (*idle_after)(struct bfs_transport *t, uint64_t ns);
	/* Close and free; nobody is in a call.  After a fork the child calls
	 * forget instead, which touches nothing that is shared. */
	void (*destroy)(struct bfs_transport *t);
	void (*forget)(struct bfs_transport *t);
};

/* First member of every transport's own structure. */
struct bfs_transport {
	const struct bfs_transport_ops *ops;
	size_t bulk_max;  /* bytes of bulk one call can carry each way */
	const char *peer; /* who is at the other end, for log lines */
	/*
	 * What HELLO agreed on; set before other threads see the transport
	 * and never changed, so that a request always carries the identity of
	 * the connection it goes over.
	 */
	uint64_t session, ticket;
	uint32_t generation;
	/*
	 * Its daemon has not our calls' deadlines from when they arrive, but
	 * by its own clock, which we know: it begins with none that we have
	 * given up.  clock: what to add to bfs_now(), in milliseconds.
	 */
	bool bounded;
	uint64_t clock;
	/* Descriptors that are the transport's, for who has to guard them. */
	const int *fds;
	int nfds;
};

/*
 * The ucx module (libbenchfs_ucx.so, loaded with dlopen) exports this under
 * the name "bfs_ucx_connect".  address: the daemon's worker address.  On
 * success *t is the transport and local/local_len its own worker address,
 * which the caller sends in HELLO.  begin (or NULL) is called on the thread
 * that opens UCX, which may be a new one.
 */
typedef int bfs_ucx_connect_fn(const void *address, size_t len,
			       struct bfs_transport **t, const void **local,
			       size_t *local_len, void (*begin)(void));

#endif
