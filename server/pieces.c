/* SPDX-License-Identifier: BSD-3-Clause */
/* The I/O on data files of striped files. */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/chunks.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/later.h"
#include "server/server.h"
#include "server/stage.h"
#include "server/sums.h"
#include "server/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static bool again(ssize_t n)
{
	return n < 0 && (errno == EINTR || errno == EAGAIN);
}

/* Waiting for the disk if it has to.  Bytes read, or -errno. */
static ssize_t read_plainly(int fd, uint8_t *buf, size_t len, uint64_t offset)
{
	BFS_STAGE_SCOPE(storage);
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done,
				  (off_t)(offset + done));

		if (again(n))
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* What is in memory at once, what is not by io_uring, on a fiber. */
static ssize_t read_some(struct bfs_server *s, int fd, uint8_t *buf, size_t len,
			 uint64_t offset)
{
	size_t got;
	ssize_t n = bfs_uring_read_cached(s->uring, fd, buf, len, (off_t)offset,
					  &got);

	if (n == -EAGAIN && !bfs_fiber_self())
		return -BFS_NEED_FIBER;
	if (n == -EAGAIN)
		n = bfs_later_pread(s, fd, buf + got, len - got, offset + got);
	else if (n < 0)
		n = -EBUSY;
	else
		return n;
	if (n == -EBUSY)
		n = read_plainly(fd, buf + got, len - got, offset + got);
	return n < 0 ? n : n + (ssize_t)got;
}

/* len bytes, of which those behind the end are zeros. */
static int read_full(struct bfs_server *s, uint64_t ino, int fd, uint8_t *buf,
		     size_t len, uint64_t offset)
{
	ssize_t n = read_some(s, fd, buf, len, offset);

	if (n < 0 && n != -BFS_NEED_FIBER)
		bfs_log(error, "cannot read a data file: %s",
			strerror((int)-n));
	if (n < 0)
		return (int)n;
	memset(buf + n, 0, len - (size_t)n);
	return bfs_sums_check(s->fs, ino, fd, buf, (size_t)n, offset,
			      (size_t)n < len);
}

int bfs_pieces_read(struct bfs_server *s, uint64_t ino, int fd,
		    const struct bfs_plan *p, unsigned shard, uint8_t *buf)
{
	struct bfs_piece at = { 0 };
	int r = 0;

	for (; !r && bfs_plan_next(p, shard, &at); buf += at.len) {
		if (fd < 0)
			memset(buf, 0, at.len);
		else
			r = read_full(s, ino, fd, buf, at.len, at.offset);
		bfs_stat_add(bytes_read, at.len);
	}
	return r;
}

static int rwf(uint32_t oflags)
{
	if ((oflags & O_SYNC) == O_SYNC)
		return RWF_SYNC;
	return oflags & O_DSYNC ? RWF_DSYNC : 0;
}

static size_t write_one(struct bfs_fs *fs, uint64_t ino, int fd,
			const uint8_t *buf, const struct bfs_piece *at,
			int flags, int *err)
{
	BFS_STAGE_SCOPE(storage);
	struct bfs_summing g;
	size_t done = 0, len;
	int why;

	len = bfs_space_room(fs, NULL, fd, at->offset, at->len, &why);
	*err = bfs_sums_begin(fs, ino, fd, at->offset, at->offset + len, &g);
	if (*err)
		return 0;
	while (done < len) {
		struct iovec v = { (uint8_t *)buf + done, len - done };
		ssize_t n =
			pwritev2(fd, &v, 1, (off_t)(at->offset + done), flags);

		if (again(n))
			continue;
		if (n <= 0) {
			*err = n ? -errno : -ENOSPC;
			if (*err != -ENOSPC && *err != -EDQUOT &&
			    *err != -EFBIG)
				bfs_log(error, "cannot write a data file: %m");
			break;
		}
		done += (size_t)n;
	}
	bfs_sums_end(&g, at->offset + done);
	if (done == len && len < at->len)
		*err = why;
	bfs_stat_add(bytes_written, done);
	return done;
}

size_t bfs_pieces_write(struct bfs_fs *fs, uint64_t ino, int fd,
			const struct bfs_plan *p, unsigned shard,
			const uint8_t *buf, uint32_t oflags, int *err)
{
	struct bfs_piece at = { 0 };
	size_t done = 0;

	*err = 0;
	while (!*err && bfs_plan_next(p, shard, &at))
		done += write_one(fs, ino, fd, buf + done, &at, rwf(oflags),
				  err);
	return done;
}

/* Only our own chunks have data there. */
static int seek_data(int fd, const struct bfs_plan *p, uint64_t *found)
{
	off_t at = lseek(fd, (off_t)p->offset, SEEK_DATA);

	if (at < 0 && errno != ENXIO)
		return -errno;
	if (at >= 0 && (uint64_t)at < p->end)
		*found = (uint64_t)at;
	return 0;
}

int bfs_pieces_seek(int fd, const struct bfs_plan *p, unsigned shard,
		    int whence, uint64_t *found)
{
	struct bfs_piece at = { 0 };

	*found = UINT64_MAX;
	if (whence == SEEK_DATA)
		return fd < 0 ? 0 : seek_data(fd, p, found);
	while (bfs_plan_next(p, shard, &at)) {
		off_t hole =
			fd < 0 ? -1 : lseek(fd, (off_t)at.offset, SEEK_HOLE);

		if (hole < 0 && fd >= 0 && errno != ENXIO)
			return -errno;
		if (hole < 0)
			hole = (off_t)at.offset; /* beyond the data file */
		if ((uint64_t)hole < at.offset + at.len) {
			*found = (uint64_t)hole;
			return 0;
		}
	}
	return 0;
}

int bfs_pieces_alloc(struct bfs_fs *fs, uint64_t ino, int fd,
		     const struct bfs_plan *p, unsigned shard, int mode)
{
	struct bfs_piece at = { 0 };
	int r = 0, why;

	if (mode & FALLOC_FL_PUNCH_HOLE) /* others' chunks are holes here */
		return bfs_sums_fallocate(fs, ino, fd, mode, p->offset,
					  p->end - p->offset);
	while (!r && bfs_plan_next(p, shard, &at)) {
		if (bfs_space_room(fs, NULL, fd, at.offset, at.len, &why) <
		    at.len)
			return why;
		r = bfs_sums_fallocate(fs, ino, fd, mode, at.offset, at.len);
	}
	return r;
}
