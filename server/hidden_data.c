/* SPDX-License-Identifier: BSD-3-Clause */
/* The content of hidden files: from the home, and back. */
#include "core/log.h"
#include "core/util.h"
#include "server/copy.h"
#include "server/fetch.h"
#include "server/fiber.h"
#include "server/hidden_impl.h"
#include "server/inode.h"
#include "server/peer.h"
#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RUN_HEAD 12 /* offset, length */

static void on_pause(struct bfs_timer *t)
{
	bfs_fiber_resume(t->arg);
}

void bfs_hidden_pause(struct bfs_server *s)
{
	struct bfs_timer t = { .fn = on_pause, .arg = bfs_fiber_self() };

	if (!s->loop)
		return;
	bfs_loop_timer(s->loop, &t, bfs_now());
	bfs_fiber_suspend();
}

static int write_all(int fd, const char *buf, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		buf += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int put(const struct bfs_hidden *h, int fd, const char *buf, size_t len,
	       uint64_t at)
{
	int r = write_all(fd, buf, len, at);

	return r || h->twin < 0 ? r : write_all(h->twin, buf, len, at);
}

/* Only what is new at the home: what has been stored here since it was last
 * asked is not touched. */
static int put_new(const struct bfs_hidden *h, int fd, const char *buf,
		   size_t len, uint64_t at)
{
	char *was = malloc(len + 1);
	size_t from = 0, to, have;
	ssize_t n = was ? pread(h->twin, was, len, (off_t)at) : -1;
	int r = !was ? -ENOMEM : n < 0 ? -errno : 0;

	have = n > 0 ? (size_t)n : 0;
	while (!r && from < len) {
		while (from < have && buf[from] == was[from])
			from++;
		if (from >= have) { /* behind what there was */
			r = put(h, fd, buf + from, len - from, at + from);
			break;
		}
		for (to = from; to < have && buf[to] != was[to];)
			to++;
		r = put(h, fd, buf + from, to - from, at + from);
		from = to;
	}
	free(was);
	return r;
}

static int set_size(struct bfs_hidden *h, int fd, uint64_t size)
{
	if (ftruncate(fd, (off_t)size))
		return -errno;
	if (h->twin >= 0 && ftruncate(h->twin, (off_t)size))
		return -errno;
	h->size = size;
	return 0;
}

/* A part of it; what the home has not got (yet) is nothing new. */
static int take_piece(struct bfs_hidden *h, char *buf, uint64_t from,
		      uint64_t to, bool all, uint64_t deadline)
{
	ssize_t n =
		bfs_fetch(h->server, h->ino, buf, to - from, from, deadline);
	int fd, r;

	if (n < 0)
		return (int)n;
	fd = bfs_hidden_reopen(h, O_RDWR);
	if (fd < 0)
		return fd;
	r = all || h->twin < 0 ? put(h, fd, buf, (size_t)n, from)
			       : put_new(h, fd, buf, (size_t)n, from);
	if (!r && from + (uint64_t)n > h->size)
		h->size = from + (uint64_t)n;
	close(fd);
	return r;
}

static int take_data(struct bfs_hidden *h, uint64_t from, uint64_t to, bool all,
		     uint64_t deadline)
{
	char *buf =
		to > from ? malloc(BFS_MIN(to - from, BFS_HIDDEN_PIECE)) : NULL;
	bool sparse = !h->size && to - from > BFS_HIDDEN_PIECE;
	int r = 0;

	if (to > from && !buf)
		return -ENOMEM;
	while (!r && from < to) {
		uint64_t end, at = from;

		if (sparse)
			r = bfs_fetch_seek(h->server, h->ino, SEEK_DATA, to,
					   &at, deadline);
		end = BFS_MIN(to, at + BFS_HIDDEN_PIECE);
		if (!r && at < to)
			r = take_piece(h, buf, at, end, all, deadline);
		from = end;
	}
	free(buf);
	return r;
}

/*
 * Bytes come before the size that shows them, so nobody reads zeros in their
 * place; but nobody must see for long what was cut off.
 */
int bfs_hidden_take(struct bfs_hidden *h, uint64_t from, uint64_t to, bool all,
		    uint64_t deadline)
{
	struct bfs_attr a;
	int fd, r = bfs_fetch_attr(h->server, h->ino, &a, deadline);

	if (r)
		return r;
	if (a.size < h->size) {
		fd = bfs_hidden_reopen(h, O_RDWR);
		r = fd < 0 ? fd : set_size(h, fd, a.size);
		if (fd >= 0)
			close(fd);
	} else if (a.size > h->size) {
		from = BFS_MIN(from, h->size);
		to = a.size;
	}
	if (!r)
		r = take_data(h, from, BFS_MIN(to, a.size), all, deadline);
	if (!r && h->size < a.size) {
		fd = bfs_hidden_reopen(h, O_RDWR);
		r = fd < 0 ? fd : set_size(h, fd, a.size);
		if (fd >= 0)
			close(fd);
	}
	h->change = r ? 0 : bfs_copy_change(h->server->fs, &a);
	return r;
}

/*
 * What was stored.
 */
struct batch {
	struct bfs_hidden *h;
	uint64_t deadline;
	struct bfs_wire w;
	uint8_t *buf; /* BFS_BULK_MAX */
};

/* What the home has got is what the twin has. */
static int note(const struct batch *b)
{
	struct bfs_wire w;
	int r = 0;

	bfs_wire_init(&w, b->buf, (size_t)(b->w.pos - b->buf));
	while (!r && w.pos < w.end) {
		uint64_t at = bfs_get_u64(&w);
		struct bfs_str s = bfs_get_str(&w);

		if (at < b->h->size)
			r = write_all(b->h->twin, s.ptr,
				      BFS_MIN(s.len, b->h->size - at), at);
	}
	return r;
}

static int send(struct batch *b)
{
	struct bfs_hidden *h = b->h;
	struct bfs_mapwrite_req req = { .ino = h->ino, .reg = h->reg };
	uint8_t fields[32], rep[32];
	struct bfs_peer_msg m = { .op = BFS_OP_MAPWRITE,
				  .req = fields,
				  .out = b->buf,
				  .out_len = (size_t)(b->w.pos - b->buf),
				  .rep = rep,
				  .rep_cap = sizeof(rep),
				  .deadline = b->deadline };
	struct bfs_wire w;
	int r;

	if (!m.out_len)
		return 0;
	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_mapwrite_req_put(&w, &req);
	m.req_len = (size_t)(w.pos - fields);
	r = bfs_peer_call(h->server, bfs_shared_home(h->server->fs, h->ino),
			  &m);
	if (!r)
		r = note(b);
	bfs_wire_init(&b->w, b->buf, BFS_BULK_MAX);
	return r;
}

/* Bytes at offset at. */
static int add(struct batch *b, const char *bytes, size_t len, uint64_t at)
{
	int r = 0;

	while (!r && len) {
		size_t room = (size_t)(b->w.end - b->w.pos), n;

		if (room <= RUN_HEAD) {
			r = send(b);
			continue;
		}
		n = BFS_MIN(len, room - RUN_HEAD);
		bfs_put_u64(&b->w, at);
		bfs_put_str(&b->w, (struct bfs_str){ bytes, (uint32_t)n });
		bytes += n;
		at += n;
		len -= n;
	}
	return r;
}

#define PAGE 4096u

/* The runs of bytes in one page that differ. */
static int add_page(struct batch *b, const char *x, const char *t, size_t len,
		    uint64_t at)
{
	char now[PAGE]; /* it changes under our eyes */
	size_t from = 0, to;
	int r = 0;

	memcpy(now, x, len);
	while (!r) {
		while (from < len && now[from] == t[from])
			from++;
		if (from == len)
			break;
		for (to = from; to < len && now[to] != t[to];)
			to++;
		r = add(b, now + from, to - from, at + from);
		from = to;
	}
	return r;
}

static int compare(struct batch *b, const char *x, const char *t, size_t len,
		   uint64_t at)
{
	int r = 0;

	for (size_t k = 0; !r && k < len; k += PAGE) {
		size_t n = BFS_MIN(len - k, PAGE);

		if (memcmp(x + k, t + k, n))
			r = add_page(b, x + k, t + k, n, at + k);
	}
	return r;
}

/* The turn keeps the size as it is, so no page is cut off while we look. */
static int flush_piece(struct batch *b, uint64_t at, size_t len)
{
	struct bfs_hidden *h = b->h;
	char *x = mmap(NULL, len, PROT_READ, MAP_SHARED, h->fd, (off_t)at);
	char *t = mmap(NULL, len, PROT_READ, MAP_SHARED, h->twin, (off_t)at);
	int r = x == MAP_FAILED || t == MAP_FAILED ? -ENOMEM : 0;

	if (!r)
		r = compare(b, x, t, len, at);
	if (x != MAP_FAILED)
		munmap(x, len);
	if (t != MAP_FAILED)
		munmap(t, len);
	return r;
}

int bfs_hidden_flush(struct bfs_hidden *h, uint64_t deadline)
{
	struct batch b = { .h = h, .deadline = deadline };
	int r = 0;

	if (h->twin < 0 || h->gone)
		return 0;
	b.buf = malloc(BFS_BULK_MAX);
	if (!b.buf)
		return -ENOMEM;
	bfs_wire_init(&b.w, b.buf, BFS_BULK_MAX);
	for (uint64_t at = 0; !r && at < h->size; at += BFS_HIDDEN_PIECE) {
		if (at)
			bfs_hidden_pause(h->server);
		r = flush_piece(&b, at,
				BFS_MIN(h->size - at, BFS_HIDDEN_PIECE));
	}
	if (!r)
		r = send(&b);
	free(b.buf);
	return r;
}
