/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * storage.backend=null: regular files have names, attributes and a size, but no
 * data file and no content.  What is written is gone, what is read is zeros. It
 * tells what calls and their way cost without storage (docs/performance.md).
 * They are calm for ever (calm.h).  Owner thread only.
 */
#ifndef BFS_NULL_H
#define BFS_NULL_H

#include "server/inode.h"

static inline bool bfs_null_on(const struct bfs_fs *fs)
{
	return fs->conf.null;
}

/* What all of them have for a data file: empty.  0 or -errno. */
int bfs_null_start(struct bfs_fs *fs);
/* A descriptor of that; with O_TRUNC the file is cut.  The fd or -errno. */
int bfs_null_open(struct bfs_fs *fs, struct bfs_inode *i, int flags);
/* As its data file would say. */
void bfs_null_stat(const struct bfs_inode *i, struct stat *st);
void bfs_null_resize(struct bfs_fs *fs, struct bfs_inode *i, uint64_t size);
/* READ and WRITE of a file that may be read and written so, and SEEK. */
int bfs_null_read(struct bfs_call *c, struct bfs_inode *i,
		  const struct bfs_read_req *req, size_t size);
int bfs_null_write(struct bfs_call *c, struct bfs_inode *i,
		   const struct bfs_write_req *req, struct bfs_write_rep *rep);
int bfs_null_seek(const struct bfs_inode *i, const struct bfs_seek_req *req,
		  uint64_t *offset);

#endif
