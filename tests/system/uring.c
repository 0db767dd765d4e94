/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uring FILE pass|held: reads and writes FILE by io_uring.  Passed through,
 * the data arrive; on a placeholder each operation fails with a clear error,
 * and the file stays as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(expr) ((expr) ? (void)0 : bad(__LINE__, #expr))

static void bad(int line, const char *what)
{
	fprintf(stderr, "uring.c:%d: not so: %s (%m)\n", line, what);
	exit(1);
}

static struct io_uring ring;

/* Submit the entry and wait for its result. */
static int done(void)
{
	struct io_uring_cqe *c;
	int r;

	CHECK(io_uring_submit(&ring) == 1);
	CHECK(!io_uring_wait_cqe(&ring, &c));
	r = c->res;
	io_uring_cqe_seen(&ring, c);
	return r;
}

static int ring_write(int fd, const char *text, __u64 at)
{
	io_uring_prep_write(io_uring_get_sqe(&ring), fd, text,
			    (unsigned)strlen(text), at);
	return done();
}

static int ring_read(int fd, char *buf, unsigned n, __u64 at)
{
	memset(buf, 0, n);
	io_uring_prep_read(io_uring_get_sqe(&ring), fd, buf, n, at);
	return done();
}

static void passed(int fd)
{
	char buf[32];
	struct stat st;

	CHECK(ring_write(fd, "0123456789", 0) == 10);
	CHECK(ring_write(fd, "abc", 20) == 3);
	CHECK(ring_read(fd, buf, sizeof(buf), 0) == 23);
	CHECK(!memcmp(buf, "0123456789\0\0\0\0\0\0\0\0\0\0abc", 23));
	CHECK(pread(fd, buf, 3, 20) == 3 && !memcmp(buf, "abc", 3));
	CHECK(!fstat(fd, &st) && st.st_size == 23);
	io_uring_prep_fsync(io_uring_get_sqe(&ring), fd, 0);
	CHECK(done() == 0);
}

static bool refused(int r)
{
	return r == -EBADF || r == -EPERM || r == -EINVAL;
}

static void held(int fd)
{
	char buf[32], *copy = buf;
	struct iovec v = { buf, sizeof(buf) };
	struct io_uring_sqe *s;

	CHECK(pwrite(fd, "what was there", 14, 0) == 14);
	CHECK(refused(ring_write(fd, "0123456789", 0)));
	CHECK(refused(ring_write(fd, "0123456789", (__u64)-1)));
	CHECK(refused(ring_read(fd, buf, sizeof(buf), 0)));
	CHECK(refused(ring_read(fd, buf, sizeof(buf), (__u64)-1)));
	io_uring_prep_readv(io_uring_get_sqe(&ring), fd, &v, 1, 0);
	CHECK(refused(done()));
	CHECK(!io_uring_register_files(&ring, &fd, 1));
	s = io_uring_get_sqe(&ring);
	io_uring_prep_read(s, 0, buf, sizeof(buf), 0);
	s->flags |= IOSQE_FIXED_FILE;
	CHECK(refused(done()));
	CHECK(pread(fd, buf, sizeof(buf), 0) == 14 &&
	      !memcmp(copy, "what was there", 14));
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
}

int main(int argc, char **argv)
{
	int fd;

	CHECK(argc == 3);
	if (io_uring_queue_init(8, &ring, 0))
		return 77;
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	(strcmp(argv[2], "held") ? passed : held)(fd);
	close(fd);
	return 0;
}
