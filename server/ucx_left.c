/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/ucx_left.h"

#include "core/log.h"
#include "core/util.h"
#include "server/server.h"
#include "server/ucx_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WHERE "/dev/shm"
#define PREFIX "ucx_shm_posix_"
#define YOUNG_SECS 2	     /* who takes a name away does so sooner */
#define AFTER_NS 2500000000u /* a death: they are not young any more */
#define AGAIN_NS 1000000000u /* another daemon may have looked too */
#define TRIES 3

static bool is_name(const char *name)
{
	size_t n = sizeof(PREFIX) - 1;

	return !strncmp(name, PREFIX, n) && name[n] &&
	       !name[n + strspn(name + n, "0123456789abcdef")];
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Nobody else can have it while we have the lease. */
static bool remove_alone(int dir, int fd, const char *name,
			 const struct stat *st)
{
	struct stat now;

	if (fcntl(fd, F_SETLEASE, F_WRLCK))
		return false;
	if (fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) || !same(st, &now) ||
	    unlinkat(dir, name, 0))
		return false;
	bfs_log(info, "removed " WHERE "/%s, which a dead process has left",
		name);
	return true;
}

static bool is_old(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return st->st_mtim.tv_sec + YOUNG_SECS <= now.tv_sec;
}

static void look_at(struct bfs_left *l, int dir, const char *name)
{
	/* Not to wait for another one's lease. */
	int fd =
		openat(dir, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		l->others += errno == EWOULDBLOCK;
		return;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		;
	else if (is_old(&st) && remove_alone(dir, fd, name, &st))
		l->removed++;
	else
		l->others++;
	close(fd);
}

struct bfs_left bfs_ucx_left_sweep(const char *path)
{
	struct bfs_left l = { 0, 0 };
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_name(e->d_name))
			look_at(&l, dirfd(d), e->d_name);
	if (d)
		closedir(d);
	return l;
}

static void on_time(struct bfs_timer *t)
{
	struct bfs_port_ucx *p = t->arg;

	if (bfs_ucx_left_sweep(WHERE).others && p->left_tries--)
		bfs_loop_timer(p->server->loop, t, bfs_now() + AGAIN_NS);
}

void bfs_ucx_left_soon(struct bfs_port_ucx *p)
{
	p->left_tries = TRIES;
	p->left.fn = on_time;
	p->left.arg = p;
	if (!p->left.at)
		bfs_loop_timer(p->server->loop, &p->left, bfs_now() + AFTER_NS);
}
