/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/inode.h"

#include "core/siphash.h"
#include "server/calm.h"
#include "server/data.h"
#include "server/journal.h"
#include "server/quota.h"
#include "server/server.h"
#include "server/shared.h"
#include "server/stripe_space.h"
#include "server/xattr.h"

#include "core/stats.h"
#include "core/util.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define RELATIME_SECS (24 * 3600)

struct bfs_fs *bfs_call_fs(const struct bfs_call *c)
{
	return c->server->fs;
}

static bool earlier(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

struct timespec bfs_fs_now(const struct bfs_fs *fs)
{
	struct timespec t;

	/* Kernels since 6.13 stamp finer than this clock once a stamp has
	 * been looked at, hence latest; but not if the clock was set back. */
	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	if (earlier(t, fs->latest) && fs->latest.tv_sec - t.tv_sec <= 1)
		t = fs->latest;
	return t;
}

/*
 * A stamp that the kernel makes finer than its coarse clock, since the last
 * one was looked at; its own stamps from now on are later.  Kernels before
 * 6.13, and file systems that cannot, make a coarse one here as everywhere.
 */
static struct timespec finer(struct bfs_fs *fs)
{
	struct stat st;

	if (fstat(fs->lock_fd, &st) || futimens(fs->lock_fd, NULL) ||
	    fstat(fs->lock_fd, &st))
		return bfs_fs_now(fs);
	if (earlier(fs->latest, st.st_ctim))
		fs->latest = st.st_ctim;
	return bfs_fs_now(fs);
}

/* Who looked at a ctime sees another one after a change (S8). */
static struct timespec stamp(struct bfs_fs *fs, struct bfs_inode *i)
{
	struct timespec now = bfs_fs_now(fs);

	if (i->looked && !earlier(i->ctime, now))
		now = finer(fs);
	i->looked = false;
	return now;
}

uint64_t bfs_inode_next(struct bfs_fs *fs)
{
	uint64_t n = ++fs->counter;

	if (fs->journal)
		bfs_journal_count(fs->journal);
	return (uint64_t)fs->conf.shard << BFS_SHARD_SHIFT | n;
}

struct bfs_inode *bfs_inode_new(struct bfs_fs *fs, uint32_t mode, uint32_t uid,
				uint32_t gid)
{
	uint64_t spare = S_ISREG(mode) ? bfs_spare_take(fs) : 0;
	uint64_t ino = spare ? spare : bfs_inode_next(fs);
	struct bfs_inode *i = bfs_inode_at(fs, ino, mode, uid, gid);

	bfs_stat_add(creates, 1);
	if (!i && spare)
		bfs_data_remove_file(fs, spare, false);
	if (!i)
		return NULL;
	i->spare = i->backed = spare;
	bfs_quota_came(fs, i);
	bfs_note_inode(fs, i);
	return i;
}

struct bfs_inode *bfs_inode_at(struct bfs_fs *fs, uint64_t ino, uint32_t mode,
			       uint32_t uid, uint32_t gid)
{
	struct bfs_inode *i = calloc(1, sizeof(*i));

	if (!i || (S_ISDIR(mode) && bfs_shared_attach(fs, i))) {
		free(i);
		return NULL;
	}
	i->ino = ino;
	i->mode = mode;
	i->nlink = S_ISDIR(mode) ? 1 : 0;
	i->uid = uid;
	i->gid = gid;
	i->layout = fs->conf.layout; /* until somebody knows better */
	i->atime = i->mtime = i->ctime = i->btime = bfs_fs_now(fs);
	bfs_itable_add(&fs->inodes, i);
	return i;
}

struct bfs_inode *bfs_inode_restore(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_inode *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->ino = ino;
	bfs_itable_add(&fs->inodes, i);
	return i;
}

void bfs_inode_free(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (S_ISREG(i->mode)) {
		bfs_stripe_gone(fs, i);
		bfs_data_uncache(fs, i);
	}
	bfs_data_remove(fs, i);
	bfs_quota_went(fs, i);
	if (bfs_shared_home(fs, i->ino) == fs->conf.shard)
		bfs_stat_add(removes, 1);
	if (fs->journal)
		bfs_journal_forget(fs->journal, i);
	bfs_inode_unload(fs, i);
}

void bfs_inode_unload(struct bfs_fs *fs, struct bfs_inode *i)
{
	bfs_itable_remove(&fs->inodes, i);
	bfs_xattr_free_all(i);
	if (S_ISLNK(i->mode))
		free(i->link.target);
	if (S_ISDIR(i->mode))
		bfs_shared_detach(fs, i);
	if (S_ISREG(i->mode))
		bfs_stripe_free(i);
	if (i->rare) {
		free(i->rare->opens);
		free(i->rare->hint);
	}
	free(i->rare);
	free(i);
}

struct bfs_inode *bfs_inode_find(const struct bfs_fs *fs, uint64_t ino)
{
	return bfs_itable_find(&fs->inodes, ino);
}

struct bfs_inode *bfs_inode_here(const struct bfs_fs *fs, uint64_t ino)
{
	return bfs_shared_home(fs, ino) == fs->conf.shard
		       ? bfs_inode_find(fs, ino)
		       : NULL;
}

struct bfs_rare *bfs_inode_rare(struct bfs_inode *i)
{
	if (!i->rare)
		i->rare = calloc(1, sizeof(*i->rare));
	return i->rare;
}

static uint64_t handle_mac(const struct bfs_fs *fs, uint64_t ino,
			   uint32_t rights)
{
	uint64_t words[2] = { htole64(ino), htole64(rights) };

	return bfs_siphash(fs->conf.secret, words, sizeof(words));
}

struct bfs_handle bfs_inode_handle(const struct bfs_fs *fs,
				   const struct bfs_inode *i, uint32_t rights)
{
	return bfs_handle_make(fs, i->ino, rights);
}

struct bfs_handle bfs_handle_make(const struct bfs_fs *fs, uint64_t ino,
				  uint32_t rights)
{
	return (struct bfs_handle){ ino, rights, handle_mac(fs, ino, rights) };
}

bool bfs_handle_genuine(const struct bfs_fs *fs, struct bfs_handle h)
{
	struct bfs_handle *seen = &fs->seen[h.ino % BFS_HANDLES_SEEN];

	/* One comparison of one word: its time tells nothing. */
	if (h.ino && seen->ino == h.ino && seen->rights == h.rights)
		return !(seen->mac ^ h.mac);
	if (handle_mac(fs, h.ino, h.rights) ^ h.mac)
		return false;
	*seen = h;
	return true;
}

struct bfs_inode *bfs_inode_of(const struct bfs_fs *fs, struct bfs_handle h)
{
	return bfs_handle_genuine(fs, h) ? bfs_inode_find(fs, h.ino) : NULL;
}

void bfs_inode_changed(struct bfs_fs *fs, struct bfs_inode *i)
{
	i->ctime = stamp(fs, i);
	bfs_note_inode(fs, i);
	/* One that loses its name now is looked at by bfs_orphan_add. */
	if (S_ISREG(i->mode) && i->backed && (i->nlink || i->orphan))
		bfs_data_touch(fs, i);
}

void bfs_inode_modified(struct bfs_fs *fs, struct bfs_inode *i)
{
	i->mtime = i->ctime = stamp(fs, i);
	bfs_note_inode(fs, i);
	if (S_ISDIR(i->mode) && i->dir.shared)
		i->dir.shared->times_set = false;
}

void bfs_inode_accessed_since(const struct bfs_fs *fs, struct bfs_inode *i,
			      struct timespec changed)
{
	struct timespec now = bfs_fs_now(fs);

	if (!earlier(i->mtime, i->atime) || !earlier(i->ctime, i->atime) ||
	    !earlier(changed, i->atime) ||
	    now.tv_sec - i->atime.tv_sec >= RELATIME_SECS)
		i->atime = now;
}

void bfs_inode_accessed(const struct bfs_fs *fs, struct bfs_inode *i)
{
	bfs_inode_accessed_since(fs, i, i->ctime);
}

static struct bfs_time to_time(struct timespec t)
{
	return (struct bfs_time){ t.tv_sec, (uint32_t)t.tv_nsec };
}

/* What the data file alone knows: times, and set-id bits lost by a write. */
static void take_over(struct bfs_fs *fs, struct bfs_inode *i,
		      const struct stat *st)
{
	uint32_t killed = bfs_data_killed(fs, i, st);

	i->mode &= ~killed;
	/* That changes its ctime, so only where it has to be. */
	if (killed && (st->st_mode ^ bfs_data_mode(fs, i)) & 07777)
		bfs_data_chmod(fs, i);
	i->atime = st->st_atim;
	i->mtime = st->st_mtim;
	if (earlier(i->ctime, st->st_ctim))
		i->ctime = st->st_ctim;
	if (earlier(fs->latest, st->st_ctim))
		fs->latest = st->st_ctim;
	if (bfs_space_limited(fs))
		bfs_space_take_over(fs, i, st);
}

static void sizes(const struct bfs_inode *i, const struct stat *st,
		  struct bfs_attr *a)
{
	if (st) {
		a->size = (uint64_t)st->st_size;
		a->blocks = (uint64_t)st->st_blocks + bfs_stripe_blocks(i);
	} else if (S_ISLNK(i->mode)) {
		a->size = i->link.len;
	} else if (S_ISDIR(i->mode)) {
		a->size = 4096; /* kept in memory: no blocks */
	}
}

void bfs_inode_attr_from(struct bfs_fs *fs, struct bfs_inode *i,
			 const struct stat *st, struct bfs_attr *a)
{
	if (st)
		take_over(fs, i, st);
	i->looked = true;
	*a = (struct bfs_attr){
		.ino = i->ino,
		.mode = i->mode,
		.nlink = i->nlink,
		.uid = i->uid,
		.gid = i->gid,
		.rdev = bfs_inode_rdev(i),
		.atime = to_time(i->atime),
		.mtime = to_time(i->mtime),
		.ctime = to_time(i->ctime),
		.btime = to_time(i->btime),
	};
	sizes(i, st, a);
}

int bfs_inode_attr(struct bfs_fs *fs, struct bfs_inode *i, struct bfs_attr *a)
{
	struct stat st;
	int r;

	if (!S_ISREG(i->mode) || i->calm) {
		bfs_inode_attr_from(fs, i, NULL, a);
		if (i->calm)
			bfs_calm_sizes(i, a);
		return 0;
	}
	r = bfs_data_stat(fs, i, &st);
	if (r)
		return r;
	bfs_inode_attr_from(fs, i, &st, a);
	bfs_calm_try(fs, i);
	return 0;
}
