/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A report: how often each call was made, how it ended, and who served it.  A
 * file that all reporting processes map shared and add to with atomics, so
 * that neither exec nor SIGKILL loses what was counted.  It names its own
 * rows: whoever prints it needs no list of hooks.
 */
#ifndef BFS_REPORT_H
#define BFS_REPORT_H

#include <stdatomic.h>
#include <stdint.h>

/* The file's first line.  The number changes with the layout. */
#define BFS_REPORT_MAGIC \
	"BenchFS call report 1, printed by: benchfs report FILE\n"
#define BFS_REPORT_ROWS_MAX 1024
#define BFS_REPORT_STRIPES 8 /* threads spread over them */
#define BFS_REPORT_NAME 32

/* Who served a call; of several the greatest.  NONE is not counted. */
#define BFS_REPORT_VIAS(VIA) \
	VIA(LIBRARY, "library") \
	VIA(PASS, "pass-through") \
	VIA(LOCAL, "local") \
	VIA(UCX, "ucx")

enum bfs_via {
	BFS_VIA_NONE, /* foreign after all */
#define VIA(name, text) BFS_VIA_##name,
	BFS_REPORT_VIAS(VIA)
#undef VIA
		BFS_VIAS
};

struct bfs_report_cell {
	_Atomic uint64_t count, errors, bytes, ns;
};

struct bfs_report_row {
	struct bfs_report_cell via[BFS_VIAS];
};

struct bfs_report_file {
	char magic[64];
	uint32_t rows;
	_Atomic uint64_t programs; /* that have added to this file */
	char name[BFS_REPORT_ROWS_MAX][BFS_REPORT_NAME];
	/* stripe s, row r: cell[s * rows + r] */
	struct bfs_report_row cell[];
};

static inline uint64_t bfs_report_size(uint32_t rows)
{
	return sizeof(struct bfs_report_file) +
	       (uint64_t)BFS_REPORT_STRIPES * rows *
		       sizeof(struct bfs_report_row);
}

#endif
