/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From (handle, path) to an inode, as the kernel's path walk does it, with
 * permission checks.  Owner thread only.
 */
#ifndef BFS_WALK_H
#define BFS_WALK_H

#include "server/dir.h"
#include "server/found.h"

/* How the last name is treated. */
#define BFS_WALK_FOLLOW 1u /* a symlink there is followed */
#define BFS_WALK_PARENT 2u /* looked up but never entered; may be missing */
#define BFS_WALK_CREATE 4u /* open(O_CREAT): may be missing */
#define BFS_WALK_CHANGE 8u /* the call may change entries of w->dir */
#define BFS_WALK_FAR 16u   /* the last entry may be another shard's */
#define BFS_WALK_INO 32u   /* only the number is wanted: w->ino, w->type */
#define BFS_WALK_MAKE 64u  /* a regular file is to be made, if it is missing */
#define BFS_WALK_MAKE_NODE 128u	       /* the same of a fifo or socket */
#define BFS_WALK_RESOLVE(r) ((r) << 8) /* RESOLVE_* of openat2(2) */

enum bfs_walk_kind {
	BFS_LAST_NAME,
	BFS_LAST_DOT,
	BFS_LAST_DOTDOT, /* not resolved if BFS_WALK_PARENT */
	BFS_LAST_ROOT,	 /* the path had nothing but slashes */
	BFS_LAST_SELF,	 /* the path was empty: the handle's inode */
};

struct bfs_walk {
	enum bfs_walk_kind kind;   /* of the last component */
	struct bfs_inode *dir;	   /* the directory it is in (not of SELF) */
	bool long_last;		   /* -ENAMETOOLONG, but only for that one */
	struct bfs_str last;	   /* its name, if BFS_LAST_NAME */
	bool slash;		   /* a slash came behind it */
	struct bfs_inode *inode;   /* what is there, or NULL */
	struct bfs_dentry *dentry; /* its entry, if there and LAST_NAME */
	/*
	 * In a cluster: what is there, 0 if nothing.  Its inode may be another
	 * shard's: then inode is NULL (a directory's may be a copy).
	 */
	uint64_t ino;
	uint32_t type;
	unsigned shard;	  /* of the last entry (BFS_WALK_FAR) */
	uint64_t dir_ino; /* dir's, which does not become invalid by waiting */
	/* Inside: what is left of the path, and where it is kept once a
	 * symlink has been put before it. */
	const char *pos, *end;
	unsigned links;
	uint32_t resolve;
	struct bfs_inode *top;	 /* where the walk began */
	struct bfs_found *found; /* what other shards have told (found.c) */
	struct bfs_need need;
	char room[2 * BFS_PATH_MAX];
};

/*
 * 0, -errno, or -BFS_ESCAPE with c->escape filled in (which: the call's first
 * or second place).  w must stay while w->last is used.
 *
 * In a cluster also -BFS_ELSEWHERE with c->where filled in: another shard is to
 * go on; or -BFS_NEED_FIBER.  A walk that has asked other shards has begun anew
 * after each answer, so what it found is of this very moment; it raises
 * c->waits.  A BFS_WALK_PARENT walk may end with an entry whose inode is not
 * here; others end where the inode is.
 */
int bfs_walk(struct bfs_call *c, struct bfs_walk *w, struct bfs_handle at,
	     struct bfs_str path, unsigned flags, uint32_t which);

/* Where a call wants something that is there. */
int bfs_walk_to(struct bfs_call *c, struct bfs_handle at, struct bfs_str path,
		bool follow, struct bfs_inode **i);

#endif
