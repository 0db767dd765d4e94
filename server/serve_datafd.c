/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel descriptors for what cannot do without: mmap, exec, sockets. */
#include "server/copy.h"
#include "server/data.h"
#include "server/far.h"
#include "server/perm.h"
#include "server/route.h"
#include "server/server.h"
#include "server/session.h"
#include "server/stripe.h"

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

static int open_map(struct bfs_call *c, struct bfs_inode *i,
		    const struct bfs_datafd_req *req, uint32_t rights)
{
	bool write = rights & BFS_RIGHT_WRITE;
	int r;

	/* One data file does not have it all. */
	if (!S_ISREG(i->mode) ||
	    bfs_stripe_reaches(bfs_call_fs(c), i, 0))
		return -ENODEV;
	r = check_rights(c, i, req, rights);
	if (r)
		return r;
	/* Stores into a mapping are seen by no limit. */
	if (write && bfs_call_fs(c)->conf.max_bytes)
		return -ENODEV;
	return bfs_data_open(bfs_call_fs(c), i, write ? O_RDWR : O_RDONLY);
}

/* Has anybody a descriptor to write with, or such a mapping?  No lease is given
 * then. */
static bool written(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK))
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static int open_exec(struct bfs_call *c, struct bfs_inode *i)
{
	int fd;

	if (!S_ISREG(i->mode) || bfs_perm_check(c->cred, i, BFS_MAY_EXEC))
		return -EACCES;
	if (bfs_stripe_reaches(bfs_call_fs(c), i, 0))
		return -ENODEV;
	/* Of writers that are passed through the kernel knows itself. */
	if (bfs_orphan_written(bfs_call_fs(c), i))
		return -ETXTBSY;
	/* An open writer of ours would make exec fail with ETXTBSY. */
	bfs_data_uncache(bfs_call_fs(c), i);
	fd = bfs_data_open(bfs_call_fs(c), i, O_RDONLY);
	/* Who executes a copy does not ask the kernel about this file. */
	if (fd >= 0 && !bfs_route_passes(c) && written(fd)) {
		close(fd);
		return -ETXTBSY;
	}
	return fd;
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

static int open_for(struct bfs_call *c, struct bfs_inode *i,
		    const struct bfs_datafd_req *req, uint32_t *rights)
{
	*rights = BFS_RIGHT_READ;
	switch (req->what) {
	case BFS_DATAFD_MAP:
	case BFS_DATAFD_COPY:
		return open_map(c, i, req, *rights);
	case BFS_DATAFD_MAP_WRITE:
		*rights |= BFS_RIGHT_WRITE;
		return open_map(c, i, req, *rights);
	case BFS_DATAFD_EXEC:
		return open_exec(c, i);
	case BFS_DATAFD_SOCKET:
		*rights = BFS_RIGHT_PATH;
		return open_sockets(c, i);
	}
	return -EINVAL;
}

int bfs_serve_datafd(struct bfs_call *c, const struct bfs_datafd_req *req,
		     struct bfs_datafd_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i;
	uint32_t rights;
	int fd, r;

	if (!(c->session && c->session->far) && !c->port->ops->passes_fds)
		return -EOPNOTSUPP;
	r = bfs_walk_to(c, req->at, req->path, true, &i);
	if (!r && req->what == BFS_DATAFD_EXEC)
		r = bfs_far_settle(c, i);
	if (r > 0)
		r = bfs_walk_to(c, req->at, req->path, true, &i);
	if (r)
		return r;
	fd = open_for(c, i, req, &rights);
	if (fd < 0)
		return fd;
	r = bfs_inode_attr(fs, i, &rep->attr);
	if (r) {
		close(fd);
		return r;
	}
	if (bfs_route_node(c) == c->server->shard)
		c->pass_fd = fd;
	else
		close(fd); /* the client's daemon opens its own (passing.c) */
	rep->handle = bfs_inode_handle(fs, i, rights);
	rep->change = bfs_copy_change(fs, &rep->attr);
	return 0;
}
