/* SPDX-License-Identifier: BSD-3-Clause */
/* start, stop and env of a cluster: what is told while it goes on. */
#include "tools/cluster.h"

#include "core/util.h"

#include <string.h>

/* To what network.join_secs gives the daemons. */
#define MORE_SECS 10
#define STOP_SECS 75 /* a daemon may take 60 to remove a big tree */

static void clear_line(struct bfs_start *s)
{
	if (s->shown)
		fputs("\r\033[K", stderr);
	s->shown = false;
}

static void progress(struct bfs_start *s)
{
	if (!s->tty)
		return;
	fprintf(stderr, "\rbenchfs: %u/%u ready", s->up, s->list->n);
	s->shown = true;
}

static int on_failed(struct bfs_start *s, unsigned shard, const char *text)
{
	const struct bfs_member *m = &s->list->m[shard];

	if (s->failed >= 0)
		return 0;
	s->failed = (int)shard;
	clear_line(s);
	bfs_fail(0, "the daemon %s on %s %s; its last log lines:", m->name,
		 m->node, text);
	return 0;
}

static int on_start(void *arg, const char *event, unsigned shard, char *text)
{
	struct bfs_start *s = arg;

	if (!strcmp(event, "up"))
		s->up++;
	else if (!strcmp(event, "ready"))
		s->ready++;
	else if (!strcmp(event, "failed"))
		return on_failed(s, shard, text);
	else if (!strcmp(event, "log") && s->failed == (int)shard)
		fprintf(stderr, "| %s\n", text);
	else if (!strcmp(event, "end") && s->failed == (int)shard)
		return atoi(text);
	if (s->failed < 0)
		progress(s);
	return 0;
}

static bool all_ready(void *arg)
{
	const struct bfs_start *s = arg;

	return s->ready == s->list->n;
}

static const struct bfs_launch_ops start_ops = { on_start, all_ready };

bool bfs_cluster_far(const struct bfs_cluster *c)
{
	return strcmp(c->list->launcher, "local") != 0;
}

/* On one machine nobody else has to reach them. */
static int keep_local(struct bfs_options *o, const struct bfs_cluster *c)
{
	struct bfs_config_err err;

	if (*o->config.network.bind_addr || bfs_cluster_far(c))
		return 0;
	if (bfs_config_set(&o->config, "network.bind_addr=lo", &err))
		return bfs_fail(EX_USAGE, "%s", err.text);
	return 0;
}

int bfs_cluster_launch(struct bfs_launch **l, struct bfs_start *s,
		       struct bfs_options *o, const struct bfs_cluster *c,
		       int signals)
{
	unsigned secs = (unsigned)o->config.network.join_secs + MORE_SECS;
	int status = keep_local(o, c);

	*l = NULL;
	*s = (struct bfs_start){ .list = c->list,
				 .failed = -1,
				 .tty = isatty(STDERR_FILENO) };
	if (!status)
		status = bfs_launch_begin(l, o, c, "start", &start_ops, s,
					  signals, secs * 1000);
	clear_line(s);
	s->tty = false;
	return status;
}

int bfs_cluster_start(struct bfs_options *o)
{
	int signals = bfs_signals_take();
	struct bfs_launch *l = NULL;
	struct bfs_cluster c;
	struct bfs_start s;
	uint64_t since = bfs_now();
	int status = o->resume ? bfs_cluster_find(&c, o)
			       : bfs_cluster_make(&c, o, false);

	c.resume = o->resume;
	if (!status)
		status = bfs_cluster_launch(&l, &s, o, &c, signals);
	bfs_launch_end(l, !status);
	if (status && !o->resume)
		bfs_cluster_remove(&c);
	else if (status)
		bfs_warn("what ran before goes on");
	else if (o->verbose)
		printf("%s\n%u daemons in %.1f s\n", c.dir, c.list->n,
		       (double)(bfs_now() - since) / 1e9);
	bfs_cluster_fini(&c);
	return status;
}

struct stop {
	const struct bfs_options *o;
	const struct bfs_members *list;
	unsigned stopped, down;
};

static int on_stop(void *arg, const char *event, unsigned shard, char *text)
{
	struct stop *s = arg;

	if (!strcmp(event, "stopped")) {
		s->stopped++;
		if (s->o->verbose)
			printf("stopped %s\n", s->list->m[shard].name);
	} else if (!strcmp(event, "down")) {
		s->down++;
		bfs_warn("%s on %s: %s", s->list->m[shard].name,
			 s->list->m[shard].node, text);
	}
	return 0;
}

static bool all_stopped(void *arg)
{
	const struct stop *s = arg;

	return s->stopped + s->down == s->list->n;
}

int bfs_cluster_stop(struct bfs_options *o)
{
	static const struct bfs_launch_ops ops = { on_stop, all_stopped };
	struct bfs_launch *l = NULL;
	struct bfs_cluster c;
	struct stop s = { .o = o };
	int status = bfs_cluster_find(&c, o);

	s.list = c.list;
	if (!status)
		status = bfs_launch_begin(&l, o, &c, "stop", &ops, &s, -1,
					  STOP_SECS * 1000);
	bfs_launch_end(l, true);
	if (!status)
		bfs_cluster_remove(&c);
	if (!status && !s.stopped)
		status = bfs_fail(EX_UNAVAILABLE,
				  "none of the %u daemons was running",
				  c.list->n);
	bfs_cluster_fini(&c);
	return status;
}

int bfs_cluster_env(struct bfs_options *o, char **run_dir, bool *far)
{
	struct bfs_cluster c;
	int status = bfs_cluster_find(&c, o);
	int shard = status ? -1 : bfs_cluster_here(&c, o);

	*run_dir = NULL;
	if (!status && shard < 0)
		status = EX_UNAVAILABLE;
	if (!status)
		*run_dir = strdup(c.list->m[shard].run_dir);
	*far = !status && bfs_cluster_far(&c);
	if (!status && !*run_dir)
		status = bfs_fail(EX_OSERR, "out of memory");
	bfs_cluster_fini(&c);
	return status;
}
