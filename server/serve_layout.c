/* SPDX-License-Identifier: BSD-3-Clause */
/* Layouts are set, taken away and told. */
#include "server/serve_layout.h"

#include "server/climb.h"
#include "server/far.h"
#include "server/hold.h"
#include "server/layout_attr.h"
#include "server/peer.h"
#include "server/perm.h"
#include "server/server.h"
#include "server/shared.h"
#include "server/stripe.h"
#include "server/walk.h"

#include "core/members.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

int bfs_layout_check(const struct bfs_call *c, const struct bfs_inode *i,
		     bool write)
{
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return write ? -EPERM : -ENODATA;
	if (write)
		return bfs_perm_owner(c->cred, i) ? 0 : -EPERM;
	return bfs_perm_check(c->cred, i, BFS_MAY_READ);
}

static bool same(struct bfs_layout a, struct bfs_layout b)
{
	return a.policy == b.policy && a.chunk_log2 == b.chunk_log2;
}

/* Handles tell where data is, so nobody may have one, nor may there be any. */
static int file_free(struct bfs_call *c, struct bfs_inode *i)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_attr a;
	int r = c->waits ? 0 : bfs_far_settle(c, i);

	if (r)
		return r;
	if (bfs_orphan_is_open(fs, i) || !bfs_stripe_untouched(fs, i))
		return -EBUSY;
	r = bfs_inode_attr(fs, i, &a);
	if (r)
		return r;
	return a.size || a.blocks ? -EBUSY : 0;
}

static void take_over(struct bfs_fs *fs, struct bfs_inode *i,
		      struct bfs_layout l)
{
	i->layout = l;
	bfs_inode_changed(fs, i);
}

/* All who have a copy give it up, so that whoever makes something in it from
 * now on knows (R21). */
static int change_dir(struct bfs_call *c, struct bfs_inode *i,
		      struct bfs_layout l)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	uint64_t tx = bfs_home_tx(fs);
	int r = bfs_home_revoke(c, i, tx, NULL);

	if (r)
		return r;
	take_over(fs, i, l);
	bfs_hold_release(fs, tx);
	return 0;
}

static int change(struct bfs_call *c, struct bfs_inode *i, struct bfs_layout l)
{
	int r = 0;

	if (S_ISDIR(i->mode) && !same(l, i->layout))
		return change_dir(c, i, l);
	if (!same(l, i->layout))
		r = file_free(c, i);
	if (!r)
		take_over(bfs_call_fs(c), i, l);
	return r;
}

int bfs_layout_set(struct bfs_call *c, struct bfs_inode *i, unsigned own,
		   int flags)
{
	struct bfs_layout l = i->layout;
	bool there = l.own & own;
	int r = bfs_layout_parse(&l, own, c->out, c->out_len);

	if (r || flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (there && flags & XATTR_CREATE)
		return -EEXIST;
	if (!there && flags & XATTR_REPLACE)
		return -ENODATA;
	return change(c, i, l);
}

/* The directory that it is in, or, of the root, the settings. */
static int inherited(struct bfs_call *c, const struct bfs_inode *i,
		     struct bfs_layout *l)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *up;
	int r;

	if (i == fs->root) {
		*l = fs->conf.layout;
		return 0;
	}
	up = bfs_inode_find(fs, i->dir.parent);
	r = bfs_fs_clustered(fs) ? bfs_climb(c, i->dir.parent, &up) : 0;
	if (!r && up)
		*l = up->layout;
	return r;
}

int bfs_layout_unset(struct bfs_call *c, struct bfs_inode *i, unsigned own)
{
	struct bfs_layout l = i->layout, up = l;
	uint64_t ino = i->ino;
	int r = 0;

	if (!(l.own & own))
		return -ENODATA;
	if (S_ISDIR(i->mode) && i->nlink)
		r = inherited(c, i, &up);
	/* It may have waited. */
	i = r ? NULL : bfs_inode_here(bfs_call_fs(c), ino);
	if (!i)
		return r ? r : -ESTALE;
	l = i->layout;
	l.own &= ~own & 3;
	if (own == BFS_LAYOUT_OWN_POLICY)
		l.policy = up.policy;
	else
		l.chunk_log2 = up.chunk_log2;
	return change(c, i, l);
}

/* Of an inode of ours. */
static int tell(struct bfs_fs *fs, uint64_t ino, struct bfs_layoutof_rep *rep)
{
	struct bfs_inode *i = bfs_inode_here(fs, ino);

	if (!i)
		return -ENOENT;
	rep->layout = bfs_layout_pack(i->layout);
	rep->chunk_log2 = bfs_stripe_chunk(fs, i);
	return bfs_inode_attr(fs, i, &rep->attr);
}

int bfs_serve_layoutof(struct bfs_call *c, const struct bfs_layoutof_req *req,
		       struct bfs_layoutof_rep *rep)
{
	return tell(bfs_call_fs(c), req->ino, rep);
}

static int ask_home(struct bfs_call *c, uint64_t ino,
		    struct bfs_layoutof_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	unsigned home = bfs_shared_home(fs, ino);
	struct bfs_layoutof_req req = { ino };
	uint8_t room[BFS_FIELDS_MAX];

	if (home == fs->conf.shard)
		return tell(fs, ino, rep);
	return bfs_peer_layoutof(c->server, home, c->deadline, &req, rep, room);
}

int bfs_serve_layout(struct bfs_call *c, const struct bfs_layout_req *req,
		     struct bfs_layout_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_layoutof_rep at_home = { 0 };
	struct bfs_walk w;
	int r;

	do {
		r = bfs_walk(c, &w, req->at, req->path, BFS_WALK_INO, 0);
		if (!r)
			r = ask_home(c, w.ino, &at_home);
		/* Removed meanwhile, or replaced. */
	} while (r == -ENOENT && w.ino && c->tries++ < 8);
	if (r)
		return r;
	rep->attr = at_home.attr;
	rep->layout = at_home.layout;
	rep->chunk_log2 = at_home.chunk_log2;
	rep->home = bfs_shared_home(fs, w.ino);
	rep->shards = bfs_fs_clustered(fs) ? fs->conf.nshards : 1;
	rep->entry = w.kind != BFS_LAST_NAME ? BFS_NO_SHARD
		     : bfs_fs_clustered(fs)  ? w.shard
					     : fs->conf.shard;
	return 0;
}

int bfs_serve_member(struct bfs_call *c, const struct bfs_member_req *req,
		     struct bfs_member_rep *rep)
{
	const struct bfs_members *l = c->server->members;
	const char *name = c->server->config.node.member, *node = "";

	if (l && req->shard >= l->n)
		return -ENOENT;
	if (l) {
		name = l->m[req->shard].name;
		node = l->m[req->shard].node;
	}
	rep->name = (struct bfs_str){ name, (uint32_t)strlen(name) };
	rep->node = (struct bfs_str){ node, (uint32_t)strlen(node) };
	return 0;
}
