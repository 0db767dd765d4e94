/* SPDX-License-Identifier: BSD-3-Clause */
/* open(2), with the order of errors that Linux has. */
#include "server/data.h"
#include "server/making.h"
#include "server/mappers.h"
#include "server/node.h"
#include "server/opening.h"
#include "server/perm.h"
#include "server/route.h"
#include "server/server.h"
#include "server/shared.h"
#include "server/slice.h"
#include "server/stripe.h"
#include "server/sums.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW)

/* BFS_MAY_* of the access mode; 3 asks for both and gives neither. */
static unsigned access_of(int flags)
{
	static const unsigned wants[] = { BFS_MAY_READ, BFS_MAY_WRITE,
					  BFS_MAY_READ | BFS_MAY_WRITE,
					  BFS_MAY_READ | BFS_MAY_WRITE };

	return wants[flags & O_ACCMODE] | (flags & O_TRUNC ? BFS_MAY_WRITE : 0);
}

/*
 * The kernel's locks and the daemon's do not see each other, so all who have a
 * file open use the same ones (RULES 36): the daemon's if some of them may not
 * be passed through.
 */
static void choose_locks(struct bfs_opening *o)
{
	struct bfs_inode *i = o->inode;
	bool here = !bfs_opening_can_pass(o) || bfs_opening_seen(o) ||
		    o->fs->conf.many_nodes;

	if (here != i->file.locks_here && !bfs_orphan_is_open(o->fs, i))
		i->file.locks_here = here;
}

/* Whose locks are the daemon's; a socket or fifo has none here. */
static uint32_t lock_right(const struct bfs_opening *o)
{
	if (o->flags & O_PATH)
		return 0;
	return S_ISDIR(o->inode->mode) || (S_ISREG(o->inode->mode) &&
					   o->inode->file.locks_here)
		       ? BFS_RIGHT_LOCK
		       : 0;
}

/* Flags that contradict each other; O_PATH silences all others. */
static int check_flags(int *flags)
{
	if (*flags & O_PATH) {
		*flags &= PATH_FLAGS;
		return 0;
	}
	if (*flags & O_CREAT && *flags & O_DIRECTORY)
		return -EINVAL;
	if (!(*flags & TMPFILE_BIT))
		return 0;
	if (!(*flags & O_DIRECTORY) || !(access_of(*flags) & BFS_MAY_WRITE))
		return -EINVAL;
	return 0;
}

static void close_data(struct bfs_opening *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

/* To be written, and perhaps running: the kernel knows (ETXTBSY). */
static bool may_run(const struct bfs_opening *o)
{
	return bfs_opening_writes(o) && o->inode->mode & 0111;
}

static int truncate_data(const struct bfs_opening *o, int flags)
{
	struct bfs_summing g;
	int fd = bfs_sums_begin(o->fs, o->inode->ino, -1, 0, UINT64_MAX, &g);

	if (fd)
		return fd;
	fd = bfs_data_open(o->fs, o->inode, flags);
	if (fd < 0)
		bfs_sums_end(&g, 0);
	else
		bfs_sums_end_holes(&g);
	return fd;
}

/* Open the data file if that is what is passed, or to truncate it. */
static int open_data(struct bfs_opening *o)
{
	int flags = o->flags & (BFS_DATA_FLAGS | O_TRUNC);

	if (o->created || (!(flags & O_TRUNC) && !may_run(o) &&
			   (o->self || !bfs_opening_passes(o))))
		return 0;
	if (flags & O_TRUNC && bfs_stripe_reaches(o->fs, o->inode, 0)) {
		int r = bfs_stripe_truncate(o->c, o->inode, 0);

		if (r)
			return r;
	}
	o->fd = flags & O_TRUNC ? truncate_data(o, flags)
				: bfs_data_open(o->fs, o->inode, flags);
	if (o->fd < 0)
		return o->fd;
	if (!bfs_opening_passes(o) && !(flags & O_TRUNC))
		close_data(o);
	if (!(flags & O_TRUNC))
		return 0;
	bfs_space_account(o->fs, o->inode, o->fd);
	return bfs_data_kill_setid(o->fs, o->inode,
				   bfs_perm_write_kills(o->c->cred, o->inode));
}

static uint32_t sync_right(const struct bfs_opening *o)
{
	return o->fs->conf.sync_close && S_ISREG(o->inode->mode) &&
			       bfs_opening_rights(o->flags) & BFS_RIGHT_WRITE
		       ? BFS_RIGHT_SYNC
		       : 0;
}

static uint32_t stripe_right(const struct bfs_opening *o)
{
	return o->flags & O_PATH ? 0 : bfs_stripe_right(o->fs, o->inode);
}

static int open_fifo(struct bfs_opening *o)
{
	int fd;

	if (!bfs_route_passes(o->c) && !bfs_route_forwarded(o->c))
		return -EOPNOTSUPP;
	if (bfs_route_node(o->c) != o->c->server->shard)
		return 0; /* the client's daemon opens it (passing.c) */
	fd = bfs_data_open_path(o->fs, o->inode);
	if (fd < 0)
		return fd;
	o->c->pass_fd = fd;
	return 0;
}

static int open_inode(struct bfs_opening *o, struct bfs_open_rep *rep)
{
	int r = 0;

	if (o->flags & O_PATH) {
		rep->kind = BFS_OPEN_PATH;
		/* It counts as open for those who come later. */
		if (S_ISREG(o->inode->mode))
			choose_locks(o);
	} else if (S_ISREG(o->inode->mode)) {
		rep->kind = BFS_OPEN_FILE;
		/* Its client may open the data file by itself. */
		bfs_slice_settle(o->fs, o->inode->ino);
		choose_locks(o);
		r = open_data(o);
	} else if (S_ISDIR(o->inode->mode)) {
		rep->kind = BFS_OPEN_DIR;
	} else if (S_ISFIFO(o->inode->mode)) {
		rep->kind = BFS_OPEN_SPECIAL;
		r = open_fifo(o);
	} else {
		r = -ENXIO; /* sockets; devices, which are names only */
	}
	if (!r)
		r = bfs_opening_hand_out(o, rep);
	close_data(o);
	rep->handle =
		bfs_inode_handle(o->fs, o->inode,
				 bfs_opening_rights(o->flags) | lock_right(o) |
					 sync_right(o) | stripe_right(o));
	return r;
}

/* What open(2) checks of an inode that was there. */
static int check_found(const struct bfs_opening *o)
{
	const struct bfs_inode *i = o->inode;

	if (o->flags & O_CREAT && o->flags & O_EXCL)
		return -EEXIST;
	if (o->flags & O_CREAT && S_ISDIR(i->mode))
		return -EISDIR;
	if (o->flags & O_DIRECTORY && !S_ISDIR(i->mode))
		return -ENOTDIR;
	if (o->flags & O_PATH)
		return 0;
	if (S_ISLNK(i->mode))
		return -ELOOP;
	if (S_ISDIR(i->mode) && access_of(o->flags) & BFS_MAY_WRITE)
		return -EISDIR;
	if (!o->c->reopens &&
	    bfs_perm_check(o->c->cred, i, access_of(o->flags)))
		return -EACCES;
	if (o->flags & O_NOATIME && !bfs_perm_owner(o->c->cred, i))
		return -EPERM;
	return 0;
}

static struct bfs_node new_file(const struct bfs_opening *o)
{
	return (struct bfs_node){
		.mode = S_IFREG | (o->mode & (07777 | BFS_MODE_XGRP)),
		.flags = o->self ? BFS_DATA_NO_FD : o->flags & BFS_DATA_FLAGS
	};
}

static int create(struct bfs_opening *o, const struct bfs_walk *w)
{
	struct bfs_node n = new_file(o);
	int r = bfs_perm_create(o->c->cred, w->dir);

	if (r)
		return r;
	o->inode = bfs_node_enter(o->fs, o->c->cred, w, &n, &r);
	o->fd = n.fd;
	o->created = true;
	return r;
}

/* O_TMPFILE: w is the directory. */
static int create_unnamed(struct bfs_opening *o, struct bfs_open_rep *rep,
			  const struct bfs_inode *dir)
{
	struct bfs_node n = new_file(o);
	int r;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	r = bfs_perm_create(o->c->cred, dir);
	if (r)
		return r;
	o->inode = bfs_node_make(o->fs, o->c->cred, dir, &n, &r);
	if (!o->inode)
		return r;
	o->fd = n.fd;
	o->created = true;
	r = open_inode(o, rep);
	o->inode->linkable = !(o->flags & O_EXCL);
	/* Without a slot to watch it cannot be known whether it is open. */
	bfs_orphan_add(o->fs, o->inode);
	return r;
}

static unsigned walk_flags(int flags)
{
	bool excl = flags & O_CREAT && flags & O_EXCL;
	unsigned f = flags & O_CREAT
			     ? BFS_WALK_CREATE | BFS_WALK_CHANGE | BFS_WALK_MAKE
			     : 0;

	if (!(flags & O_NOFOLLOW) && !excl)
		f |= BFS_WALK_FOLLOW;
	return f;
}

/* Other nodes that run it, or map it and have to be told.  As
 * bfs_mappers_idle(). */
static int check_nodes(const struct bfs_opening *o)
{
	int r = 0;

	if (!S_ISREG(o->inode->mode) || o->flags & O_PATH ||
	    !bfs_opening_writes(o))
		return 0;
	if (may_run(o))
		r = bfs_mappers_idle(o->c, o->inode->ino);
	if (!r && o->flags & O_TRUNC)
		r = bfs_mappers_ready(o->c->server, o->inode->ino);
	return r;
}

/* What another shard's entry names.  1: it is gone already. */
static int open_named(struct bfs_opening *o, struct bfs_open_rep *rep,
		      const struct bfs_walk *w)
{
	int r;

	if (o->flags & O_EXCL)
		return -EEXIST;
	if (S_ISLNK(w->type) ||
	    bfs_shared_home(o->fs, w->ino) != o->fs->conf.shard)
		return bfs_route_entry(o->c, w, w->last, w->slash, w->shard);
	o->inode = bfs_inode_here(o->fs, w->ino);
	if (!o->inode)
		return 1;
	r = check_found(o);
	return r ? r : open_inode(o, rep);
}

/* A file of ours whose entry is another shard's. */
static int create_apart(struct bfs_opening *o, struct bfs_open_rep *rep,
			struct bfs_walk *w)
{
	struct bfs_node n = new_file(o);
	struct bfs_making m;
	int r = bfs_making(o->c, &m, w, &n, &o->inode);

	if (r == -EEXIST)
		return open_named(o, rep, w);
	if (r)
		return r;
	o->fd = n.fd;
	o->created = true;
	r = open_inode(o, rep);
	bfs_making_done(o->inode);
	return r;
}

static int open_walked(struct bfs_opening *o, struct bfs_open_rep *rep,
		       struct bfs_walk *w)
{
	int r;

	o->inode = w->inode;
	if (o->flags & TMPFILE_BIT)
		return create_unnamed(o, rep, w->inode);
	r = w->inode ? 0 : bfs_making_where(o->c, w, S_IFREG);
	if (r)
		return r == 1 ? create_apart(o, rep, w) : r;
	r = w->inode ? check_found(o) : create(o, w);
	if (!r && w->inode)
		r = check_nodes(o);
	if (!r)
		r = open_inode(o, rep);
	if (!r && w->inode && o->flags & O_TRUNC && S_ISREG(rep->attr.mode))
		r = bfs_mappers_tell(o->c->server, rep->attr.ino, 0, UINT64_MAX,
				     o->c->deadline);
	return r;
}

int bfs_serve_open(struct bfs_call *c, const struct bfs_open_req *req,
		   struct bfs_open_rep *rep)
{
	struct bfs_opening o = { .c = c,
				 .fs = bfs_call_fs(c),
				 .flags = (int)req->oflags,
				 .mode = req->mode,
				 .slot = req->arena_slot,
				 .gen = req->slot_gen,
				 .fd = -1 };
	struct bfs_walk w;
	int r = check_flags(&o.flags);

	o.self = bfs_opening_self(c, o.flags, o.slot);
	while (!r) {
		r = bfs_walk(c, &w, req->at, req->path,
			     walk_flags(o.flags) |
				     BFS_WALK_RESOLVE(req->resolve),
			     0);
		if (!r)
			r = open_walked(&o, rep, &w);
		if (r != 1)
			break;
		c->waits++;
		r = bfs_now() < c->deadline ? 0 : -ETIMEDOUT;
	}
	if (r && c->pass_fd >= 0) {
		close(c->pass_fd);
		c->pass_fd = -1;
	}
	return r;
}
