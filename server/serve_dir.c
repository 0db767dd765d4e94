/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories read: readdir and getpath. */
#include "server/dir.h"
#include "server/perm.h"

#include "core/util.h"

#include <errno.h>
#include <string.h>

struct page {
	struct bfs_call *c;
	struct bfs_fs *fs;
	struct bfs_inode *dir;
	struct bfs_wire w;
	bool attrs; /* the caller wants and may see attributes */
	unsigned count;
};

/* Of an entry whose attributes are not told, inode and type are;
 * nlink 0 tells. */
static void attr_of(const struct page *p, struct bfs_inode *i,
		    struct bfs_attr *a)
{
	if (p->attrs && !bfs_inode_attr(p->fs, i, a))
		return;
	*a = (struct bfs_attr){ .ino = i->ino, .mode = i->mode & S_IFMT };
}

/* One entry if it still fits; else 0. */
static bool put(struct page *p, uint64_t cursor, struct bfs_str name,
		struct bfs_inode *i)
{
	struct bfs_dirent d = { .cursor = cursor, .name = name };
	struct bfs_wire before = p->w;

	if (p->w.end - p->w.pos < BFS_DIRENT_MAX - BFS_NAME_MAX + name.len)
		return false;
	attr_of(p, i, &d.attr);
	bfs_dirent_put(&p->w, &d);
	if (bfs_wire_end(&p->w)) {
		p->w = before;
		return false;
	}
	p->count++;
	return true;
}

static bool put_dots(struct page *p, uint64_t cursor)
{
	struct bfs_inode *up = bfs_dir_parent(p->fs, p->dir);

	if (cursor < BFS_CURSOR_DOT &&
	    !put(p, BFS_CURSOR_DOT, BFS_STR("."), p->dir))
		return false;
	if (cursor < BFS_CURSOR_DOTDOT &&
	    !put(p, BFS_CURSOR_DOTDOT, BFS_STR(".."), up ? up : p->dir))
		return false;
	return true;
}

/* True: that was all. */
static bool fill(struct page *p, uint64_t cursor)
{
	struct bfs_dentry *d;

	if (!put_dots(p, cursor))
		return false;
	for (d = bfs_dir_after(p->dir, cursor); d;
	     d = bfs_dir_after(p->dir, d->cursor))
		if (!put(p, d->cursor, (struct bfs_str){ d->name, d->len },
			 d->inode))
			return false;
	return true;
}

int bfs_serve_readdir(struct bfs_call *c, const struct bfs_readdir_req *req,
		      struct bfs_readdir_rep *rep)
{
	struct page p = { .c = c, .fs = bfs_call_fs(c) };
	size_t size = BFS_MIN(req->size, c->in_cap);

	p.dir = bfs_inode_of(p.fs, req->at);
	if (!p.dir)
		return -ESTALE;
	if (!(req->at.rights & BFS_RIGHT_READ))
		return -EBADF;
	if (!S_ISDIR(p.dir->mode))
		return -ENOTDIR;
	if (!p.dir->nlink)
		return -ENOENT;
	p.attrs = !(req->flags & BFS_READDIR_NAMES) &&
		  !bfs_perm_check(c->cred, p.dir, BFS_MAY_EXEC);
	bfs_wire_init(&p.w, c->in, size);
	rep->eof = fill(&p, req->cursor);
	if (!p.count && !rep->eof)
		return -EINVAL; /* not even one fits, as getdents */
	c->in_len = (size_t)(p.w.pos - (uint8_t *)c->in);
	if (!req->cursor)
		bfs_inode_accessed(p.fs, p.dir);
	return 0;
}

/* Prepend "/name" for each step up; where the path begins, or NULL. */
static char *climb(const struct bfs_fs *fs, const struct bfs_inode *i,
		   char *start, char *p)
{
	while (i != fs->root) {
		const struct bfs_dentry *d = i->names;

		if (p - start < d->len + 1)
			return NULL;
		p -= d->len;
		memcpy(p, d->name, d->len);
		*--p = '/';
		i = d->dir;
	}
	return p;
}

int bfs_serve_getpath(struct bfs_call *c, const struct bfs_getpath_req *req,
		      struct bfs_getpath_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i = bfs_inode_of(fs, req->at);
	char *end = c->escape_path + sizeof(c->escape_path) - 1, *p;

	if (!i)
		return -ESTALE;
	if (i != fs->root && !i->names)
		return -ENOENT;
	p = climb(fs, i, c->escape_path, end);
	if (!p)
		return -ENAMETOOLONG;
	if (p == end)
		*--p = '/';
	rep->path = (struct bfs_str){ p, (uint32_t)(end - p) };
	return 0;
}
