/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's event loop: descriptors by epoll, pollers (rings, UCX) that are
 * watched by looking, and timers.  It spins for spin_us after the last work, or
 * for longer (core/patience.h), then arms every poller and sleeps.  Owner
 * thread only.
 */
#ifndef BFS_LOOP_H
#define BFS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct bfs_cores;
struct bfs_loop;

struct bfs_timer {
	uint64_t at; /* bfs_now() clock; 0: not set */
	void (*fn)(struct bfs_timer *t);
	void *arg;
	struct bfs_timer *next;
};

/* NULL: no memory or no epoll, errno tells. */
struct bfs_loop *bfs_loop_new(unsigned spin_us);
void bfs_loop_free(struct bfs_loop *l);
void bfs_loop_set_spin(struct bfs_loop *l, unsigned spin_us);
/* Work is about to come. */
void bfs_loop_expect(struct bfs_loop *l);
/* It needs our core to come: no looking for it after this turn. */
void bfs_loop_rest(struct bfs_loop *l);

/* events as epoll's; level-triggered unless EPOLLET is among them.  0 or
 * -errno. */
int bfs_loop_add(struct bfs_loop *l, int fd, uint32_t events,
		 void (*fn)(void *arg, uint32_t events), void *arg);
/* Before fd is closed.  Harmless from within fn. */
void bfs_loop_del(struct bfs_loop *l, int fd);

/*
 * poll does a bounded amount of work and says how many things it did.  arm is
 * called before sleeping: 0, or -EBUSY if there is work after all.
 */
int bfs_loop_poller(struct bfs_loop *l, int (*poll)(void *arg),
		    int (*arm)(void *arg), void *arg);

/* Called at the end of each turn in which something happened.  One. */
void bfs_loop_at_end(struct bfs_loop *l, void (*fn)(void *arg), void *arg);

/*
 * What can wait for a turn in which nothing comes.  Called in each of those,
 * with the time since something came, until it says that there is no more; and
 * with BFS_LOOP_SLEEPS before the loop sleeps, which it does not while there is
 * more.  Each call should be short: who comes meanwhile waits.  One.
 */
#define BFS_LOOP_SLEEPS UINT64_MAX
void bfs_loop_chores(struct bfs_loop *l,
		     bool (*fn)(void *arg, uint64_t idle_ns), void *arg);

/* Set (again) for a point in time; at 0 takes it back.  t is the caller's. */
void bfs_loop_timer(struct bfs_loop *l, struct bfs_timer *t, uint64_t at);

/* One turn without waiting: how many things were done, or -errno. */
int bfs_loop_turn(struct bfs_loop *l);
/* When the next timer is due, UINT64_MAX: none is set. */
uint64_t bfs_loop_next(const struct bfs_loop *l);

/* Which core it runs on. */
struct bfs_cores *bfs_loop_cores(struct bfs_loop *l);

/* Until *stop is not NULL. */
int bfs_loop_run(struct bfs_loop *l, const char *const *stop);

#endif
