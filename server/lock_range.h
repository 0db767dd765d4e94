/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the lock manager: the held locks of one inode, as ranges that an
 * owner's request merges, cuts and splits.  Owner thread only.
 */
#ifndef BFS_LOCK_RANGE_H
#define BFS_LOCK_RANGE_H

#include "server/hash.h"
#include "server/lock.h"

#include <fcntl.h>

/* One held lock; in its inode's list and in its owner's. */
struct bfs_lock {
	struct bfs_lock_range r;
	struct bfs_lock_inode *inode;
	struct bfs_lock_holder *holder;
	uint64_t id;			/* as long as it is held */
	struct bfs_lock *prev, *next;	/* of the inode, by start */
	struct bfs_lock *oprev, *onext; /* of the owner */
};

struct bfs_lock_wait {
	struct bfs_lock_range want;
	struct bfs_lock_inode *inode; /* NULL: over, done() is due */
	struct bfs_lock_holder *holder;
	void *cookie;
	int status;
	struct bfs_lock_wait *prev, *next;   /* of the inode, first come first,
					      * or of the table's over */
	struct bfs_lock_wait *oprev, *onext; /* of the owner */
	uint64_t id, since;
	uint64_t look_at;		     /* bfs_lock_next_wait() */
	struct bfs_lock_wait *lprev, *lnext; /* of the table, by look_at */
};

struct bfs_lock_inode {
	uint64_t ino;
	struct bfs_lock *held;
	struct bfs_lock_wait *waits;
	UT_hash_handle hh;
};

/* An owner that holds or wants something. */
struct bfs_lock_holder {
	struct bfs_lock_owner owner;
	struct bfs_lock *held;
	struct bfs_lock_wait *waits;
	uint64_t visited; /* by the search for cycles */
	UT_hash_handle hh;
};

struct bfs_lock_table {
	struct bfs_lock_ops ops;
	unsigned limit, held, waiting;
	unsigned purge_at;	     /* so many held: look for dead owners */
	uint64_t search;	     /* number of the last search for cycles */
	uint64_t last_id;	     /* of a lock or a wait */
	struct bfs_lock_wait *posix; /* those that can deadlock */
	struct bfs_lock_inode *inodes;
	struct bfs_lock_holder *holders;
	struct bfs_lock_wait *over; /* ended, done() not called yet */
};

/* Do they exclude each other? */
bool bfs_lock_conflict(const struct bfs_lock_range *a,
		       const struct bfs_lock_range *b);

/*
 * Make want what its owner holds in that range of the inode, which nothing
 * excludes.  0, or -ENOLCK and nothing has changed.
 */
int bfs_lock_apply(struct bfs_lock_table *t, struct bfs_lock_inode *i,
		   struct bfs_lock_holder *h,
		   const struct bfs_lock_range *want);
void bfs_lock_remove(struct bfs_lock_table *t, struct bfs_lock *l);

/* Would waiting for want close a circle of waiting processes? */
bool bfs_lock_deadlock(struct bfs_lock_table *t, struct bfs_lock_inode *i,
		       const struct bfs_lock_range *want);

#endif
