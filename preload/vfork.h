/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfork: the child has our memory, and its own descriptors, working directory,
 * umask and identity.  What this library knows of these is put aside before,
 * and put back when the child has gone to another program or ended; meanwhile
 * the parent's only thread stands still.  The child makes a connection of its
 * own if it needs one (R2).
 */
#ifndef BFS_VFORK_H
#define BFS_VFORK_H

#include <stdbool.h>
#include <stddef.h>

/* A child has our memory. */
extern bool bfs_vfork_out;

/* Before the call of the kernel.  False: it cannot be done (threads, calls
 * under way, ...), and the child has to be one of fork. */
bool bfs_vfork_begin(void);
/* Behind it, in the child; and in the parent, whatever came of it. */
void bfs_vfork_child(void);
void bfs_vfork_end(void);
/* In a child of fork, which has memory of its own. */
void bfs_vfork_forget(void);

/* What the parts of it do.  quiet: is nothing under way that cannot be put
 * aside? */
bool bfs_fd_quiet(void);
void bfs_fd_aside(void);
void bfs_fd_back(void);
bool bfs_session_quiet(void);
void bfs_session_aside(void);
void bfs_session_back(void);
bool bfs_arena_quiet(void);
void bfs_arena_aside(void);
void bfs_arena_back(void);
void bfs_cwd_aside(void);
void bfs_cwd_back(void);

/*
 * Memory for the child's exec, which its parent has kept from the last one;
 * NULL: there is none.  back: false if p is something else.
 */
void *bfs_vfork_memory(size_t size);
bool bfs_vfork_memory_back(const void *p);
/* What the child has mapped besides, which the parent unmaps. */
void bfs_vfork_mapped(void *map, size_t size);
void bfs_vfork_unmapped(const void *map);

#endif
