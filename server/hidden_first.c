/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of other nodes that are mapped here: what calls of clients have to do
 * with that first (hidden.h). */
#include "server/hidden_impl.h"

#include "core/util.h"
#include "server/fetch.h"
#include "server/fiber.h"
#include "server/inode.h"
#include "server/route.h"
#include "server/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static bool served_here(const struct bfs_hidden *h)
{
	return h && h->fd >= 0 && h->twin >= 0 && !h->gone;
}

static int read_hidden(struct bfs_call *c, struct bfs_hidden *h,
		       const struct bfs_read_req *req)
{
	size_t size = BFS_MIN(req->size, c->in_cap);
	struct bfs_wire w = bfs_call_fields(c);
	ssize_t n;

	if (!(req->handle.rights & BFS_RIGHT_READ) ||
	    req->handle.rights & BFS_RIGHT_PATH)
		return -EBADF;
	if (req->offset > INT64_MAX - size)
		return req->offset > INT64_MAX ? -EINVAL : -EOVERFLOW;
	do
		n = pread(h->fd, c->in, size, (off_t)req->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	c->in_len = (size_t)n;
	bfs_call_fields_end(c, &w);
	return BFS_HIDDEN_DONE;
}

/* On a fiber. */
static int flush_ino(struct bfs_server *s, uint64_t ino, uint64_t deadline)
{
	struct bfs_hidden *h = bfs_hidden_find(s, ino);
	int r;

	if (!h || h->fd < 0)
		return 0;
	r = bfs_hidden_hold(h, deadline);
	if (r)
		return r;
	if (h->fd >= 0)
		r = bfs_hidden_sync(h, deadline);
	h->error = 0;
	bfs_hidden_let_go(h);
	return r;
}

static int flush_all(struct bfs_server *s, uint64_t deadline)
{
	unsigned n = 0, count = HASH_COUNT(s->hiddens->all);
	uint64_t *inos = malloc((count + 1) * sizeof(*inos));
	struct bfs_hidden *h, *next;
	int r = 0;

	if (!inos)
		return -ENOMEM;
	HASH_ITER(hh, s->hiddens->all, h, next)
	inos[n++] = h->ino;
	while (n) {
		int e = flush_ino(s, inos[--n], deadline);

		r = r ? r : e;
	}
	free(inos);
	return r;
}

static int first_read(struct bfs_call *c, struct bfs_wire *w)
{
	struct bfs_read_req req;
	struct bfs_hidden *h;
	int r;

	if (bfs_read_req_get(w, &req))
		return -EBADMSG;
	h = bfs_hidden_find(c->server, req.handle.ino);
	if (!served_here(h) || !bfs_handle_genuine(bfs_call_fs(c), req.handle))
		return 0;
	if (!(req.flags & O_NOATIME) && req.size && !bfs_fiber_self())
		return -BFS_NEED_FIBER;
	if (h->stale) {
		r = bfs_fiber_self() ? flush_ino(c->server, h->ino, c->deadline)
				     : -BFS_NEED_FIBER;

		h = bfs_hidden_find(c->server, req.handle.ino);
		if (r || !served_here(h))
			return r;
	}
	r = read_hidden(c, h, &req);
	if (r == BFS_HIDDEN_DONE && !(req.flags & O_NOATIME) && req.size)
		bfs_fetch_noted(c->server, req.handle.ino, c->deadline);
	return r;
}

static int first_flush(struct bfs_call *c, uint64_t ino, bool all)
{
	if (!all && !served_here(bfs_hidden_find(c->server, ino)))
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	return all ? flush_all(c->server, c->deadline)
		   : flush_ino(c->server, ino, c->deadline);
}

static int first_fsync(struct bfs_call *c, struct bfs_wire *w)
{
	struct bfs_fsync_req req;
	int r;

	if (bfs_fsync_req_get(w, &req))
		return -EBADMSG;
	r = first_flush(c, req.handle.ino, req.flags & BFS_FSYNC_ALL);
	if (r || req.flags != BFS_FSYNC_MAPPED)
		return r;
	*w = bfs_call_fields(c);
	bfs_call_fields_end(c, w);
	return BFS_HIDDEN_DONE;
}

int bfs_hidden_first(struct bfs_call *c)
{
	struct bfs_wire w;

	if (!c->server->hiddens || !c->server->hiddens->all ||
	    bfs_route_forwarded(c) || c->peer >= 0)
		return 0;
	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	switch (c->head.op) {
	case BFS_OP_READ:
		return first_read(c, &w);
	case BFS_OP_FSYNC:
		return first_fsync(c, &w);
	case BFS_OP_SEEK:
	case BFS_OP_FALLOCATE:
	case BFS_OP_SETATTR:
		return first_flush(c, bfs_get_handle(&w).ino, false);
	default:
		return 0;
	}
}

int bfs_hidden_news(struct bfs_call *c, uint64_t ino, uint64_t offset,
		    uint64_t len)
{
	struct bfs_hidden *h = bfs_hidden_find(c->server, ino);
	uint64_t end = len > UINT64_MAX - offset ? UINT64_MAX : offset + len;
	int r;

	if (!h || (!h->reg && bfs_turn_free(&h->turn)))
		return -ENOENT;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = bfs_hidden_hold(h, c->deadline);
	if (r)
		return r;
	r = h->fd < 0 ? -ENOENT
		      : bfs_hidden_take(h, offset, end, true, c->deadline);
	bfs_hidden_let_go(h);
	return r == -ESTALE ? 0 : r;
}
