/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptors that UCX opens in a program that does not expect them: kept
 * above the low numbers and away from exec.  A thread of the application that
 * opens a file in this short time gets a high number too.  libc only.
 */
#ifndef BFS_UCX_FDS_H
#define BFS_UCX_FDS_H

#include <stdbool.h>
#include <stdint.h>

#define BFS_UCX_FDS_BASE 512 /* and at most half of the soft limit */
#define BFS_UCX_FDS_MAX 64
#define BFS_UCX_FDS_TOP 65536 /* higher ones are left alone */

struct bfs_ucx_fds {
	int n;
	int fd[BFS_UCX_FDS_MAX];		  /* what UCX has opened */
	uint64_t ino[BFS_UCX_FDS_MAX];		  /* st_ino of each */
	unsigned char fill[BFS_UCX_FDS_BASE / 8]; /* numbers held by us */
	unsigned char before[BFS_UCX_FDS_TOP / 8];
};

/* Between these two calls (forget() may stand for the second) UCX's descriptors
 * get high numbers; leave() marks them FD_CLOEXEC and remembers them. */
void bfs_ucx_fds_enter(struct bfs_ucx_fds *f);
void bfs_ucx_fds_leave(struct bfs_ucx_fds *f);

/* Those that are still open are the other's from now on. */
void bfs_ucx_fds_hand_over(struct bfs_ucx_fds *from, struct bfs_ucx_fds *to);

/*
 * In a forked child: let go of the parent's descriptors.  Their numbers stay
 * taken, by empty epoll sets and by /dev/null, because UCX believes that it
 * has them still: it would refuse to use one again.
 */
void bfs_ucx_fds_forget(struct bfs_ucx_fds *f);
/* Put own, which is closed, at the number fd. */
void bfs_ucx_fds_replace(int fd, int own);
/* Does the target of /proc/self/fd/N start with what? */
bool bfs_ucx_fds_is(int fd, const char *what);

#endif
