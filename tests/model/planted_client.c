/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/model/planted.h"

#include "core/sys.h"
#include "preload/fd.h"
#include "preload/lock.h"
#include "preload/ops.h"

#include <stdio.h>

PLANT(mode_t, bfs_umask, (mode_t mask))
{
	mode_t was = __real_bfs_umask(mask);

	if (planted("umask"))
		__real_bfs_umask(was);
	return was;
}

/* The copy has an offset of its own. */
PLANT(int, bfs_dup, (int fd))
{
	int to = __real_bfs_dup(fd), own;
	char name[32];

	if (to < 0 || !planted("dup") || bfs_fd_kind(to) != BFS_KIND_PASS)
		return to;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", to);
	own = bfs_sys_openat(AT_FDCWD, name,
			     (int)bfs_fd_desc(to)->oflags & ~O_NOFOLLOW, 0);
	if (own < 0)
		return to;
	bfs_sys_3(SYS_dup3, own, to, 0);
	bfs_sys_close(own);
	return to;
}

/* The first name of a list is missing. */
static ssize_t miss_one(char *list, ssize_t n)
{
	size_t first;

	if (n <= 0 || !list || !planted("xattr"))
		return n;
	first = strlen(list) + 1;
	memmove(list, list + first, (size_t)n - first);
	return n - (ssize_t)first;
}

PLANT(ssize_t, bfs_listxattr, (const char *path, char *list, size_t size))
{
	return miss_one(list, __real_bfs_listxattr(path, list, size));
}

PLANT(ssize_t, bfs_llistxattr, (const char *path, char *list, size_t size))
{
	return miss_one(list, __real_bfs_llistxattr(path, list, size));
}

/* An entry is left out. */
PLANT(struct dirent *, bfs_readdir, (DIR * dir))
{
	struct dirent *e = __real_bfs_readdir(dir);

	if (e && planted("readdir") && !strcmp(e->d_name, "b"))
		e = __real_bfs_readdir(dir);
	return e;
}

/* Appending leaves the offset where it was. */
PLANT(ssize_t, bfs_write, (int fd, const void *buf, size_t n))
{
	off_t at = bfs_sys_lseek(fd, 0, SEEK_CUR);
	ssize_t r = __real_bfs_write(fd, buf, n);

	if (r > 0 && planted("append") && bfs_fd_kind(fd) == BFS_KIND_PASS &&
	    bfs_fd_desc(fd)->oflags & O_APPEND)
		bfs_sys_lseek(fd, at, SEEK_SET);
	return r;
}

/* Unlocking a part unlocks all. */
PLANT(int, bfs_lock_fcntl,
      (int fd, struct bfs_desc *d, int cmd, struct flock *f))
{
	if (planted("lock") && f && f->l_type == F_UNLCK && f->l_len > 0)
		f->l_start = f->l_len = 0;
	return __real_bfs_lock_fcntl(fd, d, cmd, f);
}
