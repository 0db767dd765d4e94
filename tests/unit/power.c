/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/power.h"

#include "server/frame.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

/* What a file was like when it was synced; of a directory: what was in it. */
struct synced {
	ino_t ino;
	off_t size;
	ino_t *names;
	unsigned n;
	UT_hash_handle hh;
};

static struct synced *all;
static bool lying;

static struct synced *find(ino_t ino)
{
	struct synced *y;

	HASH_FIND(hh, all, &ino, sizeof(ino), y);
	return y;
}

static struct synced *get(ino_t ino)
{
	struct synced *y = find(ino);

	if (y)
		return y;
	y = calloc(1, sizeof(*y));
	assert_non_null(y);
	y->ino = ino;
	HASH_ADD(hh, all, ino, sizeof(y->ino), y);
	return y;
}

static void list(struct synced *y, int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(copy);
	const struct dirent *e;

	assert_non_null(d);
	y->n = 0;
	while ((e = readdir(d))) {
		y->names = realloc(y->names, (y->n + 1) * sizeof(ino_t));
		y->names[y->n++] = e->d_ino;
	}
	closedir(d);
}

static int record(int fd)
{
	struct synced *y;
	struct stat st;

	if (lying)
		return 0;
	assert_int_equal(fstat(fd, &st), 0);
	y = get(st.st_ino);
	y->size = st.st_size;
	if (S_ISDIR(st.st_mode))
		list(y, fd);
	return 0;
}

int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fsync(int fd)
{
	return record(fd);
}

int __wrap_fdatasync(int fd)
{
	return record(fd);
}

void power_lie(bool lies)
{
	lying = lies;
}

void power_clear(void)
{
	struct synced *y, *next;

	HASH_ITER(hh, all, y, next)
	{
		HASH_DEL(all, y);
		free(y->names);
		free(y);
	}
	lying = false;
}

static bool has(const struct synced *y, ino_t ino)
{
	for (unsigned n = 0; y && n < y->n; n++)
		if (y->names[n] == ino)
			return true;
	return false;
}

/* The segment was written before the machine started. */
static void age(int dir, const char *name)
{
	struct bfs_segment_head h;
	uint8_t buf[BFS_SEGMENT_HEAD];
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), sizeof(buf));
	assert_int_equal(bfs_segment_get(buf, &h), 0);
	h.boot[0] ^= 1;
	bfs_segment_put(buf, &h);
	assert_int_equal(pwrite(fd, buf, sizeof(buf), 0), sizeof(buf));
	close(fd);
}

static void lose_file(int dir, const char *name, bool named)
{
	const struct synced *y;
	struct stat st;
	int fd;

	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	if (!S_ISREG(st.st_mode))
		return;
	if (!named) {
		assert_int_equal(unlinkat(dir, name, 0), 0);
		return;
	}
	y = find(st.st_ino);
	fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (!y || y->size < st.st_size)
		assert_int_equal(ftruncate(fd, y ? y->size : 0), 0);
	close(fd);
}

/* meta: only the log is looked at; the checkpoint syncs by itself. */
static void lose_below(const char *path, bool meta)
{
	DIR *d = opendir(path);
	const struct synced *y;
	const struct dirent *e;
	struct stat st;

	assert_non_null(d);
	assert_int_equal(fstat(dirfd(d), &st), 0);
	y = find(st.st_ino);
	while ((e = readdir(d))) {
		char sub[512];

		if (e->d_name[0] == '.' ||
		    (meta && strncmp(e->d_name, "log.", 4)))
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR)
			lose_below(sub, false);
		else
			lose_file(dirfd(d), e->d_name, has(y, e->d_ino));
	}
	closedir(d);
}

static void age_all(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, "log.", 4))
			age(dirfd(d), e->d_name);
	closedir(d);
}

void power_loss(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/meta", dir);
	lose_below(path, true);
	age_all(path);
	snprintf(path, sizeof(path), "%s/data", dir);
	lose_below(path, false);
}
