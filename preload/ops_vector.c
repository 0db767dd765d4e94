/* SPDX-License-Identifier: BSD-3-Clause */
/* readv, writev and their relatives. */
#include "core/proto.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/io.h"
#include "preload/memory.h"
#include "preload/ops.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* The bytes of a vector, or -EINVAL or -EFAULT as the kernel says. */
static ssize_t total(const struct iovec *v, int count)
{
	size_t sum = 0;

	if (count < 0 || count > IOV_MAX)
		return -EINVAL;
	if (bfs_mem_in(v, (size_t)count * sizeof(*v)))
		return -EFAULT;
	for (int i = 0; i < count; i++) {
		if (v[i].iov_len > SSIZE_MAX - sum)
			return -EINVAL;
		sum += v[i].iov_len;
	}
	return (ssize_t)sum;
}

/* The order of errors is the kernel's.  The bytes or -errno. */
static ssize_t check_vector(int fd, const struct iovec *v, int count,
			    unsigned refused, int dir_error)
{
	const struct bfs_desc *d = bfs_fd_desc(fd);
	ssize_t n;
	int e;

	e = bfs_io_check(d, refused, dir_error);
	if (e == -EBADF)
		return e;
	n = total(v, count);
	return n <= 0 || !e ? n : e; /* none at all is no error anywhere */
}

static ssize_t each(int fd, const struct iovec *v, int count, off_t offset,
		    ssize_t (*one)(int fd, void *buf, size_t n, off_t offset))
{
	ssize_t done = 0, r;

	for (int i = 0; i < count; i++) {
		if (!v[i].iov_len)
			continue;
		r = one(fd, v[i].iov_base, v[i].iov_len,
			offset < 0 ? -1 : offset + done);
		if (r < 0)
			return done ? done : r;
		done += r;
		if ((size_t)r < v[i].iov_len)
			break;
	}
	return done;
}

static ssize_t one_read(int fd, void *buf, size_t n, off_t offset)
{
	return offset < 0 ? bfs_read(fd, buf, n)
			  : bfs_pread(fd, buf, n, offset);
}

static ssize_t one_write(int fd, void *buf, size_t n, off_t offset)
{
	return offset < 0 ? bfs_write(fd, buf, n)
			  : bfs_pwrite(fd, buf, n, offset);
}

/* The bytes up to the first that cannot be read. */
static size_t gather(char *to, const struct iovec *v, int count)
{
	size_t done = 0;

	for (int i = 0; i < count; i++) {
		size_t n = bfs_mem_in_most(v[i].iov_base, v[i].iov_len);

		memcpy(to + done, v[i].iov_base, n);
		done += n;
		if (n < v[i].iov_len)
			break;
	}
	return done;
}

/*
 * A vector is one write: it must not tear (S3), so what fits into a message
 * is gathered first.
 */
static ssize_t write_vector(int fd, const struct iovec *v, int count,
			    off_t offset)
{
	ssize_t n = check_vector(fd, v, count, O_RDONLY, -EBADF), r;
	size_t done;
	long at;

	if (n <= 0 || count == 1 || n > BFS_BULK_MAX)
		return n < 0 ? n : each(fd, v, count, offset, one_write);
	at = bfs_sys_mmap(NULL, (size_t)n, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at < 0 && at > -4096)
		return at;
	done = gather((char *)at, v, count);
	r = done ? one_write(fd, (void *)at, done, offset) : -EFAULT;
	bfs_sys_munmap((void *)at, (size_t)n);
	return r;
}

static ssize_t read_vector(int fd, const struct iovec *v, int count,
			   off_t offset)
{
	ssize_t n = check_vector(fd, v, count, O_WRONLY, -EISDIR);

	return n < 0 ? n : each(fd, v, count, offset, one_read);
}

ssize_t bfs_readv(int fd, const struct iovec *v, int count)
{
	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_read(bfs_sys_3(SYS_readv, fd, v, count));
	return read_vector(fd, v, count, -1);
}

ssize_t bfs_writev(int fd, const struct iovec *v, int count)
{
	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_write(bfs_sys_3(SYS_writev, fd, v, count));
	return write_vector(fd, v, count, -1);
}

ssize_t bfs_preadv2(int fd, const struct iovec *v, int count, off_t offset,
		    int flags)
{
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_read(
			bfs_sys_6(SYS_preadv2, fd, v, count, offset, 0, flags));
	e = bfs_io_check(bfs_fd_desc(fd), O_WRONLY, -EISDIR);
	if (e == -EBADF || offset < -1)
		return e == -EBADF ? e : -EINVAL;
	/* RWF_HIPRI is a hint; what else there is would change the result. */
	if (flags & ~RWF_HIPRI)
		return -EOPNOTSUPP;
	return read_vector(fd, v, count, offset);
}

ssize_t bfs_pwritev2(int fd, const struct iovec *v, int count, off_t offset,
		     int flags)
{
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return bfs_io_count_write(bfs_sys_6(SYS_pwritev2, fd, v, count,
						    offset, 0, flags));
	e = bfs_io_check(bfs_fd_desc(fd), O_RDONLY, -EBADF);
	if (e || offset < -1)
		return e ? e : -EINVAL;
	if (flags & ~RWF_HIPRI)
		return -EOPNOTSUPP;
	return write_vector(fd, v, count, offset);
}

ssize_t bfs_preadv(int fd, const struct iovec *v, int count, off_t offset)
{
	return offset < 0 ? -EINVAL : bfs_preadv2(fd, v, count, offset, 0);
}

ssize_t bfs_pwritev(int fd, const struct iovec *v, int count, off_t offset)
{
	return offset < 0 ? -EINVAL : bfs_pwritev2(fd, v, count, offset, 0);
}
