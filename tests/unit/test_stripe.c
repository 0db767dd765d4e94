/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A striped file over several daemons has the bytes that a plain array has
 * (S1, S3, S5, S7; RULES 17-19), whatever is done to it, from any node.
 */
#include "tests/unit/cluster_unit.h"

#include "core/util.h"
#include "server/stripe_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LOG2 16
#define CHUNK (1u << LOG2)
#define MOST (20u * CHUNK) /* bytes of the file */
#define SPAN (5u * CHUNK)  /* of one call */
#define STEPS 800

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

/* Chunk by chunk, as the definition has it. */
static void plan_by_hand(const struct bfs_plan *p)
{
	for (unsigned s = 0; s < p->nshards; s++) {
		struct bfs_piece at = { 0 };
		uint64_t bytes = 0, pos = p->offset;
		bool more = bfs_plan_next(p, s, &at);

		while (pos < p->end) {
			uint64_t chunk = pos >> p->chunk;
			uint64_t end =
				BFS_MIN((chunk + 1) << p->chunk, p->end);

			if ((p->home + chunk) % p->nshards == s) {
				assert_true(more);
				/* one shard's chunks may be one piece */
				assert_true(at.offset == pos);
				assert_true(at.len == end - pos);
				bytes += at.len;
				more = bfs_plan_next(p, s, &at);
			}
			pos = end;
		}
		assert_false(more);
		assert_true(bfs_plan_bytes(p, s) == bytes);
	}
}

static void plans(void **state)
{
	seed = 77;
	for (unsigned n = 0; n < 3000; n++) {
		struct bfs_plan p = { .nshards = 1 + pick(6),
				      .chunk = 9 + pick(3) };

		p.home = pick(p.nshards);
		p.offset = pick(10000);
		p.end = p.offset + pick(20000);
		plan_by_hand(&p);
	}
	/* As far out as a file can be. */
	plan_by_hand(&(struct bfs_plan){ .nshards = 3,
					 .chunk = 30,
					 .offset = INT64_MAX - 10,
					 .end = INT64_MAX });
}

struct model {
	struct cluster_unit *u;
	unsigned step;
	uint8_t want[MOST];
	size_t size;
	struct bfs_handle handle;
};

static unsigned node_of(const struct model *m)
{
	return pick(m->u->n);
}

static struct bfs_handle open_file(struct cluster_unit *u, unsigned node,
				   const char *path, int flags)
{
	struct bfs_open_req req = { .at = cluster_root(u),
				    .path = cluster_str(path),
				    .oflags = (uint32_t)flags,
				    .mode = 0644,
				    .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;

	assert_int_equal(cluster_open(u, node, &req, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_FILE);
	return rep.handle;
}

static int write_at(struct cluster_unit *u, unsigned node, struct bfs_handle h,
		    const void *data, size_t len, uint64_t offset,
		    unsigned flags, struct bfs_write_rep *rep)
{
	struct bfs_write_req req = { .handle = h,
				     .offset = offset,
				     .flags = flags };

	u->out = data;
	u->out_len = len;
	return cluster_write(u, node, &req, rep);
}

static int read_at(struct cluster_unit *u, unsigned node, struct bfs_handle h,
		   size_t len, uint64_t offset)
{
	struct bfs_read_req req = { .handle = h,
				    .offset = offset,
				    .size = (uint32_t)len };
	struct bfs_read_rep rep;

	return cluster_read(u, node, &req, &rep);
}

static int truncate_to(struct cluster_unit *u, unsigned node, const char *path,
		       uint64_t size)
{
	struct bfs_setattr_req req = { .at = cluster_root(u),
				       .path = cluster_str(path),
				       .valid = BFS_SET_SIZE,
				       .flags = AT_EMPTY_PATH,
				       .size = size };
	struct bfs_setattr_rep rep;

	return cluster_setattr(u, node, &req, &rep);
}

static void fill(uint8_t *buf, size_t len)
{
	uint32_t x = pick(1u << 30);

	for (size_t n = 0; n < len; n++, x = x * 1664525 + 1013904223)
		buf[n] = (uint8_t)(x >> 24 | 1);
}

/* What the array gets from a write that was acknowledged. */
static void put(struct model *m, const uint8_t *buf, size_t len, size_t at)
{
	if (at > m->size)
		memset(m->want + m->size, 0, at - m->size);
	memcpy(m->want + at, buf, len);
	m->size = BFS_MAX(m->size, at + len);
}

static void one_write(struct model *m)
{
	static uint8_t buf[SPAN];
	bool append = pick(3) == 0;
	size_t at = append ? m->size : pick(MOST - SPAN);
	size_t len = 1 + pick(SPAN);
	struct bfs_write_rep rep;

	if (at + len > MOST)
		return;
	fill(buf, len);
	assert_int_equal(write_at(m->u, node_of(m), m->handle, buf, len,
				  append ? 5 : at, append ? O_APPEND : 0, &rep),
			 0);
	assert_int_equal(rep.written, len);
	assert_int_equal(rep.end, at + len);
	put(m, buf, len, at);
}

static void check_bytes(const struct model *m, const uint8_t *got, size_t at,
			size_t len)
{
	for (size_t n = 0; n < len; n++)
		if (got[n] != m->want[at + n])
			fail_msg("step %u: byte %zu (size %zu) is %u, not %u",
				 m->step, at + n, m->size, got[n],
				 m->want[at + n]);
}

static void one_read(struct model *m)
{
	size_t at = pick(MOST), len = pick(SPAN);
	size_t have = at < m->size ? BFS_MIN(len, m->size - at) : 0;

	assert_int_equal(read_at(m->u, node_of(m), m->handle, len, at), 0);
	assert_int_equal(m->u->in_len, have);
	check_bytes(m, m->u->in, at, have);
}

static void one_truncate(struct model *m)
{
	size_t to = pick(4) ? pick((unsigned)m->size + 1) : pick(MOST);

	if (!pick(4)) {
		open_file(m->u, node_of(m), "f", O_RDWR | O_TRUNC);
		to = 0;
	} else {
		assert_int_equal(truncate_to(m->u, node_of(m), "f", to), 0);
	}
	if (to > m->size)
		memset(m->want + m->size, 0, to - m->size);
	m->size = to;
}

static void check_size(const struct model *m)
{
	struct bfs_attr a;

	assert_int_equal(cluster_stat(m->u, pick(m->u->n), "f", &a), 0);
	if (a.size != m->size)
		fail_msg("step %u: size is %lu, not %zu", m->step, a.size,
			 m->size);
}

/* The whole file, in pieces. */
static void check_all(const struct model *m)
{
	for (size_t at = 0; at < m->size; at += SPAN) {
		size_t len = BFS_MIN(SPAN, m->size - at);

		assert_int_equal(read_at(m->u, pick(m->u->n), m->handle, len,
					 at),
				 0);
		assert_int_equal(m->u->in_len, len);
		check_bytes(m, m->u->in, at, len);
	}
}

static void one_step(struct model *m)
{
	unsigned what = pick(10);

	if (what < 5)
		one_write(m);
	else if (what < 9)
		one_read(m);
	else
		one_truncate(m);
	if (!pick(8))
		check_size(m);
}

static struct model *model_new(unsigned n, uint64_t with)
{
	struct model *m = calloc(1, sizeof(*m));

	seed = with * 0x9e3779b97f4a7c15u | 1;
	m->u = cluster_unit_striped(n, with, LOG2);
	m->handle = open_file(m->u, 0, "f", O_CREAT | O_RDWR);
	return m;
}

static void model_free(struct model *m)
{
	check_size(m);
	check_all(m);
	cluster_unit_free(m->u);
	free(m);
}

static void run(unsigned n, uint64_t with)
{
	struct model *m = model_new(n, with);

	for (; m->step < STEPS; m->step++)
		one_step(m);
	model_free(m);
}

static void two_daemons(void **state)
{
	run(2, 21);
}

static void three_daemons(void **state)
{
	run(3, 22);
}

static void many_daemons(void **state)
{
	run(16, 23);
}

/* Daemons are killed and come back between the calls: nothing is lost. */
static void restarts(void **state)
{
	struct model *m = model_new(3, 31);

	for (; m->step < STEPS; m->step++) {
		one_step(m);
		if (!pick(10)) {
			unsigned who = pick(3);

			cluster_unit_kill(m->u, who);
			cluster_unit_start(m->u, who);
		}
	}
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(two_daemons),
		cmocka_unit_test(three_daemons),
		cmocka_unit_test(many_daemons),
		cmocka_unit_test(restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
