/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/uring.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/loop.h"
#include "server/stage.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define REAP 64 /* per turn: no source starves another */

struct op {
	bfs_uring_fn *done;
	void *arg;
	struct op *next; /* in free */
};

struct bfs_uring {
	struct io_uring ring;
	struct bfs_loop *loop;
	int fd; /* eventfd: completions have come */
	unsigned busy, unsubmitted;
	bool cannot_tell; /* RWF_NOWAIT is not supported */
	struct op *free;
	struct op op[BFS_URING_DEPTH];
};

static int submit(struct bfs_uring *u)
{
	int r;

	if (!u->unsubmitted)
		return 0;
	r = io_uring_submit(&u->ring);
	if (r > 0)
		u->unsubmitted -= BFS_MIN((unsigned)r, u->unsubmitted);
	/* EAGAIN, EBUSY, EINTR: the next turn tries again. */
	return r;
}

static int reap(struct bfs_uring *u, int max)
{
	struct io_uring_cqe *cqe;
	int n = 0;

	while (n < max && !io_uring_peek_cqe(&u->ring, &cqe)) {
		struct op *op = io_uring_cqe_get_data(cqe);
		bfs_uring_fn *done = op->done;
		void *arg = op->arg;
		int result = cqe->res;

		io_uring_cqe_seen(&u->ring, cqe);
		op->next = u->free;
		u->free = op;
		u->busy--;
		n++;
		done(arg, result);
	}
	return n;
}

static int poll_ring(void *arg)
{
	struct bfs_uring *u = arg;
	int n;

	if (!u->busy)
		return 0;
	submit(u);
	n = reap(u, REAP);
	submit(u); /* what the finished ones led to */
	return n;
}

static int arm_ring(void *arg)
{
	struct bfs_uring *u = arg;

	if (!u->busy)
		return 0;
	submit(u);
	return u->unsubmitted || io_uring_cq_ready(&u->ring) ? -EBUSY : 0;
}

static void on_event(void *arg, uint32_t events)
{
	struct bfs_uring *u = arg;
	uint64_t junk;

	if (read(u->fd, &junk, sizeof(junk)) == sizeof(junk))
		poll_ring(u);
}

static int open_ring(struct bfs_uring *u)
{
	int r = io_uring_queue_init(BFS_URING_DEPTH, &u->ring,
				    IORING_SETUP_CLAMP);

	if (r)
		return r;
	io_uring_ring_dontfork(&u->ring);
	u->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = u->fd < 0 ? -errno : io_uring_register_eventfd(&u->ring, u->fd);
	if (!r)
		return 0;
	if (u->fd >= 0)
		close(u->fd);
	io_uring_queue_exit(&u->ring);
	return r;
}

static int join_loop(struct bfs_uring *u)
{
	int r = bfs_loop_add(u->loop, u->fd, EPOLLIN, on_event, u);

	return r ? r : bfs_loop_poller(u->loop, poll_ring, arm_ring, u);
}

int bfs_uring_new(struct bfs_loop *l, bool wanted, struct bfs_uring **out)
{
	struct bfs_uring *u;
	int r;

	*out = NULL;
	if (!wanted) {
		bfs_log(info, "io_uring is switched off: plain reads");
		return 0;
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->loop = l;
	for (int i = BFS_URING_DEPTH - 1; i >= 0; i--) {
		u->op[i].next = u->free;
		u->free = &u->op[i];
	}
	r = open_ring(u);
	if (r) {
		bfs_log(info, "no io_uring here (%s): plain reads",
			strerror(-r));
		free(u);
		return 0;
	}
	r = join_loop(u);
	if (r) {
		bfs_uring_free(u);
		return r;
	}
	*out = u;
	return 0;
}

void bfs_uring_free(struct bfs_uring *u)
{
	struct io_uring_cqe *cqe;

	if (!u)
		return;
	while (u->busy) {
		submit(u);
		if (io_uring_wait_cqe(&u->ring, &cqe) == 0)
			reap(u, REAP);
	}
	bfs_loop_del(u->loop, u->fd);
	close(u->fd);
	io_uring_queue_exit(&u->ring);
	free(u);
}

/* An entry to be filled in, or NULL. */
static struct io_uring_sqe *begin(struct bfs_uring *u)
{
	struct io_uring_sqe *sqe;

	if (!u || !u->free)
		return NULL;
	sqe = io_uring_get_sqe(&u->ring);
	if (!sqe) {
		submit(u);
		sqe = io_uring_get_sqe(&u->ring);
	}
	return sqe;
}

static int end(struct bfs_uring *u, struct io_uring_sqe *sqe,
	       bfs_uring_fn *done, void *arg)
{
	struct op *op = u->free;

	u->free = op->next;
	op->done = done;
	op->arg = arg;
	io_uring_sqe_set_data(sqe, op);
	u->busy++;
	u->unsubmitted++;
	bfs_stat_add(uring, 1);
	return 0;
}

int bfs_uring_read(struct bfs_uring *u, int fd, void *buf, size_t n, off_t off,
		   bfs_uring_fn *done, void *arg)
{
	struct io_uring_sqe *sqe = begin(u);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_read(sqe, fd, buf, (unsigned)n, (uint64_t)off);
	return end(u, sqe, done, arg);
}

int bfs_uring_write(struct bfs_uring *u, int fd, const void *buf, size_t n,
		    off_t off, bfs_uring_fn *done, void *arg)
{
	struct io_uring_sqe *sqe = begin(u);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_write(sqe, fd, buf, (unsigned)n, (uint64_t)off);
	return end(u, sqe, done, arg);
}

int bfs_uring_sync_range(struct bfs_uring *u, int fd, bool data_only, off_t off,
			 size_t n, bfs_uring_fn *done, void *arg)
{
	struct io_uring_sqe *sqe = begin(u);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_fsync(sqe, fd, data_only ? IORING_FSYNC_DATASYNC : 0);
	sqe->off = (uint64_t)off;
	sqe->len = (uint32_t)n;
	return end(u, sqe, done, arg);
}

int bfs_uring_fsync(struct bfs_uring *u, int fd, bool data_only,
		    bfs_uring_fn *done, void *arg)
{
	return bfs_uring_sync_range(u, fd, data_only, 0, 0, done, arg);
}

ssize_t bfs_uring_read_cached(struct bfs_uring *u, int fd, void *buf, size_t n,
			      off_t off, size_t *got)
{
	BFS_STAGE_SCOPE(storage);
	*got = 0;
	if (!u || u->cannot_tell)
		return -EOPNOTSUPP;
	while (*got < n) {
		struct iovec v = { (char *)buf + *got, n - *got };
		ssize_t k = preadv2(fd, &v, 1, off + (off_t)*got, RWF_NOWAIT);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			u->cannot_tell = errno == EOPNOTSUPP;
			return -errno;
		}
		if (!k)
			break;
		*got += (size_t)k;
	}
	return (ssize_t)*got;
}
