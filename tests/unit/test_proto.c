/* SPDX-License-Identifier: BSD-3-Clause */
/* Round trip and hostile bytes of every message of proto.def. */
#include "tests/unit/unit.h"

#include "core/proto.h"
#include "core/util.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static uint64_t seed = 1;

static uint64_t draw(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 11;
}

static char text[64];

/* Any value of each field type. */
static void fill_u32(uint32_t *v)
{
	*v = (uint32_t)draw();
}

static void fill_u64(uint64_t *v)
{
	*v = draw() << 32 ^ draw();
}

__attribute__((unused)) static void fill_i64(int64_t *v)
{
	*v = (int64_t)(draw() << 32 ^ draw());
}

static void fill_str(struct bfs_str *v)
{
	*v = (struct bfs_str){ text, (uint32_t)(draw() % sizeof(text)) };
}

static void fill_time(struct bfs_time *v)
{
	fill_i64(&v->sec);
	fill_u32(&v->nsec);
}

static void fill_attr(struct bfs_attr *v)
{
	fill_u64(&v->ino);
	fill_u32(&v->mode);
	fill_u32(&v->nlink);
	fill_u32(&v->uid);
	fill_u32(&v->gid);
	fill_u64(&v->rdev);
	fill_u64(&v->size);
	fill_u64(&v->blocks);
	fill_time(&v->atime);
	fill_time(&v->mtime);
	fill_time(&v->ctime);
	fill_time(&v->btime);
}

static void fill_handle(struct bfs_handle *v)
{
	fill_u64(&v->ino);
	fill_u32(&v->rights);
	fill_u64(&v->mac);
}

/* Equality, field by field: structures have padding. */
static bool same_u32(uint32_t a, uint32_t b)
{
	return a == b;
}

static bool same_u64(uint64_t a, uint64_t b)
{
	return a == b;
}

__attribute__((unused)) static bool same_i64(int64_t a, int64_t b)
{
	return a == b;
}

static bool same_str(struct bfs_str a, struct bfs_str b)
{
	return a.len == b.len && !memcmp(a.ptr, b.ptr, a.len);
}

static bool same_time(struct bfs_time a, struct bfs_time b)
{
	return a.sec == b.sec && a.nsec == b.nsec;
}

static bool same_attr(struct bfs_attr a, struct bfs_attr b)
{
	return a.ino == b.ino && a.mode == b.mode && a.nlink == b.nlink &&
	       a.uid == b.uid && a.gid == b.gid && a.rdev == b.rdev &&
	       a.size == b.size && a.blocks == b.blocks &&
	       same_time(a.atime, b.atime) && same_time(a.mtime, b.mtime) &&
	       same_time(a.ctime, b.ctime) && same_time(a.btime, b.btime);
}

static bool same_handle(struct bfs_handle a, struct bfs_handle b)
{
	return a.ino == b.ino && a.rights == b.rights && a.mac == b.mac;
}

/* A string that was decoded must lie in the message. */
static const uint8_t *begin, *end;

static void inside_str(struct bfs_str s)
{
	const uint8_t *p = (const uint8_t *)s.ptr;

	assert_true(!s.len || (p >= begin && p + s.len <= end));
}
#define inside_u32(v) ((void)(v))
#define inside_u64(v) ((void)(v))
#define inside_i64(v) ((void)(v))
#define inside_time(v) ((void)(v))
#define inside_attr(v) ((void)(v))
#define inside_handle(v) ((void)(v))

/* fill, same and check of each message, without knowing which it is. */
union message {
#define RPC(num, NAME, name, flags, reqf, repf) \
	struct bfs_##name##_req name##_req; \
	struct bfs_##name##_rep name##_rep;
#include "core/proto.def"
#undef RPC
};

#define DEFINE(msg) \
	static int put_##msg(struct bfs_wire *w, const void *m) \
	{ \
		return bfs_##msg##_put(w, m); \
	} \
	static int get_##msg(struct bfs_wire *w, void *m) \
	{ \
		return bfs_##msg##_get(w, m); \
	}
#define RPC(num, NAME, name, flags, reqf, repf) \
	DEFINE(name##_req) \
	DEFINE(name##_rep)
#include "core/proto.def"
#undef RPC

#define F(type, field) fill_##type(&m->field);
#define RPC(num, NAME, name, flags, reqf, repf) \
	static void fill_##name##_req(void *v) \
	{ \
		struct bfs_##name##_req *m = v; \
		(void)m; \
		reqf \
	} \
	static void fill_##name##_rep(void *v) \
	{ \
		struct bfs_##name##_rep *m = v; \
		(void)m; \
		repf \
	}
#include "core/proto.def"
#undef RPC
#undef F

#define F(type, field) &&same_##type(a->field, b->field)
#define RPC(num, NAME, name, flags, reqf, repf) \
	static bool same_##name##_req(const void *x, const void *y) \
	{ \
		const struct bfs_##name##_req *a = x, *b = y; \
		return a && b reqf; \
	} \
	static bool same_##name##_rep(const void *x, const void *y) \
	{ \
		const struct bfs_##name##_rep *a = x, *b = y; \
		return a && b repf; \
	}
#include "core/proto.def"
#undef RPC
#undef F

#define F(type, field) inside_##type(m->field);
#define RPC(num, NAME, name, flags, reqf, repf) \
	static void inside_##name##_req(const void *v) \
	{ \
		const struct bfs_##name##_req *m = v; \
		(void)m; \
		reqf \
	} \
	static void inside_##name##_rep(const void *v) \
	{ \
		const struct bfs_##name##_rep *m = v; \
		(void)m; \
		repf \
	}
#include "core/proto.def"
#undef RPC
#undef F

static const struct kind {
	const char *name;
	int (*put)(struct bfs_wire *w, const void *m);
	int (*get)(struct bfs_wire *w, void *m);
	void (*fill)(void *m);
	bool (*same)(const void *a, const void *b);
	void (*inside)(const void *m);
} kinds[] = {
#define KIND(msg) \
	{ #msg, put_##msg, get_##msg, fill_##msg, same_##msg, inside_##msg },
#define RPC(num, NAME, name, flags, reqf, repf) \
	KIND(name##_req) \
	KIND(name##_rep)
#include "core/proto.def"
#undef RPC
};

/* A random message, encoded into memory of exactly its length, so that a
 * checker sees any read behind it. */
static uint8_t *make(const struct kind *k, union message *m, size_t *len)
{
	uint8_t buf[BFS_FIELDS_MAX], *exact;
	struct bfs_wire w;

	memset(m, 0, sizeof(*m));
	k->fill(m);
	bfs_wire_init(&w, buf, sizeof(buf));
	assert_int_equal(k->put(&w, m), 0);
	*len = (size_t)(w.pos - buf);
	exact = malloc(*len ? *len : 1);
	assert_non_null(exact);
	memcpy(exact, buf, *len);
	return exact;
}

static int decode(const struct kind *k, const uint8_t *bytes, size_t len)
{
	union message m;
	struct bfs_wire w;
	int r;

	bfs_wire_init(&w, bytes, len);
	r = k->get(&w, &m);
	assert_true(r == 0 || r == -EBADMSG);
	assert_true(w.pos >= bytes && w.pos <= bytes + len);
	begin = bytes;
	end = bytes + len;
	k->inside(&m);
	return r;
}

static void test_round_trip(void **state)
{
	for (size_t i = 0; i < BFS_COUNT(kinds); i++) {
		union message sent, got;
		struct bfs_wire w;
		size_t len;
		uint8_t *bytes = make(&kinds[i], &sent, &len);

		bfs_wire_init(&w, bytes, len);
		assert_int_equal(kinds[i].get(&w, &got), 0);
		assert_ptr_equal(w.pos, w.end);
		if (!kinds[i].same(&sent, &got))
			fail_msg("%s changes on its way", kinds[i].name);
		free(bytes);
	}
}

/* A message that does not fit is an error, wherever the room ends. */
static void test_no_room(void **state)
{
	for (size_t i = 0; i < BFS_COUNT(kinds); i++) {
		union message m;
		size_t len;
		uint8_t *bytes = make(&kinds[i], &m, &len);

		for (size_t n = 0; n < len; n++) {
			struct bfs_wire w;

			bfs_wire_init(&w, bytes, n);
			assert_int_equal(kinds[i].put(&w, &m), -EBADMSG);
		}
		free(bytes);
	}
}

static void test_truncated(void **state)
{
	for (size_t i = 0; i < BFS_COUNT(kinds); i++) {
		union message m;
		size_t len;
		uint8_t *bytes = make(&kinds[i], &m, &len);

		for (size_t n = 0; n < len; n++) {
			uint8_t *part = malloc(n ? n : 1);

			memcpy(part, bytes, n);
			assert_int_equal(decode(&kinds[i], part, n), -EBADMSG);
			free(part);
		}
		free(bytes);
	}
}

/* Lengths that lie, at every place where one could be. */
static void test_lying_lengths(void **state)
{
	static const uint32_t lies[] = { 0, 1, 0x7fffffff, 0x80000000,
					 UINT32_MAX };

	for (size_t i = 0; i < BFS_COUNT(kinds); i++) {
		union message m;
		size_t len;
		uint8_t *bytes = make(&kinds[i], &m, &len);

		for (size_t at = 0; at + 4 <= len; at++)
			for (size_t j = 0; j < BFS_COUNT(lies); j++) {
				uint8_t keep[4];

				memcpy(keep, bytes + at, 4);
				memcpy(bytes + at, &lies[j], 4);
				decode(&kinds[i], bytes, len);
				memcpy(bytes + at, keep, 4);
			}
		free(bytes);
	}
}

static void test_random_bytes(void **state)
{
	for (unsigned round = 0; round < 20000; round++) {
		const struct kind *k = &kinds[draw() % BFS_COUNT(kinds)];
		size_t len = draw() % 300;
		uint8_t *bytes = malloc(len ? len : 1);

		for (size_t n = 0; n < len; n++)
			bytes[n] = (uint8_t)(draw() % 4 ? 0 : draw());
		decode(k, bytes, len);
		free(bytes);
	}
}

/* What is not in proto.def: heads, escapes, directory entries. */
static void test_heads(void **state)
{
	struct bfs_req_head q = { 3, 30000, 1ull << 40, 5, 6, 7 };
	struct bfs_rep_head p = { 3, ENOENT, 1ull << 40 };
	uint8_t buf[64];
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_req_head(&w, &q);
	assert_int_equal(w.pos - buf, BFS_REQ_HEAD_LEN);
	bfs_wire_init(&w, buf, BFS_REQ_HEAD_LEN);
	q = bfs_get_req_head(&w);
	assert_int_equal(bfs_wire_end(&w), 0);
	assert_int_equal(q.op, 3);
	assert_int_equal(q.deadline_ms, 30000);
	assert_true(q.id == 1ull << 40 && q.session == 5 && q.ticket == 6);
	assert_int_equal(q.generation, 7);

	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_rep_head(&w, &p);
	assert_int_equal(w.pos - buf, BFS_REP_HEAD_LEN);
	bfs_wire_init(&w, buf, BFS_REP_HEAD_LEN - 1);
	bfs_get_rep_head(&w);
	assert_int_equal(bfs_wire_end(&w), -EBADMSG);
}

static void test_dirents(void **state)
{
	char name[BFS_NAME_MAX];
	struct bfs_dirent d = { .cursor = 77, .name = { name, sizeof(name) } };
	uint8_t buf[BFS_DIRENT_MAX];
	struct bfs_wire w;

	memset(name, 'x', sizeof(name));
	fill_attr(&d.attr);
	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_dirent_put(&w, &d);
	/* The longest name fits, and no byte is to spare. */
	assert_int_equal(bfs_wire_end(&w), 0);
	assert_ptr_equal(w.pos, w.end);
	for (size_t n = 0; n < sizeof(buf); n++) {
		bfs_wire_init(&w, buf, n);
		assert_int_equal(bfs_dirent_get(&w, &d), -EBADMSG);
	}
	bfs_wire_init(&w, buf, sizeof(buf));
	assert_int_equal(bfs_dirent_get(&w, &d), 0);
	assert_int_equal(d.name.len, BFS_NAME_MAX);
}

static void test_names(void **state)
{
	assert_string_equal(bfs_op_name(BFS_OP_RENAME), "rename");
	assert_string_equal(bfs_op_name(0), "unknown");
	assert_string_equal(bfs_op_name(BFS_OP_LIMIT), "unknown");
	assert_string_equal(bfs_op_name(UINT32_MAX), "unknown");
	assert_int_equal(bfs_op_flags(BFS_OP_RENAME), BFS_RPC_ONCE);
	assert_int_equal(bfs_op_flags(BFS_OP_LOCK), BFS_RPC_WAIT);
	assert_int_equal(bfs_op_flags(UINT32_MAX), BFS_RPC_PURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_lying_lengths),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_dirents),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
