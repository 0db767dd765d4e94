/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of a sequence as calls of libc, in a directory. */
#include "tests/sequences/seq.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_of(const char *dir, const char *path, char *buf)
{
	snprintf(buf, 400, "%s/%s", dir, path);
}

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int write_at(const char *path, unsigned n, bool append)
{
	size_t len = append ? SEQ_APPEND_LEN : SEQ_WRITE_LEN;
	int fd = open(path, O_WRONLY | (append ? O_APPEND : 0));
	char buf[SEQ_BYTES];
	ssize_t done;
	int r;

	if (fd < 0)
		return -errno;
	seq_bytes(n, len, buf);
	done = append ? write(fd, buf, len)
		      : pwrite(fd, buf, len, SEQ_WRITE_AT);
	r = done < 0 ? -errno : done == (ssize_t)len ? 0 : -EIO;
	return close(fd) && !r ? -errno : r;
}

static int create(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	return fd < 0 ? -errno : result(close(fd));
}

static int sync_path(const char *path)
{
	int fd = open(path, O_RDONLY), r;

	if (fd < 0)
		return -errno;
	r = result(fsync(fd));
	close(fd);
	return r;
}

static int libc_call(void *arg, const struct seq_call *c, unsigned n)
{
	char a[400], b[400];

	path_of(arg, seq_path[c->a], a);
	path_of(arg, seq_path[c->b], b);
	switch (c->kind) {
	case SEQ_create:
		return create(a);
	case SEQ_write:
		return write_at(a, n, false);
	case SEQ_append:
		return write_at(a, n, true);
	case SEQ_rename:
		return result(rename(a, b));
	case SEQ_link:
		return result(link(a, b));
	case SEQ_unlink:
		return result(unlink(a));
	case SEQ_mkdir:
		return result(mkdir(a, 0755));
	case SEQ_rmdir:
		return result(rmdir(a));
	case SEQ_truncate:
		return result(truncate(a, SEQ_TRUNCATE_TO));
	default:
		return sync_path(a);
	}
}

static unsigned entries(const char *path)
{
	const struct dirent *e;
	DIR *d = opendir(path);
	unsigned n = 0;

	if (!d)
		err(1, "%s", path);
	errno = 0;
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	if (errno || closedir(d))
		err(1, "%s", path);
	return n;
}

static char libc_look(void *arg, const char *path, uint64_t *ino,
		      unsigned *links, unsigned *size)
{
	struct stat st;
	char p[400];

	path_of(arg, path, p);
	if (lstat(p, &st)) {
		if (errno != ENOENT && errno != ENOTDIR)
			err(1, "%s", p);
		return 0;
	}
	*ino = st.st_ino;
	*links = (unsigned)st.st_nlink;
	*size = S_ISDIR(st.st_mode) ? entries(p) : (unsigned)st.st_size;
	return S_ISDIR(st.st_mode) ? 'd' : S_ISREG(st.st_mode) ? 'f' : '?';
}

static bool libc_bytes(void *arg, const char *path, unsigned size, char *buf)
{
	char p[400];
	ssize_t n;
	int fd;

	path_of(arg, path, p);
	fd = open(p, O_RDONLY);
	if (fd < 0)
		return false;
	n = read(fd, buf, SEQ_BYTES);
	close(fd);
	return n == (ssize_t)size;
}

struct seq_fs seq_libc(const char *dir)
{
	return (struct seq_fs){ libc_call, libc_look, libc_bytes, (char *)dir };
}
