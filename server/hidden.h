/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared mappings of files whose data is not on this node (R15).  All clients
 * of the node that map one map one *hidden file* of ours, below the data
 * directory.  Beside one that is stored into lies its *twin*, which has what
 * the home has, as far as we know: bytes that differ have been stored and are
 * written back (MAPWRITE), never past the end of the file.  The home tells us
 * of every other change before it is answered (MAPNEWS).  Owner thread only.
 */
#ifndef BFS_HIDDEN_H
#define BFS_HIDDEN_H

#include "core/proto.h"
#include "server/serve.h"

/*
 * On a fiber: a new descriptor of the file's hidden file, made if there is
 * none; its home has allowed it.  -ENODEV: writable, and another node stores
 * into it; -errno.
 */
int bfs_hidden_open(struct bfs_server *s, uint64_t ino, bool writable,
		    uint64_t deadline);
/* The same to read, of one that there is already: -ENOENT. */
int bfs_hidden_peek(struct bfs_server *s, uint64_t ino);

/*
 * Before a client's call is routed: 0, it goes its way, and what was stored is
 * where it goes; BFS_HIDDEN_DONE: it was served from the hidden file; -errno;
 * -BFS_NEED_FIBER.
 */
#define BFS_HIDDEN_DONE 1
int bfs_hidden_first(struct bfs_call *c);

/* The home's news: [offset, offset + len) has changed there, and perhaps the
 * size.  0; -ENOENT: not mapped; -errno; -BFS_NEED_FIBER. */
int bfs_hidden_news(struct bfs_call *c, uint64_t ino, uint64_t offset,
		    uint64_t len);

/* A process has ended, or unmapped something: look soon. */
void bfs_hidden_look(struct bfs_server *s);
/* That shard has started anew, and knows nothing of us. */
void bfs_hidden_peer_new(struct bfs_server *s, unsigned shard);
void bfs_hiddens_free(struct bfs_server *s);

#endif
