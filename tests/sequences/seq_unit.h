/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of a sequence as requests to a daemon in the same process. */
#ifndef BFS_SEQUENCES_SEQ_UNIT_H
#define BFS_SEQUENCES_SEQ_UNIT_H

#include "tests/unit/journal_unit.h"

#include "tests/sequences/seq.h"

/* Each call is a turn of the loop. */
struct seq_fs seq_unit(struct fs_unit *u);

#endif
