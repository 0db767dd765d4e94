/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a test and the processes that it kills share: the file that
 * BENCHFS_KILL_FILE names.  Without it no point kills.
 */
#ifndef BFS_FAULTS_KILL_FILE_H
#define BFS_FAULTS_KILL_FILE_H

#include "core/kill.h"

#include <stdatomic.h>
#include <stdint.h>

struct kill_file {
	struct {
		_Atomic uint32_t left; /* the process that makes it 0 ends */
		_Atomic uint32_t pid;  /* ... and was this */
		_Atomic uint64_t passed, fired;
	} at[BFS_KILLS];
};

#endif
