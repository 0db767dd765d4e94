/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/spare.h"

#include "core/util.h"
#include "server/data.h"
#include "server/journal.h"
#include "server/null.h"
#include "server/shared.h"

#include <string.h>

/* Creations that follow each other within that are a stream. */
#define STREAM_NS 200000u

uint64_t bfs_spare_take(struct bfs_fs *fs)
{
	struct bfs_spares *s = &fs->spares;
	uint64_t now = bfs_now(), ino;

	s->want = now - s->created > STREAM_NS ? 0
		  : s->want < BFS_SPARES       ? s->want + 1
					       : BFS_SPARES;
	s->created = now;
	if (!s->n)
		return 0;
	ino = s->spare[0].ino;
	s->taken = s->spare[0].at;
	memmove(s->spare, s->spare + 1, --s->n * sizeof(s->spare[0]));
	return ino;
}

static bool same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The clock that stamps files moves every few milliseconds.  What other daemons
 * have stamped meanwhile is not known here. */
bool bfs_spare_is_old(const struct bfs_fs *fs)
{
	return bfs_fs_clustered(fs) || !same(fs->spares.taken, bfs_fs_now(fs));
}

bool bfs_spare_make(struct bfs_fs *fs)
{
	struct bfs_spares *s = &fs->spares;
	struct bfs_spare *new = &s->spare[s->n];

	if (s->n >= s->want || bfs_null_on(fs))
		return false;
	new->at = bfs_fs_now(fs);
	new->ino = bfs_inode_next(fs);
	if (bfs_data_prepare(fs, new->ino)) {
		s->want = 0; /* who creates a file is told why */
		return false;
	}
	/* What the clock was when it was made is not known. */
	if (!same(new->at, bfs_fs_now(fs)))
		new->at = (struct timespec){ 0 };
	return ++s->n < s->want;
}

void bfs_spare_drop(struct bfs_fs *fs)
{
	struct bfs_spares *s = &fs->spares;

	while (s->n)
		bfs_data_remove_file(fs, s->spare[--s->n].ino, false);
	s->want = 0;
}
