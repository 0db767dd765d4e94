/* SPDX-License-Identifier: BSD-3-Clause */
/* The logs of several shards on disk. */
#include "server/sync.h"

#include "core/log.h"
#include "core/util.h"
#include "server/fanout.h"
#include "server/fiber.h"
#include "server/journal.h"
#include "server/server.h"
#include "server/settle.h"
#include "server/shared.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct waiting {
	struct bfs_journal_wait wait;
	struct bfs_fiber *fiber; /* NULL: it does not wait yet */
	bool done;
	int status;
};

static void on_synced(struct bfs_journal_wait *w, int status)
{
	struct waiting *y = bfs_container_of(w, struct waiting, wait);

	y->done = true;
	y->status = status;
	if (y->fiber)
		bfs_fiber_resume(y->fiber);
}

int bfs_sync_own_log(struct bfs_server *s)
{
	struct waiting y = { .wait.done = on_synced };
	int r;

	if (!s->fs->journal)
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = bfs_journal_sync(s->fs->journal, &y.wait);
	if (r)
		return r;
	y.fiber = bfs_fiber_self();
	while (!y.done)
		bfs_fiber_suspend();
	return y.status;
}

static int take(struct bfs_fanout *f, unsigned n, struct bfs_wire *rep)
{
	return 0;
}

static void tell(const struct bfs_fanout *f)
{
	for (unsigned n = 0; n < f->n; n++)
		if (f->msgs[n].status)
			bfs_log(error, "shard %u cannot sync its log: %s",
				f->shards[n], strerror(-f->msgs[n].status));
}

int bfs_sync_shards(struct bfs_call *c, const struct bfs_shards *whom,
		    uint64_t ino, uint32_t flags)
{
	struct bfs_synclog_req req = { ino, flags };
	struct bfs_fanout f = { .c = c, .op = BFS_OP_SYNCLOG, .take = take };
	struct bfs_wire w;
	int r;

	if (bfs_shards_next(whom, 0) == UINT_MAX)
		return 0;
	r = bfs_fanout_begin(&f, whom, &w);
	if (r)
		return r;
	bfs_synclog_req_put(&w, &req);
	r = bfs_fanout_run(&f, &w);
	if (r)
		tell(&f);
	bfs_fanout_end(&f);
	return r ? -EIO : 0;
}

static int add_all(struct bfs_shards *to, const struct bfs_shards *from,
		   unsigned but)
{
	for (unsigned s = bfs_shards_next(from, 0); s != UINT_MAX;
	     s = bfs_shards_next(from, s + 1))
		if (s != but && bfs_shards_add(to, s))
			return -ENOMEM;
	return 0;
}

int bfs_sync_whom(struct bfs_fs *fs, const struct bfs_inode *i,
		  struct bfs_shards *parties, struct bfs_shards *holders)
{
	const struct bfs_shared *s = S_ISDIR(i->mode) ? i->dir.shared : NULL;
	unsigned own = fs->conf.shard;
	int r;

	if (!fs->journal || !bfs_fs_clustered(fs))
		return 0;
	r = bfs_settle_parties(fs, i->ino, parties);
	if (r >= 0 && s)
		r = add_all(holders, &s->holders, own);
	if (r >= 0 && s)
		r = add_all(holders, &s->left, own);
	return r < 0 ? r : 0;
}
