/* SPDX-License-Identifier: BSD-3-Clause */
/* Every header that hooks.def needs, in one place. */
#ifndef BFS_HEADERS_H
#define BFS_HEADERS_H

#include <aio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <threads.h>
#include <unistd.h>
#include <utime.h>
#include <wordexp.h>

/* libaio's and the kernel's. */
struct iocb;
int io_submit(void *context, long n, struct iocb **blocks);

/* Names that libc exports and no header declares. */
int __open_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t offset, size_t size);
ssize_t __recvfrom_chk(int sock, void *buf, size_t n, size_t size, int flags,
		       struct sockaddr *addr, socklen_t *len);
int __xstat(int ver, const char *path, struct stat *st);
int __lxstat(int ver, const char *path, struct stat *st);
int __fxstat(int ver, int fd, struct stat *st);
int __fxstatat(int ver, int dirfd, const char *path, struct stat *st,
	       int flags);
int __xmknod(int ver, const char *path, mode_t mode, dev_t *dev);
int __xmknodat(int ver, int dirfd, const char *path, mode_t mode, dev_t *dev);
ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t size);
ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf, size_t n,
			 size_t size);
char *__realpath_chk(const char *path, char *out, size_t size);
char *__getcwd_chk(char *buf, size_t n, size_t size);
__attribute__((noreturn)) void __chk_fail(void);

#endif
