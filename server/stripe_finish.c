/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a write of several shards, at the home: its own part, and then
 * all of it counts. */
#include "core/log.h"
#include "core/util.h"
#include "server/chunks.h"
#include "server/data.h"
#include "server/later.h"
#include "server/mappers.h"
#include "server/perm.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int bfs_stripe_publish(int fd, uint64_t end)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
					 { .tv_nsec = UTIME_NOW } };
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return -errno;
	if ((uint64_t)st.st_size < end)
		r = ftruncate(fd, (off_t)end);
	else
		r = futimens(fd, now);
	return r ? -errno : 0;
}

bool bfs_stripe_watched(const struct bfs_server *s, uint64_t ino)
{
	return bfs_mappers_any(s, ino);
}

/* All but our own pieces is where it belongs. */
static ssize_t finish(struct bfs_fs *fs, struct bfs_inode *i, int fd,
		      struct bfs_finishing *f)
{
	const struct bfs_plan *p = f->plan;
	uint64_t front, n;
	int r;

	n = bfs_pieces_write(fs, i->ino, fd, p, p->home, f->own, 0, &f->error);
	front = f->error ? bfs_plan_front(p, p->home, n) : p->end;
	if (front == p->offset)
		return f->error;
	r = bfs_stripe_publish(fd, front);
	if (!r)
		r = bfs_later_sync(f->server, fd, f->flags, p->offset,
				   front - p->offset);
	bfs_space_account(fs, i, fd);
	if (!r)
		r = bfs_data_kill_setid(fs, i,
					bfs_perm_write_kills(f->cred, i));
	bfs_stripe_wrote(fs, i);
	if (bfs_inode_stripe(i))
		bfs_inode_stripe(i)->counted = false;
	return r ? r : (ssize_t)(front - p->offset);
}

ssize_t bfs_stripe_finish(struct bfs_fs *fs, struct bfs_inode *i,
			  struct bfs_finishing *f)
{
	struct bfs_fdref *d;
	ssize_t n;
	int r;

	f->error = 0;
	if (f->plan->offset == f->plan->end)
		return 0;
	d = bfs_data_get(fs, i, true, &r);
	if (!d)
		return r;
	n = finish(fs, i, d->fd, f);
	bfs_data_put(d);
	return n;
}
