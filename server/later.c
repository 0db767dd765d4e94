/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/later.h"

#include "core/log.h"
#include "core/stats.h"
#include "server/server.h"
#include "server/session.h"
#include "server/sums.h"
#include "server/uring.h"

#include <errno.h>
#include <string.h>

struct later {
	struct bfs_call *c;
	struct bfs_fdref *d;
	uint64_t ino;
	size_t size;
	uint64_t offset;
};

/* r: has io_uring taken it? */
static int start(struct later *l, int r)
{
	if (r) {
		free(l);
		return r;
	}
	l->d->refs++;
	bfs_session_park(l->c);
	return 0;
}

static void finish(struct later *l, int status)
{
	struct bfs_wire w = bfs_call_fields(l->c);

	bfs_call_fields_end(l->c, &w); /* READ answers without any */
	bfs_data_put(l->d);
	bfs_call_finish(l->c, status);
	free(l);
}

static void on_read(void *arg, int n);

static int fetch(struct later *l)
{
	struct bfs_call *c = l->c;

	return bfs_uring_read(c->server->uring, l->d->fd,
			      (char *)c->in + c->in_len, l->size - c->in_len,
			      (off_t)(l->offset + c->in_len), on_read, l);
}

static void on_read(void *arg, int n)
{
	struct later *l = arg;
	struct bfs_call *c = l->c;

	if (n > 0)
		c->in_len += (size_t)n;
	if (n == -EINTR || n == -EAGAIN || (n > 0 && c->in_len < l->size)) {
		if (!fetch(l))
			return;
		n = -EIO; /* cannot be: this one has just made room */
	}
	if (n < 0 && !c->in_len) {
		bfs_log(error, "cannot read a data file: %s", strerror(-n));
		finish(l, n);
		return;
	}
	bfs_stat_add(bytes_read, c->in_len);
	finish(l, bfs_sums_check(bfs_call_fs(c), l->ino, l->d->fd, c->in,
				 c->in_len, l->offset, c->in_len < l->size));
}

int bfs_later_read(struct bfs_call *c, uint64_t ino, struct bfs_fdref *d,
		   size_t size, uint64_t offset)
{
	struct later *l = malloc(sizeof(*l));

	if (!l)
		return -ENOMEM;
	*l = (struct later){
		.c = c, .d = d, .ino = ino, .size = size, .offset = offset
	};
	return start(l, fetch(l));
}
