/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/chunks.h"

#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/peer.h"
#include "server/shared.h"
#include "server/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#define CHUNKS_MAX 256 /* files in memory, each with a descriptor */

static void forget(struct bfs_fs *fs, struct bfs_chunks *f)
{
	HASH_DEL(fs->chunks, f);
	DL_DELETE(fs->chunks_used, f);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

void bfs_chunks_free_all(struct bfs_fs *fs)
{
	while (fs->chunks_used)
		forget(fs, fs->chunks_used);
}

static struct bfs_chunks *lookup(const struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_chunks *f;

	HASH_FIND(hh, fs->chunks, &ino, sizeof(ino), f);
	return f;
}

struct bfs_chunks *bfs_chunks_find(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_chunks *f = lookup(fs, ino);

	if (f) {
		DL_DELETE(fs->chunks_used, f);
		DL_APPEND(fs->chunks_used, f);
		return f;
	}
	if (HASH_COUNT(fs->chunks) >= CHUNKS_MAX)
		forget(fs, fs->chunks_used);
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->ino = ino;
	f->fd = -1;
	HASH_ADD(hh, fs->chunks, ino, sizeof(f->ino), f);
	if (!bfs_hashed(f)) {
		free(f);
		return NULL;
	}
	DL_APPEND(fs->chunks_used, f);
	return f;
}

static int make_file(struct bfs_fs *fs, uint64_t ino, const char *name)
{
	const char dir[] = { name[0], name[1], '\0' };
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = openat(fs->data_fd, name, flags, 0600);

	if (fd < 0 && errno == ENOENT &&
	    (!mkdirat(fs->data_fd, dir, 0700) || errno == EEXIST))
		fd = openat(fs->data_fd, name, flags, 0600);
	if (fd >= 0)
		fs->dir_changed[ino & 0xff]++;
	return fd;
}

int bfs_chunks_fd(struct bfs_fs *fs, struct bfs_chunks *f, bool make)
{
	char name[BFS_DATA_NAME_LEN];
	struct stat st;
	int err;

	if (f->fd >= 0)
		return f->fd;
	bfs_data_name(name, f->ino);
	f->fd = openat(fs->data_fd, name, O_RDWR | O_CLOEXEC);
	if (f->fd < 0 && errno == ENOENT && make)
		f->fd = make_file(fs, f->ino, name);
	err = errno;
	if (f->fd < 0) {
		if (err != ENOENT && err != ENOSPC)
			bfs_log(error, "cannot open chunks of %016lx: %m",
				f->ino);
		return -err;
	}
	f->blocks = fstat(f->fd, &st) ? 0 : (uint64_t)st.st_blocks;
	return f->fd;
}

void bfs_chunks_account(struct bfs_fs *fs, struct bfs_chunks *f)
{
	struct stat st;

	if (f->fd < 0 || fstat(f->fd, &st))
		return;
	fs->chunk_blocks += (uint64_t)st.st_blocks - f->blocks;
	f->blocks = (uint64_t)st.st_blocks;
}

int bfs_chunks_cut(struct bfs_fs *fs, struct bfs_chunks *f, uint64_t offset,
		   uint64_t end)
{
	int fd = bfs_chunks_fd(fs, f, false), r = 0;
	struct stat st;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &st))
		r = -errno;
	else if (offset >= (uint64_t)st.st_size)
		return 0;
	else if (end >= (uint64_t)st.st_size)
		r = bfs_sums_truncate(fs, f->ino, fd, offset);
	else
		r = bfs_sums_fallocate(fs, f->ino, fd,
				       FALLOC_FL_PUNCH_HOLE |
					       FALLOC_FL_KEEP_SIZE,
				       offset, end - offset);
	if (r)
		bfs_log(error, "cannot cut chunks of %016lx: %s", f->ino,
			strerror(-r));
	bfs_chunks_account(fs, f);
	return r;
}

void bfs_chunks_drop(struct bfs_fs *fs, uint64_t ino)
{
	struct bfs_chunks *f = lookup(fs, ino);
	char name[BFS_DATA_NAME_LEN];
	struct stat st;

	if (f)
		forget(fs, f);
	bfs_data_name(name, ino);
	if (fstatat(fs->data_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return; /* we never had any */
	fs->chunk_blocks -= BFS_MIN(fs->chunk_blocks, (uint64_t)st.st_blocks);
	bfs_data_remove_file(fs, ino, false);
}

/* All the cuts of an answer. */
static int take_cuts(struct bfs_fs *fs, struct bfs_chunks *f,
		     struct bfs_str cuts)
{
	struct bfs_wire w;
	int r = 0;

	bfs_wire_init(&w, cuts.ptr, cuts.len);
	while (!r && w.pos < w.end) {
		uint64_t offset = bfs_get_u64(&w), end = bfs_get_u64(&w);

		r = bfs_wire_end(&w);
		if (!r)
			r = bfs_chunks_cut(fs, f, offset, end);
	}
	return r;
}

/*
 * What was cut is told before anything is served by it: else the home, if we
 * are killed, has it cut again, and with it what was written since.
 */
int bfs_chunks_ask(struct bfs_call *c, uint64_t ino)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	unsigned home = bfs_shared_home(fs, ino);
	struct bfs_chunks *f = lookup(fs, ino);
	struct bfs_stripecuts_req req = { ino, f ? f->version : 0 };
	struct bfs_stripecuts_rep rep;
	uint8_t room[BFS_FIELDS_MAX];
	int r;

	for (;;) {
		r = bfs_peer_stripecuts(c->server, home, c->deadline, &req,
					&rep, room);
		if (r == -ESTALE)
			bfs_chunks_drop(fs, ino);
		if (r)
			return r;
		f = bfs_chunks_find(fs, ino);
		if (!f)
			return -ENOMEM;
		if (f->version >= rep.version)
			return 0; /* another call has asked too */
		if (!rep.cuts.len) {
			f->version = rep.version;
			return 0;
		}
		r = take_cuts(fs, f, rep.cuts);
		if (r)
			return r;
		req.have = rep.version;
	}
}

int bfs_chunks_get(struct bfs_call *c, uint64_t ino, uint64_t *version,
		   struct bfs_chunks **f)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *at = lookup(fs, ino);
	int r = 0;

	if (bfs_shared_home(fs, ino) == fs->conf.shard)
		return -EINVAL;
	if (!at || at->version < *version)
		r = bfs_chunks_ask(c, ino);
	if (r)
		return r;
	*f = at = bfs_chunks_find(fs, ino);
	if (!at)
		return -ENOMEM;
	if (at->version == *version)
		return 0;
	*version = at->version;
	return 1;
}

int bfs_chunks_plan(const struct bfs_fs *fs, uint64_t ino, uint32_t chunk,
		    uint64_t offset, uint64_t end, struct bfs_plan *p)
{
	if (chunk < BFS_CHUNK_LOG2_MIN || chunk > BFS_CHUNK_LOG2_MAX ||
	    offset > end || end > INT64_MAX ||
	    bfs_shared_home(fs, ino) >= fs->conf.nshards)
		return -EBADMSG;
	*p = (struct bfs_plan){ .home = bfs_shared_home(fs, ino),
				.nshards = fs->conf.nshards,
				.chunk = chunk,
				.offset = offset,
				.end = end };
	return 0;
}
