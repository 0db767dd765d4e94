/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel descriptors for what cannot do without: mmap, exec, sockets. */
#include "server/copy.h"
#include "server/data.h"
#include "server/far.h"
#include "server/fiber.h"
#include "server/mappers.h"
#include "server/null.h"
#include "server/passing.h"
#include "server/perm.h"
#include "server/route.h"
#include "server/server.h"
#include "server/stripe.h"
#include "server/sums.h"

#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* By an open handle its rights count, by a path the permissions now. */
static int check_rights(const struct bfs_call *c, const struct bfs_inode *i,
			const struct bfs_datafd_req *req, uint32_t rights)
{
	unsigned may = 0;

	if (!req->path.len && !(req->at.rights & BFS_RIGHT_PATH))
		return rights & ~req->at.rights ? -EACCES : 0;
	if (rights & BFS_RIGHT_READ)
		may |= BFS_MAY_READ;
	if (rights & BFS_RIGHT_WRITE)
		may |= BFS_MAY_WRITE;
	return bfs_perm_check(c->cred, i, may);
}

static int check_map(struct bfs_call *c, struct bfs_inode *i,
		     const struct bfs_datafd_req *req, uint32_t rights)
{
	bool write = rights & BFS_RIGHT_WRITE;
	int r;

	if (!S_ISREG(i->mode))
		return -ENODEV;
	r = check_rights(c, i, req, rights);
	if (r)
		return r;
	/* Stores into a mapping are seen by no limit. */
	if (write && bfs_space_limited(bfs_call_fs(c)))
		return -ENODEV;
	/* One node stores at a time (D2a). */
	if (write && bfs_route_passes(c) &&
	    !bfs_stripe_chunk(bfs_call_fs(c), i) &&
	    !bfs_sums_on(bfs_call_fs(c)) &&
	    bfs_mappers_writing(c->server, i->ino))
		return -ENODEV;
	return 0;
}

/* Has anybody a descriptor to write with, or such a mapping?  No lease is given
 * then. */
static bool written(struct bfs_fs *fs, struct bfs_inode *i)
{
	int fd = bfs_data_open(fs, i, O_RDONLY);
	bool is = bfs_orphan_making(fs, i, true);

	if (fd < 0)
		return true;
	if (fcntl(fd, F_SETLEASE, F_RDLCK))
		is |= errno == EAGAIN;
	else
		fcntl(fd, F_SETLEASE, F_UNLCK);
	close(fd);
	return is;
}

static int check_exec(struct bfs_call *c, struct bfs_inode *i, bool copied)
{
	if (!S_ISREG(i->mode) || bfs_perm_check(c->cred, i, BFS_MAY_EXEC))
		return -EACCES;
	/* Of writers that are passed through the kernel knows itself. */
	if (bfs_orphan_written(bfs_call_fs(c), i) ||
	    bfs_mappers_writing(c->server, i->ino))
		return -ETXTBSY;
	/* An open writer of ours would make exec fail with ETXTBSY. */
	bfs_data_uncache(bfs_call_fs(c), i);
	if (!copied)
		return 0;
	/* Who executes a copy does not ask the kernel about this file. */
	if (written(bfs_call_fs(c), i))
		return -ETXTBSY;
	return bfs_mappers_runs(c->server, i->ino, bfs_route_node(c));
}

/* The directory of sockets; the client adds 16 hex digits of the inode. */
static int open_sockets(struct bfs_call *c, const struct bfs_inode *i)
{
	const struct bfs_fs *fs = bfs_call_fs(c);
	char name[BFS_DATA_NAME_LEN];
	int fd;

	if (!S_ISSOCK(i->mode))
		return -ECONNREFUSED;
	if (!bfs_perm_owner(c->cred, i) &&
	    bfs_perm_check(c->cred, i, BFS_MAY_WRITE))
		return -EACCES;
	/* The permission was checked here: the real one, if it is bound
	 * already and ours to change, opens for all who come by here. */
	bfs_data_name(name, i->ino);
	(void)fchmodat(fs->sock_fd, name + 3, 0777, 0);
	fd = openat(fs->sock_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Is one data file not all that the client is to get? */
static bool apart(const struct bfs_call *c, struct bfs_inode *i, uint32_t what)
{
	struct bfs_fs *fs = bfs_call_fs(c);

	/* What the kernel reads nobody checks, what it writes nobody sums. */
	if (bfs_sums_on(fs))
		return what != BFS_DATAFD_SOCKET;
	switch (what) {
	case BFS_DATAFD_MAP:
	case BFS_DATAFD_MAP_WRITE: /* it may grow */
		return bfs_stripe_chunk(fs, i);
	case BFS_DATAFD_COPY:
		return bfs_stripe_reaches(fs, i, 0) ||
		       bfs_mappers_writing(c->server, i->ino);
	case BFS_DATAFD_EXEC:
		return bfs_stripe_reaches(fs, i, 0);
	}
	return false;
}

static int check(struct bfs_call *c, struct bfs_inode *i,
		 const struct bfs_datafd_req *req, bool copied,
		 uint32_t *rights)
{
	*rights = BFS_RIGHT_READ;
	switch (req->what) {
	case BFS_DATAFD_MAP_WRITE:
		*rights |= BFS_RIGHT_WRITE;
		return check_map(c, i, req, *rights);
	case BFS_DATAFD_MAP:
	case BFS_DATAFD_COPY:
		return check_map(c, i, req, *rights);
	case BFS_DATAFD_EXEC:
		return check_exec(c, i, copied);
	case BFS_DATAFD_SOCKET:
		*rights = BFS_RIGHT_PATH;
		return 0;
	}
	return -EINVAL;
}

/* For a client of our own. */
static int open_for(struct bfs_call *c, struct bfs_inode *i,
		    const struct bfs_datafd_req *req,
		    const struct bfs_datafd_rep *rep)
{
	if (rep->apart)
		return bfs_passing_make(c->server, req->what, rep, c->deadline);
	return bfs_data_open(bfs_call_fs(c), i,
			     req->what == BFS_DATAFD_MAP_WRITE ? O_RDWR
							       : O_RDONLY);
}

/* Mapped, executed or loaded it has been read; if it is copied for that the
 * kernel does not see it (S8). */
static void note_read(struct bfs_call *c, struct bfs_inode *i, uint32_t what)
{
	struct bfs_fdref *d;
	char byte;
	int r;

	if (what == BFS_DATAFD_SOCKET || !S_ISREG(i->mode))
		return;
	d = bfs_data_get(bfs_call_fs(c), i, false, &r);
	if (!d)
		return;
	if (pread(d->fd, &byte, 1, 0) < 0)
		bfs_log(debug, "read of data file %016lx: %m", i->ino);
	bfs_data_put(d);
}

static int give(struct bfs_call *c, struct bfs_inode *i,
		const struct bfs_datafd_req *req, struct bfs_datafd_rep *rep)
{
	bool ours = bfs_route_node(c) == c->server->shard;
	uint32_t rights;
	int fd = 0, r;

	rep->apart = apart(c, i, req->what);
	if (ours && rep->apart && !bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = check(c, i, req, rep->apart || !bfs_route_passes(c), &rights);
	if (!r)
		r = bfs_inode_attr(bfs_call_fs(c), i, &rep->attr);
	if (r)
		return r;
	if (!ours || rep->apart)
		note_read(c, i, req->what);
	rep->handle = bfs_inode_handle(bfs_call_fs(c), i, rights);
	rep->change = bfs_copy_change(bfs_call_fs(c), &rep->attr);
	/* Another daemon opens its own (passing.c). */
	if (req->what == BFS_DATAFD_SOCKET)
		fd = open_sockets(c, i);
	else if (ours)
		fd = open_for(c, i, req, rep);
	if (fd < 0)
		return fd;
	if (ours)
		c->pass_fd = fd;
	else if (req->what == BFS_DATAFD_SOCKET)
		close(fd);
	return 0;
}

int bfs_serve_datafd(struct bfs_call *c, const struct bfs_datafd_req *req,
		     struct bfs_datafd_rep *rep)
{
	struct bfs_inode *i;
	int r;

	if (!bfs_route_forwarded(c) && !c->port->ops->passes_fds)
		return -EOPNOTSUPP;
	if (bfs_null_on(bfs_call_fs(c)) && req->what != BFS_DATAFD_SOCKET)
		return -ENODEV;
	r = bfs_walk_to(c, req->at, req->path, true, &i);
	if (!r && req->what == BFS_DATAFD_EXEC)
		r = bfs_far_settle(c, i);
	if (r > 0)
		r = bfs_walk_to(c, req->at, req->path, true, &i);
	return r ? r : give(c, i, req, rep);
}
