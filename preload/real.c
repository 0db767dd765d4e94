/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/real.h"

#include "core/log.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

struct real bfs_real;

/* ThreadSanitizer calls hooks before it is ready for instrumented code. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define HIDDEN 0x8000u /* in versym: not the version that is meant */

/* The names that a library exports (DT_GNU_HASH). */
struct names {
	const uint32_t *hash;
	const Elf64_Sym *sym;
	const char *text;
	const uint16_t *version; /* or NULL */
};

/* ld.so has added where the library lies, but not for the kernel's own. */
static const void *at(const struct link_map *m, const Elf64_Dyn *d)
{
	Elf64_Addr p = d->d_un.d_ptr;

	return (const void *)(p < m->l_addr ? p + m->l_addr : p);
}

static bool read_names(const struct link_map *m, struct names *n)
{
	*n = (struct names){ .hash = NULL };
	for (const Elf64_Dyn *d = m->l_ld; d && d->d_tag != DT_NULL; d++)
		switch (d->d_tag) {
		case DT_GNU_HASH:
			n->hash = at(m, d);
			break;
		case DT_SYMTAB:
			n->sym = at(m, d);
			break;
		case DT_STRTAB:
			n->text = at(m, d);
			break;
		case DT_VERSYM:
			n->version = at(m, d);
			break;
		}
	return n->hash && n->sym && n->text;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

static const Elf64_Sym *look_up(const struct names *n, const char *name,
				uint32_t h)
{
	uint32_t buckets = n->hash[0], first = n->hash[1], words = n->hash[2];
	const uint64_t *bloom = (const uint64_t *)(n->hash + 4);
	const uint32_t *bucket = (const uint32_t *)(bloom + words);
	const uint32_t *chain = bucket + buckets;
	uint64_t bits = 1ull << h % 64 | 1ull << (h >> n->hash[3]) % 64;
	uint32_t i;

	if ((bloom[h / 64 % words] & bits) != bits)
		return NULL;
	i = bucket[h % buckets];
	if (i < first)
		return NULL;
	for (;; i++) {
		uint32_t c = chain[i - first];

		if ((c | 1) == (h | 1) && n->sym[i].st_shndx != SHN_UNDEF &&
		    !(n->version && n->version[i] & HIDDEN) &&
		    !strcmp(n->text + n->sym[i].st_name, name))
			return &n->sym[i];
		if (c & 1)
			return NULL;
	}
}

/*
 * dlsym(RTLD_NEXT) without its locks, and without wiping out what dlerror() is
 * to say: in the libraries behind us, of which those up to libc stay for ever.
 * NULL: that has to find it.
 */
static void *next(const char *name)
{
	uint32_t h = hash_of(name);
	struct dl_find_object here;
	struct names n;

	if (_dl_find_object((void *)next, &here))
		return NULL;
	for (struct link_map *m = here.dlfo_link_map->l_next; m;
	     m = m->l_next) {
		const Elf64_Sym *s;

		if (!read_names(m, &n))
			return NULL;
		s = look_up(&n, name, h);
		if (s)
			return ELF64_ST_TYPE(s->st_info) == STT_FUNC
				       ? (void *)(m->l_addr + s->st_value)
				       : NULL;
	}
	return NULL;
}

/* As for entry.c (local.mk). */
__attribute__((no_sanitize_thread)) void *bfs_real_find(void *slot,
							const char *name)
{
	int saved = errno;
	void *sym = SANITIZED ? NULL : next(name);

	if (!sym)
		sym = dlsym(RTLD_NEXT, name);
	if (!sym) {
		bfs_log(error, "libc has no %s()", name);
		abort(); /* not a libc that we can serve */
	}
	__atomic_store_n((void **)slot, sym, __ATOMIC_RELAXED);
	errno = saved;
	return sym;
}

/* A look-up by dlsym() wipes out what dlerror() is to say, so its own comes
 * early. */
__attribute__((constructor)) static void find_dlerror(void)
{
	(void)REAL(dlerror);
}
