/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/sync.h"

#include "core/log.h"
#include "core/stats.h"
#include "server/data.h"
#include "server/journal.h"
#include "server/server.h"
#include "server/uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct syncing {
	struct bfs_fdref *d;
	uint64_t ino;
};

static void done(struct syncing *y, int r)
{
	if (r)
		bfs_log(error, "cannot sync data file %016lx at its close: %s",
			y->ino, strerror(-r));
	bfs_data_put(y->d);
}

static void on_done(void *arg, int r)
{
	done(arg, r);
	free(arg);
}

static void start(struct bfs_server *s, const struct syncing *y)
{
	struct syncing *later = malloc(sizeof(*later));

	if (later)
		*later = *y;
	if (later &&
	    !bfs_uring_fsync(s->uring, y->d->fd, false, on_done, later))
		return;
	free(later);
	done((struct syncing *)y, fsync(y->d->fd) ? -errno : 0);
}

void bfs_sync_closed(struct bfs_server *s, struct bfs_handle h)
{
	struct bfs_inode *i = bfs_inode_of(s->fs, h);
	struct syncing y = { .ino = h.ino };
	int r;

	/* Without a name nobody will look for it after a crash. */
	if (!i || !S_ISREG(i->mode) || !i->nlink ||
	    !(h.rights & BFS_RIGHT_SYNC))
		return;
	y.d = bfs_data_get(s->fs, i, false, &r);
	if (!y.d)
		return;
	bfs_stat_add(close_syncs, 1);
	if (s->journal)
		bfs_journal_sync_soon(s->journal);
	start(s, &y);
}
