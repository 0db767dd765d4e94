/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several daemons with their file systems in one process, over the loop
 * network, and a client on each node that calls one after the other.
 */
#ifndef BFS_TESTS_CLUSTER_UNIT_H
#define BFS_TESTS_CLUSTER_UNIT_H

#include "tests/unit/unit.h"

#include "core/layout.h"
#include "server/peer_loop.h"
#include "server/session.h"

#define CLUSTER_IN (1u << 19)
/* What a message takes, on average. */
#define CLUSTER_UNIT_DELAY_NS 25500u

struct cluster_unit_conf {
	unsigned n;
	uint64_t seed;
	struct bfs_layout layout; /* the root's */
	unsigned per_node;	  /* daemons; 0: 1 */
	uint64_t delay_max_ns;	  /* 0: 50 us */
	unsigned copies;	  /* of directories, bound; 0: any */
	bool journal;		  /* daemons can be started anew */
	/* ...and answers wait for the log (cluster_step, not bfs_ploop_step) */
	bool turns;
	/* Of 1000 messages. */
	unsigned lose, duplicate, breaks, stray;
	/* Instead: the fate of each. */
	enum bfs_ploop_fate (*decide)(void *arg, const struct bfs_ploop_msg *m);
	void *arg;
};

struct cluster_unit {
	struct cluster_unit_conf conf;
	unsigned n;
	struct bfs_ploop *net;
	struct bfs_server *servers;
	struct bfs_session **clients; /* one on each node */
	struct bfs_place *place;
	uint16_t *node_first;
	struct bfs_timer sweep;
	struct bfs_cred cred;
	char dir[64];
	uint64_t next_id;
	uint8_t rep[BFS_FIELDS_MAX]; /* of the last call */
	uint8_t in[CLUSTER_IN];	     /* its bulk */
	size_t in_len;
	const void *out; /* bulk of the next call, once */
	size_t out_len;
};

/* n daemons, each with a data directory of its own. */
struct cluster_unit *cluster_unit_new(unsigned n, uint64_t seed);
struct cluster_unit *cluster_unit_with(const struct cluster_unit_conf *conf);
/* The same with striped files, and daemons that can be killed. */
struct cluster_unit *cluster_unit_striped(unsigned n, uint64_t seed,
					  unsigned log2);
/* The same with whole files. */
struct cluster_unit *cluster_unit_new_journal(unsigned n, uint64_t seed);
void cluster_unit_free(struct cluster_unit *u);
/* kill -9, when no client of that node waits; and its next start. */
void cluster_unit_kill(struct cluster_unit *u, unsigned node);
void cluster_unit_start(struct cluster_unit *u, unsigned node);
/* The next thing happens.  False: nothing is left to happen. */
bool cluster_step(struct cluster_unit *u);
/* So much time passes, in which each daemon looks after what is left to do
 * once a second. */
void cluster_pass(struct cluster_unit *u, unsigned secs);

/* cluster_<name>(u, node, &req, &rep): a client's call at that node's daemon;
 * strings of rep last until the next call. */
#define RPC(num, NAME, name, flags, reqf, repf) \
	int cluster_##name(struct cluster_unit *u, unsigned node, \
			   const struct bfs_##name##_req *req, \
			   struct bfs_##name##_rep *rep);
#include "core/proto.def"
#undef RPC

/* A call that is not waited for: start several, then finish each. */
struct cluster_call;
struct cluster_call *cluster_start(struct cluster_unit *u, unsigned node,
				   uint32_t op, const uint8_t *fields,
				   size_t len);
/* Has it been answered? */
bool cluster_done(const struct cluster_call *c);
/* Its status.  The call is freed; reply in u->rep, bulk in u->in. */
int cluster_finish(struct cluster_unit *u, struct cluster_call *c);

struct bfs_handle cluster_root(struct cluster_unit *u);
struct bfs_str cluster_str(const char *s);

/* Short words, as those of fs_unit.h; paths start at the root. */
int cluster_mkdir_at(struct cluster_unit *u, unsigned node, const char *path,
		     unsigned mode);
int cluster_create(struct cluster_unit *u, unsigned node, const char *path,
		   int flags, unsigned mode);
int cluster_stat(struct cluster_unit *u, unsigned node, const char *path,
		 struct bfs_attr *a);
int cluster_remove(struct cluster_unit *u, unsigned node, const char *path,
		   bool dir);
int cluster_move(struct cluster_unit *u, unsigned node, const char *from,
		 const char *to, unsigned flags);
int cluster_name(struct cluster_unit *u, unsigned node, const char *from,
		 const char *to);

#endif
