/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lock manager of one shard: fcntl byte-range locks (POSIX and OFD, which
 * conflict with each other) and flock (a space of its own), per inode, with
 * the rules of Linux.  Knows nothing of calls.  Owner thread only.
 */
#ifndef BFS_LOCK_H
#define BFS_LOCK_H

#include "core/proto.h"

#include <stdbool.h>

/* The request waits; the table's done() will be called. */
#define BFS_LOCK_WAITING 1

struct bfs_lock_table;
struct bfs_lock_wait;

/* POSIX: id is the process; OFD, flock: the description.  No padding: it is
 * a key. */
struct bfs_lock_owner {
	uint32_t space; /* enum bfs_lock_space */
	uint32_t uid;	/* 0 for POSIX: a process keeps its locks in setuid */
	uint64_t id;
	uint64_t node; /* the shard of its node's daemon */
};

static inline bool bfs_lock_same_owner(const struct bfs_lock_owner *a,
				       const struct bfs_lock_owner *b)
{
	return a->space == b->space && a->uid == b->uid && a->id == b->id &&
	       a->node == b->node;
}

/* A lock, held or wanted.  end is exclusive, UINT64_MAX: to the end. */
struct bfs_lock_range {
	struct bfs_lock_owner owner;
	uint64_t start, end;
	uint32_t type; /* F_RDLCK, F_WRLCK, F_UNLCK */
	uint32_t pid;  /* for F_GETLK; UINT32_MAX: belongs to no process */
};

struct bfs_lock_ops {
	/* A wait has ended: 0 (granted), -EDEADLK or -ENOLCK.  Called at the
	 * end of another request; may cancel other waits, nothing else. */
	void (*done)(void *cookie, int status);
	/* Does the owner still exist?  Asked of those that are in somebody's
	 * way (RULES 1).  NULL: they all do. */
	bool (*alive)(void *arg, uint64_t ino,
		      const struct bfs_lock_owner *owner);
	/* A lock is held from now on, or not any more.  NULL: nobody cares. */
	void (*changed)(void *arg, uint64_t ino, const struct bfs_lock_range *r,
			bool held);
	void *arg;
};

/* limit: locks and waits together.  NULL: no memory. */
struct bfs_lock_table *bfs_lock_table_new(const struct bfs_lock_ops *ops,
					  unsigned limit);
/* Nobody waits any more. */
void bfs_lock_table_free(struct bfs_lock_table *t);

/*
 * Set, change or (F_UNLCK) take away a lock; flock ignores the range.  With a
 * cookie it may wait: BFS_LOCK_WAITING, and *wait for bfs_lock_cancel().
 * Without, a conflict is -EAGAIN.  0; -EDEADLK (POSIX); -ENOLCK: the limit or
 * no memory.
 */
int bfs_lock_set(struct bfs_lock_table *t, uint64_t ino,
		 const struct bfs_lock_range *want, void *cookie,
		 struct bfs_lock_wait **wait);
/* One that was held before; nothing is in its way.  0 or -ENOLCK. */
int bfs_lock_restore(struct bfs_lock_table *t, uint64_t ino,
		     const struct bfs_lock_range *r);
/* The conflicting lock that starts first, or *found with type F_UNLCK. */
void bfs_lock_test(struct bfs_lock_table *t, uint64_t ino,
		   const struct bfs_lock_range *want,
		   struct bfs_lock_range *found);
/* Stop waiting; done() is not called. */
void bfs_lock_cancel(struct bfs_lock_table *t, struct bfs_lock_wait *wait);
/* The same wait under another cookie. */
void bfs_lock_move(struct bfs_lock_wait *wait, void *cookie);

/* The owner is gone: all its locks, on all inodes. */
void bfs_lock_drop(struct bfs_lock_table *t,
		   const struct bfs_lock_owner *owner);
/* Look whether those that are waited for still exist. */
void bfs_lock_sweep(struct bfs_lock_table *t);

/* A process waits for what another one holds.  The numbers stay the same so
 * long as it waits and the lock is held. */
struct bfs_lock_edge {
	uint64_t wait, since; /* since: bfs_now() */
	uint64_t lock;
	struct bfs_lock_owner blocker;
};
/* For whom a process waits here.  How many; no more than max are told. */
unsigned bfs_lock_edges(struct bfs_lock_table *t,
			const struct bfs_lock_owner *owner,
			struct bfs_lock_edge *edges, unsigned max);
/* A process that waits and has not been looked at for that long, or never. */
bool bfs_lock_next_wait(struct bfs_lock_table *t, uint64_t now, uint64_t period,
			struct bfs_lock_owner *owner);
/* Is there one? */
bool bfs_lock_wait_due(const struct bfs_lock_table *t, uint64_t now);
/* That wait of the process, if it lasts still, ends with -EDEADLK. */
void bfs_lock_victim(struct bfs_lock_table *t,
		     const struct bfs_lock_owner *owner, uint64_t wait);

/* How many locks are held, and how many requests wait. */
unsigned bfs_lock_held(const struct bfs_lock_table *t);
unsigned bfs_lock_waiting(const struct bfs_lock_table *t);

#endif
