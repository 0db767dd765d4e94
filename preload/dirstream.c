/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The position is the description's offset, and stands behind the page that
 * was fetched last: fork and dup share it as the kernel's streams do.
 */
#include "preload/dirstream.h"

#include "core/log.h"
#include "preload/session.h"

#include <errno.h>
#include <string.h>

static ssize_t fetch(const struct bfs_desc *d, void *buf, size_t size,
		     bool *eof)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_readdir_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	r.io.in = buf;
	r.io.in_cap = size;
	if (!e)
		e = bfs_rpc_readdir(
			c, &r,
			&(struct bfs_readdir_req){ .at = bfs_desc_handle(d),
						   .cursor = d->offset,
						   .size = (uint32_t)size,
						   .flags = BFS_READDIR_NAMES },
			&rep);
	if (!e)
		*eof = rep.eof;
	bfs_rpc_end(&r);
	return e ? e : (ssize_t)r.io.in_len;
}

/* The cursor behind a page, or -EIO if the page is not sound. */
static int check(const void *buf, size_t len, uint64_t *behind)
{
	struct bfs_dirent e;
	struct bfs_wire w;

	bfs_wire_init(&w, buf, len);
	while (w.pos < w.end) {
		if (bfs_dirent_get(&w, &e) || !e.name.len ||
		    e.name.len > BFS_NAME_MAX || e.cursor > INT64_MAX) {
			bfs_log(error, "readdir: malformed page");
			return -EIO;
		}
		*behind = e.cursor;
	}
	return 0;
}

ssize_t bfs_dir_page(struct bfs_desc *d, void *buf, size_t size, bool *eof)
{
	uint64_t behind = d->offset;
	ssize_t n = fetch(d, buf, size, eof);
	int e = n < 0 ? (int)n : check(buf, (size_t)n, &behind);

	if (e)
		return e;
	d->offset = behind;
	return n;
}

struct bfs_dirstream *bfs_dir_new(int fd)
{
	struct bfs_dirstream *s = malloc(sizeof(*s));
	const struct bfs_desc *d = bfs_fd_desc(fd);

	if (!s)
		return NULL;
	memset(s, 0, offsetof(struct bfs_dirstream, page));
	pthread_mutex_init(&s->lock, NULL);
	s->fd = fd;
	s->self = s;
	s->at = d ? d->offset : 0;
	return s;
}

/* 1: there is a page; 0: the end. */
static int refill(struct bfs_dirstream *s, struct bfs_desc *d)
{
	ssize_t n;

	s->pos = s->len = 0;
	if (s->eof && d->offset == s->behind)
		return 0;
	n = bfs_dir_page(d, s->page, sizeof(s->page), &s->eof);
	/* A directory that was removed has no entries any more. */
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return (int)n;
	s->len = (size_t)n;
	s->behind = d->offset;
	return n > 0;
}

static int lock_and_refill(struct bfs_dirstream *s)
{
	struct bfs_desc *d = bfs_fd_desc(s->fd);
	uint64_t signals;
	int r;

	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	r = bfs_desc_lock(d, &signals);
	if (r)
		return r;
	r = refill(s, d);
	bfs_desc_unlock(d, &signals);
	return r;
}

int bfs_dir_next(struct bfs_dirstream *s, struct bfs_dirent *e)
{
	struct bfs_wire w;
	int r = 1;

	if (s->pos == s->len)
		r = lock_and_refill(s);
	if (r != 1)
		return r;
	bfs_wire_init(&w, s->page + s->pos, s->len - s->pos);
	bfs_dirent_get(&w, e);
	s->pos = (size_t)(w.pos - s->page);
	s->at = e->cursor;
	return 1;
}

void bfs_dir_seek(struct bfs_dirstream *s, uint64_t cursor)
{
	struct bfs_desc *d = bfs_fd_desc(s->fd);
	uint64_t signals;

	s->at = cursor;
	s->pos = s->len = 0;
	s->eof = false;
	if (!d || bfs_desc_lock(d, &signals))
		return;
	d->offset = cursor;
	bfs_desc_unlock(d, &signals);
}
