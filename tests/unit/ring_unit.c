/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/ring_unit.h"

#include "core/local_io.h"
#include "server/slice.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

bool ring_unit_can(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct bfs_server *ring_server(struct ring_unit *r)
{
	return &r->u->servers[0];
}

void ring_turn(struct ring_unit *r)
{
	assert_true(bfs_loop_turn(ring_server(r)->loop) >= 0);
}

void ring_unit_init(struct ring_unit *r)
{
	struct bfs_server *s;
	char *run;

	r->u = cluster_unit_new(1, 1);
	s = ring_server(r);
	assert_true(asprintf(&run, "%s/run", r->u->dir) > 0);
	assert_int_equal(mkdir(run, 0700), 0);
	s->run_dir = run;
	s->pass = true;
	s->config.node.member = (char *)"";
	s->loop = bfs_loop_new(0);
	assert_non_null(s->loop);
	assert_int_equal(bfs_slices_new(s), 0);
	assert_int_equal(bfs_port_local_new(s, &r->port), 0);
}

void ring_unit_fini(struct ring_unit *r)
{
	struct bfs_server *s = ring_server(r);
	struct bfs_loop *loop = s->loop;

	for (int k = 0; k < 5; k++)
		ring_turn(r);
	bfs_slices_free(s);
	bfs_port_local_free(r->port);
	free(s->run_dir);
	s->run_dir = NULL;
	cluster_unit_free(r->u);
	bfs_loop_free(loop);
}

static void say_hello(struct ring_client *c)
{
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .generation = 1 };
	uint8_t buf[BFS_FIELDS_MAX];
	struct bfs_wire m;

	bfs_wire_init(&m, buf, sizeof(buf));
	bfs_put_req_head(&m,
			 &(struct bfs_req_head){ .op = BFS_OP_HELLO, .id = 1 });
	bfs_hello_req_put(&m, &req);
	assert_true(send(c->sock, buf, (size_t)(m.pos - buf), 0) > 0);
}

static void take_hello(struct ring_client *c)
{
	int fds[4] = { -1, -1, -1, -1 }, n;
	uint8_t buf[BFS_FIELDS_MAX];
	struct bfs_wire m;

	n = bfs_local_recv(c->sock, buf, sizeof(buf), fds, 4, MSG_DONTWAIT);
	assert_true(n > BFS_REP_HEAD_LEN);
	bfs_wire_init(&m, buf, (size_t)n);
	bfs_get_rep_head(&m);
	assert_int_equal(bfs_hello_rep_get(&m, &c->hello), 0);
	c->ring = mmap(NULL, sizeof(*c->ring), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fds[0], 0);
	assert_true(c->ring != MAP_FAILED);
	for (int k = 0; k < 4; k++)
		if (fds[k] >= 0)
			close(fds[k]);
}

void ring_come(struct ring_unit *r, struct ring_client *c)
{
	struct sockaddr_un name;

	c->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
			 0);
	assert_int_equal(bfs_local_name(&name, ring_server(r)->run_dir), 0);
	assert_int_equal(
		connect(c->sock, (struct sockaddr *)&name, sizeof(name)), 0);
	say_hello(c);
	for (int k = 0; k < 3; k++)
		ring_turn(r);
	take_hello(c);
	c->id = 1;
}

void ring_go(struct ring_client *c)
{
	if (!c->ring)
		return;
	close(c->sock);
	munmap(c->ring, sizeof(*c->ring));
	c->ring = NULL;
}

void ring_post(struct ring_client *c, unsigned slot, uint32_t op,
	       const uint8_t *fields, size_t len, const void *out,
	       uint32_t out_len, uint32_t in_cap)
{
	struct bfs_slot *s = &c->ring->slot[slot];
	struct bfs_req_head h = { .op = op,
				  .deadline_ms = 30000,
				  .id = ++c->id,
				  .session = c->hello.session,
				  .generation = 1 };
	struct bfs_wire m;

	bfs_wire_init(&m, s->fields, sizeof(s->fields));
	bfs_put_req_head(&m, &h);
	memcpy(m.pos, fields, len);
	s->req_len = (uint32_t)(BFS_REQ_HEAD_LEN + len);
	if (out)
		memcpy(s->bulk, out, out_len);
	s->out_len = out_len;
	s->in_cap = in_cap;
	atomic_store(&s->state, BFS_SLOT_POSTED);
	atomic_fetch_or(&c->ring->posted, 1ull << slot);
	if (atomic_load(&c->ring->sleeping))
		send(c->sock, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool ring_done(const struct ring_client *c, unsigned slot)
{
	return atomic_load(&c->ring->slot[slot].state) == BFS_SLOT_DONE;
}

uint32_t ring_take(struct ring_client *c, unsigned slot, struct bfs_wire *w)
{
	struct bfs_slot *s = &c->ring->slot[slot];

	assert_true(ring_done(c, slot));
	bfs_wire_init(w, s->fields, s->rep_len);
	atomic_store(&s->state, BFS_SLOT_FREE);
	return bfs_get_rep_head(w).status;
}
