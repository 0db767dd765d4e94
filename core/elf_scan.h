/* SPDX-License-Identifier: BSD-3-Clause */
/* The names in the dynamic section of an ELF file.  Any thread, no malloc. */
#ifndef BFS_ELF_SCAN_H
#define BFS_ELF_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called with DT_NEEDED, DT_SONAME, DT_RPATH or DT_RUNPATH and its text, which
 * lasts for the call.  true ends the scan. */
typedef bool bfs_elf_fn(void *arg, int64_t tag, const char *text);

/* 1: fn ended it; 0: all seen; -ENOEXEC: not a dynamic file of this machine,
 * or malformed. */
int bfs_elf_scan(int fd, bfs_elf_fn *fn, void *arg);

/* PT_INTERP.  0; -ENOEXEC as above; -ENOENT: it has none. */
int bfs_elf_interp(int fd, char *buf, size_t size);

#endif
