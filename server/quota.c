/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/quota.h"

#include "core/log.h"
#include "core/util.h"
#include "server/hash.h"
#include "server/shared.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK 512u

struct bfs_user {
	uint32_t uid;
	uint64_t inodes, blocks;
	UT_hash_handle hh;
};

/* 0 would be no limit. */
static uint64_t share(uint64_t all, unsigned n)
{
	return all ? BFS_MAX(all / n, 1u) : 0;
}

struct bfs_quota bfs_quota_share(const struct bfs_quota *all, unsigned n)
{
	return (struct bfs_quota){ .bytes = share(all->bytes, n),
				   .files = share(all->files, n),
				   .user_bytes = share(all->user_bytes, n),
				   .user_files = share(all->user_files, n) };
}

static bool counts(const struct bfs_fs *fs)
{
	return fs->conf.quota.user_bytes || fs->conf.quota.user_files;
}

/* Copies of directories are inodes of other shards. */
static bool is_ours(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return i->mode && bfs_shared_home(fs, i->ino) == fs->conf.shard;
}

static struct bfs_user *find(const struct bfs_fs *fs, uint32_t uid)
{
	struct bfs_user *u;

	HASH_FIND(hh, fs->users, &uid, sizeof(uid), u);
	return u;
}

static struct bfs_user *get(struct bfs_fs *fs, uint32_t uid)
{
	struct bfs_user *u = find(fs, uid);

	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	HASH_ADD(hh, fs->users, uid, sizeof(u->uid), u);
	if (bfs_hashed(u))
		return u;
	free(u);
	return NULL;
}

/* Of a striped file we have one chunk in so many: the first counts as it is,
 * and each of those behind it for a round of them. */
static uint64_t charge(const struct bfs_fs *fs, const struct bfs_inode *i,
		       uint64_t blocks)
{
	uint64_t first = bfs_layout_chunk(i->layout) / BLOCK;

	if (!bfs_fs_clustered(fs) || i->layout.policy != BFS_POLICY_STRIPE ||
	    blocks <= first)
		return blocks;
	return first + (blocks - first) * fs->conf.nshards;
}

static uint64_t charged(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return S_ISREG(i->mode) ? charge(fs, i, i->file.blocks) : 0;
}

void bfs_quota_came(struct bfs_fs *fs, const struct bfs_inode *i)
{
	struct bfs_user *u;

	if (!counts(fs) || !is_ours(fs, i))
		return;
	u = get(fs, i->uid);
	if (!u) {
		bfs_log(error, "no memory to count what user %u has", i->uid);
		return;
	}
	u->inodes++;
	u->blocks += charged(fs, i);
}

void bfs_quota_went(struct bfs_fs *fs, const struct bfs_inode *i)
{
	struct bfs_user *u = is_ours(fs, i) ? find(fs, i->uid) : NULL;

	if (!u)
		return;
	u->inodes -= BFS_MIN(u->inodes, 1u);
	u->blocks -= BFS_MIN(u->blocks, charged(fs, i));
	if (u->inodes)
		return;
	HASH_DEL(fs->users, u);
	free(u);
}

void bfs_quota_moved(struct bfs_fs *fs, const struct bfs_inode *i,
		     uint64_t blocks)
{
	struct bfs_user *u = counts(fs) ? find(fs, i->uid) : NULL;

	if (u)
		u->blocks += charged(fs, i) - charge(fs, i, blocks);
}

void bfs_quota_count(struct bfs_fs *fs)
{
	struct bfs_inode *i, *next;

	bfs_quota_free(fs);
	if (!counts(fs))
		return;
	BFS_ITABLE_EACH(&fs->inodes, i, next)
	bfs_quota_came(fs, i);
}

void bfs_quota_free(struct bfs_fs *fs)
{
	struct bfs_user *u, *next;

	HASH_ITER(hh, fs->users, u, next)
	{
		HASH_DEL(fs->users, u);
		free(u);
	}
}

uint64_t bfs_quota_blocks(const struct bfs_fs *fs, uint32_t uid)
{
	const struct bfs_user *u = find(fs, uid);

	return u ? u->blocks : 0;
}

bool bfs_quota_over(const struct bfs_fs *fs, const struct bfs_inode *i,
		    uint64_t size, uint64_t end)
{
	uint64_t max = fs->conf.quota.user_bytes, used;

	if (!max || !i->uid || end <= size)
		return false;
	used = bfs_quota_blocks(fs, i->uid) * BLOCK;
	return used >= max || end - size > max - used;
}

int bfs_quota_admit(const struct bfs_fs *fs, uint32_t uid)
{
	const struct bfs_quota *q = &fs->conf.quota;
	const struct bfs_user *u = q->user_files && uid ? find(fs, uid) : NULL;

	if (q->files && fs->inodes.n - fs->ncopies >= q->files)
		return -EDQUOT;
	return u && u->inodes >= q->user_files ? -EDQUOT : 0;
}
