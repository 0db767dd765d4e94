/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unlink, link and rename of what lies on several shards.  The checks are those
 * of one shard: they are given stand-ins for what is elsewhere.
 */
#include "server/climb.h"
#include "server/fiber.h"
#include "server/naming.h"
#include "server/renaming.h"
#include "server/tx.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A directory as an entry's shard has told of it. */
static struct bfs_inode dir_stand_in(uint64_t ino,
				     const struct bfs_txentry_rep *e)
{
	return (struct bfs_inode){ .ino = ino,
				   .mode = e->mode,
				   .uid = e->uid,
				   .gid = e->gid,
				   .nlink = e->nlink };
}

/* An inode as its home has told of it; with an entry of it, if e says so. */
static int get_stand_in(struct bfs_tx *t, uint64_t ino,
			const struct bfs_txentry_rep *e, struct bfs_inode *i)
{
	struct bfs_txinode_rep rep;
	int r = 0;

	if (e && e->imode)
		rep = (struct bfs_txinode_rep){ e->imode,     e->iuid,
						e->igid,      e->inlink,
						e->ilinkable, e->ion_disk };
	else
		r = bfs_tx_inode(t, ino, &rep);
	t->durable |= !r && rep.on_disk;
	if (!r)
		*i = (struct bfs_inode){ .ino = ino,
					 .mode = rep.mode,
					 .uid = rep.uid,
					 .gid = rep.gid,
					 .nlink = rep.nlink,
					 .linkable = rep.linkable };
	return r;
}

static struct bfs_change put(uint64_t dir, struct bfs_str name,
			     const struct bfs_inode *i)
{
	return (struct bfs_change){ .kind = BFS_CHANGE_PUT,
				    .dir = dir,
				    .name = name,
				    .ino = i->ino,
				    .type = i->mode & S_IFMT };
}

static struct bfs_change drop(uint64_t dir, struct bfs_str name, uint64_t ino)
{
	return (struct bfs_change){
		.kind = BFS_CHANGE_DROP, .dir = dir, .name = name, .ino = ino
	};
}

static struct bfs_change links(const struct bfs_inode *i, int32_t delta,
			       uint64_t dir, struct bfs_str name)
{
	return (struct bfs_change){ .kind = BFS_CHANGE_LINKS,
				    .dir = dir,
				    .name = name,
				    .ino = i->ino,
				    .delta = delta };
}

/* It has lost its name; a directory is removed with that. */
static struct bfs_change lost(const struct bfs_inode *i, uint64_t dir,
			      struct bfs_str name)
{
	return S_ISDIR(i->mode) ? (struct bfs_change){ .kind = BFS_CHANGE_GONE,
						       .ino = i->ino }
				: links(i, -1, dir, name);
}

/* It has another name. */
static struct bfs_change moved(const struct bfs_inode *i, uint64_t dir,
			       struct bfs_str name)
{
	return S_ISDIR(i->mode) ? (struct bfs_change){ .kind = BFS_CHANGE_MOVED,
						       .ino = i->ino,
						       .dir = dir,
						       .name = name }
				: links(i, 0, dir, name);
}

static int unlink_once(struct bfs_tx *t, struct bfs_walk *w, uint64_t dir_ino,
		       bool dir)
{
	struct bfs_inode parent, i;
	struct bfs_txentry_rep e;
	int r = bfs_tx_entry(t, dir_ino, w->last, &e);

	if (r)
		return r;
	parent = dir_stand_in(dir_ino, &e);
	w->dir = &parent;
	w->inode = NULL;
	w->ino = e.ino;
	w->type = e.type;
	if (e.ino)
		r = get_stand_in(t, e.ino, &e, &i);
	if (e.ino && !r)
		w->inode = &i;
	if (!r)
		r = bfs_naming_remove(t->c, w, dir);
	if (!r && dir)
		r = bfs_tx_dir(t, i.ino, true);
	if (r)
		return r;
	bfs_tx_add(t, drop(dir_ino, w->last, i.ino));
	bfs_tx_add(t, lost(&i, dir_ino, w->last));
	return 0;
}

int bfs_naming_unlink_shared(struct bfs_call *c, struct bfs_walk *w, bool dir)
{
	uint64_t dir_ino = w->dir_ino;
	struct bfs_tx t;
	int r;

	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	do {
		bfs_tx_begin(&t, c);
		r = bfs_tx_end(&t, unlink_once(&t, w, dir_ino, dir));
	} while (r == -EAGAIN && !(r = bfs_tx_pause(c)));
	return r;
}

/* The inode to be linked: its number. */
static int link_source(struct bfs_call *c, const struct bfs_link_req *req,
		       uint64_t *ino)
{
	unsigned follow = req->flags & AT_SYMLINK_FOLLOW ? BFS_WALK_FOLLOW : 0;
	struct bfs_walk w;
	int r = bfs_walk(c, &w, req->old_at, req->old_path,
			 BFS_WALK_INO | follow, 0);

	*ino = w.ino;
	return r;
}

static int link_once(struct bfs_tx *t, struct bfs_walk *w, uint64_t dir_ino,
		     uint64_t ino)
{
	struct bfs_inode parent, i;
	struct bfs_txentry_rep e;
	int r = 0;

	if (w->kind == BFS_LAST_NAME) {
		r = bfs_tx_entry(t, dir_ino, w->last, &e);
		if (r)
			return r;
		parent = dir_stand_in(dir_ino, &e);
		w->dir = &parent;
		w->ino = e.ino;
	}
	r = get_stand_in(t, ino, NULL, &i);
	if (!r)
		r = bfs_naming_link(t->c, w, &i);
	if (r)
		return r;
	bfs_tx_add(t, put(dir_ino, w->last, &i));
	bfs_tx_add(t, links(&i, 1, dir_ino, w->last));
	return 0;
}

int bfs_naming_link_shared(struct bfs_call *c, const struct bfs_link_req *req)
{
	struct bfs_walk w;
	struct bfs_tx t;
	uint64_t ino, dir;
	int r = link_source(c, req, &ino);

	if (!r)
		r = bfs_walk(c, &w, req->new_at, req->new_path,
			     BFS_WALK_PARENT | BFS_WALK_FAR, 1);
	if (r)
		return r;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	dir = w.dir_ino;
	do {
		bfs_tx_begin(&t, c);
		r = bfs_tx_end(&t, link_once(&t, &w, dir, ino));
	} while (r == -EAGAIN && !(r = bfs_tx_pause(c)));
	return r;
}

/* One rename: both entries and what they name. */
struct moving {
	struct bfs_renaming *n;
	struct bfs_tx t;
	bool tree; /* the right to move directories is needed */
	uint64_t from_dir, to_dir;
	struct bfs_txentry_rep from, to;
	struct bfs_inode dirs[2], inodes[2];
};

static bool same_entry(const struct moving *m)
{
	struct bfs_str a = m->n->from.last, b = m->n->to.last;

	return m->from_dir == m->to_dir && a.len == b.len &&
	       !memcmp(a.ptr, b.ptr, a.len);
}

static int take_entries(struct moving *m)
{
	struct bfs_str from = m->n->from.last, to = m->n->to.last;
	bool first = bfs_tx_before(bfs_call_fs(m->n->c), m->from_dir, from,
				   m->to_dir, to);
	int r = 0;

	if (first)
		r = bfs_tx_entry(&m->t, m->from_dir, from, &m->from);
	if (!r)
		r = bfs_tx_entry(&m->t, m->to_dir, to, &m->to);
	if (!r && !first)
		r = bfs_tx_entry(&m->t, m->from_dir, from, &m->from);
	return r;
}

/* The walks' ends, as stand-ins. */
static int fill_in(struct moving *m)
{
	struct bfs_renaming *n = m->n;
	int r = 0;

	m->dirs[0] = dir_stand_in(m->from_dir, &m->from);
	m->dirs[1] = dir_stand_in(m->to_dir, &m->to);
	n->from.dir = &m->dirs[0];
	n->to.dir = &m->dirs[m->from_dir != m->to_dir];
	n->from.inode = n->to.inode = NULL;
	n->from.ino = m->from.ino;
	n->to.ino = m->to.ino;
	if (m->from.ino) {
		r = get_stand_in(&m->t, m->from.ino, &m->from, &m->inodes[0]);
		n->from.inode = &m->inodes[0];
	}
	if (!r && m->to.ino == m->from.ino) {
		n->to.inode = n->from.inode;
	} else if (!r && m->to.ino) {
		r = get_stand_in(&m->t, m->to.ino, &m->to, &m->inodes[1]);
		n->to.inode = &m->inodes[1];
	}
	return r;
}

static bool is_dir(const struct bfs_inode *i)
{
	return i && S_ISDIR(i->mode);
}

/* A directory must not come to lie below itself. */
static int check_cycle(struct moving *m)
{
	const struct bfs_renaming *n = m->n;
	int r = 0;

	if (m->from_dir == m->to_dir ||
	    (!is_dir(n->from.inode) && !is_dir(n->to.inode)))
		return 0;
	if (!m->tree) {
		m->tree = true;
		return -EAGAIN;
	}
	if (is_dir(n->from.inode))
		r = bfs_climb_above(n->c, m->to_dir, m->from.ino);
	if (r)
		return r == 1 ? -EINVAL : r;
	if (is_dir(n->to.inode))
		r = bfs_climb_above(n->c, m->from_dir, m->to.ino);
	if (r != 1)
		return r;
	return bfs_renaming_exchanges(n) ? -EINVAL : -ENOTEMPTY;
}

static int take_dirs(struct moving *m)
{
	const struct bfs_renaming *n = m->n;
	int r = 0;

	if (is_dir(n->from.inode))
		r = bfs_tx_dir(&m->t, m->from.ino, false);
	if (!r && is_dir(n->to.inode))
		r = bfs_tx_dir(&m->t, m->to.ino, !bfs_renaming_exchanges(n));
	return r;
}

static void plan(struct moving *m)
{
	const struct bfs_renaming *n = m->n;
	const struct bfs_inode *old = n->from.inode, *new = n->to.inode;

	bfs_tx_add(&m->t, put(m->to_dir, n->to.last, old));
	bfs_tx_add(&m->t, moved(old, m->to_dir, n->to.last));
	if (bfs_renaming_exchanges(n)) {
		bfs_tx_add(&m->t, put(m->from_dir, n->from.last, new));
		bfs_tx_add(&m->t, moved(new, m->from_dir, n->from.last));
		return;
	}
	bfs_tx_add(&m->t, drop(m->from_dir, n->from.last, old->ino));
	if (new)
		bfs_tx_add(&m->t, lost(new, m->to_dir, n->to.last));
}

static int move_once(struct moving *m)
{
	int r = m->tree ? bfs_tx_tree(&m->t) : 0;

	if (!r)
		r = take_entries(m);
	if (!r)
		r = fill_in(m);
	if (!r)
		r = bfs_renaming_there(m->n);
	if (!r)
		r = check_cycle(m);
	/* Two names of one inode stay, says POSIX. */
	if (r || m->from.ino == m->to.ino || same_entry(m))
		return r;
	r = bfs_renaming_rights(m->n);
	if (!r)
		r = take_dirs(m);
	if (!r)
		plan(m);
	return r;
}

int bfs_renaming_shared(struct bfs_renaming *n,
			const struct bfs_rename_req *req)
{
	struct moving m = { .n = n };
	bool tree;
	int r;

	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = bfs_renaming_walk(n, req, BFS_WALK_FAR);
	if (r)
		return r;
	m.from_dir = n->from.dir_ino;
	m.to_dir = n->to.dir_ino;
	do {
		tree = m.tree;
		bfs_tx_begin(&m.t, n->c);
		r = bfs_tx_end(&m.t, move_once(&m));
	} while (r == -EAGAIN && (tree != m.tree || !(r = bfs_tx_pause(n->c))));
	return r;
}
