/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/ucx_fds.h"

#include "core/sys.h"
#include "core/util.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct entry { /* struct linux_dirent64 */
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int base(void)
{
	struct rlimit l;

	if (bfs_sys_2(SYS_getrlimit, RLIMIT_NOFILE, &l))
		return 0;
	return (int)BFS_MIN(l.rlim_cur / 2, (rlim_t)BFS_UCX_FDS_BASE);
}

static bool has(const unsigned char *set, int fd)
{
	return set[fd / 8] & 1u << fd % 8;
}

static void add(unsigned char *set, int fd)
{
	set[fd / 8] |= (unsigned char)(1u << fd % 8);
}

static void fill(struct bfs_ucx_fds *f)
{
	int null =
		bfs_sys_openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	int top = base(), fd = null;

	while (fd >= 0 && fd < top) {
		add(f->fill, fd);
		fd = bfs_sys_fcntl(null, F_DUPFD_CLOEXEC, 0);
	}
	if (fd >= top)
		bfs_sys_close(fd);
}

static void empty(struct bfs_ucx_fds *f)
{
	for (int fd = 0; fd < BFS_UCX_FDS_BASE; fd++)
		if (has(f->fill, fd))
			bfs_sys_close(fd);
	memset(f->fill, 0, sizeof(f->fill));
}

/* Call fn for every descriptor of the process that a set can hold. */
static void each(struct bfs_ucx_fds *f,
		 void (*fn)(struct bfs_ucx_fds *f, int fd))
{
	int dir = bfs_sys_openat(AT_FDCWD, "/proc/self/fd",
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	_Alignas(8) char buf[4096];
	int got;

	if (dir < 0)
		return;
	while ((got = (int)bfs_sys_3(SYS_getdents64, dir, buf, sizeof(buf))) >
	       0)
		for (int at = 0; at < got;) {
			struct entry *e = (struct entry *)(buf + at);
			int fd = atoi(e->name);

			at += e->reclen;
			if (e->name[0] != '.' && fd != dir &&
			    fd < BFS_UCX_FDS_TOP)
				fn(f, fd);
		}
	bfs_sys_close(dir);
}

bool bfs_ucx_fds_is(int fd, const char *what)
{
	char path[32] = "/proc/self/fd/", digits[12], to[64] = "";
	int n = 0;
	size_t at = 14;

	do
		digits[n++] = (char)('0' + fd % 10);
	while (fd /= 10);
	while (n)
		path[at++] = digits[--n];
	bfs_sys_3(SYS_readlink, path, to, sizeof(to) - 1);
	return !strncmp(to, what, strlen(what));
}

/* Another thread may have opened files meanwhile: only what UCX opens. */
static bool is_ucx(int fd)
{
	static const char *const kinds[] = { "socket:",
					     "pipe:",
					     "anon_inode:[eventpoll]",
					     "anon_inode:[eventfd]",
					     "anon_inode:[timerfd]",
					     "anon_inode:[infiniband",
					     "/dev/infiniband/",
					     "/dev/shm/ucx_",
					     "/memfd:ucx",
					     "anon_inode:inotify" };

	for (size_t i = 0; i < BFS_COUNT(kinds); i++)
		if (bfs_ucx_fds_is(fd, kinds[i]))
			return true;
	return false;
}

static void note(struct bfs_ucx_fds *f, int fd)
{
	add(f->before, fd);
}

static uint64_t ino_of(int fd)
{
	struct stat st;

	return bfs_sys_2(SYS_fstat, fd, &st) ? 0 : st.st_ino;
}

/* UCX closes connections when it likes, and others get their numbers. */
static bool is_still(const struct bfs_ucx_fds *f, int i)
{
	return f->ino[i] && ino_of(f->fd[i]) == f->ino[i];
}

static void remember(struct bfs_ucx_fds *f, int fd, uint64_t ino)
{
	if (f->n == BFS_UCX_FDS_MAX)
		return;
	f->ino[f->n] = ino;
	f->fd[f->n++] = fd;
}

static void mark(struct bfs_ucx_fds *f, int fd)
{
	if (has(f->before, fd) || (fd < BFS_UCX_FDS_BASE && has(f->fill, fd)) ||
	    !is_ucx(fd))
		return;
	bfs_sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
	remember(f, fd, ino_of(fd));
}

void bfs_ucx_fds_enter(struct bfs_ucx_fds *f)
{
	memset(f, 0, sizeof(*f));
	each(f, note);
	fill(f);
}

void bfs_ucx_fds_leave(struct bfs_ucx_fds *f)
{
	each(f, mark);
	empty(f);
}

void bfs_ucx_fds_hand_over(struct bfs_ucx_fds *from, struct bfs_ucx_fds *to)
{
	for (int i = 0; i < from->n; i++)
		if (is_still(from, i))
			remember(to, from->fd[i], from->ino[i]);
	from->n = 0;
}

void bfs_ucx_fds_replace(int fd, int own)
{
	if (own < 0)
		return;
	bfs_sys_3(SYS_dup3, own, fd, O_CLOEXEC);
	bfs_sys_close(own);
}

void bfs_ucx_fds_forget(struct bfs_ucx_fds *f)
{
	empty(f);
	for (int i = 0; i < f->n; i++) {
		int fd = f->fd[i];

		if (!is_still(f, i))
			continue;
		if (bfs_ucx_fds_is(fd, "anon_inode:[eventpoll]"))
			bfs_ucx_fds_replace(fd,
					    (int)bfs_sys_1(SYS_epoll_create1,
							   EPOLL_CLOEXEC));
		else
			bfs_ucx_fds_replace(
				fd, bfs_sys_openat(AT_FDCWD, "/dev/null",
						   O_RDWR | O_CLOEXEC, 0));
	}
	f->n = 0;
}
