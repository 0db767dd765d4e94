/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * benchfs node ACTION: what `benchfs start` and its kin run on each node of a
 * cluster, for the daemons that the list puts there.  It tells on standard
 * output how it goes (cluster.h).
 *
 *	start	start them, and say "up" when each can be reached and "ready"
 *		when all of the cluster can.  "go" on standard input lets them
 *		stay; its end before that takes them along.
 *	  stay	standard input says nothing: end with them, or by a signal
 *	  bound	they end with this process, whatever ends it
 *	  resume  those that run already are left alone
 *	stop	stop them, remove their run directories
 *	status	their counters
 */
#include "tools/node.h"

#include "core/util.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void bfs_node_say(const struct bfs_node *n, const char *event,
		  const struct bfs_member *m, const char *fmt, ...)
{
	char text[7000], line[7400];
	va_list ap;
	int len;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = snprintf(line, sizeof(line), "benchfs-node %s %s%s%s\n", event,
		       m->name, *text ? " " : "", text);
	/* in one piece: several nodes may share one pipe */
	(void)!write(STDOUT_FILENO, line, (size_t)len);
}

/* mpirun counts its processes in the order of the list's nodes. */
static const char *node_of_rank(const struct bfs_members *l)
{
	const char *text = getenv("OMPI_COMM_WORLD_RANK");
	unsigned long rank;

	if (!text)
		text = getenv("PMI_RANK");
	if (!text || strcmp(l->launcher, "mpirun"))
		return NULL;
	rank = strtoul(text, NULL, 10);
	for (unsigned i = 0; i < l->n; i++)
		if (bfs_members_on_node(l, l->m[i].node, 0) == (int)i &&
		    !rank--)
			return l->m[i].node;
	return NULL;
}

static const char *our_name(const struct bfs_node *n)
{
	const char *slurm = getenv("SLURMD_NODENAME");
	const char *rank = node_of_rank(n->list);

	if (*n->o->config.node.node_id)
		return n->o->config.node.node_id;
	if (rank)
		return rank;
	return slurm && !strcmp(n->list->launcher, "srun")
		       ? slurm
		       : bfs_node_name(n->o);
}

/* Our part of the list. */
static int find_daemons(struct bfs_node *n)
{
	n->name = our_name(n);
	n->d = calloc(n->list->n, sizeof(*n->d));
	if (!n->d)
		return bfs_fail(EX_OSERR, "out of memory");
	for (int i = bfs_members_on_node(n->list, n->name, 0); i >= 0;
	     i = bfs_members_on_node(n->list, n->name, (unsigned)i + 1))
		n->d[n->n++].m = &n->list->m[i];
	if (!n->n)
		return bfs_fail(EX_CONFIG,
				"no member of the cluster is on this node, "
				"which is called %s; the first is on %s",
				n->name, n->list->m[0].node);
	return 0;
}

static int load(struct bfs_node *n)
{
	char err[BFS_MEMBERS_ERR];

	if (!*n->o->config.network.registry_dir)
		return bfs_fail(EX_USAGE, "node: no network.registry_dir");
	if (bfs_members_load(&n->list, &n->o->config, err))
		return bfs_fail(EX_CONFIG, "%s", err);
	return find_daemons(n);
}

static int status_of(struct bfs_node *n, const struct bfs_node_daemon *d)
{
	unsigned secs = (unsigned)n->o->config.network.timeout_secs;
	uint64_t v[BFS_COUNTERS_MAX];
	char text[6000];
	pid_t pid = bfs_daemon_find(d->m->run_dir);
	size_t len = 0;
	int count;

	if (!pid) {
		bfs_node_say(n, "down", d->m, "no daemon runs in %s",
			     d->m->run_dir);
		return 0;
	}
	count = bfs_status_fetch(d->m->run_dir, n->list->hash, secs, v);
	if (count < 0) {
		bfs_node_say(n, "down", d->m, "pid %d does not answer: %s", pid,
			     strerror(-count));
		return 0;
	}
	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %llu",
					(unsigned long long)v[i]);
	bfs_node_say(n, "status", d->m, "%d%s", pid, text);
	return 0;
}

static int node_status(struct bfs_node *n)
{
	int status = 0;

	for (unsigned i = 0; !status && i < n->n; i++)
		status = status_of(n, &n->d[i]);
	return status;
}

static bool has_word(const struct bfs_options *o, const char *word)
{
	for (int i = 1; i < o->nargs; i++)
		if (!strcmp(o->args[i], word))
			return true;
	return false;
}

int bfs_cmd_node(struct bfs_options *o)
{
	static const struct {
		const char *name;
		int (*run)(struct bfs_node *n);
	} actions[] = { { "start", bfs_node_start },
			{ "stop", bfs_node_stop },
			{ "status", node_status } };
	struct bfs_node n = { .o = o, .notify = -1 };
	int status = EX_USAGE;

	n.stay = has_word(o, "stay");
	n.bound = has_word(o, "bound");
	n.resume = has_word(o, "resume");
	for (size_t i = 0; o->nargs && i < BFS_COUNT(actions); i++) {
		if (strcmp(o->args[0], actions[i].name))
			continue;
		status = load(&n);
		if (!status)
			status = actions[i].run(&n);
	}
	for (unsigned i = 0; i < n.n; i++)
		bfs_rundir_fini(&n.d[i].dir);
	free(n.d);
	bfs_members_free(n.list);
	return status;
}
