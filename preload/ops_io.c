/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read, write and seek.  A passed-through descriptor is the kernel's; on a
 * placeholder data goes through daemons (transfer.h).
 */
#include "core/stats.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/attr.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/io.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/session.h"
#include "preload/transfer.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int bfs_io_check(const struct bfs_desc *d, unsigned refused, int dir_error)
{
	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	if ((d->oflags & O_ACCMODE) == refused ||
	    (d->oflags & O_ACCMODE) == O_ACCMODE)
		return -EBADF;
	return d->kind == BFS_KIND_DIR ? dir_error : 0;
}

ssize_t bfs_io_count_read(ssize_t n)
{
	bfs_count_via(BFS_VIA_PASS);
	if (n >= 0) {
		bfs_stat_add(client_pass_reads, 1);
		bfs_stat_add(client_pass_read_bytes, n);
	}
	return n;
}

ssize_t bfs_io_count_write(ssize_t n)
{
	bfs_count_via(BFS_VIA_PASS);
	if (n >= 0) {
		bfs_stat_add(client_pass_writes, 1);
		bfs_stat_add(client_pass_write_bytes, n);
	}
	return n;
}

ssize_t bfs_pread(int fd, void *buf, size_t n, off_t offset)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_read(
			bfs_sys_4(SYS_pread64, fd, buf, n, offset));
	if (offset < 0)
		return -EINVAL;
	e = bfs_io_check(d, O_WRONLY, -EISDIR);
	return e ? e : bfs_transfer_read(d, buf, n, (uint64_t)offset);
}

ssize_t bfs_read(int fd, void *buf, size_t n)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t signals;
	ssize_t r;
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_read(bfs_sys_3(SYS_read, fd, buf, n));
	e = bfs_io_check(d, O_WRONLY, -EISDIR);
	if (!e)
		e = bfs_desc_lock(d, &signals);
	if (e)
		return e;
	r = bfs_transfer_read(d, buf, n, d->offset);
	if (r > 0)
		d->offset += (uint64_t)r;
	bfs_desc_unlock(d, &signals);
	return r;
}

ssize_t bfs_pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t end;
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_write(
			bfs_sys_4(SYS_pwrite64, fd, buf, n, offset));
	if (offset < 0)
		return -EINVAL;
	e = bfs_io_check(d, O_RDONLY, -EBADF);
	return e ? e : bfs_transfer_write(d, buf, n, (uint64_t)offset, 0, &end);
}

ssize_t bfs_write(int fd, const void *buf, size_t n)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t signals, end;
	ssize_t r;
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_write(bfs_sys_3(SYS_write, fd, buf, n));
	e = bfs_io_check(d, O_RDONLY, -EBADF);
	if (!e)
		e = bfs_desc_lock(d, &signals);
	if (e)
		return e;
	r = bfs_transfer_write(d, buf, n, d->offset, 0, &end);
	if (r > 0)
		d->offset = end;
	bfs_desc_unlock(d, &signals);
	return r;
}

ssize_t bfs___read_chk(int fd, void *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return bfs_read(fd, buf, n);
}

ssize_t bfs___pread_chk(int fd, void *buf, size_t n, off_t offset, size_t size)
{
	if (n > size)
		__chk_fail();
	return bfs_pread(fd, buf, n, offset);
}

/* Where SEEK_END, SEEK_DATA and SEEK_HOLE lead: the daemon knows. */
static off_t seek_by_daemon(int fd, struct bfs_desc *d, off_t offset,
			    int whence)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_seek_rep rep;
	struct bfs_client *c;
	struct stat st;
	int e;

	if (whence == SEEK_END) {
		e = bfs_fstat(fd, &st);
		return e ? e : st.st_size + offset;
	}
	if (offset < 0)
		return -ENXIO;
	e = bfs_session(&c);
	if (!e)
		e = bfs_rpc_seek(
			c, &r,
			&(struct bfs_seek_req){ .handle = bfs_desc_handle(d),
						.offset = (uint64_t)offset,
						.whence = (uint32_t)whence },
			&rep);
	bfs_rpc_end(&r);
	return e ? e : (off_t)rep.offset;
}

off_t bfs_lseek(int fd, off_t offset, int whence)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t signals;
	off_t to = 0;
	int e;

	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	if (whence != SEEK_SET && whence != SEEK_CUR) {
		if (d->kind != BFS_KIND_FILE || whence > SEEK_HOLE)
			return -EINVAL;
		to = seek_by_daemon(fd, d, offset, whence);
		if (to < 0)
			return to < -4095 ? -EINVAL : to;
	}
	e = bfs_desc_lock(d, &signals);
	if (e)
		return e;
	if (whence == SEEK_SET)
		to = offset;
	else if (whence == SEEK_CUR)
		to = offset + (off_t)d->offset;
	if (to >= 0)
		d->offset = (uint64_t)to;
	bfs_desc_unlock(d, &signals);
	return to < 0 ? -EINVAL : to;
}
