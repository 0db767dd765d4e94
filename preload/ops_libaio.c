/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libaio, the kernel's asynchronous I/O: right on a descriptor that is passed
 * through.  On a placeholder the work is done at once, as the kernel does that
 * of most files, and then the kernel is given a block that has the same result
 * and touches nothing: a write of so many bytes to /dev/null.  So the event is
 * one of the kernel's own, and comes to whoever waits, by io_getevents, in the
 * mapped ring or by an eventfd.
 *
 * Refused (EINVAL) is what that cannot do: a write with O_APPEND, since a full
 * queue is known only after the work, which the program then has done again.
 * An error of the work is the submission's.
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"

#include <errno.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <sys/uio.h>

static bool held(const struct iocb *b)
{
	return bfs_fd_kind((int)b->aio_fildes) > BFS_KIND_PASS;
}

/* /dev/null, above the application's descriptors; made once. */
static int sink(void)
{
	static _Atomic int kept = -1;
	int fd = atomic_load(&kept), low, none = -1;

	if (fd >= 0 && bfs_fd_kind(fd) == BFS_KIND_OWN)
		return fd;
	low = bfs_sys_openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC, 0);
	if (low < 0)
		return low;
	fd = bfs_sys_fcntl(low, F_DUPFD_CLOEXEC, bfs_settings.fd_base);
	bfs_sys_close(low);
	if (fd < 0)
		return fd;
	bfs_fd_own(fd);
	if (atomic_compare_exchange_strong(&kept, &none, fd))
		return fd;
	/* Another thread was first. */
	bfs_fd_disown(fd);
	bfs_sys_close(fd);
	return none;
}

static ssize_t transfer(const struct iocb *b, bool writes, bool vector)
{
	struct iovec one = { (void *)b->aio_buf, b->aio_nbytes };
	const struct iovec *v = vector ? (const void *)b->aio_buf : &one;
	int n = vector ? (int)BFS_MIN(b->aio_nbytes, (uint64_t)INT_MAX) : 1;
	int fd = (int)b->aio_fildes;

	/* preadv2 takes -1 for the description's own offset. */
	if (b->aio_offset < 0)
		return -EINVAL;
	return writes ? bfs_pwritev2(fd, v, n, b->aio_offset, b->aio_rw_flags)
		      : bfs_preadv2(fd, v, n, b->aio_offset, b->aio_rw_flags);
}

static bool appends(const struct iocb *b)
{
	const struct bfs_desc *d = bfs_fd_desc((int)b->aio_fildes);

	return d && d->oflags & O_APPEND;
}

/* The bytes or -errno. */
static ssize_t work(const struct iocb *b)
{
	switch (b->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
		return transfer(b, false, b->aio_lio_opcode == IOCB_CMD_PREADV);
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		if (appends(b))
			return -EINVAL;
		return transfer(b, true, b->aio_lio_opcode == IOCB_CMD_PWRITEV);
	case IOCB_CMD_FSYNC:
		return bfs_fsync((int)b->aio_fildes);
	case IOCB_CMD_FDSYNC:
		return bfs_fdatasync((int)b->aio_fildes);
	default:
		return -EINVAL;
	}
}

/* In the caller's own block, whose address the event tells. */
static int submit_done(void *context, struct iocb *b, ssize_t done)
{
	struct iocb was = *b;
	int fd = sink(), r;

	if (fd < 0)
		return fd;
	b->aio_lio_opcode = IOCB_CMD_PWRITE;
	b->aio_fildes = (uint32_t)fd;
	b->aio_buf = (uint64_t)b; /* not looked at */
	b->aio_nbytes = (uint64_t)done;
	b->aio_offset = 0;
	b->aio_rw_flags = 0;
	b->aio_flags &= IOCB_FLAG_RESFD;
	r = (int)bfs_sys_3(SYS_io_submit, context, 1, &b);
	was.aio_key = b->aio_key;
	*b = was;
	return r;
}

/* 1 or -errno. */
static int submit_one(void *context, struct iocb *b)
{
	ssize_t n = b->aio_reserved2 ? -EINVAL : work(b);

	return n < 0 ? (int)n : submit_done(context, b, n);
}

/* A bad address is the kernel's to tell. */
static struct iocb *block(struct iocb **blocks, long i)
{
	return bfs_mem_in(&blocks[i], sizeof(*blocks)) ||
			       bfs_mem_out(blocks[i], sizeof(**blocks))
		       ? NULL
		       : blocks[i];
}

/* Those from the first that are not ours, up to n. */
static long others(struct iocb **blocks, long first, long n)
{
	long i = first;

	while (i < n) {
		const struct iocb *b = block(blocks, i);

		if (!b)
			return n - first;
		if (held(b))
			break;
		i++;
	}
	return i - first;
}

/*
 * libaio's function is the bare system call and answers -errno, so this needs
 * no libaio.  The blocks before the first one that is refused are submitted,
 * as the kernel does.
 */
int bfs_io_submit(void *context, long n, struct iocb **blocks)
{
	long done = 0;

	bfs_count_foreign();
	do {
		long some = n > 0 ? others(blocks, done, n) : n;
		int r;

		if (some || !n)
			r = (int)bfs_sys_3(SYS_io_submit, context, some,
					   blocks + done);
		else
			r = submit_one(context, blocks[done]);
		if (r <= 0)
			return done ? (int)done : r;
		done += r;
		if (some && r < some)
			break;
	} while (done < n);
	return (int)done;
}
