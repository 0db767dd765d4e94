/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/hold.h"

#include "core/util.h"
#include "server/fiber.h"
#include "server/hash.h"
#include "server/server.h"
#include "server/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct bfs_held {
	uint64_t tx;
	UT_hash_handle hh;
	bool promised;
	uint32_t len;
	uint8_t key[]; /* directory's number and name */
};

struct bfs_waiter {
	struct bfs_fiber *fiber;
	struct bfs_timer timer;
	struct bfs_waiter *prev, *next;
	struct bfs_fs *fs;
	bool woken;
};

static uint32_t make_key(uint8_t *key, uint64_t dir, struct bfs_str name)
{
	memcpy(key, &dir, sizeof(dir));
	memcpy(key + sizeof(dir), name.ptr, name.len);
	return (uint32_t)sizeof(dir) + name.len;
}

static struct bfs_held *find(const struct bfs_fs *fs, uint64_t dir,
			     struct bfs_str name)
{
	uint8_t key[sizeof(dir) + BFS_NAME_MAX];
	uint32_t len = make_key(key, dir, name);
	struct bfs_held *h;

	HASH_FIND(hh, fs->held_entries, key, len, h);
	return h;
}

bool bfs_hold_entry_held(const struct bfs_fs *fs, uint64_t dir,
			 struct bfs_str name)
{
	return fs->held_entries && find(fs, dir, name);
}

bool bfs_hold_entry_by(const struct bfs_fs *fs, uint64_t dir,
		       struct bfs_str name, uint64_t tx)
{
	const struct bfs_held *h = find(fs, dir, name);

	return h && h->tx == tx;
}

int bfs_hold_entry(struct bfs_fs *fs, uint64_t dir, struct bfs_str name,
		   uint64_t tx)
{
	struct bfs_held *h = find(fs, dir, name);

	if (h)
		return h->tx == tx ? 0 : -EBUSY;
	h = malloc(sizeof(*h) + sizeof(dir) + name.len);
	if (!h)
		return -ENOMEM;
	h->tx = tx;
	h->promised = false;
	h->len = make_key(h->key, dir, name);
	HASH_ADD_KEYPTR(hh, fs->held_entries, h->key, h->len, h);
	if (bfs_hashed(h))
		return 0;
	free(h);
	return -ENOMEM;
}

void bfs_hold_dir(struct bfs_fs *fs, struct bfs_inode *dir, uint64_t tx)
{
	struct bfs_shared *s = dir->dir.shared;

	if (!s->busy)
		DL_APPEND(fs->busy_dirs, s);
	s->busy = tx;
}

void bfs_hold_dir_end(struct bfs_fs *fs, struct bfs_inode *dir)
{
	struct bfs_shared *s = dir->dir.shared;

	if (s->busy)
		DL_DELETE(fs->busy_dirs, s);
	s->busy = 0;
	bfs_hold_changed(fs);
}

bool bfs_hold_any(const struct bfs_fs *fs, uint64_t dir)
{
	struct bfs_held *h, *next;

	HASH_ITER(hh, fs->held_entries, h, next)
	if (!memcmp(h->key, &dir, sizeof(dir)))
		return true;
	return false;
}

void bfs_hold_promise(struct bfs_fs *fs, uint64_t tx)
{
	struct bfs_held *h, *next;

	HASH_ITER(hh, fs->held_entries, h, next)
	if (h->tx == tx)
		h->promised = true;
}

bool bfs_hold_promised(const struct bfs_fs *fs, uint64_t dir)
{
	struct bfs_held *h, *next;

	HASH_ITER(hh, fs->held_entries, h, next)
	if (h->promised && !memcmp(h->key, &dir, sizeof(dir)))
		return true;
	return false;
}

static void free_entries(struct bfs_fs *fs, uint64_t tx)
{
	struct bfs_held *h, *next;

	HASH_ITER(hh, fs->held_entries, h, next)
	{
		if (tx && h->tx != tx)
			continue;
		HASH_DEL(fs->held_entries, h);
		free(h);
	}
}

static void free_dirs(struct bfs_fs *fs, uint64_t tx)
{
	struct bfs_shared *s, *next;

	DL_FOREACH_SAFE(fs->busy_dirs, s, next)
	if (s->busy == tx) {
		s->busy = 0;
		DL_DELETE(fs->busy_dirs, s);
	}
}

void bfs_hold_release(struct bfs_fs *fs, uint64_t tx)
{
	free_entries(fs, tx);
	free_dirs(fs, tx);
	bfs_hold_changed(fs);
}

void bfs_hold_free_all(struct bfs_fs *fs)
{
	free_entries(fs, 0);
}

static void wake(struct bfs_waiter *w)
{
	if (w->woken)
		return;
	w->woken = true;
	DL_DELETE(w->fs->waiters, w);
	bfs_fiber_resume(w->fiber);
}

void bfs_hold_changed(struct bfs_fs *fs)
{
	struct bfs_waiter *all = fs->waiters, *w, *next;

	/* Those who wait again are not woken twice. */
	fs->waiters = NULL;
	DL_FOREACH_SAFE(all, w, next)
	{
		DL_DELETE(all, w);
		DL_APPEND(fs->waiters, w);
		wake(w);
	}
}

static void on_timer(struct bfs_timer *t)
{
	wake(t->arg);
}

int bfs_hold_wait(struct bfs_call *c)
{
	return bfs_hold_wait_until(c, UINT64_MAX);
}

int bfs_hold_wait_until(struct bfs_call *c, uint64_t at)
{
	struct bfs_waiter w = { .fiber = bfs_fiber_self(),
				.timer = { .fn = on_timer },
				.fs = bfs_call_fs(c) };
	struct bfs_loop *loop = c->server->loop;

	if (!w.fiber)
		return -BFS_NEED_FIBER;
	if (bfs_now() >= c->deadline)
		return -ETIMEDOUT;
	w.timer.arg = &w;
	DL_APPEND(w.fs->waiters, &w);
	if (loop)
		bfs_loop_timer(loop, &w.timer, BFS_MIN(at, c->deadline));
	bfs_fiber_suspend();
	if (loop)
		bfs_loop_timer(loop, &w.timer, 0);
	return 0;
}
