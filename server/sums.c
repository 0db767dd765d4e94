/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/sums_impl.h"

#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/frame.h"
#include "server/stripe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define SUMS_MAX 16 /* in memory, each with a descriptor */
#define AT_ONCE BFS_SUMS_ROOM
#define BLOCK BFS_SUM_BLOCK

uint8_t bfs_sums_room[BFS_SUMS_ROOM * BLOCK];

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

int bfs_sums_failed(const char *what, uint64_t ino)
{
	int err = errno;

	bfs_log(error, "cannot %s the sums of data file %016lx: %m", what, ino);
	return err == EMFILE ? -ENFILE : -err;
}

int bfs_sums_head(const struct bfs_fs *fs, struct bfs_sums *s)
{
	const struct bfs_sum_head h = { .ino = s->ino,
					.boot = { fs->boot[0], fs->boot[1] } };

	s->clean = false;
	return bfs_sum_head_write(s->fd, &h);
}

/* Of a file that was there: are its sums what they should be? */
static int take_head(const struct bfs_fs *fs, struct bfs_sums *s)
{
	struct bfs_sum_head h;
	int r = bfs_sum_head_read(s->fd, &h);
	bool ours = !r && h.ino == s->ino;

	if (r < 0)
		return r;
	s->clean = ours && h.clean;
	if (s->clean || (ours && !memcmp(fs->boot, h.boot, sizeof(h.boot))))
		return 0;
	bfs_log(warn, "sums of data file %016lx are not known any more: %s",
		s->ino,
		ours ? "the machine went down before it was synced"
		     : "their file is damaged");
	if (ftruncate(s->fd, 0))
		return bfs_sums_failed("clear", s->ino);
	return bfs_sums_head(fs, s);
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
		return errno == ENOENT ? 0 : bfs_sums_failed("open", s->ino);
	return take_head(fs, s);
}

int bfs_sums_make(struct bfs_fs *fs, struct bfs_sums *s)
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
	return s->fd < 0 ? bfs_sums_failed("make", s->ino)
			 : bfs_sums_head(fs, s);
}

struct bfs_sums *bfs_sums_get(struct bfs_fs *fs, uint64_t ino, int *err)
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

bool bfs_sums_seen(struct bfs_fs *fs, uint64_t ino)
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

int bfs_sums_load(const struct bfs_sums *s, uint64_t first, size_t n,
		  uint64_t *sums)
{
	size_t len = n * sizeof(*sums);
	ssize_t got =
		s->fd < 0 ? 0
			  : bfs_sum_read(s->fd, sums, len, bfs_sum_at(first));

	if (got < 0) {
		errno = (int)-got;
		return bfs_sums_failed("read", s->ino);
	}
	memset((char *)sums + got, 0, len - (size_t)got);
	return 0;
}

/* The block as the data file has it, in room. */
ssize_t bfs_sums_read(int fd, void *buf, size_t len, uint64_t offset)
{
	int flags = fcntl(fd, F_GETFL);
	ssize_t n;

	if (flags < 0 || flags & O_NOATIME)
		return bfs_sum_read(fd, buf, len, offset);
	fcntl(fd, F_SETFL, flags | O_NOATIME);
	n = bfs_sum_read(fd, buf, len, offset);
	fcntl(fd, F_SETFL, flags);
	return n;
}

int bfs_sums_block(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t block,
		   uint64_t sum)
{
	ssize_t n = bfs_sums_read(fd, bfs_sums_room, BLOCK, block * BLOCK);

	if (n < 0)
		return (int)n;
	memset(bfs_sums_room + n, 0, BLOCK - (size_t)n);
	if (!sum || bfs_sum_of(ino, block, bfs_sums_room, BLOCK) == sum)
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
	e = bfs_sums_block(r->fs, r->s->ino, r->fd, block, sum);
	if (!e)
		memcpy(buf, bfs_sums_room + (from - at), to - from);
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

	if (!bfs_sums_on(fs) || !bfs_sums_seen(fs, ino))
		return 0;
	r.s = bfs_sums_get(fs, ino, &e);
	if (!r.s || r.s->fd < 0)
		return r.s ? 0 : e;
	end = len ? (r.end - 1) / BLOCK + 1 : block;
	while (!e && block < end) {
		size_t n = BFS_MIN(end - block, AT_ONCE);

		e = bfs_sums_load(r.s, block, n, sums);
		for (size_t k = 0; !e && k < n; k++)
			e = check_block(&r, block + k, sums[k]);
		block += n;
	}
	return e || !at_end ? e : check_end(&r);
}

uint64_t bfs_sums_gen(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_sums *s;
	int e;

	if (!bfs_sums_on(fs))
		return 0;
	s = bfs_sums_get(fs, ino, &e);
	return s ? s->gen : 0;
}

int bfs_sums_synced(struct bfs_fs *fs, uint64_t ino, uint64_t gen)
{
	struct bfs_sums *s = gen ? lookup(fs, ino) : NULL;
	const struct bfs_sum_head h = { .ino = ino,
					.boot = { fs->boot[0], fs->boot[1] },
					.clean = true };

	if (!s || s->fd < 0 || s->clean || s->gen != gen)
		return 0;
	if (fdatasync(s->fd))
		return bfs_sums_failed("sync", ino);
	/* If that is lost, no sum is known: no harm. */
	s->clean = !bfs_sum_head_write(s->fd, &h);
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
		bfs_sums_failed("remove", ino);
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

int bfs_sums_start(struct bfs_fs *fs)
{
	int e = bfs_sums_on(fs) ? bfs_boot_id(fs->boot) : 0;

	if (e)
		bfs_log(error, "storage.checksum: no boot_id: %s",
			strerror(-e));
	return e;
}

void bfs_sums_sweep(struct bfs_fs *fs)
{
	char hex[3];

	for (unsigned n = 0; bfs_sums_on(fs) && n < 256; n++) {
		snprintf(hex, sizeof(hex), "%02x", n);
		sweep_dir(fs, hex);
	}
}
