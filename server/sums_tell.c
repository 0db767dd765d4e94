/* SPDX-License-Identifier: BSD-3-Clause */
/* Damaged content: which file of which node it is. */
#include "server/sums.h"

#include "core/datafile.h"
#include "core/log.h"
#include "core/util.h"
#include "server/dir.h"
#include "server/shared.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct path {
	char buf[1024], *at; /* from its end to its front */
};

static bool put(struct path *p, struct bfs_str name)
{
	if ((size_t)(p->at - p->buf) <= name.len)
		return false;
	p->at -= name.len;
	memcpy(p->at, name.ptr, name.len);
	*--p->at = '/';
	return true;
}

/* The directory above, and the name in it; as far as it is known here. */
static const struct bfs_inode *
above(const struct bfs_fs *fs, const struct bfs_inode *i, struct bfs_str *name)
{
	const struct bfs_dentry *d = i->names;

	if (d) {
		*name = (struct bfs_str){ d->name, d->len };
		return d->dir;
	}
	if (!S_ISDIR(i->mode) || !i->dir.shared)
		return NULL;
	*name = bfs_shared_name(i);
	return name->len ? bfs_inode_find(fs, i->dir.parent) : NULL;
}

/* Below the top, or below what is known of it. */
static const char *path_of(const struct bfs_fs *fs, uint64_t ino,
			   struct path *p)
{
	const struct bfs_inode *i = bfs_inode_find(fs, ino);
	struct bfs_str name = { 0 };

	p->at = p->buf + sizeof(p->buf) - 1;
	*p->at = '\0';
	for (int depth = 0; i && i->ino != BFS_ROOT_INO && depth < 128;
	     depth++) {
		i = above(fs, i, &name);
		if (i && !put(p, name))
			break;
	}
	return *p->at ? p->at : "(no name here)";
}

void bfs_sums_tell(struct bfs_fs *fs, uint64_t ino, uint64_t offset,
		   const char *what)
{
	char host[65] = "?", name[BFS_DATA_NAME_LEN];
	struct path p;

	gethostname(host, sizeof(host) - 1);
	bfs_data_name(name, ino);
	bfs_log(error,
		"damaged content on node %s: %s at offset %llu of file %s, "
		"inode %llu, data file %s/data/%s",
		host, what, (unsigned long long)offset, path_of(fs, ino, &p),
		(unsigned long long)ino, fs->conf.data_dir, name);
}
