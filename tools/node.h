/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of `benchfs node`.  Not thread-safe. */
#ifndef BFS_TOOLS_NODE_H
#define BFS_TOOLS_NODE_H

#include "tools/cluster.h"

struct bfs_node_daemon {
	struct bfs_member *m;
	struct bfs_rundir dir;
	pid_t pid; /* 0: not running */
	int pidfd;
	bool ready;
	bool fresh; /* its data directory was made for this start */
};

struct bfs_node {
	struct bfs_options *o;
	struct bfs_members *list;
	const char *name; /* of the node */
	struct bfs_node_daemon *d;
	unsigned n;
	bool stay, bound, resume;
	int notify; /* where daemons say that they are ready */
	int signals;
};

/* Tell whoever started us. */
void bfs_node_say(const struct bfs_node *n, const char *event,
		  const struct bfs_member *m, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The actions (node_start.c, node_stop.c): an exit status. */
int bfs_node_start(struct bfs_node *n);
int bfs_node_stop(struct bfs_node *n);

/* A daemon has failed: say how, and the last lines of its log. */
int bfs_node_explain(struct bfs_node *n, struct bfs_node_daemon *d, int status);

/* SIGTERM to all that run, and wait for them; those who were stopped by us or
 * by anybody have pid 0 then. */
void bfs_node_end_all(struct bfs_node *n);
/* Remove the run directories and what else was made for the daemons. */
void bfs_node_clean(struct bfs_node *n);

#endif
