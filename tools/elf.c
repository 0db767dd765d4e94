/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/elf.h"

#include "core/util.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NT_GO_BUILD_ID 4

static bool within(const struct bfs_elf *e, uint64_t offset, uint64_t size)
{
	return offset <= e->size && size <= e->size - offset;
}

int bfs_elf_open(struct bfs_elf *e, int fd)
{
	struct stat st;
	void *p;

	*e = (struct bfs_elf){ .map = NULL };
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return -ENOEXEC;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*e = (struct bfs_elf){ p, (size_t)st.st_size, p };
	if (!memcmp(e->eh->e_ident, ELFMAG, SELFMAG) &&
	    e->eh->e_ident[EI_CLASS] == ELFCLASS64)
		return 0;
	bfs_elf_close(e);
	return -ENOEXEC;
}

void bfs_elf_close(struct bfs_elf *e)
{
	if (e->map)
		munmap((void *)e->map, e->size);
	e->map = NULL;
}

/* The program header number i, NULL behind the last. */
static const Elf64_Phdr *segment(const struct bfs_elf *e, unsigned i)
{
	const Elf64_Phdr *ph;

	if (i >= e->eh->e_phnum || e->eh->e_phentsize != sizeof(*ph) ||
	    !within(e, e->eh->e_phoff, (i + 1) * sizeof(*ph)))
		return NULL;
	ph = (const Elf64_Phdr *)(e->map + e->eh->e_phoff);
	return &ph[i];
}

/* The same for sections. */
static const Elf64_Shdr *section(const struct bfs_elf *e, unsigned i)
{
	const Elf64_Shdr *sh;

	if (i >= e->eh->e_shnum || e->eh->e_shentsize != sizeof(*sh) ||
	    !within(e, e->eh->e_shoff, (i + 1) * sizeof(*sh)))
		return NULL;
	sh = (const Elf64_Shdr *)(e->map + e->eh->e_shoff);
	return &sh[i];
}

const char *bfs_elf_interpreter(const struct bfs_elf *e)
{
	const Elf64_Phdr *ph;

	for (unsigned i = 0; (ph = segment(e, i)); i++) {
		const char *name = (const char *)e->map + ph->p_offset;

		if (ph->p_type == PT_INTERP &&
		    within(e, ph->p_offset, ph->p_filesz) &&
		    memchr(name, '\0', ph->p_filesz))
			return name;
	}
	return NULL;
}

static bool note_is_go(const struct bfs_elf *e, const Elf64_Phdr *ph)
{
	uint64_t at = ph->p_offset, end = at + ph->p_filesz;
	Elf64_Nhdr n;

	if (!within(e, ph->p_offset, ph->p_filesz))
		return false;
	while (end - at >= sizeof(n)) {
		uint64_t size;

		memcpy(&n, e->map + at, sizeof(n));
		size = sizeof(n) + (((uint64_t)n.n_namesz + 3) & ~3ull) +
		       (((uint64_t)n.n_descsz + 3) & ~3ull);
		if (size > end - at)
			return false;
		if (n.n_type == NT_GO_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(e->map + at + sizeof(n), "Go\0", 4))
			return true;
		at += size;
	}
	return false;
}

static bool has_section(const struct bfs_elf *e, const char *name)
{
	const Elf64_Shdr *names = section(e, e->eh->e_shstrndx), *sh;
	size_t n = strlen(name) + 1;

	if (!names || !within(e, names->sh_offset, names->sh_size))
		return false;
	for (unsigned i = 0; (sh = section(e, i)); i++)
		if (sh->sh_name < names->sh_size &&
		    n <= names->sh_size - sh->sh_name &&
		    !memcmp(e->map + names->sh_offset + sh->sh_name, name, n))
			return true;
	return false;
}

bool bfs_elf_is_go(const struct bfs_elf *e)
{
	const Elf64_Phdr *ph;

	for (unsigned i = 0; (ph = segment(e, i)); i++)
		if (ph->p_type == PT_NOTE && note_is_go(e, ph))
			return true;
	return has_section(e, ".go.buildinfo") ||
	       has_section(e, ".note.go.buildid");
}

/* Calls that take a path: what a program does with them goes astray. */
static const struct {
	uint32_t number;
	const char *name;
} path_calls[] = {
#define PATH_CALL(name) { SYS_##name, #name },
	PATH_CALL(open) PATH_CALL(openat) PATH_CALL(openat2) PATH_CALL(creat) PATH_CALL(
		stat) PATH_CALL(lstat) PATH_CALL(newfstatat) PATH_CALL(statx)
		PATH_CALL(access) PATH_CALL(faccessat) PATH_CALL(faccessat2) PATH_CALL(
			mkdir) PATH_CALL(mkdirat) PATH_CALL(rmdir) PATH_CALL(unlink)
			PATH_CALL(unlinkat) PATH_CALL(rename) PATH_CALL(renameat) PATH_CALL(
				renameat2) PATH_CALL(link) PATH_CALL(linkat)
				PATH_CALL(symlink) PATH_CALL(symlinkat) PATH_CALL(
					readlink) PATH_CALL(readlinkat) PATH_CALL(chmod)
					PATH_CALL(fchmodat) PATH_CALL(chown) PATH_CALL(
						lchown) PATH_CALL(fchownat)
						PATH_CALL(truncate) PATH_CALL(
							utimensat) PATH_CALL(chdir)
							PATH_CALL(getcwd) PATH_CALL(
								getdents64)
								PATH_CALL(statfs) PATH_CALL(
									execve)
									PATH_CALL(
										execveat)
#undef PATH_CALL
};

/* Which of them the "syscall" at p makes: "mov $number,%eax" stands closely
 * before it.  -1: none, or it does not show. */
static int call_at(const unsigned char *start, const unsigned char *p)
{
	for (const unsigned char *q = p - 5; q >= start && p - q < 40; q--) {
		uint32_t number;

		if (*q != 0xb8)
			continue;
		memcpy(&number, q + 1, sizeof(number));
		for (size_t i = 0; i < BFS_COUNT(path_calls); i++)
			if (path_calls[i].number == number)
				return (int)i;
	}
	return -1;
}

static void scan(const unsigned char *start, size_t size, bool *seen)
{
	static const unsigned char insn[] = { 0x0f, 0x05 };
	const unsigned char *p = start, *end = start + size;

	while ((p = memmem(p, (size_t)(end - p), insn, sizeof(insn)))) {
		int i = call_at(start, p);

		p += sizeof(insn);
		/* In the middle of an address it goes on with its upper byte.
		 */
		if (i >= 0 && p < end && *p != 0x00 && *p != 0xff)
			seen[i] = true;
	}
}

void bfs_elf_raw_calls(const struct bfs_elf *e, char *names, size_t cap)
{
	bool seen[BFS_COUNT(path_calls)] = { false };
	const Elf64_Phdr *ph;
	size_t n = 0;

	for (unsigned i = 0; (ph = segment(e, i)); i++)
		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) &&
		    within(e, ph->p_offset, ph->p_filesz))
			scan(e->map + ph->p_offset, ph->p_filesz, seen);
	*names = '\0';
	for (size_t i = 0; i < BFS_COUNT(path_calls); i++)
		if (seen[i] && n + 24 < cap)
			n += (size_t)snprintf(names + n, cap - n, "%s%s",
					      n ? ", " : "",
					      path_calls[i].name);
}
