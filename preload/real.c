/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/real.h"

#include "core/log.h"

struct real bfs_real;

/* As for entry.c (local.mk). */
__attribute__((no_sanitize_thread)) void *bfs_real_find(void *slot,
							const char *name)
{
	int saved = errno;
	void *sym = dlsym(RTLD_NEXT, name);

	if (!sym) {
		bfs_log(error, "libc has no %s()", name);
		abort(); /* not a libc that we can serve */
	}
	__atomic_store_n((void **)slot, sym, __ATOMIC_RELAXED);
	errno = saved;
	return sym;
}

/* A look-up wipes out what dlerror() is to say, so its own comes early. */
__attribute__((constructor)) static void find_dlerror(void)
{
	(void)REAL(dlerror);
}
