/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read, write and seek.  A passed-through descriptor is the kernel's; on a
 * placeholder data goes through the daemon, in pieces that a message holds.
 */
#include "core/stats.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/attr.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/session.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define MOST 0x7ffff000 /* bytes of one call, as the kernel's */

static size_t piece(struct bfs_client *c)
{
	struct bfs_transport *t = c->t;

	return t ? t->bulk_max : 64 << 10;
}

/* For read and write; what cannot, answers as the kernel does. */
static int check(const struct bfs_desc *d, unsigned refused, int dir_error)
{
	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	if ((d->oflags & O_ACCMODE) == refused ||
	    (d->oflags & O_ACCMODE) == O_ACCMODE)
		return -EBADF;
	return d->kind == BFS_KIND_DIR ? dir_error : 0;
}

static ssize_t read_at(struct bfs_desc *d, void *buf, size_t n, uint64_t offset)
{
	struct bfs_client *c;
	size_t done = 0;
	int e;

	if (n > INT64_MAX - offset)
		return -EINVAL;
	/* As far as the buffer is good, like the kernel. */
	n = BFS_MIN(n, MOST);
	if (n && !(n = bfs_mem_out_most(buf, n)))
		return -EFAULT;
	e = bfs_session(&c);
	while (!e && done < n) {
		struct bfs_rpc r = BFS_RPC_INIT;
		struct bfs_read_rep rep;
		size_t want = BFS_MIN(n - done, piece(c));

		r.io.in = (char *)buf + done;
		r.io.in_cap = want;
		e = bfs_rpc_read(c, &r,
				 &(struct bfs_read_req){
					 .handle = bfs_desc_handle(d),
					 .offset = offset + done,
					 .size = (uint32_t)want,
					 .flags = d->oflags & O_NOATIME },
				 &rep);
		if (!e)
			done += r.io.in_len;
		bfs_rpc_end(&r);
		if (!e && r.io.in_len < want)
			break;
	}
	return done || !e ? (ssize_t)done : e;
}

/* *end: the offset behind the data. */
static ssize_t write_at(struct bfs_desc *d, const void *buf, size_t n,
			uint64_t offset, unsigned flags, uint64_t *end)
{
	struct bfs_client *c;
	uint64_t room = bfs_file_room();
	size_t done = 0;
	int e;

	if (n > INT64_MAX - offset)
		return -EINVAL;
	n = BFS_MIN(n, MOST);
	if (n && !(n = bfs_mem_in_most(buf, n)))
		return -EFAULT;
	e = bfs_session(&c);
	flags |= d->oflags & (O_APPEND | O_SYNC | O_DSYNC);
	*end = offset;
	while (!e && done < n) {
		struct bfs_rpc r = BFS_RPC_INIT;
		struct bfs_write_rep rep;
		size_t give = BFS_MIN(n - done, piece(c));

		r.io.out = (const char *)buf + done;
		r.io.out_len = give;
		e = bfs_rpc_write(
			c, &r,
			&(struct bfs_write_req){ .handle = bfs_desc_handle(d),
						 .offset = offset + done,
						 .flags = flags,
						 .room = room },
			&rep);
		if (!e) {
			done += rep.written;
			*end = rep.end;
		}
		bfs_rpc_end(&r);
		if (!e && rep.written < give)
			break;
	}
	return done || !e ? (ssize_t)done : bfs_file_grown(e, room);
}

static ssize_t count_read(ssize_t n)
{
	bfs_count_via(BFS_VIA_PASS);
	if (n >= 0) {
		bfs_stat_add(client_pass_reads, 1);
		bfs_stat_add(client_pass_read_bytes, n);
	}
	return n;
}

static ssize_t count_write(ssize_t n)
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
		return count_read(bfs_sys_4(SYS_pread64, fd, buf, n, offset));
	if (offset < 0)
		return -EINVAL;
	e = check(d, O_WRONLY, -EISDIR);
	return e ? e : read_at(d, buf, n, (uint64_t)offset);
}

ssize_t bfs_read(int fd, void *buf, size_t n)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t signals;
	ssize_t r;
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return count_read(bfs_sys_3(SYS_read, fd, buf, n));
	e = check(d, O_WRONLY, -EISDIR);
	if (!e)
		e = bfs_desc_lock(d, &signals);
	if (e)
		return e;
	r = read_at(d, buf, n, d->offset);
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
		return count_write(bfs_sys_4(SYS_pwrite64, fd, buf, n, offset));
	if (offset < 0)
		return -EINVAL;
	e = check(d, O_RDONLY, -EBADF);
	return e ? e : write_at(d, buf, n, (uint64_t)offset, 0, &end);
}

ssize_t bfs_write(int fd, const void *buf, size_t n)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t signals, end;
	ssize_t r;
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return count_write(bfs_sys_3(SYS_write, fd, buf, n));
	e = check(d, O_RDONLY, -EBADF);
	if (!e)
		e = bfs_desc_lock(d, &signals);
	if (e)
		return e;
	r = write_at(d, buf, n, d->offset, 0, &end);
	if (r > 0)
		d->offset = end;
	bfs_desc_unlock(d, &signals);
	return r;
}

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

	e = check(d, refused, dir_error);
	if (e == -EBADF)
		return e;
	n = total(v, count);
	return n < 0 || !e ? n : e;
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
		return count_read(bfs_sys_3(SYS_readv, fd, v, count));
	return read_vector(fd, v, count, -1);
}

ssize_t bfs_writev(int fd, const struct iovec *v, int count)
{
	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return count_write(bfs_sys_3(SYS_writev, fd, v, count));
	return write_vector(fd, v, count, -1);
}

ssize_t bfs_preadv2(int fd, const struct iovec *v, int count, off_t offset,
		    int flags)
{
	int e;

	if (bfs_fd_kind(fd) == BFS_KIND_PASS)
		return count_read(
			bfs_sys_6(SYS_preadv2, fd, v, count, offset, 0, flags));
	e = check(bfs_fd_desc(fd), O_WRONLY, -EISDIR);
	if (e || offset < -1)
		return e ? e : -EINVAL;
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
		return count_write(bfs_sys_6(SYS_pwritev2, fd, v, count, offset,
					     0, flags));
	e = check(bfs_fd_desc(fd), O_RDONLY, -EBADF);
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
