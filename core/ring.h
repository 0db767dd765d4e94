/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shared memory between one client and its daemon (a memfd that the daemon
 * makes and seals).  A slot carries one call:
 *
 *   FREE --client--> CLAIMED --client--> POSTED --daemon--> TAKEN
 *   TAKEN --daemon--> DONE --client--> FREE
 *   POSTED --client, timed out--> FREE           (never executed)
 *   TAKEN --client, timed out--> ABANDONED --daemon--> FREE
 *
 * The client sets the slot's bit in posted, and rings (one byte on the socket)
 * if sleeping is set.  The daemon copies the fields before it looks at them.
 */
#ifndef BFS_RING_H
#define BFS_RING_H

#include "core/proto.h"

#define BFS_RING_MAGIC 0x42465331u
#define BFS_RING_SLOTS 32
#define BFS_RING_BULK (1u << 20)
/* The daemon's core */
#define BFS_RING_NO_CPU UINT32_MAX /* it sleeps: any */
#define BFS_RING_MOVING (UINT32_MAX - 1)

enum bfs_slot_state {
	BFS_SLOT_FREE,
	BFS_SLOT_CLAIMED,
	BFS_SLOT_POSTED,
	BFS_SLOT_TAKEN,
	BFS_SLOT_DONE,
	BFS_SLOT_ABANDONED,
};

struct bfs_slot {
	_Atomic uint32_t state;	  /* a futex */
	_Atomic uint32_t waiting; /* the client sleeps, or is about to: its core
				   * plus 1 */
	uint32_t req_len, out_len, in_cap; /* client */
	uint32_t rep_len, in_len, has_fd;  /* daemon */
	uint8_t pad[32];
	uint8_t fields[BFS_FIELDS_MAX]; /* the request, then the reply */
	uint8_t bulk[BFS_RING_BULK] __attribute__((aligned(4096)));
};

struct bfs_ring {
	uint32_t magic, slots;
	uint32_t near; /* who rings has the daemon on his core, most likely */
	uint8_t pad0[52];
	_Atomic uint64_t posted; /* a bit for each slot */
	_Atomic uint32_t cpu;	 /* the daemon's */
	uint8_t pad1[52];
	_Atomic uint32_t sleeping; /* the daemon wants to be woken */
	uint8_t pad2[60];
	_Atomic uint32_t freed;	   /* a futex: counts slots set free */
	_Atomic uint32_t claimers; /* threads that wait for a slot */
	_Atomic uint32_t bell_cpu; /* where who rang last is, plus 1 */
	struct bfs_slot slot[BFS_RING_SLOTS] __attribute__((aligned(4096)));
};

/*
 * A length in shared memory, at most max.  The other side can change it at any
 * time, so it is read once: what has been checked is what is used.
 */
static inline size_t bfs_ring_len(const uint32_t *shared, size_t max)
{
	uint32_t n = *(const volatile uint32_t *)shared;

	return n < max ? n : max;
}

/* What accompanies a passed fd. */
struct bfs_fd_note {
	uint64_t id;
	uint32_t slot;
};

#endif
