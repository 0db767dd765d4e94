/* SPDX-License-Identifier: BSD-3-Clause */
/* What fsck changes, in memory; each change is noted in its shard's journal. */
#include "server/fsck_impl.h"

#include "core/log.h"
#include "core/util.h"
#include "server/copies.h"
#include "server/shared.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOST "lost+found"
#define NUMBER (((uint64_t)1 << BFS_SHARD_SHIFT) - 1)

static void *failed(struct bfs_fsck *ck, int e, const char *what)
{
	if (!ck->failed)
		bfs_log(error, "cannot %s: %s", what, strerror(-e));
	ck->failed = ck->failed ? ck->failed : e;
	return NULL;
}

void bfs_fsck_drop(struct bfs_fsck_ref *r)
{
	struct bfs_fs *fs = r->shard->fs;
	struct bfs_inode *dir;

	if (!r->d)
		return;
	dir = r->d->dir;
	if (S_ISDIR(r->d->type))
		dir->nlink--;
	bfs_note_entry_gone(fs, r->d);
	bfs_dir_unload(r->d);
	r->d = NULL;
	bfs_inode_modified(fs, dir);
}

static const struct bfs_inode *root_of(const struct bfs_fsck *ck)
{
	const struct bfs_fsck_shard *s = bfs_fsck_home(ck, BFS_ROOT_INO);

	return s ? bfs_inode_find(s->fs, BFS_ROOT_INO) : NULL;
}

/* As if it had been made at the top. */
static struct bfs_layout plain_layout(const struct bfs_fsck *ck)
{
	const struct bfs_inode *root = root_of(ck);
	struct bfs_layout l = { .policy = BFS_POLICY_WHOLE,
				.chunk_log2 = BFS_CHUNK_LOG2_DEFAULT };

	if (root && root->mode) {
		l = bfs_layout_below(root->layout);
		if (l.policy == BFS_POLICY_STRIPE)
			l.policy = BFS_POLICY_WHOLE;
	}
	return l;
}

uint32_t bfs_fsck_subdirs(const struct bfs_inode *dir)
{
	struct bfs_dir_iter it;
	const struct bfs_dentry *d;
	uint32_t n = 0;

	bfs_dir_iter_init(&it, dir, 0);
	while ((d = bfs_dir_iter_next(&it)))
		n += S_ISDIR(d->type) ? 1 : 0;
	return n;
}

struct bfs_inode *bfs_fsck_make(struct bfs_fsck *ck,
				struct bfs_fsck_shard *home, uint64_t ino,
				uint32_t mode)
{
	struct bfs_fs *fs = home->fs;
	struct bfs_inode *i = bfs_inode_find(fs, ino);

	if (!i)
		i = bfs_inode_restore(fs, ino);
	if (!i || (S_ISDIR(mode) && !i->dir.shared && bfs_shared_attach(fs, i)))
		return failed(ck, -ENOMEM, "make an inode");
	fs->counter = BFS_MAX(fs->counter, ino & NUMBER);
	bfs_journal_count(home->journal);
	i->mode = mode;
	i->uid = fs->euid;
	i->gid = fs->egid;
	i->nlink = S_ISDIR(mode) ? 2 + bfs_fsck_subdirs(i) : 1;
	i->layout = plain_layout(ck);
	i->atime = i->mtime = i->ctime = i->btime = bfs_fs_now(fs);
	bfs_note_inode(fs, i);
	return i;
}

struct bfs_inode *bfs_fsck_part(struct bfs_fsck *ck, struct bfs_fsck_shard *s,
				uint64_t dir)
{
	struct bfs_fsck_shard *home = bfs_fsck_home(ck, dir);
	struct bfs_inode *i, *at_home = bfs_inode_find(home->fs, dir);

	if (home == s)
		return at_home;
	i = bfs_copy_get(s->fs, dir);
	if (i && !i->mode) { /* only its entries were known */
		i->mode = S_IFDIR;
		i->nlink = 2;
		if (!i->dir.shared && bfs_shared_attach(s->fs, i))
			i = NULL;
	}
	if (!i || bfs_holder_add(home->fs, at_home, s->fs->conf.shard))
		return failed(ck, -ENOMEM, "make a part of a directory");
	if (!i->dir.shared->copy) {
		i->dir.shared->copy = i->dir.shared->stale = true;
		bfs_copies_enlist(s->fs, i->dir.shared);
	}
	bfs_note_inode(s->fs, i);
	return i;
}

static struct bfs_fsck_shard *place(const struct bfs_fsck *ck, uint64_t dir,
				    struct bfs_str name)
{
	return &ck->shard[bfs_shared_place(ck->shard[0].fs, dir, name)];
}

static struct bfs_inode *
make_lost(struct bfs_fsck *ck, struct bfs_fsck_shard *s, struct bfs_str name)
{
	const struct bfs_inode *root = root_of(ck);
	struct bfs_inode *top = bfs_fsck_part(ck, s, BFS_ROOT_INO), *i;

	if (!top)
		return NULL;
	i = bfs_inode_new(s->fs, S_IFDIR | 0700, root->uid, root->gid);
	if (!i || bfs_dir_add(s->fs, top, name, i))
		return failed(ck, -ENOMEM, "make " LOST);
	i->layout = bfs_layout_below(root->layout);
	return i;
}

/* What has that name already, at its home; NULL: nothing. */
static struct bfs_inode *named(const struct bfs_fsck *ck,
			       const struct bfs_fsck_shard *s,
			       struct bfs_str name)
{
	const struct bfs_inode *top = bfs_inode_find(s->fs, BFS_ROOT_INO);
	const struct bfs_dentry *d = top && S_ISDIR(top->mode)
					     ? bfs_dir_find(s->fs, top, name)
					     : NULL;
	struct bfs_fsck_shard *home =
		d ? bfs_fsck_home(ck, bfs_dentry_ino(d)) : NULL;

	return home ? bfs_inode_find(home->fs, bfs_dentry_ino(d)) : NULL;
}

static struct bfs_inode *lost(struct bfs_fsck *ck)
{
	const struct bfs_inode *root = root_of(ck);
	char text[32] = LOST;

	if (ck->lost)
		return ck->lost;
	if (!root || !S_ISDIR(root->mode))
		return failed(ck, -EUCLEAN, "find the top directory");
	for (unsigned n = 1; !ck->lost && !ck->failed && n < 100; n++) {
		struct bfs_str name = { text, (uint32_t)strlen(text) };
		struct bfs_fsck_shard *s = place(ck, BFS_ROOT_INO, name);
		struct bfs_inode *i = named(ck, s, name);

		if (!i)
			ck->lost = make_lost(ck, s, name);
		else if (S_ISDIR(i->mode))
			ck->lost = i;
		snprintf(text, sizeof(text), LOST ".%u", n);
	}
	return ck->lost;
}

/* Under its number, which nobody else has. */
static void put(struct bfs_fsck *ck, struct bfs_fsck_shard *home,
		struct bfs_inode *i, struct bfs_inode *dir)
{
	char text[32];
	struct bfs_str name = { text, 0 };
	struct bfs_fsck_shard *s;
	struct bfs_inode *part;

	name.len =
		(uint32_t)snprintf(text, sizeof(text), "#%016" PRIx64, i->ino);
	s = place(ck, dir->ino, name);
	part = bfs_fsck_part(ck, s, dir->ino);
	if (!part)
		return;
	if (bfs_dir_put(s->fs, part, name, i->ino, i->mode)) {
		failed(ck, -ENOMEM, "make a name in " LOST);
		return;
	}
	if (S_ISDIR(i->mode))
		bfs_shared_named(home->fs, i, dir->ino, name);
	else
		i->nlink = 1;
	i->orphan = i->linkable = false;
	i->ctime = bfs_fs_now(home->fs);
	bfs_note_inode(home->fs, i);
}

void bfs_fsck_to_lost(struct bfs_fsck *ck, struct bfs_fsck_shard *home,
		      struct bfs_inode *i, struct bfs_fsck_node *n)
{
	struct bfs_inode *dir = lost(ck);

	if (!dir)
		return;
	for (size_t k = 0; n && k < n->refs; k++)
		bfs_fsck_drop(bfs_fsck_ref(ck, n, k));
	if (n)
		n->refs = 0;
	put(ck, home, i, dir);
}
