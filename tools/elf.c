/* SPDX-License-Identifier: BSD-3-Clause */
/* Can the preload library get into a program?  Its file tells. */
#include "tools/tools.h"

#include "core/util.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define LOADER "ld-linux-x86-64.so"

/* The path in PT_INTERP; false: there is none. */
static bool interpreter(int fd, const Elf64_Ehdr *eh, char *buf, size_t cap)
{
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph;
		off_t at = (off_t)(eh->e_phoff + i * sizeof(ph));
		ssize_t n;

		if (pread(fd, &ph, sizeof(ph), at) != sizeof(ph))
			return false;
		if (ph.p_type != PT_INTERP)
			continue;
		n = pread(fd, buf, BFS_MIN(cap - 1, ph.p_filesz),
			  (off_t)ph.p_offset);
		buf[n < 0 ? 0 : n] = '\0';
		return true;
	}
	return false;
}

/* NULL, or what is wrong with this ELF file. */
static const char *elf_problem(int fd, const Elf64_Ehdr *eh)
{
	char interp[256];

	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return "is a 32-bit program";
	if (eh->e_machine != EM_X86_64)
		return "is a program for another machine";
	if (!interpreter(fd, eh, interp, sizeof(interp)))
		return "is statically linked";
	if (strstr(interp, "ld-musl"))
		return "is linked with musl instead of glibc";
	if (!strstr(interp, LOADER))
		return "does not use glibc's loader";
	return NULL;
}

/* The loader drops LD_PRELOAD where rights change at exec. */
static const char *rights_problem(int fd, const struct stat *st)
{
	if ((st->st_mode & S_ISUID) && st->st_uid != geteuid())
		return "is setuid";
	if ((st->st_mode & S_ISGID) && st->st_gid != getegid())
		return "is setgid";
	if (geteuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return "has file capabilities";
	return NULL;
}

/* "#! interpreter argument": the interpreter; NULL if head is no script. */
static char *script_interpreter(char *head)
{
	char *p;

	if (head[0] != '#' || head[1] != '!')
		return NULL;
	p = head + 2 + strspn(head + 2, " \t");
	p[strcspn(p, " \t\r\n")] = '\0';
	return *p == '/' ? p : NULL;
}

static void check(const char *path, const char *mount, int depth)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	union {
		Elf64_Ehdr eh;
		char text[257];
	} head = { 0 };
	const char *problem = NULL;
	char *next = NULL;
	struct stat st;

	if (fd < 0)
		return; /* not readable: execution will tell */
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    pread(fd, &head, sizeof(head) - 1, 0) > (ssize_t)EI_NIDENT) {
		if (!memcmp(head.eh.e_ident, ELFMAG, SELFMAG)) {
			problem = elf_problem(fd, &head.eh);
			if (!problem)
				problem = rights_problem(fd, &st);
		} else {
			next = script_interpreter(head.text);
		}
	}
	close(fd);
	if (problem)
		bfs_warn("%s %s: BenchFS cannot serve it; what it does under "
			 "%s goes to the real directory of that name",
			 path, problem, mount);
	else if (next && depth < 4)
		check(next, mount, depth + 1);
}

void bfs_program_check(const char *path, const char *mount)
{
	check(path, mount, 0);
}
