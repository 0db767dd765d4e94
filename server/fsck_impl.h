/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of fsck.  All shards' journals are read as a start reads them;
 * then everything is looked at from its inode (a node), and from its names (the
 * refs).  Not thread-safe.
 *
 * Nothing is mended before all of it has been read, and what is mended goes to
 * each shard's log as one frame: it takes place whole or not at all.  After a
 * kill between two shards' frames, the next fsck finds the rest.
 */
#ifndef BFS_FSCK_IMPL_H
#define BFS_FSCK_IMPL_H

#include "server/dir.h"
#include "server/journal.h"

struct bfs_members;
struct bfs_place;

enum bfs_defect {
#define DEFECT(NAME, word, what, how) BFS_DEFECT_##NAME,
#include "server/fsck.def"
#undef DEFECT
	BFS_DEFECTS
};

struct bfs_fsck_shard {
	const char *dir; /* of its data; NULL: not given */
	struct bfs_fs *fs;
	struct bfs_journal *journal;
	struct bfs_ends ends; /* sorted */
};

/* A name: d lies in that shard.  Removed: d is NULL. */
struct bfs_fsck_ref {
	uint64_t ino; /* that it names */
	struct bfs_dentry *d;
	struct bfs_fsck_shard *shard;
};

/* An inode at its home; mode 0: there is none, only what refers to it. */
struct bfs_fsck_node {
	struct bfs_inode *i;
	size_t first, refs; /* its names */
	bool backed;	    /* its data file is there */
	bool busy, reached; /* on the way up; from the top */
};

/* A data file that is nobody's. */
struct bfs_fsck_stray {
	uint64_t ino;
	struct bfs_fsck_shard *shard;
	bool empty;
};

struct bfs_fsck {
	bool repair, json, quiet;
	bool mending; /* this time what is found is mended */
	struct bfs_members *members;
	struct bfs_place *place;
	struct bfs_fsck_shard *shard;
	unsigned nshards, missing; /* how many were not given */
	struct bfs_fsck_ref *refs;
	size_t nrefs;
	struct bfs_fsck_node *nodes; /* by number */
	size_t nnodes;
	struct bfs_fsck_stray *strays;
	size_t nstrays;
	uint64_t *pending; /* inodes of changes under way, sorted */
	size_t npending;
	uint64_t *no_dirs; /* directories that were found to have no inode */
	size_t nno_dirs;
	struct bfs_inode *lost; /* lost+found; NULL: not looked for yet */
	/* What is to be done to data files when the logs are on disk. */
	struct bfs_fsck_stray *later;
	size_t nlater;
	uint64_t found[BFS_DEFECTS], defects, mended, files;
	uint64_t unchecked; /* things that a missing shard would tell */
	int failed;	    /* -errno, logged */
};

/* Add an element to an array of n: true, or false and ck->failed. */
bool bfs_fsck_push(struct bfs_fsck *ck, void *array, size_t *n, const void *e,
		   size_t size);

/* fsck_load.c: open what was given and read it.  0 or -errno, logged. */
int bfs_fsck_open(struct bfs_fsck *ck, bool write);
/* Write and sync what has been noted, and let go. */
int bfs_fsck_write(struct bfs_fsck *ck);
void bfs_fsck_close(struct bfs_fsck *ck);
/* Lists of all there is: after bfs_fsck_dirs(). */
int bfs_fsck_list(struct bfs_fsck *ck);
int bfs_fsck_list_files(struct bfs_fsck *ck);

/* The home of an inode; NULL: it was not given, or there is no such shard. */
struct bfs_fsck_shard *bfs_fsck_home(const struct bfs_fsck *ck, uint64_t ino);
struct bfs_fsck_node *bfs_fsck_node(const struct bfs_fsck *ck, uint64_t ino);
/* Its i-th name, NULL: removed. */
static inline struct bfs_fsck_ref *
bfs_fsck_ref(const struct bfs_fsck *ck, const struct bfs_fsck_node *n, size_t i)
{
	return &ck->refs[n->first + i];
}
/* Does a change on several shards that is not over concern it? */
bool bfs_fsck_pending(const struct bfs_fsck *ck, uint64_t ino);
/* Does the log of its home tell that it has ended? */
bool bfs_fsck_ended(const struct bfs_fsck *ck, uint64_t ino);

/* The checks, in this order. */
void bfs_fsck_dirs(struct bfs_fsck *ck); /* fsck_dirs.c */
/* Has it been told of such a directory? */
bool bfs_fsck_no_dir(const struct bfs_fsck *ck, uint64_t ino);
void bfs_fsck_names(struct bfs_fsck *ck);  /* fsck_names.c */
void bfs_fsck_inodes(struct bfs_fsck *ck); /* fsck_inodes.c */
void bfs_fsck_tree(struct bfs_fsck *ck);
void bfs_fsck_data(struct bfs_fsck *ck); /* fsck_data.c */
int bfs_fsck_data_later(struct bfs_fsck *ck);

/* Mending (fsck_mend.c): each notes what has changed. */
void bfs_fsck_drop(struct bfs_fsck_ref *r);
/* All its names go, and it gets one in lost+found. */
void bfs_fsck_to_lost(struct bfs_fsck *ck, struct bfs_fsck_shard *home,
		      struct bfs_inode *i, struct bfs_fsck_node *n);
/* An inode of that number, of which nothing is known. */
struct bfs_inode *bfs_fsck_make(struct bfs_fsck *ck,
				struct bfs_fsck_shard *home, uint64_t ino,
				uint32_t mode);
/* How many directories are in it on its shard. */
uint32_t bfs_fsck_subdirs(const struct bfs_inode *dir);
/* The directory's part on that shard, and its home knows of it. */
struct bfs_inode *bfs_fsck_part(struct bfs_fsck *ck, struct bfs_fsck_shard *s,
				uint64_t dir);

/* Telling (fsck_tell.c).  True: it is to be mended now. */
bool bfs_fsck_tell(struct bfs_fsck *ck, enum bfs_defect what,
		   const struct bfs_fsck_shard *s, uint64_t ino,
		   const struct bfs_dentry *d, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
void bfs_fsck_begin(const struct bfs_fsck *ck);
void bfs_fsck_summary(const struct bfs_fsck *ck, int status);

#endif
