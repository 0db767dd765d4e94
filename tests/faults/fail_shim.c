/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into a daemon: the n-th call of a kind fails.  libc's own names,
 * so all that the daemon is linked with is covered; what libc calls inside
 * itself, and what io_uring does, is not.
 */
#include "tests/faults/fail_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

static struct fail_file *file;

static const int error_of[FAIL_KINDS] = {
#define FAIL(kind, error, what) [FAIL_##kind] = error,
#include "tests/faults/fail.def"
#undef FAIL
};

static void on_end(int status, void *arg)
{
	file->status = (uint32_t)status;
	file->ended++;
}

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("BENCHFS_FAIL_FILE");
	int fd = name ? (int)syscall(SYS_openat, AT_FDCWD, name,
				     O_RDWR | O_CLOEXEC)
		      : -1;
	long p;

	if (fd < 0)
		return;
	p = syscall(SYS_mmap, NULL, sizeof(*file), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (p == -1)
		return;
	on_exit(on_end, NULL);
	file = (struct fail_file *)p;
}

static void note(const void *caller)
{
	Dl_info i;

	if (dladdr(caller, &i) && i.dli_fname)
		snprintf(file->where, sizeof(file->where), "%.200s+0x%lx",
			 i.dli_fname,
			 (unsigned long)((const char *)caller -
					 (const char *)i.dli_fbase));
}

static bool fails_from(enum fail_kind kind, const void *caller)
{
	uint32_t left;

	if (!file || file->kind != kind)
		return false;
	left = file->left;
	while (left &&
	       !atomic_compare_exchange_weak(&file->left, &left, left - 1))
		;
	if (left != 1)
		return false;
	file->fired++;
	note(caller);
	errno = error_of[kind];
	return true;
}

#define fails(kind) fails_from(FAIL_##kind, __builtin_return_address(0))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

API void *malloc(size_t size)
{
	return fails(memory) ? NULL : __libc_malloc(size);
}

API void *calloc(size_t n, size_t size)
{
	return fails(memory) ? NULL : __libc_calloc(n, size);
}

API void *realloc(void *p, size_t size)
{
	return fails(memory) ? NULL : __libc_realloc(p, size);
}

API void *aligned_alloc(size_t align, size_t size)
{
	return fails(memory) ? NULL : __libc_memalign(align, size);
}

API int posix_memalign(void **p, size_t align, size_t size)
{
	*p = fails(memory) ? NULL : __libc_memalign(align, size);
	return *p ? 0 : ENOMEM;
}

/*
 * A call that the kernel serves: CALL(type, name, kind, parameters, number,
 * arguments).
 */
#define CALL(type, name, kind, params, number, ...) \
	API type name params \
	{ \
		if (fails(kind)) \
			return (type)-1; \
		return (type)syscall(number, __VA_ARGS__); \
	}
/* One that a full disk fails too. */
#define WRITES(type, name, params, number, ...) \
	API type name params \
	{ \
		if (fails(writing) || fails(full)) \
			return (type)-1; \
		return (type)syscall(number, __VA_ARGS__); \
	}

CALL(void *, mmap, mapping,
     (void *addr, size_t len, int prot, int flags, int fd, off_t offset),
     SYS_mmap, addr, len, prot, flags, fd, offset)
CALL(int, memfd_create, mapping, (const char *name, unsigned flags),
     SYS_memfd_create, name, flags)
CALL(ssize_t, read, reading, (int fd, void *buf, size_t len), SYS_read, fd, buf,
     len)
CALL(ssize_t, pread, reading, (int fd, void *buf, size_t len, off_t at),
     SYS_pread64, fd, buf, len, at)
CALL(ssize_t, preadv2, reading,
     (int fd, const struct iovec *v, int n, off_t at, int flags), SYS_preadv2,
     fd, v, n, at, 0, flags)
WRITES(ssize_t, write, (int fd, const void *buf, size_t len), SYS_write, fd,
       buf, len)
WRITES(ssize_t, pwrite, (int fd, const void *buf, size_t len, off_t at),
       SYS_pwrite64, fd, buf, len, at)
WRITES(ssize_t, pwritev2,
       (int fd, const struct iovec *v, int n, off_t at, int flags),
       SYS_pwritev2, fd, v, n, at, 0, flags)
CALL(int, fallocate, full, (int fd, int mode, off_t at, off_t len),
     SYS_fallocate, fd, mode, at, len)
CALL(int, mkdir, full, (const char *path, mode_t mode), SYS_mkdir, path, mode)
CALL(int, mkdirat, full, (int dir, const char *path, mode_t mode), SYS_mkdirat,
     dir, path, mode)
CALL(int, fsync, syncing, (int fd), SYS_fsync, fd)
CALL(int, fdatasync, syncing, (int fd), SYS_fdatasync, fd)
CALL(int, syncfs, syncing, (int fd), SYS_syncfs, fd)
CALL(int, epoll_create1, opening, (int flags), SYS_epoll_create1, flags)
CALL(int, eventfd, opening, (unsigned n, int flags), SYS_eventfd2, n, flags)
CALL(int, pidfd_open, opening, (pid_t pid, unsigned flags), SYS_pidfd_open, pid,
     flags)
CALL(int, socket, opening, (int domain, int type, int protocol), SYS_socket,
     domain, type, protocol)
CALL(int, accept4, opening,
     (int fd, struct sockaddr *name, socklen_t *len, int flags), SYS_accept4,
     fd, name, len, flags)
CALL(int, dup, opening, (int fd), SYS_dup, fd)
CALL(int, ftruncate, changing, (int fd, off_t size), SYS_ftruncate, fd, size)
CALL(int, fchmod, changing, (int fd, mode_t mode), SYS_fchmod, fd, mode)
CALL(int, rename, changing, (const char *from, const char *to), SYS_rename,
     from, to)
CALL(int, renameat, changing,
     (int fdir, const char *from, int tdir, const char *to), SYS_renameat, fdir,
     from, tdir, to)
CALL(int, utimensat, changing,
     (int dir, const char *path, const struct timespec t[2], int flags),
     SYS_utimensat, dir, path, t, flags)
CALL(int, fstat, looking, (int fd, struct stat *st), SYS_fstat, fd, st)
CALL(int, stat, looking, (const char *path, struct stat *st), SYS_newfstatat,
     AT_FDCWD, path, st, 0)
CALL(int, fstatat, looking,
     (int dir, const char *path, struct stat *st, int flags), SYS_newfstatat,
     dir, path, st, flags)
CALL(int, faccessat, looking, (int dir, const char *path, int mode, int flags),
     SYS_faccessat, dir, path, mode)
CALL(ssize_t, sendmsg, talking, (int fd, const struct msghdr *m, int flags),
     SYS_sendmsg, fd, m, flags)
CALL(ssize_t, send, talking, (int fd, const void *buf, size_t len, int flags),
     SYS_sendto, fd, buf, len, flags, NULL, 0)
CALL(ssize_t, recv, talking, (int fd, void *buf, size_t len, int flags),
     SYS_recvfrom, fd, buf, len, flags, NULL, NULL)
CALL(int, epoll_ctl, talking,
     (int epoll, int op, int fd, struct epoll_event *e), SYS_epoll_ctl, epoll,
     op, fd, e)

API int mknodat(int dir, const char *path, mode_t mode, dev_t dev)
{
	if (fails(full))
		return -1;
	return (int)syscall(SYS_mknodat, dir, path, mode, dev);
}

API int fchmodat(int dir, const char *path, mode_t mode, int flags)
{
	if (fails(changing))
		return -1;
	return (int)syscall(SYS_fchmodat, dir, path, mode);
}

static int open_at(int dir, const char *path, int flags, va_list rest,
		   const void *caller)
{
	bool creates = flags & (O_CREAT | O_TMPFILE);
	mode_t mode = creates ? va_arg(rest, mode_t) : 0;

	if (fails_from(FAIL_opening, caller) ||
	    (flags & O_CREAT && fails_from(FAIL_full, caller)))
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

API int open(const char *path, int flags, ...)
{
	va_list rest;
	int fd;

	va_start(rest, flags);
	fd = open_at(AT_FDCWD, path, flags, rest, __builtin_return_address(0));
	va_end(rest);
	return fd;
}

API int openat(int dir, const char *path, int flags, ...)
{
	va_list rest;
	int fd;

	va_start(rest, flags);
	fd = open_at(dir, path, flags, rest, __builtin_return_address(0));
	va_end(rest);
	return fd;
}
