/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs status of a cluster: every daemon, and the sum of their counters. */
#include "tools/cluster.h"

#include "core/stats.h"
#include "core/util.h"

#include <string.h>

#define MORE_SECS 10

struct answer {
	pid_t pid; /* 0: down */
	unsigned count;
	uint64_t v[BFS_STAT_COUNT];
};

struct ask {
	const struct bfs_members *list;
	struct answer *a;
	unsigned up, down;
};

static int on_status(void *arg, const char *event, unsigned shard, char *text)
{
	struct ask *s = arg;
	struct answer *a = &s->a[shard];
	char *save = NULL, *word;

	if (!strcmp(event, "down")) {
		s->down++;
		bfs_warn("%s on %s: %s", s->list->m[shard].name,
			 s->list->m[shard].node, text);
		return 0;
	}
	word = strtok_r(text, " ", &save);
	if (strcmp(event, "status") || !word || a->pid)
		return 0;
	a->pid = atoi(word);
	while (a->count < BFS_STAT_COUNT && (word = strtok_r(NULL, " ", &save)))
		a->v[a->count++] = strtoull(word, NULL, 10);
	s->up++;
	return 0;
}

static bool all_known(void *arg)
{
	const struct ask *s = arg;

	return s->up + s->down == s->list->n;
}

static uint64_t sum(const struct ask *s, unsigned i)
{
	uint64_t total = 0;

	for (unsigned m = 0; m < s->list->n; m++)
		total += s->a[m].v[i];
	return total;
}

static void print_text(const struct bfs_cluster *c, const struct ask *s)
{
	printf("run directory %s\ncluster %016llx epoch %u, %u of %u daemons "
	       "up\n%-24s %-24s %10s\n",
	       c->dir, (unsigned long long)c->list->cluster, c->list->epoch,
	       s->up, c->list->n, "member", "node", "pid");
	for (unsigned i = 0; i < c->list->n; i++) {
		const struct bfs_member *m = &c->list->m[i];

		printf("%-24s %-24s ", m->name, m->node);
		if (s->a[i].pid)
			printf("%10d\n", s->a[i].pid);
		else
			printf("%10s\n", "down");
	}
	for (unsigned i = 0; i < BFS_STAT_COUNT; i++)
		printf("%-26s %12llu  %s\n", bfs_stat_name(i),
		       (unsigned long long)sum(s, i), bfs_stat_help(i));
}

static void print_text_value(const char *key, const char *value)
{
	printf("\"%s\":", key);
	bfs_json_string(value, stdout);
	putchar(',');
}

static void print_json(const struct bfs_cluster *c, const struct ask *s)
{
	printf("{");
	print_text_value("run_dir", c->dir);
	print_text_value("registry", c->registry);
	printf("\"cluster\":\"%016llx\",\"epoch\":%u,"
	       "\"list_hash\":\"%016llx\",\"up\":%u,\"members\":[",
	       (unsigned long long)c->list->cluster, c->list->epoch,
	       (unsigned long long)c->list->hash, s->up);
	for (unsigned i = 0; i < c->list->n; i++) {
		const struct bfs_member *m = &c->list->m[i];

		printf("%s{", i ? "," : "");
		print_text_value("name", m->name);
		print_text_value("node", m->node);
		print_text_value("run_dir", m->run_dir);
		print_text_value("data_dir", m->data_dir);
		printf("\"pid\":%d", s->a[i].pid);
		for (unsigned k = 0; k < s->a[i].count; k++)
			printf(",\"%s\":%llu", bfs_stat_name(k),
			       (unsigned long long)s->a[i].v[k]);
		printf("}");
	}
	printf("]");
	/* the same keys as one daemon has */
	for (unsigned i = 0; i < BFS_STAT_COUNT; i++)
		printf(",\"%s\":%llu", bfs_stat_name(i),
		       (unsigned long long)sum(s, i));
	puts("}");
}

int bfs_cluster_status(struct bfs_options *o)
{
	static const struct bfs_launch_ops ops = { on_status, all_known };
	unsigned secs = (unsigned)o->config.network.timeout_secs + MORE_SECS;
	struct bfs_launch *l = NULL;
	struct bfs_cluster c;
	struct ask s = { 0 };
	int status = bfs_cluster_find(&c, o);

	s.list = c.list;
	if (!status) {
		s.a = calloc(c.list->n, sizeof(*s.a));
		status = s.a ? 0 : bfs_fail(EX_OSERR, "out of memory");
	}
	if (!status)
		status = bfs_launch_begin(&l, o, &c, "status", &ops, &s, -1,
					  secs * 1000);
	bfs_launch_end(l, true);
	if (!status)
		(o->json ? print_json : print_text)(&c, &s);
	if (!status && s.down)
		status = bfs_fail(EX_UNAVAILABLE,
				  "%u of the %u daemons are down", s.down,
				  c.list->n);
	free(s.a);
	bfs_cluster_fini(&c);
	return status;
}
