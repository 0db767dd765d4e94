/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/xattr.h"

#include <stdlib.h>
#include <utlist.h>

void bfs_xattr_free_all(struct bfs_inode *i)
{
	struct bfs_xattr *x, *next;

	LL_FOREACH_SAFE(i->xattrs, x, next)
	free(x);
	i->xattrs = NULL;
}
