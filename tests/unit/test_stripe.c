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
#include <ftw.h>
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
			uint64_t end = BFS_MIN((chunk + 1) << p->chunk, p->end);

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

static unsigned found;

static int count_one(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	found += type == FTW_F && strstr(path, "/data/") != NULL;
	return 0;
}

/* Of all daemons, on disk. */
static unsigned data_files(struct cluster_unit *u)
{
	found = 0;
	nftw(u->dir, count_one, 8, FTW_PHYS);
	return found;
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

		assert_int_equal(
			read_at(m->u, pick(m->u->n), m->handle, len, at), 0);
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

/* What a call that failed, or was cut short, may have left. */
struct doubt {
	enum { NOTHING, WRITTEN, SIZED } what;
	size_t at, len, to;
	uint8_t data[SPAN];
};

/* Is that byte as it was, or as the failed call wanted it? */
static bool may_be(const struct model *m, const struct doubt *d, size_t n,
		   uint8_t got)
{
	if (d->what == WRITTEN && n >= d->at && n < d->at + d->len &&
	    got == d->data[n - d->at])
		return true;
	return got == (n < m->size ? m->want[n] : 0);
}

/* All daemons are there again: what the file is now counts. */
static void adopt(struct model *m, const struct doubt *d)
{
	struct bfs_attr a = { 0 };
	size_t size;

	assert_int_equal(cluster_stat(m->u, pick(m->u->n), "f", &a), 0);
	size = a.size;
	if (d->what == WRITTEN
		    ? size < m->size || size > BFS_MAX(m->size, d->at + d->len)
		    : size != m->size && size != d->to)
		fail_msg("step %u: size is %zu; it was %zu, the call (%d) was "
			 "for %zu+%zu or %zu",
			 m->step, size, m->size, d->what, d->at, d->len, d->to);
	for (size_t at = 0; at < size; at += SPAN) {
		size_t len = BFS_MIN(SPAN, size - at);

		assert_int_equal(
			read_at(m->u, pick(m->u->n), m->handle, len, at), 0);
		assert_int_equal(m->u->in_len, len);
		for (size_t n = at; n < at + len; n++)
			if (!may_be(m, d, n, m->u->in[n - at]))
				fail_msg("step %u: byte %zu is %u", m->step, n,
					 m->u->in[n - at]);
		memcpy(m->want + at, m->u->in, len);
	}
	m->size = size;
}

static struct cluster_call *start_write(struct model *m, unsigned node,
					struct doubt *d, bool may_append)
{
	struct bfs_write_req req = { .handle = m->handle };
	uint8_t fields[256];
	struct bfs_wire w;

	d->what = WRITTEN;
	d->len = 1 + pick(SPAN);
	if (pick(3) || m->size == MOST || !may_append)
		d->at = pick(MOST - SPAN);
	else
		req.flags = O_APPEND;
	if (req.flags)
		d->at = m->size;
	if (d->at + d->len > MOST)
		d->len = MOST - d->at;
	req.offset = d->at;
	fill(d->data, d->len);
	m->u->out = d->data;
	m->u->out_len = d->len;
	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_write_req_put(&w, &req);
	return cluster_start(m->u, node, BFS_OP_WRITE, fields,
			     (size_t)(w.pos - fields));
}

static struct cluster_call *start_truncate(struct model *m, unsigned node,
					   struct doubt *d)
{
	struct bfs_setattr_req req = { .at = cluster_root(m->u),
				       .path = cluster_str("f"),
				       .valid = BFS_SET_SIZE,
				       .flags = AT_EMPTY_PATH };
	uint8_t fields[512];
	struct bfs_wire w;

	d->what = SIZED;
	req.size = d->to = pick(4) ? pick((unsigned)m->size + 1) : pick(MOST);
	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_setattr_req_put(&w, &req);
	return cluster_start(m->u, node, BFS_OP_SETATTR, fields,
			     (size_t)(w.pos - fields));
}

/* It was acknowledged: exactly that has happened, so far as it says. */
static void acknowledged(struct model *m, struct doubt *d)
{
	struct bfs_write_rep rep;
	struct bfs_wire w;

	if (d->what == SIZED) {
		if (d->to > m->size)
			memset(m->want + m->size, 0, d->to - m->size);
		m->size = d->to;
		d->what = NOTHING;
		return;
	}
	bfs_wire_init(&w, m->u->rep + BFS_REP_HEAD_LEN, 64);
	assert_int_equal(bfs_write_rep_get(&w, &rep), 0);
	assert_true(rep.written && rep.written <= d->len);
	put(m, d->data, rep.written, d->at);
	memmove(d->data, d->data + rep.written, d->len - rep.written);
	d->at += rep.written;
	d->len -= rep.written;
}

enum fault { KILL_LONG, KILL, CUT, FAULTS };

/* A daemon goes while a call from another node is under way. */
static void one_fault(struct model *m, unsigned *failed)
{
	static struct doubt d;
	unsigned n = m->u->n, node = pick(n);
	unsigned victim = (node + 1 + pick(n - 1)) % n;
	enum fault fault = pick(FAULTS);
	const bool never = false;
	struct cluster_call *c;
	int r;

	memset(&d, 0, sizeof(d));
	/* Sessions here are not in the journal: one that was carried out, and
	 * is asked for again after a restart, would be carried out twice. */
	c = pick(4) ? start_write(m, node, &d, fault != KILL)
		    : start_truncate(m, node, &d);
	for (unsigned k = pick(30); k && !cluster_done(c); k--)
		bfs_ploop_step(m->u->net);
	if (fault == CUT)
		bfs_ploop_cut(m->u->net, victim, true);
	else
		cluster_unit_kill(m->u, victim);
	if (fault == KILL)
		cluster_unit_start(m->u, victim);
	r = cluster_finish(m->u, c);
	if (fault == CUT)
		bfs_ploop_cut(m->u->net, victim, false);
	else if (fault == KILL_LONG)
		cluster_unit_start(m->u, victim);
	*failed += r != 0;
	/* Others have given up the call too. */
	bfs_ploop_run(m->u->net, &never, 5000000000u);
	if (!r)
		acknowledged(m, &d);
	adopt(m, &d);
}

/* SEED=100 tests/unit/test_stripe tries others. */
static uint64_t other_seed(void)
{
	const char *s = getenv("SEED");

	return s ? strtoull(s, NULL, 0) : 0;
}

static void faults(unsigned n, uint64_t with)
{
	struct model *m = model_new(n, with + other_seed());
	unsigned failed = 0;

	for (; m->step < STEPS / 2; m->step++) {
		one_step(m);
		if (!pick(3))
			one_fault(m, &failed);
	}
	fprintf(stderr, "%u calls failed\n", failed);
	assert_true(failed > 0);
	model_free(m);
}

/* Messages are lost, doubled and late, and connections break: nobody notices
 * (F2). */
static void bad_network(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	seed = 61;
	m->u = cluster_unit_with(&(struct cluster_unit_conf){
		.n = 4,
		.seed = 61,
		.layout = { .policy = BFS_POLICY_STRIPE, .chunk_log2 = LOG2 },
		.journal = true,
		.lose = 20,
		.duplicate = 20,
		.breaks = 10,
		.stray = 10 });
	m->handle = open_file(m->u, 0, "f", O_CREAT | O_RDWR);
	for (; m->step < STEPS; m->step++)
		one_step(m);
	model_free(m);
}

/* Every shard's space returns when the file is removed, also of one that was
 * down just then (S5). */
static void space_returns(void **state)
{
	struct cluster_unit *u = cluster_unit_striped(4, 62, LOG2);
	static uint8_t data[8 * CHUNK];
	struct bfs_write_rep rep;
	const bool never = false;
	struct bfs_handle f;
	unsigned home;

	fill(data, sizeof(data));
	for (unsigned round = 0; round < 3; round++) {
		f = open_file(u, 0, "f", O_CREAT | O_RDWR);
		home = (unsigned)(f.ino >> 48);
		assert_int_equal(
			write_at(u, 0, f, data, sizeof(data), 0, 0, &rep), 0);
		assert_int_equal(data_files(u), 4);
		if (round == 1)
			cluster_unit_kill(u, (home + 1) % 4);
		assert_int_equal(cluster_remove(u, home, "f", false), 0);
		if (round == 2)
			cluster_unit_kill(u, home);
		bfs_ploop_run(u->net, &never, 1000000000u);
		if (round)
			cluster_unit_start(u, (home + 2 - round) % 4);
		bfs_ploop_run(u->net, &never, 5000000000u);
		assert_int_equal(data_files(u), 0);
	}
	cluster_unit_free(u);
}

static void faults_of_two(void **state)
{
	faults(2, 41);
}

static void faults_of_three(void **state)
{
	faults(3, 42);
}

static void faults_of_five(void **state)
{
	faults(5, 43);
}

#define WRITERS 8
#define RECORD 47008u
#define ROUNDS 6

static struct cluster_call *start_io(struct cluster_unit *u, unsigned node,
				     struct bfs_handle h, const void *data,
				     size_t len, uint64_t offset,
				     unsigned flags)
{
	uint8_t fields[256];
	struct bfs_wire w;

	bfs_wire_init(&w, fields, sizeof(fields));
	if (!data) {
		bfs_read_req_put(
			&w, &(struct bfs_read_req){ .handle = h,
						    .offset = offset,
						    .size = (uint32_t)len });
		return cluster_start(u, node, BFS_OP_READ, fields,
				     (size_t)(w.pos - fields));
	}
	bfs_write_req_put(&w, &(struct bfs_write_req){ .handle = h,
						       .offset = offset,
						       .flags = flags });
	u->out = data;
	u->out_len = len;
	return cluster_start(u, node, BFS_OP_WRITE, fields,
			     (size_t)(w.pos - fields));
}

static uint8_t tag_of(unsigned writer, unsigned round)
{
	return (uint8_t)(1 + round * WRITERS + writer);
}

/* Several at once write records, each its own, in one file, and append them to
 * another: every record is there, whole, and once (S3). */
static void side_by_side(void **state)
{
	struct cluster_unit *u = cluster_unit_striped(4, 51, LOG2);
	static uint8_t data[WRITERS][RECORD];
	struct cluster_call *calls[2 * WRITERS];
	struct bfs_handle f, g;
	unsigned seen[256] = { 0 };

	seed = 51;
	f = open_file(u, 0, "f", O_CREAT | O_RDWR);
	g = open_file(u, 0, "g", O_CREAT | O_RDWR);
	for (unsigned r = 0; r < ROUNDS; r++) {
		for (unsigned w = 0; w < WRITERS; w++) {
			memset(data[w], tag_of(w, r), RECORD);
			calls[2 * w] = start_io(
				u, pick(4), f, data[w], RECORD,
				(uint64_t)RECORD * (r * WRITERS + w), 0);
			calls[2 * w + 1] = start_io(u, pick(4), g, data[w],
						    RECORD, 0, O_APPEND);
		}
		for (unsigned k = 0; k < 2 * WRITERS; k++)
			assert_int_equal(cluster_finish(u, calls[k]), 0);
	}
	for (unsigned k = 0; k < ROUNDS * WRITERS; k++) {
		uint64_t at = (uint64_t)RECORD * k;

		assert_int_equal(read_at(u, pick(4), f, RECORD, at), 0);
		assert_int_equal(u->in_len, RECORD);
		for (unsigned n = 0; n < RECORD; n++)
			assert_int_equal(u->in[n], k + 1);
		assert_int_equal(read_at(u, pick(4), g, RECORD + 1, at), 0);
		assert_true(u->in_len >= RECORD);
		for (unsigned n = 1; n < RECORD; n++)
			assert_int_equal(u->in[n], u->in[0]);
		seen[u->in[0]]++;
	}
	for (unsigned k = 1; k <= ROUNDS * WRITERS; k++)
		assert_int_equal(seen[k], 1);
	cluster_unit_free(u);
}

/* Who reads beside one who extends sees no zeros where data is under way
 * (RULES 17). */
static void readers_beside(void **state)
{
	struct cluster_unit *u = cluster_unit_striped(3, 52, LOG2);
	static uint8_t data[SPAN];
	struct cluster_call *calls[6], *w;
	struct bfs_handle f;
	uint64_t size = 0;

	seed = 52;
	f = open_file(u, 0, "f", O_CREAT | O_RDWR);
	for (unsigned r = 0; r < 60; r++) {
		size_t len = 1 + pick(SPAN);

		fill(data, len);
		w = start_io(u, pick(3), f, data, len, size, 0);
		for (unsigned k = 0; k < BFS_COUNT(calls); k++) {
			uint64_t at = size > SPAN ? size - pick(SPAN) : 0;

			calls[k] = start_io(u, pick(3), f, NULL, SPAN, at, 0);
			for (unsigned n = pick(8); n; n--)
				bfs_ploop_step(u->net);
		}
		for (unsigned k = 0; k < BFS_COUNT(calls); k++) {
			assert_int_equal(cluster_finish(u, calls[k]), 0);
			assert_null(memchr(u->in, 0, u->in_len));
		}
		assert_int_equal(cluster_finish(u, w), 0);
		size += len;
	}
	cluster_unit_free(u);
}

/* What writes and truncates at once leave is the same for everybody. */
static void pell_mell(void **state)
{
	struct cluster_unit *u = cluster_unit_striped(4, 53, LOG2);
	static uint8_t data[8][SPAN], other[SPAN];
	struct cluster_call *calls[8];
	struct model m = { .u = u };
	struct doubt d;

	seed = 53;
	m.handle = open_file(u, 0, "f", O_CREAT | O_RDWR);
	for (unsigned r = 0; r < 150; r++) {
		struct bfs_attr a;

		for (unsigned k = 0; k < BFS_COUNT(calls); k++) {
			fill(data[k], SPAN);
			m.size = MOST - 1;
			calls[k] = pick(3) ? start_io(u, pick(4), m.handle,
						      data[k], 1 + pick(SPAN),
						      pick(MOST - SPAN), 0)
					   : start_truncate(&m, pick(4), &d);
		}
		for (unsigned k = 0; k < BFS_COUNT(calls); k++)
			assert_int_equal(cluster_finish(u, calls[k]), 0);
		assert_int_equal(cluster_stat(u, pick(4), "f", &a), 0);
		for (uint64_t at = 0; at < a.size; at += SPAN) {
			size_t len = BFS_MIN(SPAN, a.size - at);

			assert_int_equal(read_at(u, 0, m.handle, SPAN, at), 0);
			assert_int_equal(u->in_len, len);
			memcpy(other, u->in, len);
			assert_int_equal(
				read_at(u, 1 + pick(3), m.handle, SPAN, at), 0);
			assert_int_equal(u->in_len, len);
			assert_memory_equal(u->in, other, len);
		}
	}
	cluster_unit_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(two_daemons),
		cmocka_unit_test(three_daemons),
		cmocka_unit_test(many_daemons),
		cmocka_unit_test(restarts),
		cmocka_unit_test(side_by_side),
		cmocka_unit_test(readers_beside),
		cmocka_unit_test(pell_mell),
		cmocka_unit_test(bad_network),
		cmocka_unit_test(space_returns),
		cmocka_unit_test(faults_of_two),
		cmocka_unit_test(faults_of_three),
		cmocka_unit_test(faults_of_five),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
