/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a daemon is asked and what it answers, written down for the fuzz
 * targets (tests/fuzz/record.sh); nothing in what is installed.  session: of
 * who asks; fields: behind the head.
 */
#ifndef BFS_TAP_H
#define BFS_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef BFS_FAULTS
void bfs_tap(uint64_t session, const char *name, bool reply,
	     const uint8_t *fields, size_t len);
#define BFS_TAP(...) bfs_tap(__VA_ARGS__)
#else
#define BFS_TAP(...) ((void)0)
#endif

#endif
