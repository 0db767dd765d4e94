/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous I/O.  The C library's works by threads that call the kernel
 * directly, libaio is the kernel's: both are right on a descriptor that is
 * passed through, and are refused on one that is not.
 */
#include "core/sys.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/ops.h"

#include <errno.h>
#include <linux/aio_abi.h>

static bool held(int fd)
{
	return bfs_fd_kind(fd) > BFS_KIND_PASS;
}

bool bfs_aio_held(struct aiocb *const list[], int n)
{
	for (int i = 0; list && i < n; i++)
		if (list[i] && list[i]->aio_lio_opcode != LIO_NOP &&
		    held(list[i]->aio_fildes))
			return true;
	return false;
}

int bfs_aio_read(struct aiocb *cb)
{
	return -EINVAL;
}

int bfs_aio_write(struct aiocb *cb)
{
	return -EINVAL;
}

int bfs_aio_fsync(int op, struct aiocb *cb)
{
	return -EINVAL;
}

int bfs_lio_listio(int mode, struct aiocb *const list[], int n,
		   struct sigevent *sig)
{
	return -EINVAL;
}

/*
 * libaio's function is the bare system call and answers -errno, so this needs
 * no libaio.  The blocks before the first one that is refused are submitted,
 * as the kernel does.
 */
int bfs_io_submit(void *context, long n, struct iocb **blocks)
{
	bfs_count_foreign();
	for (long i = 0; blocks && i < n && blocks[i]; i++)
		if (held((int)blocks[i]->aio_fildes))
			n = i ? i : -EINVAL;
	if (n == -EINVAL)
		return -EINVAL;
	return (int)bfs_sys_3(SYS_io_submit, context, n, blocks);
}
