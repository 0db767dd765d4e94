/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/walk.h"

#include "core/util.h"
#include "server/perm.h"

#include <errno.h>
#include <linux/openat2.h>
#include <string.h>

#define LINKS_MAX 40 /* as the kernel */

/* One component of the path. */
struct part {
	struct bfs_str name;
	enum bfs_walk_kind kind;
	bool last, slash;
};

static const char *skip_slashes(const char *p, const char *end)
{
	while (p < end && *p == '/')
		p++;
	return p;
}

static enum bfs_walk_kind kind_of(struct bfs_str name)
{
	if (name.len == 1 && name.ptr[0] == '.')
		return BFS_LAST_DOT;
	if (name.len == 2 && name.ptr[0] == '.' && name.ptr[1] == '.')
		return BFS_LAST_DOTDOT;
	return BFS_LAST_NAME;
}

static int next_part(struct bfs_walk *w, struct part *p)
{
	const char *slash = memchr(w->pos, '/', (size_t)(w->end - w->pos));
	const char *stop = slash ? slash : w->end;

	p->name = (struct bfs_str){ w->pos, (uint32_t)(stop - w->pos) };
	p->kind = kind_of(p->name);
	p->slash = slash;
	w->pos = skip_slashes(stop, w->end);
	p->last = w->pos == w->end;
	if (p->name.len <= BFS_NAME_MAX)
		return 0;
	w->long_last = p->last;
	return -ENAMETOOLONG;
}

/* The walk ends outside: a, a slash if wanted, and what is left. */
static int escape(struct bfs_call *c, const struct bfs_walk *w,
		  struct bfs_str a, bool slash, uint32_t up)
{
	size_t rest = (size_t)(w->end - w->pos);
	char *p = c->escape_path;

	if (a.len + slash + rest >= BFS_PATH_MAX)
		return -ENAMETOOLONG;
	if (a.len)
		memcpy(p, a.ptr, a.len);
	p += a.len;
	if (slash)
		*p++ = '/';
	memcpy(p, w->pos, rest);
	p += rest;
	c->escape.up = up;
	c->escape.links = w->links;
	c->escape.path = (struct bfs_str){ c->escape_path,
					   (uint32_t)(p - c->escape_path) };
	return -(int)BFS_ESCAPE;
}

/* Put a symlink's target before what is left of the path. */
static int splice(struct bfs_walk *w, struct bfs_str target, bool slash)
{
	size_t rest = (size_t)(w->end - w->pos), room = sizeof(w->room);
	char *end = w->room + room, *p = end - rest;

	if (target.len + slash + rest > room)
		return -ENAMETOOLONG;
	memmove(p, w->pos, rest);
	if (slash)
		*--p = '/';
	p -= target.len;
	memcpy(p, target.ptr, target.len);
	w->pos = p;
	w->end = end;
	return 0;
}

/* w->inode is a symlink to be followed. */
static int follow(struct bfs_call *c, struct bfs_walk *w, const struct part *p)
{
	struct bfs_inode *i = w->inode;
	struct bfs_str target = { i->link.target, i->link.len };
	bool slash = !p->last || p->slash;

	if (w->links++ >= LINKS_MAX || w->resolve & RESOLVE_NO_SYMLINKS)
		return -ELOOP;
	bfs_inode_accessed(bfs_call_fs(c), i);
	if (target.ptr[0] != '/')
		return splice(w, target, slash);
	if (w->resolve & RESOLVE_IN_ROOT) {
		w->dir = w->top;
		target.ptr = skip_slashes(target.ptr, target.ptr + target.len);
		target.len =
			i->link.len - (uint32_t)(target.ptr - i->link.target);
		return splice(w, target.len ? target : BFS_STR("."), slash);
	}
	if (w->resolve & (RESOLVE_BENEATH | RESOLVE_NO_XDEV))
		return -EXDEV;
	return escape(c, w, target, slash, 0);
}

/* One up from w->dir. */
static int look_up_parent(struct bfs_call *c, struct bfs_walk *w)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	bool top = w->dir == w->top;

	if (top && w->resolve & RESOLVE_BENEATH)
		return -EXDEV;
	if (top && w->resolve & RESOLVE_IN_ROOT)
		w->inode = w->dir;
	else if (w->dir != fs->root)
		w->inode = bfs_dir_parent(fs, w->dir);
	else if (w->resolve & RESOLVE_NO_XDEV)
		return -EXDEV;
	else
		return escape(c, w, (struct bfs_str){ 0 }, false, 1);
	return 0;
}

/* What is at p in w->dir?  0 with w->inode, perhaps NULL. */
static int look_up(struct bfs_call *c, struct bfs_walk *w, const struct part *p)
{
	struct bfs_fs *fs = bfs_call_fs(c);

	w->dentry = NULL;
	if (p->kind == BFS_LAST_DOT) {
		w->inode = w->dir;
	} else if (p->kind == BFS_LAST_DOTDOT) {
		return look_up_parent(c, w);
	} else {
		w->dentry = bfs_dir_find(fs, w->dir, p->name);
		w->inode = w->dentry ? w->dentry->inode : NULL;
	}
	return 0;
}

static int end_in_parent(struct bfs_call *c, struct bfs_walk *w,
			 const struct part *p)
{
	if (p->kind == BFS_LAST_NAME)
		return look_up(c, w, p);
	w->inode = NULL;
	w->dentry = NULL;
	return 0;
}

/* The last component, not a symlink to be followed. */
static int end_at(const struct bfs_walk *w, const struct part *p,
		  unsigned flags)
{
	if (!w->inode)
		return flags & BFS_WALK_CREATE && p->kind == BFS_LAST_NAME
			       ? 0
			       : -ENOENT;
	if (p->slash && !S_ISDIR(w->inode->mode))
		return -ENOTDIR;
	return 0;
}

/* One component: 0 goes on, 1 is there, else -errno. */
static int step(struct bfs_call *c, struct bfs_walk *w, unsigned flags)
{
	struct part p;
	int r = bfs_perm_check(c->cred, w->dir, BFS_MAY_EXEC);

	if (!r)
		r = next_part(w, &p);
	if (r)
		return r;
	if (p.last) {
		w->last = p.name;
		w->kind = p.kind;
		w->slash = p.slash;
	}
	if (p.last && flags & BFS_WALK_PARENT) {
		r = end_in_parent(c, w, &p);
		return r ? r : 1;
	}
	if (p.last && p.slash && flags & BFS_WALK_CREATE &&
	    p.kind == BFS_LAST_NAME)
		return -EISDIR;
	r = look_up(c, w, &p);
	if (r)
		return r;
	if (w->inode && S_ISLNK(w->inode->mode) &&
	    (!p.last || p.slash || flags & BFS_WALK_FOLLOW))
		return follow(c, w, &p);
	if (p.last) {
		r = end_at(w, &p, flags);
		return r ? r : 1;
	}
	if (!w->inode)
		return -ENOENT;
	if (!S_ISDIR(w->inode->mode))
		return -ENOTDIR;
	w->dir = w->inode;
	return 0;
}

/* Where the walk starts: 0 goes on, 1 is there already. */
static int start(struct bfs_call *c, struct bfs_walk *w, struct bfs_handle at,
		 struct bfs_str path)
{
	struct bfs_fs *fs = bfs_call_fs(c);

	if (path.len >= BFS_PATH_MAX)
		return -ENAMETOOLONG;
	if (path.len && memchr(path.ptr, 0, path.len))
		return -EINVAL;
	w->pos = path.ptr;
	w->end = path.ptr + path.len;
	if (path.len && path.ptr[0] == '/') {
		w->dir = w->inode = fs->root;
		w->pos = skip_slashes(w->pos, w->end);
		w->kind = BFS_LAST_ROOT;
		w->slash = true;
		return w->pos == w->end;
	}
	w->dir = w->inode = bfs_inode_of(fs, at);
	w->kind = BFS_LAST_SELF;
	/* A working directory that was removed: nothing is found in it. */
	if (!w->inode)
		return path.len ? -ENOENT : -ESTALE;
	if (!path.len)
		return 1;
	return S_ISDIR(w->inode->mode) ? 0 : -ENOTDIR;
}

int bfs_walk(struct bfs_call *c, struct bfs_walk *w, struct bfs_handle at,
	     struct bfs_str path, unsigned flags, uint32_t which)
{
	int r;

	c->escape.which = which;
	w->links = 0;
	w->resolve = flags >> 8;
	w->slash = w->long_last = false;
	w->dentry = NULL;
	w->last = (struct bfs_str){ 0 };
	r = start(c, w, at, path);
	w->top = w->dir;
	while (!r)
		r = step(c, w, flags);
	return r == 1 ? 0 : r;
}

int bfs_walk_to(struct bfs_call *c, struct bfs_handle at, struct bfs_str path,
		bool follow_last, struct bfs_inode **i)
{
	struct bfs_walk w;
	int r = bfs_walk(c, &w, at, path, follow_last ? BFS_WALK_FOLLOW : 0, 0);

	*i = r ? NULL : w.inode;
	return r;
}
