/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Backing files of inodes that are gone.  While an inode may come back, by a
 * kill before its end was logged or by a loss of power before that was on disk,
 * its data stays.  What may go is removed at once; if it is empty, when there
 * is time for it, or soon.
 */
#include "server/journal_turn.h"

#include "core/util.h"
#include "server/data.h"
#include "server/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* A stream of calls leaves no time: remove them all the same. */
#define SOON_NS 20000000u
#define AT_ONCE 4u	/* of them: others wait for 6 us */
#define PAUSE_NS 40000u /* until the next ones */
/* Nobody has asked for anything for that long: there is time. */
#define IDLE_NS 20000u
/* More of them than that are not kept back. */
#define DUE_MAX 4096u

/* The counter in an inode's number. */
#define NUMBER (((uint64_t)1 << BFS_SHARD_SHIFT) - 1)

static bool put(struct bfs_removals *q, struct bfs_removal r)
{
	if (q->n == q->cap) {
		unsigned cap = q->cap ? 2 * q->cap : 64;
		void *p = realloc(q->v, cap * sizeof(*q->v));

		if (!p)
			return false;
		q->v = p;
		q->cap = cap;
	}
	q->v[q->n++] = r;
	return true;
}

static void remove_one(struct bfs_journal *j, const struct bfs_removal *r)
{
	bfs_data_remove_file(j->fs, r->ino, r->sock);
}

void bfs_journal_remove(struct bfs_journal *j, uint64_t ino, bool sock)
{
	/* Of the frame in the making.  Without memory a restart removes it. */
	put(&j->removals, (struct bfs_removal){ .ino = ino,
						.seq = bfs_jlog_seq(j->log) + 1,
						.sock = sock });
}

void bfs_removals_synced(struct bfs_journal *j)
{
	struct bfs_removals *q = &j->removals;
	uint64_t synced = bfs_jlog_synced(j->log);
	unsigned n = 0;

	while (n < q->n && q->v[n].seq <= synced)
		remove_one(j, &q->v[n++]);
	q->n -= n;
	if (n && q->n)
		memmove(q->v, q->v + n, q->n * sizeof(*q->v));
}

static struct bfs_loop *loop_of(const struct bfs_journal *j)
{
	return j->server ? j->server->loop : NULL;
}

static void set_timer(struct bfs_journal *j, uint64_t ns)
{
	bfs_loop_timer(loop_of(j), &j->due_timer, ns ? bfs_now() + ns : 0);
}

/* The last ones first: they are in the caches.  True: there are more. */
static bool remove_due(struct bfs_journal *j, unsigned max)
{
	struct bfs_removals *q = &j->due;

	while (q->n && max--)
		remove_one(j, &q->v[--q->n]);
	if (!q->n && j->due_timer.at)
		set_timer(j, 0);
	return q->n;
}

static void on_timer(struct bfs_timer *t)
{
	if (remove_due(t->arg, AT_ONCE))
		set_timer(t->arg, PAUSE_NS);
}

/* Whose space somebody may want to write into next, past the daemon (D4). */
static bool takes_space(const struct bfs_journal *j,
			const struct bfs_removal *r)
{
	char name[BFS_DATA_NAME_LEN];
	struct stat st;

	bfs_data_name(name, r->ino);
	return r->sock ||
	       fstatat(j->fs->data_fd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	       st.st_blocks;
}

/* Nobody waits for that. */
static void when_idle(struct bfs_journal *j, const struct bfs_removal *r)
{
	if (!loop_of(j) || takes_space(j, r) || !put(&j->due, *r)) {
		remove_one(j, r);
		return;
	}
	if (j->due.n > DUE_MAX)
		remove_due(j, 2);
	j->due_timer.fn = on_timer;
	j->due_timer.arg = j;
	if (!j->due_timer.at)
		set_timer(j, SOON_NS);
}

/* What was never on disk cannot come back from there. */
void bfs_removals_logged(struct bfs_journal *j)
{
	struct bfs_removals *q = &j->removals;
	uint64_t seq = bfs_jlog_seq(j->log);
	uint64_t old = BFS_MAX(j->synced_ino, j->syncing ? j->sync_ino : 0);
	unsigned n = q->n, kept;

	while (n && q->v[n - 1].seq == seq)
		n--;
	for (kept = n; n < q->n; n++) {
		if ((q->v[n].ino & NUMBER) > old)
			when_idle(j, &q->v[n]);
		else
			q->v[kept++] = q->v[n];
	}
	q->n = kept;
	if (kept)
		bfs_journal_sync_soon(j);
}

bool bfs_removals_idle(struct bfs_journal *j, uint64_t idle_ns)
{
	if (j && idle_ns >= IDLE_NS)
		remove_due(j, 1);
	return j && j->due.n;
}

bool bfs_removals_now(struct bfs_journal *j)
{
	bool any = j && j->due.n;

	if (any)
		remove_due(j, UINT32_MAX);
	return any;
}
