/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/elf_scan.h"

#include "core/sys.h"
#include "core/util.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define SEGMENTS 32 /* more are not looked at */
#define ENTRIES 128 /* of the dynamic section, likewise */
#define TEXT 4096   /* longest name */

struct file {
	int fd;
	int nload;
	Elf64_Phdr load[SEGMENTS], dynamic, interp;
};

static bool get(int fd, void *buf, size_t n, uint64_t offset)
{
	return bfs_sys_4(SYS_pread64, fd, buf, n, offset) == (long)n;
}

static int read_segments(struct file *f, const Elf64_Ehdr *h)
{
	Elf64_Phdr p[SEGMENTS];
	unsigned n = BFS_MIN(h->e_phnum, SEGMENTS);

	if (h->e_phentsize != sizeof(*p) ||
	    !get(f->fd, p, n * sizeof(*p), h->e_phoff))
		return -ENOEXEC;
	for (unsigned i = 0; i < n; i++) {
		if (p[i].p_type == PT_LOAD)
			f->load[f->nload++] = p[i];
		if (p[i].p_type == PT_INTERP)
			f->interp = p[i];
		if (p[i].p_type == PT_DYNAMIC)
			f->dynamic = p[i];
	}
	return f->dynamic.p_filesz ? 0 : -ENOEXEC;
}

static int read_head(struct file *f)
{
	Elf64_Ehdr h;

	if (!get(f->fd, &h, sizeof(h), 0) ||
	    memcmp(h.e_ident, ELFMAG, SELFMAG) ||
	    h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != EM_X86_64)
		return -ENOEXEC;
	return read_segments(f, &h);
}

/* Where in the file a virtual address is; 0: nowhere. */
static uint64_t file_offset(const struct file *f, uint64_t addr)
{
	for (int i = 0; i < f->nload; i++) {
		const Elf64_Phdr *p = &f->load[i];

		if (addr >= p->p_vaddr && addr - p->p_vaddr < p->p_filesz)
			return addr - p->p_vaddr + p->p_offset;
	}
	return 0;
}

static bool is_name(int64_t tag)
{
	return tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH ||
	       tag == DT_RUNPATH;
}

/* A window on the string table, moved where the next name is. */
struct window {
	char text[2 * TEXT];
	uint64_t from;
	size_t len;
};

static const char *name_at(const struct file *f, struct window *w,
			   uint64_t offset)
{
	const char *p;
	size_t left;

	if (offset < w->from || offset + TEXT > w->from + sizeof(w->text) ||
	    !w->len) {
		long n = bfs_sys_4(SYS_pread64, f->fd, w->text, sizeof(w->text),
				   offset);

		w->from = offset;
		w->len = n > 0 ? (size_t)n : 0;
	}
	left = offset - w->from < w->len ? w->len - (offset - w->from) : 0;
	p = w->text + (offset - w->from);
	return memchr(p, '\0', BFS_MIN(left, (size_t)TEXT)) ? p : NULL;
}

int bfs_elf_scan(int fd, bfs_elf_fn *fn, void *arg)
{
	struct file f = { .fd = fd };
	Elf64_Dyn dyn[ENTRIES];
	uint64_t table = 0;
	struct window w;
	unsigned n;
	int e = read_head(&f);

	if (e)
		return e;
	n = (unsigned)BFS_MIN(f.dynamic.p_filesz / sizeof(*dyn),
			      (size_t)ENTRIES);
	if (!get(fd, dyn, n * sizeof(*dyn), f.dynamic.p_offset))
		return -ENOEXEC;
	for (unsigned i = 0; i < n; i++)
		if (dyn[i].d_tag == DT_STRTAB)
			table = file_offset(&f, dyn[i].d_un.d_ptr);
	w.len = 0;
	w.from = 0;
	for (unsigned i = 0; table && i < n && dyn[i].d_tag != DT_NULL; i++) {
		const char *name =
			is_name(dyn[i].d_tag)
				? name_at(&f, &w, table + dyn[i].d_un.d_val)
				: NULL;

		if (name && fn(arg, dyn[i].d_tag, name))
			return 1;
	}
	return 0;
}

int bfs_elf_interp(int fd, char *buf, size_t size)
{
	struct file f = { .fd = fd };
	size_t n;
	int e = read_head(&f);

	if (e)
		return e;
	n = f.interp.p_filesz;
	if (!n)
		return -ENOENT;
	if (n > size || !get(fd, buf, n, f.interp.p_offset) || buf[n - 1])
		return -ENOEXEC;
	return 0;
}
