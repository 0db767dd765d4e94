/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * File content through the daemon, for descriptors that are not passed
 * through.  Every bfs_data_*() here gets an open data file and may answer
 * BFS_LATER: whoever takes it over takes a reference of its own to d.
 */
#include "server/append.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/journal.h"
#include "server/later.h"
#include "server/mappers.h"
#include "server/null.h"
#include "server/perm.h"
#include "server/server.h"
#include "server/slice.h"
#include "server/stage.h"
#include "server/stripe.h"
#include "server/sums.h"
#include "server/uring.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Signals, short counts: go on.  True if the call is to be made again. */
static bool again(ssize_t n)
{
	return n < 0 && (errno == EINTR || errno == EAGAIN);
}

/* errno of a data file's I/O, which is news unless the disk is full. */
static int io_failed(const char *what, const struct bfs_inode *i)
{
	int err = errno;

	if (err != ENOSPC && err != EDQUOT && err != EFBIG)
		bfs_log(error, "cannot %s data file %016lx: %m", what, i->ino);
	return -err;
}

/* All of it has been read: is it what was written? */
static int check(struct bfs_call *c, const struct bfs_inode *i,
		 const struct bfs_fdref *d, size_t size, uint64_t offset)
{
	bfs_stat_add(bytes_read, c->in_len);
	return bfs_sums_check(bfs_call_fs(c), i->ino, d->fd, c->in, c->in_len,
			      offset, c->in_len < size);
}

/* Waiting for the disk if it has to; c->in_len bytes are there already. */
static int read_plainly(struct bfs_call *c, struct bfs_inode *i,
			struct bfs_fdref *d, size_t size, uint64_t offset)
{
	BFS_STAGE_SCOPE(storage);
	char *buf = c->in;

	while (c->in_len < size) {
		ssize_t n = pread(d->fd, buf + c->in_len, size - c->in_len,
				  (off_t)(offset + c->in_len));

		if (again(n))
			continue;
		if (n < 0 && !c->in_len)
			return io_failed("read", i);
		if (n <= 0)
			break;
		c->in_len += (size_t)n;
	}
	return check(c, i, d, size, offset);
}

/* What is in memory at once; what is not, by io_uring. */
static int bfs_data_read(struct bfs_call *c, struct bfs_inode *i,
			 struct bfs_fdref *d, size_t size, uint64_t offset)
{
	ssize_t n = bfs_uring_read_cached(c->server->uring, d->fd, c->in, size,
					  (off_t)offset, &c->in_len);

	if (n >= 0)
		return check(c, i, d, size, offset);
	if (n == -EAGAIN && !bfs_later_read(c, i->ino, d, size, offset))
		return BFS_LATER;
	return read_plainly(c, i, d, size, offset);
}

/* O_NOATIME: on a description of its own. */
static int read_quietly(struct bfs_call *c, struct bfs_inode *i, size_t size,
			uint64_t offset)
{
	struct bfs_fdref d = { .fd = bfs_data_open(bfs_call_fs(c), i,
						   O_RDONLY | O_NOATIME) };
	int r;

	if (d.fd < 0)
		return d.fd;
	r = read_plainly(c, i, &d, size, offset);
	close(d.fd);
	return r;
}

/* Of a genuine handle to a striped file. */
static bool may(struct bfs_handle h, uint32_t right)
{
	return h.rights & right && !(h.rights & BFS_RIGHT_PATH);
}

int bfs_serve_read(struct bfs_call *c, const struct bfs_read_req *req,
		   struct bfs_read_rep *rep)
{
	size_t size = BFS_MIN(req->size, c->in_cap);
	struct bfs_inode *i;
	struct bfs_fdref *d;
	int r;

	if (bfs_stripe_spread(bfs_call_fs(c), req->handle, req->offset, size))
		return may(req->handle, BFS_RIGHT_READ)
			       ? bfs_stripe_read(c, req)
			       : -EBADF;
	r = bfs_data_inode(c, req->handle, BFS_RIGHT_READ, &i);
	if (!r && req->offset > INT64_MAX - size)
		r = req->offset > INT64_MAX ? -EINVAL : -EOVERFLOW;
	if (r)
		return r;
	if (bfs_null_on(bfs_call_fs(c)))
		return bfs_null_read(c, i, req, size);
	if (req->flags & O_NOATIME)
		return read_quietly(c, i, size, req->offset);
	d = bfs_data_get(bfs_call_fs(c), i, false, &r);
	if (!d)
		return r;
	r = bfs_data_read(c, i, d, size, req->offset);
	bfs_data_put(d);
	return r;
}

struct writing {
	struct bfs_call *c;
	struct bfs_inode *inode;
	struct bfs_fdref *d;
	uint64_t offset; /* ignored when appending */
	uint64_t room;	 /* as in WRITE */
	int flags;	 /* RWF_* */
	uint32_t sync;	 /* O_SYNC, O_DSYNC: to be done behind it */
	bool sliced;	 /* slice.h */
};

static int write_flags(uint32_t oflags)
{
	int f = oflags & O_APPEND ? RWF_APPEND : 0;

	if ((oflags & O_SYNC) == O_SYNC)
		f |= RWF_SYNC;
	else if (oflags & O_DSYNC)
		f |= RWF_DSYNC;
	return f;
}

/* One call; where data went is known by the offset or, appended, by f_pos. */
static ssize_t write_once(const struct writing *w, const char *buf, size_t len,
			  size_t done)
{
	BFS_STAGE_SCOPE(storage);
	struct iovec v = { (char *)buf + done, len - done };

	if (w->flags & RWF_APPEND)
		return pwritev2(w->d->fd, &v, 1, -1, w->flags);
	return pwritev2(w->d->fd, &v, 1, (off_t)(w->offset + done), w->flags);
}

/* What could be written before an error is the result; else the error. */
static int conclude(const struct writing *w, size_t done, int r,
		    struct bfs_write_rep *rep)
{
	if (!done && r)
		return r;
	rep->written = (uint32_t)done;
	rep->end = w->flags & RWF_APPEND
			   ? (uint64_t)lseek(w->d->fd, 0, SEEK_CUR)
			   : w->offset + done;
	bfs_stat_add(bytes_written, done);
	return 0;
}

static int bfs_data_write(const struct writing *w, size_t len,
			  struct bfs_write_rep *rep)
{
	size_t done = 0;
	int r = 0;

	while (done < len && !r) {
		ssize_t n = write_once(w, w->c->out, len, done);

		if (n > 0)
			done += (size_t)n;
		else if (!again(n))
			r = n ? io_failed("write", w->inode) : -ENOSPC;
	}
	return conclude(w, done, r, rep);
}

/* The same in slices. */
struct slicing {
	struct bfs_slicing s;
	struct writing *w;
	struct bfs_write_rep *rep;
	int result;
};

/* Before anybody else is at the file: where an append is, and what it has
 * taken; and the descriptor that nobody may execute or map beside. */
static void on_over(struct bfs_slicing *s)
{
	struct slicing *l = bfs_container_of(s, struct slicing, s);
	struct writing *w = l->w;
	int r = s->error;

	errno = -r;
	if (r)
		r = io_failed("write", w->inode);
	l->result = conclude(w, s->done, r, l->rep);
	if (s->append && l->result)
		bfs_append_failed(w->c, l->result);
	else if (s->append)
		bfs_append_done(w->c, l->rep->written, l->rep->end, true);
	bfs_space_account(bfs_call_fs(w->c), w->inode, w->d->fd);
	if (w->sync)
		return;
	bfs_data_put(w->d);
	w->d = NULL;
}

static int write_sliced(struct writing *w, size_t len,
			struct bfs_write_rep *rep)
{
	struct slicing l = { .s = { .ino = w->inode->ino,
				    .fd = w->d->fd,
				    .buf = w->c->out,
				    .len = len,
				    .offset = w->offset,
				    .append = w->flags & RWF_APPEND,
				    .over = on_over },
			     .w = w,
			     .rep = rep };

	w->inode->pins++;
	bfs_slice_write(bfs_call_fs(w->c), &l.s);
	w->inode->pins--;
	return l.result;
}

/* Only where nobody can write beside it, nor sums are to be right. */
static bool slices(const struct bfs_call *c, const struct writing *w)
{
	struct bfs_fs *fs = bfs_call_fs(c);

	return bfs_slice_wants(fs, c->out_len) && !bfs_sums_on(fs) &&
	       !bfs_null_on(fs) && !(w->flags & (RWF_SYNC | RWF_DSYNC)) &&
	       !bfs_stripe_chunk(fs, w->inode) &&
	       !bfs_orphan_written_past(fs, w->inode);
}

/* As much of len bytes as the caller's RLIMIT_FSIZE allows. */
static size_t room_for(const struct writing *w, size_t len)
{
	uint64_t at = w->offset;
	struct stat st;

	if (!w->room)
		return len;
	if (w->flags & RWF_APPEND)
		at = fstat(w->d->fd, &st) ? 0 : (uint64_t)st.st_size;
	return at >= w->room - 1 ? 0 : BFS_MIN(len, w->room - 1 - at);
}

static int begin_append(const struct writing *w, size_t len)
{
	struct stat st;

	if (!w->c->server->journal)
		return 0;
	if (fstat(w->d->fd, &st))
		return -errno;
	return bfs_append_begins(w->c, w->inode, (uint64_t)st.st_size, len);
}

static int write_summed(const struct writing *w, size_t len,
			struct bfs_write_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(w->c);
	uint64_t at = w->offset;
	struct bfs_summing g;
	struct stat st;
	int r;

	if (!bfs_sums_on(fs))
		return bfs_data_write(w, len, rep);
	if (w->flags & RWF_APPEND)
		at = fstat(w->d->fd, &st) ? 0 : (uint64_t)st.st_size;
	r = bfs_sums_begin(fs, w->inode->ino, w->d->fd, at, at + len, &g);
	if (r)
		return r;
	r = bfs_data_write(w, len, rep);
	bfs_sums_end(&g, r ? at : rep->end);
	return r;
}

/* As much as the limit of space allows. */
static int write_within_limit(struct writing *w, struct bfs_write_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(w->c);
	/* Appended data always takes space: nothing solid is up there. */
	uint64_t at = w->flags & RWF_APPEND ? INT64_MAX : w->offset;
	size_t len = room_for(w, w->c->out_len);
	int r, why;

	if (w->c->out_len && !len)
		return -EFBIG;
	len = bfs_space_room(fs, w->inode, w->d->fd, at, len, &why);
	if (w->c->out_len && !len)
		return why;
	r = w->flags & RWF_APPEND ? begin_append(w, len) : 0;
	if (!r && w->sliced)
		return write_sliced(w, len, rep);
	if (!r)
		r = write_summed(w, len, rep);
	if (!r && w->flags & RWF_APPEND)
		bfs_append_done(w->c, rep->written, rep->end,
				bfs_fiber_self() != NULL);
	bfs_space_account(fs, w->inode, w->d->fd);
	return r;
}

/* What a write entails. */
static int write_and_tell(struct writing *w, struct bfs_write_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(w->c);
	int r = write_within_limit(w, rep);

	if (!r && rep->written)
		r = bfs_data_kill_setid(
			fs, w->inode,
			bfs_perm_write_kills(w->c->cred, w->inode));
	bfs_stripe_wrote(fs, w->inode);
	return r;
}

static int write_here(struct writing *w, struct bfs_write_rep *rep)
{
	int r;

	w->d = bfs_data_get(bfs_call_fs(w->c), w->inode, true, &r);
	if (!w->d)
		return r;
	r = write_and_tell(w, rep);
	/* From here on the inode may go. */
	if (!r && w->d)
		r = bfs_later_sync(w->c->server, w->d->fd, w->sync,
				   rep->end - rep->written, rep->written);
	if (w->d)
		bfs_data_put(w->d);
	return r;
}

int bfs_serve_write(struct bfs_call *c, const struct bfs_write_req *req,
		    struct bfs_write_rep *rep)
{
	bool later = bfs_later_wants_sync(c->server, req->flags);
	uint32_t sync = later ? req->flags & (O_SYNC | O_DSYNC) : 0;
	struct writing w = { .c = c,
			     .offset = req->offset,
			     .room = req->room,
			     .flags = write_flags(req->flags & ~sync),
			     .sync = sync };
	bool append = w.flags & RWF_APPEND;
	int r;

	if (!append && bfs_stripe_spread(bfs_call_fs(c), req->handle,
					 req->offset, c->out_len))
		return may(req->handle, BFS_RIGHT_WRITE)
			       ? bfs_stripe_write(c, req, rep)
			       : -EBADF;
	r = bfs_data_inode(c, req->handle, BFS_RIGHT_WRITE, &w.inode);
	if (!r && c->out_len > BFS_BULK_MAX)
		r = -EINVAL;
	if (!r && !append && req->offset > INT64_MAX - c->out_len)
		r = req->offset > INT64_MAX ? -EINVAL : -EFBIG;
	if (!r)
		w.sliced = slices(c, &w);
	if (!r && (sync || w.sliced) && !bfs_fiber_self())
		r = -BFS_NEED_FIBER;
	if (!r)
		r = bfs_mappers_ready(c->server, req->handle.ino);
	if (!r)
		r = bfs_stripe_admit(c, w.inode, req->offset, c->out_len,
				     append);
	/* It may have waited. */
	if (r >= 0 && bfs_data_inode(c, req->handle, BFS_RIGHT_WRITE, &w.inode))
		return -ESTALE;
	if (r < 0)
		return r;
	if (bfs_null_on(bfs_call_fs(c)))
		return bfs_null_write(c, w.inode, req, rep);
	w.sliced = w.sliced && slices(c, &w); /* still */
	r = r ? bfs_stripe_append(c, w.inode, req, rep) : write_here(&w, rep);
	if (!r)
		r = bfs_mappers_tell(c->server, req->handle.ino,
				     rep->end - rep->written, rep->written,
				     c->deadline);
	return r;
}
