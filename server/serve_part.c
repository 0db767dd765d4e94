/* SPDX-License-Identifier: BSD-3-Clause */
/* What daemons ask each other about entries and directories. */
#include "server/found.h"
#include "server/hold.h"
#include "server/perm.h"
#include "server/readdir.h"
#include "server/serve.h"
#include "server/server.h"
#include "server/shared.h"
#include "server/statfs.h"

#include <errno.h>

static struct bfs_time to_time(struct timespec t)
{
	return (struct bfs_time){ t.tv_sec, (uint32_t)t.tv_nsec };
}

int bfs_serve_lookup(struct bfs_call *c, const struct bfs_lookup_req *req,
		     struct bfs_lookup_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	const struct bfs_inode *dir;
	const struct bfs_dentry *d;
	int r = 0;

	if (!req->name.len || req->name.len > BFS_NAME_MAX)
		return -EINVAL;
	while (!r && bfs_hold_entry_held(fs, req->dir, req->name))
		r = bfs_hold_wait(c);
	if (r)
		return r;
	dir = bfs_inode_find(fs, req->dir);
	if (!dir || !S_ISDIR(dir->mode))
		return -ENOENT; /* nothing of it was ever made here */
	d = bfs_dir_find(fs, dir, req->name);
	if (!d)
		return -ENOENT;
	rep->ino = bfs_dentry_ino(d);
	rep->type = d->type;
	return 0;
}

int bfs_serve_target(struct bfs_call *c, const struct bfs_target_req *req,
		     struct bfs_target_rep *rep)
{
	struct bfs_inode *i = bfs_inode_here(bfs_call_fs(c), req->ino);

	if (!i || !S_ISLNK(i->mode))
		return -ENOENT;
	bfs_inode_accessed(bfs_call_fs(c), i);
	rep->target = (struct bfs_str){ i->link.target, i->link.len };
	return 0;
}

/* The directory whose home we are.  NULL and *err. */
static struct bfs_inode *home_dir(struct bfs_call *c, uint64_t ino, int *err)
{
	struct bfs_inode *i = bfs_inode_here(bfs_call_fs(c), ino);

	*err = 0;
	if (!i)
		*err = -ENOENT;
	else if (!S_ISDIR(i->mode))
		*err = -ENOTDIR;
	return *err ? NULL : i;
}

int bfs_serve_dircopy(struct bfs_call *c, const struct bfs_dircopy_req *req,
		      struct bfs_dircopy_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i;
	int r;

	i = home_dir(c, req->ino, &r);
	while (i &&
	       (i->dir.shared->busy || (i == fs->root && fs->conf.unplaced))) {
		r = bfs_hold_wait(c);
		if (r)
			return r;
		i = home_dir(c, req->ino, &r);
	}
	if (!r)
		r = bfs_holder_add(fs, i, (unsigned)c->peer);
	if (r)
		return r;
	rep->mode = i->mode;
	rep->uid = i->uid;
	rep->gid = i->gid;
	rep->removed = !i->nlink;
	rep->layout = bfs_layout_pack(i->layout);
	rep->parent = i->dir.parent;
	rep->name = bfs_shared_name(i);
	return 0;
}

int bfs_serve_dirtold(struct bfs_call *c, const struct bfs_dirtold_req *req,
		      struct bfs_dirtold_rep *rep)
{
	struct bfs_inode *i;
	int r;

	i = home_dir(c, req->ino, &r);
	return r ? r
		 : bfs_shards_add(&i->dir.shared->changed, (unsigned)c->peer);
}

/* Our part of the directory as it is; the home is told when that changes. */
static void tell_part(struct bfs_fs *fs, uint64_t ino,
		      struct bfs_dirpart_rep *rep)
{
	struct bfs_inode *i = bfs_inode_find(fs, ino);
	struct bfs_part p;

	bfs_found_overtaken(fs, ino);
	rep->version = fs->conf.incarnation + ++fs->part_version;
	if (!i || !S_ISDIR(i->mode) || !i->dir.shared->copy)
		return;
	/* The changes that hold an entry have told it. */
	rep->held = i->dir.shared->told = bfs_hold_any(fs, ino);
	p = bfs_part_of(i);
	rep->subdirs = p.subdirs;
	rep->mtime = to_time(p.mtime);
	rep->ctime = to_time(p.ctime);
}

int bfs_serve_dirpart(struct bfs_call *c, const struct bfs_dirpart_req *req,
		      struct bfs_dirpart_rep *rep)
{
	int r = 0;

	/* What is promised may have been acknowledged, while we were down. */
	while (!r && bfs_hold_promised(bfs_call_fs(c), req->ino))
		r = bfs_hold_wait(c);
	if (!r)
		tell_part(bfs_call_fs(c), req->ino, rep);
	return r;
}

int bfs_serve_dirrevoke(struct bfs_call *c, const struct bfs_dirrevoke_req *req,
			struct bfs_dirrevoke_rep *rep)
{
	struct bfs_inode *i = bfs_inode_find(bfs_call_fs(c), req->ino);
	struct bfs_dirpart_rep part = { 0 };

	tell_part(bfs_call_fs(c), req->ino, &part);
	rep->held = part.held;
	rep->subdirs = part.subdirs;
	rep->mtime = part.mtime;
	rep->ctime = part.ctime;
	rep->version = part.version;
	if (!i || !S_ISDIR(i->mode) || !i->dir.shared->copy)
		return 0;
	rep->entries = i->dir.top != NULL;
	bfs_copy_revoke(bfs_call_fs(c), i);
	return 0;
}

int bfs_serve_readpart(struct bfs_call *c, const struct bfs_readpart_req *req,
		       struct bfs_readpart_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *dir;
	int r = 0;

	/* What is promised may have been acknowledged, while we were down. */
	while (!r && bfs_hold_promised(fs, req->ino))
		r = bfs_hold_wait(c);
	if (r)
		return r;
	dir = bfs_inode_find(fs, req->ino);
	if (!dir || !S_ISDIR(dir->mode)) {
		rep->eof = 1;
		return 0;
	}
	rep->changed = (struct bfs_time){ dir->ctime.tv_sec,
					  (uint32_t)dir->ctime.tv_nsec };
	return bfs_readdir_part(c, dir, req, &rep->eof);
}

int bfs_serve_statpart(struct bfs_call *c, const struct bfs_statpart_req *req,
		       struct bfs_statpart_rep *rep)
{
	struct bfs_statfs_rep all = { 0 };
	int r = bfs_statfs_here(bfs_call_fs(c), &all, &rep->disk);

	rep->blocks = all.blocks;
	rep->bfree = all.bfree;
	rep->bavail = all.bavail;
	rep->files = all.files;
	rep->ffree = all.ffree;
	rep->bsize = all.bsize;
	return r;
}
