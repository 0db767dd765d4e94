/* SPDX-License-Identifier: BSD-3-Clause */
/* Is there a directory for each entry, and does it know where they are? */
#include "server/fsck_impl.h"

#include "server/shared.h"

#include <stdlib.h>

struct place {
	struct bfs_fsck_shard *shard;
	uint64_t dir;
};

/* Nothing is added to a table while it is gone through. */
static void list(struct bfs_fsck *ck, struct place **all, size_t *n)
{
	struct bfs_inode *i, *next;

	for (unsigned k = 0; k < ck->nshards; k++) {
		struct bfs_fsck_shard *s = &ck->shard[k];

		if (!s->fs)
			continue;
		BFS_ITABLE_EACH(&s->fs->inodes, i, next)
		{
			struct place p = { s, i->ino };

			if ((!i->mode || S_ISDIR(i->mode)) && i->dir.top &&
			    !bfs_fsck_push(ck, all, n, &p, sizeof(p)))
				return;
		}
	}
}

/* An entry in it, to be told of. */
static const struct bfs_dentry *some(const struct place *p)
{
	return bfs_dir_after(bfs_inode_find(p->shard->fs, p->dir), 0);
}

/* A directory that was never told that this shard has entries of it does not
 * ask for them. */
static void check_part(struct bfs_fsck *ck, const struct place *p,
		       const struct bfs_inode *at_home)
{
	const struct bfs_inode *here = bfs_inode_find(p->shard->fs, p->dir);
	unsigned shard = p->shard->fs->conf.shard;

	if (at_home == here ||
	    (here->mode &&
	     bfs_shards_has(&at_home->dir.shared->holders, shard)))
		return;
	if (bfs_fsck_tell(ck, BFS_DEFECT_COPY, p->shard, p->dir, some(p),
			  "such as this one"))
		bfs_fsck_part(ck, p->shard, p->dir);
}

bool bfs_fsck_no_dir(const struct bfs_fsck *ck, uint64_t ino)
{
	for (size_t n = 0; n < ck->nno_dirs; n++)
		if (ck->no_dirs[n] == ino)
			return true;
	return false;
}

/* NULL: it is not to be made. */
static struct bfs_inode *no_dir(struct bfs_fsck *ck, const struct place *p,
				struct bfs_fsck_shard *home)
{
	if (bfs_fsck_no_dir(ck, p->dir) || /* on another shard */
	    !bfs_fsck_push(ck, &ck->no_dirs, &ck->nno_dirs, &p->dir,
			   sizeof(p->dir)) ||
	    !bfs_fsck_tell(ck, BFS_DEFECT_DIR_MISSING, home, p->dir, some(p),
			   "one of its entries"))
		return NULL;
	return bfs_fsck_make(ck, home, p->dir, S_IFDIR | 0700);
}

static void check(struct bfs_fsck *ck, const struct place *p)
{
	struct bfs_fsck_shard *home = bfs_fsck_home(ck, p->dir);
	struct bfs_inode *i;

	if (!home) {
		ck->unchecked++;
		return;
	}
	i = bfs_inode_find(home->fs, p->dir);
	if (!i || !i->mode)
		i = no_dir(ck, p, home);
	if (i && S_ISDIR(i->mode))
		check_part(ck, p, i);
}

void bfs_fsck_dirs(struct bfs_fsck *ck)
{
	struct place *all = NULL;
	size_t n = 0;

	list(ck, &all, &n);
	for (size_t k = 0; !ck->failed && k < n; k++)
		check(ck, &all[k]);
	free(all);
}
