/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/txp.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"
#include "server/change.h"
#include "server/dir.h"
#include "server/found.h"
#include "server/hash.h"
#include "server/hold.h"
#include "server/journal.h"
#include "server/outcome.h"
#include "server/peer.h"
#include "server/server.h"
#include "server/settle.h"
#include "server/shared.h"
#include "server/tx_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OLD_NS 3000000000ull /* then the driver is asked */

struct bfs_txp {
	uint64_t id;
	unsigned driver;
	unsigned users; /* calls at work on it */
	bool over;	/* it ended while a call was at work */
	bool prepared;
	bool asked; /* the driver, for the outcome */
	uint64_t since;
	uint64_t pins[4]; /* npins inodes that stay */
	unsigned npins;
	uint8_t *changes;
	uint32_t len;
	UT_hash_handle hh;
};

static struct bfs_txp *find(const struct bfs_fs *fs, uint64_t tx)
{
	struct bfs_txp *t;

	HASH_FIND(hh, fs->txps, &tx, sizeof(tx), t);
	return t;
}

/* For a call, until leave(). */
static struct bfs_txp *join(struct bfs_fs *fs, unsigned driver, uint64_t tx)
{
	struct bfs_txp *t = find(fs, tx);

	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return NULL;
		t->id = tx;
		t->driver = driver;
		t->since = bfs_now();
		HASH_ADD(hh, fs->txps, id, sizeof(t->id), t);
		if (!bfs_hashed(t)) {
			free(t);
			return NULL;
		}
	}
	t->users++;
	return t;
}

static void unpin(struct bfs_fs *fs, struct bfs_txp *t)
{
	for (unsigned n = 0; n < t->npins; n++) {
		struct bfs_inode *i = bfs_inode_here(fs, t->pins[n]);

		if (i)
			i->pins--;
	}
	t->npins = 0;
}

static void give_up(struct bfs_fs *fs, struct bfs_txp *t)
{
	uint64_t id = t->id;

	unpin(fs, t);
	HASH_DEL(fs->txps, t);
	free(t->changes);
	free(t);
	if (fs->tree_tx == id)
		fs->tree_tx = 0;
	bfs_hold_release(fs, id);
}

/* What a call on it has found; -ECANCELED if it is over meanwhile. */
static int leave(struct bfs_fs *fs, struct bfs_txp *t, int r)
{
	t->users--;
	if (!t->over)
		return r;
	if (!t->users)
		give_up(fs, t);
	return -ECANCELED;
}

/* The directory is known here, may be changed, and its entry is nobody's. */
static int entry_ready(struct bfs_call *c, const struct bfs_txentry_req *req,
		       struct bfs_inode **dir)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_need need = { .ino = req->dir, .name = req->name };
	struct bfs_inode *i = *dir = bfs_inode_find(fs, req->dir);

	if (!i && bfs_shared_home(fs, req->dir) == fs->conf.shard)
		return -ENOENT;
	if (i && !S_ISDIR(i->mode))
		return -ENOTDIR;
	if (!i || i->dir.shared->stale)
		need.kind = BFS_NEED_DIR;
	else if (i->dir.shared->copy && !i->dir.shared->told)
		need.kind = BFS_NEED_TOLD;
	else if (!bfs_shared_usable(i) ||
		 (bfs_hold_entry_held(fs, req->dir, req->name) &&
		  !bfs_hold_entry_by(fs, req->dir, req->name, req->tx)))
		need.kind = BFS_NEED_CHANGE;
	else
		return 1;
	return bfs_found_get(c, &need, NULL);
}

/* It stays until the change is over. */
static int pin(struct bfs_txp *t, struct bfs_inode *i)
{
	for (unsigned n = 0; n < t->npins; n++)
		if (t->pins[n] == i->ino)
			return 0;
	if (t->npins == BFS_COUNT(t->pins))
		return -EINVAL;
	t->pins[t->npins++] = i->ino;
	i->pins++;
	return 0;
}

/* The inode is here too: it need not be asked for. */
static int tell_inode(const struct bfs_fs *fs, struct bfs_txp *t,
		      struct bfs_inode *i, struct bfs_txentry_rep *rep)
{
	rep->imode = i->mode;
	rep->iuid = i->uid;
	rep->igid = i->gid;
	rep->inlink = i->nlink;
	rep->ilinkable = i->linkable;
	rep->ion_disk = bfs_journal_on_disk(fs->journal, i->ino);
	return pin(t, i);
}

static int take_entry(struct bfs_call *c, struct bfs_txp *t,
		      const struct bfs_txentry_req *req,
		      struct bfs_txentry_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	const struct bfs_dentry *d;
	struct bfs_inode *dir;
	int r = 0;

	while (!r && !t->over)
		r = entry_ready(c, req, &dir);
	if (r != 1)
		return r;
	r = bfs_hold_entry(fs, req->dir, req->name, req->tx);
	if (r)
		return r;
	d = bfs_dir_find(fs, dir, req->name);
	*rep = (struct bfs_txentry_rep){ .ino = d ? bfs_dentry_ino(d) : 0,
					 .type = d ? d->type : 0,
					 .mode = dir->mode,
					 .uid = dir->uid,
					 .gid = dir->gid,
					 .nlink = dir->nlink };
	return d && d->here ? tell_inode(fs, t, d->to.inode, rep) : 0;
}

int bfs_txp_entry(struct bfs_call *c, unsigned driver,
		  const struct bfs_txentry_req *req,
		  struct bfs_txentry_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_txp *t;

	if (!req->name.len || req->name.len > BFS_NAME_MAX)
		return -EINVAL;
	t = join(fs, driver, req->tx);
	return t ? leave(fs, t, take_entry(c, t, req, rep)) : -ENOMEM;
}

int bfs_txp_tree(struct bfs_call *c, unsigned driver, uint64_t tx)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_txp *t = join(fs, driver, tx);
	int r = 0;

	if (!t)
		return -ENOMEM;
	while (!r && !t->over && fs->tree_tx && fs->tree_tx != tx)
		r = bfs_hold_wait(c);
	if (!r && !t->over)
		fs->tree_tx = tx;
	return leave(fs, t, r);
}

int bfs_txp_inode(struct bfs_call *c, unsigned driver,
		  const struct bfs_txinode_req *req,
		  struct bfs_txinode_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i = bfs_inode_here(fs, req->ino);
	struct bfs_txp *t;
	int r;

	if (!i)
		return -ENOENT;
	t = join(fs, driver, req->tx);
	if (!t)
		return -ENOMEM;
	r = pin(t, i);
	*rep = (struct bfs_txinode_rep){ .mode = i->mode,
					 .uid = i->uid,
					 .gid = i->gid,
					 .nlink = i->nlink,
					 .linkable = i->linkable,
					 .on_disk = bfs_journal_on_disk(
						 fs->journal, i->ino) };
	return leave(fs, t, r);
}

static int take_dir(struct bfs_call *c, const struct bfs_txp *t,
		    const struct bfs_txdir_req *req)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i;
	bool entries = false;
	int r = 1;

	while (r == 1 && !t->over) {
		i = bfs_inode_here(fs, req->ino);
		if (!i || !S_ISDIR(i->mode) || !i->nlink)
			return -ENOENT;
		r = bfs_home_revoke(c, i, req->tx,
				    req->empty ? &entries : NULL);
	}
	if (r)
		return r;
	i = bfs_inode_here(fs, req->ino);
	return req->empty && (entries || i->dir.top) ? -ENOTEMPTY : 0;
}

int bfs_txp_dir(struct bfs_call *c, unsigned driver,
		const struct bfs_txdir_req *req)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_txp *t = join(fs, driver, req->tx);

	return t ? leave(fs, t, take_dir(c, t, req)) : -ENOMEM;
}

bool bfs_txp_holds(const struct bfs_fs *fs, uint64_t tx)
{
	return find(fs, tx);
}

int bfs_txp_prepare(struct bfs_fs *fs, unsigned driver,
		    const struct bfs_txprepare_req *req)
{
	struct bfs_str changes = req->changes;
	struct bfs_txp *t = find(fs, req->tx);
	int r;

	if (!t || t->over || t->driver != driver)
		return -ESTALE;
	r = bfs_changes_check(fs, changes);
	if (r)
		return r;
	if (t->prepared) /* sent again: it is promised as it was */
		return t->len == changes.len &&
				       !memcmp(t->changes, changes.ptr, t->len)
			       ? 0
			       : -EBADMSG;
	t->changes = malloc(changes.len + 1);
	if (!t->changes)
		return -ENOMEM;
	memcpy(t->changes, changes.ptr, changes.len);
	t->len = changes.len;
	t->prepared = true;
	bfs_hold_promise(fs, req->tx);
	bfs_tx_log_part(fs, req->tx, driver, changes);
	bfs_settle_promised(fs, req->tx, driver, req->with, changes);
	BFS_KILL_POINT(part_promised);
	return 0;
}

static int restore_change(struct bfs_fs *fs, struct bfs_txp *t,
			  const struct bfs_change *ch)
{
	struct bfs_inode *i = bfs_inode_here(fs, ch->ino);

	switch (ch->kind) {
	case BFS_CHANGE_PUT:
	case BFS_CHANGE_DROP:
		return bfs_hold_entry(fs, ch->dir, ch->name, t->id);
	case BFS_CHANGE_LINKS:
		return i ? pin(t, i) : 0;
	case BFS_CHANGE_TREE:
		fs->tree_tx = t->id;
		return 0;
	default:
		if (i && S_ISDIR(i->mode))
			bfs_hold_dir(fs, i, t->id);
		return 0;
	}
}

int bfs_txp_restore(struct bfs_fs *fs, uint64_t tx, unsigned driver,
		    struct bfs_str changes)
{
	struct bfs_txp *t = join(fs, driver, tx);
	struct bfs_change ch;
	struct bfs_wire w;
	int r = 0;

	if (!t)
		return -ENOMEM;
	t->users--;
	t->since = 0; /* to be asked about at once */
	t->changes = malloc(changes.len + 1);
	if (!t->changes)
		return -ENOMEM;
	memcpy(t->changes, changes.ptr, changes.len);
	t->len = changes.len;
	t->prepared = true;
	bfs_wire_init(&w, changes.ptr, changes.len);
	while (!r && w.pos < w.end && !bfs_change_get(&w, &ch))
		r = restore_change(fs, t, &ch);
	bfs_hold_promise(fs, tx);
	return r;
}

void bfs_txp_end(struct bfs_fs *fs, uint64_t tx, bool commit)
{
	struct bfs_txp *t = find(fs, tx);

	if (!t || t->over)
		return;
	unpin(fs, t);
	if (commit && t->prepared)
		bfs_changes_make(fs, t->changes, t->len);
	if (t->prepared)
		bfs_tx_log_part_gone(fs, tx);
	if (!commit)
		bfs_settle_end(fs, tx);
	BFS_KILL_POINT(part_made);
	t->over = true;
	if (!t->users)
		give_up(fs, t);
	else
		bfs_hold_changed(fs); /* who waits for it need not */
}

static bool pins(const struct bfs_txp *t, uint64_t ino)
{
	for (unsigned n = 0; n < t->npins; n++)
		if (t->pins[n] == ino)
			return true;
	return false;
}

static bool link_promised(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	const struct bfs_txp *t, *next;

	HASH_ITER(hh, fs->txps, t, next)
	if (t->prepared && !t->over && pins(t, i->ino))
		return true;
	return false;
}

bool bfs_txp_promised(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	const struct bfs_shared *s = S_ISDIR(i->mode) ? i->dir.shared : NULL;
	const struct bfs_txp *t = s && s->busy ? find(fs, s->busy) : NULL;

	if (!fs->txps)
		return false;
	if (S_ISDIR(i->mode))
		return (t && t->prepared) || bfs_hold_promised(fs, i->ino);
	return i->pins && link_promised(fs, i);
}

int bfs_txp_await(struct bfs_call *c, const struct bfs_inode *i)
{
	int r;

	if (!bfs_txp_promised(bfs_call_fs(c), i))
		return 0;
	r = bfs_hold_wait(c);
	return r ? r : 1;
}

static void on_outcome(struct bfs_server *s, uint64_t tx, uint32_t outcome,
		       int status)
{
	struct bfs_txp *t = find(s->fs, tx);

	if (!t)
		return;
	/* Who has promised nothing need not wait for a driver that is gone. */
	if (status == -EHOSTDOWN && !t->prepared)
		outcome = BFS_TX_UNKNOWN;
	t->asked = false;
	t->since = bfs_now();
	if (outcome != BFS_TX_OPEN)
		bfs_txp_end(s->fs, tx, outcome == BFS_TX_DECIDED);
}

static void ask(struct bfs_server *s, struct bfs_txp *t)
{
	t->asked = true;
	if (!bfs_outcome_ask(s, t->driver, t->id, OLD_NS, on_outcome))
		t->asked = false;
}

void bfs_txp_peer_new(struct bfs_server *s, unsigned shard)
{
	struct bfs_txp *t, *next;

	HASH_ITER(hh, s->fs->txps, t, next)
	if (t->driver == shard && !t->asked)
		ask(s, t);
}

bool bfs_txp_sweep(struct bfs_server *s)
{
	struct bfs_txp *t, *next;

	HASH_ITER(hh, s->fs->txps, t, next)
	if (!t->asked && t->driver != s->shard && bfs_now() - t->since > OLD_NS)
		ask(s, t);
	return s->fs->txps;
}

void bfs_txp_free_all(struct bfs_fs *fs)
{
	struct bfs_txp *t, *next;

	HASH_ITER(hh, fs->txps, t, next)
	{
		HASH_DEL(fs->txps, t);
		free(t->changes);
		free(t);
	}
}
