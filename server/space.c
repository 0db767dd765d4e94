/* SPDX-License-Identifier: BSD-3-Clause */
/* The account of the space of data files, and what the limits leave of it. */
#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/quota.h"
#include "server/slice.h"

#include <errno.h>
#include <string.h>

#define BLOCK 512u

/* Is every block below end allocated?  Then writing there takes no space. */
static bool solid(const struct stat *st, uint64_t end)
{
	return end <= (uint64_t)st->st_size &&
	       (uint64_t)st->st_blocks * BLOCK >= (uint64_t)st->st_size;
}

/* One limit more: max bytes (0: none), of which so many blocks are used. */
static void limit(uint64_t max, uint64_t blocks, int error, uint64_t *left,
		  int *err)
{
	uint64_t used = blocks * BLOCK, here = used < max ? max - used : 0;

	if (!max || here >= *left)
		return;
	*left = here;
	*err = error;
}

/* What the limits leave of len bytes. */
static uint64_t left_of(struct bfs_fs *fs, const struct bfs_inode *i,
			uint64_t len, int *err)
{
	const struct bfs_quota *q = &fs->conf.quota;
	uint64_t used = fs->used + fs->chunk_blocks, left = len;

	*err = 0;
	limit(fs->conf.max_bytes, used, -ENOSPC, &left, err);
	limit(q->bytes, used, -EDQUOT, &left, err);
	if (i && i->uid)
		limit(q->user_bytes, bfs_quota_blocks(fs, i->uid), -EDQUOT,
		      &left, err);
	return left;
}

uint64_t bfs_space_room(struct bfs_fs *fs, struct bfs_inode *i, int fd,
			uint64_t offset, uint64_t len, int *err)
{
	uint64_t taken = bfs_slice_takes(fs), left;
	struct stat st;

	*err = 0;
	if (!bfs_space_limited(fs))
		return len;
	/* With a write under way there may be less: then it is made first. */
	if (taken && left_of(fs, i, len + taken, err) < len + taken)
		bfs_slice_finish(fs);
	left = left_of(fs, i, len, err);
	if (left < len && !fstat(fd, &st) && solid(&st, offset + len))
		return len;
	return left;
}

void bfs_space_take_over(struct bfs_fs *fs, struct bfs_inode *i,
			 const struct stat *st)
{
	uint64_t was = i->file.blocks;

	fs->used += (uint64_t)st->st_blocks - was;
	i->file.blocks = (uint64_t)st->st_blocks;
	bfs_quota_moved(fs, i, was);
}

void bfs_space_account(struct bfs_fs *fs, struct bfs_inode *i, int fd)
{
	struct stat st;

	if (!bfs_space_limited(fs))
		return;
	if (fstat(fd, &st))
		bfs_log(error, "cannot stat data file %016lx: %m", i->ino);
	else
		bfs_space_take_over(fs, i, &st);
}

/* Without a limit nobody has counted. */
static void count(struct bfs_fs *fs)
{
	struct bfs_inode *i, *next;
	struct stat st;

	BFS_ITABLE_EACH(&fs->inodes, i, next)
	if (S_ISREG(i->mode) && i->backed && !bfs_data_stat(fs, i, &st))
		bfs_space_take_over(fs, i, &st);
}

void bfs_space_begin(struct bfs_fs *fs)
{
	bfs_quota_count(fs);
	if (bfs_space_limited(fs))
		count(fs);
}

void bfs_fs_set_limit(struct bfs_fs *fs, uint64_t max_bytes)
{
	bool counted = bfs_space_limited(fs);

	fs->conf.max_bytes = max_bytes;
	if (!counted)
		bfs_space_begin(fs);
}

void bfs_fs_set_quota(struct bfs_fs *fs, const struct bfs_quota *q)
{
	if (!memcmp(&fs->conf.quota, q, sizeof(*q)))
		return;
	fs->conf.quota = *q;
	bfs_space_begin(fs);
}
