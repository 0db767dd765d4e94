/* SPDX-License-Identifier: BSD-3-Clause */
/* Names come and go: mknod, unlink, link; and readlink. */
#include "server/data.h"
#include "server/making.h"
#include "server/naming.h"
#include "server/node.h"
#include "server/perm.h"
#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* What may be made. */
static int check_type(uint32_t mode, struct bfs_str target)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFDIR:
	case S_IFCHR:
	case S_IFBLK:
		return 0;
	case S_IFLNK:
		if (!target.len)
			return -ENOENT;
		if (target.len >= BFS_PATH_MAX)
			return -ENAMETOOLONG;
		return memchr(target.ptr, 0, target.len) ? -EINVAL : 0;
	}
	return -EINVAL;
}

/* Devices are root's; a whiteout is anybody's, as on Linux. */
static int check_device(const struct bfs_call *c, uint32_t mode, uint64_t rdev)
{
	bool device = S_ISBLK(mode) || (S_ISCHR(mode) && rdev);

	return device && c->cred->uid ? -EPERM : 0;
}

/* May the walk's last name be made?  The order of the errors is Linux's. */
static int check_name(const struct bfs_walk *w, bool dir)
{
	if (w->kind == BFS_LAST_SELF)
		return -ENOENT;
	if (w->kind != BFS_LAST_NAME || w->ino)
		return -EEXIST;
	if (w->slash && !dir)
		return -ENOENT;
	return 0;
}

static int check_new(const struct bfs_call *c, const struct bfs_walk *w,
		     bool dir)
{
	int r = check_name(w, dir);

	return r ? r : bfs_perm_create(c->cred, w->dir);
}

static uint32_t mode_of_new(uint32_t mode)
{
	if (S_ISLNK(mode))
		return S_IFLNK | 0777;
	if (S_ISDIR(mode))
		return mode & (S_IFMT | S_ISVTX | 0777);
	return mode;
}

static unsigned making_flag(uint32_t mode)
{
	if (S_ISREG(mode))
		return BFS_WALK_MAKE;
	return S_ISFIFO(mode) || S_ISSOCK(mode) ? BFS_WALK_MAKE_NODE : 0;
}

static bool entry_here(const struct bfs_fs *fs, const struct bfs_walk *w)
{
	return !bfs_fs_clustered(fs) || w->kind != BFS_LAST_NAME ||
	       w->shard == fs->conf.shard;
}

int bfs_serve_mknod(struct bfs_call *c, const struct bfs_mknod_req *req,
		    struct bfs_mknod_rep *rep)
{
	uint32_t mode = req->mode & S_IFMT ? req->mode : req->mode | S_IFREG;
	struct bfs_node n = { .mode = mode_of_new(mode),
			      .rdev = req->rdev,
			      .target = req->target,
			      .flags = BFS_DATA_NO_FD };
	struct bfs_inode *i = NULL;
	struct bfs_making m;
	struct bfs_walk w;
	int r = check_type(mode, req->target);

	if (!r)
		r = bfs_walk(c, &w, req->at, req->path,
			     BFS_WALK_PARENT | BFS_WALK_CHANGE |
				     making_flag(mode),
			     0);
	if (r)
		return r;
	/* What there is, its entry's shard knows. */
	if (entry_here(bfs_call_fs(c), &w))
		r = check_new(c, &w, S_ISDIR(mode));
	if (!r)
		r = check_device(c, mode, req->rdev);
	if (!r)
		r = bfs_making_where(c, &w, mode);
	if (r == 1)
		r = bfs_making(c, &m, &w, &n, &i);
	else if (!r)
		i = bfs_node_enter(bfs_call_fs(c), c->cred, &w, &n, &r);
	if (!r)
		r = bfs_inode_attr(bfs_call_fs(c), i, &rep->attr);
	if (i && w.dir == &m.dir)
		bfs_making_done(i);
	return r;
}

static int check_rmdir(const struct bfs_call *c, const struct bfs_walk *w)
{
	int r;

	switch (w->kind) {
	case BFS_LAST_DOT:
		return -EINVAL;
	case BFS_LAST_DOTDOT:
		return -ENOTEMPTY;
	case BFS_LAST_ROOT:
		return -EBUSY;
	case BFS_LAST_SELF:
		return -ENOENT;
	case BFS_LAST_NAME:
		break;
	}
	if (!w->inode)
		return -ENOENT;
	r = bfs_perm_delete(c->cred, w->dir, w->inode, true);
	if (r)
		return r;
	return w->inode->dir.top ? -ENOTEMPTY : 0;
}

static int check_unlink(const struct bfs_call *c, const struct bfs_walk *w)
{
	if (w->kind == BFS_LAST_SELF)
		return -ENOENT;
	if (w->kind != BFS_LAST_NAME)
		return -EISDIR;
	if (!w->inode)
		return -ENOENT;
	if (w->slash)
		return S_ISDIR(w->inode->mode) ? -EISDIR : -ENOTDIR;
	return bfs_perm_delete(c->cred, w->dir, w->inode, false);
}

int bfs_naming_remove(const struct bfs_call *c, const struct bfs_walk *w,
		      bool dir)
{
	return dir ? check_rmdir(c, w) : check_unlink(c, w);
}

/* Does the removal concern other shards? */
static bool elsewhere_too(const struct bfs_fs *fs, const struct bfs_walk *w)
{
	const struct bfs_shared *s;

	if (!bfs_fs_clustered(fs) || !w->ino)
		return false;
	if (!w->inode)
		return true;
	s = S_ISDIR(w->inode->mode) ? w->inode->dir.shared : NULL;
	return s && (s->copy || s->busy || fs->held_entries ||
		     bfs_shards_next(&s->holders, 0) != UINT_MAX);
}

int bfs_serve_unlink(struct bfs_call *c, const struct bfs_unlink_req *req,
		     struct bfs_unlink_rep *rep)
{
	struct bfs_walk w;
	int r;

	if (req->flags & ~(uint32_t)AT_REMOVEDIR)
		return -EINVAL;
	r = bfs_walk(c, &w, req->at, req->path,
		     BFS_WALK_PARENT | BFS_WALK_CHANGE, 0);
	if (!r && w.kind == BFS_LAST_NAME && elsewhere_too(bfs_call_fs(c), &w))
		return bfs_naming_unlink_shared(c, &w, req->flags);
	if (!r)
		r = bfs_naming_remove(c, &w, req->flags);
	if (!r)
		bfs_node_leave(bfs_call_fs(c), w.dentry);
	return r;
}

int bfs_serve_readlink(struct bfs_call *c, const struct bfs_readlink_req *req,
		       struct bfs_readlink_rep *rep)
{
	struct bfs_inode *i;
	int r = bfs_walk_to(c, req->at, req->path, false, &i);

	if (r)
		return r;
	if (!S_ISLNK(i->mode))
		return -EINVAL;
	bfs_inode_accessed(bfs_call_fs(c), i);
	rep->target = (struct bfs_str){ i->link.target, i->link.len };
	return 0;
}

/*
 * Who can neither change a file nor does own it shall not keep it alive under
 * another name: fs.protected_hardlinks of proc_sys_fs(5), always on.
 */
static bool may_name(const struct bfs_cred *cred, const struct bfs_inode *i)
{
	const uint32_t runs_as_group = S_ISGID | S_IXGRP;

	if (bfs_perm_owner(cred, i))
		return true;
	return S_ISREG(i->mode) && !(i->mode & S_ISUID) &&
	       (i->mode & runs_as_group) != runs_as_group &&
	       !bfs_perm_check(cred, i, BFS_MAY_READ | BFS_MAY_WRITE);
}

/* Names for what has none: a file of O_TMPFILE may get one, others not. */
static int check_source(const struct bfs_inode *i)
{
	if (S_ISDIR(i->mode))
		return -EPERM;
	return i->nlink || i->linkable ? 0 : -ENOENT;
}

int bfs_naming_link(const struct bfs_call *c, const struct bfs_walk *w,
		    const struct bfs_inode *i)
{
	int r = check_name(w, false);

	if (!r && !w->dir->nlink) /* removed: nothing is named in it */
		r = -ENOENT;
	if (!r && !may_name(c->cred, i))
		r = -EPERM;
	if (!r)
		r = bfs_perm_create(c->cred, w->dir);
	return r ? r : check_source(i);
}

static int link_here(struct bfs_call *c, const struct bfs_link_req *req)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i;
	struct bfs_walk w;
	int r = bfs_walk_to(c, req->old_at, req->old_path,
			    req->flags & AT_SYMLINK_FOLLOW, &i);

	if (!r)
		r = bfs_walk(c, &w, req->new_at, req->new_path, BFS_WALK_PARENT,
			     1);
	if (!r)
		r = bfs_naming_link(c, &w, i);
	if (!r)
		r = bfs_dir_add(fs, w.dir, w.last, i);
	if (r)
		return r;
	bfs_orphan_remove(fs, i);
	bfs_inode_changed(fs, i);
	return 0;
}

int bfs_serve_link(struct bfs_call *c, const struct bfs_link_req *req,
		   struct bfs_link_rep *rep)
{
	const uint32_t known = AT_SYMLINK_FOLLOW | AT_EMPTY_PATH;

	if (req->flags & ~known)
		return -EINVAL;
	if (!req->old_path.len && !(req->flags & AT_EMPTY_PATH))
		return -ENOENT;
	return bfs_fs_clustered(bfs_call_fs(c)) ? bfs_naming_link_shared(c, req)
						: link_here(c, req);
}
