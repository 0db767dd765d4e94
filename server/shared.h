/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directories in a cluster: what several shards know of one.  Its home has the
 * inode; every other shard that walks through it or holds entries of it has a
 * copy, an inode structure with the same number, mode, owner, parent and name,
 * that the home revokes before it changes one of them (docs/design/CLUSTER.md).
 * Without a cluster nothing of this exists.  Owner thread only.
 */
#ifndef BFS_SHARED_H
#define BFS_SHARED_H

#include "server/hash.h"
#include "server/home.h"
#include "server/shards.h"

struct bfs_gather;

struct bfs_shared {
	struct bfs_inode *inode;
	bool copy;    /* the home is elsewhere */
	bool stale;   /* copy: fetch it again before it is used */
	bool told;    /* copy: the home knows that our part may have changed */
	bool used;    /* copy: walked through since somebody looked */
	bool leaving; /* copy: the home is asked to have it back */
	struct bfs_shared *cprev, *cnext; /* in fs->copy_list */
	/* home: who holds it against walkers while it is changed: they wait */
	uint64_t busy;
	struct bfs_shared *prev, *next; /* in fs->busy_dirs */
	struct bfs_shards holders; /* home: who may have a copy or entries */
	/* home: had a copy, and may have synced nothing since (fsync) */
	struct bfs_shards left;
	struct bfs_shards changed; /* home: whose part must be asked for */
	struct bfs_part *parts;	   /* home: nparts of them, by shard */
	unsigned nparts;
	struct bfs_gather *gathers; /* home: questions under way (utlist DL) */
	bool times_set; /* home: by utimensat, since anything changed */
	/* Its place, as the key of fs->copies: parent's number and name. */
	uint8_t *key;
	uint32_t key_len; /* 0: it has none (root, removed) */
	UT_hash_handle hh;
};

static inline bool bfs_fs_clustered(const struct bfs_fs *fs)
{
	return fs->conf.nshards > 1;
}

static inline unsigned bfs_shared_home(const struct bfs_fs *fs, uint64_t ino)
{
	return bfs_fs_clustered(fs) ? (unsigned)(ino >> BFS_SHARD_SHIFT)
				    : fs->conf.shard;
}

/* The shard of an entry. */
unsigned bfs_shared_place(const struct bfs_fs *fs, uint64_t dir,
			  struct bfs_str name);

/* A directory's inode comes (0, -ENOMEM) and goes. */
int bfs_shared_attach(struct bfs_fs *fs, struct bfs_inode *i);
void bfs_shared_detach(struct bfs_fs *fs, struct bfs_inode *i);

/* The directory has that place from now on. */
void bfs_shared_named(struct bfs_fs *fs, struct bfs_inode *i, uint64_t parent,
		      struct bfs_str name);
/* Its name there; empty: it has none. */
struct bfs_str bfs_shared_name(const struct bfs_inode *i);

/* The copy of the directory with that place, or NULL; it may be stale. */
struct bfs_inode *bfs_copy_named(const struct bfs_fs *fs, uint64_t parent,
				 struct bfs_str name);
/* The copy with that number, made (stale) if there is none; NULL: no memory. */
struct bfs_inode *bfs_copy_get(struct bfs_fs *fs, uint64_t ino);
/* It is to be fetched again.  Without entries it is freed. */
void bfs_copy_revoke(struct bfs_fs *fs, struct bfs_inode *i);
/* That shard has started anew: all copies whose home it is are revoked, and
 * what it may have changed in directories of ours has to be asked for. */
void bfs_shared_peer_new(struct bfs_fs *fs, unsigned shard);

/* The home's list of who has a copy, or entries.  0 or -ENOMEM. */
int bfs_holder_add(struct bfs_fs *fs, struct bfs_inode *i, unsigned shard);
void bfs_holder_remove(struct bfs_fs *fs, struct bfs_inode *i, unsigned shard);

/* May the directory be walked through now: here, or a copy that is not stale,
 * and not held by a change? */
bool bfs_shared_usable(const struct bfs_inode *i);

#endif
