/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/sum_file.h"

#include "core/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAGIC 0x316d757373666262u /* "bbfssum1" */
#define CLEAN 1u
#define SUMMED 48u /* bytes before the head's own checksum */

uint64_t bfs_sum_of(uint64_t ino, uint64_t block, const void *data, size_t len)
{
	uint64_t seed = (ino * 0x9e3779b97f4a7c15u) ^ block, h;
	uint8_t whole[BFS_SUM_BLOCK];

	if (len < sizeof(whole)) {
		memcpy(whole, data, len);
		memset(whole + len, 0, sizeof(whole) - len);
		data = whole;
	}
	h = XXH3_64bits_withSeed(data, BFS_SUM_BLOCK, seed);
	return h ? h : 1;
}

ssize_t bfs_sum_read(int fd, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int bfs_sum_write(int fd, const void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, (const char *)buf + done, len - done,
				   (off_t)(offset + done));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		done += (size_t)n;
	}
	return 0;
}

int bfs_sum_head_write(int fd, const struct bfs_sum_head *h)
{
	uint8_t buf[BFS_SUM_HEAD] = { 0 };
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_u64(&w, MAGIC);
	bfs_put_u64(&w, h->ino);
	bfs_put_u64(&w, h->boot[0]);
	bfs_put_u64(&w, h->boot[1]);
	bfs_put_u64(&w, h->clean ? CLEAN : 0);
	bfs_put_u64(&w, 0);
	bfs_put_u64(&w, XXH3_64bits(buf, SUMMED));
	return bfs_sum_write(fd, buf, sizeof(buf), 0);
}

int bfs_sum_head_read(int fd, struct bfs_sum_head *h)
{
	uint8_t buf[BFS_SUM_HEAD];
	ssize_t n = bfs_sum_read(fd, buf, sizeof(buf), 0);
	struct bfs_wire w;
	uint64_t magic;

	if (n < 0)
		return (int)n;
	if (n != sizeof(buf))
		return 1;
	bfs_wire_init(&w, buf, sizeof(buf));
	magic = bfs_get_u64(&w);
	h->ino = bfs_get_u64(&w);
	h->boot[0] = bfs_get_u64(&w);
	h->boot[1] = bfs_get_u64(&w);
	h->clean = bfs_get_u64(&w) & CLEAN;
	bfs_get_u64(&w);
	return magic != MAGIC || bfs_get_u64(&w) != XXH3_64bits(buf, SUMMED);
}
