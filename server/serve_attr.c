/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be asked: getattr, access. */
#include "server/home.h"
#include "server/perm.h"
#include "server/process.h"
#include "server/session.h"
#include "server/stripe_space.h"
#include "server/txp.h"
#include "server/walk.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int bfs_serve_getattr(struct bfs_call *c, const struct bfs_getattr_req *req,
		      struct bfs_getattr_rep *rep)
{
	bool follow = !(req->flags & AT_SYMLINK_NOFOLLOW);
	struct bfs_inode *i;
	int r;

	do {
		r = bfs_walk_to(c, req->at, req->path, follow, &i);
		if (!r)
			r = bfs_txp_await(c, i);
	} while (r == 1);
	if (!r)
		r = bfs_home_gather(c, i);
	if (!r)
		r = bfs_stripe_count(c, i);
	if (r > 0)
		r = bfs_walk_to(c, req->at, req->path, follow, &i);
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
