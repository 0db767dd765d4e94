/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be asked: getattr, access, statfs. */
#include "server/perm.h"
#include "server/process.h"
#include "server/session.h"
#include "server/walk.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

int bfs_serve_getattr(struct bfs_call *c, const struct bfs_getattr_req *req,
		      struct bfs_getattr_rep *rep)
{
	struct bfs_inode *i;
	int r = bfs_walk_to(c, req->at, req->path,
			    !(req->flags & AT_SYMLINK_NOFOLLOW), &i);

	return r ? r : bfs_inode_attr(bfs_call_fs(c), i, &rep->attr);
}

int bfs_serve_access(struct bfs_call *c, const struct bfs_access_req *req,
		     struct bfs_access_rep *rep)
{
	const struct bfs_cred *effective = c->cred;
	struct bfs_cred cred = *effective;
	struct bfs_inode *i;
	int r = 0;

	if (req->mode & ~7u)
		return -EINVAL;
	/* A client says AT_EACCESS too if its real ids are the effective. */
	if (!(req->flags & AT_EACCESS) && c->session && c->session->pid)
		r = bfs_process_real_ids(c->session->pid, &cred);
	if (r)
		return r;
	c->cred = &cred;
	r = bfs_walk_to(c, req->at, req->path,
			!(req->flags & AT_SYMLINK_NOFOLLOW), &i);
	/* access(2)'s bits are the permission bits. */
	if (!r)
		r = bfs_perm_check(c->cred, i, req->mode);
	c->cred = effective;
	return r;
}

/* What max_bytes leaves of it. */
static void limit(const struct bfs_fs *fs, struct bfs_statfs_rep *rep)
{
	uint64_t max = fs->conf.max_bytes / rep->bsize;
	uint64_t used = fs->used * 512 / rep->bsize;
	uint64_t left = max > used ? max - used : 0;

	if (!fs->conf.max_bytes)
		return;
	rep->blocks = BFS_MIN(rep->blocks, max);
	rep->bfree = BFS_MIN(rep->bfree, left);
	rep->bavail = BFS_MIN(rep->bavail, left);
}

int bfs_serve_statfs(struct bfs_call *c, const struct bfs_statfs_req *req,
		     struct bfs_statfs_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i;
	struct statvfs v;
	int r = bfs_walk_to(c, req->at, req->path, true, &i);

	if (r)
		return r;
	if (fstatvfs(fs->data_fd, &v)) {
		r = -errno;
		bfs_log(error, "cannot statfs the data directory: %m");
		return r;
	}
	rep->bsize = (uint32_t)(v.f_frsize ? v.f_frsize : v.f_bsize);
	rep->blocks = v.f_blocks;
	rep->bfree = v.f_bfree;
	rep->bavail = v.f_bavail;
	/* Each of our inodes needs one there, and memory. */
	rep->ffree = v.f_favail;
	rep->files = HASH_COUNT(fs->inodes) + rep->ffree;
	rep->fsid = fs->conf.cluster;
	rep->namelen = BFS_NAME_MAX;
	limit(fs, rep);
	return 0;
}
