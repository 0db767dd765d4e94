/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F3: a client that says HELLO to go on with its session, and dies before the
 * answer, which waits for the journal's turn.
 */
#include "tests/unit/journal_unit.h"

#include "core/local_io.h"
#include "core/log.h"
#include "server/arena.h"
#include "server/client.h"
#include "server/port_local.h"
#include "server/serve_lock.h"
#include "server/server.h"
#include "server/session.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct world {
	void *fs_state;
	struct fs_unit *u;
	struct bfs_server *s;
	struct bfs_port_local *port;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char *run;

	if (journal_unit_setup(&w->fs_state))
		return -1;
	w->u = w->fs_state;
	w->s = w->u->server;
	w->s->journal = w->u->fs->journal;
	w->s->arenas = bfs_arenas_new(w->s->secret);
	w->s->loop = bfs_loop_new(0);
	assert_true(w->s->arenas && w->s->loop);
	assert_true(asprintf(&run, "%s/run", w->u->dir) > 0);
	assert_int_equal(mkdir(run, 0700), 0);
	w->s->run_dir = run;
	assert_int_equal(bfs_serve_lock_start(w->s), 0);
	assert_int_equal(bfs_port_local_new(w->s, &w->port), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	bfs_port_local_free(w->port);
	bfs_session_free_all(w->s);
	bfs_serve_lock_stop(w->s);
	bfs_loop_free(w->s->loop);
	bfs_arenas_free(w->s->arenas);
	free(w->s->run_dir);
	w->s->loop = NULL;
	fs_unit_teardown(&w->fs_state);
	free(w);
	return 0;
}

static int dial(struct world *w)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	struct sockaddr_un name;

	assert_int_equal(bfs_local_name(&name, w->s->run_dir), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)),
			 0);
	return fd;
}

static void say_hello(int fd, const struct bfs_session *old, uint32_t gen)
{
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .generation = gen };
	uint8_t buf[512];
	struct bfs_wire m;

	if (old) {
		req.session = old->id;
		req.ticket = old->ticket;
	}
	bfs_wire_init(&m, buf, sizeof(buf));
	bfs_put_req_head(&m,
			 &(struct bfs_req_head){ .op = BFS_OP_HELLO, .id = 1 });
	assert_int_equal(bfs_hello_req_put(&m, &req), 0);
	assert_true(send(fd, buf, (size_t)(m.pos - buf), 0) > 0);
}

static void turn(struct world *w)
{
	for (unsigned n = 0; n < 4; n++)
		assert_true(bfs_loop_turn(w->s->loop) >= 0);
}

static void test_dies_in_hello(void **state)
{
	struct world *w = *state;
	int first = dial(w), second = dial(w);
	struct bfs_session *sess;

	say_hello(first, NULL, 1);
	turn(w);
	u_turn(w->u);
	sess = w->port->conns->session;
	assert_true(sess->greeted);
	assert_int_equal(sess->users, 1);
	/* the same client again; something waits for the turn's end */
	say_hello(second, sess, 2);
	assert_int_equal(u_mkdir(w->u, "d", 0700), 0);
	turn(w);
	assert_int_equal(sess->users, 2);
	assert_non_null(w->u->fs->journal->waiting);
	bfs_client_drop(w->port->conns->next); /* its process has ended */
	assert_int_equal(sess->users, 1);
	u_turn(w->u);
	assert_int_equal(sess->users, 1);
	close(first);
	close(second);
	turn(w);
	assert_int_equal(sess->users, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dies_in_hello, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
