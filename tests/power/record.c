/* SPDX-License-Identifier: BSD-3-Clause */
/* libc's calls that change files, recorded.  The program's own names win over
 * libc's, for the libraries that it loads (LMDB) too. */
#include "tests/power/disk.h"
#include "tests/power/disk_impl.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

struct disk disk;

static uint64_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static bool knows(uint64_t ino)
{
	for (unsigned n = 0; disk.on && n < disk.nknown; n++)
		if (disk.known[n] == ino)
			return true;
	return false;
}

static void learn(uint64_t ino)
{
	disk.known = realloc(disk.known, (disk.nknown + 1) * sizeof(ino));
	disk.known[disk.nknown++] = ino;
}

static struct disk_change *add(enum disk_kind kind, uint64_t ino)
{
	struct disk_change *c;

	if (disk.n == disk.cap) {
		disk.cap = disk.cap ? 2 * disk.cap : 1024;
		disk.change = realloc(disk.change, disk.cap * sizeof(*c));
		if (!disk.change)
			err(1, NULL);
	}
	c = &disk.change[disk.n++];
	*c = (struct disk_change){ .kind = kind, .ino = ino };
	return c;
}

/* All that was done to that inode (or directory) so far; 0: to all. */
static void sync_it(uint64_t ino)
{
	add(DISK_SYNC, ino);
	for (unsigned n = 0; n < disk.n; n++) {
		struct disk_change *c = &disk.change[n];
		bool of_dir = c->kind >= DISK_NAME && c->kind != DISK_SYNC;

		if (!c->synced && (!ino || (of_dir ? c->dir : c->ino) == ino))
			c->synced = disk.n;
	}
}

/* The directory that a path leads to the end of, and the name there. */
static uint64_t dir_of(int at, const char *path, char name[64])
{
	char copy[4096], base[4096];
	struct stat st;

	snprintf(copy, sizeof(copy), "%s", path);
	snprintf(base, sizeof(base), "%s", path);
	snprintf(name, 64, "%.63s", basename(base));
	return fstatat(at, dirname(copy), &st, 0) ? 0 : st.st_ino;
}

static uint64_t ino_at(int at, const char *path)
{
	struct stat st;

	return fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_ino;
}

static void made(int at, const char *path, uint64_t ino, char what, mode_t mode)
{
	char name[64];
	uint64_t dir = dir_of(at, path, name);
	struct disk_change *c;

	if (!knows(dir))
		return;
	learn(ino);
	c = add(DISK_NAME, ino);
	c->makes = what;
	c->mode = mode;
	c->dir = dir;
	memcpy(c->name, name, sizeof(name));
}

static void wrote(int fd, const void *buf, ssize_t len, off_t at)
{
	uint64_t ino = disk.on && len > 0 ? ino_of(fd) : 0;
	struct disk_change *c;

	if (!ino || !knows(ino))
		return;
	c = add(DISK_WRITE, ino);
	c->at = (size_t)at;
	c->len = (size_t)len;
	c->data = malloc((size_t)len);
	memcpy(c->data, buf, (size_t)len);
	if (fcntl(fd, F_GETFL) & O_DSYNC)
		c->synced = disk.n;
}

static void sized(int fd, off_t size)
{
	uint64_t ino = disk.on ? ino_of(fd) : 0;

	if (ino && knows(ino))
		add(DISK_SIZE, ino)->at = (size_t)size;
}

static int open_at(int at, const char *path, int flags, mode_t mode)
{
	bool maybe_new = disk.on && flags & O_CREAT && !ino_at(at, path);
	int fd = (int)syscall(SYS_openat, at, path, flags, mode);

	if (fd >= 0 && maybe_new)
		made(at, path, ino_of(fd), 'f', mode);
	else if (fd >= 0 && flags & O_TRUNC)
		sized(fd, 0);
	return fd;
}

API int open(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return open_at(AT_FDCWD, path, flags, mode);
}

API int openat(int at, const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return open_at(at, path, flags, mode);
}

API int mknodat(int at, const char *path, mode_t mode, dev_t dev)
{
	int r = (int)syscall(SYS_mknodat, at, path, mode, dev);

	if (!r && disk.on && S_ISREG(mode))
		made(at, path, ino_at(at, path), 'f', mode & 07777);
	return r;
}

API int mkdirat(int at, const char *path, mode_t mode)
{
	int r = (int)syscall(SYS_mkdirat, at, path, mode);

	if (!r && disk.on)
		made(at, path, ino_at(at, path), 'd', mode);
	return r;
}

API int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

API ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
	ssize_t n = syscall(SYS_pwrite64, fd, buf, len, at);

	wrote(fd, buf, n, at);
	return n;
}

API ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t n = syscall(SYS_write, fd, buf, len);

	/* behind what was written, O_APPEND or not */
	if (n > 0 && disk.on)
		wrote(fd, buf, n, lseek(fd, 0, SEEK_CUR) - n);
	return n;
}

/* As LMDB writes its pages. */
API ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t sum = 0;

	for (int k = 0; k < n; k++) {
		ssize_t done =
			pwrite(fd, v[k].iov_base, v[k].iov_len, at + sum);

		if (done < 0)
			return sum ? sum : done;
		sum += done;
	}
	return sum;
}

API ssize_t writev(int fd, const struct iovec *v, int n)
{
	ssize_t sum = 0;

	for (int k = 0; k < n; k++) {
		ssize_t done = write(fd, v[k].iov_base, v[k].iov_len);

		if (done < 0)
			return sum ? sum : done;
		sum += done;
	}
	return sum;
}

API ssize_t pwritev2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
	off_t end = flags & RWF_APPEND ? lseek(fd, 0, SEEK_END) : at;
	ssize_t done;

	if (n != 1)
		errx(1, "pwritev2 of %d parts", n);
	done = syscall(SYS_pwritev2, fd, v, n, at, 0, flags);
	wrote(fd, v[0].iov_base, done, end);
	return done;
}

API int ftruncate(int fd, off_t size)
{
	int r = (int)syscall(SYS_ftruncate, fd, size);

	if (!r)
		sized(fd, size);
	return r;
}

/* It takes space only; the file system of the test need not. */
API int fallocate(int fd, int mode, off_t at, off_t len)
{
	return 0;
}

API int fchmodat(int at, const char *path, mode_t mode, int flags)
{
	int r = (int)syscall(SYS_fchmodat, at, path, mode);
	uint64_t ino = !r && disk.on ? ino_at(at, path) : 0;

	if (ino && knows(ino))
		add(DISK_MODE, ino)->mode = mode;
	return r;
}

API int unlinkat(int at, const char *path, int flags)
{
	char name[64];
	uint64_t dir = disk.on ? dir_of(at, path, name) : 0;
	int r = (int)syscall(SYS_unlinkat, at, path, flags);
	struct disk_change *c;

	if (r || !dir || !knows(dir))
		return r;
	c = add(DISK_UNNAME, 0);
	c->dir = dir;
	memcpy(c->name, name, sizeof(name));
	return r;
}

API int renameat(int fdir, const char *from, int tdir, const char *to)
{
	char old[64], name[64];
	uint64_t dir = disk.on ? dir_of(tdir, to, name) : 0;
	uint64_t ino = disk.on ? ino_at(fdir, from) : 0;
	int r = (int)syscall(SYS_renameat, fdir, from, tdir, to);
	struct disk_change *c;

	if (r || !dir || !knows(dir))
		return r;
	if (dir_of(fdir, from, old) != dir)
		errx(1, "rename of %s to another directory", from);
	c = add(DISK_RENAME, ino);
	c->dir = dir;
	memcpy(c->name, name, sizeof(name));
	memcpy(c->from, old, sizeof(old));
	return r;
}

static int sync_fd(int fd)
{
	if (disk.on && knows(ino_of(fd)))
		sync_it(ino_of(fd));
	return 0; /* the real disk does not matter */
}

API int fsync(int fd)
{
	return sync_fd(fd);
}

API int fdatasync(int fd)
{
	return sync_fd(fd);
}

API int syncfs(int fd)
{
	if (disk.on)
		sync_it(0);
	return 0;
}

void disk_start(const char *root)
{
	struct stat st;

	for (unsigned n = 0; n < disk.n; n++)
		free(disk.change[n].data);
	disk.n = disk.nknown = 0;
	if (stat(root, &st))
		err(1, "%s", root);
	disk.root = st.st_ino;
	learn(st.st_ino);
	disk.on = true;
}

void disk_stop(void)
{
	disk.on = false;
}

unsigned disk_changes(void)
{
	return disk.n;
}
