/* SPDX-License-Identifier: BSD-3-Clause */
/* The path of what is open: getpath. */
#include "server/climb.h"
#include "server/dir.h"
#include "server/found.h"
#include "server/hint.h"
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

/* A step up: the name, which may lie in room, and the directory it is in. */
struct step {
	uint64_t ino, dir;
	struct bfs_str name;
	char room[BFS_NAME_MAX];
};

/* The name is on another shard: is it the file's still?  Without a fiber
 * nothing has been asked. */
static int ask_entry(struct bfs_call *c, struct step *s)
{
	struct bfs_found *list = NULL;
	const struct bfs_found *found;
	int r;

	memcpy(s->room, s->name.ptr, s->name.len);
	s->name.ptr = s->room;
	if (bfs_shared_place(bfs_call_fs(c), s->dir, s->name) ==
	    bfs_call_fs(c)->conf.shard)
		return -ENOENT; /* it would be known */
	r = bfs_found_get(c,
			  &(struct bfs_need){ .kind = BFS_NEED_ENTRY,
					      .ino = s->dir,
					      .name = s->name },
			  &list);
	found = bfs_found_entry(list, s->dir, s->name);
	if (!r && (!found || found->ino != s->ino))
		r = -ENOENT;
	bfs_found_free(list);
	return r;
}

/* It may wait, and i be gone then. */
static int step_up(struct bfs_call *c, const struct bfs_inode *i,
		   struct step *s)
{
	const struct bfs_dentry *d = i->names;

	s->ino = i->ino;
	if (d) {
		s->name = (struct bfs_str){ d->name, d->len };
		s->dir = d->dir->ino;
		return 0;
	}
	if (!S_ISDIR(i->mode)) {
		s->dir = bfs_hint_get(i, &s->name);
		return s->dir ? ask_entry(c, s) : -ENOENT;
	}
	if (!i->dir.shared)
		return -ENOENT;
	s->name = bfs_shared_name(i);
	s->dir = i->dir.parent;
	return s->name.len && i->nlink ? 0 : -ENOENT;
}

/* Steps up to the root; where the path begins, or NULL and *err. */
static char *climb(struct bfs_call *c, struct bfs_inode *i, char *p, int *err)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct step s;

	while (i != fs->root) {
		*err = step_up(c, i, &s);
		if (*err)
			return NULL;
		*err = -ENAMETOOLONG;
		p = prepend(s.name, c->escape_path, p);
		if (!p)
			return NULL;
		*err = 0;
		i = bfs_inode_find(fs, s.dir);
		if (bfs_fs_clustered(fs))
			*err = bfs_climb(c, s.dir, &i);
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
