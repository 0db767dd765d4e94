/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * At a file's home: the nodes that have it mapped (hidden.h) or run copies of
 * it (copy.h), by the shards of their daemons.  Owner thread only.
 */
#ifndef BFS_MAPPERS_H
#define BFS_MAPPERS_H

#include "server/inode.h"

/* Does another node map it?  Then each change of the content must come by us,
 * so nobody gets a descriptor to write with. */
bool bfs_mappers_any(const struct bfs_server *s, uint64_t ino);
/* ... shared and writable? */
bool bfs_mappers_writing(const struct bfs_server *s, uint64_t ino);

/*
 * A handler is about to change content: 0, or -BFS_NEED_FIBER if there will be
 * somebody to be told.  tell: it has changed [offset, offset + len); returns
 * when all know.  0; -EIO: one does not answer; -ENOMEM.
 */
int bfs_mappers_ready(const struct bfs_server *s, uint64_t ino);
int bfs_mappers_tell(struct bfs_server *s, uint64_t ino, uint64_t offset,
		     uint64_t len, uint64_t deadline);

/* The same without the one who has stored. */
int bfs_mappers_tell_others(struct bfs_server *s, uint64_t ino, uint64_t offset,
			    uint64_t len, uint64_t deadline, unsigned except);

/*
 * That node maps the file, perhaps to store, until the end of reg.  0; -ENODEV:
 * others store, or have a descriptor to write with; -ENOMEM.
 */
int bfs_mappers_open(struct bfs_server *s, struct bfs_inode *i, unsigned node,
		     bool writable, uint64_t *reg);
void bfs_mappers_end(struct bfs_server *s, uint64_t ino, unsigned node,
		     uint64_t reg);
bool bfs_mappers_may_store(const struct bfs_server *s, uint64_t ino,
			   unsigned node, uint64_t reg);

/* That node gets a copy to execute.  0 or -ENOMEM. */
int bfs_mappers_runs(struct bfs_server *s, uint64_t ino, unsigned node);
/* May it be written, as far as other nodes are concerned?  0; 1: the same, but
 * it waited: walk again; -ETXTBSY; -EIO; -BFS_NEED_FIBER. */
int bfs_mappers_idle(struct bfs_call *c, uint64_t ino);

/* That node's daemon has ended, or started anew. */
void bfs_mappers_forget(struct bfs_server *s, unsigned node);
void bfs_mappers_free(struct bfs_server *s);

#endif
