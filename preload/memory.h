/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The application's memory.  A system call that is given a bad address answers
 * EFAULT; a hook that used it would kill the program.  So whatever a caller
 * points to is proven here before it is used.
 *
 * A page that has been proven is remembered, and costs a nanosecond from then
 * on.  One that is unmapped or protected later and passed again is therefore
 * not noticed: the program then dies where the kernel would say EFAULT.
 *
 * Any thread, signal handlers too.
 */
#ifndef BFS_MEMORY_H
#define BFS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* May n bytes at p be read (in) or written (out)?  0 or -EFAULT. */
int bfs_mem_in(const void *p, size_t n);
int bfs_mem_out(const void *p, size_t n);

/* strnlen(s, max), or -EFAULT. */
long bfs_mem_str(const char *s, size_t max);

/* How many of the n bytes, from the first one on, are good. */
size_t bfs_mem_in_most(const void *p, size_t n);
size_t bfs_mem_out_most(const void *p, size_t n);

#endif
