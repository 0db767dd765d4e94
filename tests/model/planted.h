/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bugs for the differential tester to find.  They are wrapped round functions
 * of BenchFS by the linker (--wrap), in a daemon and a preload library that
 * only the tests have; BENCHFS_PLANTED names the one that is on.
 */
#ifndef BFS_PLANTED_H
#define BFS_PLANTED_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* getenv each time: programs change their environment. */
static inline bool planted(const char *name)
{
	const char *on = getenv("BENCHFS_PLANTED");

	return on && !strcmp(on, name);
}

/* Declares __real_<name>, and begins __wrap_<name>. */
#define PLANT(type, name, params) \
	type __real_##name params; \
	type __wrap_##name params; \
	type __wrap_##name params

#endif
