/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BFS_OPEN_FLAGS_H
#define BFS_OPEN_FLAGS_H

#include <fcntl.h>

/* What an open description remembers, and so what the data file is opened
 * with (RULES 3). */
#define BFS_DATA_FLAGS \
	(O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_DIRECT | O_NOATIME | \
	 O_NOFOLLOW | O_NONBLOCK | O_ASYNC)

#endif
