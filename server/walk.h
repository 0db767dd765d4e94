/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From (handle, path) to an inode, as the kernel's path walk does it, with
 * permission checks.  Owner thread only.
 */
#ifndef BFS_WALK_H
#define BFS_WALK_H

#include "server/dir.h"

/* How the last name is treated. */
#define BFS_WALK_FOLLOW 1u /* a symlink there is followed */
#define BFS_WALK_PARENT 2u /* looked up but never entered; may be missing */
#define BFS_WALK_CREATE 4u /* open(O_CREAT): may be missing */
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
	/* Inside: what is left of the path, and where it is kept once a
	 * symlink has been put before it. */
	const char *pos, *end;
	unsigned links;
	uint32_t resolve;
	struct bfs_inode *top; /* where the walk began */
	char room[2 * BFS_PATH_MAX];
};

/*
 * 0, -errno, or -BFS_ESCAPE with c->escape filled in (which: the call's first
 * or second place).  w must stay while w->last is used.
 */
int bfs_walk(struct bfs_call *c, struct bfs_walk *w, struct bfs_handle at,
	     struct bfs_str path, unsigned flags, uint32_t which);

/* Where a call wants something that is there. */
int bfs_walk_to(struct bfs_call *c, struct bfs_handle at, struct bfs_str path,
		bool follow, struct bfs_inode **i);

#endif
