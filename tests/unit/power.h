/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A recorder of what has been synced, and losses of power: of each file below
 * a daemon's directory stays what it had when it was synced last, of each
 * directory of data files the names that it had.  The program is linked with
 * --wrap=fsync and --wrap=fdatasync.
 */
#ifndef BFS_TESTS_POWER_H
#define BFS_TESTS_POWER_H

#include "tests/unit/unit.h"

#include <stdbool.h>

/* Forget all. */
void power_clear(void);
/* From now on syncing does nothing, and says that it did. */
void power_lie(bool lies);
/* Below dir (a data directory), after its daemon was killed; with another boot
 * of the machine. */
void power_loss(const char *dir);

#endif
