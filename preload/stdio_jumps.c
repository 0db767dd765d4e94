/* SPDX-License-Identifier: BSD-3-Clause */
/* The I/O slots of glibc's FILE tables, led to our descriptors. */
#include "core/log.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/stdio.h"

#include <pthread.h>

#define ERR_SEEN 0x20 /* _IO_ERR_SEEN, which no header tells */

/* The same in both tables, and since there is a glibc. */
enum slot { READ = 14, WRITE, SEEK, CLOSE, STAT, SLOTS };

typedef ssize_t read_fn(FILE *f, void *buf, ssize_t n);
typedef ssize_t write_fn(FILE *f, const void *buf, ssize_t n);
typedef off_t seek_fn(FILE *f, off_t offset, int whence);
typedef int close_fn(FILE *f);
typedef int stat_fn(FILE *f, void *st);

static void *original[SLOTS];

static bool held(const FILE *f)
{
	return bfs_fd_kind(f->_fileno) > BFS_KIND_PASS;
}

/* What is passed through is counted, if anything is. */
static bool data_is_ours(const FILE *f)
{
	return held(f) || (bfs_unlikely(bfs_report) &&
			   bfs_fd_kind(f->_fileno) == BFS_KIND_PASS);
}

#define READ_ROW(call) BFS_COUNTED(BFS_ROW_FILE_read, BFS_RESULT_BYTES, call)
#define WRITE_ROW(call) BFS_COUNTED(BFS_ROW_FILE_write, BFS_RESULT_BYTES, call)

static long answer(long r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

/* A library that the transport uses may have touched errno. */
#define ANSWER(call) \
	({ \
		int saved_ = errno; \
		long r_ = (call); \
		errno = saved_; \
		answer(r_); \
	})

static ssize_t file_read(FILE *f, void *buf, ssize_t n)
{
	if (!data_is_ours(f))
		return ((read_fn *)original[READ])(f, buf, n);
	return ANSWER(READ_ROW(bfs_read(f->_fileno, buf, (size_t)n)));
}

/* Everything, unless there is an error; f knows where it is. */
static ssize_t file_write(FILE *f, const void *buf, ssize_t n)
{
	ssize_t done = 0;

	if (!data_is_ours(f))
		return ((write_fn *)original[WRITE])(f, buf, n);
	while (done < n) {
		long r = ANSWER(WRITE_ROW(bfs_write(f->_fileno,
						    (const char *)buf + done,
						    (size_t)(n - done))));

		if (r < 0) {
			f->_flags |= ERR_SEEN;
			break;
		}
		done += r;
	}
	if (f->_offset >= 0)
		f->_offset += done;
	return done;
}

static off_t file_seek(FILE *f, off_t offset, int whence)
{
	if (!held(f))
		return ((seek_fn *)original[SEEK])(f, offset, whence);
	return ANSWER(bfs_lseek(f->_fileno, offset, whence));
}

static int file_close(FILE *f)
{
	if (!held(f))
		return ((close_fn *)original[CLOSE])(f);
	return (int)ANSWER(bfs_close(f->_fileno));
}

static int file_stat(FILE *f, void *st)
{
	if (!held(f))
		return ((stat_fn *)original[STAT])(f, st);
	return (int)ANSWER(bfs_fstat(f->_fileno, st));
}

static void *const ours[SLOTS] = {
	[READ] = (void *)file_read, [WRITE] = (void *)file_write,
	[SEEK] = (void *)file_seek, [CLOSE] = (void *)file_close,
	[STAT] = (void *)file_stat,
};

static const char *const names[SLOTS] = {
	[READ] = "_IO_file_read", [WRITE] = "_IO_file_write",
	[SEEK] = "_IO_file_seek", [CLOSE] = "_IO_file_close",
	[STAT] = "_IO_file_stat",
};

static bool as_expected(void *const *table)
{
	for (int i = READ; i < SLOTS; i++)
		if (table[i] != original[i])
			return false;
	return true;
}

/* The tables are read-only after relocation. */
static int replace(void **table)
{
	uintptr_t page = (uintptr_t)table & ~4095ul;
	size_t len = (uintptr_t)(table + SLOTS) - page;
	int e = (int)bfs_sys_3(SYS_mprotect, page, len, PROT_READ | PROT_WRITE);

	if (e)
		return e;
	for (int i = READ; i < SLOTS; i++)
		__atomic_store_n(&table[i], ours[i], __ATOMIC_RELEASE);
	bfs_sys_3(SYS_mprotect, page, len, PROT_READ);
	return 0;
}

static int state;

static void jumps_init(void)
{
	void **table[] = { dlsym(RTLD_NEXT, "_IO_file_jumps"),
			   dlsym(RTLD_NEXT, "_IO_wfile_jumps") };

	state = -ENOTSUP;
	for (int i = READ; i < SLOTS; i++) {
		original[i] = dlsym(RTLD_NEXT, names[i]);
		if (!original[i])
			goto out;
	}
	for (size_t i = 0; i < BFS_COUNT(table); i++)
		if (!table[i] || !as_expected(table[i]))
			goto out;
	state = 0;
	for (size_t i = 0; !state && i < BFS_COUNT(table); i++)
		state = replace(table[i]);
out:
	if (state)
		bfs_log(warn, "unknown stdio tables in this C library: "
			      "streams on BenchFS are limited");
}

int bfs_stdio_jumps(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int saved = errno;

	pthread_once(&once, jumps_init);
	errno = saved;
	return state;
}

void bfs_stdio_prepare(void)
{
	bfs_stdio_jumps();
}

static int cookie_fd(void *cookie)
{
	return (int)(intptr_t)cookie;
}

static ssize_t cookie_read(void *cookie, char *buf, size_t n)
{
	return ANSWER(READ_ROW(bfs_read(cookie_fd(cookie), buf, n)));
}

/* Here 0, not -1, tells an error. */
static ssize_t cookie_write(void *cookie, const char *buf, size_t n)
{
	long r = ANSWER(WRITE_ROW(bfs_write(cookie_fd(cookie), buf, n)));

	return r < 0 ? 0 : r;
}

static int cookie_seek(void *cookie, off64_t *offset, int whence)
{
	long r = ANSWER(bfs_lseek(cookie_fd(cookie), *offset, whence));

	if (r < 0)
		return -1;
	*offset = r;
	return 0;
}

static int cookie_close(void *cookie)
{
	return (int)ANSWER(bfs_close(cookie_fd(cookie)));
}

FILE *bfs_stdio_cookie(int fd, const char *mode)
{
	const cookie_io_functions_t io = { cookie_read, cookie_write,
					   cookie_seek, cookie_close };

	return fopencookie((void *)(intptr_t)fd, mode, io);
}
