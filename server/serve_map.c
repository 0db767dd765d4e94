/* SPDX-License-Identifier: BSD-3-Clause */
/* What daemons tell each other of mappings and of copies that run. */
#include "core/util.h"
#include "server/chunks.h"
#include "server/copy.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/hidden.h"
#include "server/mappers.h"
#include "server/peer.h"
#include "server/shared.h"
#include "server/stripe_home.h"
#include "server/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int bfs_serve_mapopen(struct bfs_call *c, const struct bfs_mapopen_req *req,
		      struct bfs_mapopen_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i = bfs_inode_here(fs, req->ino);
	int r;

	if (!i || !S_ISREG(i->mode))
		return -ESTALE;
	/* Who is about to open it to write has no descriptor that shows. */
	if (req->writable && bfs_orphan_making(fs, i, true))
		return -ENODEV;
	r = bfs_mappers_open(c->server, i, (unsigned)c->peer, req->writable,
			     &rep->reg);
	return r ? r : bfs_inode_attr(fs, i, &rep->attr);
}

int bfs_serve_mapend(struct bfs_call *c, const struct bfs_mapend_req *req,
		     struct bfs_mapend_rep *rep)
{
	bfs_mappers_end(c->server, req->ino, (unsigned)c->peer, req->reg);
	return 0;
}

/* Of what was stored: where it is, and as much as lies below size. */
static int next_run(struct bfs_wire *w, uint64_t size, uint64_t *at,
		    struct bfs_str *bytes)
{
	*at = bfs_get_u64(w);
	*bytes = bfs_get_str(w);
	if (bfs_wire_end(w) || *at > (uint64_t)INT64_MAX - bytes->len)
		return -EBADMSG;
	if (*at >= size)
		bytes->len = 0;
	else
		bytes->len = (uint32_t)BFS_MIN(bytes->len, size - *at);
	return 0;
}

static int store_run(struct bfs_fs *fs, uint64_t ino, int fd, const char *bytes,
		     size_t len, uint64_t at)
{
	struct bfs_summing g;
	int r = bfs_sums_begin(fs, ino, fd, at, at + len, &g);

	if (r)
		return r;
	while (!r && len) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n <= 0)
			continue;
		bytes += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	bfs_sums_end(&g, at);
	return r;
}

static int store_runs(struct bfs_fs *fs, uint64_t ino, int fd, const void *runs,
		      size_t len, uint64_t size)
{
	struct bfs_str bytes;
	struct bfs_wire w;
	uint64_t at;
	int r = 0;

	bfs_wire_init(&w, runs, len);
	while (!r && w.pos < w.end) {
		r = next_run(&w, size, &at, &bytes);
		if (!r)
			r = store_run(fs, ino, fd, bytes.ptr, bytes.len, at);
	}
	return r;
}

/* What lies on one shard. */
struct share {
	uint8_t *buf; /* NULL: nothing */
	struct bfs_wire w;
	uint8_t req[32], rep[32];
};

struct storing {
	struct bfs_call *c;
	uint64_t ino, size, from, to;
	unsigned n; /* shards */
	struct share *shares;
	struct bfs_peer_msg *msgs;
	unsigned *whom;
};

/* Cut at the borders of chunks, a run takes more room than it had. */
#define SHARE_MAX (2 * BFS_BULK_MAX)

static int add_piece(struct share *h, const char *bytes, uint64_t len,
		     uint64_t at)
{
	if (!h->buf) {
		h->buf = malloc(SHARE_MAX);
		if (!h->buf)
			return -ENOMEM;
		bfs_wire_init(&h->w, h->buf, SHARE_MAX);
	}
	bfs_put_u64(&h->w, at);
	bfs_put_str(&h->w, (struct bfs_str){ bytes, (uint32_t)len });
	return bfs_wire_end(&h->w) ? -EBADMSG : 0;
}

static int split_run(struct storing *t, const struct bfs_plan *p,
		     const char *bytes)
{
	int r = 0;

	for (unsigned s = 0; !r && s < t->n; s++) {
		struct bfs_piece at = { 0 };

		while (!r && bfs_plan_next(p, s, &at))
			r = add_piece(&t->shares[s],
				      bytes + (at.offset - p->offset), at.len,
				      at.offset);
	}
	return r;
}

static int split(struct storing *t, struct bfs_inode *i)
{
	struct bfs_fs *fs = bfs_call_fs(t->c);
	unsigned chunk = bfs_stripe_chunk(fs, i);
	struct bfs_str bytes;
	struct bfs_wire w;
	uint64_t at;
	int r = 0;

	bfs_wire_init(&w, t->c->out, t->c->out_len);
	while (!r && w.pos < w.end) {
		struct bfs_plan p;

		r = next_run(&w, t->size, &at, &bytes);
		if (r || !bytes.len)
			continue;
		t->from = BFS_MIN(t->from, at);
		t->to = BFS_MAX(t->to, at + bytes.len);
		p = bfs_stripe_plan(fs, i->ino, chunk, at, at + bytes.len);
		r = chunk ? split_run(t, &p, bytes.ptr)
			  : add_piece(&t->shares[p.home], bytes.ptr, bytes.len,
				      at);
	}
	return r;
}

static unsigned ask_others(struct storing *t, uint64_t version)
{
	unsigned n = 0;

	for (unsigned s = 0; s < t->n; s++) {
		struct bfs_mapchunk_req req = { .ino = t->ino,
						.version = version };
		struct share *h = &t->shares[s];
		struct bfs_wire w;

		if (!h->buf || s == t->c->server->shard)
			continue;
		bfs_wire_init(&w, h->req, sizeof(h->req));
		bfs_mapchunk_req_put(&w, &req);
		t->whom[n] = s;
		t->msgs[n++] = (struct bfs_peer_msg){
			.op = BFS_OP_MAPCHUNK,
			.req = h->req,
			.req_len = (size_t)(w.pos - h->req),
			.out = h->buf,
			.out_len = (size_t)(h->w.pos - h->buf),
			.rep = h->rep,
			.rep_cap = sizeof(h->rep),
			.deadline = t->c->deadline
		};
	}
	return n;
}

/* 0; 1: the file has been cut meanwhile; -errno. */
static int store_others(struct storing *t, uint64_t version)
{
	unsigned n = ask_others(t, version);
	int r = n ? bfs_peer_wait_all(t->c->server, t->msgs, t->whom, n) : 0;

	for (unsigned k = 0; k < n && r >= 0; k++) {
		struct bfs_mapchunk_rep rep;
		struct bfs_wire w;

		bfs_wire_init(&w, t->msgs[k].rep, t->msgs[k].rep_len);
		if (t->msgs[k].status)
			r = t->msgs[k].status;
		else if (bfs_mapchunk_rep_get(&w, &rep))
			r = -EBADMSG;
		else if (rep.version != version)
			r = 1;
	}
	return r;
}

/* Our own part, and then it counts: the times say so. */
static int store_own(struct storing *t, struct bfs_inode *i)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
					 { .tv_nsec = UTIME_NOW } };
	const struct share *h = &t->shares[t->c->server->shard];
	struct bfs_fs *fs = bfs_call_fs(t->c);
	int fd = bfs_data_open(fs, i, O_RDWR), r = 0;

	if (fd < 0)
		return fd;
	if (h->buf)
		r = store_runs(fs, i->ino, fd, h->buf,
			       (size_t)(h->w.pos - h->buf), t->size);
	else if (futimens(fd, now))
		r = -errno;
	bfs_space_account(fs, i, fd);
	close(fd);
	return r;
}

/* 0; 1: begin again; -errno. */
static int store_once(struct storing *t)
{
	struct bfs_fs *fs = bfs_call_fs(t->c);
	struct bfs_inode *i = bfs_inode_here(fs, t->ino);
	uint64_t version;
	int r = i ? bfs_stripe_size(fs, i, &t->size) : -ESTALE;

	if (r)
		return r;
	version = bfs_stripe_version(fs, i);
	r = split(t, i);
	if (!r)
		r = store_others(t, version);
	i = bfs_inode_here(fs, t->ino); /* it may have waited */
	if (!r && !i)
		r = -ESTALE;
	if (!r && version != bfs_stripe_version(fs, i))
		r = 1;
	if (!r)
		r = bfs_stripe_size(fs, i, &t->size);
	if (!r && t->from < t->to)
		r = store_own(t, i);
	for (unsigned s = 0; s < t->n; s++) {
		free(t->shares[s].buf);
		t->shares[s].buf = NULL;
	}
	return r;
}

static int store(struct storing *t)
{
	struct bfs_call *c = t->c;
	int r = 1;

	t->n = BFS_MAX(c->server->nshards, c->server->shard + 1);
	t->shares = calloc(t->n, sizeof(*t->shares));
	t->msgs = calloc(t->n, sizeof(*t->msgs));
	t->whom = calloc(t->n, sizeof(*t->whom));
	if (!t->shares || !t->msgs || !t->whom)
		r = -ENOMEM;
	while (r == 1)
		r = bfs_now() < c->deadline ? store_once(t) : -ETIMEDOUT;
	free(t->shares);
	free(t->msgs);
	free(t->whom);
	return r;
}

int bfs_serve_mapwrite(struct bfs_call *c, const struct bfs_mapwrite_req *req,
		       struct bfs_mapwrite_rep *rep)
{
	struct bfs_server *s = c->server;
	struct storing t = { .c = c, .ino = req->ino, .from = UINT64_MAX };
	int r, e = 0;

	if (!bfs_inode_here(bfs_call_fs(c), req->ino) ||
	    !bfs_mappers_may_store(s, req->ino, (unsigned)c->peer, req->reg))
		return -ESTALE;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = store(&t);
	if (t.to > t.from) /* it knows itself: only the others are told */
		e = bfs_mappers_tell_others(s, req->ino, t.from, t.to - t.from,
					    c->deadline, (unsigned)c->peer);
	return r ? r : e;
}

int bfs_serve_mapchunk(struct bfs_call *c, const struct bfs_mapchunk_req *req,
		       struct bfs_mapchunk_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	int fd, r;

	rep->version = req->version;
	if ((unsigned)c->peer != bfs_shared_home(fs, req->ino))
		return -EBADMSG;
	r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	if (r)
		return r > 0 ? 0 : r;
	fd = bfs_chunks_fd(fs, f, true);
	if (fd < 0)
		return fd;
	r = store_runs(fs, req->ino, fd, c->out, c->out_len, INT64_MAX);
	bfs_chunks_account(fs, f);
	return r;
}

int bfs_serve_mapnews(struct bfs_call *c, const struct bfs_mapnews_req *req,
		      struct bfs_mapnews_rep *rep)
{
	return bfs_hidden_news(c, req->ino, req->offset, req->len);
}

int bfs_serve_running(struct bfs_call *c, const struct bfs_running_req *req,
		      struct bfs_running_rep *rep)
{
	rep->running = bfs_copy_runs(c->server, req->ino);
	return 0;
}
