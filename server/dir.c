/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/dir.h"

#include "server/journal.h"
#include "server/shared.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_SHIFT 25 /* of 64 bits: leaves 39 */
#define AHEAD 4	      /* entries, in a listing */

/* The lowest cursor of names with this hash: never 0, below 2^63. */
static uint64_t bucket(const struct bfs_fs *fs, struct bfs_str name)
{
	uint64_t h = XXH3_64bits_withSeed(name.ptr, name.len, fs->seed);

	h = h >> HASH_SHIFT & fs->hash_mask;
	return (h ? h : 1) << 24 | (uint64_t)fs->conf.shard << 8;
}

struct bfs_dentry *bfs_dir_after(const struct bfs_inode *dir, uint64_t cursor)
{
	struct bfs_btree_iter it;

	bfs_btree_iter_init(&it, dir->dir.top, cursor);
	return bfs_btree_iter_next(&it);
}

void bfs_dir_iter_init(struct bfs_dir_iter *it, const struct bfs_inode *dir,
		       uint64_t cursor)
{
	bfs_btree_iter_init(&it->at, dir->dir.top, cursor);
}

/* In a large directory each entry and each inode is elsewhere in memory: have
 * them fetched while those before them are looked at. */
static void fetch_ahead(const struct bfs_dir_iter *it)
{
	const struct bfs_dentry *d = bfs_btree_iter_peek(&it->at, 2 * AHEAD);
	const char *i;

	if (!d)
		return;
	__builtin_prefetch(d);
	__builtin_prefetch(d->name);
	d = bfs_btree_iter_peek(&it->at, AHEAD);
	i = d ? (const char *)bfs_dentry_inode(d) : NULL;
	if (!i)
		return;
	__builtin_prefetch(i);
	__builtin_prefetch(i + 64);
	__builtin_prefetch(i + 128);
}

struct bfs_dentry *bfs_dir_iter_next(struct bfs_dir_iter *it)
{
	fetch_ahead(it);
	return bfs_btree_iter_next(&it->at);
}

struct bfs_dentry *bfs_dir_find(const struct bfs_fs *fs,
				const struct bfs_inode *dir,
				struct bfs_str name)
{
	uint64_t first = bucket(fs, name);
	struct bfs_btree_iter it;
	struct bfs_dentry *d;

	bfs_btree_iter_init(&it, dir->dir.top, first - 1);
	while ((d = bfs_btree_iter_next(&it)) && d->cursor >> 8 == first >> 8)
		if (d->len == name.len && !memcmp(d->name, name.ptr, d->len))
			return d;
	return NULL;
}

/* The first free cursor for a name, 0 if all 256 are taken. */
static uint64_t free_cursor(const struct bfs_fs *fs,
			    const struct bfs_inode *dir, struct bfs_str name)
{
	uint64_t first = bucket(fs, name), want = first;
	struct bfs_btree_iter it;
	const struct bfs_dentry *d;

	bfs_btree_iter_init(&it, dir->dir.top, first - 1);
	while ((d = bfs_btree_iter_next(&it)) && d->cursor == want)
		want++;
	return want >> 8 == first >> 8 ? want : 0;
}

static void point(struct bfs_dentry *d, struct bfs_inode *i, uint64_t ino,
		  uint32_t type)
{
	d->here = i;
	if (i)
		d->to.inode = i;
	else
		d->to.ino = ino;
	d->type = (uint16_t)(type & S_IFMT);
}

/* The entry and the inode it names: know each other, if both are here. */
static void attach(struct bfs_fs *fs, struct bfs_dentry *d, struct bfs_inode *i,
		   uint64_t ino, uint32_t type)
{
	point(d, i, ino, type);
	if (S_ISDIR(type))
		d->dir->nlink++;
	bfs_note_entry(fs, d);
	if (!i)
		return;
	DL_APPEND(i->names, d);
	bfs_note_inode(fs, i);
	if (S_ISDIR(type))
		bfs_shared_named(fs, i, d->dir->ino,
				 (struct bfs_str){ d->name, d->len });
}

static void detach(struct bfs_fs *fs, struct bfs_dentry *d)
{
	struct bfs_inode *i = bfs_dentry_inode(d);

	if (S_ISDIR(d->type))
		d->dir->nlink--;
	if (i) {
		DL_DELETE(i->names, d);
		bfs_note_inode(fs, i);
	}
	point(d, NULL, 0, 0);
}

/* An entry that names nothing yet, in its place. */
static int enter(struct bfs_inode *dir, struct bfs_str name, uint64_t cursor,
		 struct bfs_dentry **out)
{
	struct bfs_dentry *d =
		calloc(1, offsetof(struct bfs_dentry, name) + name.len);
	int r;

	if (!d)
		return -ENOMEM;
	d->dir = dir;
	d->cursor = cursor;
	d->len = (uint8_t)name.len;
	memcpy(d->name, name.ptr, name.len);
	r = bfs_btree_add(&dir->dir.top, cursor, d);
	if (r)
		free(d);
	else
		*out = d;
	return r;
}

static int enter_new(struct bfs_fs *fs, struct bfs_inode *dir,
		     struct bfs_str name, struct bfs_dentry **out)
{
	uint64_t cursor = free_cursor(fs, dir, name);

	return cursor ? enter(dir, name, cursor, out) : -ENOSPC;
}

int bfs_dir_add(struct bfs_fs *fs, struct bfs_inode *dir, struct bfs_str name,
		struct bfs_inode *i)
{
	struct bfs_dentry *d;
	int r = enter_new(fs, dir, name, &d);

	if (r)
		return r;
	attach(fs, d, i, i->ino, i->mode);
	i->nlink++;
	bfs_inode_modified(fs, dir);
	return 0;
}

void bfs_dir_remove(struct bfs_fs *fs, struct bfs_dentry *d)
{
	if (d->here)
		d->to.inode->nlink--;
	bfs_btree_remove(&d->dir->dir.top, d->cursor);
	bfs_note_entry_gone(fs, d);
	detach(fs, d);
	bfs_inode_modified(fs, d->dir);
	free(d);
}

void bfs_dir_repoint(struct bfs_fs *fs, struct bfs_dentry *d,
		     struct bfs_inode *i)
{
	if (d->here)
		d->to.inode->nlink--;
	detach(fs, d);
	attach(fs, d, i, i->ino, i->mode);
	i->nlink++;
	bfs_inode_modified(fs, d->dir);
}

int bfs_dir_put(struct bfs_fs *fs, struct bfs_inode *dir, struct bfs_str name,
		uint64_t ino, uint32_t type)
{
	struct bfs_dentry *d = bfs_dir_find(fs, dir, name);
	int r = 0;

	if (d)
		detach(fs, d);
	else
		r = enter_new(fs, dir, name, &d);
	if (r)
		return r;
	attach(fs, d, bfs_inode_here(fs, ino), ino, type);
	bfs_inode_modified(fs, dir);
	return 0;
}

void bfs_dir_drop(struct bfs_fs *fs, struct bfs_inode *dir, struct bfs_str name)
{
	struct bfs_dentry *d = bfs_dir_find(fs, dir, name);

	if (!d)
		return;
	bfs_btree_remove(&dir->dir.top, d->cursor);
	bfs_note_entry_gone(fs, d);
	detach(fs, d);
	bfs_inode_modified(fs, dir);
	free(d);
}

void bfs_dir_unload(struct bfs_dentry *d)
{
	bfs_btree_remove(&d->dir->dir.top, d->cursor);
	if (d->here)
		DL_DELETE(d->to.inode->names, d);
	free(d);
}

void bfs_dir_unload_at(struct bfs_inode *dir, uint64_t cursor)
{
	struct bfs_dentry *d = bfs_btree_get(dir->dir.top, cursor);

	if (d)
		bfs_dir_unload(d);
}

int bfs_dir_load(struct bfs_inode *dir, const struct bfs_rec_entry *r,
		 struct bfs_inode *i)
{
	struct bfs_dentry *d;
	int err;

	bfs_dir_unload_at(dir, r->cursor);
	err = enter(dir, r->name, r->cursor, &d);
	if (err)
		return err;
	point(d, i, r->ino, r->type);
	if (i)
		DL_APPEND(i->names, d);
	return 0;
}

struct bfs_inode *bfs_dir_parent(const struct bfs_fs *fs,
				 const struct bfs_inode *dir)
{
	if (dir == fs->root)
		return fs->root;
	if (dir->names)
		return dir->names->dir;
	return bfs_inode_find(fs, dir->dir.parent);
}

bool bfs_dir_below(const struct bfs_inode *dir, const struct bfs_inode *i)
{
	while (dir != i && dir->names)
		dir = dir->names->dir;
	return dir == i;
}
