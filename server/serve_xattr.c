/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/walk.h"
#include "server/xattr.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <utlist.h>

/* The attribute flags ride on the upper half. */
#define SET_FLAGS_SHIFT 16

static int find(struct bfs_call *c, struct bfs_handle at, struct bfs_str path,
		uint32_t flags, struct bfs_inode **i)
{
	return bfs_walk_to(c, at, path, !(flags & AT_SYMLINK_NOFOLLOW), i);
}

/* As much room as the caller has: it asked for size bytes. */
static int check_room(const struct bfs_call *c, uint64_t size, uint64_t length)
{
	return length > BFS_MIN(size, c->in_cap) ? -ERANGE : 0;
}

int bfs_serve_getxattr(struct bfs_call *c, const struct bfs_getxattr_req *req,
		       struct bfs_getxattr_rep *rep)
{
	const struct bfs_xattr *x;
	struct bfs_inode *i;
	int r = find(c, req->at, req->path, req->flags, &i);

	if (!r)
		r = bfs_xattr_check(c->cred, i, req->name, false);
	if (r)
		return r;
	x = bfs_xattr_find(i, req->name);
	if (!x)
		return -ENODATA;
	rep->length = x->size;
	if (!req->size)
		return 0;
	r = check_room(c, req->size, x->size);
	if (r)
		return r;
	memcpy(c->in, bfs_xattr_value(x), x->size);
	c->in_len = x->size;
	return 0;
}

int bfs_serve_setxattr(struct bfs_call *c, const struct bfs_setxattr_req *req,
		       struct bfs_setxattr_rep *rep)
{
	struct bfs_inode *i;
	int r = find(c, req->at, req->path, req->flags, &i);

	if (!r)
		r = bfs_xattr_check(c->cred, i, req->name, true);
	if (!r)
		r = bfs_xattr_set(bfs_call_fs(c), i, req->name, c->out,
				  c->out_len,
				  (int)(req->flags >> SET_FLAGS_SHIFT));
	if (!r)
		bfs_inode_changed(bfs_call_fs(c), i);
	return r;
}

static uint64_t list_length(const struct bfs_cred *cred,
			    const struct bfs_inode *i)
{
	const struct bfs_xattr *x;
	uint64_t sum = 0;

	LL_FOREACH(bfs_inode_xattrs(i), x)
	if (bfs_xattr_visible(cred, x))
		sum += x->len + 1u;
	return sum;
}

static void list(struct bfs_call *c, const struct bfs_inode *i)
{
	const struct bfs_xattr *x;
	char *p = c->in;

	LL_FOREACH(bfs_inode_xattrs(i), x)
	{
		if (!bfs_xattr_visible(c->cred, x))
			continue;
		memcpy(p, x->name, x->len);
		p += x->len;
		*p++ = '\0';
	}
	c->in_len = (size_t)(p - (char *)c->in);
}

int bfs_serve_listxattr(struct bfs_call *c, const struct bfs_listxattr_req *req,
			struct bfs_listxattr_rep *rep)
{
	struct bfs_inode *i;
	int r = find(c, req->at, req->path, req->flags, &i);

	if (r)
		return r;
	rep->length = list_length(c->cred, i);
	if (!req->size)
		return 0;
	r = check_room(c, req->size, rep->length);
	if (!r)
		list(c, i);
	return r;
}

int bfs_serve_removexattr(struct bfs_call *c,
			  const struct bfs_removexattr_req *req,
			  struct bfs_removexattr_rep *rep)
{
	struct bfs_inode *i;
	int r = find(c, req->at, req->path, req->flags, &i);

	if (!r)
		r = bfs_xattr_check(c->cred, i, req->name, true);
	if (!r)
		r = bfs_xattr_remove(bfs_call_fs(c), i, req->name);
	if (!r)
		bfs_inode_changed(bfs_call_fs(c), i);
	return r;
}
