/* SPDX-License-Identifier: BSD-3-Clause */
/* What a shard is asked that has chunks of another's file. */
#include "core/util.h"
#include "server/chunks.h"
#include "server/serve.h"
#include "server/shared.h"
#include "server/stripe_home.h"

#include <errno.h>

/* The pieces of the range that are ours; of a request that can be. */
static int plan_of(const struct bfs_fs *fs, uint64_t ino, uint32_t chunk,
		   uint64_t offset, uint32_t size, struct bfs_plan *p)
{
	if (size > BFS_BULK_MAX || offset > INT64_MAX)
		return -EBADMSG;
	return bfs_chunks_plan(fs, ino, chunk, offset, offset + size, p);
}

int bfs_serve_chunkread(struct bfs_call *c, const struct bfs_chunkread_req *req,
			struct bfs_chunkread_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	struct bfs_plan p;
	uint64_t n;
	int fd, r = plan_of(fs, req->ino, req->chunk, req->offset, req->size,
			    &p);

	rep->version = req->version;
	if (!r)
		r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	if (r)
		return r > 0 ? 0 : r;
	n = bfs_plan_bytes(&p, fs->conf.shard);
	if (n > c->in_cap)
		return -EBADMSG;
	fd = bfs_chunks_fd(fs, f, false);
	if (fd == -ENOENT)
		return 0; /* zeros */
	if (fd < 0)
		return fd;
	c->in_len = n;
	return bfs_pieces_read(fs, req->ino, fd, &p, fs->conf.shard, c->in);
}

int bfs_serve_chunkwrite(struct bfs_call *c,
			 const struct bfs_chunkwrite_req *req,
			 struct bfs_chunkwrite_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_chunks *f;
	struct bfs_plan p;
	int fd, err,
		r = plan_of(fs, req->ino, req->chunk, req->offset, req->size,
			    &p);

	rep->version = req->version;
	if (!r && bfs_plan_bytes(&p, fs->conf.shard) != c->out_len)
		r = -EBADMSG;
	if (!r)
		r = bfs_chunks_get(c, req->ino, &rep->version, &f);
	if (r)
		return r > 0 ? 0 : r;
	fd = bfs_chunks_fd(fs, f, true);
	if (fd < 0)
		return fd;
	rep->written = (uint32_t)bfs_pieces_write(
		fs, req->ino, fd, &p, fs->conf.shard, c->out, req->flags, &err);
	rep->error = (uint32_t)-err;
	bfs_chunks_account(fs, f);
	return 0;
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
