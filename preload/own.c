/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/own.h"

#include "core/util.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

/* UCX, and what it opens devices with. */
static const char *const theirs[] = { "libuc",	    "libbenchfs_ucx",
				      "libibverbs", "librdmacm",
				      "libmlx",	    "libefa" };

bool bfs_own_caller(const void *caller)
{
	struct dl_find_object o;
	const char *name, *base;

	if (_dl_find_object((void *)caller, &o) || !o.dlfo_link_map)
		return false;
	name = o.dlfo_link_map->l_name;
	base = strrchr(name, '/');
	base = base ? base + 1 : name;
	for (size_t i = 0; i < BFS_COUNT(theirs); i++)
		if (!strncmp(base, theirs[i], strlen(theirs[i])))
			return true;
	return false;
}
