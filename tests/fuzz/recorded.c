/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/recorded.h"

#include "core/proto.h"
#include "core/util.h"
#include "tests/fuzz/message.h"

#include <ctype.h>

#define LINES 2000

/* A file that has been read. */
struct file {
	const char *name;
	struct recorded *lines;
	unsigned n;
};

static struct file files[4];

static uint32_t op_of(const char *name)
{
#define RPC(num, NAME, op, flags, req, rep) \
	if (!strcmp(name, bfs_op_name(num))) \
		return num;
#include "core/proto.def"
#undef RPC
	fprintf(stderr, "seeds: no message %s\n", name);
	abort();
}

static size_t from_hex(const char *text, uint8_t *to, size_t cap)
{
	unsigned byte;
	size_t n = 0;

	while (n < cap && isxdigit(text[2 * n]) &&
	       sscanf(text + 2 * n, "%2x", &byte) == 1)
		to[n++] = (uint8_t)byte;
	return n;
}

static void take_line(struct file *f, const char *text)
{
	struct recorded *m = &f->lines[f->n];
	char name[32], kind;
	int at = 0;

	if (*text == '#')
		return;
	if (*text == '\n') {
		if (f->n)
			f->lines[f->n - 1].last = true;
		return;
	}
	if (f->n == LINES ||
	    sscanf(text, "%31s %c %n", name, &kind, &at) != 2 || !at)
		abort();
	m->op = op_of(name);
	m->reply = kind == 'p';
	m->len = from_hex(text + at, m->fields, sizeof(m->fields));
	f->n++;
}

static void read_file(struct file *f)
{
	char path[4096], text[1024];
	FILE *in;

	f->lines = calloc(LINES, sizeof(*f->lines));
	snprintf(path, sizeof(path), "%s/%s.txt", FUZZ_SEEDS, f->name);
	in = fopen(path, "r");
	if (!in || !f->lines) {
		perror(path);
		abort();
	}
	while (fgets(text, sizeof(text), in))
		take_line(f, text);
	fclose(in);
	if (f->n)
		f->lines[f->n - 1].last = true;
}

static const struct file *load(const char *name)
{
	struct file *f = files;

	while (f->name && strcmp(f->name, name))
		f++;
	if (!f->name) {
		f->name = name;
		read_file(f);
	}
	return f;
}

const struct recorded *recorded_line(const char *file, unsigned n)
{
	const struct file *f = load(file);

	return n < f->n ? &f->lines[n] : NULL;
}

uint8_t recorded_op(uint32_t op)
{
	uint8_t at = 0;

#define RPC(num, NAME, name, flags, req, rep) \
	if (op == num) \
		return at; \
	at++;
#include "core/proto.def"
#undef RPC
	abort();
}

/*
 * What fuzz_make() makes a field of.
 */
static void put_bytes(struct fuzz_out *o, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fuzz_put(o, (uint8_t)(v >> 8 * i));
}

static void put_u32(struct fuzz_out *o, uint32_t v)
{
	fuzz_put(o, v < 128 ? (uint8_t)v : 255);
	if (v >= 128)
		put_bytes(o, v, 4);
}

static void put_u64(struct fuzz_out *o, uint64_t v)
{
	fuzz_put(o, v < 64 ? (uint8_t)v : 255);
	if (v >= 64)
		put_bytes(o, v, 8);
}

static void put_time(struct fuzz_out *o, struct bfs_time t)
{
	fuzz_put(o, 200);
	put_bytes(o, (uint64_t)t.sec, 8);
	put_bytes(o, t.nsec, 4);
}

static void put_str(struct fuzz_out *o, struct bfs_str s)
{
	uint32_t n = BFS_MIN(s.len, 255u);

	fuzz_put(o, 255);
	fuzz_put(o, (uint8_t)n);
	for (uint32_t i = 0; i < n; i++)
		fuzz_put(o, (uint8_t)s.ptr[i]);
}

/* Those that the target knows by now, as far as the recording tells. */
static struct {
	struct bfs_handle at[FUZZ_KNOWN];
	unsigned n;
} known;

static void learn(struct bfs_handle h)
{
	known.at[known.n++ % FUZZ_KNOWN] = h;
}

/* As known_handle() in message.c. */
static void put_handle(struct fuzz_out *o, struct bfs_handle h)
{
	uint8_t ago = 1;

	for (; ago <= known.n && ago < FUZZ_KNOWN; ago++) {
		struct bfs_handle k = known.at[(known.n - ago) % FUZZ_KNOWN];

		if (k.ino == h.ino && k.rights == h.rights) {
			fuzz_put(o, ago);
			return;
		}
	}
	fuzz_put(o, 0); /* the root's */
}

static void put_fields(struct fuzz_out *o, uint32_t op, struct bfs_wire w);

/* As special() in message.c. */
static void put_special(struct fuzz_out *o, uint32_t op, const void *m)
{
	const struct bfs_forward_req *q = m;
	struct bfs_wire w;

	if (op == BFS_OP_TXPREPARE)
		fuzz_put(o, 250);
	if (op != BFS_OP_FORWARD)
		return;
	fuzz_put(o, 0);
	fuzz_put(o, recorded_op(q->op));
	bfs_wire_init(&w, q->body.ptr, q->body.len);
	put_fields(o, q->op, w);
}

#define F(type, field) put_##type(o, m.field);
#define RPC(num, NAME, name, flags, reqf, repf) \
	static void put_##name(struct fuzz_out *o, struct bfs_wire w) \
	{ \
		struct bfs_##name##_req m; \
\
		if (bfs_##name##_req_get(&w, &m)) \
			return; \
		reqf put_special(o, num, &m); \
	}
#include "core/proto.def"
#undef RPC
#undef F

static void put_fields(struct fuzz_out *o, uint32_t op, struct bfs_wire w)
{
	switch (op) {
#define RPC(num, NAME, name, flags, reqf, repf) \
	case num: \
		put_##name(o, w); \
		break;
#include "core/proto.def"
#undef RPC
	}
}

#define learn_u32(v) ((void)(v))
#define learn_u64(v) ((void)(v))
#define learn_i64(v) ((void)(v))
#define learn_str(v) ((void)(v))
#define learn_time(v) ((void)(v))
#define learn_attr(v) ((void)(v))
#define learn_handle(v) learn(v)
#define F(type, field) learn_##type(m.field);
#define RPC(num, NAME, name, flags, reqf, repf) \
	static void learn_##name(struct bfs_wire w) \
	{ \
		struct bfs_##name##_rep m; \
\
		if (bfs_##name##_rep_get(&w, &m)) \
			return; \
		repf(void) m; \
	}
#include "core/proto.def"
#undef RPC
#undef F

static void learn_from(const struct recorded *m)
{
	struct bfs_wire w;

	bfs_wire_init(&w, m->fields, m->len);
	switch (m->op) {
#define RPC(num, NAME, name, flags, reqf, repf) \
	case num: \
		learn_##name(w); \
		break;
#include "core/proto.def"
#undef RPC
	}
}

static const struct recorded *first_of(const char *file, unsigned run)
{
	unsigned n = 0;

	for (const struct recorded *m; (m = recorded_line(file, n)); n++) {
		if (!run)
			return m;
		run -= m->last;
	}
	return NULL;
}

void recorded_free(void)
{
	for (struct file *f = files; f->name; f++) {
		free(f->lines);
		*f = (struct file){ 0 };
	}
}

size_t recorded_run(const char *file, unsigned n, const struct recorded_form *f,
		    uint8_t buf[FUZZ_MAX])
{
	const struct recorded *m = first_of(file, n);
	struct fuzz_out o = { buf, buf + FUZZ_MAX };
	bool last = !m;

	memset(&known, 0, sizeof(known));
	for (; !last; m++) {
		struct bfs_wire w;

		last = m->last;
		if (m->reply && (!f->opens || m->op == BFS_OP_OPEN))
			learn_from(m);
		if (m->reply)
			continue;
		f->before(&o, m);
		bfs_wire_init(&w, m->fields, m->len);
		put_fields(&o, m->op, w);
		f->after(&o, m);
	}
	return (size_t)(o.pos - buf);
}
