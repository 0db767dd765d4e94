/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptor table: which numbers are ours, and the arena record behind
 * each.  Lock-free; any thread, signal handlers too.
 */
#ifndef BFS_FD_H
#define BFS_FD_H

#include "core/arena.h"
#include "preload/state.h"

#include <stdatomic.h>

enum bfs_kind {
	BFS_KIND_NONE,
	BFS_KIND_PASS, /* the daemon's data file itself */
	BFS_KIND_FILE, /* placeholder: regular file, data through the daemon */
	BFS_KIND_DIR,  /* placeholder of a directory */
	BFS_KIND_PATH, /* placeholder of an O_PATH descriptor */
	BFS_KIND_OWN,  /* our own socket or memfd: EBADF for the application */
};

#define BFS_FDS (1 << 20)
#define BFS_ENTRY(kind, slot) ((uint32_t)(kind) << 24 | (uint32_t)(slot))

extern _Atomic uint32_t bfs_fd_table[BFS_FDS];

static inline uint32_t bfs_fd_entry(int fd)
{
	return (unsigned)fd < BFS_FDS
		       ? atomic_load_explicit(&bfs_fd_table[fd],
					      memory_order_relaxed)
		       : 0;
}

static inline enum bfs_kind bfs_fd_kind(int fd)
{
	return (enum bfs_kind)(bfs_fd_entry(fd) >> 24);
}

/* The record of a descriptor of ours; NULL for others and for OWN. */
/* The kernel's O_LARGEFILE, which all descriptors have; libc's is 0. */
#define BFS_O_LARGEFILE 0100000

struct bfs_desc *bfs_fd_desc(int fd);
/* Its index, for the wire. */
uint32_t bfs_fd_slot(int fd);
uint32_t bfs_desc_index(const struct bfs_desc *d);
static inline uint32_t bfs_desc_gen(const struct bfs_desc *d)
{
	return BFS_DESC_GEN(d->word);
}

/* A record in the making: 0, -ENFILE, or an error of the connection. */
int bfs_desc_new(struct bfs_desc **d);
/* Give it back, unused. */
void bfs_desc_drop(struct bfs_desc *d);

/*
 * Make fd (a kernel descriptor that was just passed to us, or a placeholder)
 * ours: the record becomes used, the table entry is set.
 */
void bfs_fd_adopt(int fd, enum bfs_kind kind, struct bfs_desc *d);
/* A new placeholder for a filled-in record: the number or -errno. */
int bfs_fd_placeholder(enum bfs_kind kind, struct bfs_desc *d, bool cloexec);

/* to is now the same description as from (dup); forgets what to was. */
void bfs_fd_copy(int from, int to);
/*
 * fd is about to be closed or replaced: forget it, before the kernel closes.
 * If it was the last of its record, release() frees that when the kernel has
 * closed: as long as the description lives, its lock would be in the way of
 * the record's next use.
 */
struct bfs_fd_gone {
	struct bfs_desc *d; /* NULL: nothing to free */
	uint32_t word;
};
struct bfs_fd_gone bfs_fd_forget(int fd);
void bfs_fd_release(struct bfs_fd_gone g);
/* Is it this process's last descriptor of its description? */
bool bfs_fd_is_last(int fd);
/*
 * fd is about to be closed or replaced: what has to happen before, which
 * forget does not (ops_fd.c).  0, or the error of fsync_on_close.
 */
int bfs_fd_closing(int fd);
/* Mark our own descriptor (socket) so that hooks protect it. */
void bfs_fd_own(int fd);
void bfs_fd_disown(int fd);
/* Is fd a descriptor of this cluster that we do not know yet (received by
 * SCM_RIGHTS, inherited)?  Then it is adopted. */
void bfs_fd_recognise(int fd);

/* Others will share every open description (before fork, spawn). */
void bfs_fd_share_all(void);
void bfs_fd_share(int fd);
/* One above the highest number that ever was ours. */
int bfs_fd_high(void);

/*
 * Guards desc->offset; signals are blocked in between (RULES 5).  Whoever has
 * it may have been stopped: after the time that a call may take -ETIMEDOUT,
 * and then there is nothing to unlock.
 */
int bfs_desc_lock(struct bfs_desc *d, uint64_t *signals);
void bfs_desc_unlock(struct bfs_desc *d, const uint64_t *signals);

/* Map the arena that the daemon gave us (session.c). */
int bfs_arena_set(int arena_fd, int empty_fd);
/* The present user's; NULL before the first connection. */
struct bfs_arena *bfs_arena_now(void);

/* After an exec: fd is the description of that record, which is the one of
 * life, life_slot and life_gen in its arena. */
void bfs_fd_restore(int fd, const struct bfs_desc *d);
/* Which arena a descriptor of ours belongs to. */
uint64_t bfs_fd_arena_ino(int fd);

#endif
