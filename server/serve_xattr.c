/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/layout_attr.h"
#include "server/serve_layout.h"
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

static int value(const struct bfs_inode *i, struct bfs_str name,
		 struct bfs_str *v)
{
	const struct bfs_xattr *x = bfs_xattr_find(i, name);

	if (!x)
		return -ENODATA;
	*v = (struct bfs_str){ bfs_xattr_value(x), x->size };
	return 0;
}

static int layout_value(const struct bfs_inode *i, unsigned own,
			char text[BFS_LAYOUT_TEXT], struct bfs_str *v)
{
	if (!(i->layout.own & own))
		return -ENODATA;
	*v = (struct bfs_str){ text, (uint32_t)bfs_layout_text(i->layout, own,
							       text) };
	return 0;
}

int bfs_serve_getxattr(struct bfs_call *c, const struct bfs_getxattr_req *req,
		       struct bfs_getxattr_rep *rep)
{
	unsigned own = bfs_layout_attr(req->name);
	char text[BFS_LAYOUT_TEXT];
	struct bfs_inode *i;
	struct bfs_str v;
	int r = find(c, req->at, req->path, req->flags, &i);

	if (!r)
		r = bfs_xattr_check(c->cred, i, req->name, false);
	if (!r)
		r = own ? layout_value(i, own, text, &v)
			: value(i, req->name, &v);
	if (r)
		return r;
	rep->length = v.len;
	if (!req->size)
		return 0;
	r = check_room(c, req->size, v.len);
	if (r)
		return r;
	memcpy(c->in, v.ptr, v.len);
	c->in_len = v.len;
	return 0;
}

/* A name that we do not know is more likely a mistake than anything else. */
static int set_layout(struct bfs_call *c, const struct bfs_setxattr_req *req,
		      int flags)
{
	unsigned own = bfs_layout_attr(req->name);
	struct bfs_inode *i;
	int r;

	do {
		r = find(c, req->at, req->path, req->flags, &i);
		if (!r)
			r = bfs_layout_check(c, i, true);
		if (!r)
			r = own ? bfs_layout_set(c, i, own, flags) : -EINVAL;
		c->waits += r == 1;
	} while (r == 1);
	return r;
}

int bfs_serve_setxattr(struct bfs_call *c, const struct bfs_setxattr_req *req,
		       struct bfs_setxattr_rep *rep)
{
	int flags = (int)(req->flags >> SET_FLAGS_SHIFT);
	struct bfs_inode *i;
	int r;

	if (bfs_layout_reserved(req->name))
		return set_layout(c, req, flags);
	r = find(c, req->at, req->path, req->flags, &i);
	if (!r)
		r = bfs_xattr_check(c->cred, i, req->name, true);
	if (!r)
		r = bfs_xattr_set(bfs_call_fs(c), i, req->name, c->out,
				  c->out_len, flags);
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
	for (unsigned own = 1; own <= i->layout.own; own <<= 1)
		if (i->layout.own & own)
			sum += strlen(bfs_layout_attr_name(own)) + 1;
	return sum;
}

static void list(struct bfs_call *c, const struct bfs_inode *i)
{
	const struct bfs_xattr *x;
	char *p = c->in;

	for (unsigned own = 1; own <= i->layout.own; own <<= 1)
		if (i->layout.own & own)
			p = stpcpy(p, bfs_layout_attr_name(own)) + 1;
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

static int unset_layout(struct bfs_call *c,
			const struct bfs_removexattr_req *req)
{
	struct bfs_inode *i;
	int r;

	do {
		r = find(c, req->at, req->path, req->flags, &i);
		if (!r)
			r = bfs_layout_check(c, i, true);
		if (!r)
			r = bfs_layout_unset(c, i, bfs_layout_attr(req->name));
		c->waits += r == 1;
	} while (r == 1);
	return r;
}

int bfs_serve_removexattr(struct bfs_call *c,
			  const struct bfs_removexattr_req *req,
			  struct bfs_removexattr_rep *rep)
{
	struct bfs_inode *i;
	int r;

	if (bfs_layout_attr(req->name))
		return unset_layout(c, req);
	r = find(c, req->at, req->path, req->flags, &i);
	if (!r)
		r = bfs_xattr_check(c->cred, i, req->name, true);
	if (!r)
		r = bfs_xattr_remove(bfs_call_fs(c), i, req->name);
	if (!r)
		bfs_inode_changed(bfs_call_fs(c), i);
	return r;
}
