/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/found.h"

#include "server/copies.h"
#include "server/fiber.h"
#include "server/hold.h"
#include "server/peer.h"
#include "server/server.h"
#include "server/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

const struct bfs_found *bfs_found_entry(const struct bfs_found *list,
					uint64_t dir, struct bfs_str name)
{
	for (; list; list = list->next)
		if (list->dir == dir && list->len == name.len &&
		    !memcmp(list->text, name.ptr, name.len))
			return list;
	return NULL;
}

const struct bfs_found *bfs_found_target(const struct bfs_found *list,
					 uint64_t ino)
{
	for (; list; list = list->next)
		if (!list->dir && list->ino == ino)
			return list;
	return NULL;
}

void bfs_found_free(struct bfs_found *list)
{
	while (list) {
		struct bfs_found *next = list->next;

		free(list);
		list = next;
	}
}

static int keep(struct bfs_found **list, const struct bfs_found *what,
		struct bfs_str text)
{
	struct bfs_found *f = malloc(sizeof(*f) + text.len);

	if (!f)
		return -ENOMEM;
	*f = *what;
	f->len = text.len;
	memcpy(f->text, text.ptr, text.len);
	f->next = *list;
	*list = f;
	return 0;
}

static int get_entry(struct bfs_call *c, const struct bfs_need *n,
		     struct bfs_found **list)
{
	struct bfs_lookup_req req = { n->ino, n->name };
	struct bfs_lookup_rep rep = { 0 };
	uint8_t room[BFS_FIELDS_MAX];
	int r = bfs_peer_lookup(
		c->server, bfs_shared_place(bfs_call_fs(c), n->ino, n->name),
		c->deadline, &req, &rep, room);

	if (r == -ENOENT)
		rep.ino = rep.type = 0;
	else if (r)
		return r;
	return keep(list,
		    &(struct bfs_found){
			    .dir = n->ino, .ino = rep.ino, .type = rep.type },
		    n->name);
}

static int get_target(struct bfs_call *c, const struct bfs_need *n,
		      struct bfs_found **list)
{
	struct bfs_target_req req = { n->ino };
	struct bfs_target_rep rep;
	uint8_t room[BFS_FIELDS_MAX];
	int r = bfs_peer_target(c->server,
				bfs_shared_home(bfs_call_fs(c), n->ino),
				c->deadline, &req, &rep, room);

	if (!r && (!rep.target.len || rep.target.len >= BFS_PATH_MAX))
		r = -EBADMSG;
	if (r)
		return r;
	return keep(list, &(struct bfs_found){ .ino = n->ino }, rep.target);
}

/*
 * What is asked of a home about one of its directories.  Its next message may
 * overtake the answer, which then must not be believed.
 */
struct bfs_asking {
	uint64_t ino;
	bool overtaken;
	struct bfs_asking *prev, *next;
};

void bfs_found_overtaken(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_asking *a;

	DL_FOREACH(fs->asking, a)
	if (a->ino == ino)
		a->overtaken = true;
}

static int take_copy(struct bfs_fs *fs, uint64_t ino,
		     const struct bfs_dircopy_rep *rep)
{
	struct bfs_layout layout;
	struct bfs_inode *i;

	if (!S_ISDIR(rep->mode) || rep->name.len > BFS_NAME_MAX ||
	    !bfs_layout_unpack(&layout, rep->layout))
		return -EBADMSG;
	i = bfs_copy_get(fs, ino);
	if (!i)
		return -ENOMEM;
	i->mode = rep->mode;
	i->uid = rep->uid;
	i->gid = rep->gid;
	i->layout = layout;
	if (rep->removed) /* nothing is made or found in it any more */
		i->nlink = 0;
	/* The name of a removed one may be another's by now. */
	if (rep->name.len && !rep->removed)
		bfs_shared_named(fs, i, rep->parent, rep->name);
	else
		i->dir.parent = rep->parent;
	i->dir.shared->stale = false;
	return 0;
}

static int get_dir(struct bfs_call *c, uint64_t ino)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_asking a = { .ino = ino };
	struct bfs_dircopy_req req = { ino };
	struct bfs_dircopy_rep rep;
	uint8_t room[BFS_FIELDS_MAX];
	int r;

	if (bfs_shared_home(fs, ino) == fs->conf.shard)
		return -ENOENT; /* it would be here */
	DL_APPEND(fs->asking, &a);
	r = bfs_peer_dircopy(c->server, bfs_shared_home(fs, ino), c->deadline,
			     &req, &rep, room);
	DL_DELETE(fs->asking, &a);
	if (r || a.overtaken)
		return r;
	r = take_copy(fs, ino, &rep);
	bfs_copies_trim(c->server);
	return r;
}

static int get_told(struct bfs_call *c, uint64_t ino)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_asking a = { .ino = ino };
	struct bfs_dirtold_req req = { ino };
	struct bfs_dirtold_rep rep;
	uint8_t room[BFS_FIELDS_MAX];
	struct bfs_inode *i;
	int r;

	DL_APPEND(fs->asking, &a);
	r = bfs_peer_dirtold(c->server, bfs_shared_home(fs, ino), c->deadline,
			     &req, &rep, room);
	DL_DELETE(fs->asking, &a);
	i = bfs_inode_find(fs, ino);
	if (!r && !a.overtaken && i)
		i->dir.shared->told = true;
	return r;
}

int bfs_found_get(struct bfs_call *c, const struct bfs_need *n,
		  struct bfs_found **list)
{
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	switch (n->kind) {
	case BFS_NEED_ENTRY:
		return get_entry(c, n, list);
	case BFS_NEED_DIR:
		return get_dir(c, n->ino);
	case BFS_NEED_TARGET:
		return get_target(c, n, list);
	case BFS_NEED_TOLD:
		return get_told(c, n->ino);
	case BFS_NEED_CHANGE:
		return bfs_hold_wait(c);
	}
	return -EIO;
}
