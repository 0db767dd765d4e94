/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One client process's connection to the local port, and its process's life.
 * Owner thread only.
 */
#ifndef BFS_CLIENT_H
#define BFS_CLIENT_H

#include "core/ring.h"
#include "server/loop.h"
#include "server/server.h"

#define BFS_HOT 16 /* rings that are polled while the loop spins */
/* Before it is the others' turn: calls of one ring, and for so long. */
#define BFS_TURN 4
#define BFS_TURN_NS 10000u
#define BFS_GRAVE 8
#define BFS_WAKES 64 /* under way; more are woken at once */
/* With more bytes than that a call is a long one: one of them in each turn of
 * the loop, whoever's it is, so that a short call never waits for two. */
#define BFS_LONG (64u << 10)

struct bfs_process;

struct bfs_conn {
	struct bfs_port_local *port;
	struct bfs_process *process;
	struct bfs_session *session;
	struct bfs_call *hello; /* being served; its session is to be ours */
	struct bfs_cred cred;
	struct bfs_ring *ring; /* NULL before HELLO */
	int sock;	       /* -1: hung up */
	bool hot;	       /* in port->hot */
	bool late;	       /* in port->late */
	unsigned first;	       /* slot that is to be served first */
	unsigned calls;	       /* under way: the ring stays mapped for them */
	struct bfs_conn *prev, *next;	/* of the port */
	struct bfs_conn *lprev, *lnext; /* in port->late */
};

struct bfs_wake { /* see client_wakes.h */
	struct bfs_conn *conn;
	struct bfs_slot *slot;
	bool together;
};

struct bfs_port_local {
	struct bfs_port base;
	struct bfs_server *server;
	int listener;
	struct bfs_conn *conns; /* utlist DL_ */
	struct bfs_conn *hot[BFS_HOT];
	int nhot;
	unsigned turn;
	unsigned first;		/* behind who had a long call last */
	bool had_long;		/* in this turn, or it is still under way */
	struct bfs_conn *late;	/* not hot, with long calls left (utlist DL_) */
	int headroom;		/* no client is taken if all below are in use */
	int newest;		/* the last client's socket */
	struct bfs_ring *spare; /* for the next client, or NULL */
	int spare_fd;
	struct bfs_ring *grave[BFS_GRAVE]; /* of clients who have gone */
	int ngrave;
	struct bfs_wake wakes[BFS_WAKES];
	unsigned nwakes;
	const struct bfs_conn *woken; /* the last one's client, or NULL */
	struct bfs_timer bury;
	struct bfs_timer pause; /* ends one in which none is */
	bool full;		/* it has been told */
	struct bfs_call *pool;	/* linked by next */
};

extern const struct bfs_port_ops bfs_client_port_ops;

/* May other users than the daemon's connect? */
bool bfs_client_others(const struct bfs_server *s);
bool bfs_client_allowed(const struct bfs_server *s, uid_t uid);
/* The peer's, as the kernel reports them; cred->groups is allocated. */
int bfs_client_cred(int sock, struct bfs_cred *cred, pid_t *pid);

/* Takes over the accepted socket; closes it if the client is refused. */
void bfs_client_new(struct bfs_port_local *p, int sock);
void bfs_client_drop(struct bfs_conn *c);
/* One goes, or its process does: there is nothing to look for, unless others
 * have been busy. */
void bfs_client_left(struct bfs_port_local *p);
void bfs_client_drop_all(struct bfs_port_local *p);

/* Serve what is posted: the number of requests. */
int bfs_client_poll(struct bfs_conn *c);
void bfs_client_sleep(struct bfs_conn *c);
void bfs_client_wake(struct bfs_conn *c);
/* A core's number, or BFS_RING_*: its client asks whether that is its own. */
void bfs_client_tell_core(struct bfs_conn *c, uint32_t core);
bool bfs_client_posted(struct bfs_conn *c);
/* The next of the port's late ones is served, if this turn has had no long
 * call: the number of requests. */
int bfs_client_poll_late(struct bfs_port_local *p);

#endif
