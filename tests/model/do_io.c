/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors and data. */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define DO(name) \
	void do_##name(struct place *w, const struct step *s, struct result *r)

static void keep(struct place *w, uint32_t slot, int fd, struct result *r)
{
	int *to = arg_fd(w, slot);

	answer(r, fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	if (*to >= 0)
		close(*to);
	*to = fd;
}

/* O_TMPFILE in a removed directory: each file system says what it likes. */
static bool tmp_in_nothing(int dirfd, const char *path, int flags)
{
	struct stat st;

	return (flags & O_TMPFILE) == O_TMPFILE &&
	       !fstatat(dirfd, path, &st, 0) && !st.st_nlink;
}

DO(open)
{
	char buf[4200];

	if (tmp_in_nothing(AT_FDCWD, arg_path(w, s->a[0], buf),
			   arg_oflags(s->a[1])))
		return;
	keep(w, s->a[2],
	     open(arg_path(w, s->a[0], buf), arg_oflags(s->a[1]),
		  arg_mode(s->a[3])),
	     r);
}

DO(openat)
{
	char buf[4200];

	if (tmp_in_nothing(arg_dirfd(w, s->a[4]), arg_path(w, s->a[0], buf),
			   arg_oflags(s->a[1])))
		return;
	keep(w, s->a[2],
	     openat(arg_dirfd(w, s->a[4]), arg_path(w, s->a[0], buf),
		    arg_oflags(s->a[1]), arg_mode(s->a[3])),
	     r);
}

DO(creat)
{
	char buf[4200];
	const char *p = arg_path(w, s->a[0], buf);
	struct stat st;

	/* It would wait for a fifo's reader. */
	if (!stat(p, &st) && S_ISFIFO(st.st_mode))
		return;
	keep(w, s->a[2], creat(p, arg_mode(s->a[3])), r);
}

DO(close)
{
	int *fd = arg_fd(w, s->a[0]);

	answer(r, close(*fd));
	*fd = -1;
}

DO(dup)
{
	keep(w, s->a[1], dup(*arg_fd(w, s->a[0])), r);
}

DO(dup2)
{
	int to = *arg_fd(w, s->a[1]);

	if (to >= 0)
		answer(r, dup2(*arg_fd(w, s->a[0]), to) < 0 ? -1 : 0);
}

DO(dupfd)
{
	int cmd = s->a[2] & 1 ? F_DUPFD : F_DUPFD_CLOEXEC;

	keep(w, s->a[1], fcntl(*arg_fd(w, s->a[0]), cmd, 40), r);
}

/* What programs ask for; what else the kernel keeps, it does by chance. */
DO(getfl)
{
	const int told = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_PATH;
	int fl = fcntl(*arg_fd(w, s->a[0]), F_GETFL);

	answer(r, fl < 0 ? -1 : fl & told);
}

DO(setfl)
{
	static const int f[] = { 0, O_APPEND, O_NONBLOCK,
				 O_APPEND | O_NONBLOCK };

	answer(r, fcntl(*arg_fd(w, s->a[0]), F_SETFL,
			f[s->a[1] % 4] | O_NONBLOCK));
}

DO(cloexec)
{
	int fd = *arg_fd(w, s->a[0]);

	answer(r, fcntl(fd, F_SETFD, s->a[1] & 1) * 2 + fcntl(fd, F_GETFD));
}

static char data[DATA_MAX];

/* Where a directory was read to is its file system's own, and an error. */
static bool is_dir(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISDIR(st.st_mode);
}

static bool is_fifo(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISFIFO(st.st_mode);
}

static void answer_read(struct result *r, ssize_t n)
{
	answer(r, n);
	if (n > 0)
		r->hash = hash_more(HASH_START, data, (size_t)n);
}

DO(read)
{
	if (is_dir(*arg_fd(w, s->a[0])))
		return;
	answer_read(r, read(*arg_fd(w, s->a[0]), data, arg_size(s->a[1])));
}

DO(pread)
{
	answer_read(r, pread(*arg_fd(w, s->a[0]), data, arg_size(s->a[1]),
			     arg_offset(s->a[2])));
}

DO(write)
{
	arg_fill(data, DATA_MAX, s->a[2]);
	answer(r, write(*arg_fd(w, s->a[0]), data, arg_size(s->a[1])));
}

DO(pwrite)
{
	arg_fill(data, DATA_MAX, s->a[3]);
	answer(r, pwrite(*arg_fd(w, s->a[0]), data, arg_size(s->a[1]),
			 arg_offset(s->a[2])));
}

/* Three pieces of the data, the middle one empty or not. */
static int vector(struct iovec v[3], const struct step *s)
{
	uint32_t n = arg_size(s->a[1]) / 2;

	v[0] = (struct iovec){ data, n / 3 };
	v[1] = (struct iovec){ data + n / 3, s->a[4] & 1 ? 0 : n / 4 };
	v[2] = (struct iovec){ data + n, n - n / 3 };
	memset(data, 0, DATA_MAX);
	return (int)(s->a[4] >> 1 & 3);
}

static void answer_readv(struct result *r, ssize_t n)
{
	answer(r, n);
	r->hash = hash_more(HASH_START, data, DATA_MAX);
}

DO(readv)
{
	struct iovec v[3];
	int n = vector(v, s);

	if (!is_dir(*arg_fd(w, s->a[0])))
		answer_readv(r, readv(*arg_fd(w, s->a[0]), v, n));
}

DO(preadv2)
{
	struct iovec v[3];
	int n = vector(v, s);

	answer_readv(
		r, preadv2(*arg_fd(w, s->a[0]), v, n, arg_offset(s->a[2]), 0));
}

DO(writev)
{
	struct iovec v[3];
	int n = vector(v, s);

	arg_fill(data, DATA_MAX, s->a[3]);
	answer(r, writev(*arg_fd(w, s->a[0]), v, n));
}

DO(pwritev2)
{

	struct iovec v[3];
	int n = vector(v, s);

	arg_fill(data, DATA_MAX, s->a[3]);
	answer(r, pwritev2(*arg_fd(w, s->a[0]), v, n, arg_offset(s->a[2]), 0));
}

DO(lseek)
{
	static const int whence[] = { SEEK_SET,	 SEEK_CUR,  SEEK_END,
				      SEEK_DATA, SEEK_HOLE, 17 };
	int fd = *arg_fd(w, s->a[0]);
	struct stat st;

	/* Positions in a directory are the file system's own. */
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		return;
	answer(r, lseek(fd, arg_offset(s->a[1]), whence[s->a[2] % 6]));
}

DO(truncate)
{
	char buf[4200];

	answer(r, truncate(arg_path(w, s->a[0], buf), arg_offset(s->a[1])));
}

DO(ftruncate)
{
	answer(r, ftruncate(*arg_fd(w, s->a[0]), arg_offset(s->a[1])));
}

DO(fallocate)
{
	static const int modes[] = { 0,
				     FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				     FALLOC_FL_ZERO_RANGE,
				     FALLOC_FL_COLLAPSE_RANGE,
				     FALLOC_FL_INSERT_RANGE };

	answer(r, fallocate(*arg_fd(w, s->a[0]), modes[s->a[1] % 6],
			    arg_offset(s->a[2]), arg_size(s->a[3])));
}

DO(fsync)
{
	answer(r, fsync(*arg_fd(w, s->a[0])));
}

DO(fdatasync)
{
	answer(r, fdatasync(*arg_fd(w, s->a[0])));
}

/* Store into a mapping of what the file has, and look through it. */
static void map(struct place *w, const struct step *s, struct result *r,
		int flags)
{
	int fd = *arg_fd(w, s->a[0]);
	struct stat st;
	size_t n;
	char *p;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size ||
	    st.st_size > 200000)
		return;
	n = (size_t)st.st_size;
	p = mmap(NULL, n, s->a[1] & 1 ? PROT_READ : PROT_READ | PROT_WRITE,
		 flags, fd, 0);
	answer(r, p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	if (!(s->a[1] & 1)) {
		size_t at = s->a[2] % n;

		arg_fill(p + at, (uint32_t)(n - at < 100 ? n - at : 100),
			 s->a[3]);
		r->ret = msync(p, n, MS_SYNC);
	}
	r->hash = hash_more(HASH_START, p, n);
	munmap(p, n);
}

DO(mmap_shared)
{
	map(w, s, r, MAP_SHARED);
}

DO(mmap_private)
{
	map(w, s, r, MAP_PRIVATE);
}

DO(sendfile)
{
	off_t at = arg_offset(s->a[2]);

	/* Where a directory stands, it may be too far on.  In a pipe the kernel
	 * puts the file's pages, and what is written to it later shows there.
	 */
	if (is_dir(*arg_fd(w, s->a[1])) || is_fifo(*arg_fd(w, s->a[0])))
		return;
	answer(r, sendfile(*arg_fd(w, s->a[0]), *arg_fd(w, s->a[1]),
			   s->a[3] & 1 ? &at : NULL, arg_size(s->a[4])));
	r->size = at;
}

DO(copy_file_range)
{
	loff_t in = arg_offset(s->a[2]), out = arg_offset(s->a[3]);

	answer(r,
	       copy_file_range(*arg_fd(w, s->a[0]), s->a[5] & 1 ? &in : NULL,
			       *arg_fd(w, s->a[1]), s->a[5] & 2 ? &out : NULL,
			       arg_size(s->a[4]), 0));
	r->size = in + out;
}
