/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mmap of descriptors that are not passed through: the daemon opens its data
 * file for us, and the kernel maps that.  READ and WRITE calls work on the
 * same file, so mappings and I/O see each other.
 */
#include "core/sys.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/session.h"

/* What the kernel would say of the description.  0 or -errno. */
static int map_check(enum bfs_kind kind, const struct bfs_desc *d, size_t n,
		     int prot, int flags)
{
	int mode = (int)(d ? d->oflags & O_ACCMODE : 0);
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

	if (!d || kind == BFS_KIND_PATH)
		return -EBADF;
	if (!n)
		return -EINVAL;
	if (mode == O_WRONLY ||
	    (shared && (prot & PROT_WRITE) && mode != O_RDWR))
		return -EACCES;
	return kind == BFS_KIND_FILE ? 0 : -ENODEV;
}

/*
 * A kernel descriptor of the data file.  A shared mapping of a description
 * that may write can be made writable later, so the mode decides, not prot.
 */
static int data_fd(const struct bfs_desc *d, int flags)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_datafd_rep rep;
	struct bfs_client *c;
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	struct bfs_datafd_req req = {
		.at = bfs_desc_handle(d),
		.path = BFS_STR(""),
		.what = shared && (d->oflags & O_ACCMODE) == O_RDWR
				? BFS_DATAFD_MAP_WRITE
				: BFS_DATAFD_MAP,
	};
	int e = bfs_session_local(&c);

	if (e)
		return e;
	e = bfs_rpc_datafd(c, &r, &req, &rep);
	if (!e)
		e = r.io.fd;
	bfs_rpc_end(&r);
	return e < -4095 ? -EIO : e;
}

static long map(void *addr, size_t n, int prot, int flags, int fd, off_t offset)
{
	struct bfs_desc *d;
	long r;
	int data;

	if (flags & MAP_ANONYMOUS) /* fd does not count */
		return bfs_sys_mmap(addr, n, prot, flags, fd, offset);
	d = bfs_fd_desc(fd);
	data = map_check(bfs_fd_kind(fd), d, n, prot, flags);
	if (!data)
		data = data_fd(d, flags);
	if (data < 0)
		return data;
	r = bfs_sys_mmap(addr, n, prot, flags, data, offset);
	bfs_sys_close(data);
	return r;
}

void *bfs_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t offset)
{
	long r = map(addr, n, prot, flags, fd, offset);

	if ((unsigned long)r < -4095ul)
		return (void *)r;
	errno = (int)-r;
	return MAP_FAILED;
}
