/* SPDX-License-Identifier: BSD-3-Clause */
/* The I/O on data files of striped files. */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/chunks.h"
#include "server/data.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static bool again(ssize_t n)
{
	return n < 0 && (errno == EINTR || errno == EAGAIN);
}

/* len bytes, of which those behind the end are zeros. */
static int read_full(int fd, uint8_t *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done,
				  (off_t)(offset + done));

		if (again(n))
			continue;
		if (n < 0) {
			bfs_log(error, "cannot read a data file: %m");
			return -errno;
		}
		if (!n)
			break;
		done += (size_t)n;
	}
	memset(buf + done, 0, len - done);
	return 0;
}

int bfs_pieces_read(int fd, const struct bfs_plan *p, unsigned shard,
		    uint8_t *buf)
{
	struct bfs_piece at = { 0 };
	int r = 0;

	for (; !r && bfs_plan_next(p, shard, &at); buf += at.len) {
		if (fd < 0)
			memset(buf, 0, at.len);
		else
			r = read_full(fd, buf, at.len, at.offset);
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

static size_t write_one(struct bfs_fs *fs, int fd, const uint8_t *buf,
			const struct bfs_piece *at, int flags, int *err)
{
	size_t len = bfs_space_room(fs, NULL, fd, at->offset, at->len);
	size_t done = 0;

	while (done < len) {
		struct iovec v = { (uint8_t *)buf + done, len - done };
		ssize_t n = pwritev2(fd, &v, 1, (off_t)(at->offset + done),
				     flags);

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
	if (done == len && len < at->len)
		*err = -ENOSPC;
	bfs_stat_add(bytes_written, done);
	return done;
}

size_t bfs_pieces_write(struct bfs_fs *fs, int fd, const struct bfs_plan *p,
			unsigned shard, const uint8_t *buf, uint32_t oflags,
			int *err)
{
	struct bfs_piece at = { 0 };
	size_t done = 0;

	*err = 0;
	while (!*err && bfs_plan_next(p, shard, &at))
		done += write_one(fs, fd, buf + done, &at, rwf(oflags), err);
	return done;
}
