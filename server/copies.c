/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/copies.h"

#include "server/hold.h"
#include "server/peer.h"
#include "server/shared.h"

#include "core/util.h"

#include <stdlib.h>
#include <utlist.h>

#define LOOKED_AT 16 /* at most, each time */
#define DROPPED 2    /* at most: one more than comes in */
#define UNDER_WAY 32
#define PATIENCE_NS 10000000000ull

void bfs_copies_enlist(struct bfs_fs *fs, struct bfs_shared *s)
{
	s->used = true;
	DL_APPEND2(fs->copy_list, s, cprev, cnext);
	fs->ncopies++;
}

void bfs_copies_delist(struct bfs_fs *fs, struct bfs_shared *s)
{
	DL_DELETE2(fs->copy_list, s, cprev, cnext);
	fs->ncopies--;
}

static bool droppable(const struct bfs_fs *fs, const struct bfs_shared *s)
{
	const struct bfs_inode *i = s->inode;

	return !s->leaving && i != fs->root && !i->dir.top && !i->pins &&
	       !bfs_hold_any(fs, i->ino);
}

/* As a clock does: who was used since the hand came by last gets another
 * round. */
static struct bfs_shared *victim(struct bfs_fs *fs)
{
	for (unsigned n = 0; n < LOOKED_AT && fs->copy_list; n++) {
		struct bfs_shared *s = fs->copy_list;

		DL_DELETE2(fs->copy_list, s, cprev, cnext);
		DL_APPEND2(fs->copy_list, s, cprev, cnext);
		if (s->used)
			s->used = false;
		else if (droppable(fs, s))
			return s;
	}
	return NULL;
}

struct leaving {
	struct bfs_peer_msg msg;
	struct bfs_server *server;
	uint64_t ino;
	uint8_t req[8], rep[16];
};

static void done(struct bfs_peer_msg *m)
{
	struct leaving *l = m->arg;
	struct bfs_fs *fs = l->server->fs;
	struct bfs_inode *i = bfs_inode_find(fs, l->ino);

	/* Mostly it is gone: the home has revoked it.  If not, it is in use
	 * again, or the home could not: later, perhaps. */
	if (i && S_ISDIR(i->mode) && i->dir.shared)
		i->dir.shared->leaving = false;
	fs->nleaving--;
	free(l);
}

static void give_back(struct bfs_server *s, struct bfs_shared *copy)
{
	struct leaving *l = calloc(1, sizeof(*l));
	struct bfs_wire w;

	if (!l)
		return;
	l->server = s;
	l->ino = copy->inode->ino;
	bfs_wire_init(&w, l->req, sizeof(l->req));
	bfs_put_u64(&w, l->ino);
	l->msg = (struct bfs_peer_msg){ .op = BFS_OP_DIRDROP,
					.req = l->req,
					.req_len = sizeof(l->req),
					.rep = l->rep,
					.rep_cap = sizeof(l->rep),
					.deadline = bfs_now() + PATIENCE_NS,
					.unless_dead = true,
					.done = done,
					.arg = l };
	copy->leaving = true;
	s->fs->nleaving++;
	bfs_peer_send(s, bfs_shared_home(s->fs, l->ino), &l->msg);
}

void bfs_copies_trim(struct bfs_server *s)
{
	struct bfs_fs *fs = s->fs;

	for (unsigned n = 0; n < DROPPED; n++) {
		struct bfs_shared *copy;

		if (!fs->conf.max_copies || fs->nleaving >= UNDER_WAY ||
		    fs->ncopies - BFS_MIN(fs->ncopies, fs->nleaving) <=
			    fs->conf.max_copies)
			return;
		copy = victim(fs);
		if (!copy)
			return;
		give_back(s, copy);
	}
}
