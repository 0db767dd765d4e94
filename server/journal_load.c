/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From records to inodes and entries.  What a record joins may come later: an
 * inode that is only named so far has mode 0.
 */
#include "server/journal.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"
#include "server/copies.h"
#include "server/data.h"
#include "server/dir.h"
#include "server/hint.h"
#include "server/shared.h"
#include "server/sums.h"
#include "server/xattr.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

/* The counter in an inode's number. */
#define NUMBER (((uint64_t)1 << BFS_SHARD_SHIFT) - 1)

static struct timespec to_timespec(struct bfs_time t)
{
	return (struct timespec){ t.sec, t.nsec };
}

static struct bfs_inode *get(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_inode *i = bfs_inode_find(fs, ino);

	return i ? i : bfs_inode_restore(fs, ino);
}

static int set_target(struct bfs_inode *i, struct bfs_str target)
{
	char *copy = malloc(target.len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, target.ptr, target.len);
	copy[target.len] = '\0';
	free(i->link.target);
	i->link.target = copy;
	i->link.len = target.len;
	return 0;
}

static int set_fields(struct bfs_inode *i, const struct bfs_rec_inode *r)
{
	if (!bfs_layout_unpack(&i->layout, r->layout))
		return -EBADMSG;
	i->mode = r->mode;
	i->nlink = r->nlink;
	i->uid = r->uid;
	i->gid = r->gid;
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode))
		i->dev.rdev = r->rdev;
	i->atime = to_timespec(r->atime);
	i->mtime = to_timespec(r->mtime);
	i->ctime = to_timespec(r->ctime);
	i->btime = to_timespec(r->btime);
	i->orphan = r->flags & BFS_REC_ORPHAN;
	i->linkable = r->flags & BFS_REC_LINKABLE;
	i->logged = true;
	i->looked = true; /* who knows? */
	if (S_ISREG(i->mode))
		i->file.passed = BFS_PASSED_MANY; /* perhaps: ask its locks */
	i->backed = S_ISREG(i->mode) || S_ISFIFO(i->mode) || S_ISSOCK(i->mode);
	return 0;
}

static int set_dir(struct bfs_fs *fs, struct bfs_inode *i,
		   const struct bfs_rec_inode *r)
{
	bool copy = r->flags & BFS_REC_COPY;

	if (copy && !bfs_fs_clustered(fs))
		return -EBADMSG;
	if (!i->dir.shared && bfs_shared_attach(fs, i))
		return -ENOMEM;
	i->dir.parent = r->parent;
	i->handed = r->flags & BFS_REC_HELD;
	if (copy && !i->dir.shared->copy)
		bfs_copies_enlist(fs, i->dir.shared);
	if (copy)
		i->dir.shared->copy = i->dir.shared->stale = true;
	/* A copy is fetched anew before anybody goes by its name. */
	if (!copy && r->target.len)
		bfs_shared_named(fs, i, r->parent, r->target);
	return 0;
}

static void drop_entries(struct bfs_inode *i)
{
	struct bfs_dentry *d;

	while (i->names)
		bfs_dir_unload(i->names);
	while ((!i->mode || S_ISDIR(i->mode)) && (d = bfs_dir_after(i, 0)))
		bfs_dir_unload(d);
}

int bfs_load_inode(struct bfs_fs *fs, const struct bfs_rec_inode *r, bool gone)
{
	struct bfs_inode *i;

	if (gone) {
		i = bfs_inode_find(fs, r->ino);
		if (i) {
			drop_entries(i);
			bfs_inode_unload(fs, i);
		}
		return 0;
	}
	i = get(fs, r->ino);
	if (!i)
		return -ENOMEM;
	/* Only a directory has entries, and nothing becomes another thing. */
	if ((i->mode && (i->mode ^ r->mode) & S_IFMT) ||
	    (!i->mode && i->dir.top && !S_ISDIR(r->mode)) ||
	    !(r->mode & S_IFMT) || set_fields(i, r))
		return -EBADMSG;
	if (bfs_shared_home(fs, r->ino) == fs->conf.shard)
		fs->counter = BFS_MAX(fs->counter, r->ino & NUMBER);
	if (S_ISDIR(i->mode))
		return set_dir(fs, i, r);
	if (S_ISLNK(i->mode))
		return set_target(i, r->target);
	if (r->parent)
		bfs_hint_set(i, r->parent, r->target);
	return 0;
}

int bfs_load_entry(struct bfs_fs *fs, const struct bfs_rec_entry *r, bool gone)
{
	struct bfs_inode *dir, *i;
	bool here;

	if (gone) {
		dir = bfs_inode_find(fs, r->dir);
		if (dir && dir->mode && !S_ISDIR(dir->mode))
			return -EBADMSG;
		if (dir)
			bfs_dir_unload_at(dir, r->cursor);
		return 0;
	}
	if (!r->name.len || r->name.len > BFS_NAME_MAX || !r->cursor)
		return -EBADMSG;
	here = bfs_shared_home(fs, r->ino) == fs->conf.shard;
	dir = get(fs, r->dir);
	i = here ? get(fs, r->ino) : NULL;
	if (!dir || (here && !i))
		return -ENOMEM;
	if (dir->mode && !S_ISDIR(dir->mode))
		return -EBADMSG;
	return bfs_dir_load(dir, r, i);
}

/* What a holder has changed since we last asked is not in our journal. */
int bfs_load_holder(struct bfs_fs *fs, const struct bfs_rec_holder *r,
		    bool gone)
{
	struct bfs_inode *i =
		gone ? bfs_inode_find(fs, r->ino) : get(fs, r->ino);

	if (!i)
		return gone ? 0 : -ENOMEM;
	if (!bfs_fs_clustered(fs) || (i->mode && !S_ISDIR(i->mode)))
		return -EBADMSG;
	if (!i->dir.shared && bfs_shared_attach(fs, i))
		return -ENOMEM;
	if (gone) {
		bfs_shards_remove(&i->dir.shared->holders, r->shard);
		return 0;
	}
	if (bfs_shards_add(&i->dir.shared->holders, r->shard))
		return -ENOMEM;
	return bfs_shards_add(&i->dir.shared->changed, r->shard);
}

int bfs_load_xattr(struct bfs_fs *fs, const struct bfs_rec_xattr *r, bool gone)
{
	struct bfs_inode *i =
		gone ? bfs_inode_find(fs, r->ino) : get(fs, r->ino);
	int e;

	if (!i)
		return gone ? 0 : -ENOMEM;
	if (gone) {
		e = bfs_xattr_remove(fs, i, r->name);
		return e == -ENODATA ? 0 : e;
	}
	if (!r->name.len || r->name.len > BFS_NAME_MAX)
		return -EBADMSG;
	return bfs_xattr_set(fs, i, r->name, r->value.ptr, r->value.len, 0);
}

int bfs_load_counter(struct bfs_fs *fs, const struct bfs_rec_counter *r,
		     bool gone)
{
	if (!gone && !r->which)
		fs->counter = BFS_MAX(fs->counter, r->limit);
	return 0;
}

static int damaged(const struct bfs_fs *fs, const char *what, uint64_t ino)
{
	bfs_log(error, "data directory %s: inode %016" PRIx64 " %s",
		fs->conf.data_dir, ino, what);
	return -EUCLEAN;
}

/* It would go with one of them, and leave the others to lead nowhere.  A
 * directory has one, the top none, whatever they count. */
static bool too_many_names(const struct bfs_inode *i)
{
	uint64_t n = 0;

	for (const struct bfs_dentry *d = i->names; d; d = d->next)
		n++;
	if (i->ino == BFS_ROOT_INO)
		return n;
	return i->mode && n > (S_ISDIR(i->mode) ? 1 : i->nlink);
}

/* One that is only named, or has lost its name. */
static int check_inode(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (!i->mode && (i->names || i->dir.top || bfs_inode_xattrs(i)))
		return damaged(fs, "is named but missing", i->ino);
	if (too_many_names(i))
		return damaged(fs, "has more names than links", i->ino);
	/* In a cluster the name may be on another shard. */
	if (i->orphan || i->ino == BFS_ROOT_INO || !i->mode ||
	    bfs_fs_clustered(fs))
		return 0;
	return i->names ? 0 : damaged(fs, "has no name", i->ino);
}

static void enlist(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (!i->orphan)
		return;
	if (S_ISDIR(i->mode) && i->handed) {
		DL_APPEND(fs->held, i);
		fs->nheld++;
	} else {
		DL_APPEND(fs->orphans, i);
	}
}

/* In a cluster, what the parts on other shards add has yet to be told. */
static void recount_links(struct bfs_inode *i)
{
	const struct bfs_shared *s = S_ISDIR(i->mode) ? i->dir.shared : NULL;
	struct bfs_dir_iter it;
	struct bfs_dentry *d;

	if (!s || s->copy || !i->nlink)
		return;
	i->nlink = 2;
	bfs_dir_iter_init(&it, i, 0);
	while ((d = bfs_dir_iter_next(&it)))
		i->nlink += S_ISDIR(d->type) ? 1 : 0;
}

int bfs_load_finish(struct bfs_fs *fs)
{
	struct bfs_inode *i, *next;

	fs->root = bfs_inode_find(fs, BFS_ROOT_INO);
	if (!fs->root && fs->inodes.n &&
	    bfs_shared_home(fs, BFS_ROOT_INO) == fs->conf.shard)
		return damaged(fs, "is missing", BFS_ROOT_INO);
	BFS_ITABLE_EACH(&fs->inodes, i, next)
	{
		int e = check_inode(fs, i);

		if (e)
			return e;
		recount_links(i);
		if (i->mode)
			enlist(fs, i);
		else /* came and went within one turn */
			bfs_inode_unload(fs, i);
	}
	return fs->root ? 0 : 1;
}

struct sweep {
	struct bfs_fs *fs;
	uint64_t removed, kept;
};

/* A name that no live inode has is left over: of a call that was never
 * logged, or of a removal that was not finished. */
static void sweep_one(struct sweep *s, int dir, const char *name, bool sock)
{
	struct bfs_inode *i;
	struct stat st;
	uint64_t ino;
	char rest;

	if (strlen(name) != 16 ||
	    sscanf(name, "%16" SCNx64 "%c", &ino, &rest) != 1)
		return;
	i = bfs_inode_find(s->fs, ino);
	/* Chunks of another's file: its home knows (stripe_look.c). */
	if (!sock && bfs_shared_home(s->fs, ino) != s->fs->conf.shard) {
		if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
			s->fs->chunk_blocks += (uint64_t)st.st_blocks;
		s->kept++;
		return;
	}
	if (i && (sock ? S_ISSOCK(i->mode)
		       : S_ISREG(i->mode) || S_ISFIFO(i->mode))) {
		i->backed = true;
		s->kept++;
		return;
	}
	if (unlinkat(dir, name, 0))
		bfs_log(warn, "cannot remove data file %s: %m", name);
	s->removed++;
}

static int sweep_dir(struct sweep *s, int at, const char *name, bool sock)
{
	int fd = openat(at, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			sweep_one(s, fd, e->d_name, sock);
	closedir(d);
	return 0;
}

/* Nothing of it is wrong data, but it cannot be read. */
static void tell_missing(struct bfs_fs *fs)
{
	struct bfs_inode *i, *next;
	uint64_t missing = 0, first = 0;

	BFS_ITABLE_EACH(&fs->inodes, i, next)
	{
		if (i->backed || !(S_ISREG(i->mode) || S_ISFIFO(i->mode)))
			continue;
		if (!missing++)
			first = i->ino;
	}
	if (missing)
		bfs_log(error,
			"data directory %s: %" PRIu64
			" data files are missing, the first is %016" PRIx64
			": reading them fails",
			fs->conf.data_dir, missing, first);
}

int bfs_load_sweep(struct bfs_fs *fs)
{
	struct sweep s = { .fs = fs };
	struct bfs_inode *i, *next;
	int e = 0;

	BFS_ITABLE_EACH(&fs->inodes, i, next)
	if (S_ISREG(i->mode) || S_ISFIFO(i->mode))
		i->backed = false;
	for (unsigned n = 0; !e && n < 256; n++) {
		char name[3];

		snprintf(name, sizeof(name), "%02x", n);
		e = sweep_dir(&s, fs->data_fd, name, false);
	}
	if (!e)
		e = sweep_dir(&s, fs->sock_fd, ".", true);
	if (e) {
		bfs_log(error, "data directory %s: cannot look through it: %s",
			fs->conf.data_dir, strerror(-e));
		return e;
	}
	bfs_sums_sweep(fs);
	BFS_KILL_POINT(start_swept);
	tell_missing(fs);
	bfs_log(info,
		"%" PRIu64 " inodes, %" PRIu64 " data files, %" PRIu64
		" removed",
		fs->inodes.n, s.kept, s.removed);
	return 0;
}
