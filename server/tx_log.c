/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/tx_log.h"

#include "core/log.h"
#include "server/answer.h"
#include "server/journal.h"
#include "server/server.h"
#include "server/session.h"
#include "server/settle.h"
#include "server/tx.h"

#include <errno.h>
#include <limits.h>

void bfs_tx_log_part(struct bfs_fs *fs, uint64_t tx, unsigned driver,
		     struct bfs_str changes)
{
	if (fs->journal)
		bfs_journal_add_txpart(
			fs->journal,
			&(struct bfs_rec_txpart){ .id = tx,
						  .driver = driver,
						  .changes = changes });
}

void bfs_tx_log_part_gone(struct bfs_fs *fs, uint64_t tx)
{
	if (fs->journal)
		bfs_journal_gone_txpart(fs->journal,
					&(struct bfs_rec_txpart){ .id = tx });
}

int bfs_tx_log_decision(const struct bfs_tx *t)
{
	struct bfs_journal *j = bfs_call_fs(t->c)->journal;
	const struct bfs_session *sess = t->c->session;

	if (!j)
		return 0;
	for (unsigned s = bfs_shards_next(&t->with, 0); s != UINT_MAX;
	     s = bfs_shards_next(&t->with, s + 1))
		bfs_journal_add_decision(j,
					 &(struct bfs_rec_decision){
						 .id = t->id,
						 .shard = s,
						 .made = t->made,
						 .session = sess ? sess->id : 0,
						 .request = t->c->head.id });
	bfs_settle_decided(t);
	if (sess)
		bfs_session_note(t->c->session);
	return bfs_journal_flush(j);
}

/*
 * Whoever asks again gets the answer: rename, link and unlink have no fields,
 * what has made an inode is answered by a look at that.  The decision will be
 * struck out, so the answer gets a record of its own.
 */
static void remember(struct bfs_server *s, const struct bfs_rec_decision *d)
{
	struct bfs_session *sess = bfs_session_find(s, d->session);

	if (!sess || bfs_answer_find(sess, d->request) ||
	    bfs_answer_lost(sess, d->request))
		return; /* it is there, or a later one's place is taken by it */
	if (bfs_answer_keep_made(sess, d->request, d->made))
		bfs_log(error, "an answer is lost: no memory");
	else
		bfs_session_note_made(sess, d->request, d->made);
}

static void restore_decision(void *arg, const struct bfs_record *rec)
{
	remember(arg, &rec->decision);
	bfs_tx_again(arg, rec->decision.id, rec->decision.shard);
}

static void restore_part(void *arg, const struct bfs_record *rec)
{
	const struct bfs_rec_txpart *r = &rec->txpart;
	struct bfs_server *s = arg;

	if (bfs_txp_restore(s->fs, r->id, r->driver, r->changes))
		bfs_log(error, "a change on several shards is lost: no memory");
	else if (r->driver == s->shard)
		bfs_txp_end(s->fs, r->id, bfs_tx_decided(s->fs, r->id));
}

void bfs_tx_log_restore(struct bfs_server *s)
{
	if (!s->journal)
		return;
	bfs_settle_restore(s);
	bfs_journal_each(s->journal, BFS_RECORD_DECISION, restore_decision, s);
	bfs_journal_each(s->journal, BFS_RECORD_TXPART, restore_part, s);
	if (s->busy)
		s->busy(s); /* what we do not know is to be asked soon */
}
