/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs layout: on which daemons and nodes are names, inodes and data? */
#include "tools/cluster.h"

#include "core/layout.h"
#include "core/transport_local.h"
#include "core/util.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define FD_BASE 3

struct asking {
	const struct bfs_options *o;
	struct bfs_transport *t;
	struct bfs_hello_rep us;
	uint64_t id;		     /* of the last request; HELLO was 1 */
	uint8_t rep[BFS_FIELDS_MAX]; /* what strings of the answer lie in */
};

/* A request whose fields are there: its answer's, or -errno. */
static int call(struct asking *a, uint32_t op, const uint8_t *fields,
		size_t len, struct bfs_wire *answer)
{
	unsigned secs = (unsigned)a->o->config.network.timeout_secs;
	struct bfs_io io = { .id = ++a->id,
			     .deadline = bfs_now() + secs * 1000000000ull,
			     .fd = -1 };
	struct bfs_req_head head = { .op = op,
				     .deadline_ms = secs * 1000,
				     .id = io.id,
				     .session = a->us.session,
				     .ticket = a->us.ticket };
	struct bfs_rep_head h;
	struct bfs_wire w;
	int e = a->t->ops->begin(a->t, &io);

	if (e)
		return e;
	bfs_wire_init(&w, io.req, io.req_cap);
	bfs_put_req_head(&w, &head);
	memcpy(w.pos, fields, len);
	io.req_len = BFS_REQ_HEAD_LEN + len;
	e = a->t->ops->call(a->t, &io);
	if (!e) {
		memcpy(a->rep, io.rep, io.rep_len);
		bfs_wire_init(answer, a->rep, io.rep_len);
		h = bfs_get_rep_head(answer);
		e = -(int)h.status;
	}
	a->t->ops->end(a->t, &io);
	return e;
}

static int ask_layout(struct asking *a, const char *path,
		      struct bfs_layout_rep *rep)
{
	struct bfs_layout_req req = {
		.at = a->us.root, .path = { path, (uint32_t)strlen(path) }
	};
	uint8_t fields[BFS_FIELDS_MAX - BFS_REQ_HEAD_LEN];
	struct bfs_wire w, answer;
	int e;

	bfs_wire_init(&w, fields, sizeof(fields));
	if (bfs_layout_req_put(&w, &req))
		return -ENAMETOOLONG;
	e = call(a, BFS_OP_LAYOUT, fields, (size_t)(w.pos - fields), &answer);
	return e ? e : bfs_layout_rep_get(&answer, rep);
}

/* A shard's daemon; the strings last until the next question. */
static int ask_member(struct asking *a, unsigned shard,
		      struct bfs_member_rep *rep)
{
	struct bfs_member_req req = { shard };
	uint8_t fields[16];
	struct bfs_wire w, answer;
	int e;

	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_member_req_put(&w, &req);
	e = call(a, BFS_OP_MEMBER, fields, (size_t)(w.pos - fields), &answer);
	return e ? e : bfs_member_rep_get(&answer, rep);
}

static void copy(char *to, size_t cap, struct bfs_str s)
{
	snprintf(to, cap, "%.*s", (int)s.len, s.ptr);
}

struct where {
	char member[BFS_MEMBER_NAME_MAX + 1], node[256];
};

static struct where find(struct asking *a, unsigned shard)
{
	struct bfs_member_rep m = { 0 };
	struct where w = { "", "" };

	if (!ask_member(a, shard, &m)) {
		copy(w.member, sizeof(w.member), m.name);
		copy(w.node, sizeof(w.node), m.node);
	}
	if (!*w.node)
		copy(w.node, sizeof(w.node),
		     (struct bfs_str){ bfs_node_name(a->o),
				       (uint32_t)strlen(bfs_node_name(a->o)) });
	return w;
}

/* One file, as it was found. */
struct file {
	const char *path;
	struct bfs_layout_rep r;
	struct bfs_layout l;
	uint64_t chunks; /* up to its size */
};

/* The shard of the n-th chunk from the home's. */
static unsigned shard_of(const struct file *f, unsigned n)
{
	return (f->r.home + n) % f->r.shards;
}

/* How many shards have chunks. */
static unsigned holders(const struct file *f)
{
	if (!f->r.chunk_log2)
		return S_ISREG(f->r.attr.mode);
	return (unsigned)BFS_MIN(f->chunks, f->r.shards);
}

static uint64_t chunks_at(const struct file *f, unsigned n)
{
	return (f->chunks - n + f->r.shards - 1) / f->r.shards;
}

static void print_shard(struct asking *a, unsigned shard)
{
	struct where w = find(a, shard);

	printf("shard %u%s%s on %s\n", shard, *w.member ? ", " : "", w.member,
	       w.node);
}

static void print_data(struct asking *a, const struct file *f)
{
	for (unsigned n = 0; n < holders(f); n++) {
		uint64_t count = f->r.chunk_log2 ? chunks_at(f, n) : 0;
		uint64_t last = n + (count - 1) * f->r.shards;

		printf("  %-12s", n ? "" : "data");
		if (!f->r.chunk_log2)
			printf("whole: ");
		else if (count == 1)
			printf("chunk %u: ", n);
		else if (count == 2)
			printf("chunks %u and %" PRIu64 ": ", n, last);
		else
			printf("chunks %u, %u, ... %" PRIu64 ": ", n,
			       n + f->r.shards, last);
		print_shard(a, shard_of(f, n));
	}
	if (S_ISREG(f->r.attr.mode) && !holders(f))
		printf("  %-12sno chunks yet; the first goes to shard %u\n",
		       "data", f->r.home);
}

static const char *set_here(const struct file *f, unsigned own)
{
	return f->l.own & own ? " (set here)" : "";
}

static void print_text(struct asking *a, const struct file *f)
{
	uint64_t chunk = bfs_layout_chunk(f->l);
	bool small = chunk < 1 << 20;

	printf("%s\n  %-12s%s%s\n", f->path, "placement",
	       bfs_policy_name(f->l.policy),
	       set_here(f, BFS_LAYOUT_OWN_POLICY));
	printf("  %-12s%" PRIu64 " %s%s\n", "chunk size",
	       chunk >> (small ? 10 : 20), small ? "KiB" : "MiB",
	       set_here(f, BFS_LAYOUT_OWN_CHUNK));
	if (f->r.entry != BFS_NO_SHARD) {
		printf("  %-12s", "entry");
		print_shard(a, f->r.entry);
	}
	printf("  %-12s", "inode");
	print_shard(a, f->r.home);
	print_data(a, f);
}

static void json_shard(struct asking *a, unsigned shard)
{
	struct where w = find(a, shard);

	printf("\"shard\":%u,\"member\":", shard);
	bfs_json_string(w.member, stdout);
	printf(",\"node\":");
	bfs_json_string(w.node, stdout);
}

static void print_json(struct asking *a, const struct file *f)
{
	printf("{\"path\":");
	bfs_json_string(f->path, stdout);
	printf(",\"inode_number\":%" PRIu64 ",\"size\":%" PRIu64
	       ",\"placement\":\"%s\",\"placement_set\":%s,\"chunk_size\":%" PRIu64
	       ",\"chunk_size_set\":%s,\"striped\":%s,",
	       f->r.attr.ino, f->r.attr.size, bfs_policy_name(f->l.policy),
	       f->l.own & BFS_LAYOUT_OWN_POLICY ? "true" : "false",
	       bfs_layout_chunk(f->l),
	       f->l.own & BFS_LAYOUT_OWN_CHUNK ? "true" : "false",
	       f->r.chunk_log2 ? "true" : "false");
	if (f->r.entry != BFS_NO_SHARD) {
		printf("\"entry\":{");
		json_shard(a, f->r.entry);
		printf("},");
	}
	printf("\"inode\":{");
	json_shard(a, f->r.home);
	printf("},\"data\":[");
	for (unsigned n = 0; n < holders(f); n++) {
		printf("%s{", n ? "," : "");
		json_shard(a, shard_of(f, n));
		if (f->r.chunk_log2)
			printf(",\"first_chunk\":%u,\"step\":%u,\"chunks\":%" PRIu64,
			       n, f->r.shards, chunks_at(f, n));
		putchar('}');
	}
	printf("]}");
}

static int explain(const char *path, int e)
{
	int status = e == -ENOENT || e == -ENOTDIR || e == -ELOOP ||
				     e == -ENAMETOOLONG
			     ? EX_NOINPUT
		     : e == -EACCES ? EX_NOPERM
				    : EX_UNAVAILABLE;

	if (e == -(int)BFS_ESCAPE)
		return bfs_fail(EX_NOINPUT, "%s: leads out of BenchFS", path);
	return bfs_fail(status, "%s: %s", path, strerror(-e));
}

static int one(struct asking *a, const char *path, bool first)
{
	const char *mount = a->o->config.client.mount;
	struct file f = { .path = path };
	const char *below = path;
	int e;

	if (*path != '/' ||
	    (!bfs_program_below(path, mount) && strcmp(path, mount) != 0))
		return bfs_fail(EX_USAGE, "%s: not a path below %s", path,
				mount);
	below += strlen(mount);
	e = ask_layout(a, *below ? below : "/", &f.r);
	if (!e && (!bfs_layout_unpack(&f.l, f.r.layout) || !f.r.shards))
		e = -EBADMSG;
	if (e)
		return explain(path, e);
	if (f.r.chunk_log2)
		f.chunks = (f.r.attr.size + bfs_layout_chunk(f.l) - 1) >>
			   f.r.chunk_log2;
	if (a->o->json && !first)
		puts(",");
	(a->o->json ? print_json : print_text)(a, &f);
	return 0;
}

/* The daemon that programs of this node talk to. */
static int connect_here(struct asking *a)
{
	struct bfs_hello_req hello = { .version = BFS_PROTO_VERSION };
	uint64_t deadline =
		bfs_now() + a->o->config.network.timeout_secs * 1000000000ull;
	BFS_AUTOFREE char *run_dir = NULL;
	struct bfs_local_peer peer;
	struct bfs_rundir d = { 0 };
	int status, e;
	bool far;

	if (bfs_cluster_exists(a->o)) {
		status = bfs_cluster_env((struct bfs_options *)a->o, &run_dir,
					 &far);
	} else {
		status = bfs_rundir_find(&d, a->o);
		run_dir = d.path ? strdup(d.path) : NULL;
		bfs_rundir_fini(&d);
	}
	if (status || !run_dir)
		return status ? status : EX_OSERR;
	e = bfs_local_connect(run_dir, &hello, FD_BASE, deadline, &a->t, &peer);
	if (e)
		return bfs_fail(EX_UNAVAILABLE, "no daemon answers in %s: %s",
				run_dir, strerror(-e));
	close(peer.arena_fd);
	close(peer.empty_fd);
	a->us = peer.hello;
	return 0;
}

int bfs_cmd_layout(struct bfs_options *o)
{
	struct asking a = { .o = o, .id = 1 };
	int status, r;
	bool first = true;

	if (!o->nargs)
		return bfs_fail(EX_USAGE, "layout: of which file?");
	status = connect_here(&a);
	if (status)
		return status;
	if (o->json)
		putchar('[');
	for (int n = 0; n < o->nargs; n++) {
		r = one(&a, o->args[n], first);
		first = first && r;
		status = status ? status : r;
	}
	if (o->json)
		puts("]");
	a.t->ops->destroy(a.t);
	return status;
}
