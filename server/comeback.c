/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/comeback.h"

#include "core/log.h"
#include "server/arena.h"
#include "server/holder.h"
#include "server/inode.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void on_found(void *arg, uint32_t uid, int arena_fd, int empty_fd)
{
	struct bfs_server *s = arg;
	int r = bfs_arenas_adopt(s->arenas, uid, arena_fd, empty_fd);

	if (r)
		bfs_log(error,
			"what user %u has open is not known any more: %s", uid,
			strerror(-r));
}

static void on_made(void *arg, uint32_t uid, int arena_fd, int empty_fd)
{
	struct bfs_server *s = arg;
	int r = s->holder < 0
			? 0
			: bfs_holder_keep(s->holder, uid, arena_fd, empty_fd);

	if (!r)
		return;
	/* It was killed; the next start begins with new arenas. */
	bfs_log(error, "nobody holds what user %u opens: %s", uid,
		strerror(-r));
	close(s->holder);
	s->holder = -1;
}

void bfs_comeback_arenas(struct bfs_server *s)
{
	s->holder = bfs_holder_find(s->run_dir, on_found, s);
	bfs_arenas_on_new(s->arenas, on_made, s);
}

static bool pass_alive(void *arg, uint64_t ino, uint32_t uid, uint32_t slot)
{
	const struct bfs_server *s = arg;

	return bfs_fs_slot_locked(s->fs, ino, uid, slot);
}

static void on_open(void *arg, uint32_t uid, uint32_t slot,
		    const struct bfs_desc *d)
{
	struct bfs_server *s = arg;
	struct bfs_handle h = bfs_desc_handle(d);
	/* A client can write what it likes there, but not a handle. */
	struct bfs_inode *i = bfs_inode_of(s->fs, h);
	struct bfs_open o = { .uid = uid,
			      .slot = slot,
			      .gen = BFS_DESC_GEN(d->word),
			      .node = (uint16_t)s->shard,
			      .writes = h.rights & BFS_RIGHT_WRITE };

	if (!i)
		return;
	if (S_ISREG(i->mode) && !(h.rights & BFS_RIGHT_PATH))
		i->file.locks_here = h.rights & BFS_RIGHT_LOCK;
	if (!d->data_ino && bfs_orphan_opened(s->fs, i, &o))
		bfs_log(error,
			"an open of %016lx is not known any more: no "
			"memory",
			i->ino);
}

static void nobody_closed(void *arg, struct bfs_handle h)
{
}

void bfs_comeback_opens(struct bfs_server *s)
{
	const struct bfs_arena_sweep ops = { .pass_alive = pass_alive,
					     .closed = nobody_closed,
					     .arg = s };

	bfs_arenas_each(s->arenas, on_open, &ops);
}

void bfs_comeback_end(struct bfs_server *s, bool for_good)
{
	char path[128];

	bfs_arenas_on_new(s->arenas, NULL, NULL);
	if (s->holder < 0)
		return;
	if (for_good) {
		bfs_holder_end(s->holder);
		snprintf(path, sizeof(path), "%s/hold", s->run_dir);
		unlink(path);
	} else {
		close(s->holder);
	}
	s->holder = -1;
}
