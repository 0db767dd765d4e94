/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layouts as users see them: the attributes user.benchfs.* of files and
 * directories (benchfs(1)), which exist where they have been set.  Any thread.
 */
#ifndef BFS_LAYOUT_ATTR_H
#define BFS_LAYOUT_ATTR_H

#include "core/layout.h"
#include "core/wire.h"

#include <stddef.h>

/* BFS_LAYOUT_OWN_* of the attribute of that name; 0: it is none of them. */
unsigned bfs_layout_attr(struct bfs_str name);
const char *bfs_layout_attr_name(unsigned own);
/* Is it in the space that is ours, whether it exists or not? */
bool bfs_layout_reserved(struct bfs_str name);

/* l as the value wants it, with its mark.  0 or -EINVAL. */
int bfs_layout_parse(struct bfs_layout *l, unsigned own, const void *value,
		     size_t len);
/* The value; its length without the final NUL. */
#define BFS_LAYOUT_TEXT 24
size_t bfs_layout_text(struct bfs_layout l, unsigned own,
		       char text[BFS_LAYOUT_TEXT]);

#endif
