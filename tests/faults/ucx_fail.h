/* SPDX-License-Identifier: BSD-3-Clause */
/* The kinds of fail_file.h for daemons whose UCX fails. */
#ifndef BFS_FAULTS_UCX_FAIL_H
#define BFS_FAULTS_UCX_FAIL_H

#include "tests/faults/fail_file.h"

enum ucx_fail_kind {
	UCX_FAIL_nothing,
#define UCX_FAIL(kind, status, what) UCX_FAIL_##kind,
#include "tests/faults/ucx_fail.def"
#undef UCX_FAIL
	UCX_FAIL_KINDS
};

#endif
