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

static bool slot_making(const struct bfs_fs *fs, uint32_t uid, uint32_t slot,
			uint32_t gen)
{
	return fs->conf.slot_making &&
	       fs->conf.slot_making(fs->conf.arg, uid, slot, gen);
}

/* Of descriptions on other nodes their daemons tell us (far.c). */
static bool open_alive(const struct bfs_fs *fs, const struct bfs_open *o)
{
	if (o->node != fs->conf.shard)
		return true;
	if (o->making)
		return slot_making(fs, o->uid, o->slot, o->gen);
	return fs->conf.slot_alive &&
	       fs->conf.slot_alive(fs->conf.arg, o->uid, o->slot, o->gen);
}

/* Nothing in it: what was opened once need not cost memory for ever. */
static void drop_rare(struct bfs_inode *i)
{
	if (i->rare->nopens || i->rare->xattrs || i->rare->stripe ||
	    i->rare->hint)
		return;
	free(i->rare->opens);
	free(i->rare);
	i->rare = NULL;
}

static void prune(const struct bfs_fs *fs, struct bfs_inode *i)
{
	struct bfs_rare *r = i->rare;
	unsigned kept = 0;

	if (!r)
		return;
	for (unsigned n = 0; n < r->nopens; n++)
		if (open_alive(fs, &r->opens[n]))
			r->opens[kept++] = r->opens[n];
	r->nopens = kept;
	drop_rare(i);
}

static int grow(struct bfs_rare *r)
{
	unsigned cap = r->opens_cap ? 2 * r->opens_cap : 2;
	void *p = realloc(r->opens, cap * sizeof(*r->opens));

	if (!p)
		return -ENOMEM;
	r->opens = p;
	r->opens_cap = cap;
	return 0;
}

/* Room for one more.  0 or -ENOMEM. */
static int make_room(struct bfs_fs *fs, struct bfs_inode *i)
{
	struct bfs_rare *r = i->rare;

	if (r && r->nopens < r->opens_cap)
		return 0;
	if (r && r->nopens) {
		if (fs->conf.ask_far)
			fs->conf.ask_far(fs->conf.arg_far, i);
		prune(fs, i);
	}
	r = bfs_inode_rare(i);
	/* Half full at most, so that pruning is rare. */
	return !r || (2 * r->nopens >= r->opens_cap && grow(r)) ? -ENOMEM : 0;
}

int bfs_orphan_opened(struct bfs_fs *fs, struct bfs_inode *i,
		      const struct bfs_open *o)
{
	if (o->slot == BFS_NO_SLOT) {
		if (S_ISDIR(i->mode) && !i->handed) {
			i->handed = true;
			bfs_note_inode(fs, i);
		}
		return 0;
	}
	if (make_room(fs, i))
		return -ENOMEM;
	i->rare->opens[i->rare->nopens++] = *o;
	return 0;
}

bool bfs_orphan_written(const struct bfs_fs *fs, struct bfs_inode *i)
{
	prune(fs, i);
	for (unsigned n = 0; n < bfs_inode_nopens(i); n++)
		if (i->rare->opens[n].writes)
			return true;
	return false;
}

/* Is there a lock of a pass-through description in [start, start + len)? */
static bool locked(struct bfs_fs *fs, const struct bfs_inode *i, int64_t start,
		   int64_t len)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = start,
			   .l_len = len };
	int fd = bfs_data_look(fs, i);
	bool found;

	/* Where we cannot look (no descriptor left), somebody may hold it. */
	if (fd < 0)
		return fd != -EIO;
	found = fcntl(fd, F_OFD_GETLK, &l) || l.l_type != F_UNLCK;
	close(fd);
	return found;
}

bool bfs_orphan_passed(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return i->file.passed == BFS_PASSED_MANY ||
	       (i->file.passed == BFS_PASSED_ONE &&
		(!fs->conf.slot_current ||
		 fs->conf.slot_current(fs->conf.arg, fs->euid,
				       i->file.pass_slot, i->file.pass_gen)));
}

bool bfs_orphan_making(const struct bfs_fs *fs, const struct bfs_inode *i,
		       bool to_write)
{
	for (unsigned n = 0; n < bfs_inode_nopens(i); n++) {
		const struct bfs_open *o = &i->rare->opens[n];

		if (o->making && (o->writes || !to_write) && open_alive(fs, o))
			return true;
	}
	return i->file.passed == BFS_PASSED_ONE &&
	       (i->file.pass_writes || !to_write) &&
	       slot_making(fs, fs->euid, i->file.pass_slot, i->file.pass_gen);
}

bool bfs_orphan_locked(struct bfs_fs *fs, const struct bfs_inode *i)
{
	/* In this order: who has opened it has locked it. */
	return bfs_orphan_making(fs, i, false) ||
	       (bfs_orphan_passed(fs, i) && locked(fs, i, BFS_LIFE, 0));
}

/* Has anybody the data file itself open? */
static bool is_passed(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (!i->file.passed)
		return false;
	if (bfs_orphan_locked(fs, i))
		return true;
	i->file.passed = BFS_PASSED_NONE;
	return false;
}

bool bfs_orphan_is_open(struct bfs_fs *fs, struct bfs_inode *i)
{
	prune(fs, i);
	if (bfs_inode_nopens(i) || i->pins)
		return true;
	return S_ISREG(i->mode) && is_passed(fs, i);
}

bool bfs_orphan_written_past(struct bfs_fs *fs, struct bfs_inode *i)
{
	/* Under a limit only those who read are passed through. */
	if (bfs_space_limited(fs) && i->file.locks_here)
		return false;
	if (i->file.passed == BFS_PASSED_ONE && !i->file.pass_writes)
		return false;
	return is_passed(fs, i);
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

bool bfs_orphan_stays(struct bfs_fs *fs, struct bfs_inode *i)
{
	return (S_ISDIR(i->mode) && i->handed) || fs->keep_orphans ||
	       bfs_orphan_is_open(fs, i);
}

void bfs_orphan_add(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (S_ISDIR(i->mode) && i->handed) {
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
