/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/making.h"

#include "core/siphash.h"
#include "server/fiber.h"
#include "server/perm.h"
#include "server/route.h"
#include "server/server.h"
#include "server/shared.h"
#include "server/tx.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

unsigned bfs_node_of(const struct bfs_server *s, unsigned shard)
{
	return s->node_first ? s->node_first[shard] : shard;
}

/* Is its home to be at its maker's node? */
static bool stays(const struct bfs_inode *dir, uint32_t mode)
{
	if (S_ISFIFO(mode) || S_ISSOCK(mode))
		return true;
	return S_ISREG(mode) && dir->layout.policy == BFS_POLICY_LOCAL;
}

static uint64_t hash(const struct bfs_fs *fs, uint64_t dir, struct bfs_str name)
{
	uint8_t key[sizeof(dir) + BFS_NAME_MAX];

	dir = htole64(dir);
	memcpy(key, &dir, sizeof(dir));
	memcpy(key + sizeof(dir), name.ptr, name.len);
	return bfs_siphash(fs->conf.secret, key, sizeof(dir) + name.len);
}

/* One of the daemons of that node, each for as many names. */
static unsigned some_of(const struct bfs_server *s, unsigned node,
			uint64_t number)
{
	unsigned n = 0;

	for (unsigned k = node; k < s->nshards; k++)
		n += bfs_node_of(s, k) == node;
	n = (unsigned)(number % n);
	for (unsigned k = node;; k++)
		if (bfs_node_of(s, k) == node && !n--)
			return k;
}

unsigned bfs_making_home(const struct bfs_call *c, const struct bfs_inode *dir,
			 struct bfs_str name, uint32_t mode)
{
	const struct bfs_fs *fs = bfs_call_fs(c);
	unsigned entry = bfs_shared_place(fs, dir->ino, name);
	unsigned node;

	if (!bfs_fs_clustered(fs) || !stays(dir, mode))
		return entry;
	node = bfs_node_of(c->server, bfs_route_node(c));
	/* With its entry it is made by one shard alone. */
	if (bfs_node_of(c->server, entry) == node)
		return entry;
	return some_of(c->server, node, hash(fs, dir->ino, name));
}

int bfs_making_where(struct bfs_call *c, const struct bfs_walk *w,
		     uint32_t mode)
{
	const struct bfs_fs *fs = bfs_call_fs(c);
	unsigned home;

	if (!bfs_fs_clustered(fs) || w->kind != BFS_LAST_NAME)
		return 0;
	home = bfs_making_home(c, w->dir, w->last, mode);
	if (home != fs->conf.shard)
		return bfs_route_entry(c, w, w->last, w->slash, home);
	return w->shard != fs->conf.shard;
}

static int check(const struct bfs_call *c, const struct bfs_walk *w)
{
	if (w->ino)
		return -EEXIST;
	if (w->slash)
		return -ENOENT;
	return bfs_perm_create(c->cred, w->dir);
}

static int take_entry(struct bfs_tx *t, struct bfs_making *m,
		      struct bfs_walk *w)
{
	struct bfs_txentry_rep e;
	int r = bfs_tx_entry(t, m->dir.ino, w->last, &e);

	if (r)
		return r;
	m->dir.mode = e.mode;
	m->dir.uid = e.uid;
	m->dir.gid = e.gid;
	m->dir.nlink = e.nlink;
	w->ino = e.ino;
	w->type = e.type;
	return check(t->c, w);
}

/* The inode, which nothing names yet; if it never is, it goes as others do
 * that nobody has open. */
static int make(struct bfs_tx *t, const struct bfs_making *m,
		struct bfs_node *n, struct bfs_inode **i)
{
	struct bfs_fs *fs = bfs_call_fs(t->c);
	struct bfs_txinode_rep rep;
	int r;

	*i = bfs_node_make(fs, t->c->cred, &m->dir, n, &r);
	if (!*i)
		return r;
	(*i)->pins++;
	bfs_orphan_add(fs, *i);
	return bfs_tx_inode(t, (*i)->ino, &rep);
}

static int try_once(struct bfs_tx *t, struct bfs_making *m, struct bfs_walk *w,
		    struct bfs_node *n, struct bfs_inode **i)
{
	int r = take_entry(t, m, w);

	if (!r)
		r = make(t, m, n, i);
	if (r)
		return r;
	t->made = (*i)->ino;
	bfs_tx_add(t, (struct bfs_change){ .kind = BFS_CHANGE_PUT,
					   .dir = m->dir.ino,
					   .name = w->last,
					   .ino = (*i)->ino,
					   .type = (*i)->mode & S_IFMT });
	bfs_tx_add(t, (struct bfs_change){ .kind = BFS_CHANGE_LINKS,
					   .dir = m->dir.ino,
					   .name = w->last,
					   .ino = (*i)->ino,
					   .delta = 1 });
	return 0;
}

static void undo(struct bfs_node *n, struct bfs_inode **i)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	if (*i)
		bfs_making_done(*i);
	*i = NULL;
}

int bfs_making(struct bfs_call *c, struct bfs_making *m, struct bfs_walk *w,
	       struct bfs_node *n, struct bfs_inode **i)
{
	struct bfs_tx t;
	int r;

	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	m->dir = (struct bfs_inode){ .ino = w->dir->ino,
				     .layout = w->dir->layout };
	m->top = (struct bfs_inode){ .ino = w->top->ino };
	w->dir = &m->dir;
	w->top = &m->top;
	do {
		n->fd = -1;
		*i = NULL;
		bfs_tx_begin(&t, c);
		r = bfs_tx_end(&t, try_once(&t, m, w, n, i));
		if (r)
			undo(n, i);
	} while (r == -EAGAIN && !(r = bfs_tx_pause(c)));
	return r;
}

void bfs_making_done(struct bfs_inode *i)
{
	i->pins--;
}
