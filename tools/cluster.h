/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tools know of clusters.  Not thread-safe. */
#ifndef BFS_TOOLS_CLUSTER_H
#define BFS_TOOLS_CLUSTER_H

#include "core/members.h"
#include "tools/tools.h"

/*
 * Lists of hosts (hosts.c).
 */
struct bfs_hosts {
	char **name; /* in the order given; each once */
	unsigned n;
};
/* "a,b[01-10,12].site".  what: for messages.  0 or an exit status. */
int bfs_hosts_list(struct bfs_hosts *h, const char *list, const char *what);
/* A host each line, "#" begins a comment.  repeated: it may come again, as in
 * what batch systems write. */
int bfs_hosts_file(struct bfs_hosts *h, const char *path, bool repeated);
/* --hostfile, --hosts, or those of the batch job that we are in; n is 0 if
 * there are none. */
int bfs_hosts_find(struct bfs_hosts *h, const struct bfs_options *o);
void bfs_hosts_fini(struct bfs_hosts *h);

/* The name of this node: node.node_id, or the host's name. */
const char *bfs_node_name(const struct bfs_options *o);

/*
 * A cluster (cluster.c).  dir: where its daemons have their run directories,
 * on each node; registry: see core/cluster.h, found by the link
 * <dir>/registry, or is it.
 */
struct bfs_cluster {
	struct bfs_members *list;
	char *dir, *registry;
	bool own_dir;	   /* made by us, to be removed with all in it */
	bool own_registry; /* so is that */
	bool scratch;	   /* the data ends with the cluster */
	bool made;	   /* the registry has been written */
	bool resume;	   /* those that run go on */
	bool bound;	   /* the daemons end when the node's process does */
	char *own_data;	   /* a directory to be removed then; NULL: none */
};

/* Do the options ask for more than one daemon on this node? */
bool bfs_cluster_wanted(const struct bfs_options *o);
/* Is there one in the run directory of stop, status and env? */
bool bfs_cluster_exists(const struct bfs_options *o);
/*
 * Decide on members and directories for `start` or for `run`, and write the
 * registry.  0, or an exit status after a message.
 */
int bfs_cluster_make(struct bfs_cluster *c, struct bfs_options *o, bool run);
/* Read that of a run directory. */
int bfs_cluster_find(struct bfs_cluster *c, const struct bfs_options *o);
/* It has ended: remove what is not to stay. */
void bfs_cluster_remove(const struct bfs_cluster *c);
void bfs_cluster_fini(struct bfs_cluster *c);
/* The daemon that programs of this node talk to: its shard, or -1 after a
 * message. */
int bfs_cluster_here(const struct bfs_cluster *c, const struct bfs_options *o);

/*
 * Doing something on all nodes (launch.c): `benchfs node ACTION` runs on each,
 * and tells on its standard output how it goes, a line for each event:
 *
 *	benchfs-node EVENT MEMBER TEXT...
 *
 * What else comes there or on standard error is shown if the node fails.
 */
struct bfs_launch;

enum bfs_launcher {
	BFS_LAUNCH_LOCAL,
	BFS_LAUNCH_SSH,
	BFS_LAUNCH_SRUN,
	BFS_LAUNCH_MPIRUN,
};
/* By name; "auto" chooses by where the hosts are.  Exit status or 0. */
int bfs_launcher_choose(const struct bfs_options *o, const struct bfs_hosts *h,
			enum bfs_launcher *l);
const char *bfs_launcher_name(enum bfs_launcher l);

struct bfs_launch_ops {
	/* member: its shard.  Nonzero ends the launch with that. */
	int (*event)(void *arg, const char *event, unsigned shard, char *text);
	/* Are all events there that had to come? */
	bool (*complete)(void *arg);
};

/*
 * Run ACTION on all nodes, until it is complete, a node fails, a signal comes
 * (signals: a signalfd or -1), or the time is up.  The nodes are left waiting.
 * 0, or an exit status after a message.
 */
int bfs_launch_begin(struct bfs_launch **out, struct bfs_options *o,
		     const struct bfs_cluster *c, const char *action,
		     const struct bfs_launch_ops *ops, void *arg, int signals,
		     unsigned timeout_ms);
/* Wait until there is something at fd: 0; or a node has ended by itself: an
 * exit status, after a message. */
int bfs_launch_hold(struct bfs_launch *l, int fd);
/* Let them stay without us (go), or end and take their daemons with them.  The
 * exit status that says how one of them had failed before, or 0. */
int bfs_launch_end(struct bfs_launch *l, bool go);

/* The command of one process that runs ACTION (launch_cmd.c): on that node,
 * or on all if it is NULL.  An allocated argv, NULL without memory. */
char **bfs_launch_command(const struct bfs_options *o,
			  const struct bfs_cluster *c, enum bfs_launcher how,
			  const char *action, const char *node);

/*
 * Start, stop, status and env of a cluster (cmd_cluster.c).
 */
struct bfs_start { /* what is known of its daemons */
	const struct bfs_members *list;
	unsigned up, ready;
	int failed; /* shard of the first that failed; -1: none */
	bool tty, shown;
};
/* Start its daemons; s must live as long as the launch. */
int bfs_cluster_launch(struct bfs_launch **l, struct bfs_start *s,
		       struct bfs_options *o, const struct bfs_cluster *c,
		       int signals);
/* Are there other nodes? */
bool bfs_cluster_far(const struct bfs_cluster *c);
int bfs_cluster_start(struct bfs_options *o);
int bfs_cluster_stop(struct bfs_options *o);
int bfs_cluster_status(struct bfs_options *o);
int bfs_cluster_env(struct bfs_options *o, char **run_dir, bool *far);

#endif
