/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/spawn_actions.h"

#include "core/sys.h"
#include "core/util.h"
#include "preload/exec.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/path.h"

#include <errno.h>
#include <termios.h>

const struct bfs_action *bfs_actions(const posix_spawn_file_actions_t *a,
				     int *n)
{
	*n = a ? a->__used : 0;
	return a ? (const struct bfs_action *)a->__actions : NULL;
}

static bool is_plain(const struct bfs_action *a)
{
	switch (a->tag) {
	case BFS_ACTION_OPEN:
		return !bfs_owns_path(a->u.open.path);
	case BFS_ACTION_CHDIR:
		return !bfs_cwd_ours && !bfs_owns_path(a->u.path);
	case BFS_ACTION_FCHDIR:
		return !bfs_cwd_ours && !bfs_fd_desc(a->u.fd);
	case BFS_ACTION_CLOSE:
	case BFS_ACTION_DUP2:
	case BFS_ACTION_CLOSEFROM:
	case BFS_ACTION_TCSETPGRP:
		return true;
	}
	return false;
}

bool bfs_actions_plain(const posix_spawn_file_actions_t *actions)
{
	int n;
	const struct bfs_action *a = bfs_actions(actions, &n);

	for (int i = 0; i < n; i++)
		if (!is_plain(&a[i]))
			return false;
	return true;
}

int bfs_actions_reach(const posix_spawn_file_actions_t *actions)
{
	int n, reach = bfs_fd_high();
	const struct bfs_action *a = bfs_actions(actions, &n);

	for (int i = 0; i < n; i++)
		if (a[i].tag == BFS_ACTION_DUP2)
			reach = BFS_MAX(reach, a[i].u.dup2.to + 1);
	return BFS_MIN(reach, BFS_FDS);
}

/* While the plan is in the making: number << 1 | CLOEXEC, or -1. */
static int present(int fd)
{
	int flags = bfs_fd_desc(fd) ? bfs_sys_fcntl(fd, F_GETFD, 0) : -1;

	return flags < 0 ? -1 : fd << 1 | (flags & FD_CLOEXEC);
}

static void plan_dup2(struct bfs_fd_plan *p, int from, int to)
{
	if (to < 0 || to >= p->n)
		return;
	if (from < 0 || from >= p->n || p->from[from] < 0)
		p->from[to] = -1;
	else
		p->from[to] = p->from[from] & ~1;
}

static void plan_close(struct bfs_fd_plan *p, int first, int last)
{
	for (int fd = BFS_MAX(first, 0); fd <= last && fd < p->n; fd++)
		p->from[fd] = -1;
}

static void plan_one(struct bfs_fd_plan *p, const struct bfs_action *a)
{
	switch (a->tag) {
	case BFS_ACTION_CLOSE:
		plan_close(p, a->u.fd, a->u.fd);
		break;
	case BFS_ACTION_CLOSEFROM:
		plan_close(p, a->u.fd, p->n);
		break;
	case BFS_ACTION_OPEN:
		plan_close(p, a->u.open.fd, a->u.open.fd);
		break;
	case BFS_ACTION_DUP2:
		plan_dup2(p, a->u.dup2.from, a->u.dup2.to);
		break;
	}
}

void bfs_actions_plan(const posix_spawn_file_actions_t *actions,
		      struct bfs_fd_plan *p)
{
	int n;
	const struct bfs_action *a = bfs_actions(actions, &n);

	for (int fd = 0; fd < p->n; fd++)
		p->from[fd] = present(fd);
	for (int i = 0; i < n; i++)
		plan_one(p, &a[i]);
	for (int fd = 0; fd < p->n; fd++)
		p->from[fd] = p->from[fd] & 1 ? -1 : p->from[fd] >> 1;
}

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int do_dup2(int from, int to)
{
	int flags;

	if (from != to)
		return result(dup2(from, to));
	flags = bfs_sys_fcntl(from, F_GETFD, 0);
	return flags < 0 ? flags
			 : bfs_sys_fcntl(from, F_SETFD, flags & ~FD_CLOEXEC);
}

static int do_open(const struct bfs_action *a)
{
	int fd, r, to = a->u.open.fd;

	close(to);
	fd = open(a->u.open.path, a->u.open.flags, a->u.open.mode);
	if (fd < 0 || fd == to)
		return result(fd);
	r = result(dup2(fd, to));
	close(fd);
	return r;
}

/* By libc's own names: paths and descriptors may be ours or not. */
static int do_one(const struct bfs_action *a)
{
	switch (a->tag) {
	case BFS_ACTION_CLOSE:
		close(a->u.fd); /* one that is not open is no error */
		return 0;
	case BFS_ACTION_DUP2:
		return do_dup2(a->u.dup2.from, a->u.dup2.to);
	case BFS_ACTION_OPEN:
		return do_open(a);
	case BFS_ACTION_CHDIR:
		return result(chdir(a->u.path));
	case BFS_ACTION_FCHDIR:
		return result(fchdir(a->u.fd));
	case BFS_ACTION_CLOSEFROM:
		closefrom(a->u.fd);
		return 0;
	case BFS_ACTION_TCSETPGRP:
		return result(tcsetpgrp(a->u.fd, getpgrp()));
	}
	return -EINVAL;
}

int bfs_actions_do(const posix_spawn_file_actions_t *actions)
{
	int n, r = 0;
	const struct bfs_action *a = bfs_actions(actions, &n);

	for (int i = 0; i < n && !r; i++)
		r = do_one(&a[i]);
	return r;
}
