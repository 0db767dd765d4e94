/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/calm.h"

#include "core/util.h"
#include "server/data.h"
#include "server/shared.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SOME 64 /* looks in one go: 0.2 ms */
#define TRIES 3 /* after each open */
#define RANGE_MAX (1u << 22)

/* As far as we know without asking the kernel. */
static bool may_be(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	if (!S_ISREG(i->mode) || !i->backed || i->calm || bfs_fs_clustered(fs))
		return false;
	if (i->file.fd || i->orphan || bfs_inode_nopens(i) ||
	    bfs_inode_stripe(i) || bfs_orphan_making(fs, i, false))
		return false;
	if (i->file.passed == BFS_PASSED_ONE)
		return !bfs_orphan_passed(fs, i);
	return true;
}

/* What cannot be told from the size is not kept. */
static bool is_dense(const struct stat *st)
{
	return ((uint64_t)st->st_size + 4095) / 4096 * 8 ==
	       (uint64_t)st->st_blocks;
}

/*
 * No lease is given while anybody else has it open, be it by a mapping.  Who
 * opens it in this moment waits for the end of it.
 */
static bool is_alone(int fd, struct stat *st)
{
	bool ok;

	if (fcntl(fd, F_SETLEASE, F_WRLCK))
		return false;
	ok = !fstat(fd, st);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return ok;
}

static void look(struct bfs_fs *fs, struct bfs_inode *i)
{
	int fd = bfs_data_look(fs, i);
	bool looked = i->looked;
	struct bfs_attr a;
	struct stat st;

	if (fd < 0)
		return;
	if (!is_alone(fd, &st)) {
		i->file.passed = BFS_PASSED_MANY;
	} else {
		/* times, and bits that a write has taken */
		bfs_inode_attr_from(fs, i, &st, &a);
		i->looked = looked;
		i->file.passed = BFS_PASSED_NONE;
		i->file.size = (uint64_t)st.st_size;
		i->calm = is_dense(&st) &&
			  bfs_data_mode(fs, i) == (st.st_mode & 07777);
	}
	close(fd);
}

void bfs_calm_try(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (i->file.tries >= TRIES || !may_be(fs, i))
		return;
	i->file.tries++;
	look(fs, i);
}

/* Most files are made one after the other, so their numbers are: those that are
 * dropped are kept as a range, and others far from it are forgotten. */
static void drop_oldest(struct bfs_fs *fs)
{
	uint64_t ino = fs->calming[fs->ncalmed++ % BFS_CALMING];
	uint64_t from = BFS_MIN(fs->calm_from, ino);
	uint64_t to = BFS_MAX(fs->calm_to, ino + 1);

	if (fs->calm_from == fs->calm_to || to - from > RANGE_MAX) {
		from = ino;
		to = ino + 1;
	}
	fs->calm_from = from;
	fs->calm_to = to;
}

void bfs_calm_later(struct bfs_fs *fs, const struct bfs_inode *i)
{
	if (bfs_fs_clustered(fs))
		return;
	if (!fs->calming)
		fs->calming = malloc(BFS_CALMING * sizeof(*fs->calming));
	if (!fs->calming)
		return;
	if (fs->ncalming - fs->ncalmed == BFS_CALMING)
		drop_oldest(fs);
	fs->calming[fs->ncalming++ % BFS_CALMING] = i->ino;
}

bool bfs_fs_calm_waits(const struct bfs_fs *fs)
{
	return fs->ncalmed < fs->ncalming || fs->calm_from < fs->calm_to;
}

static uint64_t next(struct bfs_fs *fs)
{
	return fs->ncalmed < fs->ncalming
		       ? fs->calming[fs->ncalmed++ % BFS_CALMING]
		       : fs->calm_from++;
}

bool bfs_fs_calm_some(struct bfs_fs *fs)
{
	for (unsigned n = 0; n < SOME && bfs_fs_calm_waits(fs); n++) {
		struct bfs_inode *i = bfs_inode_find(fs, next(fs));

		if (i && may_be(fs, i))
			look(fs, i);
	}
	return bfs_fs_calm_waits(fs);
}
