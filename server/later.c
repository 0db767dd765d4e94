/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/later.h"

#include "core/log.h"
#include "core/stats.h"
#include "server/fiber.h"
#include "server/server.h"
#include "server/session.h"
#include "server/sums.h"
#include "server/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

/* One operation that a fiber waits for. */
struct waiting {
	struct bfs_fiber *fiber; /* NULL: it does not wait yet */
	bool done;
	int result;
};

static void on_done(void *arg, int result)
{
	struct waiting *w = arg;

	w->result = result;
	w->done = true;
	if (w->fiber)
		bfs_fiber_resume(w->fiber);
}

/* r: has io_uring taken it? */
static int await(struct waiting *w, int r)
{
	if (r)
		return r;
	w->fiber = bfs_fiber_self();
	while (!w->done)
		bfs_fiber_suspend();
	return w->result;
}

ssize_t bfs_later_pread(struct bfs_server *s, int fd, void *buf, size_t n,
			uint64_t offset)
{
	char *to = buf;
	size_t done = 0;
	int r = 1;

	while (done < n && r > 0) {
		struct waiting w = { 0 };

		r = await(&w,
			  bfs_uring_read(s->uring, fd, to + done, n - done,
					 (off_t)(offset + done), on_done, &w));
		if (r == -EINTR || r == -EAGAIN)
			r = 1;
		else if (r > 0)
			done += (size_t)r;
	}
	return r < 0 ? r : (ssize_t)done;
}

bool bfs_later_wants_sync(const struct bfs_server *s, uint32_t oflags)
{
	return s->uring && oflags & O_DSYNC; /* O_SYNC has that bit too */
}

int bfs_later_sync(struct bfs_server *s, int fd, uint32_t oflags,
		   uint64_t offset, uint64_t n)
{
	bool data_only = (oflags & O_SYNC) != O_SYNC;
	struct waiting w = { 0 };
	int r = -EBUSY;

	if (!(oflags & O_DSYNC) || !n)
		return 0;
	if (bfs_fiber_self())
		r = await(&w,
			  bfs_uring_sync_range(s->uring, fd, data_only,
					       (off_t)offset, n, on_done, &w));
	if (r == -EBUSY)
		r = (data_only ? fdatasync(fd) : fsync(fd)) ? -errno : 0;
	if (r)
		bfs_log(error, "cannot sync a data file: %s", strerror(-r));
	return r;
}
