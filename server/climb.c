/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/climb.h"

#include "server/found.h"
#include "server/shared.h"

int bfs_climb(struct bfs_call *c, uint64_t ino, struct bfs_inode **dir)
{
	struct bfs_need need = { .ino = ino };
	struct bfs_fs *fs = bfs_call_fs(c);
	int r = 0;

	while (!r) {
		*dir = bfs_inode_find(fs, ino);
		if (*dir && bfs_shared_usable(*dir))
			break;
		need.kind = *dir && !(*dir)->dir.shared->stale ? BFS_NEED_CHANGE
							       : BFS_NEED_DIR;
		r = bfs_found_get(c, &need, NULL);
	}
	return r;
}

int bfs_climb_above(struct bfs_call *c, uint64_t ino, uint64_t above)
{
	struct bfs_inode *dir;
	int r;

	while (ino != above && ino != BFS_ROOT_INO) {
		r = bfs_climb(c, ino, &dir);
		if (r)
			return r;
		ino = dir->dir.parent;
	}
	return ino == above;
}
