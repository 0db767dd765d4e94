/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/walk.h"

#include "core/util.h"
#include "server/hold.h"
#include "server/making.h"
#include "server/perm.h"
#include "server/route.h"
#include "server/shared.h"

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

static int need(struct bfs_walk *w, enum bfs_need_kind kind, uint64_t ino,
		struct bfs_str name)
{
	w->need = (struct bfs_need){ kind, ino, name };
	return -BFS_NEED;
}

/* The target of the symlink that was found. */
static int target_of(struct bfs_call *c, struct bfs_walk *w,
		     struct bfs_str *target)
{
	const struct bfs_found *f;

	if (w->inode) {
		bfs_inode_accessed(bfs_call_fs(c), w->inode);
		*target = (struct bfs_str){ w->inode->link.target,
					    w->inode->link.len };
		return 0;
	}
	f = bfs_found_target(w->found, w->ino);
	if (!f)
		return need(w, BFS_NEED_TARGET, w->ino, BFS_STR(""));
	*target = (struct bfs_str){ f->text, f->len };
	return 0;
}

/* What was found is a symlink to be followed. */
static int follow(struct bfs_call *c, struct bfs_walk *w, const struct part *p)
{
	bool slash = !p->last || p->slash;
	struct bfs_str target;
	const char *end;
	int r;

	if (w->links >= LINKS_MAX || w->resolve & RESOLVE_NO_SYMLINKS)
		return -ELOOP;
	r = target_of(c, w, &target);
	if (r)
		return r;
	w->links++;
	if (target.ptr[0] != '/')
		return splice(w, target, slash);
	if (w->resolve & RESOLVE_IN_ROOT) {
		w->dir = w->top;
		end = target.ptr + target.len;
		target.ptr = skip_slashes(target.ptr, end);
		target.len = (uint32_t)(end - target.ptr);
		return splice(w, target.len ? target : BFS_STR("."), slash);
	}
	if (w->resolve & (RESOLVE_BENEATH | RESOLVE_NO_XDEV))
		return -EXDEV;
	return escape(c, w, target, slash, 0);
}

/* A directory that is to be walked through: here, and not being changed? */
static int enter(struct bfs_walk *w, uint64_t ino, struct bfs_inode *i)
{
	if (!i || (i->dir.shared && i->dir.shared->stale))
		return need(w, BFS_NEED_DIR, ino, BFS_STR(""));
	if (!bfs_shared_usable(i))
		return need(w, BFS_NEED_CHANGE, ino, BFS_STR(""));
	w->inode = i;
	return 0;
}

/* One up from w->dir. */
static int look_up_parent(struct bfs_call *c, struct bfs_walk *w)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	bool top = w->dir == w->top;

	if (top && w->resolve & RESOLVE_BENEATH)
		return -EXDEV;
	if (top && w->resolve & RESOLVE_IN_ROOT) {
		w->inode = w->dir;
		return 0;
	}
	if (w->dir == fs->root && w->resolve & RESOLVE_NO_XDEV)
		return -EXDEV;
	if (w->dir == fs->root)
		return escape(c, w, (struct bfs_str){ 0 }, false, 1);
	w->inode = bfs_dir_parent(fs, w->dir);
	if (bfs_fs_clustered(fs))
		return enter(w, w->dir->dir.parent, w->inode);
	return 0;
}

static void found(struct bfs_walk *w, uint64_t ino, uint32_t type)
{
	w->ino = ino;
	w->type = type & S_IFMT;
}

/* What an entry of another shard names; it is not the last one. */
static int look_up_far(struct bfs_call *c, struct bfs_walk *w,
		       const struct part *p)
{
	struct bfs_inode *i =
		bfs_copy_named(bfs_call_fs(c), w->dir->ino, p->name);
	const struct bfs_found *f;

	if (i && bfs_shared_usable(i)) {
		w->inode = i;
		found(w, i->ino, S_IFDIR);
		return 0;
	}
	f = bfs_found_entry(w->found, w->dir->ino, p->name);
	if (!f)
		return need(w, BFS_NEED_ENTRY, w->dir->ino, p->name);
	if (f->ino)
		found(w, f->ino, f->type);
	if (!S_ISDIR(f->type)) {
		w->inode = S_ISLNK(f->type)
				   ? bfs_inode_here(bfs_call_fs(c), f->ino)
				   : NULL;
		return 0;
	}
	return enter(w, f->ino, bfs_inode_find(bfs_call_fs(c), f->ino));
}

/* The last entry is another shard's.  Whoever is to have what is made there
 * asks that shard what there is. */
static int end_far(struct bfs_call *c, struct bfs_walk *w, const struct part *p,
		   unsigned flags)
{
	unsigned to = w->shard;

	if (flags & BFS_WALK_FAR)
		return 0;
	if (flags & BFS_WALK_MAKE)
		to = bfs_making_home(c, w->dir, p->name, S_IFREG);
	else if (flags & BFS_WALK_MAKE_NODE)
		to = bfs_making_home(c, w->dir, p->name, S_IFIFO);
	if (to == bfs_call_fs(c)->conf.shard)
		return 0;
	return bfs_route_entry(c, w, p->name, p->slash, to);
}

/* In a directory of a cluster. */
static int look_up_shared(struct bfs_call *c, struct bfs_walk *w,
			  const struct part *p, unsigned flags)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	unsigned shard = bfs_shared_place(fs, w->dir->ino, p->name);
	const struct bfs_dentry *d;

	w->dir->dir.shared->used = true;
	if (p->last)
		w->shard = shard;
	if (shard != fs->conf.shard) {
		if (!p->last || flags & BFS_WALK_INO)
			return look_up_far(c, w, p);
		return end_far(c, w, p, flags);
	}
	if (bfs_hold_entry_held(fs, w->dir->ino, p->name))
		return need(w, BFS_NEED_CHANGE, w->dir->ino, p->name);
	if (flags & BFS_WALK_CHANGE && p->last && w->dir->dir.shared->copy &&
	    !w->dir->dir.shared->told)
		return need(w, BFS_NEED_TOLD, w->dir->ino, p->name);
	d = w->dentry = bfs_dir_find(fs, w->dir, p->name);
	if (!d)
		return 0;
	w->inode = bfs_dentry_inode(d);
	found(w, bfs_dentry_ino(d), d->type);
	if (S_ISDIR(d->type) && !p->last)
		return enter(w, bfs_dentry_ino(d),
			     bfs_inode_find(fs, bfs_dentry_ino(d)));
	return 0;
}

/* What is at p in w->dir?  0 with w->inode, perhaps NULL. */
static int look_up(struct bfs_call *c, struct bfs_walk *w, const struct part *p,
		   unsigned flags)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	int r = 0;

	w->dentry = NULL;
	w->inode = NULL;
	w->ino = 0;
	w->type = 0;
	if (p->kind == BFS_LAST_NAME && bfs_fs_clustered(fs))
		return look_up_shared(c, w, p, flags);
	if (p->kind == BFS_LAST_DOT) {
		w->inode = w->dir;
	} else if (p->kind == BFS_LAST_DOTDOT) {
		r = look_up_parent(c, w);
	} else {
		w->dentry = bfs_dir_find(fs, w->dir, p->name);
		w->inode = w->dentry ? bfs_dentry_inode(w->dentry) : NULL;
	}
	if (!r && w->inode)
		found(w, w->inode->ino, w->inode->mode);
	return r;
}

static int end_in_parent(struct bfs_call *c, struct bfs_walk *w,
			 const struct part *p, unsigned flags)
{
	if (p->kind == BFS_LAST_NAME)
		return look_up(c, w, p, flags);
	w->inode = NULL;
	w->dentry = NULL;
	w->ino = 0;
	return 0;
}

/* The last component, not a symlink to be followed. */
static int end_at(struct bfs_call *c, struct bfs_walk *w, const struct part *p,
		  unsigned flags)
{
	struct bfs_fs *fs = bfs_call_fs(c);

	if (!w->ino)
		return flags & BFS_WALK_CREATE && p->kind == BFS_LAST_NAME
			       ? 0
			       : -ENOENT;
	if (p->slash && !S_ISDIR(w->type))
		return -ENOTDIR;
	if (bfs_shared_home(fs, w->ino) != fs->conf.shard &&
	    !(flags & BFS_WALK_INO))
		return bfs_route_inode(c, w, w->ino);
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
		r = end_in_parent(c, w, &p, flags);
		return r ? r : 1;
	}
	if (p.last && p.slash && flags & BFS_WALK_CREATE &&
	    p.kind == BFS_LAST_NAME)
		return -EISDIR;
	r = look_up(c, w, &p, flags);
	if (r)
		return r;
	if (S_ISLNK(w->type) && (!p.last || p.slash || flags & BFS_WALK_FOLLOW))
		return follow(c, w, &p);
	if (p.last) {
		r = end_at(c, w, &p, flags);
		return r ? r : 1;
	}
	if (!w->ino)
		return -ENOENT;
	if (!S_ISDIR(w->type))
		return -ENOTDIR;
	w->dir = w->inode;
	return 0;
}

/* w->dir is where it starts; there: that is all. */
static int start_at(struct bfs_call *c, struct bfs_walk *w, unsigned flags,
		    bool there)
{
	struct bfs_fs *fs = bfs_call_fs(c);

	found(w, w->dir->ino, S_IFDIR);
	w->top = w->dir;
	if (!bfs_fs_clustered(fs))
		return there;
	if (there && bfs_shared_home(fs, w->ino) != fs->conf.shard &&
	    !(flags & BFS_WALK_INO))
		return bfs_route_inode(c, w, w->ino);
	return there ? 1 : enter(w, w->dir->ino, w->dir);
}

/* Where the walk starts: 0 goes on, 1 is there already. */
static int start(struct bfs_call *c, struct bfs_walk *w, struct bfs_handle at,
		 struct bfs_str path, unsigned flags)
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
		return start_at(c, w, flags, w->pos == w->end);
	}
	w->kind = BFS_LAST_SELF;
	w->dir = w->inode = bfs_inode_of(fs, at);
	if (!w->inode && path.len && bfs_route_far(fs, at))
		return need(w, BFS_NEED_DIR, at.ino, BFS_STR(""));
	if (!w->inode && flags & BFS_WALK_INO && bfs_route_far(fs, at)) {
		found(w, at.ino, 0);
		return 1;
	}
	/* A working directory that was removed: nothing is found in it. */
	if (!w->inode)
		return path.len ? -ENOENT : -ESTALE;
	found(w, w->inode->ino, w->inode->mode);
	if (!path.len)
		return 1;
	return S_ISDIR(w->inode->mode) ? start_at(c, w, flags, false)
				       : -ENOTDIR;
}

static int walk_once(struct bfs_call *c, struct bfs_walk *w,
		     struct bfs_handle at, struct bfs_str path, unsigned flags,
		     uint32_t which)
{
	int r;

	c->escape.which = which;
	w->links = bfs_route_links(c, which);
	w->resolve = flags >> 8;
	w->slash = w->long_last = false;
	w->dentry = NULL;
	w->ino = 0;
	w->type = 0;
	w->last = (struct bfs_str){ 0 };
	r = start(c, w, at, path, flags);
	w->top = w->dir;
	if (!r && w->resolve)
		r = bfs_route_top(c, w);
	while (!r)
		r = step(c, w, flags);
	return r == 1 ? 0 : r;
}

int bfs_walk(struct bfs_call *c, struct bfs_walk *w, struct bfs_handle at,
	     struct bfs_str path, unsigned flags, uint32_t which)
{
	int r;

	w->found = NULL;
	do {
		r = walk_once(c, w, at, path, flags, which);
		if (r != -BFS_NEED)
			break;
		c->waits++;
		r = bfs_found_get(c, &w->need, &w->found);
	} while (!r);
	bfs_found_free(w->found);
	w->dir_ino = !r && w->dir ? w->dir->ino : 0;
	return r;
}

int bfs_walk_to(struct bfs_call *c, struct bfs_handle at, struct bfs_str path,
		bool follow_last, struct bfs_inode **i)
{
	struct bfs_walk w;
	int r = bfs_walk(c, &w, at, path, follow_last ? BFS_WALK_FOLLOW : 0, 0);

	*i = r ? NULL : w.inode;
	return r;
}
