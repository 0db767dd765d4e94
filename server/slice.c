/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/slice.h"

#include "core/kill.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/fiber.h"
#include "server/server.h"
#include "server/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utlist.h>

#define MOST 4	      /* slices at once: who came meanwhile waits for them */
#define SHARE 2	      /* of the time for others, while they come */
#define SOON_NS 4000u /* who has been answered may come again */

static ssize_t write_some(const struct bfs_slicing *w, size_t len)
{
	BFS_STAGE_SCOPE(storage);
	struct iovec v = { (char *)w->buf + w->done, len };

	if (w->append)
		return pwritev2(w->fd, &v, 1, -1, RWF_APPEND);
	return pwritev2(w->fd, &v, 1, (off_t)(w->offset + w->done), 0);
}

/* len bytes more of it, or fewer.  True: it is over. */
static bool go_on(struct bfs_slicing *w, size_t len)
{
	ssize_t n = write_some(w, BFS_MIN(len, w->len - w->done));

	if (n > 0)
		w->done += (size_t)n;
	else if (!n)
		w->error = -ENOSPC;
	else if (errno != EINTR && errno != EAGAIN)
		w->error = -errno;
	return w->error || w->done == w->len;
}

static void end(struct bfs_slices *all)
{
	struct bfs_slicing *w = all->now;

	all->now = NULL;
	LL_APPEND(all->over, w);
	w->over(w);
}

void bfs_slice_finish(const struct bfs_fs *fs)
{
	struct bfs_slices *all = fs->slices;

	if (!bfs_slice_busy(fs))
		return;
	while (!go_on(all->now, all->now->len))
		;
	end(all);
}

void bfs_slice_write(struct bfs_fs *fs, struct bfs_slicing *w)
{
	bfs_slice_finish(fs);
	w->fiber = bfs_fiber_self();
	w->resumed = false;
	fs->slices->now = w;
	fs->slices->left = fs->slices->came = bfs_now();
	fs->slices->took = 0;
	while (!w->resumed)
		bfs_fiber_suspend();
}

/*
 * Whoever makes one call after the other is not there when his last one has
 * been answered, but is going to be.
 */
static bool others_first(struct bfs_slices *all, uint64_t now)
{
	uint64_t served = bfs_stats.requests;

	if (served != all->served) {
		all->served = served;
		all->came = now;
	}
	return now - all->came < SOON_NS && now - all->left < SHARE * all->took;
}

/* A slice, and some more if all together take no more than others' share. */
static void advance(struct bfs_slices *all, uint64_t start)
{
	uint64_t others = (start - all->left) / SHARE;
	bool over;
	int n = 0;

	do {
		over = go_on(all->now, BFS_SLICE);
		all->left = bfs_now();
		all->took = all->left - start;
		n++;
	} while (!over && n < MOST && all->took * (n + 1) < others * n);
	if (over)
		end(all);
	else
		BFS_KILL_POINT(write_sliced);
}

static int poll_slices(void *arg)
{
	const struct bfs_server *s = arg;
	struct bfs_slices *all = s->fs->slices;
	int n = 0;

	if (all && all->now) {
		uint64_t now = bfs_now();

		if (!others_first(all, now))
			advance(all, now);
		n++;
	}
	while (all && all->over) {
		struct bfs_slicing *w = all->over;

		LL_DELETE(all->over, w);
		w->resumed = true;
		bfs_fiber_resume(w->fiber);
		n++;
	}
	return n;
}

static int arm_slices(void *arg)
{
	const struct bfs_server *s = arg;
	const struct bfs_slices *all = s->fs->slices;

	return all && (all->now || all->over) ? -EBUSY : 0;
}

int bfs_slices_new(struct bfs_server *s)
{
	struct bfs_slices *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return -ENOMEM;
	r = bfs_loop_poller(s->loop, poll_slices, arm_slices, s);
	if (r)
		free(all);
	else
		s->fs->slices = all;
	return r;
}

void bfs_slices_free(struct bfs_server *s)
{
	struct bfs_slices *all = s->fs ? s->fs->slices : NULL;

	if (!all)
		return;
	while (all->now || all->over)
		poll_slices(s);
	s->fs->slices = NULL;
	free(all);
}
