/* SPDX-License-Identifier: BSD-3-Clause */
/* What a shard is asked that has chunks of another's file. */
#include "core/util.h"
#include "server/chunks.h"
#include "server/fiber.h"
#include "server/later.h"
#include "server/serve.h"
#include "server/shared.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The pieces of the range that are ours; of a request that can be. */
static int plan_of(const struct bfs_fs *fs, uint64_t ino, uint32_t chunk,
		   uint64_t offset, uint32_t size, struct bfs_plan *p)
{
	if (size > BFS_BULK_MAX || offset > INT64_MAX)
		return -EBADMSG;
	return bfs_chunks_plan(fs, ino, chunk, offset, offset + size, p);
}

/* The file's descriptor.  On a fiber, which may wait for the disk, an own one:
 * the file may be dropped from memory meanwhile.  -ENOENT, -errno. */
static int open_chunks(struct bfs_fs *fs, struct bfs_chunks *f, bool make)
{
	int own, fd = bfs_chunks_fd(fs, f, make);

	if (fd < 0 || !bfs_fiber_self())
		return fd;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? -errno : own;
}

static void close_chunks(int fd)
{
	if (bfs_fiber_self())
		close(fd);
}

static int read_pieces(struct bfs_call *c, const struct bfs_chunkread_req *req,
		       const struct bfs_plan *p, struct bfs_chunks *f)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	int r, fd = open_chunks(fs, f, false);

	if (fd == -ENOENT)
		return 0; /* zeros */
	if (fd < 0)
		return fd;
	c->in_len = bfs_plan_bytes(p, fs->conf.shard);
	r = bfs_pieces_read(c->server, req->ino, fd, p, fs->conf.shard, c->in);
	close_chunks(fd);
	return r;
}

int bfs_serve_chunkread(struct bfs_call *c, const struct bfs_chunkread_req *req,
			struct bfs_chunkread_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	struct bfs_plan p;
	int r = plan_of(fs, req->ino, req->chunk, req->offset, req->size, &p);

	rep->version = req->version;
	if (!r && bfs_plan_bytes(&p, fs->conf.shard) > c->in_cap)
		r = -EBADMSG;
	if (!r)
		r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	if (!r)
		r = read_pieces(c, req, &p, f);
	/* While it waited the file may have been cut. */
	else if (r > 0)
		return 0;
	if (!r && bfs_fiber_self())
		r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	return r > 0 ? 0 : r;
}

int bfs_serve_chunkwrite(struct bfs_call *c,
			 const struct bfs_chunkwrite_req *req,
			 struct bfs_chunkwrite_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	bool later = bfs_later_wants_sync(c->server, req->flags);
	struct bfs_chunks *f;
	struct bfs_plan p;
	int fd, err,
		r = plan_of(fs, req->ino, req->chunk, req->offset, req->size,
			    &p);

	rep->version = req->version;
	if (!r && bfs_plan_bytes(&p, fs->conf.shard) != c->out_len)
		r = -EBADMSG;
	if (!r && later && !bfs_fiber_self())
		r = -BFS_NEED_FIBER;
	if (!r)
		r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	if (r)
		return r > 0 ? 0 : r;
	fd = open_chunks(fs, f, true);
	if (fd < 0)
		return fd;
	rep->written = (uint32_t)bfs_pieces_write(fs, req->ino, fd, &p,
						  fs->conf.shard, c->out,
						  later ? 0 : req->flags, &err);
	rep->error = (uint32_t)-err;
	bfs_chunks_account(fs, f);
	/* From here on f may go. */
	if (later && rep->written)
		r = bfs_later_sync(c->server, fd, req->flags, p.offset,
				   p.end - p.offset);
	close_chunks(fd);
	return r;
}

int bfs_serve_chunkcut(struct bfs_call *c, const struct bfs_chunkcut_req *req,
		       struct bfs_chunkcut_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	int r;

	if (bfs_shared_home(fs, req->ino) == fs->conf.shard ||
	    bfs_shared_home(fs, req->ino) >= fs->conf.nshards)
		return -EBADMSG;
	f = bfs_chunks_find(fs, req->ino);
	if (!f)
		return -ENOMEM;
	if (f->version >= req->version)
		return 0;
	if (f->version < req->after)
		return bfs_chunks_ask(c, req->ino);
	r = bfs_chunks_cut(fs, f, req->offset, req->end);
	if (!r)
		f->version = req->version;
	return r;
}

int bfs_serve_chunkdrop(struct bfs_call *c, const struct bfs_chunkdrop_req *req,
			struct bfs_chunkdrop_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);

	/* Its home says so, and nobody else. */
	if (bfs_shared_home(fs, req->ino) == fs->conf.shard ||
	    (unsigned)c->peer != bfs_shared_home(fs, req->ino))
		return -EBADMSG;
	bfs_chunks_drop(fs, req->ino);
	return 0;
}
