/* SPDX-License-Identifier: BSD-3-Clause */
/* An ELF program, mapped to be looked at.  Not thread-safe. */
#ifndef BFS_TOOLS_ELF_H
#define BFS_TOOLS_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

struct bfs_elf {
	const unsigned char *map;
	size_t size;
	const Elf64_Ehdr *eh; /* the head, whole */
};

/* 0, -ENOEXEC: no ELF file of 64 bits, or an -errno. */
int bfs_elf_open(struct bfs_elf *e, int fd);
void bfs_elf_close(struct bfs_elf *e);

/* The loader that PT_INTERP names; NULL: none, it is static. */
const char *bfs_elf_interpreter(const struct bfs_elf *e);
/* Made by the Go toolchain: its note or its section says so. */
bool bfs_elf_is_go(const struct bfs_elf *e);
/*
 * Calls of the kernel about files in its own code: the names of some, with
 * commas; "" if none is found.  A hint: numbers that are computed do not show.
 */
void bfs_elf_raw_calls(const struct bfs_elf *e, char *names, size_t cap);

#endif
