/* SPDX-License-Identifier: BSD-3-Clause */
/* What the home of a striped file is asked by those who read and write it. */
#include "core/log.h"
#include "core/util.h"
#include "server/chunks.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/later.h"
#include "server/mappers.h"
#include "server/perm.h"
#include "server/quota.h"
#include "server/server.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Our own file, if it is striped. */
static struct bfs_inode *find(struct bfs_call *c, uint64_t ino)
{
	struct bfs_inode *i = bfs_inode_here(bfs_call_fs(c), ino);

	return i && bfs_stripe_chunk(bfs_call_fs(c), i) ? i : NULL;
}

/* A descriptor to read with: its atime goes as it should. */
static struct bfs_fdref *reader(struct bfs_fs *fs, struct bfs_inode *i,
				uint32_t flags, struct bfs_fdref *quiet,
				int *err)
{
	if (!(flags & O_NOATIME))
		return bfs_data_get(fs, i, false, err);
	*quiet = (struct bfs_fdref){ .fd = bfs_data_open(
					     fs, i, O_RDONLY | O_NOATIME) };
	*err = BFS_MIN(quiet->fd, 0);
	return *err ? NULL : quiet;
}

static int read_own(struct bfs_call *c, struct bfs_inode *i, int fd,
		    const struct bfs_stripeinfo_req *req, uint64_t size)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	uint64_t end = BFS_MIN(req->offset + req->size, size);
	struct bfs_plan p = bfs_stripe_plan(fs, i->ino, bfs_stripe_chunk(fs, i),
					    req->offset, end);
	uint64_t n = bfs_plan_bytes(&p, p.home);
	char byte;

	if (n > c->in_cap)
		return -EBADMSG;
	c->in_len = n;
	if (n)
		return bfs_pieces_read(c->server, i->ino, fd, &p, p.home,
				       c->in);
	/* It counts as read all the same. */
	if (pread(fd, &byte, 1, 0) < 0)
		bfs_log(debug, "read of data file %016lx: %m", i->ino);
	return 0;
}

/* Size, version, and our pieces, as they were when it began. */
static int tell(struct bfs_call *c, struct bfs_inode *i,
		const struct bfs_stripeinfo_req *req,
		struct bfs_stripeinfo_rep *rep)
{
	struct bfs_fdref *d, quiet = { 0 };
	struct stat st;
	int r = 0;

	d = reader(bfs_call_fs(c), i, req->flags, &quiet, &r);
	if (!d)
		return r;
	r = fstat(d->fd, &st) ? -errno : 0;
	rep->version = bfs_stripe_version(bfs_call_fs(c), i);
	rep->size = (uint64_t)st.st_size;
	if (!r)
		r = read_own(c, i, d->fd, req, rep->size);
	if (d == &quiet)
		close(d->fd);
	else
		bfs_data_put(d);
	return r;
}

int bfs_serve_stripeinfo(struct bfs_call *c,
			 const struct bfs_stripeinfo_req *req,
			 struct bfs_stripeinfo_rep *rep)
{
	struct bfs_inode *i = find(c, req->ino);
	int r = 0;

	if (req->offset > (uint64_t)INT64_MAX - req->size)
		return i ? -EINVAL : -ESTALE;
	/* While it waited for the disk the file may have been cut. */
	do {
		if (!i)
			return -ESTALE;
		r = tell(c, i, req, rep);
		i = find(c, req->ino);
	} while (!r && bfs_fiber_self() && bfs_now() < c->deadline &&
		 (!i || bfs_stripe_version(bfs_call_fs(c), i) != rep->version));
	return r;
}

int bfs_serve_stripebegin(struct bfs_call *c,
			  const struct bfs_stripebegin_req *req,
			  struct bfs_stripebegin_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i = find(c, req->ino);
	uint64_t end = req->offset + req->size, size;
	struct bfs_grant *g;
	int r = i ? bfs_stripe_size(fs, i, &size) : -ESTALE;

	if (!r && end > size) {
		r = bfs_stripe_await(c, req->ino, false);
		i = find(c, req->ino);
		if (!r)
			r = i ? bfs_stripe_size(fs, i, &size) : -ESTALE;
	}
	if (!r && bfs_quota_over(fs, i, BFS_MAX(size, req->offset), end))
		r = -EDQUOT;
	if (!r && end > size)
		r = bfs_stripe_clean(fs, i, end);
	if (r)
		return r;
	rep->version = bfs_stripe_version(fs, i);
	if (end <= size)
		return 0;
	g = bfs_stripe_grant(c, i, req->offset, end);
	rep->grant = g ? g->id : 0;
	return g ? 0 : -ENOMEM;
}

static int take_cred(const struct bfs_stripeend_req *req, struct bfs_cred *cred,
		     uint32_t *groups)
{
	struct bfs_wire w;

	if (req->groups.len % 4 ||
	    req->groups.len > BFS_FORWARD_GROUPS * sizeof(*groups))
		return -EBADMSG;
	*cred = (struct bfs_cred){ .uid = req->uid,
				   .gid = req->gid,
				   .ngroups = req->groups.len / 4,
				   .groups = groups };
	bfs_wire_init(&w, req->groups.ptr, req->groups.len);
	for (uint32_t n = 0; n < cred->ngroups; n++)
		groups[n] = bfs_get_u32(&w);
	return bfs_wire_end(&w);
}

static int end_write(struct bfs_call *c, struct bfs_inode *i,
		     const struct bfs_stripeend_req *req,
		     struct bfs_stripeend_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_plan p =
		bfs_stripe_plan(fs, i->ino, bfs_stripe_chunk(fs, i),
				req->offset, req->offset + req->size);
	struct bfs_cred cred;
	struct bfs_finishing f = { .server = c->server,
				   .plan = &p,
				   .own = c->out,
				   .flags = req->flags,
				   .cred = &cred };
	uint32_t groups[BFS_FORWARD_GROUPS];
	ssize_t n = take_cred(req, &cred, groups);

	if (!n && bfs_plan_bytes(&p, p.home) != c->out_len)
		n = -EBADMSG;
	if (!n)
		n = bfs_stripe_finish(fs, i, &f);
	rep->written = (uint32_t)BFS_MAX(n, 0);
	rep->error = (uint32_t) - (n < 0 ? (int)n : f.error);
	return 0;
}

int bfs_serve_stripeend(struct bfs_call *c, const struct bfs_stripeend_req *req,
			struct bfs_stripeend_rep *rep)
{
	struct bfs_inode *i = find(c, req->ino);
	struct bfs_grant *g = NULL;
	int r;

	if (!i)
		return -ESTALE;
	if (req->offset > (uint64_t)INT64_MAX - req->size)
		return -EINVAL;
	r = bfs_mappers_ready(c->server, req->ino);
	if (!r && bfs_later_wants_sync(c->server, req->flags) &&
	    !bfs_fiber_self())
		r = -BFS_NEED_FIBER;
	if (r)
		return r;
	rep->version = bfs_stripe_version(bfs_call_fs(c), i);
	if (req->grant) {
		g = bfs_stripe_granted(i, req->grant);
		if (!g)
			return -ESTALE;
	} else if (req->version != rep->version) {
		return 0;
	}
	/* Whoever maps it would look before the data is there. */
	if (req->early && bfs_stripe_watched(c->server, req->ino)) {
		rep->late = 1;
		return 0;
	}
	i->pins++; /* it may wait for the disk */
	r = end_write(c, i, req, rep);
	i->pins--;
	g = req->grant ? bfs_stripe_granted(i, req->grant) : NULL;
	if (g)
		bfs_stripe_ungrant(bfs_call_fs(c), i, g,
				   req->offset + rep->written);
	if (!r && rep->written)
		r = bfs_mappers_tell(c->server, req->ino, req->offset,
				     rep->written, c->deadline);
	return r;
}

int bfs_serve_stripecuts(struct bfs_call *c,
			 const struct bfs_stripecuts_req *req,
			 struct bfs_stripecuts_rep *rep)
{
	struct bfs_inode *i = find(c, req->ino);
	struct bfs_wire w;
	int r;

	if (!i || c->peer < 0)
		return -ESTALE;
	bfs_wire_init(&w, c->escape_path, sizeof(c->escape_path));
	r = bfs_cuts_tell(bfs_call_fs(c), i, (unsigned)c->peer, req->have, &w);
	rep->version = bfs_stripe_version(bfs_call_fs(c), i);
	rep->cuts = (struct bfs_str){
		c->escape_path, (uint32_t)(w.pos - (uint8_t *)c->escape_path)
	};
	return r;
}

int bfs_serve_stripelives(struct bfs_call *c,
			  const struct bfs_stripelives_req *req,
			  struct bfs_stripelives_rep *rep)
{
	uint8_t *lives = c->in;
	struct bfs_wire w;

	if (c->out_len / 8 != req->count || c->in_cap < req->count)
		return -EBADMSG;
	bfs_wire_init(&w, c->out, c->out_len);
	for (uint32_t n = 0; n < req->count; n++)
		lives[n] = find(c, bfs_get_u64(&w)) != NULL;
	c->in_len = req->count;
	return bfs_wire_end(&w);
}
