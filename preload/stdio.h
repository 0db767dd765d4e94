/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stdio on placeholders.  glibc's FILE calls read, write, lseek and so on
 * inside the C library, past our hooks.  On a passed-through descriptor that
 * is right as it is; for placeholders the five I/O slots of its tables are
 * led to us.
 */
#ifndef BFS_STDIO_H
#define BFS_STDIO_H

#include <stdio.h>

/*
 * Replace the slots; idempotent, any thread.  0, or -ENOTSUP with a log line
 * if this C library's tables are not as expected.  To be called before the
 * first regular file that is not passed through can meet a FILE.
 */
int bfs_stdio_jumps(void);
/* The same for those who cannot do anything about a failure. */
void bfs_stdio_prepare(void);

/* A FILE without the tables: fileno() does not work on it. */
FILE *bfs_stdio_cookie(int fd, const char *mode);

#endif
