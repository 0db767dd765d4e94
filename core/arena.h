/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena: one record for each open file description of one user's
 * processes on this node, mapped shared by all of them and by the daemon.
 * What POSIX wants shared by dup, fork and exec lives here.
 *
 * A placeholder's f_pos names its record: index | gen << 32.  A description
 * is alive while somebody holds the F_OFD lock on byte BFS_LIFE + index (of
 * the placeholder memfd, or of the data file if it is passed through).
 */
#ifndef BFS_ARENA_H
#define BFS_ARENA_H

#include "core/stats.h"
#include "core/wire.h"

#include <pthread.h>

#define BFS_ARENA_MAGIC 0x42465333u
#define BFS_ARENA_RECORDS 65536u
#define BFS_LIFE ((int64_t)1 << 62)

/* In a data file, which users share, each has bytes of his own. */
static inline int64_t bfs_life_byte(uint32_t uid, uint32_t slot)
{
	return BFS_LIFE + ((int64_t)uid << 16) + slot;
}

enum bfs_desc_state { BFS_DESC_FREE, BFS_DESC_MADE, BFS_DESC_USED };

#define BFS_DESC_STATE(word) ((word)&3u)
#define BFS_DESC_GEN(word) ((word) >> 2)
#define BFS_DESC_WORD(gen, state) ((uint32_t)(gen) << 2 | (uint32_t)(state))

struct bfs_desc {
	/* gen << 2 | state in one word, so that a compare-and-swap never
	 * frees a later use of the record; gen is raised at each use. */
	_Atomic uint32_t word;
	_Atomic uint32_t maker;	 /* pid, while state is MADE */
	uint32_t kind;		 /* enum bfs_kind of the preload library */
	_Atomic uint32_t oflags; /* access mode and status flags */
	/* Somebody else may hold the description too: only the daemon, who
	 * can see its lock, may free the record. */
	_Atomic uint32_t shared;
	uint32_t rights;
	uint64_t ino, mac; /* with rights: the handle */
	uint64_t data_ino; /* st_ino of a data file that is passed through */
	_Atomic uint64_t offset;  /* or the cursor of a directory */
	pthread_mutex_t lock;	  /* robust; guards offset */
	_Atomic uint32_t suspect; /* the daemon's: word at its last look */
	/* Not 0: the description was opened as another user, and lives as long
	 * as that use of that record, in the arena with this empty memfd. */
	uint32_t life_slot, life_gen;
	uint64_t life;
	uint8_t pad[8];
};

struct bfs_arena {
	uint32_t magic, records;
	uint32_t uid;	       /* whose */
	uint64_t key;	       /* who knows it has been let in (LOCK) */
	_Atomic uint32_t high; /* one above the highest record ever used */
	_Atomic uint32_t hint; /* where to look for a free one */
	/* Files of other nodes are mapped here and stored into: the node's
	 * daemon has what READ has to tell of them. */
	_Atomic uint32_t stored;
	_Atomic uint64_t client_stats[BFS_STAT_COUNT];
	struct bfs_desc desc[BFS_ARENA_RECORDS] __attribute__((aligned(4096)));
};

static inline struct bfs_handle bfs_desc_handle(const struct bfs_desc *d)
{
	return (struct bfs_handle){ d->ino, d->rights, d->mac };
}

#endif
