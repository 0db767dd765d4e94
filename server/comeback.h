/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of the daemon's last run have open (RULES 28): from the arenas,
 * which the holder kept.  Owner thread only. */
#ifndef BFS_COMEBACK_H
#define BFS_COMEBACK_H

#include "server/server.h"

/* The arenas of the last run become ours, and new ones are held too. */
void bfs_comeback_arenas(struct bfs_server *s);
/* Each description that lives is known again. */
void bfs_comeback_opens(struct bfs_server *s);
/* We stop; for good, or because something failed: then those who are left may
 * go on when we are started again. */
void bfs_comeback_end(struct bfs_server *s, bool for_good);

#endif
