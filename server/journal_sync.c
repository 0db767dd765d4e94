/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log on disk: for those who wait for it (D2), and for backing files.
 * While a file's inode may come back, by a kill before its end was logged or
 * by a loss of power before that was on disk, its data stays.
 */
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

/* The removals whose seq is on disk; those before them in the queue went. */
static void remove_synced(struct bfs_journal *j)
{
	uint64_t synced = bfs_jlog_synced(j->log);
	unsigned n = 0, kept;

	while (n < j->nremovals && j->removals[n].seq <= synced) {
		bfs_data_remove_file(j->fs, j->removals[n].ino,
				     j->removals[n].sock);
		n++;
	}
	kept = j->nremovals - n;
	if (n && kept)
		memmove(j->removals, j->removals + n,
			kept * sizeof(*j->removals));
	j->nremovals = kept;
}

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
		remove_synced(j);
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
	else if (j->nremovals && r >= 0)
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
	remove_synced(j);
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
	if (j->nremovals >= SOON_MAX) {
		start(j);
		return;
	}
	j->timer.fn = on_timer;
	j->timer.arg = j;
	if (!j->timer.at)
		bfs_loop_timer(j->server->loop, &j->timer, bfs_now() + SOON_NS);
}

void bfs_journal_remove(struct bfs_journal *j, uint64_t ino, bool sock)
{
	if (j->nremovals == j->removals_cap) {
		unsigned cap = j->removals_cap ? 2 * j->removals_cap : 64;
		void *p = realloc(j->removals, cap * sizeof(*j->removals));

		if (!p) /* a restart removes it */
			return;
		j->removals = p;
		j->removals_cap = cap;
	}
	/* Of the frame in the making. */
	j->removals[j->nremovals++] = (struct bfs_removal){
		.ino = ino, .seq = bfs_jlog_seq(j->log) + 1, .sock = sock
	};
}

bool bfs_journal_on_disk(const struct bfs_journal *j, uint64_t ino)
{
	if (!j)
		return false;
	return (ino & NUMBER) <=
	       BFS_MAX(j->synced_ino, j->syncing ? j->sync_ino : 0);
}

/* Behind a frame.  What was never on disk cannot come back from there. */
void bfs_journal_removals(struct bfs_journal *j)
{
	uint64_t seq = bfs_jlog_seq(j->log);
	uint64_t old = BFS_MAX(j->synced_ino, j->syncing ? j->sync_ino : 0);
	unsigned n = j->nremovals, kept;

	while (n && j->removals[n - 1].seq == seq)
		n--;
	for (kept = n; n < j->nremovals; n++) {
		if ((j->removals[n].ino & NUMBER) > old)
			bfs_data_remove_file(j->fs, j->removals[n].ino,
					     j->removals[n].sock);
		else
			j->removals[kept++] = j->removals[n];
	}
	j->nremovals = kept;
	if (kept)
		bfs_journal_sync_soon(j);
}
