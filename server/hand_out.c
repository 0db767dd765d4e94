/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an open gives to its client: the data file's descriptor, passed or
 * opened by the client itself, or a placeholder; and who is remembered.
 */
#include "server/calm.h"
#include "server/data.h"
#include "server/mappers.h"
#include "server/null.h"
#include "server/opening.h"
#include "server/passing.h"
#include "server/route.h"
#include "server/server.h"
#include "server/session.h"
#include "server/stripe.h"
#include "server/sums.h"

#include "core/stats.h"

#include <errno.h>
#include <unistd.h>

uint32_t bfs_opening_rights(int flags)
{
	static const uint32_t gives[] = { BFS_RIGHT_READ, BFS_RIGHT_WRITE,
					  BFS_RIGHT_READ | BFS_RIGHT_WRITE, 0 };

	return flags & O_PATH ? BFS_RIGHT_PATH : gives[flags & O_ACCMODE];
}

bool bfs_opening_writes(const struct bfs_opening *o)
{
	return (o->flags & O_ACCMODE) != O_RDONLY || o->flags & O_TRUNC;
}

bool bfs_opening_self(const struct bfs_call *c, int flags, uint32_t slot)
{
	return c->session && c->session->opens && c->port->ops->passes_fds &&
	       slot <= UINT16_MAX &&
	       !(flags & BFS_DATA_FLAGS & ~BFS_DATA_PLAIN_FLAGS);
}

bool bfs_opening_can_pass(const struct bfs_opening *o)
{
	return o->fs->conf.pass && !bfs_sums_on(o->fs) && !bfs_null_on(o->fs) &&
	       bfs_route_passes(o->c);
}

/* For a limit on space, for set-id bits that the kernel would not clear, or for
 * those who map the file elsewhere. */
bool bfs_opening_seen(const struct bfs_opening *o)
{
	return bfs_space_limited(o->fs) || bfs_stripe_chunk(o->fs, o->inode) ||
	       !bfs_data_mirrors(o->fs, o->inode) ||
	       bfs_mappers_any(o->c->server, o->inode->ino);
}

bool bfs_opening_passes(const struct bfs_opening *o)
{
	/* What can be neither read nor written cannot be locked either. */
	if (!bfs_opening_can_pass(o) || (o->flags & O_ACCMODE) == O_ACCMODE ||
	    bfs_stripe_chunk(o->fs, o->inode))
		return false;
	if (!bfs_opening_writes(o) || !bfs_opening_seen(o))
		return true;
	/* A limit that came by a reload finds the file open, with locks that
	 * only the kernel knows: it begins when all have closed it. */
	return !o->inode->file.locks_here && bfs_data_mirrors(o->fs, o->inode);
}

/* A description that another has the slot or the data of. */
static int remember(const struct bfs_opening *o, bool writes)
{
	return bfs_orphan_opened(
		o->fs, o->inode,
		&(struct bfs_open){ .uid = o->c->cred->uid,
				    .slot = o->slot,
				    .gen = o->gen,
				    .node = (uint16_t)bfs_route_node(o->c),
				    .writes = writes });
}

/* The client is about to open the data file, and to lock it. */
static int expect(const struct bfs_opening *o, uint32_t slot, uint32_t gen,
		  bool writes)
{
	return bfs_orphan_opened(
		o->fs, o->inode,
		&(struct bfs_open){ .uid = o->fs->euid,
				    .slot = slot,
				    .gen = gen,
				    .node = (uint16_t)o->c->server->shard,
				    .writes = writes,
				    .making = true });
}

/* Of one description the arena tells when it is gone, and whether its client
 * has opened it yet. */
static int note_passed(const struct bfs_opening *o, bool far, bool self)
{
	struct bfs_inode *i = o->inode;
	bool others = i->file.passed && bfs_orphan_passed(o->fs, i);
	bool writes = bfs_opening_rights(o->flags) & BFS_RIGHT_WRITE;
	int r = 0;

	if (!far && !others && o->slot <= UINT16_MAX &&
	    o->c->cred->uid == o->fs->euid) {
		i->file.passed = BFS_PASSED_ONE;
		i->file.pass_slot = (uint16_t)o->slot;
		i->file.pass_gen = o->gen;
		i->file.pass_writes = writes;
		return 0;
	}
	if (i->file.passed == BFS_PASSED_ONE && others)
		r = expect(o, i->file.pass_slot, i->file.pass_gen,
			   i->file.pass_writes);
	i->file.passed = BFS_PASSED_MANY;
	return r || !self ? r : expect(o, o->slot, o->gen, writes);
}

static int serve_by_daemon(const struct bfs_opening *o)
{
	bfs_stat_add(opens_daemon, 1);
	return remember(o, bfs_opening_rights(o->flags) & BFS_RIGHT_WRITE);
}

/* The lock that says the description lives; none: it is busy or refused. */
static bool lock_slot(const struct bfs_opening *o)
{
	return bfs_passing_lock(o->fd, o->c->cred->uid, o->slot, o->flags,
				o->inode->ino);
}

/* Its descriptor, o->fd. */
static int pass(struct bfs_opening *o, uint32_t *kind)
{
	bool far = bfs_route_node(o->c) != o->c->server->shard;
	int r;

	if (!far && !lock_slot(o))
		return serve_by_daemon(o);
	*kind = BFS_OPEN_PASS;
	bfs_stat_add(opens_pass, 1);
	r = note_passed(o, far, false);
	if (r || far) /* the client's daemon opens it (passing.c) */
		return r ? r : remember(o, false);
	o->c->pass_fd = o->fd;
	o->fd = -1;
	bfs_calm_later(o->fs, o->inode);
	return 0;
}

/* Attributes while the descriptor is at hand: fstat is cheaper. */
static int fill_attr(struct bfs_opening *o, struct bfs_open_rep *rep)
{
	bool looked = o->inode->looked;
	struct stat st;

	if (!S_ISREG(o->inode->mode) || bfs_null_on(o->fs))
		return bfs_inode_attr(o->fs, o->inode, &rep->attr);
	if (o->fd < 0 ? bfs_data_stat(o->fs, o->inode, &st) : fstat(o->fd, &st))
		return -EIO;
	bfs_inode_attr_from(o->fs, o->inode, &st, &rep->attr);
	o->inode->looked = looked; /* open shows nobody a ctime */
	rep->data_ino = st.st_ino;
	return 0;
}

/* Not what the data file alone knows: the client has no use for it. */
static int let_open(struct bfs_opening *o, struct bfs_open_rep *rep)
{
	bool looked = o->inode->looked;

	bfs_inode_attr_from(o->fs, o->inode, NULL, &rep->attr);
	o->inode->looked = looked;
	o->inode->calm = false;
	o->inode->file.tries = 0;
	bfs_calm_later(o->fs, o->inode);
	rep->kind = BFS_OPEN_SELF;
	bfs_stat_add(opens_pass, 1);
	bfs_stat_add(opens_self, 1);
	return note_passed(o, false, true);
}

int bfs_opening_hand_out(struct bfs_opening *o, struct bfs_open_rep *rep)
{
	bool passes = rep->kind == BFS_OPEN_FILE && bfs_opening_passes(o);
	int r;

	if (passes && o->fd < 0 && o->self)
		return let_open(o, rep);
	r = fill_attr(o, rep);
	if (!r && passes && o->fd >= 0)
		r = pass(o, &rep->kind);
	else if (!r && rep->kind == BFS_OPEN_FILE)
		r = serve_by_daemon(o);
	else if (!r)
		r = remember(o, bfs_opening_rights(o->flags) & BFS_RIGHT_WRITE);
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	return r;
}

int bfs_serve_take(struct bfs_call *c, const struct bfs_take_req *req,
		   struct bfs_take_rep *rep)
{
	struct bfs_opening o = { .c = c,
				 .fs = bfs_call_fs(c),
				 .flags = (int)req->oflags & BFS_DATA_FLAGS,
				 .slot = req->arena_slot,
				 .gen = req->slot_gen };
	struct bfs_open_rep opened = { .kind = BFS_OPEN_FILE };
	int r = bfs_data_inode(c, req->handle, bfs_opening_rights(o.flags),
			       &o.inode);

	if (r)
		return r;
	if (c->session)
		c->session->opens = false;
	o.fd = bfs_data_open(o.fs, o.inode, o.flags);
	if (o.fd < 0)
		return o.fd;
	r = bfs_opening_hand_out(&o, &opened);
	rep->kind = opened.kind;
	rep->data_ino = opened.data_ino;
	return r;
}
