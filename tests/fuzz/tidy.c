/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tidy calls|peers <TAP >SEEDS: of the messages that daemons have written down
 * (core/tap.h), those of clients or of daemons that are not like one before, in
 * the order of who sent them; without what is of this machine or this run.
 */
#include "core/proto.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES 400000
#define SESSIONS 20000
#define RUN 24	 /* lines of a run */
#define OPENS 4	 /* of them that are known, with their answers */
#define MOST 300 /* lines of all */
#define EACH 20	 /* new ones of a message, but of calls in calls */
#define FIELDS 256

struct line {
	uint64_t session;
	uint32_t op;
	bool reply, kept;
	size_t len;
	uint8_t fields[FIELDS];
};

static struct line *lines;
static size_t nlines;
static uint64_t shape; /* of the message that is looked at */

static void mix(uint64_t v)
{
	shape = (shape ^ v) * 0x9e3779b97f4a7c15u;
	shape ^= shape >> 29;
}

/* What another run would have otherwise. */
static bool is_private(const char *field)
{
	static const char *const names[] = {
		"pid",	 "session",   "ticket",	 "incarnation", "key",
		"fsid",	 "nonce",     "answer",	 "proof",	"arena",
		"clock", "list_hash", "cluster", "data_dev",	"data_ino",
		"id",	 "tx",	      "version", "cursor",	"changed",
		"grant", "blocks",    "bfree",	 "bavail",
	};

	for (size_t n = 0; n < BFS_COUNT(names); n++)
		if (!strcmp(field, names[n]))
			return true;
	return false;
}

static void tidy_u64(uint64_t *v, const char *field)
{
	if (is_private(field) && *v)
		*v = 1;
	mix(*v == 0 ? 0 : *v < 64 ? 1 : 2);
}

/* Whose bits mean something. */
static uint32_t kind_of(uint32_t v, const char *field)
{
	static const char *const whole[] = { "op",    "type",  "kind",
					     "valid", "space", "what" };

	if (!strcmp(field, "oflags"))
		return v & 0x4102c1; /* O_TMPFILE, O_DIRECTORY, ... */
	if (!strcmp(field, "mode"))
		return v >> 12;
	for (size_t n = 0; n < BFS_COUNT(whole); n++)
		if (!strcmp(field, whole[n]))
			return v;
	return v != 0;
}

static void tidy_u32(uint32_t *v, const char *field)
{
	if (is_private(field) && *v)
		*v = 1;
	mix(kind_of(*v, field));
}

static void tidy_time(struct bfs_time *t, const char *field)
{
	if (t->sec > 1000000000)
		*t = (struct bfs_time){ 1000000000, 1 };
	mix(t->sec != 0);
}

static void tidy_attr(struct bfs_attr *a, const char *field)
{
	tidy_time(&a->atime, field);
	tidy_time(&a->mtime, field);
	tidy_time(&a->ctime, field);
	tidy_time(&a->btime, field);
	a->blocks = 0;
	mix(a->mode >> 12);
}

static void tidy_handle(struct bfs_handle *h, const char *field)
{
	h->mac = h->mac != 0;
	mix(h->rights & 3);
}

/* Paths of this machine and addresses are not for others. */
static void tidy_str(struct bfs_str *s, const char *field)
{
	if ((s->len && *s->ptr == '/') || !strcmp(field, "address") ||
	    !strcmp(field, "groups"))
		s->len = 0;
	mix(s->len == 0 ? 0 : s->len < 20 ? 1 : s->len < 100 ? 2 : 3);
}

static bool tidy(uint32_t op, bool reply, uint8_t *fields, size_t *len);

/* The call in a call. */
static bool tidy_inside(uint32_t op, void *m, uint8_t *body)
{
	struct bfs_forward_req *q = m;
	size_t len;

	if (op != BFS_OP_FORWARD)
		return op != BFS_OP_VIA;
	len = q->body.len;
	if (len > FIELDS || !bfs_op_known(q->op))
		return false;
	memcpy(body, q->body.ptr, len);
	if (!tidy(q->op, false, body, &len))
		return false;
	q->body = (struct bfs_str){ (const char *)body, (uint32_t)len };
	return true;
}

#define F(type, field) tidy_##type(&m.field, #field);
#define ONE(name, num, fields_, inside) \
	static bool tidy_##name(uint8_t *to, size_t *len) \
	{ \
		uint8_t from[FIELDS], body[FIELDS]; \
		struct bfs_##name m; \
		struct bfs_wire w; \
\
		memcpy(from, to, *len); \
		bfs_wire_init(&w, from, *len); \
		if (bfs_##name##_get(&w, &m)) \
			return false; \
		fields_ if (inside && \
			    !tidy_inside(num, &m, body)) return false; \
		bfs_wire_init(&w, to, FIELDS); \
		if (bfs_##name##_put(&w, &m)) \
			return false; \
		*len = (size_t)(w.pos - to); \
		return true; \
	}
#define RPC(num, NAME, name, flags, reqf, repf) \
	ONE(name##_req, num, reqf, true) \
	ONE(name##_rep, num, repf, false)
#include "core/proto.def"
#undef RPC
#undef F

static bool tidy(uint32_t op, bool reply, uint8_t *fields, size_t *len)
{
	mix((uint64_t)op << 1 | reply);
	switch (op) {
#define RPC(num, NAME, name, flags, reqf, repf) \
	case num: \
		return reply ? tidy_##name##_rep(fields, len) \
			     : tidy_##name##_req(fields, len);
#include "core/proto.def"
#undef RPC
	}
	return false;
}

/* Who is greeted and where he is. */
static bool is_wanted(uint32_t op)
{
	return op != BFS_OP_HELLO && op != BFS_OP_PEERHELLO &&
	       op != BFS_OP_VOUCH && op != BFS_OP_DIRECT &&
	       op != BFS_OP_MEMBER && op != BFS_OP_GETPATH;
}

static bool is_new(void)
{
	static uint64_t seen[4096];
	static unsigned nseen;

	for (unsigned n = 0; n < nseen; n++)
		if (seen[n] == shape)
			return false;
	if (nseen < BFS_COUNT(seen))
		seen[nseen++] = shape;
	return true;
}

static uint32_t op_of(const char *name)
{
#define RPC(num, NAME, op, flags, req, rep) \
	if (!strcmp(name, bfs_op_name(num))) \
		return num;
#include "core/proto.def"
#undef RPC
	return 0;
}

static void take(const char *text, bool peers)
{
	struct line *l = &lines[nlines];
	char name[32], kind;
	unsigned byte;
	int at = 0;

	if (nlines == LINES ||
	    sscanf(text, "%lx %31s %c %n", &l->session, name, &kind, &at) != 3)
		return;
	l->op = op_of(name);
	l->reply = kind == 'p';
	for (text += at; l->len < FIELDS && isxdigit(*text); text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			return;
		l->fields[l->len++] = (uint8_t)byte;
	}
	/* an answer to a peer is one to a call that it may have forwarded */
	if (l->op && is_wanted(l->op) &&
	    (l->reply || bfs_op_peer(l->op) == peers))
		nlines++;
	else
		l->len = 0;
}

static void print(const struct line *l)
{
	printf("%s %c ", bfs_op_name(l->op), l->reply ? 'p' : 'q');
	for (size_t i = 0; i < l->len; i++)
		printf("%02x", l->fields[i]);
	putchar('\n');
}

/* Is it to be in this run, which has so many opens that are known? */
static bool is_worth(struct line *l, unsigned *opens, bool *fresh)
{
	static unsigned count[2 * 256];
	unsigned *n = &count[2 * (l->op % 256) + l->reply];
	bool known;

	shape = 1;
	known = tidy(l->op, l->reply, l->fields, &l->len) && !is_new();
	if (!l->len || (*n >= EACH && l->op != BFS_OP_FORWARD))
		return false;
	*n += !known;
	*fresh |= !known;
	/* some, so that there is something to work on */
	return !known || (l->op == BFS_OP_OPEN && (*opens)++ < OPENS);
}

/* Of one sender: what is new, and some opens.  How many; *more: not all. */
static unsigned print_session(uint64_t session, bool *more)
{
	const struct line *run[RUN];
	unsigned n = 0, opens = 0;
	bool fresh = false;

	for (size_t k = 0; k < nlines && n < RUN; k++) {
		struct line *l = &lines[k];

		if (l->session != session || l->kept)
			continue;
		l->kept = true;
		if (is_worth(l, &opens, &fresh))
			run[n++] = l;
	}
	*more = n == RUN;
	if (!fresh)
		return 0;
	for (unsigned k = 0; k < n; k++)
		print(run[k]);
	putchar('\n');
	return n;
}

int main(int argc, char **argv)
{
	static uint64_t done[SESSIONS];
	static char text[2048];
	unsigned ndone = 0, kept = 0;

	if (argc != 2)
		return 2;
	lines = calloc(LINES, sizeof(*lines));
	while (lines && fgets(text, sizeof(text), stdin))
		take(text, !strcmp(argv[1], "peers"));
	for (size_t n = 0; n < nlines && kept < MOST; n++) {
		unsigned k = 0;

		while (k < ndone && done[k] != lines[n].session)
			k++;
		if (lines[n].reply || k < ndone || ndone == SESSIONS)
			continue;
		done[ndone++] = lines[n].session;
		for (bool more = true; more && kept < MOST;)
			kept += print_session(lines[n].session, &more);
	}
	free(lines);
	return kept ? 0 : 1;
}
