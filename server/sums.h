/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksums of content (storage.checksum; docs/design/ARCHITECTURE.md).  Every
 * change of a data file is made between begin and end, every byte that is given
 * out is checked.  The sums of what is about to change are set to "not known"
 * before it changes, so that a kill leaves no wrong ones; and the file's head
 * says that it changes, on disk, before what has been synced does, so that a
 * loss of power leaves none either.  Without the setting each of these costs a
 * comparison.  Owner thread only.
 */
#ifndef BFS_SUMS_H
#define BFS_SUMS_H

#include "server/inode.h"
#include "server/sum_file.h"

struct bfs_sums;

static inline bool bfs_sums_on(const struct bfs_fs *fs)
{
	return fs->conf.checksum;
}

#define BFS_SUMS_FEW 258u /* what one message writes */

/* A change under way; its fields are sums.c's own. */
struct bfs_summing {
	struct bfs_fs *fs;
	struct bfs_sums *s; /* NULL: nothing is to be done */
	int fd;
	uint64_t offset, end, first, last; /* bytes; blocks */
	bool head, tail; /* the outer blocks change in part, and are right */
	uint64_t nwas;	 /* sums of before the change */
	uint64_t *was, few[BFS_SUMS_FEW];
};

/*
 * [offset, end) of the data file of that inode, open as fd to be read, is about
 * to change; end UINT64_MAX: and all that is behind, perhaps its size.  0;
 * -EIO: what shares a block with it is damaged; -errno.
 */
int bfs_sums_begin(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t offset,
		   uint64_t end, struct bfs_summing *g);
/* It has changed as far as done. */
void bfs_sums_end(struct bfs_summing *g, uint64_t done);
/* All of it has changed, to what need not be summed: holes, or nothing. */
void bfs_sums_end_holes(struct bfs_summing *g);

/* With these around them.  0 or -errno. */
int bfs_sums_truncate(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t size);
int bfs_sums_fallocate(struct bfs_fs *fs, uint64_t ino, int fd, int mode,
		       uint64_t offset, uint64_t len);

/*
 * len bytes at offset have been read into buf, perhaps a while ago; at_end:
 * fewer than were asked for.  What does not match is read again.  0; -EIO, told
 * in the log; -errno.
 */
int bfs_sums_check(struct bfs_fs *fs, uint64_t ino, int fd, void *buf,
		   size_t len, uint64_t offset, bool at_end);

/* Before the data file is synced: what to say when it has been.  0 or -errno
 * of the sums' own sync. */
uint64_t bfs_sums_gen(struct bfs_fs *fs, uint64_t ino);
int bfs_sums_synced(struct bfs_fs *fs, uint64_t ino, uint64_t gen);

/* Before all.  0 or -errno, logged. */
int bfs_sums_start(struct bfs_fs *fs);
/* The data file goes. */
void bfs_sums_remove(struct bfs_fs *fs, uint64_t ino);
/* At a start: those whose data file has gone go. */
void bfs_sums_sweep(struct bfs_fs *fs);
void bfs_sums_free_all(struct bfs_fs *fs);

/* sums_tell.c: what is wrong, to the log, with node and file. */
void bfs_sums_tell(struct bfs_fs *fs, uint64_t ino, uint64_t offset,
		   const char *what);

#endif
