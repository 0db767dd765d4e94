/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file system of one shard: names and attributes in memory, content in
 * data files below data_dir.  What the rest of the daemon needs of it; its
 * insides are in inode.h.  Owner thread only.
 */
#ifndef BFS_FS_H
#define BFS_FS_H

#include "core/layout.h"
#include "core/proto.h"

#include <stdbool.h>

struct bfs_fs;
struct bfs_inode;
struct bfs_place;

/* How much may be used, 0: no limit; EDQUOT. */
struct bfs_quota {
	uint64_t bytes, files;		 /* by all together */
	uint64_t user_bytes, user_files; /* by each user but root */
};

struct bfs_fs_conf {
	const char *data_dir;	 /* made if missing, mode 0700 */
	uint8_t secret[16];	 /* the cluster's: keys the MAC of handles */
	uint64_t cluster;	 /* 0: the directory's, or a new one */
	uint64_t list_hash;	 /* of the member list, 0: whatever it was */
	uint32_t shard, nshards; /* which of how many we are; 0 of 0 or 1 */
	const struct bfs_place *place; /* of entries; if there are several */
	uint64_t incarnation;	/* of the daemon; greater at each start */
	uint64_t max_bytes;	/* of file content, 0: no limit of our own */
	struct bfs_quota quota; /* this daemon's share */
	/* The root's, unless set on it; no chunk size: the default. */
	struct bfs_layout layout;
	/* ... which waits for bfs_fs_placed(): nobody copies the root before */
	bool unplaced;
	uint32_t root_mode;  /* permissions of the root, 0: 0755 */
	bool journal;	     /* names and attributes survive (D1, D3) */
	bool scratch;	     /* ... only if this daemon is killed */
	uint32_t max_copies; /* of directories without entries; 0: any */
	bool pass;	     /* descriptors may be passed through */
	bool checksum;	     /* of content; then none is (sums.h) */
	bool null;	     /* no content (null.h); no journal, one daemon */
	bool many_nodes;     /* some daemons are on other nodes */
	bool sync_close;     /* BFS_RIGHT_SYNC for what may be written */
	/* Is the description of that placeholder slot still there? NULL: no */
	bool (*slot_alive)(void *arg, uint32_t uid, uint32_t slot,
			   uint32_t gen);
	/* Is that record still used for that description?  If not it is gone,
	 * or nobody who counts has it (RULES 4).  NULL: it cannot be told. */
	bool (*slot_current)(void *arg, uint32_t uid, uint32_t slot,
			     uint32_t gen);
	/* Is that record's description being made?  NULL: it cannot be told. */
	bool (*slot_making)(void *arg, uint32_t uid, uint32_t slot,
			    uint32_t gen);
	void *arg;
	/* There are many descriptions on other nodes: ask which of them still
	 * exist.  NULL: nobody to be asked */
	void (*ask_far)(void *arg, struct bfs_inode *i);
	/* A striped file is no more: others are to be told.  NULL: nobody */
	void (*drop_far)(void *arg, uint64_t ino);
	void *arg_far;
};

/*
 * Take the data directory.  Without a journal: remove what an earlier run left
 * in it, and start with an empty root that belongs to us; with one: go on with
 * what is there.  conf->secret and cluster are for a directory that is new; an
 * old one keeps its own (bfs_fs_identity).  0 or -errno, logged:
 * -EBUSY if another process has the directory, -ENOTEMPTY if what is in there
 * is not ours, -EPROTO for another format, -EKEYREJECTED: another cluster's,
 * shard's or member list's (RULES 31), -EUCLEAN: it is damaged.
 */
int bfs_fs_new(struct bfs_fs **fs, const struct bfs_fs_conf *conf);
/*
 * For fsck: that of a directory that no daemon uses, empty; cluster, shard and
 * secret are the directory's.  nshards and place are to be set, and the journal
 * to be read (bfs_journal_look).  Nothing is written.  0 or -errno, logged.
 */
int bfs_fs_look(struct bfs_fs **fs, const char *data_dir, bool write);
/* The cluster's id and secret, as the directory has them. */
void bfs_fs_identity(const struct bfs_fs *fs, uint64_t *cluster,
		     uint8_t secret[16]);
/* Without a journal, and of a scratch one, the content goes. */
void bfs_fs_free(struct bfs_fs *fs);

/* It is known whether some daemons are on other nodes. */
void bfs_fs_placed(struct bfs_fs *fs, bool many_nodes);

/* Other settings for what follows (reload). */
void bfs_fs_set_limit(struct bfs_fs *fs, uint64_t max_bytes);
void bfs_fs_set_quota(struct bfs_fs *fs, const struct bfs_quota *share);
void bfs_fs_set_sync_close(struct bfs_fs *fs, bool sync_close);

/* st_dev of the data files. */
uint64_t bfs_fs_data_dev(const struct bfs_fs *fs);

/* The directory of the data files (O_PATH, ours), if that user owns them, or
 * -1. */
int bfs_fs_data_fd(const struct bfs_fs *fs, uint32_t uid);

/* The root's handle, for HELLO. */
struct bfs_handle bfs_fs_root(const struct bfs_fs *fs);
/* 0, or -ESTALE: not made by us or of an inode that is gone. */
int bfs_fs_check(const struct bfs_fs *fs, struct bfs_handle h);

/* Is there a pass-through description of the inode with that record? */
bool bfs_fs_slot_locked(struct bfs_fs *fs, uint64_t ino, uint32_t uid,
			uint32_t slot);

/* Free unlinked inodes that nobody has open any more.  True while some are
 * left: call again in a while. */
bool bfs_fs_sweep(struct bfs_fs *fs);
/* Look whether files that were opened are closed again: true while there are
 * more of them to be looked at.  waits: are there any? */
bool bfs_fs_calm_some(struct bfs_fs *fs);
bool bfs_fs_calm_waits(const struct bfs_fs *fs);
/* Is there anything to sweep? */
bool bfs_fs_orphans(const struct bfs_fs *fs);

#endif
