/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All decoders: of messages, heads, entries of directories, records of the
 * journal, changes on several shards, segments and frames of the log.  The
 * first byte says which.  What can be decoded is encoded again, and must be
 * the same bytes; strings must lie in the input.
 */
#include "tests/fuzz/recorded.h"

#include "core/proto.h"
#include "core/registrar.h"
#include "core/util.h"
#include "server/change.h"
#include "server/frame.h"

const unsigned fuzz_runs = 2000000;

static const uint8_t *begin, *end;
static uint8_t again[FUZZ_MAX + 64];

static void inside_str(struct bfs_str s)
{
	const uint8_t *p = (const uint8_t *)s.ptr;

	FUZZ_CHECK(!s.len ||
		   (p >= begin && p <= end && s.len <= (size_t)(end - p)));
}
#define inside_u32(v) ((void)(v))
#define inside_u64(v) ((void)(v))
#define inside_i64(v) ((void)(v))
#define inside_time(v) ((void)(v))
#define inside_attr(v) ((void)(v))
#define inside_handle(v) ((void)(v))

/* w has been decoded; out: the same, encoded into again. */
static void same(const struct bfs_wire *w, const struct bfs_wire *out)
{
	size_t used = (size_t)(w->pos - begin);

	FUZZ_CHECK(!bfs_wire_end(out));
	FUZZ_CHECK((size_t)(out->pos - again) == used);
	FUZZ_CHECK(!memcmp(again, begin, used));
}

static struct bfs_wire put_again(void)
{
	struct bfs_wire out;

	bfs_wire_init(&out, again, sizeof(again));
	return out;
}

#define F(type, field) inside_##type(m.field);
#define ONE(name, fields) \
	static void try_##name(struct bfs_wire w) \
	{ \
		struct bfs_wire out = put_again(); \
		struct bfs_##name m; \
\
		if (bfs_##name##_get(&w, &m)) \
			return; \
		fields bfs_##name##_put(&out, &m); \
		same(&w, &out); \
	}
#define RPC(num, NAME, name, flags, reqf, repf) \
	ONE(name##_req, reqf) \
	ONE(name##_rep, repf)
#include "core/proto.def"
#undef RPC
ONE(dirent, F(str, name))
#undef F

static void try_escape(struct bfs_wire w)
{
	struct bfs_wire out = put_again();
	struct bfs_escape_rep m;

	if (bfs_escape_get(&w, &m))
		return;
	inside_str(m.path);
	bfs_escape_put(&out, &m);
	same(&w, &out);
}

static void try_heads(struct bfs_wire w)
{
	struct bfs_wire out = put_again();
	struct bfs_req_head q = bfs_get_req_head(&w);
	struct bfs_rep_head p = bfs_get_rep_head(&w);

	if (bfs_wire_end(&w))
		return;
	bfs_put_req_head(&out, &q);
	bfs_put_rep_head(&out, &p);
	same(&w, &out);
}

/* As bfs_frame_records does: kind and gone stand before the record. */
static void try_record(struct bfs_wire w)
{
	struct bfs_record r = { .kind = bfs_get_u32(&w) };
	uint8_t key[BFS_RECORD_KEY_MAX];
	struct bfs_wire out = put_again();

	r.gone = r.kind >> 31;
	r.kind &= 0x7fffffffu;
	if (bfs_record_get(&w, &r))
		return;
	bfs_put_u32(&out, r.kind | (uint32_t)r.gone << 31);
	FUZZ_CHECK(!bfs_record_put(&out, &r));
	same(&w, &out);
	FUZZ_CHECK(bfs_record_key(&r, key) <= sizeof(key));
	FUZZ_CHECK(bfs_record_size(&r) >= (size_t)(out.pos - again - 4));
	FUZZ_CHECK(strcmp(bfs_record_name(r.kind), "unknown"));
}

static void try_change(struct bfs_wire w)
{
	struct bfs_wire out = put_again();
	struct bfs_change c;

	if (bfs_change_get(&w, &c))
		return;
	inside_str(c.name);
	bfs_change_put(&out, &c);
	same(&w, &out);
}

static void try_segment(struct bfs_wire w)
{
	struct bfs_segment_head h;

	if (w.end - w.pos >= BFS_SEGMENT_HEAD)
		bfs_segment_get(w.pos, &h);
}

static int count(void *arg, const struct bfs_record *r)
{
	++*(unsigned *)arg;
	return 0;
}

static void try_frame(struct bfs_wire w)
{
	size_t left = (size_t)(w.end - w.pos);
	struct bfs_frame_head h;
	unsigned n = 0;

	if (bfs_frame_check(w.pos, left, &h) == BFS_FRAME_WHOLE)
		FUZZ_CHECK(bfs_frame_size(h.len) <= left);
	/* records as if the checksum were right */
	bfs_frame_records(w.pos, (uint32_t)left, count, &n);
}

static void try_registrar(struct bfs_wire w)
{
	if (w.end - w.pos < BFS_GREETING_LEN)
		return;
	bfs_greeting_get(w.pos);
	bfs_ask_get(w.pos);
	bfs_record_reply_get(w.pos);
}

static void (*const tries[])(struct bfs_wire w) = {
#define RPC(num, NAME, name, flags, reqf, repf) \
	try_##name##_req, try_##name##_rep,
#include "core/proto.def"
#undef RPC
	try_dirent, try_escape,	 try_heads, try_record,
	try_change, try_segment, try_frame, try_registrar,
};

void fuzz_one(const uint8_t *data, size_t len)
{
	struct bfs_wire w;

	if (!len)
		return;
	begin = data + 1;
	end = data + len;
	bfs_wire_init(&w, begin, len - 1);
	tries[data[0] % BFS_COUNT(tries)](w);
}

/* The decoder of that message. */
static size_t recorded(unsigned n, uint8_t *buf)
{
	static unsigned calls; /* lines of the first file */
	const struct recorded *m = recorded_line("calls", n);

	while (!calls || recorded_line("calls", calls))
		calls++;
	if (!m)
		m = recorded_line("peers", n - calls);
	if (!m)
		return 0;
	buf[0] = (uint8_t)(2 * recorded_op(m->op) + m->reply);
	memcpy(buf + 1, m->fields, m->len);
	return 1 + m->len;
}

/* Each decoder gets fields that are lengths of a string, or nearly; and what
 * was recorded. */
size_t fuzz_seed(unsigned n, uint8_t buf[FUZZ_MAX])
{
	uint64_t random = n + 1;
	size_t len = 200;

	if (n >= 3 * BFS_COUNT(tries))
		return recorded(n - 3 * BFS_COUNT(tries), buf);
	buf[0] = (uint8_t)(n % BFS_COUNT(tries));
	for (size_t i = 1; i < len; i++)
		switch (n / BFS_COUNT(tries)) {
		case 0:
			buf[i] = 0;
			break;
		case 1:
			buf[i] = i % 4 == 1 ? (uint8_t)(fuzz_draw(&random) % 12)
					    : 0;
			break;
		default:
			buf[i] = (uint8_t)fuzz_draw(&random);
		}
	return len;
}

void fuzz_begin(void)
{
}

void fuzz_end(void)
{
	recorded_free();
}
