/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/settle_impl.h"

#include "core/log.h"
#include "core/util.h"
#include "server/change.h"
#include "server/journal.h"
#include "server/outcome.h"
#include "server/peer.h"
#include "server/server.h"
#include "server/tx.h"
#include "server/txp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define OLD_NS \
	10000000000ull /* the driver has forgotten it, or we missed it \
			*/
#define ASKED_AT_ONCE 64
#define SHARDS_MAX (1u << (64 - BFS_SHARD_SHIFT))

struct bfs_unsettled *bfs_settle_find(const struct bfs_fs *fs, uint64_t tx)
{
	struct bfs_unsettled *u;

	HASH_FIND(hh, fs->unsettled, &tx, sizeof(tx), u);
	return u;
}

bool bfs_settle_known(const struct bfs_fs *fs, uint64_t tx)
{
	return bfs_settle_find(fs, tx);
}

bool bfs_settle_is_decided(const struct bfs_fs *fs, uint64_t tx)
{
	const struct bfs_unsettled *u = bfs_settle_find(fs, tx);

	return u && u->decided;
}

struct bfs_str bfs_settle_with(const struct bfs_shards *shards, unsigned more,
			       unsigned but, uint8_t buf[BFS_WITH_MAX])
{
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_WITH_MAX);
	if (more != but)
		bfs_put_u32(&w, more);
	for (unsigned s = bfs_shards_next(shards, 0); s != UINT_MAX;
	     s = bfs_shards_next(shards, s + 1))
		if (s != but)
			bfs_put_u32(&w, s);
	return (struct bfs_str){ (char *)buf, (uint32_t)(w.pos - buf) };
}

static void take_with(struct bfs_unsettled *u, struct bfs_str with)
{
	struct bfs_wire w;

	bfs_wire_init(&w, with.ptr, with.len);
	while (w.pos < w.end && !w.err) {
		uint32_t shard = bfs_get_u32(&w);

		if (shard < SHARDS_MAX && bfs_shards_add(&u->with, shard))
			bfs_log(error, "a part in a change is lost: no memory");
	}
}

static void about(struct bfs_unsettled *u, uint64_t ino)
{
	for (unsigned n = 0; n < u->nabout; n++)
		if (u->about[n] == ino)
			return;
	if (ino && u->nabout < BFS_COUNT(u->about))
		u->about[u->nabout++] = ino;
}

static void take_about(struct bfs_unsettled *u, struct bfs_str changes)
{
	struct bfs_change ch;
	struct bfs_wire w;

	bfs_wire_init(&w, changes.ptr, changes.len);
	while (w.pos < w.end && !bfs_change_get(&w, &ch)) {
		about(u, ch.ino);
		about(u, ch.dir);
	}
}

static struct bfs_unsettled *get(struct bfs_fs *fs, uint64_t tx,
				 unsigned driver)
{
	struct bfs_unsettled *u = bfs_settle_find(fs, tx);

	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u) {
		bfs_log(error, "a part in a change is lost: no memory");
		return NULL;
	}
	u->id = tx;
	u->driver = driver;
	u->since = bfs_now();
	HASH_ADD(hh, fs->unsettled, id, sizeof(u->id), u);
	if (bfs_hashed(u))
		return u;
	bfs_log(error, "a part in a change is lost: no memory");
	free(u);
	return NULL;
}

void bfs_settle_forget(struct bfs_fs *fs, struct bfs_unsettled *u)
{
	HASH_DEL(fs->unsettled, u);
	bfs_shards_clear(&u->with);
	bfs_shards_clear(&u->unheard);
	free(u->changes);
	free(u);
}

static void note(struct bfs_fs *fs, const struct bfs_unsettled *u,
		 struct bfs_str with)
{
	bfs_journal_add_txwith(
		fs->journal,
		&(struct bfs_rec_txwith){
			.id = u->id,
			.driver = u->driver,
			.with = with,
			.changes = { (char *)u->changes, u->len } });
}

void bfs_settle_promised(struct bfs_fs *fs, uint64_t tx, unsigned driver,
			 struct bfs_str with, struct bfs_str changes)
{
	struct bfs_unsettled *u =
		fs->journal && with.len ? get(fs, tx, driver) : NULL;

	if (!u)
		return;
	take_with(u, with);
	take_about(u, changes);
	note(fs, u, with);
}

void bfs_settle_end(struct bfs_fs *fs, uint64_t tx)
{
	struct bfs_unsettled *u = bfs_settle_find(fs, tx);

	if (!u)
		return;
	bfs_journal_gone_txwith(fs->journal,
				&(struct bfs_rec_txwith){ .id = tx });
	bfs_settle_forget(fs, u);
}

static uint32_t all_changes(const struct bfs_tx *t, uint8_t *buf)
{
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_CHANGES_LEN);
	for (unsigned n = 0; n < t->n; n++)
		bfs_change_put(&w, &t->changes[n]);
	return (uint32_t)(w.pos - buf);
}

static int keep(struct bfs_unsettled *u, const void *changes, uint32_t len)
{
	u->changes = malloc(len + 1);
	if (!u->changes)
		return -ENOMEM;
	memcpy(u->changes, changes, len);
	u->len = len;
	u->decided = true;
	return 0;
}

void bfs_settle_decided(const struct bfs_tx *t)
{
	struct bfs_fs *fs = bfs_call_fs(t->c);
	unsigned own = fs->conf.shard;
	uint8_t buf[BFS_CHANGES_LEN], with_buf[BFS_WITH_MAX];
	struct bfs_str with = bfs_settle_with(&t->with, own, own, with_buf);
	struct bfs_unsettled *u =
		fs->journal && with.len ? get(fs, t->id, own) : NULL;

	if (!u)
		return;
	take_with(u, with);
	for (unsigned s = bfs_shards_next(&t->with, 0); s != UINT_MAX;
	     s = bfs_shards_next(&t->with, s + 1))
		bfs_shards_add(&u->unheard, s);
	if (keep(u, buf, all_changes(t, buf)))
		bfs_log(error, "a part in a change is lost: no memory");
	note(fs, u, with);
}

void bfs_settle_heard(struct bfs_fs *fs, uint64_t tx, unsigned shard)
{
	struct bfs_unsettled *u = bfs_settle_find(fs, tx);

	if (u)
		bfs_shards_remove(&u->unheard, shard);
}

void bfs_settle_peer_new(struct bfs_server *s, unsigned shard)
{
	struct bfs_unsettled *u, *next;

	HASH_ITER(hh, s->fs->unsettled, u, next)
	{
		if (!u->decided || u->over ||
		    !bfs_shards_has(&u->with, shard) ||
		    bfs_shards_has(&u->unheard, shard))
			continue;
		if (bfs_shards_add(&u->unheard, shard))
			bfs_log(error, "a part in a change is lost: no memory");
		else
			bfs_tx_again(s, u->id, shard);
	}
}

bool bfs_settle_put_redo(const struct bfs_fs *fs, uint64_t tx,
			 struct bfs_wire *w)
{
	const struct bfs_unsettled *u = bfs_settle_find(fs, tx);
	uint8_t buf[BFS_WITH_MAX];

	if (!u || !u->decided || !u->changes)
		return false;
	return !bfs_txredo_req_put(
		w, &(struct bfs_txredo_req){
			   .tx = tx,
			   .with = bfs_settle_with(&u->with, fs->conf.shard,
						   UINT_MAX, buf),
			   .changes = { (char *)u->changes, u->len } });
}

/* What is to be made here. */
static struct bfs_str own_changes(const struct bfs_fs *fs, struct bfs_str all,
				  uint8_t *buf)
{
	struct bfs_change ch;
	struct bfs_wire in, out;

	bfs_wire_init(&in, all.ptr, all.len);
	bfs_wire_init(&out, buf, BFS_CHANGES_LEN);
	while (in.pos < in.end && !bfs_change_get(&in, &ch))
		if (bfs_change_shard(fs, &ch) == fs->conf.shard)
			bfs_change_put(&out, &ch);
	return (struct bfs_str){ (char *)buf, (uint32_t)(out.pos - buf) };
}

int bfs_serve_txredo(struct bfs_call *c, const struct bfs_txredo_req *req,
		     struct bfs_txredo_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	uint8_t buf[BFS_CHANGES_LEN], with_buf[BFS_WITH_MAX];
	struct bfs_str mine = own_changes(fs, req->changes, buf);
	struct bfs_shards with = { 0 };
	struct bfs_wire w;

	/* Only who has lost power can have lost a promise. */
	if (!fs->journal || !mine.len || bfs_settle_known(fs, req->tx) ||
	    !bfs_jlog_rebooted(fs->journal->log))
		return 0;
	bfs_log(warn,
		"a change that shard %d has driven is made again: this shard "
		"lost its part with its power",
		c->peer);
	bfs_wire_init(&w, req->with.ptr, req->with.len);
	while (w.pos < w.end && !w.err)
		bfs_shards_add(&with, bfs_get_u32(&w) % SHARDS_MAX);
	bfs_settle_promised(fs, req->tx, (unsigned)c->peer,
			    bfs_settle_with(&with, fs->conf.shard,
					    fs->conf.shard, with_buf),
			    mine);
	bfs_shards_clear(&with);
	bfs_changes_make(fs, (const uint8_t *)mine.ptr, mine.len);
	return 0;
}

int bfs_serve_txsettled(struct bfs_call *c, const struct bfs_txsettled_req *req,
			struct bfs_txsettled_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_wire w;

	if (req->txs.len % sizeof(uint64_t))
		return -EBADMSG;
	bfs_wire_init(&w, req->txs.ptr, req->txs.len);
	while (w.pos < w.end) {
		uint64_t tx = bfs_get_u64(&w);
		const struct bfs_unsettled *u = bfs_settle_find(fs, tx);

		if (u && u->driver == (unsigned)c->peer)
			bfs_settle_end(fs, tx);
	}
	return 0;
}

static bool concerns(const struct bfs_unsettled *u, uint64_t ino)
{
	for (unsigned n = 0; n < u->nabout; n++)
		if (u->about[n] == ino)
			return true;
	return u->any;
}

int bfs_settle_parties(const struct bfs_fs *fs, uint64_t ino,
		       struct bfs_shards *shards)
{
	const struct bfs_unsettled *u, *next;
	int found = 0;

	HASH_ITER(hh, fs->unsettled, u, next)
	{
		if (!concerns(u, ino))
			continue;
		for (unsigned s = bfs_shards_next(&u->with, 0); s != UINT_MAX;
		     s = bfs_shards_next(&u->with, s + 1)) {
			found = 1;
			if (bfs_shards_add(shards, s))
				return -ENOMEM;
		}
	}
	return found;
}

static void restore(void *arg, const struct bfs_record *rec)
{
	const struct bfs_rec_txwith *r = &rec->txwith;
	struct bfs_server *s = arg;
	struct bfs_unsettled *u = get(s->fs, r->id, r->driver);

	if (!u)
		return;
	take_with(u, r->with);
	u->any = true;
	if (r->driver != s->shard || !r->changes.len)
		return;
	if (keep(u, r->changes.ptr, r->changes.len))
		bfs_log(error, "a part in a change is lost: no memory");
}

/* Who has to be told still. */
static void restore_unheard(void *arg, const struct bfs_record *rec)
{
	const struct bfs_server *s = arg;
	struct bfs_unsettled *u = bfs_settle_find(s->fs, rec->decision.id);

	if (u && bfs_shards_add(&u->unheard, rec->decision.shard))
		bfs_log(error, "a part in a change is lost: no memory");
}

void bfs_settle_restore(struct bfs_server *s)
{
	bfs_journal_each(s->journal, BFS_RECORD_TXWITH, restore, s);
	bfs_journal_each(s->journal, BFS_RECORD_DECISION, restore_unheard, s);
}

static void on_outcome(struct bfs_server *s, uint64_t tx, uint32_t outcome,
		       int status)
{
	struct bfs_unsettled *u = bfs_settle_find(s->fs, tx);

	(void)status;
	if (!u)
		return;
	u->asked = false;
	u->since = bfs_now();
	/* What is promised still is the participant's affair (txp.c). */
	if (outcome == BFS_TX_UNKNOWN && !bfs_txp_holds(s->fs, tx))
		bfs_settle_end(s->fs, tx);
}

/* It should have been settled long ago.  The answer may come before this
 * returns, and u be gone then. */
static void ask(struct bfs_server *s, struct bfs_unsettled *u)
{
	u->asked = true;
	if (!bfs_outcome_ask(s, u->driver, u->id, OLD_NS, on_outcome))
		u->asked = false;
}

bool bfs_settle_sweep(struct bfs_server *s)
{
	struct bfs_unsettled *u, *next;
	unsigned asked = 0;

	HASH_ITER(hh, s->fs->unsettled, u, next)
	{
		if (u->driver == s->shard || u->asked ||
		    bfs_now() - u->since < OLD_NS)
			continue;
		if (asked++ == ASKED_AT_ONCE)
			break;
		ask(s, u);
	}
	bfs_settle_round(s);
	return s->fs->unsettled;
}

void bfs_settle_free_all(struct bfs_fs *fs)
{
	struct bfs_unsettled *u, *next;

	HASH_ITER(hh, fs->unsettled, u, next)
	bfs_settle_forget(fs, u);
}
