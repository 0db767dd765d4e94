/* SPDX-License-Identifier: BSD-3-Clause */
/* How a file's content lies: fallocate, and seek for data and holes. */
#include "server/data.h"
#include "server/mappers.h"
#include "server/null.h"
#include "server/perm.h"
#include "server/stripe_space.h"
#include "server/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Does the mode take space beyond what a limit leaves?  0 or -errno. */
static int over_limit(struct bfs_call *c, struct bfs_inode *i, int fd,
		      const struct bfs_fallocate_req *req)
{
	const uint32_t frees = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE;
	int why;

	/* Beyond what a file can be, the kernel says so. */
	if (req->mode & frees || req->size > INT64_MAX - req->offset)
		return 0;
	return bfs_space_room(bfs_call_fs(c), i, fd, req->offset, req->size,
			      &why) < req->size
		       ? why
		       : 0;
}

static bool over_room(int fd, const struct bfs_fallocate_req *req)
{
	const uint32_t keeps = FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE;
	struct stat st;

	if (!req->room || req->mode & keeps || fstat(fd, &st))
		return false;
	return bfs_data_over_room((uint64_t)st.st_size,
				  req->mode & FALLOC_FL_INSERT_RANGE
					  ? (uint64_t)st.st_size + req->size
					  : req->offset + req->size,
				  req->room);
}

static int bfs_data_fallocate(struct bfs_call *c, struct bfs_inode *i, int fd,
			      const struct bfs_fallocate_req *req)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	int r;

	if (over_room(fd, req))
		return -EFBIG;
	r = over_limit(c, i, fd, req);
	if (r)
		return r;
	r = bfs_sums_fallocate(fs, i->ino, fd, (int)req->mode, req->offset,
			       req->size);
	if (r)
		return r;
	bfs_space_account(fs, i, fd);
	return bfs_data_kill_setid(fs, i, bfs_perm_write_kills(c->cred, i));
}

/* Of its own, as for truncate: no writer of ours is left behind. */
static int fallocate_here(struct bfs_call *c, struct bfs_inode *i,
			  const struct bfs_fallocate_req *req)
{
	int fd, r;

	if (bfs_null_on(bfs_call_fs(c)))
		return -EOPNOTSUPP;
	fd = bfs_data_open(bfs_call_fs(c), i, O_RDWR);
	if (fd < 0)
		return fd;
	r = bfs_data_fallocate(c, i, fd, req);
	close(fd);
	return r;
}

int bfs_serve_fallocate(struct bfs_call *c, const struct bfs_fallocate_req *req,
			struct bfs_fallocate_rep *rep)
{
	struct bfs_inode *i;
	int r = bfs_data_inode(c, req->handle, BFS_RIGHT_WRITE, &i);

	if (r)
		return r == -EINVAL ? -ENODEV : r;
	if (req->offset > INT64_MAX || req->size > INT64_MAX)
		return -EINVAL;
	r = bfs_mappers_ready(c->server, req->handle.ino);
	if (r)
		return r;
	r = bfs_stripe_fallocate(c, i, req);
	if (r == -EDOM)
		r = fallocate_here(c, i, req);
	if (!r) /* some modes move all that is behind */
		r = bfs_mappers_tell(c->server, req->handle.ino, req->offset,
				     UINT64_MAX, c->deadline);
	return r;
}

int bfs_serve_seek(struct bfs_call *c, const struct bfs_seek_req *req,
		   struct bfs_seek_rep *rep)
{
	struct bfs_inode *i;
	struct bfs_fdref *d;
	off_t at;
	int r = bfs_data_inode(c, req->handle, 0, &i);

	if (!r && req->whence != SEEK_DATA && req->whence != SEEK_HOLE)
		r = -EINVAL;
	if (!r && req->offset > INT64_MAX)
		r = -ENXIO;
	if (!r && bfs_null_on(bfs_call_fs(c)))
		return bfs_null_seek(i, req, &rep->offset);
	if (!r)
		r = bfs_stripe_seek(c, i, req, &rep->offset);
	if (r != -EDOM)
		return r;
	d = bfs_data_get(bfs_call_fs(c), i, false, &r);
	if (!d)
		return r;
	at = lseek(d->fd, (off_t)req->offset, (int)req->whence);
	r = at < 0 ? -errno : 0;
	bfs_data_put(d);
	rep->offset = (uint64_t)at;
	return r;
}
