/* SPDX-License-Identifier: BSD-3-Clause */
/* Does each name lead to an inode of its type? */
#include "server/fsck_impl.h"

/* Has a file whose inode is missing data at its home? */
static bool has_data(const struct bfs_fsck *ck,
		     const struct bfs_fsck_shard *home, uint64_t ino)
{
	for (size_t n = 0; n < ck->nstrays; n++)
		if (ck->strays[n].ino == ino && ck->strays[n].shard == home &&
		    !ck->strays[n].empty)
			return true;
	return false;
}

/* That is its, and so are the chunks if it is striped, as what is in that
 * directory is. */
static void claim(struct bfs_fsck *ck, const struct bfs_fsck_shard *home,
		  const struct bfs_fsck_ref *r)
{
	bool striped = r->d->dir->layout.policy == BFS_POLICY_STRIPE;

	for (size_t n = 0; n < ck->nstrays; n++)
		if (ck->strays[n].ino == r->ino &&
		    (striped || ck->strays[n].shard == home))
			ck->strays[n].ino = 0;
}

/* Its name and content are more than nothing. */
static void make_file(struct bfs_fsck *ck, struct bfs_fsck_shard *home,
		      const struct bfs_fsck_ref *r, size_t names)
{
	struct bfs_inode *i = bfs_fsck_make(ck, home, r->ino, S_IFREG | 0600);
	struct bfs_fsck_node *n = bfs_fsck_node(ck, r->ino);

	if (!i)
		return;
	if (n)
		n->backed = true;
	i->layout = bfs_layout_below(r->d->dir->layout);
	i->nlink = (uint32_t)names;
	i->backed = true;
	bfs_note_inode(home->fs, i);
}

static void missing(struct bfs_fsck *ck, struct bfs_fsck_shard *home,
		    struct bfs_fsck_ref *r, size_t names)
{
	if (S_ISREG(r->d->type) && has_data(ck, home, r->ino)) {
		claim(ck, home, r);
		if (bfs_fsck_tell(ck, BFS_DEFECT_FILE_MISSING, home, r->ino,
				  r->d, "names: %zu", names))
			make_file(ck, home, r, names);
		return;
	}
	for (size_t n = 0; n < names; n++)
		if (bfs_fsck_tell(ck, BFS_DEFECT_ENTRY, r[n].shard, r->ino,
				  r[n].d, "%s", ""))
			bfs_fsck_drop(&r[n]);
}

static void correct_type(struct bfs_fsck_ref *r, uint32_t mode)
{
	struct bfs_inode *dir = r->d->dir;

	if (S_ISDIR(r->d->type))
		dir->nlink--;
	r->d->type = mode & S_IFMT;
	if (S_ISDIR(r->d->type))
		dir->nlink++;
	bfs_note_entry(r->shard->fs, r->d);
	bfs_note_inode(r->shard->fs, dir);
}

static void check_type(struct bfs_fsck *ck, struct bfs_fsck_ref *r,
		       uint32_t mode)
{
	if (!((r->d->type ^ mode) & S_IFMT))
		return;
	if (bfs_fsck_tell(ck, BFS_DEFECT_TYPE, r->shard, r->ino, r->d,
			  "%o, not %o", mode & S_IFMT, r->d->type))
		correct_type(r, mode);
}

/* All names of one inode. */
static void check(struct bfs_fsck *ck, struct bfs_fsck_ref *r, size_t names)
{
	struct bfs_fsck_shard *home = bfs_fsck_home(ck, r->ino);
	const struct bfs_fsck_node *n = bfs_fsck_node(ck, r->ino);

	if (!home && r->ino >> BFS_SHARD_SHIFT < ck->nshards) {
		ck->unchecked += names;
		return;
	}
	if (bfs_fsck_pending(ck, r->ino) ||
	    (!ck->mending && bfs_fsck_no_dir(ck, r->ino)))
		return;
	if (!home || !n || !n->i->mode) {
		missing(ck, home, r, names);
		return;
	}
	for (size_t k = 0; k < names; k++)
		check_type(ck, &r[k], n->i->mode);
}

void bfs_fsck_names(struct bfs_fsck *ck)
{
	size_t names;

	for (size_t n = 0; !ck->failed && n < ck->nrefs; n += names) {
		for (names = 1; n + names < ck->nrefs; names++)
			if (ck->refs[n + names].ino != ck->refs[n].ino)
				break;
		check(ck, &ck->refs[n], names);
	}
}
