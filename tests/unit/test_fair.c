/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F1, overload: clients that post as many long calls as they can do not keep a
 * short one waiting for more than one of them, whether they are looked at all
 * the time or ring their bells; and all are served in turn.
 */
#include "tests/unit/cluster_unit.h"

#include "core/local_io.h"
#include "core/ring.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/client.h"
#include "server/port_local.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FLOODS 40 /* more than are looked at all the time */
#define EACH 8	  /* long calls under way of each */

struct client {
	int sock;
	struct bfs_ring *ring;
	struct bfs_hello_rep hello;
	uint64_t id;
	unsigned served;
};

static struct cluster_unit *u;
static struct bfs_port_local *port;
static struct client flood[FLOODS], small;

static struct bfs_server *server(void)
{
	return &u->servers[0];
}

static void turn(void)
{
	assert_true(bfs_loop_turn(server()->loop) >= 0);
}

static void come(struct client *c)
{
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .generation = 1 };
	uint8_t buf[BFS_FIELDS_MAX];
	struct sockaddr_un name;
	int fds[4] = { -1, -1, -1, -1 }, n;
	struct bfs_wire m;

	c->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
			 0);
	assert_int_equal(bfs_local_name(&name, server()->run_dir), 0);
	assert_int_equal(
		connect(c->sock, (struct sockaddr *)&name, sizeof(name)), 0);
	bfs_wire_init(&m, buf, sizeof(buf));
	bfs_put_req_head(&m,
			 &(struct bfs_req_head){ .op = BFS_OP_HELLO, .id = 1 });
	bfs_hello_req_put(&m, &req);
	assert_true(send(c->sock, buf, (size_t)(m.pos - buf), 0) > 0);
	for (int k = 0; k < 3; k++)
		turn();
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
	c->id = 1;
}

/* A call whose answer may have so many bytes; which is refused, as a handle of
 * a directory cannot be read, but is served. */
static void post(struct client *c, unsigned slot, uint32_t bytes)
{
	struct bfs_slot *s = &c->ring->slot[slot];
	struct bfs_req_head h = { .op = BFS_OP_READ,
				  .deadline_ms = 30000,
				  .id = ++c->id,
				  .session = c->hello.session,
				  .generation = 1 };
	struct bfs_read_req req = { .handle = c->hello.root, .size = bytes };
	struct bfs_wire m;

	bfs_wire_init(&m, s->fields, sizeof(s->fields));
	bfs_put_req_head(&m, &h);
	bfs_read_req_put(&m, &req);
	s->req_len = (uint32_t)(m.pos - s->fields);
	s->out_len = 0;
	s->in_cap = bytes;
	atomic_store(&s->state, BFS_SLOT_POSTED);
	atomic_fetch_or(&c->ring->posted, 1ull << slot);
	if (atomic_load(&c->ring->sleeping))
		send(c->sock, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Its answers are taken, and as many calls posted again. */
static unsigned go_on(struct client *c, unsigned each, uint32_t bytes)
{
	unsigned n = 0;

	for (unsigned k = 0; k < each; k++) {
		if (atomic_load(&c->ring->slot[k].state) != BFS_SLOT_DONE)
			continue;
		atomic_store(&c->ring->slot[k].state, BFS_SLOT_FREE);
		post(c, k, bytes);
		n++;
	}
	c->served += n;
	return n;
}

static int setup(void **state)
{
	char *run;

	u = cluster_unit_new(1, 1);
	assert_true(asprintf(&run, "%s/run", u->dir) > 0);
	assert_int_equal(mkdir(run, 0700), 0);
	server()->run_dir = run;
	server()->pass = true;
	server()->config.node.member = (char *)"";
	server()->loop = bfs_loop_new(0);
	assert_non_null(server()->loop);
	assert_int_equal(bfs_port_local_new(server(), &port), 0);
	memset(flood, 0, sizeof(flood));
	memset(&small, 0, sizeof(small));
	return 0;
}

static void leave(struct client *c)
{
	if (!c->ring)
		return;
	close(c->sock);
	munmap(c->ring, sizeof(*c->ring));
}

static int teardown(void **state)
{
	struct bfs_loop *loop = server()->loop;

	leave(&small);
	for (unsigned n = 0; n < FLOODS; n++)
		leave(&flood[n]);
	for (int k = 0; k < 5; k++)
		turn();
	bfs_port_local_free(port);
	free(server()->run_dir);
	server()->run_dir = NULL;
	cluster_unit_free(u);
	bfs_loop_free(loop);
	return 0;
}

/* Long calls that are served while the short one waits. */
static unsigned wait_for_short(unsigned floods)
{
	unsigned waited = 0;

	for (unsigned f = 0; f < floods; f++)
		go_on(&flood[f], EACH, 1 << 20);
	post(&small, 0, 100);
	for (int k = 0; k < 1000; k++) {
		unsigned n = 0;

		turn();
		for (unsigned f = 0; f < floods; f++)
			n += go_on(&flood[f], EACH, 1 << 20);
		if (atomic_load(&small.ring->slot[0].state) == BFS_SLOT_DONE) {
			atomic_store(&small.ring->slot[0].state, BFS_SLOT_FREE);
			return waited + n;
		}
		waited += n;
	}
	fail_msg("the short call is not served");
	return 0;
}

static void beside(unsigned floods)
{
	unsigned least = UINT32_MAX, most = 0;

	come(&small);
	for (unsigned f = 0; f < floods; f++) {
		come(&flood[f]);
		for (unsigned k = 0; k < EACH; k++)
			post(&flood[f], k, 1 << 20);
	}
	for (int n = 0; n < 2000; n++) {
		unsigned waited = wait_for_short(floods);

		/* one that is under way, and one of the turn itself */
		if (waited > 2)
			fail_msg("%u long calls before a short one", waited);
	}
	for (unsigned f = 0; f < floods; f++) {
		least = BFS_MIN(least, flood[f].served);
		most = BFS_MAX(most, flood[f].served);
	}
	if (!least || most > 2 * least + EACH)
		fail_msg("one had %u long calls served, another %u", least,
			 most);
}

static void test_few(void **state)
{
	beside(3);
}

static void test_many(void **state)
{
	beside(FLOODS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_few, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0) /* valgrind 3.19: the daemon cannot watch a client */
		return 77;
	close(fd);
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
