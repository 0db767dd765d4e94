/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums of what changes. */
#include "server/sums_impl.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define AT_ONCE BFS_SUMS_ROOM
#define WAS_MAX 65536u /* sums that are kept for a change that fails */
#define BLOCK BFS_SUM_BLOCK

/* A block that keeps some of its bytes: these have to be right. */
static int check_edge(struct bfs_summing *g, uint64_t block, bool keeps)
{
	uint64_t sum;
	int e = keeps ? bfs_sums_load(g->s, block, 1, &sum) : 0;

	return e || !keeps || !sum
		       ? e
		       : bfs_sums_block(g->fs, g->s->ino, g->fd, block, sum);
}

/* Is there anything behind the change, in its last block? */
static bool keeps_tail(const struct bfs_summing *g)
{
	struct stat st;

	return g->end != UINT64_MAX && g->end % BLOCK &&
	       (fstat(g->fd, &st) || g->end < (uint64_t)st.st_size);
}

static int check_edges(struct bfs_summing *g)
{
	bool tail = keeps_tail(g);
	int e = check_edge(g, g->first,
			   g->offset % BLOCK || (g->first == g->last && tail));

	if (!e && g->first != g->last)
		e = check_edge(g, g->last, tail);
	g->head = g->offset % BLOCK || (g->first == g->last && g->end % BLOCK);
	g->tail = g->first != g->last && g->end != UINT64_MAX && g->end % BLOCK;
	return e;
}

/* On disk before anything of the change is. */
static int announce(const struct bfs_fs *fs, struct bfs_sums *s)
{
	int e = bfs_sums_head(fs, s);

	if (!e && fdatasync(s->fd))
		e = bfs_sums_failed("sync", s->ino);
	return e;
}

/* How many of the sums that there are belong to the change. */
static int count(struct bfs_summing *g, uint64_t *n)
{
	struct stat st;
	uint64_t have;

	*n = 0;
	if (g->s->fd < 0)
		return 0;
	if (fstat(g->s->fd, &st))
		return bfs_sums_failed("look at", g->s->ino);
	have = bfs_sum_count((uint64_t)st.st_size);
	if (have > g->first)
		*n = BFS_MIN(have - g->first, g->last - g->first + 1);
	return 0;
}

static int keep_old(struct bfs_summing *g, uint64_t n)
{
	g->was = n <= BFS_SUMS_FEW ? g->few
		 : n <= WAS_MAX	   ? malloc(n * sizeof(*g->was))
				   : NULL;
	g->nwas = g->was ? n : 0;
	return g->was ? bfs_sums_load(g->s, g->first, n, g->was) : 0;
}

static int blank_some(struct bfs_summing *g, uint64_t n)
{
	static const uint64_t zeros[BFS_SUMS_FEW];
	int e = 0;

	for (uint64_t k = 0; !e && k < n; k += BFS_SUMS_FEW)
		e = bfs_sum_write(g->s->fd, zeros,
				  BFS_MIN(n - k, BFS_SUMS_FEW) * sizeof(*zeros),
				  bfs_sum_at(g->first + k));
	return e;
}

/* None of them is known from now on. */
static int blank(struct bfs_summing *g)
{
	uint64_t n;
	int e = count(g, &n);

	if (e || !n)
		return e;
	e = keep_old(g, n);
	if (e)
		return e;
	if (g->end == UINT64_MAX)
		return ftruncate(g->s->fd, (off_t)bfs_sum_at(g->first))
			       ? bfs_sums_failed("cut", g->s->ino)
			       : 0;
	if (n > WAS_MAX &&
	    !fallocate(g->s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)bfs_sum_at(g->first),
		       (off_t)(n * sizeof(uint64_t))))
		return 0;
	return blank_some(g, n);
}

static void over(struct bfs_summing *g)
{
	if (g->was != g->few)
		free(g->was);
	g->was = NULL;
	g->s = NULL;
}

int bfs_sums_begin(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t offset,
		   uint64_t end, struct bfs_summing *g)
{
	int e = 0;

	g->s = NULL;
	if (!bfs_sums_on(fs) || offset >= end || !bfs_sums_seen(fs, ino))
		return 0;
	g->fs = fs;
	g->fd = fd;
	g->offset = offset;
	g->end = end;
	g->first = offset / BLOCK;
	g->last = (end - 1) / BLOCK;
	g->nwas = 0;
	g->was = NULL;
	g->s = bfs_sums_get(fs, ino, &e);
	if (!g->s)
		return e;
	e = check_edges(g);
	if (!e && g->s->clean)
		e = announce(fs, g->s);
	if (!e)
		e = blank(g);
	if (e)
		over(g);
	else
		g->s->gen = ++fs->sums_gen;
	return e;
}

/* n blocks as they are now. */
static int sum_some(struct bfs_summing *g, uint64_t first, size_t n)
{
	ssize_t got =
		bfs_sums_read(g->fd, bfs_sums_room, n * BLOCK, first * BLOCK);
	uint64_t sums[AT_ONCE];
	size_t k = 0;

	if (got <= 0)
		return (int)got;
	for (size_t left = (size_t)got; left; k++) {
		size_t len = BFS_MIN(left, BLOCK);

		sums[k] = bfs_sum_of(g->s->ino, first + k,
				     bfs_sums_room + k * BLOCK, len);
		left -= len;
	}
	return bfs_sum_write(g->s->fd, sums, k * sizeof(*sums),
			     bfs_sum_at(first));
}

static void sum_up(struct bfs_summing *g, uint64_t first, uint64_t end)
{
	int e = 0;

	if (first >= end)
		return;
	if (g->s->fd < 0)
		e = bfs_sums_make(g->fs, g->s);
	for (; !e && first < end; first += AT_ONCE)
		e = sum_some(g, first, BFS_MIN(end - first, AT_ONCE));
	if (!e)
		return;
	errno = -e;
	bfs_sums_failed("write", g->s->ino); /* they stay unknown */
}

/* What was before the change, of blocks that have not changed. */
static void put_back(struct bfs_summing *g, uint64_t first)
{
	uint64_t skip = first - g->first;
	int e;

	if (skip >= g->nwas)
		return;
	e = bfs_sum_write(g->s->fd, g->was + skip,
			  (g->nwas - skip) * sizeof(*g->was),
			  bfs_sum_at(first));
	if (!e)
		return;
	errno = -e;
	bfs_sums_failed("write", g->s->ino);
}

void bfs_sums_end(struct bfs_summing *g, uint64_t done)
{
	uint64_t upto = done / BLOCK;

	if (!g->s)
		return;
	if (done == g->offset) {
		put_back(g, g->first);
	} else if (done >= g->end) {
		sum_up(g, g->first, g->last + 1);
	} else {
		/* The one where it ends is known only if its rest was seen. */
		if (upto == g->first && g->head && done % BLOCK)
			upto++;
		sum_up(g, g->first, upto);
		put_back(g, (done - 1) / BLOCK + 1);
	}
	over(g);
}

void bfs_sums_end_holes(struct bfs_summing *g)
{
	if (!g->s)
		return;
	if (g->head)
		sum_up(g, g->first, g->first + 1);
	if (g->tail)
		sum_up(g, g->last, g->last + 1);
	over(g);
}

int bfs_sums_truncate(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t size)
{
	struct bfs_summing g = { .s = NULL };
	struct stat st;
	int e = 0;

	/* Zeros that come behind it are in the sum of the last block. */
	if (bfs_sums_on(fs) && !fstat(fd, &st) && size < (uint64_t)st.st_size)
		e = bfs_sums_begin(fs, ino, fd, size, UINT64_MAX, &g);
	if (e)
		return e;
	e = ftruncate(fd, (off_t)size) ? -errno : 0;
	if (e)
		bfs_sums_end(&g, size);
	else
		bfs_sums_end_holes(&g);
	return e;
}

int bfs_sums_fallocate(struct bfs_fs *fs, uint64_t ino, int fd, int mode,
		       uint64_t offset, uint64_t len)
{
	const int moves = FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;
	const int zeros = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	struct bfs_summing g = { .s = NULL };
	int e = 0;

	if (mode & (moves | zeros) && len <= INT64_MAX - offset)
		e = bfs_sums_begin(fs, ino, fd, offset,
				   mode & moves ? UINT64_MAX : offset + len,
				   &g);
	if (e)
		return e;
	do
		e = fallocate(fd, mode, (off_t)offset, (off_t)len) ? -errno : 0;
	while (e == -EINTR);
	if (e)
		bfs_sums_end(&g, offset);
	else if (mode & moves)
		over(&g);
	else
		bfs_sums_end_holes(&g);
	return e;
}
