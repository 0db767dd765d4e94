/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/sums.h"

#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/frame.h"
#include "server/hash.h"
#include "server/stripe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define SUMS_MAX 128   /* in memory, each with a descriptor */
#define AT_ONCE 64     /* blocks that are read at once */
#define WAS_MAX 65536u /* sums that are kept for a change that fails */
#define BLOCK BFS_SUM_BLOCK

struct bfs_sums {
	uint64_t ino;
	int fd;			      /* -1: there is no file */
	bool clean;		      /* its head says so */
	uint64_t gen;		      /* of the last change */
	struct bfs_sums *prev, *next; /* least used first */
	UT_hash_handle hh;
};

/* Nobody waits between filling and using it. */
static uint8_t room[AT_ONCE * BLOCK];

static void forget(struct bfs_fs *fs, struct bfs_sums *s)
{
	HASH_DEL(fs->sums, s);
	DL_DELETE(fs->sums_used, s);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

void bfs_sums_free_all(struct bfs_fs *fs)
{
	while (fs->sums_used)
		forget(fs, fs->sums_used);
}

static struct bfs_sums *lookup(const struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_sums *s;

	HASH_FIND(hh, fs->sums, &ino, sizeof(ino), s);
	return s;
}

static int failed(const char *what, uint64_t ino)
{
	int err = errno;

	bfs_log(error, "cannot %s the sums of data file %016lx: %m", what, ino);
	return err == EMFILE ? -ENFILE : -err;
}

/* The head of one that changes. */
static int put_head(struct bfs_sums *s)
{
	struct bfs_sum_head h = { .ino = s->ino };
	int e = bfs_boot_id(h.boot);

	if (!e)
		e = bfs_sum_head_write(s->fd, &h);
	s->clean = false;
	return e;
}

/* Of a file that was there: are its sums what they should be? */
static int take_head(struct bfs_sums *s)
{
	struct bfs_sum_head h;
	uint64_t boot[2];
	int r = bfs_sum_head_read(s->fd, &h);
	bool ours = !r && h.ino == s->ino;

	if (r < 0)
		return r;
	s->clean = ours && h.clean;
	if (s->clean ||
	    (ours && !bfs_boot_id(boot) && !memcmp(boot, h.boot, sizeof(boot))))
		return 0;
	bfs_log(warn, "sums of data file %016lx are not known any more: %s",
		s->ino,
		ours ? "the machine went down before it was synced"
		     : "their file is damaged");
	if (ftruncate(s->fd, 0))
		return failed("clear", s->ino);
	return put_head(s);
}

static int open_file(struct bfs_fs *fs, struct bfs_sums *s)
{
	char name[BFS_DATA_NAME_LEN];
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;

	bfs_data_name(name, s->ino);
	s->fd = openat(fs->sums_fd, name, flags);
	if (s->fd < 0 && errno == EMFILE && bfs_data_shed(fs))
		s->fd = openat(fs->sums_fd, name, flags);
	if (s->fd < 0)
		return errno == ENOENT ? 0 : failed("open", s->ino);
	return take_head(s);
}

static int make_file(struct bfs_fs *fs, struct bfs_sums *s)
{
	char name[BFS_DATA_NAME_LEN], dir[3];
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;

	bfs_data_name(name, s->ino);
	memcpy(dir, name, 2);
	dir[2] = '\0';
	s->fd = openat(fs->sums_fd, name, flags, 0600);
	if (s->fd < 0 && errno == ENOENT &&
	    (!mkdirat(fs->sums_fd, dir, 0700) || errno == EEXIST))
		s->fd = openat(fs->sums_fd, name, flags, 0600);
	return s->fd < 0 ? failed("make", s->ino) : put_head(s);
}

/* Those of the file, whether there are any or not.  NULL: *err. */
static struct bfs_sums *get(struct bfs_fs *fs, uint64_t ino, int *err)
{
	struct bfs_sums *s = lookup(fs, ino);

	if (s) {
		DL_DELETE(fs->sums_used, s);
		DL_APPEND(fs->sums_used, s);
		return s;
	}
	if (HASH_COUNT(fs->sums) >= SUMS_MAX)
		forget(fs, fs->sums_used);
	s = calloc(1, sizeof(*s));
	*err = -ENOMEM;
	if (!s)
		return NULL;
	s->ino = ino;
	s->fd = -1;
	s->gen = ++fs->sums_gen;
	HASH_ADD(hh, fs->sums, ino, sizeof(s->ino), s);
	if (!bfs_hashed(s)) {
		free(s);
		return NULL;
	}
	DL_APPEND(fs->sums_used, s);
	*err = open_file(fs, s);
	if (!*err)
		return s;
	forget(fs, s);
	return NULL;
}

/*
 * Do all changes come by us?  Descriptors of an earlier run, which had no sums,
 * may still be out: until they are closed nothing is known.
 */
static bool seen(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_inode *i = bfs_inode_find(fs, ino);

	if (!i || !S_ISREG(i->mode) || i->summed)
		return true;
	if (i->file.passed && !bfs_stripe_chunk(fs, i) &&
	    bfs_orphan_locked(fs, i)) {
		bfs_sums_remove(fs, ino);
		return false;
	}
	i->summed = true;
	return true;
}

static int load(const struct bfs_sums *s, uint64_t first, size_t n,
		uint64_t *sums)
{
	size_t len = n * sizeof(*sums);
	ssize_t got =
		s->fd < 0 ? 0
			  : bfs_sum_read(s->fd, sums, len, bfs_sum_at(first));

	if (got < 0) {
		errno = (int)-got;
		return failed("read", s->ino);
	}
	memset((char *)sums + got, 0, len - (size_t)got);
	return 0;
}

/* The block as the data file has it, in room. */
static int read_block(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t block,
		      uint64_t sum)
{
	ssize_t n = bfs_sum_read(fd, room, BLOCK, block * BLOCK);

	if (n < 0)
		return (int)n;
	memset(room + n, 0, BLOCK - (size_t)n);
	if (!sum || bfs_sum_of(ino, block, room, BLOCK) == sum)
		return 0;
	bfs_sums_tell(fs, ino, block * BLOCK, "the checksum does not match");
	return -EIO;
}

struct reading {
	struct bfs_fs *fs;
	struct bfs_sums *s;
	int fd;
	uint8_t *buf;
	uint64_t offset, end;
};

static int check_block(const struct reading *r, uint64_t block, uint64_t sum)
{
	uint64_t at = block * BLOCK;
	uint64_t from = BFS_MAX(at, r->offset),
		 to = BFS_MIN(at + BLOCK, r->end);
	uint8_t *buf = r->buf + (from - r->offset);
	int e;

	if (!sum || (to - from == BLOCK &&
		     bfs_sum_of(r->s->ino, block, buf, BLOCK) == sum))
		return 0;
	e = read_block(r->fs, r->s->ino, r->fd, block, sum);
	if (!e)
		memcpy(buf, room + (from - at), to - from);
	return e;
}

/* Something was behind the end of the data file. */
static int check_end(const struct reading *r)
{
	struct stat st, sums;

	if (fstat(r->fd, &st) || fstat(r->s->fd, &sums))
		return -errno;
	if (bfs_sum_count((uint64_t)sums.st_size) <=
	    bfs_sum_blocks((uint64_t)st.st_size))
		return 0;
	bfs_sums_tell(r->fs, r->s->ino, (uint64_t)st.st_size,
		      "the data file is shorter than it was");
	return -EIO;
}

int bfs_sums_check(struct bfs_fs *fs, uint64_t ino, int fd, void *buf,
		   size_t len, uint64_t offset, bool at_end)
{
	struct reading r = { fs, NULL, fd, buf, offset, offset + len };
	uint64_t sums[AT_ONCE], block = offset / BLOCK, end;
	int e = 0;

	if (!bfs_sums_on(fs) || !seen(fs, ino))
		return 0;
	r.s = get(fs, ino, &e);
	if (!r.s || r.s->fd < 0)
		return r.s ? 0 : e;
	end = len ? (r.end - 1) / BLOCK + 1 : block;
	while (!e && block < end) {
		size_t n = BFS_MIN(end - block, AT_ONCE);

		e = load(r.s, block, n, sums);
		for (size_t k = 0; !e && k < n; k++)
			e = check_block(&r, block + k, sums[k]);
		block += n;
	}
	return e || !at_end ? e : check_end(&r);
}

/* A block that keeps some of its bytes: these have to be right. */
static int check_edge(struct bfs_summing *g, uint64_t block, bool keeps)
{
	uint64_t sum;
	int e = keeps ? load(g->s, block, 1, &sum) : 0;

	return e || !keeps || !sum
		       ? e
		       : read_block(g->fs, g->s->ino, g->fd, block, sum);
}

/* Is there anything behind the change, in its last block? */
static bool keeps_tail(const struct bfs_summing *g)
{
	struct stat st;

	return g->end != UINT64_MAX && g->end % BLOCK &&
	       (fstat(g->fd, &st) || g->end < (uint64_t)st.st_size);
}

static int check_edges(struct bfs_summing *g)
{
	bool tail = keeps_tail(g);
	int e = check_edge(g, g->first,
			   g->offset % BLOCK || (g->first == g->last && tail));

	if (!e && g->first != g->last)
		e = check_edge(g, g->last, tail);
	g->head = g->offset % BLOCK || (g->first == g->last && g->end % BLOCK);
	g->tail = g->first != g->last && g->end != UINT64_MAX && g->end % BLOCK;
	return e;
}

/* On disk before anything of the change is. */
static int announce(struct bfs_sums *s)
{
	int e = put_head(s);

	if (!e && fdatasync(s->fd))
		e = failed("sync", s->ino);
	return e;
}

/* How many of the sums that there are belong to the change. */
static int count(struct bfs_summing *g, uint64_t *n)
{
	struct stat st;
	uint64_t have;

	*n = 0;
	if (g->s->fd < 0)
		return 0;
	if (fstat(g->s->fd, &st))
		return failed("look at", g->s->ino);
	have = bfs_sum_count((uint64_t)st.st_size);
	if (have > g->first)
		*n = BFS_MIN(have - g->first, g->last - g->first + 1);
	return 0;
}

static int keep_old(struct bfs_summing *g, uint64_t n)
{
	g->was = n <= BFS_SUMS_FEW ? g->few
		 : n <= WAS_MAX	   ? malloc(n * sizeof(*g->was))
				   : NULL;
	g->nwas = g->was ? n : 0;
	return g->was ? load(g->s, g->first, n, g->was) : 0;
}

static int blank_some(struct bfs_summing *g, uint64_t n)
{
	static const uint64_t zeros[BFS_SUMS_FEW];
	int e = 0;

	for (uint64_t k = 0; !e && k < n; k += BFS_SUMS_FEW)
		e = bfs_sum_write(g->s->fd, zeros,
				  BFS_MIN(n - k, BFS_SUMS_FEW) * sizeof(*zeros),
				  bfs_sum_at(g->first + k));
	return e;
}

/* None of them is known from now on. */
static int blank(struct bfs_summing *g)
{
	uint64_t n;
	int e = count(g, &n);

	if (e || !n)
		return e;
	e = keep_old(g, n);
	if (e)
		return e;
	if (g->end == UINT64_MAX)
		return ftruncate(g->s->fd, (off_t)bfs_sum_at(g->first))
			       ? failed("cut", g->s->ino)
			       : 0;
	if (n > WAS_MAX &&
	    !fallocate(g->s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)bfs_sum_at(g->first),
		       (off_t)(n * sizeof(uint64_t))))
		return 0;
	return blank_some(g, n);
}

static void over(struct bfs_summing *g)
{
	if (g->was != g->few)
		free(g->was);
	g->was = NULL;
	g->s = NULL;
}

int bfs_sums_begin(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t offset,
		   uint64_t end, struct bfs_summing *g)
{
	int e = 0;

	g->s = NULL;
	if (!bfs_sums_on(fs) || offset >= end || !seen(fs, ino))
		return 0;
	g->fs = fs;
	g->fd = fd;
	g->offset = offset;
	g->end = end;
	g->first = offset / BLOCK;
	g->last = (end - 1) / BLOCK;
	g->nwas = 0;
	g->was = NULL;
	g->s = get(fs, ino, &e);
	if (!g->s)
		return e;
	e = check_edges(g);
	if (!e && g->s->clean)
		e = announce(g->s);
	if (!e)
		e = blank(g);
	if (e)
		over(g);
	else
		g->s->gen = ++fs->sums_gen;
	return e;
}

/* n blocks as they are now. */
static int sum_some(struct bfs_summing *g, uint64_t first, size_t n)
{
	ssize_t got = bfs_sum_read(g->fd, room, n * BLOCK, first * BLOCK);
	uint64_t sums[AT_ONCE];
	size_t k = 0;

	if (got <= 0)
		return (int)got;
	for (size_t left = (size_t)got; left; k++) {
		size_t len = BFS_MIN(left, BLOCK);

		sums[k] =
			bfs_sum_of(g->s->ino, first + k, room + k * BLOCK, len);
		left -= len;
	}
	return bfs_sum_write(g->s->fd, sums, k * sizeof(*sums),
			     bfs_sum_at(first));
}

static void sum_up(struct bfs_summing *g, uint64_t first, uint64_t end)
{
	int e = 0;

	if (first >= end)
		return;
	if (g->s->fd < 0)
		e = make_file(g->fs, g->s);
	for (; !e && first < end; first += AT_ONCE)
		e = sum_some(g, first, BFS_MIN(end - first, AT_ONCE));
	if (!e)
		return;
	errno = -e;
	failed("write", g->s->ino); /* they stay unknown */
}

/* What was before the change, of blocks that have not changed. */
static void put_back(struct bfs_summing *g, uint64_t first)
{
	uint64_t skip = first - g->first;
	int e;

	if (skip >= g->nwas)
		return;
	e = bfs_sum_write(g->s->fd, g->was + skip,
			  (g->nwas - skip) * sizeof(*g->was),
			  bfs_sum_at(first));
	if (!e)
		return;
	errno = -e;
	failed("write", g->s->ino);
}

void bfs_sums_end(struct bfs_summing *g, uint64_t done)
{
	uint64_t upto = done / BLOCK;

	if (!g->s)
		return;
	if (done == g->offset) {
		put_back(g, g->first);
	} else if (done >= g->end) {
		sum_up(g, g->first, g->last + 1);
	} else {
		/* The one where it ends is known only if its rest was seen. */
		if (upto == g->first && g->head && done % BLOCK)
			upto++;
		sum_up(g, g->first, upto);
		put_back(g, (done - 1) / BLOCK + 1);
	}
	over(g);
}

void bfs_sums_end_holes(struct bfs_summing *g)
{
	if (!g->s)
		return;
	if (g->head)
		sum_up(g, g->first, g->first + 1);
	if (g->tail)
		sum_up(g, g->last, g->last + 1);
	over(g);
}

int bfs_sums_truncate(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t size)
{
	struct bfs_summing g = { .s = NULL };
	struct stat st;
	int e = 0;

	/* Zeros that come behind it are in the sum of the last block. */
	if (bfs_sums_on(fs) && !fstat(fd, &st) && size < (uint64_t)st.st_size)
		e = bfs_sums_begin(fs, ino, fd, size, UINT64_MAX, &g);
	if (e)
		return e;
	e = ftruncate(fd, (off_t)size) ? -errno : 0;
	if (e)
		bfs_sums_end(&g, size);
	else
		bfs_sums_end_holes(&g);
	return e;
}

int bfs_sums_fallocate(struct bfs_fs *fs, uint64_t ino, int fd, int mode,
		       uint64_t offset, uint64_t len)
{
	const int moves = FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;
	const int zeros = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	struct bfs_summing g = { .s = NULL };
	int e = 0;

	if (mode & (moves | zeros) && len <= INT64_MAX - offset)
		e = bfs_sums_begin(fs, ino, fd, offset,
				   mode & moves ? UINT64_MAX : offset + len,
				   &g);
	if (e)
		return e;
	do
		e = fallocate(fd, mode, (off_t)offset, (off_t)len) ? -errno : 0;
	while (e == -EINTR);
	if (e)
		bfs_sums_end(&g, offset);
	else if (mode & moves)
		over(&g);
	else
		bfs_sums_end_holes(&g);
	return e;
}

uint64_t bfs_sums_gen(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_sums *s;
	int e;

	if (!bfs_sums_on(fs))
		return 0;
	s = get(fs, ino, &e);
	return s ? s->gen : 0;
}

int bfs_sums_synced(struct bfs_fs *fs, uint64_t ino, uint64_t gen)
{
	struct bfs_sums *s = gen ? lookup(fs, ino) : NULL;
	struct bfs_sum_head h = { .ino = ino, .clean = true };

	if (!s || s->fd < 0 || s->clean || s->gen != gen)
		return 0;
	if (fdatasync(s->fd))
		return failed("sync", ino);
	/* If that is lost, no sum is known: no harm. */
	s->clean = !bfs_boot_id(h.boot) && !bfs_sum_head_write(s->fd, &h);
	return 0;
}

void bfs_sums_remove(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_sums *s = lookup(fs, ino);
	char name[BFS_DATA_NAME_LEN];

	if (s)
		forget(fs, s);
	if (fs->sums_fd < 0)
		return;
	bfs_data_name(name, ino);
	if (unlinkat(fs->sums_fd, name, 0) && errno != ENOENT)
		failed("remove", ino);
}

static void sweep_dir(struct bfs_fs *fs, const char *hex)
{
	int fd = openat(fs->sums_fd, hex,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	char path[BFS_DATA_NAME_LEN + 256];
	struct stat st;

	if (fd >= 0 && !d)
		close(fd);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", hex, e->d_name);
		if (fstatat(fs->data_fd, path, &st, AT_SYMLINK_NOFOLLOW) &&
		    errno == ENOENT)
			unlinkat(fd, e->d_name, 0);
	}
	if (d)
		closedir(d);
}

void bfs_sums_sweep(struct bfs_fs *fs)
{
	char hex[3];

	for (unsigned n = 0; bfs_sums_on(fs) && n < 256; n++) {
		snprintf(hex, sizeof(hex), "%02x", n);
		sweep_dir(fs, hex);
	}
}
