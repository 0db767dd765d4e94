/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/dir.h"

#include "server/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* The lowest cursor of names with this hash: never 0, below 2^63. */
static uint64_t bucket(const struct bfs_fs *fs, struct bfs_str name)
{
	uint64_t h = XXH3_64bits_withSeed(name.ptr, name.len, fs->seed) >> 9;

	h &= fs->hash_mask;
	return (h ? h : 1) << 8;
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

static void attach(struct bfs_dentry *d, struct bfs_inode *i)
{
	d->inode = i;
	DL_APPEND(i->names, d);
	i->nlink++;
	if (S_ISDIR(i->mode))
		d->dir->nlink++;
}

static void detach(struct bfs_dentry *d)
{
	struct bfs_inode *i = d->inode;

	DL_DELETE(i->names, d);
	i->nlink--;
	if (S_ISDIR(i->mode)) {
		i->dir.parent = d->dir->ino;
		d->dir->nlink--;
	}
}

int bfs_dir_add(struct bfs_fs *fs, struct bfs_inode *dir, struct bfs_str name,
		struct bfs_inode *i)
{
	uint64_t cursor = free_cursor(fs, dir, name);
	struct bfs_dentry *d;

	if (!cursor)
		return -ENOSPC;
	d = malloc(sizeof(*d) + name.len);
	if (!d)
		return -ENOMEM;
	d->dir = dir;
	d->cursor = cursor;
	d->prio = next_random(fs);
	d->len = (uint8_t)name.len;
	memcpy(d->name, name.ptr, name.len);
	tree_insert(dir, d);
	attach(d, i);
	bfs_note_entry(fs, d);
	bfs_note_inode(fs, i);
	bfs_inode_modified(fs, dir);
	return 0;
}

void bfs_dir_remove(struct bfs_fs *fs, struct bfs_dentry *d)
{
	tree_remove(d->dir, d);
	bfs_note_entry_gone(fs, d);
	bfs_note_inode(fs, d->inode);
	detach(d);
	bfs_inode_modified(fs, d->dir);
	free(d);
}

void bfs_dir_repoint(struct bfs_fs *fs, struct bfs_dentry *d,
		     struct bfs_inode *i)
{
	bfs_note_inode(fs, d->inode);
	detach(d);
	attach(d, i);
	bfs_note_entry(fs, d);
	bfs_note_inode(fs, i);
	bfs_inode_modified(fs, d->dir);
}

void bfs_dir_unload(struct bfs_dentry *d)
{
	tree_remove(d->dir, d);
	DL_DELETE(d->inode->names, d);
	free(d);
}

void bfs_dir_unload_at(struct bfs_inode *dir, uint64_t cursor)
{
	struct bfs_dentry *d = bfs_dir_after(dir, cursor - 1);

	if (d && d->cursor == cursor)
		bfs_dir_unload(d);
}

int bfs_dir_load(struct bfs_fs *fs, struct bfs_inode *dir, uint64_t cursor,
		 struct bfs_str name, struct bfs_inode *i)
{
	struct bfs_dentry *d = malloc(sizeof(*d) + name.len);

	if (!d)
		return -ENOMEM;
	bfs_dir_unload_at(dir, cursor);
	d->dir = dir;
	d->inode = i;
	d->cursor = cursor;
	d->prio = next_random(fs);
	d->len = (uint8_t)name.len;
	memcpy(d->name, name.ptr, name.len);
	tree_insert(dir, d);
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
