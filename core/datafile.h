/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the daemon and a client that opens a data file itself (BFS_OPEN_SELF)
 * have to agree on.  Any thread.
 */
#ifndef BFS_DATAFILE_H
#define BFS_DATAFILE_H

#include <fcntl.h>
#include <stdint.h>

/* What an open description remembers, and so what the data file is opened
 * with (RULES 3). */
#define BFS_DATA_FLAGS \
	(O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_DIRECT | O_NOATIME | \
	 O_NOFOLLOW | O_NONBLOCK | O_ASYNC)
/* Those of them with which nothing can be wrong. */
#define BFS_DATA_PLAIN_FLAGS \
	(O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_NOFOLLOW | O_NONBLOCK)

/* "ab/0123456789abcdef" below the directory of data files; the name of a
 * socket is behind the slash. */
#define BFS_DATA_NAME_LEN 20

static inline void bfs_data_name(char name[BFS_DATA_NAME_LEN], uint64_t ino)
{
	static const char hex[] = "0123456789abcdef";

	for (int n = 18; n > 2; n--, ino >>= 4)
		name[n] = hex[ino & 15];
	name[0] = name[17];
	name[1] = name[18];
	name[2] = '/';
	name[19] = '\0';
}

/* The type of a life lock: one that the description may have. */
static inline short bfs_life_type(int oflags)
{
	return (oflags & O_ACCMODE) == O_WRONLY ? F_WRLCK : F_RDLCK;
}

#endif
