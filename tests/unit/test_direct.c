/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of other nodes that come by themselves (server/direct.h): only with
 * the ticket that their node's daemon has asked for, only for data, not after
 * they have given up (R26), and what has come by the other way is known (F2).
 */
#include "tests/unit/unit.h"

#include "tests/unit/fake_fs.h"

#include "core/util.h"
#include "server/direct.h"
#include "server/route.h"
#include "server/session.h"

#include <errno.h>
#include <string.h>

#define CLIENT 0x1234567u /* the session at its node's daemon */
#define NODE 3u
#define PID 4711

/* ---- a port that keeps what it is to send ---- */

static struct {
	unsigned n;
	uint32_t status;
} answered;

static void keep(struct bfs_call *c)
{
	struct bfs_wire w;

	bfs_wire_init(&w, c->rep, c->rep_len);
	answered.status = bfs_get_rep_head(&w).status;
	answered.n++;
	free(c->rep);
	free(c);
}

static int attach(struct bfs_call *c, struct bfs_str address)
{
	return 0;
}

static void detach(struct bfs_port *p, struct bfs_session *s)
{
}

static const struct bfs_port_ops ops = {
	.name = "test", .reply = keep, .attach = attach, .detach = detach
};
static struct bfs_port port = { .ops = &ops };

struct world {
	struct bfs_server server;
	struct bfs_session *sess;
	uint32_t generation;
};

static int set_up(void **state)
{
	static uint32_t groups[1] = { 7 };
	struct bfs_cred cred = {
		.uid = 5, .gid = 6, .ngroups = 1, .groups = groups
	};
	struct world *w = calloc(1, sizeof(*w));

	fake_server_init(&w->server);
	memset(fake_effects, 0, sizeof(fake_effects));
	memset(&answered, 0, sizeof(answered));
	w->sess = bfs_session_far(&w->server, bfs_route_session(CLIENT, 1),
				  NODE, PID);
	assert_non_null(w->sess);
	assert_int_equal(w->sess->ticket, 0);
	assert_int_equal(bfs_session_vouch(w->sess, &cred, &w->generation), 0);
	w->sess->attached_generation = w->generation;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	bfs_session_free_all(&w->server);
	fake_server_fini(&w->server);
	free(w);
	return 0;
}

static uint32_t in_ms(int ms)
{
	return (uint32_t)(bfs_now() / 1000000 + (uint64_t)ms);
}

static int ask(struct world *w, struct bfs_req_head head)
{
	struct bfs_call *c = calloc(1, sizeof(*c));
	struct bfs_wire wire;
	unsigned before = answered.n;

	c->server = &w->server;
	c->port = &port;
	c->rep = calloc(1, BFS_FIELDS_MAX);
	c->pass_fd = -1;
	bfs_wire_init(&wire, c->req, sizeof(c->req));
	bfs_put_req_head(&wire, &head);
	c->req_len = BFS_REQ_HEAD_LEN + 200; /* fields of zeros */
	bfs_serve(c);
	assert_int_equal(answered.n, before + 1);
	return (int)answered.status;
}

static struct bfs_req_head good(const struct world *w, uint32_t op, uint64_t id)
{
	return (struct bfs_req_head){ .op = op,
				      .deadline_ms = in_ms(10000),
				      .id = id,
				      .session = w->sess->id,
				      .ticket = w->sess->ticket,
				      .generation = w->generation };
}

static void test_ticket(void **state)
{
	struct world *w = *state;
	struct bfs_req_head h = good(w, BFS_OP_WRITE, 1);

	assert_int_not_equal(w->sess->ticket, 0);
	assert_int_equal(w->sess->cred.uid, 5);
	assert_int_equal(w->sess->cred.groups[0], 7);
	h.ticket ^= 1;
	assert_int_equal(ask(w, h), EACCES);
	h.ticket = 0;
	assert_int_equal(ask(w, h), EACCES);
	h = good(w, BFS_OP_WRITE, 1);
	h.generation--;
	assert_int_equal(ask(w, h), ESTALE);
	assert_int_equal(fake_effects[BFS_OP_WRITE], 0);
	assert_int_equal(ask(w, good(w, BFS_OP_WRITE, 1)), 0);
	assert_int_equal(fake_effects[BFS_OP_WRITE], 1);
}

/* One that nobody has vouched for cannot be named in a HELLO. */
static void test_unknown(void **state)
{
	struct world *w = *state;
	struct bfs_session *other = bfs_session_far(&w->server, 99, NODE, PID);
	struct bfs_call c = { .server = &w->server };

	assert_non_null(other);
	assert_int_equal(bfs_session_attach(&c, 99, 0, 1), -EACCES);
	assert_int_equal(bfs_session_attach(&c, w->sess->id, w->sess->ticket,
					    w->generation),
			 0);
}

static void test_only_data(void **state)
{
	struct world *w = *state;

	for (uint32_t op = 1; op < BFS_OP_LIMIT; op++) {
		unsigned before = fake_effects[op];
		int e;

		if (!bfs_op_known(op) || op == BFS_OP_HELLO ||
		    op == BFS_OP_PEERHELLO)
			continue;
		e = ask(w, good(w, op, op));
		if (op == BFS_OP_READ || op == BFS_OP_WRITE)
			assert_int_equal(e, 0);
		else
			assert_int_equal(e, EPERM);
		assert_int_equal(fake_effects[op] - before, !e);
	}
}

static void test_too_late(void **state)
{
	static const int late[] = { 0, -1, -1000, -3600000, -2000000000 };
	static const int early[] = { 50, 30000, 2000000000 };
	struct world *w = *state;
	uint64_t id = 1;

	for (size_t i = 0; i < BFS_COUNT(late); i++) {
		struct bfs_req_head h = good(w, BFS_OP_WRITE, id++);

		h.deadline_ms = in_ms(late[i]);
		assert_int_equal(ask(w, h), ETIMEDOUT);
	}
	assert_int_equal(fake_effects[BFS_OP_WRITE], 0);
	for (size_t i = 0; i < BFS_COUNT(early); i++) {
		struct bfs_req_head h = good(w, BFS_OP_WRITE, id++);

		h.deadline_ms = in_ms(early[i]);
		assert_int_equal(ask(w, h), 0);
	}
	assert_int_equal(fake_effects[BFS_OP_WRITE], BFS_COUNT(early));
}

/* The same request by either way takes effect once; a refusal is no answer. */
static void test_once(void **state)
{
	struct world *w = *state;
	struct bfs_req_head h = good(w, BFS_OP_WRITE, 5);

	h.deadline_ms = in_ms(-1);
	assert_int_equal(ask(w, h), ETIMEDOUT);
	assert_int_equal(ask(w, good(w, BFS_OP_WRITE, 5)), 0);
	assert_int_equal(ask(w, good(w, BFS_OP_WRITE, 5)), 0);
	assert_int_equal(fake_effects[BFS_OP_WRITE], 1);
	assert_ptr_equal(bfs_session_far(&w->server,
					 bfs_route_session(CLIENT, 1), NODE,
					 PID),
			 w->sess);
}

/* A later way has a later generation, and ends the earlier one. */
static void test_generations(void **state)
{
	struct world *w = *state;
	struct bfs_call c = { .server = &w->server };
	struct bfs_req_head old = good(w, BFS_OP_WRITE, 7);
	uint32_t generation;

	assert_int_equal(
		bfs_session_vouch(w->sess, &w->sess->cred, &generation), 0);
	assert_true(generation > w->generation);
	assert_int_equal(ask(w, old), 0); /* not there yet */
	assert_int_equal(bfs_session_attach(&c, w->sess->id, w->sess->ticket,
					    generation),
			 0);
	old.id++;
	assert_int_equal(ask(w, old), ESTALE);
	assert_int_equal(bfs_session_attach(&c, w->sess->id, w->sess->ticket,
					    w->generation),
			 -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ticket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_only_data, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_too_late, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_generations, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
