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

/* The lowest cursor of names with this hash: never 0, below 2^63. */
static uint64_t bucket(const struct bfs_fs *fs, struct bfs_str name)
{
	uint64_t h = XXH3_64bits_withSeed(name.ptr, name.len, fs->seed);

	h = h >> HASH_SHIFT & fs->hash_mask;
	return (h ? h : 1) << 24 | (uint64_t)fs->conf.shard << 8;
}

struct bfs_dentry *bfs_dir_after(const struct bfs_inode *dir, uint64_t cursor)
{
	struct bfs_dentry *d = dir->dir.top, *found = NULL;

	while (d) {
		if (d->cursor > cursor)
			found = d;
		d = d->child[d->cursor <= cursor];
	}
	return found;
}

static void push(struct bfs_dir_iter *it, struct bfs_dentry *d)
{
	if (it->n == BFS_DIR_ITER_DEPTH) {
		memmove(it->stack, it->stack + 1,
			(BFS_DIR_ITER_DEPTH - 1) * sizeof(*it->stack));
		it->n--;
		it->cut = true;
	}
	it->stack[it->n++] = d;
}

void bfs_dir_iter_init(struct bfs_dir_iter *it, const struct bfs_inode *dir,
		       uint64_t cursor)
{
	struct bfs_dentry *d = dir->dir.top;

	it->dir = dir;
	it->cursor = cursor;
	it->n = 0;
	it->cut = false;
	while (d) {
		if (d->cursor > cursor)
			push(it, d);
		d = d->child[d->cursor <= cursor];
	}
}

struct bfs_dentry *bfs_dir_iter_next(struct bfs_dir_iter *it)
{
	struct bfs_dentry *d, *below;

	if (!it->n && it->cut)
		bfs_dir_iter_init(it, it->dir, it->cursor);
	if (!it->n)
		return NULL;
	d = it->stack[--it->n];
	it->cursor = d->cursor;
	for (below = d->child[1]; below; below = below->child[0])
		push(it, below);
	return d;
}

struct bfs_dentry *bfs_dir_find(const struct bfs_fs *fs,
				const struct bfs_inode *dir,
				struct bfs_str name)
{
	uint64_t first = bucket(fs, name);
	struct bfs_dentry *d = bfs_dir_after(dir, first - 1);

	for (; d && d->cursor >> 8 == first >> 8;
	     d = bfs_dir_after(dir, d->cursor))
		if (d->len == name.len && !memcmp(d->name, name.ptr, d->len))
			return d;
	return NULL;
}

/* The first free cursor for a name, 0 if all 256 are taken. */
static uint64_t free_cursor(const struct bfs_fs *fs,
			    const struct bfs_inode *dir, struct bfs_str name)
{
	uint64_t first = bucket(fs, name), want = first;
	struct bfs_dentry *d = bfs_dir_after(dir, first - 1);

	while (d && d->cursor == want)
		d = bfs_dir_after(dir, want++);
	return want >> 8 == first >> 8 ? want : 0;
}

/* t into what is below key and what is above. */
static void split(struct bfs_dentry *t, uint64_t key, struct bfs_dentry **low,
		  struct bfs_dentry **high)
{
	while (t) {
		if (t->cursor < key) {
			*low = t;
			low = &t->child[1];
			t = *low;
		} else {
			*high = t;
			high = &t->child[0];
			t = *high;
		}
	}
	*low = *high = NULL;
}

static void tree_insert(struct bfs_inode *dir, struct bfs_dentry *d)
{
	struct bfs_dentry **p = &dir->dir.top;

	while (*p && (*p)->prio >= d->prio)
		p = &(*p)->child[d->cursor > (*p)->cursor];
	split(*p, d->cursor, &d->child[0], &d->child[1]);
	*p = d;
}

static void tree_remove(struct bfs_inode *dir, struct bfs_dentry *d)
{
	struct bfs_dentry **p = &dir->dir.top;
	struct bfs_dentry *low = d->child[0], *high = d->child[1];

	while (*p != d)
		p = &(*p)->child[d->cursor > (*p)->cursor];
	while (low && high) {
		if (low->prio > high->prio) {
			*p = low;
			p = &low->child[1];
			low = *p;
		} else {
			*p = high;
			p = &high->child[0];
			high = *p;
		}
	}
	*p = low ? low : high;
}

/* xorshift64: any order does, as long as names cannot choose it. */
static uint32_t next_random(struct bfs_fs *fs)
{
	fs->random ^= fs->random << 13;
	fs->random ^= fs->random >> 7;
	fs->random ^= fs->random << 17;
	return (uint32_t)(fs->random >> 32);
}

/* The entry and the inode it names: know each other, if both are here. */
static void attach(struct bfs_fs *fs, struct bfs_dentry *d, struct bfs_inode *i,
		   uint64_t ino, uint32_t type)
{
	d->ino = ino;
	d->type = (uint16_t)(type & S_IFMT);
	d->inode = i;
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
	if (S_ISDIR(d->type))
		d->dir->nlink--;
	if (d->inode) {
		DL_DELETE(d->inode->names, d);
		bfs_note_inode(fs, d->inode);
	}
	d->inode = NULL;
}

/* A new entry that names nothing yet. */
static struct bfs_dentry *enter(struct bfs_fs *fs, struct bfs_inode *dir,
				struct bfs_str name, int *err)
{
	uint64_t cursor = free_cursor(fs, dir, name);
	struct bfs_dentry *d = NULL;

	*err = -ENOSPC;
	if (!cursor)
		return NULL;
	*err = -ENOMEM;
	d = calloc(1, offsetof(struct bfs_dentry, name) + name.len);
	if (!d)
		return NULL;
	*err = 0;
	d->dir = dir;
	d->cursor = cursor;
	d->prio = next_random(fs);
	d->len = (uint8_t)name.len;
	memcpy(d->name, name.ptr, name.len);
	tree_insert(dir, d);
	return d;
}

int bfs_dir_add(struct bfs_fs *fs, struct bfs_inode *dir, struct bfs_str name,
		struct bfs_inode *i)
{
	int r;
	struct bfs_dentry *d = enter(fs, dir, name, &r);

	if (!d)
		return r;
	attach(fs, d, i, i->ino, i->mode);
	i->nlink++;
	bfs_inode_modified(fs, dir);
	return 0;
}

void bfs_dir_remove(struct bfs_fs *fs, struct bfs_dentry *d)
{
	if (d->inode)
		d->inode->nlink--;
	tree_remove(d->dir, d);
	bfs_note_entry_gone(fs, d);
	detach(fs, d);
	bfs_inode_modified(fs, d->dir);
	free(d);
}

void bfs_dir_repoint(struct bfs_fs *fs, struct bfs_dentry *d,
		     struct bfs_inode *i)
{
	if (d->inode)
		d->inode->nlink--;
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
		d = enter(fs, dir, name, &r);
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
	tree_remove(dir, d);
	bfs_note_entry_gone(fs, d);
	detach(fs, d);
	bfs_inode_modified(fs, dir);
	free(d);
}

void bfs_dir_unload(struct bfs_dentry *d)
{
	tree_remove(d->dir, d);
	if (d->inode)
		DL_DELETE(d->inode->names, d);
	free(d);
}

void bfs_dir_unload_at(struct bfs_inode *dir, uint64_t cursor)
{
	struct bfs_dentry *d = bfs_dir_after(dir, cursor - 1);

	if (d && d->cursor == cursor)
		bfs_dir_unload(d);
}

int bfs_dir_load(struct bfs_fs *fs, struct bfs_inode *dir,
		 const struct bfs_rec_entry *r, struct bfs_inode *i)
{
	struct bfs_dentry *d =
		calloc(1, offsetof(struct bfs_dentry, name) + r->name.len);

	if (!d)
		return -ENOMEM;
	bfs_dir_unload_at(dir, r->cursor);
	d->dir = dir;
	d->inode = i;
	d->ino = r->ino;
	d->type = (uint16_t)(r->type & S_IFMT);
	d->cursor = r->cursor;
	d->prio = next_random(fs);
	d->len = (uint8_t)r->name.len;
	memcpy(d->name, r->name.ptr, r->name.len);
	tree_insert(dir, d);
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
