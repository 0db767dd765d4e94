/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs status: is a daemon there, and what has it done? */
#include "tools/cluster.h"

#include "core/stats.h"
#include "core/transport_local.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>

#define FD_BASE 3

struct counters {
	uint64_t v[BFS_STAT_COUNT];
	unsigned count;
};

/* One STATS call, by hand: nothing here is worth retrying. */
static int ask(struct bfs_transport *t, const struct bfs_hello_rep *us,
	       uint64_t deadline, struct counters *to)
{
	uint8_t bulk[sizeof(to->v)];
	struct bfs_io io = { .in = bulk,
			     .in_cap = sizeof(bulk),
			     .id = 2, /* HELLO was the first */
			     .deadline = deadline,
			     .fd = -1 };
	struct bfs_req_head head = { .op = BFS_OP_STATS,
				     .deadline_ms = 1000,
				     .id = io.id,
				     .session = us->session,
				     .ticket = us->ticket };
	struct bfs_stats_req req = { 0 };
	struct bfs_stats_rep rep = { 0 };
	struct bfs_rep_head answer;
	struct bfs_wire w;
	int e = t->ops->begin(t, &io);

	if (e)
		return e;
	bfs_wire_init(&w, io.req, io.req_cap);
	bfs_put_req_head(&w, &head);
	(void)bfs_stats_req_put(&w, &req);
	io.req_len = (size_t)(w.pos - io.req);
	e = t->ops->call(t, &io);
	if (!e) {
		bfs_wire_init(&w, (uint8_t *)io.rep, io.rep_len);
		answer = bfs_get_rep_head(&w);
		e = answer.status ? -(int)answer.status
				  : bfs_stats_rep_get(&w, &rep);
	}
	if (!e) {
		bfs_wire_init(&w, bulk, io.in_len);
		to->count =
			(unsigned)BFS_MIN(rep.count, (uint32_t)BFS_STAT_COUNT);
		for (unsigned i = 0; i < to->count; i++)
			to->v[i] = bfs_get_u64(&w);
		e = bfs_wire_end(&w);
	}
	t->ops->end(t, &io);
	return e;
}

static int fetch(const char *run_dir, uint64_t hash, unsigned timeout_secs,
		 struct counters *to)
{
	struct bfs_hello_req hello = { .version = BFS_PROTO_VERSION,
				       .list_hash = hash };
	uint64_t deadline = bfs_now() + timeout_secs * 1000000000ull;
	struct bfs_local_peer peer;
	struct bfs_transport *t;
	int e = bfs_local_connect(run_dir, &hello, FD_BASE, deadline, &t,
				  &peer);

	if (e)
		return e;
	close(peer.arena_fd);
	close(peer.empty_fd);
	e = ask(t, &peer.hello, deadline, to);
	t->ops->destroy(t);
	return e;
}

int bfs_status_fetch(const char *run_dir, uint64_t hash, unsigned timeout_secs,
		     uint64_t v[BFS_COUNTERS_MAX])
{
	struct counters n = { .count = 0 };
	int e = fetch(run_dir, hash, timeout_secs, &n);

	_Static_assert(BFS_STAT_COUNT <= BFS_COUNTERS_MAX, "too many counters");
	if (e)
		return e;
	memcpy(v, n.v, n.count * sizeof(*v));
	return (int)n.count;
}

static void print_text(const char *run_dir, pid_t pid, const struct counters *n)
{
	printf("run directory %s\npid %d\n", run_dir, pid);
	for (unsigned i = 0; i < n->count; i++)
		printf("%-26s %12llu  %s\n", bfs_stat_name(i),
		       (unsigned long long)n->v[i], bfs_stat_help(i));
}

static void print_json(const char *run_dir, pid_t pid, const struct counters *n)
{
	printf("{\"run_dir\":");
	bfs_json_string(run_dir, stdout);
	printf(",\"pid\":%d", pid);
	for (unsigned i = 0; i < n->count; i++)
		printf(",\"%s\":%llu", bfs_stat_name(i),
		       (unsigned long long)n->v[i]);
	puts("}");
}

int bfs_cmd_status(struct bfs_options *o)
{
	struct counters n = { .count = 0 };
	struct bfs_rundir d;
	int status, e;
	pid_t pid;

	if (bfs_cluster_exists(o))
		return bfs_cluster_status(o);
	status = bfs_rundir_find(&d, o);
	pid = status ? 0 : bfs_daemon_find(d.path);

	if (!status && !pid)
		status = bfs_fail(EX_UNAVAILABLE, "no daemon runs in %s",
				  d.path);
	if (!status) {
		e = fetch(d.path, 0, (unsigned)o->config.network.timeout_secs,
			  &n);
		if (e)
			status = bfs_fail(EX_UNAVAILABLE,
					  "the daemon in %s does not answer: "
					  "%s",
					  d.path, strerror(-e));
	}
	if (!status)
		(o->json ? print_json : print_text)(d.path, pid, &n);
	bfs_rundir_fini(&d);
	return status;
}
