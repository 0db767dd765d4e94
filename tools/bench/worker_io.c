/* SPDX-License-Identifier: BSD-3-Clause */
/* Works on data.  Each 4 KiB of a file begin with their offset, and who reads
 * checks it: a fast wrong answer is no result. */
#include "tools/bench/worker.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define FILE_SIZE (64u << 20)
#define QUICK_SIZE (4u << 20)
#define STAMP 4096u

static void file_path(const struct bench_job *j, char *out, size_t size)
{
	snprintf(out, size, "%s/data", j->dir);
}

static void stamp(char *buf, uint64_t size, uint64_t off)
{
	for (uint64_t at = -off % STAMP; at + 8 <= size; at += STAMP) {
		uint64_t here = off + at;

		memcpy(buf + at, &here, sizeof(here));
	}
}

/* The first stamp in it, if there is one. */
static int check(const char *buf, uint64_t size, uint64_t off)
{
	uint64_t at = -off % STAMP, here;

	if (at + sizeof(here) > size)
		return 0;
	memcpy(&here, buf + at, sizeof(here));
	return here == off + at ? 0 : -EBADMSG;
}

static int full(ssize_t n, uint64_t size)
{
	if (n < 0)
		return -errno;
	return (uint64_t)n == size ? 0 : -EIO;
}

static uint64_t file_size(const struct bench_job *j)
{
	return j->quick ? QUICK_SIZE : FILE_SIZE;
}

static int fill(const struct bench_job *j, int fd)
{
	char *buf = malloc(1 << 20);
	int e = buf ? 0 : -ENOMEM;

	for (uint64_t off = 0; !e && off < file_size(j); off += 1 << 20) {
		memset(buf, (int)(off >> 20), 1 << 20);
		stamp(buf, 1 << 20, off);
		e = full(pwrite(fd, buf, 1 << 20, (off_t)off), 1 << 20);
	}
	free(buf);
	return e;
}

/* One file for each process, or for all. */
static int make(struct bench_job *j)
{
	bool shared = j->work->flags & BFS_WORK_SHARED;
	char dir[1024], path[1200];
	int e = 0, fd;

	for (int r = 0; !e && r < (shared ? 1 : (int)j->work->processes); r++) {
		bench_dir(j, dir, sizeof(dir), shared ? -1 : r);
		snprintf(path, sizeof(path), "%s/data", dir);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
		if (fd < 0)
			return -errno;
		e = fill(j, fd);
		if (close(fd) && !e)
			e = -errno;
	}
	return e;
}

static int join(struct bench_job *j)
{
	char path[1200];

	file_path(j, path, sizeof(path));
	j->size = file_size(j);
	j->buf = aligned_alloc(4096, (j->work->bytes + 4095) & ~4095ull);
	if (!j->buf)
		return -ENOMEM;
	memset(j->buf, 0x5a, j->work->bytes);
	j->fd = open(path, O_RDWR);
	return j->fd < 0 ? -errno : 0;
}

static int leave(struct bench_job *j)
{
	free(j->buf);
	return j->fd >= 0 && close(j->fd) ? -errno : 0;
}

static int rewind_file(struct bench_job *j)
{
	return lseek(j->fd, 0, SEEK_SET) ? -errno : 0;
}

/* Where the i-th goes, when it is in order; at the end from the start. */
static int seek(struct bench_job *j, uint64_t i, uint64_t *off)
{
	*off = i % (j->size / j->work->bytes) * j->work->bytes;
	return *off || !i ? 0 : rewind_file(j);
}

static int op_read_seq(struct bench_job *j, uint64_t i)
{
	uint64_t off;
	int e = seek(j, i, &off);

	if (!e)
		e = full(read(j->fd, j->buf, j->work->bytes), j->work->bytes);
	return e ? e : check(j->buf, j->work->bytes, off);
}

static int op_write_seq(struct bench_job *j, uint64_t i)
{
	uint64_t off;
	int e = seek(j, i, &off);

	if (e)
		return e;
	stamp(j->buf, STAMP, off);
	return full(write(j->fd, j->buf, j->work->bytes), j->work->bytes);
}

static uint64_t somewhere(struct bench_job *j)
{
	uint64_t n = j->size / j->work->bytes;

	return bench_random(j) % n * j->work->bytes;
}

static int op_read_rand(struct bench_job *j, uint64_t i)
{
	uint64_t off = somewhere(j);
	int e = full(pread(j->fd, j->buf, j->work->bytes, (off_t)off),
		     j->work->bytes);

	return e ? e : check(j->buf, j->work->bytes, off);
}

static int op_write_rand(struct bench_job *j, uint64_t i)
{
	uint64_t off = somewhere(j);

	stamp(j->buf, STAMP, off);
	return full(pwrite(j->fd, j->buf, j->work->bytes, (off_t)off),
		    j->work->bytes);
}

/* Record i of process r is the (i * processes + r)-th of the file. */
static uint64_t strided(const struct bench_job *j, uint64_t i)
{
	uint64_t n = j->size / j->work->bytes / j->work->processes;

	return (i % n * j->work->processes + j->rank) * j->work->bytes;
}

static int op_read_strided(struct bench_job *j, uint64_t i)
{
	uint64_t off = strided(j, i);
	int e = full(pread(j->fd, j->buf, j->work->bytes, (off_t)off),
		     j->work->bytes);

	return e ? e : check(j->buf, j->work->bytes, off);
}

static int op_write_strided(struct bench_job *j, uint64_t i)
{
	uint64_t off = strided(j, i);

	stamp(j->buf, j->work->bytes, off);
	return full(pwrite(j->fd, j->buf, j->work->bytes, (off_t)off),
		    j->work->bytes);
}

/* A new file for each round. */
static int fresh_before(struct bench_job *j)
{
	char path[1200];

	file_path(j, path, sizeof(path));
	if (close(j->fd) || (unlink(path) && errno != ENOENT))
		return -errno;
	j->fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
	j->max = j->size / j->work->bytes;
	return j->fd < 0 ? -errno : 0;
}

static int map_join(struct bench_job *j)
{
	int e = join(j);

	if (e)
		return e;
	j->map = mmap(NULL, j->size, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd,
		      0);
	if (j->map == MAP_FAILED) {
		j->map = NULL;
		return -errno;
	}
	/* the pages are there: this is about copies, not about faults */
	for (uint64_t off = 0; off < j->size; off += 4096)
		e |= ((volatile char *)j->map)[off];
	return 0;
}

static int op_map_read(struct bench_job *j, uint64_t i)
{
	uint64_t off = somewhere(j);

	memcpy(j->buf, j->map + off, j->work->bytes);
	return check(j->buf, j->work->bytes, off);
}

static int op_map_write(struct bench_job *j, uint64_t i)
{
	uint64_t off = somewhere(j);

	stamp(j->buf, STAMP, off);
	memcpy(j->map + off, j->buf, j->work->bytes);
	return 0;
}

static int map_leave(struct bench_job *j)
{
	if (j->map && munmap(j->map, j->size))
		return -errno;
	return leave(j);
}

#define BODY(name, join_, before_, leave_) \
	const struct bench_body bench_body_##name = { \
		.make = make, \
		.join = join_, \
		.before = before_, \
		.op = op_##name, \
		.after = bench_nothing_done, \
		.leave = leave_, \
		.drop = bench_nothing, \
	}
#define op_write_fresh op_write_seq
BODY(read_seq, join, rewind_file, leave);
BODY(write_seq, join, rewind_file, leave);
BODY(read_rand, join, bench_nothing, leave);
BODY(write_rand, join, bench_nothing, leave);
BODY(read_strided, join, bench_nothing, leave);
BODY(write_strided, join, bench_nothing, leave);
BODY(write_fresh, join, fresh_before, leave);
BODY(map_read, map_join, bench_nothing, map_leave);
BODY(map_write, map_join, bench_nothing, map_leave);
