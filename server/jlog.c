/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/jlog_impl.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"
#include "server/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A segment's size, and what is kept for operations that free space: less on
 * a small file system. */
#define SEGMENT_MAX (64u << 20)
#define SEGMENT_MIN (256u << 10)
#define RESERVE_MAX (4u << 20)
#define RESERVE_MIN (64u << 10)
#define STEP (1u << 20) /* space is taken in such pieces */
#define PAGE 4096u

struct bfs_jlog {
	struct bfs_jlog_conf conf;
	uint64_t number;
	int fd;
	size_t at;    /* where the next frame goes */
	size_t taken; /* bytes that have space */
	size_t limit, reserve, step;
	bool plain; /* the file system takes no space in advance */
	uint64_t seq, synced;
	struct bfs_segment *closed; /* nclosed of them, ascending */
	size_t nclosed;
	bool rebooted;
};

static int failed(const struct bfs_jlog *l, const char *what)
{
	int err = errno;

	errno = err;
	bfs_log(error, "cannot %s %s/log.%016" PRIx64 ": %m", what,
		l->conf.path, l->number);
	return -err;
}

/* Of a file system's size, within bounds. */
static size_t share(int dir, unsigned part, size_t min, size_t max)
{
	struct statvfs st;

	if (fstatvfs(dir, &st) || !st.f_blocks)
		return max;
	return (size_t)BFS_MIN(
		BFS_MAX((uint64_t)st.f_blocks * st.f_frsize / part, min), max);
}

size_t bfs_jlog_reserve(int dir)
{
	return share(dir, 64, RESERVE_MIN, RESERVE_MAX);
}

static void choose_sizes(struct bfs_jlog *l)
{
	l->limit = share(l->conf.dir, 32, SEGMENT_MIN, SEGMENT_MAX);
	l->reserve = bfs_jlog_reserve(l->conf.dir);
	l->step = share(l->conf.dir, 256, RESERVE_MIN, STEP);
}

static int take_up_to(struct bfs_jlog *l, size_t to)
{
	/* The file's size stays that of what was written: it tells a torn
	 * tail from a damaged one. */
	while (fallocate(l->fd, FALLOC_FL_KEEP_SIZE, (off_t)l->taken,
			 (off_t)(to - l->taken))) {
		if (errno == EINTR)
			continue;
		if (errno != EOPNOTSUPP)
			return -errno;
		bfs_log(warn,
			"%s: the file system reserves no space in advance: a "
			"full disk will stop this daemon",
			l->conf.path);
		l->plain = true;
		return 0;
	}
	l->taken = to;
	return 0;
}

/* Have space up to end.  0 or -errno, not logged. */
static int take_space(struct bfs_jlog *l, size_t end)
{
	int e;

	if (l->plain || end <= l->taken)
		return 0;
	e = take_up_to(l, (end / l->step + 1) * l->step);
	return e == -ENOSPC ? take_up_to(l, (end | (PAGE - 1)) + 1) : e;
}

/* For a start on a full disk: less is better than nothing. */
static int take_some(struct bfs_jlog *l, size_t reserve)
{
	int e;

	do {
		e = take_space(l, BFS_SEGMENT_HEAD + reserve);
		reserve /= 2;
	} while (e == -ENOSPC && reserve >= PAGE);
	return e;
}

static int write_all(int fd, const uint8_t *buf, size_t len, size_t at)
{
	BFS_STAGE_SCOPE(journal);
	while (len) {
		ssize_t n = pwrite(fd, buf, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		buf += n;
		len -= (size_t)n;
		at += (size_t)n;
	}
	return 0;
}

static int write_head(struct bfs_jlog *l)
{
	struct bfs_segment_head h = { .cluster = l->conf.cluster,
				      .shard = l->conf.shard,
				      .number = l->number,
				      .first = l->seq + 1 };
	uint8_t buf[BFS_SEGMENT_HEAD];
	int e = bfs_boot_id(h.boot);

	bfs_segment_put(buf, &h);
	if (!e)
		e = take_some(l, l->reserve);
	if (!e)
		e = write_all(l->fd, buf, sizeof(buf), 0);
	if (!e && (fdatasync(l->fd) || fsync(l->conf.dir)))
		e = -errno;
	return e;
}

/* The file of that number becomes the one that is written. */
static int begin_segment(struct bfs_jlog *l, uint64_t number)
{
	const struct bfs_jlog was = *l;
	char name[BFS_SEGMENT_NAME];
	int e;

	l->number = number;
	l->taken = 0;
	l->at = BFS_SEGMENT_HEAD;
	bfs_segment_name(name, number);
	l->fd = openat(l->conf.dir, name,
		       O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	BFS_KILL_POINT(segment_made);
	e = l->fd < 0 ? -errno : write_head(l);
	if (!e)
		return 0;
	errno = -e;
	if (e != -ENOSPC)
		failed(l, "begin");
	if (l->fd >= 0) {
		close(l->fd);
		unlinkat(l->conf.dir, name, 0);
	}
	*l = was;
	return e;
}

/* What the reading found to be torn goes, so that the next one finds none. */
static int cut(struct bfs_jlog *l, const struct bfs_jlog_end *end)
{
	for (size_t n = 0; n < end->nseg; n++) {
		char name[BFS_SEGMENT_NAME];
		int fd;

		if (end->seg[n].number < end->cut_segment)
			continue;
		bfs_segment_name(name, end->seg[n].number);
		if (end->seg[n].number > end->cut_segment || !end->cut) {
			if (unlinkat(l->conf.dir, name, 0))
				return -errno;
			continue;
		}
		fd = openat(l->conf.dir, name, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || ftruncate(fd, (off_t)end->cut) || fsync(fd)) {
			int e = -errno;

			if (fd >= 0)
				close(fd);
			return e;
		}
		close(fd);
	}
	return 0;
}

/* The segments that were read are closed. */
static void adopt(struct bfs_jlog *l, struct bfs_jlog_end *end)
{
	size_t kept = 0;

	for (size_t n = 0; n < end->nseg; n++) {
		struct bfs_segment s = end->seg[n];

		l->number = s.number;
		if (s.number > end->cut_segment ||
		    (s.number == end->cut_segment && !end->cut))
			continue;
		if (s.number == end->cut_segment)
			s.size = end->cut;
		end->seg[kept++] = s;
	}
	l->closed = end->seg;
	l->nclosed = kept;
	l->seq = end->seq;
	l->rebooted = end->other_boot;
}

/* The space behind what was written goes back; there was to be more. */
static void give_back(int fd, size_t size)
{
	/* Where it cannot be told so, it stays until the segment goes. */
	(void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 (off_t)size, (off_t)(2u * SEGMENT_MAX));
}

/* All of it is on disk before the new segment says so. */
static int sync_closed(struct bfs_jlog *l)
{
	for (size_t n = 0; n < l->nclosed; n++) {
		char name[BFS_SEGMENT_NAME];
		int fd, e;

		bfs_segment_name(name, l->closed[n].number);
		fd = openat(l->conf.dir, name, O_RDWR | O_CLOEXEC);
		e = fd < 0 || fdatasync(fd) ? -errno : 0;
		if (!e)
			give_back(fd, l->closed[n].size);
		if (fd >= 0)
			close(fd);
		if (e)
			return e;
	}
	l->synced = l->seq;
	return 0;
}

int bfs_jlog_open(struct bfs_jlog **out, const struct bfs_jlog_conf *conf,
		  uint64_t after, bfs_jlog_frame_fn *fn, void *arg)
{
	struct bfs_jlog *l = calloc(1, sizeof(*l));
	struct bfs_jlog_end end;
	int e;

	if (!l)
		return -ENOMEM;
	l->conf = *conf;
	l->fd = -1;
	e = bfs_jlog_scan(conf, after, UINT64_MAX, fn, arg, &end);
	if (!e)
		e = cut(l, &end);
	if (e) {
		free(end.seg);
		free(l);
		return e;
	}
	adopt(l, &end);
	choose_sizes(l);
	e = sync_closed(l);
	if (!e)
		e = begin_segment(l, l->number + 1);
	if (e) {
		errno = -e;
		failed(l, "begin a segment behind");
		bfs_jlog_close(l);
		return e;
	}
	*out = l;
	return 0;
}

void bfs_jlog_close(struct bfs_jlog *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->closed);
	free(l);
}

int bfs_jlog_room(struct bfs_jlog *l, size_t bytes, bool frees)
{
	size_t end = l->at + BFS_FRAME_HEAD + bytes;

	if (end + l->reserve <= l->taken || l->plain)
		return 0;
	if (!take_space(l, end + l->reserve))
		return 0;
	return frees && end <= l->taken ? 0 : -ENOSPC;
}

int bfs_jlog_append(struct bfs_jlog *l, uint8_t *frame, uint32_t len)
{
	size_t size = bfs_frame_size(len);
	int e;

	bfs_frame_seal(frame, &(struct bfs_frame_head){ .len = len,
							.seq = l->seq + 1,
							.synced = l->synced });
	(void)take_space(l, l->at + size); /* best before it is needed */
	BFS_KILL_POINT(log_due);
	e = write_all(l->fd, frame, size, l->at);
	if (e) {
		errno = -e;
		failed(l, "write");
		/* No half frame: the next start would take it for damage. */
		(void)!ftruncate(l->fd, (off_t)l->at);
		return e;
	}
	BFS_KILL_POINT(log_written);
	l->at += size;
	l->seq++;
	return 0;
}

uint64_t bfs_jlog_seq(const struct bfs_jlog *l)
{
	return l->seq;
}

uint64_t bfs_jlog_synced(const struct bfs_jlog *l)
{
	return l->synced;
}

bool bfs_jlog_rebooted(const struct bfs_jlog *l)
{
	return l->rebooted;
}

int bfs_jlog_fd(const struct bfs_jlog *l)
{
	return l->fd;
}

void bfs_jlog_set_synced(struct bfs_jlog *l, uint64_t seq)
{
	l->synced = BFS_MAX(l->synced, seq);
}

bool bfs_jlog_full(const struct bfs_jlog *l)
{
	return l->at >= l->limit;
}

static int close_segment(struct bfs_jlog *l)
{
	struct bfs_segment *s =
		realloc(l->closed, (l->nclosed + 1) * sizeof(*s));

	if (!s)
		return -ENOMEM;
	l->closed = s;
	s[l->nclosed] = (struct bfs_segment){ l->number, l->at };
	/* A frame of the next one must not be on disk without these. */
	if (fdatasync(l->fd))
		return failed(l, "sync");
	l->synced = l->seq;
	return 0;
}

int bfs_jlog_rotate(struct bfs_jlog *l, uint64_t *closed)
{
	int e = close_segment(l), old = l->fd;
	size_t at = l->at;

	if (!e)
		e = begin_segment(l, l->number + 1);
	if (e)
		return e;
	BFS_KILL_POINT(segment_begun);
	l->nclosed++;
	*closed = l->number - 1;
	give_back(old, at);
	close(old);
	return 0;
}

void bfs_jlog_drop(struct bfs_jlog *l, uint64_t number)
{
	size_t kept = 0;

	for (size_t n = 0; n < l->nclosed; n++) {
		char name[BFS_SEGMENT_NAME];

		if (l->closed[n].number > number) {
			l->closed[kept++] = l->closed[n];
			continue;
		}
		bfs_segment_name(name, l->closed[n].number);
		if (unlinkat(l->conf.dir, name, 0) && errno != ENOENT)
			bfs_log(warn, "cannot remove %s/%s: %m", l->conf.path,
				name);
		BFS_KILL_POINT(segment_dropped);
	}
	l->nclosed = kept;
}

uint64_t bfs_jlog_closed(const struct bfs_jlog *l)
{
	return l->nclosed ? l->closed[l->nclosed - 1].number : 0;
}

bool bfs_jlog_many(const struct bfs_jlog *l, size_t n)
{
	uint64_t sum = 0;

	for (size_t k = 0; k < l->nclosed; k++)
		sum += l->closed[k].size;
	return l->nclosed > n || sum > l->limit;
}

void bfs_jlog_set_limit(struct bfs_jlog *l, size_t limit)
{
	l->limit = limit;
}
