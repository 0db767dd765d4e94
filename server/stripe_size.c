/* SPDX-License-Identifier: BSD-3-Clause */
/* What changes a striped file's size at its home: appends, truncates, and
 * writes of the home's own chunks. */
#include "core/util.h"
#include "server/append.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/journal.h"
#include "server/quota.h"
#include "server/server.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

/* Does the range concern others? */
static bool spread(const struct bfs_fs *fs, const struct bfs_inode *i,
		   uint64_t offset, uint64_t end)
{
	struct bfs_plan p = bfs_stripe_plan(fs, i->ino, bfs_stripe_chunk(fs, i),
					    offset, end);

	return !bfs_plan_whole(&p, p.home);
}

static int admit_append(struct bfs_call *c, uint64_t ino, size_t len)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	int r = bfs_stripe_await(c, ino, true);
	struct bfs_inode *i = r ? NULL : bfs_inode_here(fs, ino);
	uint64_t size;

	if (!r)
		r = bfs_stripe_size(fs, i, &size);
	return r ? r : spread(fs, i, size, size + len);
}

int bfs_stripe_admit(struct bfs_call *c, struct bfs_inode *i, uint64_t offset,
		     size_t len, bool append)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	unsigned chunk = bfs_stripe_chunk(fs, i);
	uint64_t size, ino = i->ino;
	int r;

	if (!chunk || !len)
		return 0;
	if (append)
		return admit_append(c, ino, len);
	if (!bfs_inode_stripe(i) && !((offset + len - 1) >> chunk))
		return 0;
	r = bfs_stripe_size(fs, i, &size);
	if (r || offset + len <= size)
		return r;
	r = bfs_stripe_await(c, ino, false);
	i = r ? NULL : bfs_inode_here(fs, ino);
	if (!r)
		r = bfs_stripe_size(fs, i, &size);
	if (!r && offset > size && spread(fs, i, size, offset))
		r = bfs_stripe_clean(fs, i, offset);
	return r;
}

/* On a fiber, with nobody else at work on the size. */
static int append(struct bfs_call *c, struct bfs_inode *i, uint64_t size,
		  uint64_t len, uint32_t flags, struct bfs_write_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_sending s = { .c = c,
				 .ino = i->ino,
				 .plan = bfs_stripe_plan(
					 fs, i->ino, bfs_stripe_chunk(fs, i),
					 size, size + len),
				 .data = c->out,
				 .flags = flags };
	struct bfs_finishing f = { .server = c->server,
				   .plan = &s.plan,
				   .flags = flags,
				   .cred = c->cred };
	uint8_t *own = malloc(len);
	ssize_t n = own ? bfs_stripe_clean(fs, i, size + len) : -ENOMEM;

	do {
		s.version = bfs_stripe_version(fs, i);
		if (!n)
			n = bfs_stripe_send(&s);
	} while (!n && s.again && bfs_now() < c->deadline);
	if (!n && s.again)
		s.front = size;
	/* What is beyond the size a restart takes for nobody's, but not our own
	 * part, which may be there without the rest of it. */
	if (!n)
		n = bfs_append_begins(c, i, size, s.front - size);
	if (!n) {
		s.plan.end = s.front;
		bfs_plan_gather(&s.plan, s.plan.home, c->out, own);
		f.own = own;
		n = bfs_stripe_finish(fs, i, &f);
		if (n > 0)
			bfs_append_done(c, (uint32_t)n, size + (uint64_t)n,
					true);
	}
	bfs_stripe_dirty(fs, i, size, size + len);
	free(own);
	if (n <= 0)
		return n ? (int)n : s.error ? s.error : -ETIMEDOUT;
	rep->written = (uint32_t)n;
	rep->end = size + (uint64_t)n;
	return 0;
}

int bfs_stripe_append(struct bfs_call *c, struct bfs_inode *i,
		      const struct bfs_write_req *req,
		      struct bfs_write_rep *rep)
{
	uint64_t size, len = c->out_len;
	int r;

	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = bfs_stripe_enter(c, i);
	if (r)
		return r;
	r = bfs_stripe_size(bfs_call_fs(c), i, &size);
	if (!r && size > INT64_MAX - len)
		r = -EFBIG;
	if (!r && req->room)
		len = size >= req->room - 1
			      ? 0
			      : BFS_MIN(len, req->room - 1 - size);
	if (!r && bfs_quota_over(bfs_call_fs(c), i, size, size + len))
		r = -EDQUOT;
	if (!r)
		r = len ? append(c, i, size, len,
				 req->flags & (O_SYNC | O_DSYNC), rep)
			: -EFBIG;
	bfs_stripe_leave(bfs_call_fs(c), i);
	return r;
}

bool bfs_stripe_reaches(struct bfs_fs *fs, struct bfs_inode *i, uint64_t size)
{
	unsigned chunk = bfs_stripe_chunk(fs, i);
	struct bfs_stripe *s;
	uint64_t now;

	if (!chunk)
		return false;
	s = bfs_inode_stripe(i);
	if (s && (s->busy || s->grants))
		return true;
	if (bfs_stripe_size(fs, i, &now))
		return false;
	return spread(fs, i, BFS_MIN(size, now), BFS_MAX(size, now));
}

static int shrink(struct bfs_call *c, struct bfs_inode *i, uint64_t size,
		  uint64_t was)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_shards whom = { 0 };
	struct bfs_cut *cut;
	int r = bfs_cut_whom(fs, i, size, was, &whom);

	if (!r)
		r = bfs_data_truncate(fs, c->cred, i, size);
	if (r || bfs_shards_next(&whom, 0) == UINT_MAX) {
		bfs_shards_clear(&whom);
		return r;
	}
	cut = bfs_cut_add(fs, i, size, UINT64_MAX, &whom, false);
	return cut ? bfs_cut_push(c, i, cut) : -ENOMEM;
}

int bfs_stripe_truncate(struct bfs_call *c, struct bfs_inode *i, uint64_t size)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	uint64_t was;
	int r;

	if (!bfs_stripe_reaches(fs, i, size))
		return bfs_data_truncate(fs, c->cred, i, size);
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = bfs_stripe_enter(c, i);
	if (r)
		return r;
	r = bfs_stripe_size(fs, i, &was);
	if (!r && size < was)
		r = shrink(c, i, size, was);
	else if (!r)
		r = bfs_stripe_clean(fs, i, size);
	if (!r && size >= was)
		r = bfs_data_truncate(fs, c->cred, i, size);
	bfs_stripe_wrote(fs, i);
	bfs_inode_stripe(i)->counted = false;
	if (!r && !spread(fs, i, 0, size))
		bfs_inode_stripe(i)->blocks = 0;
	bfs_stripe_leave(fs, i);
	return r;
}
