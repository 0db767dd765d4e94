/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/fanout.h"

#include "server/fiber.h"
#include "server/shared.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define REQ_MAX 512 /* a name and some numbers */
#define REP_MAX 512

static unsigned count(const struct bfs_shards *whom)
{
	unsigned n = 0;

	for (unsigned s = bfs_shards_next(whom, 0); s != UINT_MAX;
	     s = bfs_shards_next(whom, s + 1))
		n++;
	return n;
}

static int allocate(struct bfs_fanout *f)
{
	size_t each = REP_MAX + f->in_cap;

	f->shards = calloc(f->n, sizeof(*f->shards));
	f->msgs = calloc(f->n, sizeof(*f->msgs));
	f->req = malloc(REQ_MAX);
	f->room = malloc(f->n * each + 1);
	if (f->shards && f->msgs && f->req && f->room)
		return 0;
	bfs_fanout_end(f);
	return -ENOMEM;
}

int bfs_fanout_begin(struct bfs_fanout *f, const struct bfs_shards *whom,
		     struct bfs_wire *req)
{
	unsigned n = 0;
	int r;

	f->n = count(whom);
	if (f->n && !bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = allocate(f);
	if (r)
		return r;
	for (unsigned s = bfs_shards_next(whom, 0); s != UINT_MAX;
	     s = bfs_shards_next(whom, s + 1))
		f->shards[n++] = s;
	bfs_wire_init(req, f->req, REQ_MAX);
	return 0;
}

static void prepare(struct bfs_fanout *f, size_t req_len)
{
	for (unsigned n = 0; n < f->n; n++) {
		uint8_t *room = f->room + n * (REP_MAX + f->in_cap);

		f->msgs[n] = (struct bfs_peer_msg){
			.op = f->op,
			.req = f->req,
			.req_len = req_len,
			.rep = room,
			.rep_cap = REP_MAX,
			.in = f->in_cap ? room + REP_MAX : NULL,
			.in_cap = f->in_cap,
			.deadline = f->c->deadline,
			.unless_dead = f->unless_dead,
		};
	}
}

static int take(struct bfs_fanout *f, unsigned n)
{
	const struct bfs_peer_msg *m = &f->msgs[n];
	struct bfs_wire w;

	if (m->status == -EHOSTDOWN)
		return f->dead_ok ? 0 : -EIO;
	if (m->status)
		return m->status;
	bfs_wire_init(&w, m->rep, m->rep_len);
	return f->take(f, n, &w);
}

int bfs_fanout_run(struct bfs_fanout *f, const struct bfs_wire *req)
{
	int r = bfs_wire_end(req);

	if (r || !f->n)
		return r;
	prepare(f, (size_t)(req->pos - f->req));
	r = bfs_peer_wait_all(f->c->server, f->msgs, f->shards, f->n);
	for (unsigned n = 0; n < f->n; n++) {
		int e = r ? r : take(f, n);

		if (!r)
			r = e;
	}
	return r;
}

void bfs_fanout_end(struct bfs_fanout *f)
{
	free(f->shards);
	free(f->msgs);
	free(f->req);
	free(f->room);
}
