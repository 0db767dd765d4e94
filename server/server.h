/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's state.  Owner thread only.
 */
#ifndef BFS_SERVER_H
#define BFS_SERVER_H

#include "core/config.h"
#include "server/loop.h"
#include "server/serve.h"

struct bfs_arenas;
struct bfs_copies;
struct bfs_far_ended;
struct bfs_hiddens;
struct bfs_mapped;
struct bfs_special;
struct bfs_journal;
struct bfs_join;
struct bfs_lock_table;
struct bfs_members;
struct bfs_place;
struct bfs_peers;
struct bfs_process;
struct bfs_reclaim;
struct bfs_syncfs;
struct bfs_uring;

/* The hash of the list of a daemon that is alone. */
#define BFS_LIST_ALONE 1u

struct bfs_server {
	struct bfs_config config;
	struct bfs_loop *loop;
	struct bfs_fs *fs;
	struct bfs_journal *journal; /* NULL: none */
	struct bfs_uring *uring;     /* NULL: make plain calls */
	struct bfs_syncfs *syncfs;   /* NULL: nobody has asked */
	struct bfs_arenas *arenas;
	struct bfs_lock_table *locks;
	struct bfs_timer lock_timer;  /* runs while somebody waits for a lock */
	struct bfs_session *sessions; /* uthash by id */
	bool awaits; /* clients of our last run, see bfs_session_awaited() */
	int holder;  /* the connection to it; -1: none */
	struct bfs_process *processes; /* of this node; uthash by pid */
	uint32_t *allowed; /* users who may connect besides our own */
	unsigned nallowed;
	bool allow_all;
	uint64_t cluster, list_hash;
	/* Our place in the ordered list of members; alone: shard 0 of 1. */
	unsigned shard, nshards;
	/* Of this run: greater at each start.  0: taken from the clock. */
	uint64_t incarnation;
	bool remembers; /* the answers of sessions outlive us (journal) */
	struct bfs_peers *peers; /* the other daemons; NULL: we are alone */
	/* Where a shard's daemon is and in which incarnation (0: unknown), as
	 * of now.  Borrowed until the next call.  0 or -errno. */
	int (*peer_address)(struct bfs_server *s, unsigned shard,
			    const void **addr, size_t *len,
			    uint64_t *incarnation);
	/* Has its process certainly ended, and has no new one said where it
	 * is?  NULL: nobody can tell. */
	bool (*peer_ended)(struct bfs_server *s, unsigned shard);
	/* That daemon was started anew: it knows nothing of what it was told
	 * before, unless it remembers.  From the loop's stack.  May be NULL. */
	void (*peer_new)(struct bfs_server *s, unsigned shard);
	/* Is that shard's daemon on this node, and where is its data?  NULL:
	 * there is no other. */
	bool (*same_node)(const struct bfs_server *s, unsigned shard);
	const char *(*data_dir_of)(const struct bfs_server *s, unsigned shard);
	/* Of each shard the lowest one on its node; NULL: each is alone on its
	 * node. */
	uint16_t *node_first;
	struct bfs_copies *copies;	   /* copy.c's own */
	struct bfs_hiddens *hiddens;	   /* hidden.c's own */
	struct bfs_mapped *mapped;	   /* mappers.c's own (uthash by ino) */
	uint64_t map_regs;		   /* given out */
	struct bfs_special *specials;	   /* special.c's own (utlist DL) */
	unsigned deadlock_searches;	   /* under way (deadlock.c) */
	bool sweeping;			   /* lock_timer does */
	struct bfs_far_owners *far_owners; /* far_owner.c's own */
	struct bfs_far_ended *far_ended;   /* far.c's own (utlist LL) */
	struct bfs_reclaim *reclaim;	   /* reclaim.c's own */
	struct bfs_join *join;		   /* join.c's own; NULL: one daemon */
	struct bfs_place *place;	   /* NULL: one daemon */
	struct bfs_members *members;	   /* NULL: one daemon */
	uint8_t secret[16];
	bool pass;	  /* descriptors may be passed through */
	char *run_dir;	  /* owned; absolute */
	const char *stop; /* not NULL: why we are stopping */
	int failed;	  /* -errno, if that is no good reason */
	int signal_fd;
	struct bfs_daemon *daemon; /* daemon.c's own */
	/* Requests come: see to it that what is left behind gets swept.
	 * NULL: nobody sweeps (unit tests). */
	void (*busy)(struct bfs_server *s);
	/* A session is over.  NULL: nobody wants to know. */
	void (*over)(void *arg);
	void *over_arg;
	/* Read the configuration again, into fresh. */
	void (*reload)(void *arg, struct bfs_config *fresh, bool *ok);
	void *reload_arg;
};

#endif
