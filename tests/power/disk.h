/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A disk that loses what was not synced.  What this process does to files
 * below a directory, by calls of libc, is recorded; what a loss of power at
 * some moment may leave there can then be built.  Each write, and each change
 * of a directory, that no sync covers is there or not, whatever came after it.
 * Owner thread only.
 */
#ifndef BFS_POWER_DISK_H
#define BFS_POWER_DISK_H

#include <stdbool.h>
#include <stdint.h>

/* Begin, with an empty directory; forget what was recorded before. */
void disk_start(const char *root);
void disk_stop(void);
/* How many changes there have been. */
unsigned disk_changes(void);

/* Is the n-th change there, though nothing synced it? */
typedef bool disk_choice(void *arg, unsigned n);
/* What is there after a loss of power behind the first upto changes, in the
 * directory `to`, which is new. */
void disk_build(unsigned upto, disk_choice *keep, void *arg, const char *to);

/* ... told, a line for each change. */
void disk_tell(unsigned upto, disk_choice *keep, void *arg);

#endif
