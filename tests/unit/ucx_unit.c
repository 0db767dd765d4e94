/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/ucx_unit.h"

#include "core/ucx_load.h"
#include "core/util.h"
#include "server/loop.h"
#include "server/port_ucx.h"
#include "server/server.h"
#include "server/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

char dir[64];

/* ---- the server's side ---- */

static struct bfs_session sessions[] = {
	{ .id = SESSION, .ticket = TICKET },
	{ .id = SESSION + 1, .ticket = TICKET },
};

struct bfs_session *bfs_session_find(struct bfs_server *s, uint64_t id)
{
	return id - SESSION < BFS_COUNT(sessions) ? &sessions[id - SESSION]
						  : NULL;
}

static uint8_t byte_at(uint64_t seed, size_t i)
{
	return (uint8_t)(seed * 31 + i + (i >> 8));
}

void pattern(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(seed, i);
}

bool matches(const uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_at(seed, i))
			return false;
	return true;
}

static int serve_hello(struct bfs_call *c, struct bfs_wire *in,
		       struct bfs_wire *out)
{
	struct bfs_hello_rep rep = { .session = SESSION };
	struct bfs_hello_req req;

	if (bfs_hello_req_get(in, &req))
		return -EBADMSG;
	if (req.version != BFS_PROTO_VERSION)
		return -EPROTO;
	if (c->port->ops->attach(c, req.address))
		return -EBADMSG;
	return bfs_hello_rep_put(out, &rep);
}

static int serve_read(struct bfs_call *c, struct bfs_wire *in,
		      struct bfs_wire *out)
{
	struct bfs_read_rep rep;
	struct bfs_read_req req;

	bfs_read_req_get(in, &req);
	if (req.size > c->in_cap)
		return -EINVAL;
	pattern(c->in, req.size, req.offset);
	c->in_len = req.size;
	return bfs_read_rep_put(out, &rep);
}

static int serve_write(struct bfs_call *c, struct bfs_wire *in,
		       struct bfs_wire *out)
{
	struct bfs_write_rep rep = { .written = (uint32_t)c->out_len };
	struct bfs_write_req req;

	bfs_write_req_get(in, &req);
	if (!matches(c->out, c->out_len, req.offset))
		return -EILSEQ;
	return bfs_write_rep_put(out, &rep);
}

/* Two long paths there, one long target back. */
static int serve_rename(struct bfs_call *c, struct bfs_wire *in,
			struct bfs_wire *out)
{
	struct bfs_rename_rep rep;
	struct bfs_rename_req req;

	if (bfs_rename_req_get(in, &req) || req.old_path.len != LONG_PATH ||
	    !matches((const uint8_t *)req.old_path.ptr, LONG_PATH, 1) ||
	    !matches((const uint8_t *)req.new_path.ptr, req.new_path.len, 2))
		return -EILSEQ;
	return bfs_rename_rep_put(out, &rep);
}

static int serve_readlink(struct bfs_call *c, struct bfs_wire *in,
			  struct bfs_wire *out)
{
	static uint8_t target[BFS_FIELDS_MAX];
	struct bfs_readlink_req req;
	struct bfs_readlink_rep rep = { .target = { (char *)target, 0 } };

	bfs_readlink_req_get(in, &req);
	rep.target.len = (uint32_t)req.at.ino;
	pattern(target, rep.target.len, 3);
	return bfs_readlink_rep_put(out, &rep);
}

static int serve(struct bfs_call *c, struct bfs_wire *in, struct bfs_wire *out)
{
	switch (c->head.op) {
	case BFS_OP_HELLO:
		return serve_hello(c, in, out);
	case BFS_OP_READ:
		return serve_read(c, in, out);
	case BFS_OP_WRITE:
		return serve_write(c, in, out);
	case BFS_OP_RENAME:
		return serve_rename(c, in, out);
	case BFS_OP_READLINK:
		return serve_readlink(c, in, out);
	case BFS_OP_STATFS:
		c->server->stop = "asked to";
		return -ENOSYS;
	case BFS_OP_FSYNC:
		raise(SIGSTOP);
		return -ENOSYS;
	default:
		return -ENOSYS;
	}
}

void bfs_serve(struct bfs_call *c)
{
	struct bfs_wire in, out;
	int r;

	if (c->head.op == BFS_OP_LOCK)
		return; /* parked for ever */
	c->in_len = 0;
	bfs_wire_init(&in, c->req, c->req_len);
	bfs_get_req_head(&in);
	bfs_wire_init(&out, c->rep + BFS_REP_HEAD_LEN,
		      BFS_FIELDS_MAX - BFS_REP_HEAD_LEN);
	r = serve(c, &in, &out);
	if (r)
		c->in_len = 0;
	c->rep_len = r ? BFS_REP_HEAD_LEN : (size_t)(out.pos - c->rep);
	bfs_wire_init(&out, c->rep, BFS_REP_HEAD_LEN);
	bfs_put_rep_head(&out, &(struct bfs_rep_head){ c->head.op, (uint32_t)-r,
						       c->head.id });
	c->port->ops->reply(c);
}

int run_server(void)
{
	struct bfs_server s = { .run_dir = dir };
	struct bfs_port_ucx *p;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	s.loop = bfs_loop_new(20);
	r = bfs_port_ucx_new(&s, 0, NULL, &p);
	if (r)
		return 77;
	r = bfs_loop_run(s.loop, &s.stop);
	bfs_port_ucx_free(p);
	bfs_loop_free(s.loop);
	return r ? 1 : 0;
}

/* ---- the client's side ---- */

static void wait_for_address(pid_t server)
{
	char path[96];
	struct stat st;
	int status;

	snprintf(path, sizeof(path), "%s/ucx.addr", dir);
	while (stat(path, &st)) {
		if (waitpid(server, &status, WNOHANG) == server) {
			fprintf(stderr, "no UCX here: skipped\n");
			rmdir(dir);
			exit(77);
		}
		usleep(1000);
	}
}

pid_t start_server(void)
{
	pid_t pid = unit_fork();

	if (!pid) {
		execl("/proc/self/exe", "server", "server", dir, NULL);
		_exit(127);
	}
	wait_for_address(pid);
	return pid;
}

void open_transport(struct fixture *f)
{
	struct bfs_transport *t;

	assert_int_equal(bfs_ucx_load("none", dir, &t, &f->address,
				      &f->address_len, NULL),
			 0);
	t->session = SESSION;
	t->ticket = TICKET;
	t->peer = "the test's server";
	f->client.t = t;
	f->client.timeout_ms = 20000;
}

int say_hello(struct fixture *f, uint32_t version)
{
	struct bfs_transport *t = f->client.t;
	struct bfs_hello_req req = { .version = version,
				     .session = t->session,
				     .ticket = t->ticket };
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_hello_rep rep;
	int e;

	req.address = (struct bfs_str){ f->address, (uint32_t)f->address_len };
	e = bfs_rpc_hello(&f->client, &r, &req, &rep);
	if (!e && rep.session != SESSION)
		e = -EPROTO;
	bfs_rpc_end(&r);
	return e;
}

int do_read(struct bfs_client *c, uint8_t *buf, uint32_t n, uint64_t seed)
{
	struct bfs_read_req req = { .offset = seed, .size = n };
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_read_rep rep;
	int e;

	r.io.in = buf;
	r.io.in_cap = n;
	e = bfs_rpc_read(c, &r, &req, &rep);
	if (!e && r.io.in_len != n)
		e = -EPROTO;
	bfs_rpc_end(&r);
	return e ? e : matches(buf, n, seed) ? 0 : -EILSEQ;
}

int do_write(struct bfs_client *c, uint8_t *buf, uint32_t n, uint64_t seed)
{
	struct bfs_write_req req = { .offset = seed };
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_write_rep rep;
	int e;

	pattern(buf, n, seed);
	r.io.out = buf;
	r.io.out_len = n;
	e = bfs_rpc_write(c, &r, &req, &rep);
	bfs_rpc_end(&r);
	return e ? e : rep.written == n ? 0 : -EPROTO;
}

int do_lock(struct fixture *f, uint32_t ms, bool interruptible)
{
	struct bfs_transport *t = f->client.t;
	struct bfs_io io = { .id = 1ull << 40, .fd = -1 };
	struct bfs_wire w;
	int e;

	io.deadline = bfs_now() + ms * 1000000ull;
	io.interruptible = interruptible;
	e = t->ops->begin(t, &io);
	if (e)
		return e;
	bfs_wire_init(&w, io.req, io.req_cap);
	bfs_put_req_head(&w, &(struct bfs_req_head){ .op = BFS_OP_LOCK,
						     .id = io.id,
						     .session = SESSION,
						     .ticket = TICKET });
	io.req_len = (size_t)(w.pos - io.req);
	e = t->ops->call(t, &io);
	t->ops->end(t, &io);
	return e;
}

void order(struct fixture *f, bool stop)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_statfs_req a = { .path = { "", 0 } };
	struct bfs_statfs_rep ar;
	struct bfs_fsync_req b = { .flags = 0 };
	struct bfs_fsync_rep br;

	r.deadline = bfs_now() + 200000000u;
	if (stop)
		bfs_rpc_statfs(&f->client, &r, &a, &ar);
	else
		bfs_rpc_fsync(&f->client, &r, &b, &br);
	bfs_rpc_end(&r);
}

int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->server = start_server();
	open_transport(f);
	assert_int_equal(say_hello(f, BFS_PROTO_VERSION), 0);
	*state = f;
	return 0;
}

int tear_down(void **state)
{
	struct fixture *f = *state;
	struct bfs_transport *t = f->client.t;
	char path[96];

	if (t)
		t->ops->destroy(t);
	if (f->server) {
		kill(f->server, SIGKILL);
		waitpid(f->server, NULL, 0);
	}
	snprintf(path, sizeof(path), "%s/ucx.addr", dir);
	unlink(path);
	free(f);
	return 0;
}
