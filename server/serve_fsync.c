/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fsync, fdatasync, syncfs (D2): the data, the directory of the data file, and
 * the log, at once, by io_uring; the answer waits for all of them.
 */
#include "server/data.h"
#include "server/fiber.h"
#include "server/journal.h"
#include "server/server.h"
#include "server/session.h"
#include "server/settle.h"
#include "server/shared.h"
#include "server/stripe_space.h"
#include "server/sums.h"
#include "server/sync.h"
#include "server/syncfs.h"
#include "server/uring.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct syncing {
	struct bfs_call *c;
	struct bfs_fdref *d; /* or NULL */
	uint64_t ino, gen;   /* of the sums, when its sync began */
	struct bfs_journal_wait wait;
	int dir; /* -1: none */
	unsigned hex;
	uint64_t changed; /* of the directory, when its sync began */
	unsigned left;	  /* parts under way */
	bool parked;
	int status;
};

static void put(struct syncing *y)
{
	if (y->d)
		bfs_data_put(y->d);
	if (y->dir >= 0)
		close(y->dir);
	free(y);
}

/* One part is done: the first error is the answer. */
static void part_done(struct syncing *y, const char *what, int r)
{
	if (r < 0) {
		bfs_log(error, "cannot sync %s: %s", what, strerror(-r));
		y->status = y->status ? y->status : r;
	}
	if (--y->left || !y->parked)
		return;
	{
		struct bfs_wire w = bfs_call_fields(y->c);

		bfs_call_fields_end(y->c, &w);
		bfs_call_finish(y->c, y->status);
	}
	put(y);
}

static void on_data(void *arg, int r)
{
	struct syncing *y = arg;

	if (r >= 0)
		r = bfs_sums_synced(bfs_call_fs(y->c), y->ino, y->gen);
	part_done(y, "a data file", r);
}

static void on_dir(void *arg, int r)
{
	struct syncing *y = arg;
	struct bfs_fs *fs = bfs_call_fs(y->c);

	if (r >= 0)
		bfs_data_dir_synced(fs, y->hex, y->changed);
	part_done(y, "a directory of data files", r);
}

static void on_log(struct bfs_journal_wait *w, int r)
{
	/* The journal has told what is wrong. */
	struct syncing *y = bfs_container_of(w, struct syncing, wait);

	y->status = y->status ? y->status : r;
	part_done(y, "the log", 0);
}

static void start(struct syncing *y, int fd, bool data_only, bfs_uring_fn *done)
{
	y->left++;
	if (bfs_uring_fsync(y->c->server->uring, fd, data_only, done, y))
		done(y, (data_only ? fdatasync(fd) : fsync(fd)) ? -errno : 0);
}

/* The name of the data file; nothing to do if it has been synced since. */
static int start_dir(struct syncing *y, const struct bfs_inode *i)
{
	struct bfs_fs *fs = bfs_call_fs(y->c);
	char name[BFS_DATA_NAME_LEN];

	bfs_data_name(name, i->ino);
	y->hex = (unsigned)(i->ino & 0xff);
	if (!bfs_data_dir_changed(fs, y->hex, &y->changed))
		return 0;
	/* The 256 of them are made as they are needed. */
	if (fsync(fs->data_fd))
		return -errno;
	name[2] = '\0';
	y->dir = openat(fs->data_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (y->dir < 0)
		return -errno;
	start(y, y->dir, false, on_dir);
	return 0;
}

static int start_log(struct syncing *y)
{
	struct bfs_journal *j = y->c->server->journal;
	int r;

	if (!j)
		return 0;
	y->wait.done = on_log;
	y->left++;
	r = bfs_journal_sync(j, &y->wait);
	if (r)
		y->left--;
	return r;
}

static int start_parts(struct syncing *y, struct bfs_inode *i, uint32_t flags)
{
	struct bfs_fs *fs = bfs_call_fs(y->c);
	int r = 0;

	if (S_ISREG(i->mode) && !(flags & BFS_FSYNC_NAMES)) {
		y->d = bfs_data_get(fs, i, false, &r);
		if (!y->d)
			return r;
		y->ino = i->ino;
		y->gen = bfs_sums_gen(fs, i->ino);
		start(y, y->d->fd, flags & BFS_FSYNC_DATA, on_data);
	}
	if (S_ISREG(i->mode) && fs->journal)
		r = start_dir(y, i);
	return r ? r : start_log(y);
}

static struct syncing *begin(struct bfs_call *c)
{
	struct syncing *y = calloc(1, sizeof(*y));

	if (!y)
		return NULL;
	y->c = c;
	y->dir = -1;
	y->left = 1; /* the handler itself */
	return y;
}

/* The handler has nothing more to begin. */
static int end(struct syncing *y, int r)
{
	struct bfs_call *c = y->c;

	if (r)
		y->status = y->status ? y->status : r;
	if (!--y->left) {
		r = y->status;
		put(y);
		return r;
	}
	y->parked = true;
	bfs_session_park(c);
	return BFS_LATER;
}

/* Other shards' logs, that fsync of the inode needs. */
struct others {
	struct bfs_shards parties, holders;
};

static bool any(const struct others *o)
{
	return bfs_shards_next(&o->parties, 0) != UINT_MAX ||
	       bfs_shards_next(&o->holders, 0) != UINT_MAX;
}

static void forget(struct others *o)
{
	bfs_shards_clear(&o->parties);
	bfs_shards_clear(&o->holders);
}

/* Who gave up his copy has synced what he did with it. */
static void not_left(struct bfs_call *c, uint64_t ino, const struct others *o)
{
	const struct bfs_inode *i = bfs_inode_here(bfs_call_fs(c), ino);
	struct bfs_shared *s = i && S_ISDIR(i->mode) ? i->dir.shared : NULL;

	for (unsigned n = s ? bfs_shards_next(&o->holders, 0) : UINT_MAX;
	     n != UINT_MAX; n = bfs_shards_next(&o->holders, n + 1))
		bfs_shards_remove(&s->left, n);
}

static int sync_others(struct bfs_call *c, uint64_t ino, const struct others *o)
{
	int r = bfs_sync_shards(c, &o->holders, ino, 0);

	if (!r)
		r = bfs_sync_shards(c, &o->parties, 0, 0);
	if (!r)
		not_left(c, ino, o);
	return r;
}

static int sync_inode(struct bfs_call *c, struct bfs_inode *i, uint32_t flags)
{
	struct others o = { 0 };
	uint64_t ino = i->ino;
	struct syncing *y = NULL;
	int r = bfs_sync_whom(bfs_call_fs(c), i, &o.parties, &o.holders);

	if (!r && any(&o) && !bfs_fiber_self())
		r = -BFS_NEED_FIBER;
	if (!r)
		y = begin(c);
	if (!r && !y)
		r = -ENOMEM;
	if (!r) {
		r = start_parts(y, i, flags); /* while we wait for others */
		if (!r)
			r = sync_others(c, ino, &o);
		r = end(y, r);
	}
	forget(&o);
	return r;
}

/* All of them are in the log, which is in the same file system. */
static int sync_all(struct bfs_call *c)
{
	struct bfs_journal *j = c->server->journal;
	int r = j ? bfs_journal_flush(j) : 0;

	if (!r)
		r = bfs_syncfs(c->server);
	if (r && r != -BFS_NEED_FIBER)
		bfs_log(error, "cannot sync: %s", strerror(-r));
	return r;
}

/* The disks of all daemons. */
static int sync_everywhere(struct bfs_call *c)
{
	const struct bfs_server *s = c->server;
	struct bfs_shards all = { 0 };
	int r = 0;

	for (unsigned n = 0; !r && n < s->nshards; n++)
		if (n != s->shard)
			r = bfs_shards_add(&all, n);
	if (!r)
		r = bfs_sync_shards(c, &all, 0, BFS_FSYNC_ALL);
	bfs_shards_clear(&all);
	return r ? r : sync_all(c);
}

int bfs_serve_synclog(struct bfs_call *c, const struct bfs_synclog_req *req,
		      struct bfs_synclog_rep *rep)
{
	struct bfs_shards parties = { 0 };
	struct syncing *y;
	int r = 0;

	if (req->flags & ~BFS_FSYNC_ALL)
		return -EINVAL;
	if (req->flags)
		return sync_all(c);
	if (req->ino)
		r = bfs_settle_parties(bfs_call_fs(c), req->ino, &parties);
	if (r > 0)
		r = bfs_sync_shards(c, &parties, 0, 0);
	bfs_shards_clear(&parties);
	y = r ? NULL : begin(c);
	if (!y)
		return r ? r : -ENOMEM;
	return end(y, start_log(y));
}

int bfs_serve_fsync(struct bfs_call *c, const struct bfs_fsync_req *req,
		    struct bfs_fsync_rep *rep)
{
	struct bfs_inode *i = bfs_inode_of(bfs_call_fs(c), req->handle);

	if (req->flags == BFS_FSYNC_MAPPED)
		return 0; /* done on its way here (hidden.h) */
	if (!i)
		return -ESTALE;
	if (req->flags & ~(BFS_FSYNC_DATA | BFS_FSYNC_ALL | BFS_FSYNC_NAMES |
			   BFS_FSYNC_CLOSED))
		return -EINVAL;
	if (req->flags & BFS_FSYNC_ALL)
		return sync_everywhere(c);
	if (req->handle.rights & BFS_RIGHT_PATH)
		return -EBADF;
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return -EINVAL;
	if (req->flags & BFS_FSYNC_CLOSED) {
		/* As bfs_sync_closed(). */
		if (!i->nlink)
			return 0;
		bfs_stat_add(close_syncs, 1);
	}
	if (!(req->flags & BFS_FSYNC_NAMES)) {
		int r = bfs_stripe_sync(c, i, req->flags);

		if (r)
			return r;
		i = bfs_inode_of(bfs_call_fs(c), req->handle);
		if (!i)
			return -ESTALE;
	}
	return sync_inode(c, i, req->flags);
}
