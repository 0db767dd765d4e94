/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client and daemon in one process, joined by a network that a test controls:
 * seeded delays and reordering, loss, duplication, broken connections.  Time is
 * virtual: it jumps to the next event when every client thread waits, so a
 * time-out of 30 s costs nothing and no test sleeps.  Any thread may call; the
 * daemon's side runs inside the calls, one at a time.
 */
#ifndef BFS_TRANSPORT_LOOP_H
#define BFS_TRANSPORT_LOOP_H

#include "core/transport.h"

struct bfs_tloop;

/* What becomes of a message. */
enum bfs_tloop_fate {
	BFS_TLOOP_PASS,
	BFS_TLOOP_LOSE,	     /* silently: the caller times out */
	BFS_TLOOP_RESET,     /* lost, and the connection with it */
	BFS_TLOOP_BREAK,     /* the connection goes, the message arrives... */
	BFS_TLOOP_STRAY,     /* ...an hour later */
	BFS_TLOOP_DUPLICATE, /* arrives twice */
	BFS_TLOOP_INTERRUPT, /* arrives; the caller gets a signal first */
};

/* A message as the network and the daemon's side see it. */
struct bfs_tloop_msg {
	uint64_t conn; /* number of the connection, from 1 */
	bool reply;
	uint32_t op;
	uint64_t id;
	const void *fields, *bulk;
	size_t fields_len, bulk_len;
	size_t in_cap; /* request: room for the reply's bulk */
};

struct bfs_tloop_config {
	uint64_t seed;
	/* Each message travels between these; they overtake each other. */
	uint64_t delay_min_ns, delay_max_ns;
	/* The fate of each message as it is sent; NULL: all arrive. */
	enum bfs_tloop_fate (*decide)(void *arg, const struct bfs_tloop_msg *m);
	/* A request has arrived; borrowed until the function returns. */
	void (*deliver)(void *arg, const struct bfs_tloop_msg *m);
	/* The connection has ended; may be NULL. */
	void (*closed)(void *arg, uint64_t conn);
	void *arg;
};

struct bfs_tloop_counts {
	unsigned requests, replies, lost, late;
};

/* A network; the calling thread counts as its one client.  NULL: no memory. */
struct bfs_tloop *bfs_tloop_new(const struct bfs_tloop_config *config);
/* All transports have been destroyed.  Undelivered messages are dropped. */
void bfs_tloop_free(struct bfs_tloop *net);

/* A new connection, or NULL. */
struct bfs_transport *bfs_tloop_connect(struct bfs_tloop *net);
/* Its number, as in struct bfs_tloop_msg. */
uint64_t bfs_tloop_number(const struct bfs_transport *t);

/* Send a reply from inside deliver; everything is copied, fd is taken over. */
void bfs_tloop_answer(struct bfs_tloop *net, const struct bfs_tloop_msg *m,
		      int fd);

/*
 * Clients that run and may call: time stands still until all of them wait.
 * +1 before a thread starts, -1 when it ends or waits for something else.
 */
void bfs_tloop_running(struct bfs_tloop *net, int delta);

/* Let everything that is under way arrive. */
void bfs_tloop_drain(struct bfs_tloop *net);

struct bfs_tloop_counts bfs_tloop_counts(const struct bfs_tloop *net);

#endif
