/* SPDX-License-Identifier: BSD-3-Clause */
/* The log on disk: for those who wait for it (D2), and for backing files
 * (removals.c). */
#include "server/journal_turn.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"
#include "server/checkpoint.h"
#include "server/data.h"
#include "server/server.h"
#include "server/uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long removed data may wait for others to share the sync. */
#define SOON_NS 100000000u
/* ... unless so many files wait. */
#define SOON_MAX 256

/* The counter in an inode's number. */
#define NUMBER (((uint64_t)1 << BFS_SHARD_SHIFT) - 1)

static void start(struct bfs_journal *j);

/* The kernel tells of a failed page once, and then takes it for written. */
static void sync_failed(struct bfs_journal *j, int status)
{
	bfs_log(error, "cannot sync the log in %s: %s", j->path,
		strerror(-status));
	j->sync_err = status;
	j->sync_told = j->sync_healed = false;
	bfs_checkpoint_heal(j);
}

/* The error of one that failed, for each who asks until it is over. */
static int still_failing(struct bfs_journal *j)
{
	int e = j->sync_err;

	if (!e)
		return 0;
	j->sync_told = true;
	if (j->sync_healed)
		j->sync_err = 0;
	else
		bfs_checkpoint_heal(j);
	return e;
}

void bfs_journal_healed(struct bfs_journal *j)
{
	j->sync_healed = true;
	if (j->sync_told)
		j->sync_err = 0;
}

static void finished(struct bfs_journal *j, int status)
{
	struct bfs_journal_wait *w;

	BFS_KILL_POINT(log_synced);
	if (status) {
		sync_failed(j, status);
	} else {
		bfs_jlog_set_synced(j->log, j->sync_seq);
		j->synced_ino = BFS_MAX(j->synced_ino, j->sync_ino);
		bfs_removals_synced(j);
	}
	while ((w = j->waits) && w->seq <= j->sync_seq) {
		j->waits = w->next;
		if (!j->waits)
			j->waits_end = &j->waits;
		j->sync_told |= status != 0;
		w->done(w, status);
	}
}

static void on_synced(void *arg, int r)
{
	struct bfs_journal *j = arg;

	/* Nothing new begins in between: what is called may change the
	 * segment. */
	finished(j, r < 0 ? r : 0);
	j->syncing = false;
	if (j->waits)
		start(j);
	else if (j->removals.n && r >= 0)
		bfs_journal_sync_soon(j);
}

static void start(struct bfs_journal *j)
{
	struct bfs_uring *u = j->server ? j->server->uring : NULL;

	if (j->syncing)
		return;
	j->sync_seq = bfs_jlog_seq(j->log);
	j->sync_ino = j->fs->counter;
	j->syncing = true;
	if (!bfs_uring_fsync(u, bfs_jlog_fd(j->log), true, on_synced, j))
		return;
	on_synced(j, fdatasync(bfs_jlog_fd(j->log)) ? -errno : 0);
}

int bfs_journal_sync(struct bfs_journal *j, struct bfs_journal_wait *w)
{
	int e = bfs_journal_flush(j);

	if (!e)
		e = still_failing(j);
	if (e)
		return e;
	w->seq = bfs_jlog_seq(j->log);
	if (w->seq <= bfs_jlog_synced(j->log)) {
		w->done(w, 0);
		return 0;
	}
	w->next = NULL;
	*j->waits_end = w;
	j->waits_end = &w->next;
	start(j);
	return 0;
}

int bfs_journal_sync_now(struct bfs_journal *j)
{
	uint64_t seq = bfs_jlog_seq(j->log), ino = j->fs->counter;

	if (fdatasync(bfs_jlog_fd(j->log))) {
		int e = -errno;

		bfs_log(error, "cannot sync the log in %s: %m", j->path);
		return e;
	}
	bfs_jlog_set_synced(j->log, seq);
	j->synced_ino = BFS_MAX(j->synced_ino, ino);
	bfs_removals_synced(j);
	return 0;
}

static void on_timer(struct bfs_timer *t)
{
	start(t->arg);
}

void bfs_journal_sync_soon(struct bfs_journal *j)
{
	if (!j->server || !j->server->loop) {
		start(j);
		return;
	}
	if (j->removals.n >= SOON_MAX) {
		start(j);
		return;
	}
	j->timer.fn = on_timer;
	j->timer.arg = j;
	if (!j->timer.at)
		bfs_loop_timer(j->server->loop, &j->timer, bfs_now() + SOON_NS);
}

bool bfs_journal_on_disk(const struct bfs_journal *j, uint64_t ino)
{
	if (!j)
		return false;
	return (ino & NUMBER) <=
	       BFS_MAX(j->synced_ino, j->syncing ? j->sync_ino : 0);
}
