/* SPDX-License-Identifier: BSD-3-Clause */
/* The path of what is open: getpath. */
#include "server/climb.h"
#include "server/dir.h"
#include "server/shared.h"

#include <errno.h>
#include <string.h>

/* Put "/name" before p; where it begins, or NULL. */
static char *prepend(struct bfs_str name, char *start, char *p)
{
	if (p - start < (ptrdiff_t)name.len + 1)
		return NULL;
	p -= name.len;
	memcpy(p, name.ptr, name.len);
	*--p = '/';
	return p;
}

/* The name of i and the directory that it is in. */
static int place_of(struct bfs_call *c, struct bfs_inode *i,
		    struct bfs_str *name, uint64_t *parent)
{
	const struct bfs_dentry *d = i->names;

	if (d) {
		*name = (struct bfs_str){ d->name, d->len };
		*parent = d->dir->ino;
		return 0;
	}
	if (!S_ISDIR(i->mode) || !i->dir.shared)
		return -ENOENT;
	*name = bfs_shared_name(i);
	*parent = i->dir.parent;
	return name->len && i->nlink ? 0 : -ENOENT;
}

/* Steps up to the root; where the path begins, or NULL and *err. */
static char *climb(struct bfs_call *c, struct bfs_inode *i, char *p, int *err)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_str name;
	uint64_t parent;

	while (i != fs->root) {
		*err = place_of(c, i, &name, &parent);
		if (*err)
			return NULL;
		*err = -ENAMETOOLONG;
		p = prepend(name, c->escape_path, p);
		if (!p)
			return NULL;
		*err = 0;
		i = i->names ? i->names->dir : bfs_inode_find(fs, parent);
		if (bfs_fs_clustered(fs))
			*err = bfs_climb(c, parent, &i);
		if (*err)
			return NULL;
	}
	return p;
}

int bfs_serve_getpath(struct bfs_call *c, const struct bfs_getpath_req *req,
		      struct bfs_getpath_rep *rep)
{
	char *end = c->escape_path + sizeof(c->escape_path) - 1, *p;
	struct bfs_inode *i = bfs_inode_of(bfs_call_fs(c), req->at);
	int r = 0;

	if (!i)
		return -ESTALE;
	p = climb(c, i, end, &r);
	if (!p)
		return r;
	if (p == end)
		*--p = '/';
	rep->path = (struct bfs_str){ p, (uint32_t)(end - p) };
	return 0;
}
