/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mmap of descriptors that are not passed through: the daemon opens its data
 * file for us, and the kernel maps that.  READ and WRITE calls work on the
 * same file, so mappings and I/O see each other.
 */
#include "core/sys.h"
#include "preload/datafd.h"
#include "preload/fd.h"
#include "preload/mapped.h"
#include "preload/ops.h"
#include "preload/path.h"

#include <errno.h>

/* What the kernel would say of the description.  0 or -errno. */
static int map_check(enum bfs_kind kind, const struct bfs_desc *d, size_t n,
		     int prot, int flags)
{
	int mode = (int)(d ? d->oflags & O_ACCMODE : 0);
	int type = flags & MAP_TYPE;
	bool shared = type != MAP_PRIVATE;

	if (!d || kind == BFS_KIND_PATH)
		return -EBADF;
	if (!n || (shared && type != MAP_SHARED && type != MAP_SHARED_VALIDATE))
		return -EINVAL;
	if (mode == O_WRONLY ||
	    (shared && (prot & PROT_WRITE) && mode != O_RDWR))
		return -EACCES;
	return kind == BFS_KIND_FILE ? 0 : -ENODEV;
}

static int data_fd(const struct bfs_desc *d, enum bfs_datafd what)
{
	struct bfs_where w = { .at = bfs_desc_handle(d), .path = "" };
	int fd = bfs_datafd(&w, what, NULL, NULL);

	return fd < -4095 ? -EIO : fd;
}

/*
 * A shared mapping of a description that may write can be made writable
 * later, so the mode decides, not prot.  Under a space limit the daemon
 * refuses that (ENODEV), but a mapping to read is still possible.
 */
static int mappable(const struct bfs_desc *d, int prot, int flags, bool *stores)
{
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	int fd = -ENODEV;

	if (shared && (d->oflags & O_ACCMODE) == O_RDWR)
		fd = data_fd(d, BFS_DATAFD_MAP_WRITE);
	*stores = fd >= 0;
	if (fd == -ENODEV && !(shared && (prot & PROT_WRITE)))
		fd = data_fd(d, shared ? BFS_DATAFD_MAP : BFS_DATAFD_COPY);
	return fd;
}

static long map(void *addr, size_t n, int prot, int flags, int fd, off_t offset)
{
	bool stores = false;
	struct bfs_desc *d;
	long r;
	int data;

	if (flags & MAP_ANONYMOUS) /* fd does not count */
		return bfs_sys_mmap(addr, n, prot, flags, fd, offset);
	d = bfs_fd_desc(fd);
	data = map_check(bfs_fd_kind(fd), d, n, prot, flags);
	if (!data)
		data = mappable(d, prot, flags, &stores);
	if (data < 0)
		return data;
	r = bfs_sys_mmap(addr, n, prot, flags, data, offset);
	bfs_sys_close(data);
	if (stores && (unsigned long)r < -4095ul)
		bfs_mapped_add((void *)r, n, bfs_desc_handle(d));
	return r;
}

int bfs_msync(void *addr, size_t n, int flags)
{
	int r = (int)bfs_sys_3(SYS_msync, addr, n, flags);

	if (r || !(flags & MS_SYNC))
		return r;
	return bfs_mapped_sync(addr, n, BFS_FSYNC_DATA);
}

int bfs_munmap(void *addr, size_t n)
{
	bfs_mapped_sync(addr, n, BFS_FSYNC_MAPPED);
	bfs_mapped_remove(addr, n);
	return (int)bfs_sys_2(SYS_munmap, addr, n);
}

void *bfs_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t offset)
{
	long r = map(addr, n, prot, flags, fd, offset);

	if ((unsigned long)r < -4095ul)
		return (void *)r;
	errno = (int)-r;
	return MAP_FAILED;
}
