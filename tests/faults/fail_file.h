/* SPDX-License-Identifier: BSD-3-Clause */
/* What a test and the daemon whose calls it makes fail share: the file that
 * BENCHFS_FAIL_FILE names. */
#ifndef BFS_FAULTS_FAIL_FILE_H
#define BFS_FAULTS_FAIL_FILE_H

#include <stdatomic.h>
#include <stdint.h>

enum fail_kind {
	FAIL_nothing,
#define FAIL(kind, error, what) FAIL_##kind,
#include "tests/faults/fail.def"
#undef FAIL
	FAIL_KINDS
};

struct fail_file {
	_Atomic uint32_t kind; /* of the call that is to fail */
	_Atomic uint32_t left; /* ... the one that makes this 0 */
	_Atomic uint64_t fired;
	_Atomic uint32_t ended; /* a daemon has called exit */
	_Atomic uint32_t status;
	char where[256]; /* the last one: who called, as file+offset */
};

#endif
