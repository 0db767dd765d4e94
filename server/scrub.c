/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/scrub.h"

#include "core/datafile.h"
#include "core/log.h"
#include "core/util.h"
#include "server/frame.h"
#include "server/sum_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK BFS_SUM_BLOCK
#define AT_ONCE 64u
#define LOOKS 3 /* that must find the same */
#define TRIES 1000
#define TELL_NS 200000000ull

struct scrub {
	bool json, tty;
	int data_fd, sums_fd;
	const char *dir;
	uint64_t boot[2];
	uint64_t total; /* data files, for the progress line */
	uint64_t files, bytes, blocks, unknown, without, damaged;
	uint64_t told; /* when: bfs_now() */
	/* Damage that lies together is told at once. */
	const char *what;
	uint64_t from, to;
};

/* A file under the eye. */
struct look {
	struct scrub *k;
	uint64_t ino;
	const char *name;
	int data, sums;
};

static void clear_line(struct scrub *k)
{
	if (k->tty && k->told)
		fputs("\r\033[K", stderr);
}

static void progress(struct scrub *k)
{
	uint64_t now = bfs_now();

	if (!k->tty || now - k->told < TELL_NS)
		return;
	k->told = now;
	fprintf(stderr,
		"\rscrub: %" PRIu64 " of %" PRIu64 " files, %.1f GiB, %" PRIu64
		" damaged ",
		k->files, k->total, (double)k->bytes / (1u << 30), k->damaged);
}

static void tell(struct look *l)
{
	struct scrub *k = l->k;

	if (!k->what)
		return;
	clear_line(k);
	if (k->json)
		printf("%s\n {\"directory\": \"%s\", \"file\": \"data/%s\", "
		       "\"inode\": %" PRIu64 ", \"offset\": %" PRIu64
		       ", \"length\": %" PRIu64 ", \"what\": \"%s\"}",
		       k->damaged ? "," : "", k->dir, l->name, l->ino, k->from,
		       k->to - k->from, k->what);
	else
		printf("%s/data/%s: inode %" PRIu64 ": %s: %" PRIu64
		       " bytes at offset %" PRIu64 "\n",
		       k->dir, l->name, l->ino, k->what, k->to - k->from,
		       k->from);
	k->damaged++;
	k->what = NULL;
}

static void found(struct look *l, const char *what, uint64_t from, uint64_t to)
{
	struct scrub *k = l->k;

	if (k->what && (k->what != what || k->to != from))
		tell(l);
	if (!k->what)
		k->from = from;
	k->what = what;
	k->to = to;
}

static uint64_t sum_of(const struct look *l, uint64_t block)
{
	uint64_t sum = 0;

	return bfs_sum_read(l->sums, &sum, sizeof(sum), bfs_sum_at(block)) ==
			       sizeof(sum)
		       ? sum
		       : 0;
}

/*
 * Whoever writes makes the sum 0 first, and the new one last: if it has stayed
 * as it was, so has the block.  1: right; 0: not known; -1: wrong.
 */
static int look_again(const struct look *l, uint64_t block)
{
	uint8_t buf[BLOCK];
	int bad = 0;

	for (int n = 0; n < TRIES; n++) {
		uint64_t sum = sum_of(l, block);
		ssize_t len = bfs_sum_read(l->data, buf, BLOCK, block * BLOCK);

		if (sum_of(l, block) != sum) {
			bad = 0;
			continue;
		}
		if (!sum)
			return 0;
		if (len >= 0 &&
		    bfs_sum_of(l->ino, block, buf, (size_t)len) == sum)
			return 1;
		if (++bad == LOOKS)
			return -1;
	}
	return 0;
}

static void check_block(struct look *l, uint64_t block, uint64_t sum,
			const uint8_t *buf, size_t len)
{
	int r = 1;

	if (!sum || bfs_sum_of(l->ino, block, buf, len) != sum)
		r = look_again(l, block);
	if (r > 0)
		l->k->blocks++;
	else if (!r)
		l->k->unknown += len != 0;
	else
		found(l, "the checksum does not match", block * BLOCK,
		      (block + 1) * BLOCK);
}

/* Is there anything in these blocks, data or sums? */
static bool empty(const struct look *l, uint64_t first, const uint64_t *sums)
{
	off_t at = lseek(l->data, (off_t)(first * BLOCK), SEEK_DATA);

	for (unsigned n = 0; n < AT_ONCE; n++)
		if (sums[n])
			return false;
	return at < 0 ? errno == ENXIO
		      : (uint64_t)at >= (first + AT_ONCE) * BLOCK;
}

static void check_some(struct look *l, uint64_t first)
{
	static uint8_t buf[AT_ONCE * BLOCK];
	uint64_t sums[AT_ONCE] = { 0 };
	ssize_t n =
		bfs_sum_read(l->sums, sums, sizeof(sums), bfs_sum_at(first));

	if (n < 0)
		memset(sums, 0, sizeof(sums));
	if (empty(l, first, sums))
		return;
	n = bfs_sum_read(l->data, buf, sizeof(buf), first * BLOCK);
	if (n < 0) {
		found(l, strerror((int)-n), first * BLOCK,
		      (first + AT_ONCE) * BLOCK);
		return;
	}
	l->k->bytes += (uint64_t)n;
	for (unsigned k = 0; k < AT_ONCE; k++) {
		size_t at = k * (size_t)BLOCK;
		size_t len =
			at < (size_t)n ? BFS_MIN((size_t)n - at, BLOCK) : 0;

		if (len || sums[k])
			check_block(l, first + k, sums[k], buf + at, len);
	}
	progress(l->k);
}

static uint64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : (uint64_t)st.st_size;
}

/* Sums are cut off before what they are of is, and written behind it. */
static bool shorter(const struct look *l)
{
	for (int n = 0; n < LOOKS; n++) {
		uint64_t count = bfs_sum_count(size_of(l->sums));

		if (count <= bfs_sum_blocks(size_of(l->data)) ||
		    bfs_sum_count(size_of(l->sums)) != count)
			return false;
	}
	return true;
}

/* Is it said that its sums are right? */
static bool believed(const struct look *l)
{
	struct bfs_sum_head h;

	return !bfs_sum_head_read(l->sums, &h) && h.ino == l->ino &&
	       (h.clean || !memcmp(h.boot, l->k->boot, sizeof(h.boot)));
}

static void check_file(struct look *l)
{
	uint64_t size = size_of(l->data), count;

	if (!believed(l)) {
		l->k->unknown += bfs_sum_blocks(size);
		return;
	}
	count = BFS_MAX(bfs_sum_count(size_of(l->sums)), bfs_sum_blocks(size));
	if (shorter(l)) {
		count = bfs_sum_blocks(size);
		found(l, "the data file is shorter than it was", size,
		      bfs_sum_count(size_of(l->sums)) * BLOCK);
		tell(l);
	}
	for (uint64_t at = 0; at < count; at += AT_ONCE)
		check_some(l, at);
	tell(l);
}

static void look_at(struct scrub *k, const char *name, uint64_t ino)
{
	const int flags = O_RDONLY | O_NOATIME | O_CLOEXEC | O_NOFOLLOW;
	struct look l = { .k = k, .ino = ino, .name = name };

	l.data = openat(k->data_fd, name, flags);
	if (l.data < 0)
		return; /* it has gone */
	l.sums = openat(k->sums_fd, name, flags);
	if (l.sums >= 0) {
		check_file(&l);
		close(l.sums);
	} else if (size_of(l.data)) {
		k->without++;
	}
	close(l.data);
	k->files++;
	progress(k);
}

/* Each data file in one of the 256 directories; fn NULL: they are counted. */
static void each(struct scrub *k, unsigned hex, bool count)
{
	char name[BFS_DATA_NAME_LEN + 256];
	const struct dirent *e;
	uint64_t ino;
	char rest;
	DIR *d;
	int fd;

	snprintf(name, sizeof(name), "%02x", hex);
	fd = openat(k->data_fd, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	while (d && (e = readdir(d))) {
		if (e->d_type != DT_REG || strlen(e->d_name) != 16 ||
		    sscanf(e->d_name, "%16" SCNx64 "%c", &ino, &rest) != 1)
			continue;
		snprintf(name, sizeof(name), "%02x/%s", hex, e->d_name);
		if (count)
			k->total++;
		else
			look_at(k, name, ino);
	}
	if (d)
		closedir(d);
}

static int open_in(int at, const char *name)
{
	return openat(at, name,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int open_dir(struct scrub *k, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e = 0;

	k->dir = dir;
	k->data_fd = fd < 0 ? -1 : open_in(fd, "data");
	k->sums_fd = fd < 0 ? -1 : open_in(fd, BFS_SUM_DIR);
	if (fd < 0 || k->data_fd < 0)
		e = -errno;
	if (e)
		bfs_log(error, "%s is no data directory: %s", dir,
			strerror(-e));
	else if (k->sums_fd < 0)
		bfs_log(warn, "%s: there are no checksums: storage.checksum",
			dir);
	if (fd >= 0)
		close(fd);
	return e;
}

static int scrub_dir(struct scrub *k, const char *dir)
{
	int e = open_dir(k, dir);

	for (unsigned n = 0; !e && k->tty && n < 256; n++)
		each(k, n, true);
	for (unsigned n = 0; !e && n < 256; n++)
		each(k, n, false);
	if (k->data_fd >= 0)
		close(k->data_fd);
	if (k->sums_fd >= 0)
		close(k->sums_fd);
	return e;
}

static void summary(struct scrub *k, int status)
{
	const char *verdict = status == BFS_SCRUB_CLEAN	    ? "clean"
			      : status == BFS_SCRUB_DAMAGED ? "damaged"
							    : "not finished";

	clear_line(k);
	if (k->json)
		printf("],\n \"files\": %" PRIu64 ", \"bytes\": %" PRIu64
		       ", \"blocks\": %" PRIu64 ", \"unknown\": %" PRIu64
		       ", \"files_without\": %" PRIu64 ", \"damages\": %" PRIu64
		       ",\n \"status\": \"%s\"}\n",
		       k->files, k->bytes, k->blocks, k->unknown, k->without,
		       k->damaged, verdict);
	else
		printf("%" PRIu64 " files, %" PRIu64
		       " blocks are right, %" PRIu64
		       " have no checksum, nor have %" PRIu64 " files; %" PRIu64
		       " damages: %s\n",
		       k->files, k->blocks, k->unknown, k->without, k->damaged,
		       verdict);
}

static int run(struct scrub *k, char *const *dirs)
{
	int e = bfs_boot_id(k->boot), status;

	k->tty = isatty(STDERR_FILENO);
	if (k->json)
		fputs("{\"damaged\": [", stdout);
	for (; !e && *dirs; dirs++)
		e = scrub_dir(k, *dirs);
	status = e	      ? BFS_SCRUB_ERROR
		 : k->damaged ? BFS_SCRUB_DAMAGED
			      : BFS_SCRUB_CLEAN;
	summary(k, status);
	return fflush(stdout) ? BFS_SCRUB_ERROR : status;
}

int bfs_scrub_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "set", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct scrub k = { .data_fd = -1, .sums_fd = -1 };
	int code;

	optind = 0; /* glibc: start anew */
	while ((code = getopt_long(argc, argv, "s:", longs, NULL)) != -1) {
		if (code == 'j')
			k.json = true;
		else if (code != 's') /* that is fsck's */
			return BFS_SCRUB_USAGE;
	}
	if (optind == argc) {
		bfs_log(error, "scrub: which data directories?");
		return BFS_SCRUB_USAGE;
	}
	return run(&k, argv + optind);
}
