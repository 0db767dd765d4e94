/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's side of the loop transport: messages of the network become
 * struct bfs_call and go through the real dispatch and the real sessions.  And
 * the client's side: a struct bfs_client that says HELLO and reconnects.
 */
#ifndef BFS_TESTS_LOOP_PORT_H
#define BFS_TESTS_LOOP_PORT_H

#include "core/rpc.h"
#include "core/transport_loop.h"
#include "server/server.h"
#include "server/session.h"

#define LOOP_CONNS 1000

struct loop_port {
	struct bfs_port base;
	struct bfs_server *server;
	struct bfs_tloop *net;
	/* By number of the connection; made at its first message. */
	struct bfs_session *session[LOOP_CONNS];
	bool closed[LOOP_CONNS];
	pid_t pid[LOOP_CONNS]; /* whose it is; set by the client below */
	/* Requests as they arrive, replies as they leave; may be NULL. */
	enum bfs_tloop_fate (*decide)(void *arg, const struct bfs_tloop_msg *m);
	void *arg;
};

/* A network and a port in front of s.  config's functions are set here. */
void loop_port_init(struct loop_port *p, struct bfs_server *s,
		    struct bfs_tloop_config config);
/* All connections end; the sessions are the server's. */
void loop_port_fini(struct loop_port *p);

struct loop_client {
	struct bfs_client c;
	struct loop_port *port;
	pid_t pid;   /* who it claims to be; the port believes it */
	bool forget; /* the daemon starts anew before the next connect */
	unsigned connects;
	struct bfs_transport *made[64]; /* kept until the end */
};

/* Connects at its first call. */
void loop_client_init(struct loop_client *l, struct loop_port *p, pid_t pid);
void loop_client_fini(struct loop_client *l);

/* A connection that has said hello as req says; NULL: *error tells. */
struct bfs_transport *loop_connect(struct loop_port *p, pid_t pid,
				   const struct bfs_hello_req *req,
				   struct bfs_hello_rep *rep, int *error);

#endif
