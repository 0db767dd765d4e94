/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What would block the daemon's one thread is given to io_uring: reads of what
 * is not in memory, fsync, O_DIRECT.  Bounded; where there is no io_uring, or
 * too much is under way, the caller makes the plain call instead.
 * Owner thread only.
 */
#ifndef BFS_URING_H
#define BFS_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bfs_loop;
struct bfs_uring;

#define BFS_URING_DEPTH 256 /* operations under way */

/* From the loop: result is what the system call would return, or -errno.  A
 * short count is not continued. */
typedef void bfs_uring_fn(void *arg, int result);

/*
 * 0, and *u is the ring, or NULL (and a line in the log says why) if it is not
 * wanted or the kernel has none for us.  -ENOMEM, -errno of the loop.
 */
int bfs_uring_new(struct bfs_loop *l, bool wanted, struct bfs_uring **u);
/* Waits for all that is under way: every done() is called.  NULL is fine. */
void bfs_uring_free(struct bfs_uring *u);

/*
 * 0: done() will be called, and fd and buf must stay until then.  -EBUSY: make
 * the plain call; also if u is NULL.
 */
int bfs_uring_read(struct bfs_uring *u, int fd, void *buf, size_t n, off_t off,
		   bfs_uring_fn *done, void *arg);
int bfs_uring_write(struct bfs_uring *u, int fd, const void *buf, size_t n,
		    off_t off, bfs_uring_fn *done, void *arg);
int bfs_uring_fsync(struct bfs_uring *u, int fd, bool data_only,
		    bfs_uring_fn *done, void *arg);
/* Those bytes of it, as a write with O_SYNC or O_DSYNC; less than 4 GiB. */
int bfs_uring_sync_range(struct bfs_uring *u, int fd, bool data_only, off_t off,
			 size_t n, bfs_uring_fn *done, void *arg);

/*
 * Read what is in memory.  The bytes read, which are fewer than n at the end
 * of the file; -EAGAIN: more has to be fetched; *got tells how much there was.
 * -EOPNOTSUPP: this file system (tmpfs) cannot tell, so read plainly; asked
 * only once per ring, since one data directory is one file system.
 */
ssize_t bfs_uring_read_cached(struct bfs_uring *u, int fd, void *buf, size_t n,
			      off_t off, size_t *got);

#endif
