/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading asks for several pieces at once: while one is on its way the daemon
 * reads the next.  What came up to the first short piece is the result, so it
 * does not matter that the file changes meanwhile.  Pieces of a write are sent
 * one after the other, because a write that ends early has written nothing
 * beyond; but while the daemon has one, the next is put in place.
 */
#include "preload/transfer.h"

#include "core/stats.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/attr.h"
#include "preload/direct.h"
#include "preload/memory.h"
#include "preload/session.h"
#include "preload/state.h"

#include <errno.h>

#define MOST 0x7ffff000	  /* bytes of one call, as the kernel's */
#define UNIT (128u << 10) /* a piece of a read that is cut into several */
#define DEEP 8u		  /* so many under way */

struct part {
	struct bfs_rpc r;
	struct bfs_rpc_message m;
	struct bfs_read_req req;
	size_t want;
};

struct reading {
	struct bfs_desc *d;
	struct bfs_client *relay;
	char *buf;
	uint64_t offset;
	size_t n;
	size_t asked, done;
	unsigned begun, ended; /* parts */
	bool full;	       /* no more before one has ended */
	bool over;	       /* the end of the file, or an error */
	int error;
	struct part part[DEEP];
};

static size_t largest(const struct bfs_client *c)
{
	const struct bfs_transport *t = c->t;

	return t ? t->bulk_max : 64 << 10;
}

/* Of a piece, the making of a way to its daemon included (R32). */
static uint64_t deadline_of(uint64_t began)
{
	return began + bfs_settings.timeout_ms * 1000000ull;
}

static struct bfs_client *choose(struct bfs_desc *d, struct bfs_client *relay,
				 uint64_t at, bool write, bool append,
				 size_t *n)
{
	struct bfs_client *c =
		bfs_direct(bfs_desc_handle(d), at, write, append, n);

	if (!c)
		c = relay;
	*n = BFS_MIN(*n, largest(c));
	return c;
}

static void begin(struct reading *g)
{
	struct part *p = &g->part[g->begun % DEEP];
	uint64_t at = g->offset + g->asked;
	size_t left = g->n - g->asked;

	uint64_t began = bfs_now();
	struct bfs_client *c;

	p->want = left;
	c = choose(g->d, g->relay, at, false, false, &p->want);
	if (left > UNIT)
		p->want = BFS_MIN(p->want, UNIT);
	p->r = (struct bfs_rpc)BFS_RPC_INIT;
	p->r.deadline = deadline_of(began);
	p->r.io.in = g->buf + g->asked;
	p->r.io.in_cap = p->want;
	p->req = (struct bfs_read_req){ .handle = bfs_desc_handle(g->d),
					.offset = at,
					.size = (uint32_t)p->want,
					.flags = g->d->oflags & O_NOATIME };
	g->full = !bfs_rpc_read_begin(c, &p->r, &p->m, &p->req);
	g->asked += p->want;
	g->begun++;
}

static void end(struct reading *g)
{
	struct part *p = &g->part[g->ended % DEEP];
	struct bfs_read_rep rep;
	int e = bfs_rpc_read_end(&p->r, &p->m, &rep);
	size_t got = e ? 0 : p->r.io.in_len;

	bfs_rpc_end(&p->r);
	g->ended++;
	g->full = false;
	if (g->over)
		return;
	bfs_direct_moved(p->r.client, false, got);
	g->done += got;
	g->error = e;
	g->over = e || got < p->want;
}

ssize_t bfs_transfer_read(struct bfs_desc *d, void *buf, size_t n,
			  uint64_t offset)
{
	struct reading g = { .d = d, .buf = buf, .offset = offset };

	if (n > INT64_MAX - offset)
		return -EINVAL;
	/* As far as the buffer is good, like the kernel. */
	n = BFS_MIN(n, (size_t)MOST);
	if (n && !(n = bfs_mem_out_most(buf, n)))
		return -EFAULT;
	g.n = n;
	g.error = bfs_session(&g.relay);
	g.over = g.error || !n;
	while (!g.over || g.begun != g.ended) {
		while (!g.over && !g.full && g.asked < n &&
		       g.begun - g.ended < DEEP)
			begin(&g);
		end(&g);
		g.over = g.over || g.done == n;
	}
	/* A program takes a short count for the end of the file: what a message
	 * would have held is read or is not. */
	if (g.error && g.done < BFS_BULK_MAX)
		return g.error;
	return (ssize_t)g.done;
}

/* A piece of a write. */
struct giving {
	struct bfs_client *c;
	struct bfs_rpc r;
	struct bfs_rpc_message m;
	struct bfs_write_req req;
	size_t n;
	bool ready;
	bool alone; /* the call has no other */
};

struct writing {
	struct bfs_desc *d;
	struct bfs_client *relay;
	const char *buf;
	size_t n, done;
	uint64_t offset, room, end;
	unsigned flags;
	bool over;
	unsigned turn;
	struct giving piece[2];
};

/* The piece that begins behind so many bytes, as far as it goes. */
static void make_ready(struct writing *g, struct giving *p, size_t from)
{
	bool append = g->flags & O_APPEND;
	uint64_t at = g->offset + from;

	p->n = g->n - from;
	p->c = choose(g->d, g->relay, at, true, append, &p->n);
	p->r = (struct bfs_rpc)BFS_RPC_INIT;
	p->r.io.out = g->buf + from;
	p->r.io.out_len = p->n;
	p->req = (struct bfs_write_req){ .handle = bfs_desc_handle(g->d),
					 .offset = at,
					 .flags = g->flags,
					 .room = g->room };
	p->ready = true;
	p->alone = p->n == g->n;
	if (!p->alone && bfs_rpc_write_prepare(p->c, &p->r, &p->m, &p->req) &&
	    from)
		bfs_stat_add(client_ahead, 1);
}

/* Meanwhile the one behind it is made ready, if there is one. */
static int send_piece(struct writing *g, struct giving *p, struct giving *next,
		      struct bfs_write_rep *rep)
{
	p->ready = false;
	p->r.deadline = deadline_of(bfs_now());
	if (p->alone)
		return bfs_rpc_write(p->c, &p->r, &p->req, rep);
	bfs_rpc_write_go(&p->r, &p->m);
	if (g->done + p->n < g->n && p->m.posted)
		make_ready(g, next, g->done + p->n);
	return bfs_rpc_write_end(&p->r, &p->m, rep);
}

static int write_piece(struct writing *g)
{
	struct giving *p = &g->piece[g->turn++ % 2];
	struct giving *next = &g->piece[g->turn % 2];
	struct bfs_write_rep rep;
	int e;

	if (!p->ready)
		make_ready(g, p, g->done);
	e = send_piece(g, p, next, &rep);
	if (!e) {
		bfs_direct_moved(p->r.client, true, rep.written);
		g->done += rep.written;
		g->end = rep.end;
		g->over = rep.written < p->n;
	}
	bfs_rpc_end(&p->r);
	if ((e || g->over) && next->ready)
		bfs_rpc_end(&next->r);
	return e;
}

ssize_t bfs_transfer_write(struct bfs_desc *d, const void *buf, size_t n,
			   uint64_t offset, unsigned flags, uint64_t *end)
{
	struct writing g = { .d = d,
			     .buf = buf,
			     .offset = offset,
			     .room = bfs_file_room(),
			     .end = offset };
	int e;

	if (n > INT64_MAX - offset)
		return -EINVAL;
	n = BFS_MIN(n, (size_t)MOST);
	if (n && !(n = bfs_mem_in_most(buf, n)))
		return -EFAULT;
	g.n = n;
	g.flags = flags | (d->oflags & (O_APPEND | O_SYNC | O_DSYNC));
	e = bfs_session(&g.relay);
	while (!e && !g.over && g.done < n)
		e = write_piece(&g);
	*end = g.end;
	return g.done || !e ? (ssize_t)g.done : bfs_file_grown(e, g.room);
}
