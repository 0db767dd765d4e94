/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directory streams of ours.  A stream is read by one thread at a time, as
 * POSIX asks; a lock keeps what else is tried from harm.
 */
#ifndef BFS_DIRSTREAM_H
#define BFS_DIRSTREAM_H

#include "core/proto.h"
#include "preload/fd.h"
#include "preload/headers.h"

#include <pthread.h>

#define BFS_DIR_PAGE (64 << 10)

/*
 * What an application has as DIR.  It is one block of malloc, and starts as
 * libc's does, with an empty buffer: should its descriptor be closed behind
 * our back, and the stream be taken for one of libc's, that finds nothing to
 * read and frees it all.  libc's dirfd works on both.
 */
struct bfs_dirstream {
	int fd;
	int libc[11];
	struct bfs_dirstream *self; /* tells it from libc's */
	pthread_mutex_t lock;
	uint64_t at;	 /* the cursor behind the last entry returned */
	bool eof;	 /* the page is the directory's last */
	uint64_t behind; /* the cursor behind the page */
	size_t pos, len; /* what is left of the page, encoded */
	struct dirent entry;
	uint8_t page[BFS_DIR_PAGE];
};

/*
 * Is dir ours?  For a descriptor of ours there is only our kind of stream,
 * but a stream of libc's may have lost its number to one of ours.
 */
#define OURS_DIR(dir) \
	((bfs_fd_kind(*(const int *)(dir)) == BFS_KIND_DIR || \
	  bfs_fd_kind(*(const int *)(dir)) == BFS_KIND_PATH) && \
	 ((const struct bfs_dirstream *)(dir))->self == (const void *)(dir))

/* For a descriptor of a directory, which the stream owns then; or NULL. */
struct bfs_dirstream *bfs_dir_new(int fd);

/* 1 and *e, which borrows from the stream; 0 at the end; -errno. */
int bfs_dir_next(struct bfs_dirstream *s, struct bfs_dirent *e);

/* Go on behind the cursor; 0 is the start. */
void bfs_dir_seek(struct bfs_dirstream *s, uint64_t cursor);

/*
 * The page at the description's cursor, which moves behind it, into buf: its
 * bytes or -errno.  The caller holds bfs_desc_lock.
 */
ssize_t bfs_dir_page(struct bfs_desc *d, void *buf, size_t size, bool *eof);

#endif
