/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sendfile, copy_file_range and splice.  Where one side is not passed through,
 * what the kernel would do page by page goes through a buffer here.  A file
 * side is read and written by position and its offset moved by what arrived,
 * so a short or failed write loses nothing.
 */
#include "core/stats.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"

#include <errno.h>
#include <limits.h>
#include <sys/ioctl.h>

#define BUFFER 16384
#define COUNT_MAX 0x7ffff000u /* of one call, as everywhere in the kernel */

/* One end: where it stands, and whether that is the caller's variable. */
struct end {
	int fd;
	bool stream; /* pipe, socket or append: no position */
	off_t pos;
	off_t *var;
};

static bool held(int a, int b)
{
	return bfs_fd_kind(a) > BFS_KIND_PASS || bfs_fd_kind(b) > BFS_KIND_PASS;
}

/* The kernel has moved n bytes between descriptors that it knows. */
static ssize_t moved(int in, int out, ssize_t n)
{
	bfs_count_via(BFS_VIA_PASS);
	if (n >= 0 && bfs_fd_kind(in) == BFS_KIND_PASS) {
		bfs_stat_add(client_pass_reads, 1);
		bfs_stat_add(client_pass_read_bytes, n);
	}
	if (n >= 0 && bfs_fd_kind(out) == BFS_KIND_PASS) {
		bfs_stat_add(client_pass_writes, 1);
		bfs_stat_add(client_pass_write_bytes, n);
	}
	return n;
}

static long any_fstat(int fd, struct stat *st)
{
	return bfs_fd_entry(fd) ? bfs_fstat(fd, st) : bfs_sys_fstat(fd, st);
}

static long any_seek(int fd, off_t offset, int whence)
{
	return bfs_fd_kind(fd) > BFS_KIND_PASS
		       ? bfs_lseek(fd, offset, whence)
		       : bfs_sys_lseek(fd, offset, whence);
}

static long any_flags(int fd)
{
	return bfs_fd_entry(fd) ? bfs_fcntl(fd, F_GETFL, 0)
				: bfs_sys_fcntl(fd, F_GETFL, 0);
}

static long end_read(const struct end *e, void *buf, size_t n)
{
	if (e->stream)
		return bfs_sys_3(SYS_read, e->fd, buf, n);
	return bfs_fd_entry(e->fd)
		       ? bfs_pread(e->fd, buf, n, e->pos)
		       : bfs_sys_4(SYS_pread64, e->fd, buf, n, e->pos);
}

static long end_write(const struct end *e, const void *buf, size_t n)
{
	if (bfs_fd_entry(e->fd))
		return e->stream ? bfs_write(e->fd, buf, n)
				 : bfs_pwrite(e->fd, buf, n, e->pos);
	return e->stream ? bfs_sys_3(SYS_write, e->fd, buf, n)
			 : bfs_sys_4(SYS_pwrite64, e->fd, buf, n, e->pos);
}

/* The flags of fd if it is more than a path; -EBADF. */
static long end_flags(int fd)
{
	long flags = any_flags(fd);

	return flags >= 0 && (flags & O_PATH) ? -EBADF : flags;
}

/* The same if it is open as wanted. */
static long end_open(int fd, int mode)
{
	long flags = end_flags(fd);

	if (flags >= 0 && (flags & O_ACCMODE) != mode &&
	    (flags & O_ACCMODE) != O_RDWR)
		return -EBADF;
	return flags;
}

/* 0 or -errno; streams only where the caller lets them.  A position may be
 * negative, which the calls find at different moments. */
static long end_init(struct end *e, int fd, off_t *var)
{
	long pos = any_seek(fd, 0, SEEK_CUR);

	*e = (struct end){ fd, pos == -ESPIPE, pos, var };
	if (var && e->stream)
		return -ESPIPE;
	if (var && bfs_mem_out(var, sizeof(*var)))
		return -EFAULT;
	if (var)
		e->pos = *var;
	return pos < 0 && !e->stream ? pos : 0;
}

static bool negative(const struct end *e)
{
	return e->pos < 0 && !e->stream;
}

static void end_move(struct end *e, size_t done)
{
	if (e->stream || !done)
		return;
	if (e->var)
		*e->var = e->pos;
	else
		any_seek(e->fd, e->pos, SEEK_SET);
}

/* Bytes moved, or -errno if none was. */
static ssize_t move(struct end *in, struct end *out, size_t n)
{
	char buf[BUFFER];
	size_t done = 0;
	long r = 0;

	n = BFS_MIN(n, COUNT_MAX);
	while (done < n) {
		long got = end_read(in, buf, BFS_MIN(n - done, (size_t)BUFFER));

		r = got <= 0 ? got : end_write(out, buf, (size_t)got);
		if (r <= 0)
			break;
		in->pos += r;
		out->pos += r;
		done += (size_t)r;
		if (r < got)
			break;
	}
	end_move(in, done);
	end_move(out, done);
	return done ? (ssize_t)done : r;
}

/* 0, -EISDIR or -EINVAL. */
static long regular(int fd, struct stat *st)
{
	long r = any_fstat(fd, st);

	if (r < 0)
		return r;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -EINVAL;
}

static bool is_pipe(int fd)
{
	struct stat st;

	return any_fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static ssize_t splice_in(struct end *from, int out, size_t n,
			 unsigned int flags);

ssize_t bfs_sendfile(int out, int in, off_t *offset, size_t n)
{
	struct end from, to;
	struct stat st;
	long r, flags;
	bool pipe;

	if (!held(in, out))
		return moved(in, out,
			     bfs_sys_4(SYS_sendfile, out, in, offset, n));
	if (offset && bfs_mem_out(offset, sizeof(*offset)))
		return -EFAULT;
	r = end_open(in, O_RDONLY);
	if (r < 0)
		return r;
	r = end_init(&from, in, offset);
	if (r < 0)
		return r;
	if (negative(&from) || (ssize_t)n < 0)
		return -EINVAL;
	flags = end_open(out, O_WRONLY);
	if (flags < 0)
		return flags;
	pipe = is_pipe(out);
	if ((flags & O_APPEND && !pipe) || from.stream)
		return -EINVAL;
	if (!n)
		return 0;
	if (regular(in, &st))
		return -EINVAL;
	if (pipe)
		return splice_in(&from, out, n, 0);
	r = end_init(&to, out, NULL);
	return r < 0 ? r : move(&from, &to, n);
}

static bool overlap(const struct end *a, const struct end *b, size_t n)
{
	return a->pos < b->pos + (off_t)n && b->pos < a->pos + (off_t)n;
}

/* As the kernel looks for it: beyond 2^63 is not too far, beyond 2^64 is. */
static bool overflows(off_t pos, size_t n)
{
	return (uint64_t)pos + n < (uint64_t)pos;
}

/* Two regular files, or the error that comes first. */
static long both_regular(int in, struct stat *a, int out, struct stat *b)
{
	long r = regular(in, a), w = regular(out, b);

	return r == -EISDIR || w == -EISDIR ? -EISDIR : r ? r : w;
}

ssize_t bfs_copy_file_range(int in, off_t *in_off, int out, off_t *out_off,
			    size_t n, unsigned int flags)
{
	struct end from, to;
	struct stat a, b;
	long r, w;

	if (!held(in, out))
		return moved(in, out,
			     bfs_sys_6(SYS_copy_file_range, in, in_off, out,
				       out_off, n, flags));
	if ((r = end_flags(in)) < 0 || (r = end_flags(out)) < 0)
		return r;
	if (flags)
		return -EINVAL;
	if ((in_off && bfs_mem_out(in_off, sizeof(*in_off))) ||
	    (out_off && bfs_mem_out(out_off, sizeof(*out_off))))
		return -EFAULT;
	if ((r = both_regular(in, &a, out, &b)) ||
	    (r = end_init(&from, in, in_off)) ||
	    (r = end_init(&to, out, out_off)))
		return r;
	r = end_open(in, O_RDONLY);
	w = end_open(out, O_WRONLY);
	if (r < 0 || w < 0 || (w & O_APPEND))
		return -EBADF;
	if (overflows(from.pos, n) || overflows(to.pos, n))
		return -EOVERFLOW;
	if (negative(&from) || negative(&to))
		return -EINVAL;
	if (n > (size_t)(INT64_MAX - to.pos))
		return -EFBIG;
	n = BFS_MIN(n,
		    a.st_size > from.pos ? (size_t)(a.st_size - from.pos) : 0);
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
	    overlap(&from, &to, n))
		return -EINVAL;
	return move(&from, &to, n);
}

/* Nothing can be spliced from it, which is not told as read tells it. */
static bool is_dir(int fd)
{
	struct stat st;

	return !any_fstat(fd, &st) && S_ISDIR(st.st_mode);
}

/* Wait for the pipe's side of a splice, unless that must not block. */
static long pipe_ready(int fd, short event, unsigned int flags)
{
	bool now = (flags & SPLICE_F_NONBLOCK) ||
		   (bfs_sys_fcntl(fd, F_GETFL, 0) & O_NONBLOCK);
	long r = bfs_sys_poll1(fd, event, now ? 0 : -1);

	return r == 0 ? -EAGAIN : r < 0 ? r : 0;
}

/* From a pipe: what is in it now, at most. */
static ssize_t splice_out(int in, struct end *to, size_t n, unsigned int flags)
{
	struct end from = { .fd = in, .stream = true };
	long r = pipe_ready(in, POLLIN, flags);
	int have = 0;

	if (r)
		return r;
	bfs_sys_3(SYS_ioctl, in, FIONREAD, &have);
	return have ? move(&from, to, BFS_MIN(n, (size_t)have)) : 0;
}

/* Without waiting: for a fifo that has a name the kernel has no such flag, but
 * if anything fits a page does. */
static long pipe_write(int out, const char *buf, size_t n)
{
	struct iovec v = { (char *)buf, n };
	long r = bfs_sys_6(SYS_pwritev2, out, &v, 1, -1, 0, RWF_NOWAIT);

	if (r != -EOPNOTSUPP)
		return r;
	r = bfs_sys_poll1(out, POLLOUT, 0);
	if (r <= 0 || !(r & POLLOUT))
		return r < 0 ? r : -EAGAIN;
	return bfs_sys_3(SYS_write, out, buf, BFS_MIN(n, (size_t)PIPE_BUF));
}

/* Into a pipe: what fits now, at most; a full pipe must not hold us twice. */
static ssize_t splice_in(struct end *from, int out, size_t n,
			 unsigned int flags)
{
	char buf[BUFFER];
	long r = pipe_ready(out, POLLOUT, flags), got = 0, done = 0;

	while (!r && (size_t)done < n) {
		got = end_read(from, buf,
			       BFS_MIN(n - (size_t)done, sizeof(buf)));
		if (got <= 0)
			break;
		got = pipe_write(out, buf, (size_t)got);
		if (got <= 0)
			break;
		from->pos += got;
		done += got;
	}
	end_move(from, (size_t)done);
	return done ? done : r ? r : got;
}

ssize_t bfs_splice(int in, off_t *in_off, int out, off_t *out_off, size_t n,
		   unsigned int flags)
{
	struct end file;
	long r, w;

	if (!held(in, out))
		return moved(in, out,
			     bfs_sys_6(SYS_splice, in, in_off, out, out_off, n,
				       flags));
	if (!n)
		return 0;
	if (flags & ~(unsigned)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK |
				SPLICE_F_MORE | SPLICE_F_GIFT))
		return -EINVAL;
	r = end_open(in, O_RDONLY);
	w = end_open(out, O_WRONLY);
	if (r < 0 || w < 0)
		return -EBADF;
	if (is_pipe(in)) {
		if (in_off)
			return -ESPIPE;
		r = w & O_APPEND ? -EINVAL : end_init(&file, out, out_off);
		if (!r && negative(&file))
			r = -EINVAL;
		return r ? r : splice_out(in, &file, n, flags);
	}
	if (!is_pipe(out))
		return -EINVAL;
	if (out_off)
		return -ESPIPE;
	r = end_init(&file, in, in_off);
	if (!r && (negative(&file) || is_dir(in)))
		r = -EINVAL;
	return r ? r : splice_in(&file, out, n, flags);
}
