/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client's side of UCX: one context and worker for the process, and on it a
 * way (a transport) to each daemon that it talks to.  Any thread; what is
 * marked "lock" is touched under it only.  Signals are blocked while it is
 * held, so that a handler never finds its own thread holding it.  Ways come and
 * go in one thread at a time (the caller sees to that).
 */
#ifndef BFS_UCX_CLIENT_H
#define BFS_UCX_CLIENT_H

#include "core/patience.h"
#include "core/transport.h"
#include "core/ucx_common.h"
#include "core/ucx_fds.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/types.h>

#define BFS_UCX_SLOTS 64  /* calls of the process at once */
#define BFS_UCX_PENDING 1 /* result of a call that has no answer yet */

enum {
	BFS_UCX_FREE,
	BFS_UCX_TAKEN,
	BFS_UCX_LEFT, /* by its caller, but not yet by UCX */
};

/* One call under way. */
struct bfs_ucx_slot {
	_Atomic uint32_t claimed; /* BFS_UCX_FREE.. */
	_Atomic uint32_t news;	  /* futex of a waiter that does not lead */

	/* lock */
	struct bfs_ucx_client *client;
	struct bfs_ucx_way *way; /* of the call that has it now */
	struct bfs_io *io;	 /* NULL: nobody waits for the answer */
	uint64_t id;
	int result;		 /* BFS_UCX_PENDING, 0 or -errno */
	bool sending, receiving; /* UCX holds our buffers */
	bool asleep;
	size_t rep_len, in_len;
	uint8_t req[BFS_UCX_HEAD_LEN + BFS_FIELDS_MAX];
	uint8_t rep[BFS_FIELDS_MAX];
};

/* To one daemon. */
struct bfs_ucx_way {
	struct bfs_transport base;
	struct bfs_ucx_client *client;
	ucp_ep_h ep;
	struct bfs_ucx_fds fds;

	/* lock */
	struct bfs_ucx_way *next;
	bool failed; /* UCX says that the daemon is gone */
	bool dead;   /* the endpoint is closed */
	bool closed;
	bool opening;  /* low descriptor numbers are kept from UCX */
	bool met;      /* HELLO has been answered */
	uint64_t used; /* last; bfs_now() */
	uint64_t idle; /* unused for so many ns it is closed; 0: never */
};

struct bfs_ucx_client {
	struct bfs_ucx ucx;
	void *address;
	size_t address_len;
	struct bfs_ucx_client *next; /* ucx_fork.c */
	pid_t ucx_tid; /* UCX's own thread, if this one has started it */
	_Atomic uint32_t freed; /* futex: a slot was given back */
	_Atomic uint32_t claimers;

	_Atomic uint32_t lock; /* 0 free, 1 held, 2 held and waited for */
	/* lock */
	struct bfs_ucx_way *ways;
	bool trouble; /* some way has failed */
	/* UCX does not let go of a call's memory: it is not touched again. */
	bool broken;
	struct bfs_ucx_slot *leader; /* sleeps on the worker for all */
	pid_t leader_tid;
	unsigned followers; /* who sleep on their slots */
	bool leader_asleep;
	int wake_fd; /* eventfd that wakes the leader */
	int idle_fd; /* ucx_idle.c's timer; -1: none */
	struct bfs_patience patience;

	struct bfs_ucx_slot slot[BFS_UCX_SLOTS];
};

/* ucx_client.c */
extern const struct bfs_transport_ops bfs_ucx_ops;
void bfs_ucx_release(struct bfs_ucx_slot *s);
/* UCX has what it needs: low descriptor numbers are free again. */
void bfs_ucx_settle_fds(struct bfs_ucx_way *w);

/* ucx_connect.c */
/* Are its descriptors other ways' too? */
bool bfs_ucx_way_shares_fds(const struct bfs_ucx_way *w);
/* The way is gone, and with the last one the client. */
void bfs_ucx_way_free(struct bfs_ucx_way *w);
/* The same in a forked child, which leaves UCX alone... */
void bfs_ucx_way_forget(struct bfs_ucx_way *w);
/* ... and whose next way is on a client of its own. */
void bfs_ucx_client_forget(void);

/* ucx_answer.c: called by UCX under the lock. */
void bfs_ucx_on_sent(void *req, ucs_status_t status, void *arg);
ucs_status_t bfs_ucx_on_reply(void *arg, const void *header, size_t header_len,
			      void *data, size_t len,
			      const ucp_am_recv_param_t *param);

/* ucx_wait.c */
void bfs_ucx_lock(struct bfs_ucx_client *u, uint64_t *signals);
void bfs_ucx_unlock(struct bfs_ucx_client *u, const uint64_t *signals);

/* Signals stay blocked. */
void bfs_ucx_unlock_only(struct bfs_ucx_client *u);

/* Under the lock: is the call over and our memory our own again? */
bool bfs_ucx_over(const struct bfs_ucx_slot *s);
/* Under the lock: the slot's state changed, tell its waiter. */
void bfs_ucx_tell(struct bfs_ucx_slot *s);
/* Under the lock: see that what was just sent is not left lying. */
void bfs_ucx_nudge(struct bfs_ucx_client *u);
/* Lock held on entry and return: let UCX work, and the peer. */
void bfs_ucx_nap(struct bfs_ucx_client *u, const uint64_t *signals);
/* Under the lock: close the endpoint; its calls end with -ECONNRESET. */
void bfs_ucx_bury(struct bfs_ucx_way *w);

/*
 * Wait, lock held and signals blocked on entry and return, until s is over.
 * 0, -ETIMEDOUT or -EINTR; the caller looks whether it is over all the same.
 */
int bfs_ucx_wait(struct bfs_ucx_slot *s, const struct bfs_io *io,
		 const uint64_t *signals);

/* ucx_idle.c: ways that are not used end, also if the program makes no call. */
int bfs_ucx_idle_start(struct bfs_ucx_client *u);
void bfs_ucx_idle_stop(struct bfs_ucx_client *u);
void bfs_ucx_idle_after(struct bfs_transport *t, uint64_t ns);

/* ucx_fork.c: clients that a fork has to wait for. */
void bfs_ucx_fork_add(struct bfs_ucx_client *u);
void bfs_ucx_fork_del(struct bfs_ucx_client *u);
pid_t bfs_ucx_newest_thread(void);
/* Has an ancestor had UCX open when it forked? */
bool bfs_ucx_forked(void);
/*
 * fn(arg), which opens UCX; in a forked child on a thread of its own.
 * -EDEADLK: UCX was busy when the parent forked and is stuck; arg stays in
 * use for ever.
 */
int bfs_ucx_guard(int (*fn)(void *arg), void *arg);

/*
 * An error of sending.  Once there was a connection it has ended, whatever UCX
 * calls that ("endpoint timeout"): the call is not over, but another connection
 * is needed.
 */
static inline int bfs_ucx_lost(const struct bfs_ucx_way *w, int r)
{
	return w->met && r != -ENOMEM && r != -EMSGSIZE && r != -EAGAIN
		       ? -ECONNRESET
		       : r;
}

#endif
