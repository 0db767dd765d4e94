/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-2-4, a keyed hash that serves as a short MAC.  Any thread. */
#ifndef BFS_SIPHASH_H
#define BFS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define BFS_SIPHASH_KEY_LEN 16

/* J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012. */
uint64_t bfs_siphash(const uint8_t key[BFS_SIPHASH_KEY_LEN], const void *data,
		     size_t len);

#endif
