/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network inside the loop transport: messages on their way, what happens to
 * them, and the virtual clock.  Shared by loop_net.c and transport_loop.c only;
 * the network's mutex is held in each call.
 */
#ifndef BFS_LOOP_NET_H
#define BFS_LOOP_NET_H

#include "core/transport_loop.h"

#include <pthread.h>

/* A message under way, or the news that a connection is gone. */
struct bfs_tloop_event {
	struct bfs_tloop_event *next;
	uint64_t time;
	bool reset;
	int fd;
	struct bfs_tloop_msg m; /* owns fields and bulk */
};

struct bfs_tloop_conn {
	struct bfs_transport t;
	struct bfs_tloop *net;
	struct bfs_tloop_conn *next;
	uint64_t number;
	bool broken;
};

/* A call under way; bfs_io.priv. */
struct bfs_tloop_waiter {
	struct bfs_tloop_waiter *next;
	struct bfs_io *io;
	struct bfs_tloop_conn *conn;
	uint64_t deadline; /* virtual */
	bool done;
	int result;
	uint8_t req[BFS_FIELDS_MAX];
	uint8_t rep[BFS_FIELDS_MAX];
};

struct bfs_tloop {
	struct bfs_tloop_config config;
	struct bfs_tloop_counts counts;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t now, random, last_conn;
	int running;
	struct bfs_tloop_event *events; /* by time */
	struct bfs_tloop_waiter *waiters;
	struct bfs_tloop_conn *conns;
};

/* Decide on m and send it.  fd is taken over. */
void bfs_tloop_send(struct bfs_tloop *net, const struct bfs_tloop_msg *m,
		    int fd);
/* The wait has ended, unless it has already. */
void bfs_tloop_wake(struct bfs_tloop *net, struct bfs_tloop_waiter *w,
		    int result);
void bfs_tloop_break(struct bfs_tloop *net, uint64_t conn);
/* Time jumps to whatever happens next. */
void bfs_tloop_step(struct bfs_tloop *net);

#endif
