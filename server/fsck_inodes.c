/* SPDX-License-Identifier: BSD-3-Clause */
/* Has each inode its names, as many as it says, and does each directory hang
 * below the top? */
#include "server/fsck_impl.h"

#include "core/util.h"
#include "server/shared.h"
#include "server/xattr.h"

#include <string.h>

static struct bfs_fsck_shard *home_of(const struct bfs_fsck *ck,
				      const struct bfs_fsck_node *n)
{
	return bfs_fsck_home(ck, n->i->ino);
}

static const struct bfs_dentry *name_of(const struct bfs_fsck *ck,
					const struct bfs_fsck_node *n)
{
	return n->refs ? bfs_fsck_ref(ck, n, 0)->d : NULL;
}

/* Nothing but attributes is left of it. */
static void check_remains(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	struct bfs_fsck_shard *s = home_of(ck, n);
	struct bfs_xattr *x;

	if (n->i->mode || !bfs_inode_xattrs(n->i))
		return;
	if (!bfs_fsck_tell(ck, BFS_DEFECT_XATTR, s, n->i->ino, NULL, "%s", ""))
		return;
	while ((x = bfs_inode_xattrs(n->i))) {
		char name[BFS_NAME_MAX];
		struct bfs_str copy = { name, x->len };

		memcpy(name, x->name, x->len);
		bfs_xattr_remove(s->fs, n->i, copy);
	}
}

/* One that is unlinked and was open: a start frees it. */
static bool is_orphan(const struct bfs_inode *i)
{
	return i->orphan && !(S_ISDIR(i->mode) && i->dir.top);
}

static void check_nameless(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	if (is_orphan(n->i))
		return;
	if (ck->missing)
		ck->unchecked++;
	else if (bfs_fsck_tell(ck, BFS_DEFECT_NAMELESS, home_of(ck, n),
			       n->i->ino, NULL, "%s", ""))
		bfs_fsck_to_lost(ck, home_of(ck, n), n->i, n);
}

static void check_links(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	if (n->i->nlink == n->refs && !n->i->orphan)
		return;
	if (ck->missing) {
		ck->unchecked++;
		return;
	}
	if (!bfs_fsck_tell(ck, BFS_DEFECT_LINKS, home_of(ck, n), n->i->ino,
			   name_of(ck, n), "%u, not %zu", n->i->nlink, n->refs))
		return;
	n->i->nlink = (uint32_t)n->refs;
	n->i->orphan = false;
	bfs_note_inode(home_of(ck, n)->fs, n->i);
}

/* Which of its names does it know itself by? */
static size_t right_name(const struct bfs_fsck *ck,
			 const struct bfs_fsck_node *n)
{
	for (size_t k = 0; k < n->refs; k++)
		if (bfs_fsck_ref(ck, n, k)->d->dir->ino == n->i->dir.parent)
			return k;
	return 0;
}

static void check_names(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	size_t keep = right_name(ck, n);
	struct bfs_fsck_ref *r = &ck->refs[n->first], kept = r[keep];

	if (n->refs == 1)
		return;
	r[keep] = r[0];
	r[0] = kept;
	for (size_t k = 1; k < n->refs; k++)
		if (bfs_fsck_tell(ck, BFS_DEFECT_DIR_NAMES, r[k].shard,
				  n->i->ino, r[k].d, "%s", ""))
			bfs_fsck_drop(&r[k]);
	if (ck->mending)
		n->refs = 1;
}

static void check_parent(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	const struct bfs_dentry *d = name_of(ck, n);
	struct bfs_str is = { d->name, d->len }, told = bfs_shared_name(n->i);
	bool right = n->i->dir.parent == d->dir->ino;

	/* one that has just been made anew knows of none */
	if (n->i->dir.shared && n->i->dir.parent)
		right = right && is.len == told.len &&
			!memcmp(is.ptr, told.ptr, is.len);
	if (right || (n->i->dir.parent &&
		      !bfs_fsck_tell(ck, BFS_DEFECT_PARENT, home_of(ck, n),
				     n->i->ino, d, "%016lx", n->i->dir.parent)))
		return;
	if (ck->mending)
		bfs_shared_named(home_of(ck, n)->fs, n->i, d->dir->ino, is);
}

/* What is in it on that shard. */
static void check_count(struct bfs_fsck *ck, struct bfs_fsck_shard *s,
			struct bfs_inode *i, const struct bfs_dentry *name)
{
	uint32_t count = 2 + bfs_fsck_subdirs(i);

	if (i->nlink == count || (i->nlink < 2 && count == 2) ||
	    !bfs_fsck_tell(ck, BFS_DEFECT_DIR_LINKS, s, i->ino, name,
			   "%u, not %u", i->nlink, count))
		return;
	i->nlink = count;
	bfs_note_inode(s->fs, i);
}

/* With several shards, the home counts anew when it starts, and has the others
 * tell what they have. */
static void check_home(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	if (ck->nshards == 1)
		check_count(ck, home_of(ck, n), n->i, name_of(ck, n));
}

static void check_parts(struct bfs_fsck *ck, struct bfs_fsck_shard *s)
{
	struct bfs_inode *i, *next;

	BFS_ITABLE_EACH(&s->fs->inodes, i, next)
	{
		const struct bfs_fsck_node *n;

		if (!S_ISDIR(i->mode) || !i->dir.shared || !i->dir.shared->copy)
			continue;
		n = bfs_fsck_node(ck, i->ino);
		check_count(ck, s, i, n ? name_of(ck, n) : NULL);
	}
}

/* Nothing is above the top. */
static void check_root(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	for (size_t k = 0; k < n->refs; k++) {
		struct bfs_fsck_ref *r = bfs_fsck_ref(ck, n, k);

		if (bfs_fsck_tell(ck, BFS_DEFECT_DIR_NAMES, r->shard, r->ino,
				  r->d, "the top"))
			bfs_fsck_drop(r);
	}
	n->refs = 0;
	n->reached = true;
	check_home(ck, n);
}

static void check(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	if (bfs_fsck_pending(ck, n->i->ino))
		return;
	if (!n->i->mode) {
		check_remains(ck, n);
	} else if (n->i->ino == BFS_ROOT_INO) {
		check_root(ck, n);
	} else if (!n->refs) {
		check_nameless(ck, n);
	} else if (S_ISDIR(n->i->mode)) {
		check_names(ck, n);
		check_parent(ck, n);
		check_home(ck, n);
	} else {
		check_links(ck, n);
	}
}

void bfs_fsck_inodes(struct bfs_fsck *ck)
{
	for (size_t n = 0; !ck->failed && n < ck->nnodes; n++)
		check(ck, &ck->nodes[n]);
	for (unsigned n = 0; !ck->failed && n < ck->nshards; n++)
		if (ck->shard[n].fs)
			check_parts(ck, &ck->shard[n]);
}

/* What it is in; NULL: nothing is above, or nobody knows. */
static struct bfs_fsck_node *above(const struct bfs_fsck *ck,
				   const struct bfs_fsck_node *n)
{
	const struct bfs_dentry *d = name_of(ck, n);

	return d ? bfs_fsck_node(ck, d->dir->ino) : NULL;
}

/* Up to the top, or to what was told of before, or around in a circle. */
static void climb(struct bfs_fsck *ck, struct bfs_fsck_node *from)
{
	struct bfs_fsck_node *n = from, *met;

	while (n && !n->reached && !n->busy) {
		n->busy = true;
		n = above(ck, n);
	}
	met = n && n->busy ? n : NULL;
	for (n = from; n && n->busy; n = above(ck, n)) {
		n->busy = false;
		n->reached = true;
	}
	if (met && bfs_fsck_tell(ck, BFS_DEFECT_CYCLE, home_of(ck, met),
				 met->i->ino, NULL, "%s", ""))
		bfs_fsck_to_lost(ck, home_of(ck, met), met->i, met);
}

void bfs_fsck_tree(struct bfs_fsck *ck)
{
	for (size_t n = 0; !ck->failed && n < ck->nnodes; n++)
		if (S_ISDIR(ck->nodes[n].i->mode))
			climb(ck, &ck->nodes[n]);
}
