/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/shared.h"

#include "core/log.h"
#include "core/place.h"
#include "server/copies.h"
#include "server/hold.h"
#include "server/journal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

unsigned bfs_shared_place(const struct bfs_fs *fs, uint64_t dir,
			  struct bfs_str name)
{
	return bfs_fs_clustered(fs) ? bfs_place_entry(fs->conf.place, dir, name)
				    : fs->conf.shard;
}

int bfs_shared_attach(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (!bfs_fs_clustered(fs))
		return 0;
	i->dir.shared = calloc(1, sizeof(*i->dir.shared));
	if (!i->dir.shared)
		return -ENOMEM;
	i->dir.shared->inode = i;
	return 0;
}

static void unname(struct bfs_fs *fs, struct bfs_shared *s)
{
	if (s->copy && s->key_len && bfs_hashed(s))
		HASH_DELETE(hh, fs->copies, s);
	free(s->key);
	s->key = NULL;
	s->key_len = 0;
}

void bfs_shared_detach(struct bfs_fs *fs, struct bfs_inode *i)
{
	struct bfs_shared *s = i->dir.shared;

	if (!s)
		return;
	unname(fs, s);
	if (s->copy)
		bfs_copies_delist(fs, s);
	bfs_shards_clear(&s->holders);
	bfs_shards_clear(&s->left);
	bfs_shards_clear(&s->changed);
	if (s->busy)
		DL_DELETE(fs->busy_dirs, s);
	free(s->parts);
	free(s);
	i->dir.shared = NULL;
}

static size_t make_key(uint8_t *key, uint64_t parent, struct bfs_str name)
{
	memcpy(key, &parent, sizeof(parent));
	memcpy(key + sizeof(parent), name.ptr, name.len);
	return sizeof(parent) + name.len;
}

void bfs_shared_named(struct bfs_fs *fs, struct bfs_inode *i, uint64_t parent,
		      struct bfs_str name)
{
	struct bfs_shared *s = i->dir.shared;
	uint8_t *key;

	i->dir.parent = parent;
	bfs_note_inode(fs, i);
	if (!s)
		return;
	key = malloc(sizeof(parent) + name.len);
	if (!key)
		return; /* it is found by its number still */
	unname(fs, s);
	s->key = key;
	s->key_len = (uint32_t)make_key(key, parent, name);
	if (s->copy)
		HASH_ADD_KEYPTR(hh, fs->copies, s->key, s->key_len, s);
}

struct bfs_str bfs_shared_name(const struct bfs_inode *i)
{
	const struct bfs_shared *s = i->dir.shared;

	if (!s || !s->key_len)
		return (struct bfs_str){ 0 };
	return (struct bfs_str){ (char *)s->key + sizeof(uint64_t),
				 s->key_len - (uint32_t)sizeof(uint64_t) };
}

struct bfs_inode *bfs_copy_named(const struct bfs_fs *fs, uint64_t parent,
				 struct bfs_str name)
{
	uint8_t key[sizeof(parent) + BFS_NAME_MAX];
	unsigned len = (unsigned)make_key(key, parent, name);
	struct bfs_shared *s;

	HASH_FIND(hh, fs->copies, key, len, s);
	return s ? s->inode : NULL;
}

struct bfs_inode *bfs_copy_get(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_inode *i = bfs_inode_find(fs, ino);

	if (i)
		return i;
	i = bfs_inode_at(fs, ino, S_IFDIR, 0, 0);
	if (!i)
		return NULL;
	i->nlink = 2;
	i->dir.shared->copy = i->dir.shared->stale = true;
	bfs_copies_enlist(fs, i->dir.shared);
	i->atime = i->mtime = i->ctime = (struct timespec){ 0 };
	return i;
}

void bfs_copy_revoke(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (i->dir.top || i == fs->root || bfs_hold_any(fs, i->ino)) {
		i->dir.shared->stale = true;
		unname(fs, i->dir.shared);
		return;
	}
	bfs_inode_free(fs, i);
}

/* It has forgotten what it has told, and what it has promised it may make. */
static void holder_is_new(struct bfs_shared *s, unsigned shard)
{
	if (shard < s->nparts)
		s->parts[shard].version = 0;
	if (bfs_shards_has(&s->holders, shard) &&
	    bfs_shards_add(&s->changed, shard))
		bfs_log(error, "the times of a directory are lost: no memory");
}

void bfs_shared_peer_new(struct bfs_fs *fs, unsigned shard)
{
	struct bfs_inode *i, *next;

	BFS_ITABLE_EACH(&fs->inodes, i, next)
	if (S_ISDIR(i->mode) && !i->dir.shared->copy)
		holder_is_new(i->dir.shared, shard);
	else if (S_ISDIR(i->mode) && bfs_shared_home(fs, i->ino) == shard)
		bfs_copy_revoke(fs, i);
}

int bfs_holder_add(struct bfs_fs *fs, struct bfs_inode *i, unsigned shard)
{
	bool known = bfs_shards_has(&i->dir.shared->holders, shard);
	int r = bfs_shards_add(&i->dir.shared->holders, shard);

	if (!r && !known && fs->journal)
		bfs_journal_add_holder(
			fs->journal, &(struct bfs_rec_holder){ i->ino, shard });
	return r;
}

void bfs_holder_remove(struct bfs_fs *fs, struct bfs_inode *i, unsigned shard)
{
	bfs_shards_remove(&i->dir.shared->holders, shard);
	if (fs->journal)
		bfs_shards_add(&i->dir.shared->left, shard);
	if (fs->journal)
		bfs_journal_gone_holder(
			fs->journal, &(struct bfs_rec_holder){ i->ino, shard });
}

bool bfs_shared_usable(const struct bfs_inode *i)
{
	const struct bfs_shared *s = i->dir.shared;

	return !s || (!s->stale && !s->busy);
}
