/* SPDX-License-Identifier: BSD-3-Clause */
/* How a striped file's content lies, asked of all shards by its home:
 * SEEK_DATA, SEEK_HOLE, fallocate, the blocks in use, fsync. */
#include "server/stripe_space.h"

#include "core/util.h"
#include "server/chunks.h"
#include "server/data.h"
#include "server/fanout.h"
#include "server/perm.h"
#include "server/quota.h"
#include "server/server.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096u /* what ranges that are moved have to be multiples of */

/* One question, and what has been put together of the answers. */
struct asking {
	struct bfs_fanout f;
	uint64_t version; /* that they are to have */
	uint64_t value;
	bool again;
};

static bool is_spread(const struct bfs_fs *fs, const struct bfs_inode *i,
		      uint64_t offset, uint64_t end)
{
	unsigned chunk = bfs_stripe_chunk(fs, i);
	struct bfs_plan p = bfs_stripe_plan(fs, i->ino, chunk, offset, end);

	return chunk && !bfs_plan_whole(&p, p.home);
}

static int begin(struct bfs_inode *i, struct asking *a, uint64_t offset,
		 uint64_t end, struct bfs_wire *w)
{
	struct bfs_fs *fs = bfs_call_fs(a->f.c);
	struct bfs_shards whom = { 0 };
	int r = bfs_cut_whom(fs, i, offset, end, &whom);

	a->version = bfs_stripe_version(fs, i);
	a->again = false;
	if (!r)
		r = bfs_fanout_begin(&a->f, &whom, w);
	bfs_shards_clear(&whom);
	return r;
}

static int finish(struct asking *a, const struct bfs_wire *w)
{
	int r = bfs_fanout_run(&a->f, w);

	bfs_fanout_end(&a->f);
	return r ? r : a->again;
}

static int take_seek(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct asking *a = (struct asking *)f;
	struct bfs_chunkseek_rep rep;

	if (bfs_chunkseek_rep_get(w, &rep))
		return -EBADMSG;
	a->again |= rep.version != a->version;
	a->value = BFS_MIN(a->value, rep.offset);
	return 0;
}

/* 0; 1: it was truncated meanwhile; -errno. */
static int seek_others(struct bfs_call *c, struct bfs_inode *i,
		       const struct bfs_seek_req *req, uint64_t size,
		       uint64_t *found)
{
	struct asking a = {
		.f = { .c = c, .op = BFS_OP_CHUNKSEEK, .take = take_seek },
		.value = UINT64_MAX
	};
	struct bfs_wire w;
	int r = begin(i, &a, req->offset, size, &w);

	if (r)
		return r;
	bfs_chunkseek_req_put(
		&w, &(struct bfs_chunkseek_req){
			    .ino = i->ino,
			    .version = a.version,
			    .chunk = bfs_stripe_chunk(bfs_call_fs(c), i),
			    .offset = req->offset,
			    .end = size,
			    .whence = req->whence });
	r = finish(&a, &w);
	*found = a.value;
	return r;
}

static int seek_own(struct bfs_fs *fs, struct bfs_inode *i,
		    const struct bfs_seek_req *req, uint64_t size,
		    uint64_t *found)
{
	struct bfs_plan p = bfs_stripe_plan(fs, i->ino, bfs_stripe_chunk(fs, i),
					    req->offset, size);
	struct bfs_fdref *d;
	int r;

	d = bfs_data_get(fs, i, false, &r);
	if (!d)
		return r;
	r = bfs_pieces_seek(d->fd, &p, p.home, (int)req->whence, found);
	bfs_data_put(d);
	return r;
}

/* 0; 1: once more; -errno. */
static int seek(struct bfs_call *c, const struct bfs_seek_req *req,
		uint64_t *found)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i = bfs_inode_here(fs, req->handle.ino);
	uint64_t size, own, others;
	int r = i ? bfs_stripe_size(fs, i, &size) : -ESTALE;

	if (!r && req->offset >= size)
		return -ENXIO;
	if (!r)
		r = seek_others(c, i, req, size, &others);
	i = bfs_inode_here(fs, req->handle.ino);
	if (!r)
		r = i ? seek_own(fs, i, req, size, &own) : -ESTALE;
	if (r)
		return r;
	*found = BFS_MIN(own, others);
	if (req->whence == SEEK_HOLE)
		*found = BFS_MIN(*found, size);
	return *found < size || req->whence == SEEK_HOLE ? 0 : -ENXIO;
}

int bfs_stripe_seek(struct bfs_call *c, struct bfs_inode *i,
		    const struct bfs_seek_req *req, uint64_t *found)
{
	uint64_t size;
	int r = bfs_stripe_size(bfs_call_fs(c), i, &size);

	if (r || !is_spread(bfs_call_fs(c), i, 0, size))
		return r ? r : -EDOM;
	do
		r = seek(c, req, found);
	while (r == 1);
	return r;
}

static int take_alloc(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct asking *a = (struct asking *)f;
	struct bfs_chunkalloc_rep rep;

	if (bfs_chunkalloc_rep_get(w, &rep))
		return -EBADMSG;
	a->again |= rep.version != a->version;
	return 0;
}

static int alloc_others(struct bfs_call *c, struct bfs_inode *i,
			const struct bfs_fallocate_req *req)
{
	uint64_t end = req->offset + req->size;
	struct asking a = {
		.f = { .c = c, .op = BFS_OP_CHUNKALLOC, .take = take_alloc }
	};
	struct bfs_wire w;
	int r = begin(i, &a, req->offset, end, &w);

	if (r)
		return r;
	bfs_chunkalloc_req_put(
		&w, &(struct bfs_chunkalloc_req){
			    .ino = i->ino,
			    .version = a.version,
			    .chunk = bfs_stripe_chunk(bfs_call_fs(c), i),
			    .mode = req->mode | FALLOC_FL_KEEP_SIZE,
			    .offset = req->offset,
			    .end = end });
	return finish(&a, &w);
}

static int alloc_own(struct bfs_call *c, struct bfs_inode *i,
		     const struct bfs_fallocate_req *req)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_plan p =
		bfs_stripe_plan(fs, i->ino, bfs_stripe_chunk(fs, i),
				req->offset, req->offset + req->size);
	bool keep = req->mode & FALLOC_FL_KEEP_SIZE;
	int r, fd = bfs_data_open(fs, i, O_RDWR);

	if (fd < 0)
		return fd;
	r = bfs_pieces_alloc(fs, i->ino, fd, &p, p.home,
			     (int)req->mode | FALLOC_FL_KEEP_SIZE);
	if (!r)
		r = bfs_stripe_publish(fd, keep ? 0 : p.end);
	bfs_space_account(fs, i, fd);
	close(fd);
	if (r)
		return r;
	bfs_stripe_wrote(fs, i);
	return bfs_data_kill_setid(fs, i, bfs_perm_write_kills(c->cred, i));
}

static int allocate(struct bfs_call *c, struct bfs_inode *i,
		    const struct bfs_fallocate_req *req)
{
	bool keep = req->mode & FALLOC_FL_KEEP_SIZE;
	uint64_t size, end = req->offset + req->size;
	int r = bfs_stripe_size(bfs_call_fs(c), i, &size);

	if (!r && !keep && bfs_data_over_room(size, end, req->room))
		return -EFBIG;
	if (!r && !(req->mode & FALLOC_FL_PUNCH_HOLE) &&
	    bfs_quota_over(bfs_call_fs(c), i, BFS_MAX(size, req->offset), end))
		return -EDQUOT;
	if (!r && !keep)
		r = bfs_stripe_clean(bfs_call_fs(c), i, end);
	if (r)
		return r;
	do
		r = alloc_others(c, i, req);
	while (r == 1);
	return r ? r : alloc_own(c, i, req);
}

/* Is it all about the first chunk of a file that has no other, and nobody is
 * making it longer? */
static bool stays_whole(struct bfs_fs *fs, struct bfs_inode *i,
			const struct bfs_fallocate_req *req)
{
	uint64_t chunk = bfs_layout_chunk(i->layout), size;
	const struct bfs_stripe *s = bfs_inode_stripe(i);

	return !(s && (s->busy || s->grants)) && req->offset <= chunk &&
	       req->size <= chunk - req->offset &&
	       !bfs_stripe_size(fs, i, &size) && size <= chunk - req->size;
}

/* What Linux knows. */
static bool is_mode(uint32_t mode)
{
	bool keep = mode & FALLOC_FL_KEEP_SIZE;

	switch (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE) {
	case 0:
	case FALLOC_FL_ZERO_RANGE:
		return true;
	case FALLOC_FL_PUNCH_HOLE:
		return keep;
	case FALLOC_FL_COLLAPSE_RANGE:
	case FALLOC_FL_INSERT_RANGE:
		return !keep;
	default:
		return false;
	}
}

/* They move what lies behind from chunk to chunk: that is not done.  What no
 * file system would do is refused as there. */
static int move_range(struct bfs_fs *fs, struct bfs_inode *i,
		      const struct bfs_fallocate_req *req)
{
	uint64_t size, from = req->offset;
	int r = bfs_stripe_size(fs, i, &size);

	if (r)
		return r;
	if (req->mode & FALLOC_FL_COLLAPSE_RANGE)
		from += req->size;
	if ((req->offset | req->size) % BLOCK || from >= size)
		return -EINVAL;
	return -EOPNOTSUPP;
}

int bfs_stripe_fallocate(struct bfs_call *c, struct bfs_inode *i,
			 const struct bfs_fallocate_req *req)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	int r;

	if (!bfs_stripe_chunk(fs, i) || stays_whole(fs, i, req))
		return -EDOM;
	if (!is_mode(req->mode))
		return -EOPNOTSUPP;
	if (!req->size || req->offset > INT64_MAX - req->size)
		return req->size ? -EFBIG : -EINVAL;
	if (req->mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		return move_range(fs, i, req);
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = bfs_stripe_enter(c, i);
	if (r)
		return r;
	r = allocate(c, i, req);
	bfs_inode_stripe(i)->counted = false;
	bfs_stripe_leave(fs, i);
	return r;
}

static int take_blocks(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct asking *a = (struct asking *)f;
	struct bfs_chunkstat_rep rep;

	if (bfs_chunkstat_rep_get(w, &rep))
		return -EBADMSG;
	a->value += rep.blocks;
	return 0;
}

bool bfs_stripe_counted(struct bfs_fs *fs, const struct bfs_inode *i,
			uint64_t size)
{
	const struct bfs_stripe *s = bfs_inode_stripe(i);

	return (s && s->counted) || !is_spread(fs, i, 0, size);
}

uint64_t bfs_stripe_blocks(const struct bfs_inode *i)
{
	const struct bfs_stripe *s = bfs_inode_stripe(i);

	return s ? s->blocks : 0;
}

/* What does not answer in good time is as it was. */
int bfs_stripe_count(struct bfs_call *c, struct bfs_inode *i)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct asking a = { .f = { .c = c,
				   .op = BFS_OP_CHUNKSTAT,
				   .unless_dead = true,
				   .take = take_blocks } };
	uint64_t size, deadline = c->deadline, now = bfs_now();
	struct bfs_stripe *s;
	struct bfs_wire w;
	int r;

	if (!bfs_stripe_chunk(fs, i) || bfs_stripe_size(fs, i, &size) ||
	    bfs_stripe_counted(fs, i, size))
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	s = bfs_stripe_get(fs, i);
	if (!s)
		return -ENOMEM;
	if (deadline > now)
		c->deadline = now + (deadline - now) / 3;
	s->counted = true; /* unless it changes meanwhile */
	i->pins++;
	r = begin(i, &a, 0, size, &w);
	if (!r)
		bfs_chunkstat_req_put(&w,
				      &(struct bfs_chunkstat_req){ i->ino });
	if (!r)
		r = finish(&a, &w);
	i->pins--;
	c->deadline = deadline;
	if (r)
		s->counted = false;
	else
		s->blocks = a.value;
	return 1;
}

static int nothing(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	return 0;
}

int bfs_stripe_sync(struct bfs_call *c, struct bfs_inode *i, uint32_t flags)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct asking a = {
		.f = { .c = c, .op = BFS_OP_CHUNKSYNC, .take = nothing }
	};
	struct bfs_wire w;
	uint64_t size;
	int r;

	if (!bfs_stripe_chunk(fs, i))
		return 0;
	r = bfs_stripe_size(fs, i, &size);
	if (r || !is_spread(fs, i, 0, size))
		return r;
	i->pins++;
	r = begin(i, &a, 0, size, &w);
	if (!r) {
		bfs_chunksync_req_put(&w,
				      &(struct bfs_chunksync_req){
					      i->ino, flags & BFS_FSYNC_DATA });
		r = finish(&a, &w);
	}
	i->pins--;
	return r;
}
