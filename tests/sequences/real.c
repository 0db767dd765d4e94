/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * real DIR COUNT SEED DAEMONS: COUNT sequences of three calls by chance, each
 * in a directory of its own.  All make their first call; then
 * `$BENCHFS_TEST_KILL K` and `$BENCHFS_TEST_RESTART K` are run for each daemon
 * K, and what is there must be what was acknowledged; and so on.
 */
#include "tests/sequences/seq.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sequence {
	struct seq_call call[SEQ_LEN_MAX];
	struct seq_world world;
	unsigned start;
	char dir[300];
};

static void path_of(const struct sequence *q, const char *path, char *buf)
{
	snprintf(buf, 400, "%s/%s", q->dir, path);
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

	if (fd < 0)
		return -errno;
	seq_bytes(n, len, buf);
	done = append ? write(fd, buf, len)
		      : pwrite(fd, buf, len, SEQ_WRITE_AT);
	if (done != (ssize_t)len || close(fd))
		return -EIO;
	return 0;
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

static int call(void *arg, const struct seq_call *c, unsigned n)
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

static char look(void *arg, const char *path, uint64_t *ino, unsigned *links,
		 unsigned *size)
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

static bool bytes(void *arg, const char *path, unsigned size, char *buf)
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

static void tell(const struct sequence *q, unsigned done)
{
	for (unsigned n = 0; n < done; n++) {
		char name[64];

		seq_call_name(&q->call[n], name, sizeof(name));
		warnx("%s: %s", q->dir, name);
	}
}

static void compare(struct sequence *q, unsigned done)
{
	static char expected[SEQ_TEXT], seen[SEQ_TEXT];
	const struct seq_fs fs = { call, look, bytes, q };

	seq_world_text(&q->world, expected);
	seq_fs_text(&fs, seen);
	if (!strcmp(expected, seen))
		return;
	tell(q, done);
	errx(1, "expected\n%sand there is\n%s", expected, seen);
}

static void begin(struct sequence *q, const char *dir, unsigned n,
		  uint64_t *random)
{
	const struct seq_fs fs = { call, look, bytes, q };
	struct seq_call all[SEQ_CALLS_MAX];
	unsigned ncalls = seq_calls(all);

	for (unsigned k = 0; k < SEQ_LEN_MAX; k++) {
		*random = *random * 6364136223846793005u + 1442695040888963407u;
		q->call[k] = all[(*random >> 33) % ncalls];
	}
	q->start = n % SEQ_STARTS;
	snprintf(q->dir, sizeof(q->dir), "%s/%u", dir, n);
	if (mkdir(q->dir, 0755) || seq_fs_init(&fs, q->start))
		err(1, "%s", q->dir);
	seq_world_init(&q->world, q->start);
}

static void make_call(struct sequence *q, unsigned k)
{
	int expected = seq_apply(&q->world, &q->call[k], k);
	int r = call(q, &q->call[k], k);

	if (r == expected)
		return;
	tell(q, k + 1);
	errx(1, "answers %d, expected %d", r, expected);
}

static void command(const char *what, unsigned daemon)
{
	char buf[1000];

	snprintf(buf, sizeof(buf), "%s %u >/dev/null", getenv(what), daemon);
	if (system(buf))
		errx(1, "%s failed", what);
}

int main(int argc, char **argv)
{
	unsigned count, daemons;
	struct sequence *q;
	uint64_t random;

	if (argc != 5)
		errx(2, "real DIR COUNT SEED DAEMONS");
	count = (unsigned)atoi(argv[2]);
	random = strtoull(argv[3], NULL, 10);
	daemons = (unsigned)atoi(argv[4]);
	q = calloc(count, sizeof(*q));
	if (!q)
		err(1, NULL);
	for (unsigned n = 0; n < count; n++)
		begin(&q[n], argv[1], n, &random);
	for (unsigned k = 0; k < SEQ_LEN_MAX; k++) {
		for (unsigned n = 0; n < count; n++)
			make_call(&q[n], k);
		for (unsigned d = 0; d < daemons; d++)
			command("BENCHFS_TEST_KILL", d);
		for (unsigned d = 0; d < daemons; d++)
			command("BENCHFS_TEST_RESTART", d);
		for (unsigned n = 0; n < count; n++)
			compare(&q[n], k + 1);
	}
	printf("%u sequences of %d calls, %u kills of a daemon, %u comparisons\n",
	       count, SEQ_LEN_MAX, SEQ_LEN_MAX * daemons, count * SEQ_LEN_MAX);
	free(q);
	return 0;
}
