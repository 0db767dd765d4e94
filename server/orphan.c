/* SPDX-License-Identifier: BSD-3-Clause */
/* Inodes without a name that somebody has open (S5), and who that may be. */
#include "core/arena.h"
#include "server/data.h"
#include "server/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

/* Removed directories are kept for handles that nobody gives back, such as
 * working directories; the oldest go first. */
#define HELD_MAX 4096

/* Of descriptions on other nodes their daemons tell us (far.c). */
static bool open_alive(const struct bfs_fs *fs, const struct bfs_open *o)
{
	if (o->node != fs->conf.shard)
		return true;
	return fs->conf.slot_alive &&
	       fs->conf.slot_alive(fs->conf.arg, o->uid, o->slot, o->gen);
}

static void prune(const struct bfs_fs *fs, struct bfs_inode *i)
{
	unsigned kept = 0;

	for (unsigned n = 0; n < i->nopens; n++)
		if (open_alive(fs, &i->opens[n]))
			i->opens[kept++] = i->opens[n];
	i->nopens = kept;
}

static int grow(struct bfs_inode *i)
{
	unsigned cap = i->opens_cap ? 2 * i->opens_cap : 2;
	void *p = realloc(i->opens, cap * sizeof(*i->opens));

	if (!p)
		return -ENOMEM;
	i->opens = p;
	i->opens_cap = cap;
	return 0;
}

int bfs_orphan_opened(struct bfs_fs *fs, struct bfs_inode *i,
		      const struct bfs_open *o)
{
	if (o->slot == BFS_NO_SLOT) {
		if (S_ISDIR(i->mode) && !i->dir.held) {
			i->dir.held = true;
			bfs_note_inode(fs, i);
		}
		return 0;
	}
	if (i->nopens == i->opens_cap) {
		if (fs->conf.ask_far)
			fs->conf.ask_far(fs->conf.arg_far, i);
		prune(fs, i);
		/* Half full at most, so that pruning is rare. */
		if (2 * i->nopens >= i->opens_cap && grow(i))
			return -ENOMEM;
	}
	i->opens[i->nopens++] = *o;
	return 0;
}

bool bfs_orphan_written(const struct bfs_fs *fs, struct bfs_inode *i)
{
	prune(fs, i);
	for (unsigned n = 0; n < i->nopens; n++)
		if (i->opens[n].writes)
			return true;
	return false;
}

/* Is there a lock of a pass-through description in [start, start + len)? */
static bool locked(const struct bfs_fs *fs, const struct bfs_inode *i,
		   int64_t start, int64_t len)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = start,
			   .l_len = len };
	int fd = bfs_data_open(fs, i, O_RDONLY);
	bool found;

	/* Where we cannot look (no descriptor left), somebody may hold it. */
	if (fd < 0)
		return fd != -EIO;
	found = fcntl(fd, F_OFD_GETLK, &l) || l.l_type != F_UNLCK;
	close(fd);
	return found;
}

bool bfs_orphan_is_open(const struct bfs_fs *fs, struct bfs_inode *i)
{
	prune(fs, i);
	if (i->nopens || i->pins)
		return true;
	return S_ISREG(i->mode) && i->file.passed && locked(fs, i, BFS_LIFE, 0);
}

bool bfs_fs_slot_locked(struct bfs_fs *fs, uint64_t ino, uint32_t uid,
			uint32_t slot)
{
	struct bfs_inode *i = bfs_inode_find(fs, ino);

	return i && S_ISREG(i->mode) &&
	       locked(fs, i, bfs_life_byte(uid, slot), 1);
}

static void free_oldest_held(struct bfs_fs *fs)
{
	struct bfs_inode *i = fs->held;

	DL_DELETE(fs->held, i);
	fs->nheld--;
	bfs_inode_free(fs, i);
}

void bfs_orphan_add(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (S_ISDIR(i->mode) && i->dir.held) {
		DL_APPEND(fs->held, i);
		if (++fs->nheld > HELD_MAX)
			free_oldest_held(fs);
	} else if (fs->keep_orphans || bfs_orphan_is_open(fs, i)) {
		DL_APPEND(fs->orphans, i);
		if (S_ISREG(i->mode))
			bfs_data_touch(fs, i);
	} else {
		bfs_inode_free(fs, i);
		return;
	}
	i->orphan = true;
	bfs_note_inode(fs, i);
}

void bfs_orphan_remove(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (!i->orphan)
		return;
	DL_DELETE(fs->orphans, i);
	i->orphan = false;
	i->linkable = false;
	bfs_note_inode(fs, i);
}

bool bfs_fs_sweep(struct bfs_fs *fs)
{
	struct bfs_inode *i, *next;

	DL_FOREACH_SAFE(fs->orphans, i, next)
	{
		if (bfs_orphan_is_open(fs, i))
			continue;
		DL_DELETE(fs->orphans, i);
		bfs_inode_free(fs, i);
	}
	return fs->orphans;
}

bool bfs_fs_orphans(const struct bfs_fs *fs)
{
	return fs->orphans;
}
