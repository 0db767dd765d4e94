/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/message.h"

#include "core/util.h"
#include "server/change.h"
#include "tests/fuzz/secret.h"

#include <sys/stat.h>

void fuzz_know_handle(struct fuzz_known *k, struct bfs_handle h)
{
	if (!k->handles)
		k->root = h;
	k->handle[k->handles++ % FUZZ_KNOWN] = h;
}

void fuzz_know_number(struct fuzz_known *k, uint64_t v)
{
	k->number[k->numbers++ % FUZZ_KNOWN] = v;
}

uint32_t fuzz_take_u32(struct fuzz_in *in)
{
	static const uint32_t values[] = {
		0xffffffff,
		0x7fffffff,
		0x80000000,
		0x10000,
		0xffff,
		4096,
		1 << 20,
		(1 << 20) + 1,
		S_IFREG | 0644,
		S_IFDIR | 0755,
		S_IFLNK | 0777,
		S_IFIFO | 0600,
		S_IFSOCK | 0600,
		S_IFCHR | 0600,
		07777,
		0644,
		0600,
		/* open flags */
		0101,
		0102,
		0302,
		02001,
		01001,
		01002,
		0200000,
		010000000,
		020200002,
		020200001,
		0400000,
		/* at flags */
		0x100,
		0x200,
		0x400,
		0x1000,
		BFS_NO_SLOT,
		SECRET_UID,
		FUZZ_UID,
	};
	uint8_t b = fuzz_u8(in);

	if (b < 128)
		return b;
	if (b == 255)
		return (uint32_t)fuzz_bytes(in, 4);
	return values[(b - 128u) % BFS_COUNT(values)];
}

uint64_t fuzz_take_u64(struct fuzz_in *in, const struct fuzz_known *k)
{
	static const uint64_t values[] = {
		UINT64_MAX,
		INT64_MAX,
		(uint64_t)INT64_MAX + 1,
		1ull << 48,
		2ull << 48,
		(1ull << 48) - 1,
		99ull << 48 | 1,
		1ull << 32,
		1ull << 62,
		4096,
		1 << 20,
		1 << 22,
	};
	uint8_t b = fuzz_u8(in);

	if (b < 64)
		return b;
	if (b < 96)
		return 1ull << 48 | (b - 64u);
	if (b < 112)
		return 2ull << 48 | (b - 96u);
	if (b < 208)
		return k->number[(b - 112u) % FUZZ_KNOWN];
	if (b == 255)
		return fuzz_bytes(in, 8);
	return values[(b - 208u) % BFS_COUNT(values)];
}

static struct bfs_time take_time(struct fuzz_in *in)
{
	uint8_t b = fuzz_u8(in);

	if (b < 200)
		return (struct bfs_time){ b, b };
	return (struct bfs_time){ (int64_t)fuzz_bytes(in, 8),
				  (uint32_t)fuzz_bytes(in, 4) };
}

/* The root's, or the one that was told so many ago. */
static struct bfs_handle known_handle(const struct fuzz_known *k, unsigned ago)
{
	return !ago || ago > k->handles
		       ? k->root
		       : k->handle[(k->handles - ago) % FUZZ_KNOWN];
}

static struct bfs_handle take_handle(struct fuzz_in *in,
				     const struct fuzz_known *k)
{
	uint8_t b = fuzz_u8(in);
	struct bfs_handle h = known_handle(k, b % FUZZ_KNOWN);

	switch (b / FUZZ_KNOWN) {
	case 5: /* more rights than were given */
		h.rights ^= 1u << fuzz_u8(in) % 32;
		break;
	case 6: /* another inode */
		h.ino = fuzz_take_u64(in, k);
		break;
	case 7:
		h.ino = fuzz_take_u64(in, k);
		h.rights = fuzz_take_u32(in);
		h.mac = fuzz_bytes(in, 8);
		break;
	}
	return h;
}

static char longest[BFS_DEEP_PATH_MAX + 64];

static struct bfs_str repeated(const char *what, uint32_t len)
{
	size_t n = strlen(what);

	for (uint32_t i = 0; i < len; i++)
		longest[i] = what[i % n];
	return (struct bfs_str){ longest, len };
}

static struct bfs_str take_str(struct fuzz_in *in)
{
	static const struct bfs_str names[] = {
		BFS_STR(""),
		BFS_STR("a"),
		BFS_STR("b"),
		BFS_STR("d"),
		BFS_STR("d/a"),
		BFS_STR("d/e"),
		BFS_STR("d/e/f"),
		BFS_STR("l"),
		BFS_STR("/"),
		BFS_STR("."),
		BFS_STR(".."),
		BFS_STR("d/../a"),
		BFS_STR("../../etc/passwd"),
		BFS_STR("a/"),
		BFS_STR("//d//"),
		BFS_STR("a\0b"),
		BFS_STR("\0"),
		BFS_STR("user.a"),
		BFS_STR("user."),
		BFS_STR("trusted.a"),
		BFS_STR("user.benchfs.chunk_size"),
		BFS_STR("user.benchfs.placement"),
		BFS_STR("system.posix_acl_access"),
		BFS_STR(SECRET_DIR),
		BFS_STR(SECRET_DIR "/" SECRET_FILE),
		BFS_STR("d/../" SECRET_DIR "/" SECRET_FILE),
		BFS_STR(SECRET_DIR "/new"),
	};
	uint8_t b = fuzz_u8(in);

	if (b < 4 * BFS_COUNT(names))
		return names[b / 4];
	switch (b) {
	case 255: {
		struct bfs_str s = { (const char *)in->pos, fuzz_u8(in) };

		s.ptr = (const char *)in->pos;
		s.len = (uint32_t)BFS_MIN((size_t)s.len,
					  (size_t)(in->end - in->pos));
		in->pos += s.len;
		return s;
	}
	case 254:
		return repeated("n", 255);
	case 253:
		return repeated("n", 256);
	case 252:
		return repeated("./", 4095);
	case 251:
		return repeated("./", 4096);
	case 250:
		return repeated("d/", 5000);
	case 249:
		return repeated("n/", 3000);
	case 248:
		return repeated("../", 3000);
	}
	return names[b % BFS_COUNT(names)];
}

/* Encoded changes (server/change.h). */
static struct bfs_str take_changes(struct fuzz_in *in,
				   const struct fuzz_known *k)
{
	static uint8_t buf[2 * BFS_CHANGES_LEN];
	unsigned n = fuzz_u8(in) % (2 * BFS_CHANGES_MAX);
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	while (n--) {
		struct bfs_change c = { .kind = fuzz_u8(in) % 8u };

		c.dir = fuzz_take_u64(in, k);
		c.name = take_str(in);
		c.name.len = BFS_MIN(c.name.len, 300u);
		c.ino = fuzz_take_u64(in, k);
		c.type = fuzz_take_u32(in);
		c.delta = (int32_t)fuzz_take_u32(in);
		bfs_change_put(&w, &c);
	}
	return (struct bfs_str){ (const char *)buf, (uint32_t)(w.pos - buf) };
}

#define make_u32(v) (*(v) = fuzz_take_u32(in))
#define make_u64(v) (*(v) = fuzz_take_u64(in, k))
#define make_i64(v) (*(v) = (int64_t)fuzz_take_u64(in, k))
#define make_str(v) (*(v) = take_str(in))
#define make_time(v) (*(v) = take_time(in))
#define make_handle(v) (*(v) = take_handle(in, k))
#define make_attr(v) memset((v), 0, sizeof(*(v)))

/* A forwarded call has a call in it. */
static void special(struct fuzz_in *in, struct fuzz_known *k, uint32_t op,
		    void *m)
{
	static uint8_t body[BFS_FIELDS_MAX];

	if (op == BFS_OP_FORWARD) {
		struct bfs_forward_req *q = m;

		if (fuzz_u8(in) < 250)
			q->op = fuzz_take_op(in, false);
		q->node %= 4;
		q->body = (struct bfs_str){ (const char *)body, 0 };
		q->body.len = (uint32_t)fuzz_make(in, k, q->op, body, 6000);
	} else if (op == BFS_OP_TXPREPARE && fuzz_u8(in) < 240) {
		((struct bfs_txprepare_req *)m)->changes = take_changes(in, k);
	}
}

#define F(type, field) make_##type(&m.field);
#define RPC(num, NAME, name, flags, reqf, repf) \
	static void make_##name(struct fuzz_in *in, struct fuzz_known *k, \
				struct bfs_wire *w) \
	{ \
		struct bfs_##name##_req m; \
\
		reqf special(in, k, num, &m); \
		bfs_##name##_req_put(w, &m); \
	}
#include "core/proto.def"
#undef RPC
#undef F

size_t fuzz_make(struct fuzz_in *in, struct fuzz_known *k, uint32_t op,
		 uint8_t *fields, size_t cap)
{
	struct bfs_wire w;

	bfs_wire_init(&w, fields, cap);
	switch (op) {
#define RPC(num, NAME, name, flags, reqf, repf) \
	case num: \
		make_##name(in, k, &w); \
		break;
#include "core/proto.def"
#undef RPC
	}
	return (size_t)(w.pos - fields);
}

#define learn_u32(v) ((void)(v))
#define learn_u64(v) ((v) ? fuzz_know_number(k, (v)) : (void)0)
#define learn_i64(v) ((void)(v))
#define learn_str(v) ((void)(v))
#define learn_time(v) ((void)(v))
#define learn_handle(v) ((v).mac ? fuzz_know_handle(k, (v)) : (void)0)
#define learn_attr(v) fuzz_know_number(k, (v).ino)

#define F(type, field) learn_##type(m.field);
#define RPC(num, NAME, name, flags, reqf, repf) \
	static void learn_##name(struct fuzz_known *k, struct bfs_wire *w) \
	{ \
		struct bfs_##name##_rep m; \
\
		FUZZ_CHECK(!bfs_##name##_rep_get(w, &m)); \
		repf(void) m; \
	}
#include "core/proto.def"
#undef RPC
#undef F

void fuzz_learn(struct fuzz_known *k, uint32_t op, struct bfs_wire w)
{
	switch (op) {
#define RPC(num, NAME, name, flags, reqf, repf) \
	case num: \
		learn_##name(k, &w); \
		break;
#include "core/proto.def"
#undef RPC
	}
}

uint32_t fuzz_take_op(struct fuzz_in *in, bool peer)
{
	static const uint8_t ops[] = {
#define RPC(num, NAME, name, flags, reqf, repf) num,
#include "core/proto.def"
#undef RPC
	};
	uint8_t b = fuzz_u8(in);
	uint32_t op;

	if (b == 255)
		return fuzz_take_u32(in);
	do /* there are some of both */
		op = ops[b++ % BFS_COUNT(ops)];
	while (bfs_op_peer(op) != peer);
	return op;
}
