/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that make up hidden.h share. */
#ifndef BFS_HIDDEN_IMPL_H
#define BFS_HIDDEN_IMPL_H

#include "server/hash.h"
#include "server/hidden.h"
#include "server/turn.h"

#define BFS_HIDDEN_PIECE (4u << 20) /* worked on between two looks around */

struct bfs_hidden {
	struct bfs_server *server;
	uint64_t ino;
	uint64_t reg;	 /* the home's name for our mapping; 0: none */
	int fd;		 /* of the hidden file, to read; -1: none yet */
	int twin;	 /* -1: nobody stores into it */
	uint64_t size;	 /* of both */
	uint64_t change; /* the state of the home's that they were last in */
	bool stale;	 /* the home has started anew */
	bool gone;	 /* the home has no such file any more */
	int error;	 /* of a write-back that nobody has been told of */
	struct bfs_turn turn; /* for what waits in between */
	unsigned refs;
	UT_hash_handle hh;
};

struct bfs_hiddens {
	struct bfs_server *server;
	struct bfs_hidden *all; /* uthash by ino */
	struct bfs_timer timer; /* runs while there are any */
	bool looking, again;
	uint64_t not_before;
};

/* Has anybody the hidden file open or mapped; ... so that he can store? */
bool bfs_hidden_used(const struct bfs_hidden *h);
bool bfs_hidden_stored(const struct bfs_hidden *h);
/* NULL: that file is not mapped here. */
struct bfs_hidden *bfs_hidden_find(const struct bfs_server *s, uint64_t ino);
/* On a fiber: h's turn and a reference, 0 or -errno; and both back, which may
 * free h. */
int bfs_hidden_hold(struct bfs_hidden *h, uint64_t deadline);
void bfs_hidden_let_go(struct bfs_hidden *h);
/* A new descriptor of the hidden file. */
int bfs_hidden_reopen(const struct bfs_hidden *h, int flags);

/*
 * With h's turn, on a fiber; 0 or -errno.  take: the content of [from, to), as
 * the home has it now, with the size.  all: it has been written, so what was
 * stored there before is lost; else only what has changed is taken.  flush:
 * what was stored goes to the home.
 */
int bfs_hidden_take(struct bfs_hidden *h, uint64_t from, uint64_t to, bool all,
		    uint64_t deadline);
int bfs_hidden_flush(struct bfs_hidden *h, uint64_t deadline);
/* The same, also where the home has started anew meanwhile. */
int bfs_hidden_sync(struct bfs_hidden *h, uint64_t deadline);
/* Let others have their turn of the loop. */
void bfs_hidden_pause(struct bfs_server *s);

#endif
