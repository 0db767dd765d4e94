/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/node.h"

#include "server/data.h"
#include "server/perm.h"
#include "server/quota.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_target(struct bfs_inode *i, struct bfs_str target)
{
	i->link.target = malloc(target.len + 1);
	if (!i->link.target)
		return -ENOMEM;
	memcpy(i->link.target, target.ptr, target.len);
	i->link.target[target.len] = '\0';
	i->link.len = target.len;
	return 0;
}

/* What belongs to its type. */
static int furnish(struct bfs_fs *fs, struct bfs_inode *i, struct bfs_node *n)
{
	int r = 0;

	if (S_ISREG(i->mode)) {
		r = bfs_data_create(fs, i, n->flags);
		n->fd = n->flags == BFS_DATA_NO_FD ? -1 : r;
	} else if (S_ISFIFO(i->mode)) {
		r = bfs_data_create(fs, i, 0);
	} else if (S_ISLNK(i->mode)) {
		r = set_target(i, n->target);
	} else if (S_ISSOCK(i->mode)) {
		i->backed = true; /* the client binds it */
	}
	return r < 0 ? r : 0;
}

struct bfs_inode *bfs_node_make(struct bfs_fs *fs, const struct bfs_cred *cred,
				const struct bfs_inode *dir, struct bfs_node *n,
				int *err)
{
	uint32_t mode = n->mode, gid;
	struct bfs_inode *i;

	n->fd = -1;
	*err = bfs_quota_admit(fs, cred->uid);
	if (*err)
		return NULL;
	bfs_perm_inherit(cred, dir, &mode, &gid);
	i = bfs_inode_new(fs, mode, cred->uid, gid);
	if (!i) {
		*err = -ENOMEM;
		return NULL;
	}
	i->layout = bfs_layout_below(dir->layout);
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode))
		i->dev.rdev = n->rdev;
	*err = furnish(fs, i, n);
	if (!*err)
		return i;
	n->fd = -1;
	bfs_inode_free(fs, i);
	return NULL;
}

struct bfs_inode *bfs_node_enter(struct bfs_fs *fs, const struct bfs_cred *cred,
				 const struct bfs_walk *w, struct bfs_node *n,
				 int *err)
{
	struct bfs_inode *i = bfs_node_make(fs, cred, w->dir, n, err);

	if (!i)
		return NULL;
	*err = bfs_dir_add(fs, w->dir, w->last, i);
	if (!*err)
		return i;
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	bfs_inode_free(fs, i);
	return NULL;
}

void bfs_node_dropped(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (S_ISDIR(i->mode))
		i->nlink = 0;
	/* Nobody will see a ctime of what goes at once. */
	if (i->nlink || bfs_orphan_stays(fs, i))
		bfs_inode_changed(fs, i);
	if (!i->nlink)
		bfs_orphan_add(fs, i);
}

void bfs_node_leave(struct bfs_fs *fs, struct bfs_dentry *d)
{
	struct bfs_inode *i = bfs_dentry_inode(d);

	bfs_dir_remove(fs, d);
	bfs_node_dropped(fs, i);
}
