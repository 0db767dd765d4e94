/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arenas that the daemon makes, one for each user on this node, and which
 * of their descriptions are alive (RULES 1, 4, 35).  Owner thread only.
 */
#ifndef BFS_SERVER_ARENA_H
#define BFS_SERVER_ARENA_H

#include "core/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct bfs_arenas;
struct bfs_arena_sweep;

/* secret: the cluster's, 16 bytes that are used at each arena and outlive it.
 */
struct bfs_arenas *bfs_arenas_new(const uint8_t *secret);
/*
 * One that an earlier run made, if it is what we make (RULES 35); takes the
 * descriptors.  0, -EEXIST, -EPROTO, -errno.
 */
int bfs_arenas_adopt(struct bfs_arenas *a, uint32_t uid, int arena_fd,
		     int empty_fd);
/* Called for each that is made. */
void bfs_arenas_on_new(struct bfs_arenas *a,
		       void (*made)(void *arg, uint32_t uid, int arena_fd,
				    int empty_fd),
		       void *arg);
/* Each description that is alive. */
void bfs_arenas_each(struct bfs_arenas *a,
		     void (*fn)(void *arg, uint32_t uid, uint32_t slot,
				const struct bfs_desc *d),
		     const struct bfs_arena_sweep *ops);
/*
 * The same in the order of (uid, slot), from there on, until fn says that it
 * takes no more: then true, and the next call goes on with that one.  *making:
 * records that are being made have been met.
 */
bool bfs_arenas_page(struct bfs_arenas *a, uint32_t *uid, uint32_t *slot,
		     bool (*fn)(void *arg, uint32_t uid, uint32_t slot,
				const struct bfs_desc *d),
		     const struct bfs_arena_sweep *ops, bool *making);
void bfs_arenas_free(struct bfs_arenas *a);

/* Descriptors of the user's arena and of its empty memfd, both ours. */
int bfs_arenas_get(struct bfs_arenas *a, uint32_t uid, int *arena_fd,
		   int *empty_fd, uint64_t *empty_ino);

/* Whose arena has that key?  False: nobody's. */
bool bfs_arenas_owner(struct bfs_arenas *a, uint64_t key, uint32_t *uid);

/*
 * The record whose lock tells that the description is alive: that one, or,
 * where a program was executed as another user, the one that it was opened
 * with.  False: it is in use for something else, or not at all.
 */
bool bfs_arenas_signer(struct bfs_arenas *a, uint32_t *uid, uint32_t *slot,
		       uint32_t *gen);
/* Is this still the same use of the record? */
bool bfs_arenas_current(struct bfs_arenas *a, uint32_t uid, uint32_t slot,
			uint32_t gen);
/* Is it, and its process has no description for it yet? */
bool bfs_arenas_making(struct bfs_arenas *a, uint32_t uid, uint32_t slot,
		       uint32_t gen);
/* Does anybody hold the placeholder of this record?  arg: the arenas. */
bool bfs_arenas_alive(void *arg, uint32_t uid, uint32_t slot, uint32_t gen);

struct bfs_arena_sweep {
	/* Is the data file's lock of a passed-through description held? */
	bool (*pass_alive)(void *arg, uint64_t ino, uint32_t uid,
			   uint32_t slot);
	/* A description with BFS_RIGHT_SYNC went with nobody closing it. */
	void (*closed)(void *arg, struct bfs_handle h);
	void *arg;
};
enum bfs_swept {
	BFS_SWEPT,	/* nothing is left to look at */
	BFS_SWEPT_SOON, /* call again in a second */
	BFS_SWEPT_PART, /* the round is not over: call again when others had
			 * their turn */
};
/*
 * Free the records whose descriptions are gone.  The kernel looks through all
 * locks of a file for each of its records, so a round may take long: it goes
 * on where the last call stopped.
 */
enum bfs_swept bfs_arenas_sweep(struct bfs_arenas *a,
				const struct bfs_arena_sweep *ops);

/* Are there mappings of other nodes' files that are stored into? */
void bfs_arenas_stored(struct bfs_arenas *a, bool yes);

/* The sum of what clients have reported, by enum bfs_stat. */
uint64_t bfs_arenas_stat(struct bfs_arenas *a, unsigned stat);

#endif
