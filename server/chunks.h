/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chunks of files whose home is another shard: one sparse data file each, named
 * by the inode's number, and in memory what has been cut from it.  Owner
 * thread only.
 */
#ifndef BFS_CHUNKS_H
#define BFS_CHUNKS_H

#include "server/hash.h"
#include "server/inode.h"
#include "server/stripe_plan.h"

struct bfs_chunks {
	uint64_t ino;
	uint64_t version; /* all that was cut up to it is; 0: who knows */
	int fd;		  /* -1: not opened */
	uint64_t blocks;  /* accounted, of 512 bytes */
	struct bfs_chunks *prev, *next; /* least used first */
	UT_hash_handle hh;
};

/*
 * The file's chunks here, at that version.  0; 1: ours is *version by now;
 * -ESTALE: the file has gone; -errno; -BFS_NEED_FIBER.
 */
int bfs_chunks_get(struct bfs_call *c, uint64_t ino, uint64_t *version,
		   struct bfs_chunks **f);
/* What its home says of version and cuts is taken over; from a fiber. */
int bfs_chunks_ask(struct bfs_call *c, uint64_t ino);
/* In memory, made if need be.  NULL: no memory. */
struct bfs_chunks *bfs_chunks_find(struct bfs_fs *fs, uint64_t ino);
/* The data file's, kept open; make: if there is none.  -ENOENT, -errno. */
int bfs_chunks_fd(struct bfs_fs *fs, struct bfs_chunks *f, bool make);
/* Nothing is in that range any more.  0 or -errno. */
int bfs_chunks_cut(struct bfs_fs *fs, struct bfs_chunks *f, uint64_t offset,
		   uint64_t end);
/* How the range lies, of a request that can be: 0 or -EBADMSG. */
int bfs_chunks_plan(const struct bfs_fs *fs, uint64_t ino, uint32_t chunk,
		    uint64_t offset, uint64_t end, struct bfs_plan *p);
/* All of it goes. */
void bfs_chunks_drop(struct bfs_fs *fs, uint64_t ino);
void bfs_chunks_account(struct bfs_fs *fs, struct bfs_chunks *f);
void bfs_chunks_free_all(struct bfs_fs *fs);

/*
 * A shard's pieces of a plan, one behind the other in buf.  read: what is not
 * there is zeros; 0 or -errno; -BFS_NEED_FIBER, to wait for the disk: then the
 * file may have been cut meanwhile, and what keeps fd be gone (later.h).
 * write: bytes written; fewer with *err.
 */
int bfs_pieces_read(struct bfs_server *s, uint64_t ino, int fd,
		    const struct bfs_plan *p, unsigned shard, uint8_t *buf);
/* As lseek and fallocate.  *found: UINT64_MAX, there is none. */
int bfs_pieces_seek(int fd, const struct bfs_plan *p, unsigned shard,
		    int whence, uint64_t *found);
int bfs_pieces_alloc(struct bfs_fs *fs, uint64_t ino, int fd,
		     const struct bfs_plan *p, unsigned shard, int mode);
size_t bfs_pieces_write(struct bfs_fs *fs, uint64_t ino, int fd,
			const struct bfs_plan *p, unsigned shard,
			const uint8_t *buf, uint32_t oflags, int *err);

#endif
