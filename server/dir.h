/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directory entries: a tree (btree.h) for each directory, ordered by a number
 * that is the entry's cursor as well (39 bits of the name's hash, 16 of the
 * shard, and 8 that tell names of equal hash apart), so that readdir goes on
 * where it was whatever has changed, and that all shards of a directory count
 * alike. Owner thread only.
 */
#ifndef BFS_DIR_H
#define BFS_DIR_H

#include "server/btree.h"
#include "server/inode.h"
#include "server/record.h"

/* Cursors 1 and 2 are "." and ".."; those of entries are above. */
#define BFS_CURSOR_DOT 1u
#define BFS_CURSOR_DOTDOT 2u

struct bfs_dentry {
	uint64_t cursor;
	struct bfs_dentry *prev, *next; /* in the inode's names */
	union {
		struct bfs_inode *inode; /* if it is here */
		uint64_t ino;		 /* of another shard's */
	} to;				 /* bfs_dentry_inode, bfs_dentry_ino */
	struct bfs_inode *dir;
	uint16_t type; /* S_IFMT of the inode */
	uint8_t len;
	bool here;
	char name[]; /* len bytes, not terminated */
};

/* The inode that it names; NULL: its home is another shard. */
static inline struct bfs_inode *bfs_dentry_inode(const struct bfs_dentry *d)
{
	return d->here ? d->to.inode : NULL;
}
static inline uint64_t bfs_dentry_ino(const struct bfs_dentry *d)
{
	return d->here ? d->to.inode->ino : d->to.ino;
}

/* The entry of that name, or NULL. */
struct bfs_dentry *bfs_dir_find(const struct bfs_fs *fs,
				const struct bfs_inode *dir,
				struct bfs_str name);
/* The first entry behind the cursor, or NULL. */
struct bfs_dentry *bfs_dir_after(const struct bfs_inode *dir, uint64_t cursor);

/* The entries behind a cursor, one after the other, while nothing changes. */
struct bfs_dir_iter {
	struct bfs_btree_iter at;
};
void bfs_dir_iter_init(struct bfs_dir_iter *it, const struct bfs_inode *dir,
		       uint64_t cursor);
/* The next one, or NULL. */
struct bfs_dentry *bfs_dir_iter_next(struct bfs_dir_iter *it);

/*
 * A new entry for i, and what belongs to it: i's and, for a directory, dir's
 * link count, and dir's times.  The name is valid and not there yet.  0,
 * -ENOMEM, -ENOSPC (256 names of one hash).
 */
int bfs_dir_add(struct bfs_fs *fs, struct bfs_inode *dir, struct bfs_str name,
		struct bfs_inode *i);
/* Take the entry out, with the same care, and free it.  The inode stays. */
void bfs_dir_remove(struct bfs_fs *fs, struct bfs_dentry *d);
/* The entry names another inode from now on. */
void bfs_dir_repoint(struct bfs_fs *fs, struct bfs_dentry *d,
		     struct bfs_inode *i);

/*
 * The same for entries and inodes on different shards: the inode's own link
 * count is not touched.  put: the name is that inode's from now on, whatever it
 * was; drop: there is no entry of that name any more.
 */
int bfs_dir_put(struct bfs_fs *fs, struct bfs_inode *dir, struct bfs_str name,
		uint64_t ino, uint32_t type);
void bfs_dir_drop(struct bfs_fs *fs, struct bfs_inode *dir,
		  struct bfs_str name);

/*
 * Reading the journal: an entry as it was, in place of what has that cursor;
 * or none.  No times and counts change: inodes have records of their own.  i
 * is NULL if its home is elsewhere.
 */
int bfs_dir_load(struct bfs_inode *dir, const struct bfs_rec_entry *r,
		 struct bfs_inode *i);
void bfs_dir_unload(struct bfs_dentry *d);
void bfs_dir_unload_at(struct bfs_inode *dir, uint64_t cursor);

/* The directory that holds dir; the root's is the root; NULL: gone, or (in a
 * cluster) not known here. */
struct bfs_inode *bfs_dir_parent(const struct bfs_fs *fs,
				 const struct bfs_inode *dir);
/* Is i dir itself or somewhere above it? */
bool bfs_dir_below(const struct bfs_inode *dir, const struct bfs_inode *i);

#endif
