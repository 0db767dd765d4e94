/* SPDX-License-Identifier: BSD-3-Clause */
/* rename(2), renameat2(2).  The order of the checks is Linux's. */
#include "server/fiber.h"
#include "server/node.h"
#include "server/perm.h"
#include "server/renaming.h"
#include "server/shared.h"

#include <errno.h>
#include <linux/fs.h>

bool bfs_renaming_exchanges(const struct bfs_renaming *n)
{
	return n->flags & RENAME_EXCHANGE;
}

static bool is_dir(const struct bfs_inode *i)
{
	return S_ISDIR(i->mode);
}

static int check_flags(uint32_t flags)
{
	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (flags & RENAME_NOREPLACE && flags & RENAME_EXCHANGE)
		return -EINVAL;
	return 0;
}

static int check_kinds(const struct bfs_renaming *n)
{
	if (n->from.kind == BFS_LAST_SELF || n->to.kind == BFS_LAST_SELF)
		return -ENOENT;
	if (n->from.kind != BFS_LAST_NAME)
		return -EBUSY;
	if (n->to.kind != BFS_LAST_NAME)
		return n->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	return 0;
}

/* Is everything there, and are trailing slashes behind directories only? */
int bfs_renaming_there(const struct bfs_renaming *n)
{
	const struct bfs_inode *old = n->from.inode, *new = n->to.inode;

	if (!old || !n->to.dir->nlink)
		return -ENOENT;
	if (n->flags & RENAME_NOREPLACE && new)
		return -EEXIST;
	if (bfs_renaming_exchanges(n) && !new)
		return -ENOENT;
	if (bfs_renaming_exchanges(n) && !is_dir(new) && n->to.slash)
		return -ENOTDIR;
	if (!is_dir(old) &&
	    (n->from.slash || (!bfs_renaming_exchanges(n) && n->to.slash)))
		return -ENOTDIR;
	return 0;
}

/* A directory must not come to lie below itself. */
static int check_cycle(const struct bfs_renaming *n)
{
	if (bfs_dir_below(n->to.dir, n->from.inode))
		return -EINVAL;
	if (n->to.inode && bfs_dir_below(n->from.dir, n->to.inode))
		return bfs_renaming_exchanges(n) ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int check_target(const struct bfs_renaming *n)
{
	const struct bfs_cred *cred = n->c->cred;
	bool as_dir =
		is_dir(bfs_renaming_exchanges(n) ? n->to.inode : n->from.inode);

	if (!n->to.inode)
		return bfs_perm_create(cred, n->to.dir);
	return bfs_perm_delete(cred, n->to.dir, n->to.inode, as_dir);
}

/* A directory that gets another parent has its ".." written. */
static int check_dotdot(const struct bfs_renaming *n)
{
	const struct bfs_cred *cred = n->c->cred;
	int r = 0;

	if (n->from.dir == n->to.dir)
		return 0;
	if (is_dir(n->from.inode))
		r = bfs_perm_check(cred, n->from.inode, BFS_MAY_WRITE);
	if (!r && bfs_renaming_exchanges(n) && is_dir(n->to.inode))
		r = bfs_perm_check(cred, n->to.inode, BFS_MAY_WRITE);
	return r;
}

int bfs_renaming_rights(const struct bfs_renaming *n)
{
	const struct bfs_inode *old = n->from.inode, *new = n->to.inode;
	int r = bfs_perm_delete(n->c->cred, n->from.dir, old, is_dir(old));

	if (!r)
		r = check_target(n);
	if (!r)
		r = check_dotdot(n);
	if (!r && new && !bfs_renaming_exchanges(n) && is_dir(new) &&
	    new->dir.top)
		r = -ENOTEMPTY;
	return r;
}

static void exchange(struct bfs_fs *fs, const struct bfs_renaming *n)
{
	struct bfs_inode *old = n->from.inode, *new = n->to.inode;

	bfs_dir_repoint(fs, n->from.dentry, new);
	bfs_dir_repoint(fs, n->to.dentry, old);
	bfs_inode_changed(fs, old);
	bfs_inode_changed(fs, new);
}

static int move(struct bfs_fs *fs, const struct bfs_renaming *n)
{
	struct bfs_inode *old = n->from.inode;
	int r = bfs_dir_add(fs, n->to.dir, n->to.last, old);

	if (!r) {
		bfs_dir_remove(fs, n->from.dentry);
		bfs_inode_changed(fs, old);
	}
	return r;
}

static void replace(struct bfs_fs *fs, const struct bfs_renaming *n)
{
	struct bfs_inode *old = n->from.inode, *new = n->to.inode;

	bfs_dir_repoint(fs, n->to.dentry, old);
	bfs_dir_remove(fs, n->from.dentry);
	bfs_inode_changed(fs, old);
	bfs_node_dropped(fs, new);
}

/* The checks are over. */
static int rename_now(struct bfs_fs *fs, const struct bfs_renaming *n)
{
	if (bfs_renaming_exchanges(n))
		exchange(fs, n);
	else if (n->to.inode)
		replace(fs, n);
	else
		return move(fs, n);
	return 0;
}

/* Both directories come first, then the last names, the old one before. */
static int walk_both(struct bfs_renaming *n, const struct bfs_rename_req *req,
		     unsigned flags)
{
	int old = bfs_walk(n->c, &n->from, req->old_at, req->old_path,
			   BFS_WALK_PARENT | flags, 0),
	    new;

	if (old && !n->from.long_last)
		return old;
	new = bfs_walk(n->c, &n->to, req->new_at, req->new_path,
		       BFS_WALK_PARENT | flags, 1);
	if (new == -BFS_NEED_FIBER)
		return new;
	if (old && !new && n->to.kind != BFS_LAST_NAME)
		return n->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (old && (!new || n->to.long_last))
		return old;
	if (n->to.long_last && n->from.kind != BFS_LAST_NAME)
		return -EBUSY;
	/* Whose entry it is does not matter here, but whether it is there. */
	if (n->to.long_last && flags & BFS_WALK_FAR)
		old = bfs_walk(n->c, &n->from, req->old_at, req->old_path,
			       BFS_WALK_PARENT | BFS_WALK_INO, 0);
	if (n->to.long_last && (old || !n->from.ino))
		return old ? old : -ENOENT;
	return new;
}

int bfs_renaming_walk(struct bfs_renaming *n, const struct bfs_rename_req *req,
		      unsigned flags)
{
	int r = walk_both(n, req, flags);

	return r ? r : check_kinds(n);
}

static int rename_here(struct bfs_renaming *n, const struct bfs_rename_req *req)
{
	int r = bfs_renaming_walk(n, req, 0);

	if (!r)
		r = bfs_renaming_there(n);
	if (!r)
		r = check_cycle(n);
	if (r)
		return r;
	if (n->from.inode == n->to.inode)
		return 0; /* two names of one inode stay, says POSIX */
	r = bfs_renaming_rights(n);
	return r ? r : rename_now(bfs_call_fs(n->c), n);
}

int bfs_serve_rename(struct bfs_call *c, const struct bfs_rename_req *req,
		     struct bfs_rename_rep *rep)
{
	struct bfs_renaming n = { .c = c, .flags = req->flags };
	int r = check_flags(req->flags);

	if (r)
		return r;
	return bfs_fs_clustered(bfs_call_fs(c)) ? bfs_renaming_shared(&n, req)
						: rename_here(&n, req);
}
