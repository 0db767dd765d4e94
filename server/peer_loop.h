/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many daemons in one process, joined by a network that a test controls:
 * seeded delays, loss, duplication, broken connections, daemons that are
 * killed, started anew, or cut off.  Time is virtual (bfs_now() too): it jumps
 * to whatever happens next, so nothing ever sleeps.  One thread.
 */
#ifndef BFS_PEER_LOOP_H
#define BFS_PEER_LOOP_H

#include "server/peer.h"

struct bfs_ploop;

/* What becomes of a message. */
enum bfs_ploop_fate {
	BFS_PLOOP_PASS,
	BFS_PLOOP_LOSE,	     /* silently */
	BFS_PLOOP_DUPLICATE, /* arrives twice */
	BFS_PLOOP_BREAK,     /* lost, and its connection with it */
	BFS_PLOOP_STRAY,     /* its connection goes, and it arrives later */
};

struct bfs_ploop_msg {
	unsigned from, to;
	bool reply;
	uint32_t op;
};

struct bfs_ploop_config {
	uint64_t seed;
	unsigned shards;
	/* Each message travels between these; they overtake each other. */
	uint64_t delay_min_ns, delay_max_ns;
	/* Of 1000 messages. */
	unsigned lose, duplicate, breaks, stray;
	unsigned damage; /* arrive with some bytes changed */
	/* The fate of each message as it is sent; NULL: by the numbers. */
	enum bfs_ploop_fate (*decide)(void *arg, const struct bfs_ploop_msg *m);
	void *arg;
};

/* NULL: no memory.  Virtual time begins; one network at a time. */
struct bfs_ploop *bfs_ploop_new(const struct bfs_ploop_config *config);
/* All servers have left. */
void bfs_ploop_free(struct bfs_ploop *net);

/* The loop that all servers share: their s->loop. */
struct bfs_loop *bfs_ploop_loop(struct bfs_ploop *net);

/*
 * The daemon of s->shard starts: makes s->peers.  s->loop, nshards, cluster,
 * list_hash, secret and, if it matters, incarnation are set.  0 or -errno.
 */
int bfs_ploop_join(struct bfs_ploop *net, struct bfs_server *s);
/*
 * It is killed: from here on nothing that it sends arrives, what was sent
 * before does, and the others' connections to it are reset.  Its own calls end
 * with -ECANCELED, so that its fibers end; s->peers is freed.
 */
void bfs_ploop_kill(struct bfs_ploop *net, struct bfs_server *s);
/* Nothing comes through to it or from it, without a word; or again. */
void bfs_ploop_cut(struct bfs_ploop *net, unsigned shard, bool cut);

/* The next thing happens.  False: nothing is left to happen. */
bool bfs_ploop_step(struct bfs_ploop *net);
/* Until *done, or for so long: was it done? */
bool bfs_ploop_run(struct bfs_ploop *net, const bool *done, uint64_t max_ns);

/* Requests sent so far, by op; greetings included. */
uint64_t bfs_ploop_sent(const struct bfs_ploop *net, uint32_t op);
uint64_t bfs_ploop_total(const struct bfs_ploop *net);

#endif
