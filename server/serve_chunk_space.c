/* SPDX-License-Identifier: BSD-3-Clause */
/* What a shard is asked of the space that its chunks of another's file take. */
#include "core/log.h"
#include "core/util.h"
#include "server/chunks.h"
#include "server/data.h"
#include "server/server.h"
#include "server/session.h"
#include "server/shared.h"
#include "server/sums.h"
#include "server/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int bfs_serve_chunkseek(struct bfs_call *c, const struct bfs_chunkseek_req *req,
			struct bfs_chunkseek_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	struct bfs_plan p;
	int fd, r = bfs_chunks_plan(fs, req->ino, req->chunk, req->offset,
				    req->end, &p);

	rep->version = req->version;
	if (!r && req->whence != SEEK_DATA && req->whence != SEEK_HOLE)
		r = -EBADMSG;
	if (!r)
		r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	if (r)
		return r > 0 ? 0 : r;
	fd = bfs_chunks_fd(fs, f, false);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	return bfs_pieces_seek(fd, &p, fs->conf.shard, (int)req->whence,
			       &rep->offset);
}

int bfs_serve_chunkalloc(struct bfs_call *c,
			 const struct bfs_chunkalloc_req *req,
			 struct bfs_chunkalloc_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	struct bfs_plan p;
	int fd, r = bfs_chunks_plan(fs, req->ino, req->chunk, req->offset,
				    req->end, &p);

	rep->version = req->version;
	if (!r && !(req->mode & FALLOC_FL_KEEP_SIZE))
		r = -EBADMSG;
	if (!r)
		r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	if (r)
		return r > 0 ? 0 : r;
	fd = bfs_chunks_fd(fs, f, !(req->mode & FALLOC_FL_PUNCH_HOLE));
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	r = bfs_pieces_alloc(fs, req->ino, fd, &p, fs->conf.shard,
			     (int)req->mode);
	bfs_chunks_account(fs, f);
	return r;
}

int bfs_serve_chunkstat(struct bfs_call *c, const struct bfs_chunkstat_req *req,
			struct bfs_chunkstat_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	int fd;

	if (bfs_shared_home(fs, req->ino) == fs->conf.shard)
		return -EBADMSG;
	f = bfs_chunks_find(fs, req->ino);
	if (!f)
		return -ENOMEM;
	fd = bfs_chunks_fd(fs, f, false);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	bfs_chunks_account(fs, f);
	rep->blocks = f->blocks;
	return 0;
}

/* A sync under way, on a descriptor of its own. */
struct syncing {
	struct bfs_call *c;
	int fd;
	uint64_t ino, gen; /* of the sums */
};

static void on_synced(void *arg, int r)
{
	struct syncing *y = arg;
	struct bfs_wire w = bfs_call_fields(y->c);

	if (r < 0)
		bfs_log(error, "cannot sync chunks: %s", strerror(-r));
	else
		r = bfs_sums_synced(bfs_call_fs(y->c), y->ino, y->gen);
	close(y->fd);
	bfs_call_fields_end(y->c, &w);
	bfs_call_finish(y->c, BFS_MIN(r, 0));
	free(y);
}

static int start_sync(struct bfs_call *c, uint64_t ino, int fd, bool data_only)
{
	uint64_t gen = bfs_sums_gen(bfs_call_fs(c), ino);
	struct syncing *y = malloc(sizeof(*y));
	int r = -EBUSY;

	if (y) {
		*y = (struct syncing){ c, fd, ino, gen };
		r = bfs_uring_fsync(c->server->uring, fd, data_only, on_synced,
				    y);
	}
	if (!r) {
		bfs_session_park(c);
		return BFS_LATER;
	}
	free(y);
	r = (data_only ? fdatasync(fd) : fsync(fd)) ? -errno : 0;
	if (r)
		bfs_log(error, "cannot sync chunks: %s", strerror(-r));
	close(fd);
	return r ? r : bfs_sums_synced(bfs_call_fs(c), ino, gen);
}

/* The name of the data file, if its directory has changed. */
static int sync_name(struct bfs_fs *fs, uint64_t ino)
{
	unsigned hex = (unsigned)(ino & 0xff);
	char name[BFS_DATA_NAME_LEN];
	uint64_t at;
	int fd, r;

	if (!bfs_data_dir_changed(fs, hex, &at))
		return 0;
	bfs_data_name(name, ino);
	name[2] = '\0';
	fd = openat(fs->data_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) || fsync(fs->data_fd) ? -errno : 0;
	close(fd);
	if (!r)
		bfs_data_dir_synced(fs, hex, at);
	return r;
}

int bfs_serve_chunksync(struct bfs_call *c, const struct bfs_chunksync_req *req,
			struct bfs_chunksync_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	int fd, r;

	if (bfs_shared_home(fs, req->ino) == fs->conf.shard)
		return -EBADMSG;
	f = bfs_chunks_find(fs, req->ino);
	if (!f)
		return -ENOMEM;
	fd = bfs_chunks_fd(fs, f, false);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = sync_name(fs, req->ino);
	fd = r ? r : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return r ? r : -errno;
	return start_sync(c, req->ino, fd, req->flags & BFS_FSYNC_DATA);
}
