/* SPDX-License-Identifier: BSD-3-Clause */
/* "#!" lines, read as Linux does.  Any thread. */
#ifndef BFS_SCRIPT_H
#define BFS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define BFS_SCRIPT_HEAD 256 /* bytes of a program that count */
#define BFS_SCRIPT_LEVELS 5 /* scripts run by scripts, then ELOOP */

struct bfs_script {
	char head[BFS_SCRIPT_HEAD + 1]; /* zero beyond the file's end */
	char *interp;			/* into head */
	char *arg;			/* the rest of the line, or NULL */
};

static inline bool bfs_script_is(const struct bfs_script *s)
{
	return s->head[0] == '#' && s->head[1] == '!';
}

/* Fills in interp and arg, cutting head up: 0, or -ENOEXEC. */
int bfs_script_parse(struct bfs_script *s);

/* How many pointers bfs_script_args() writes for an argv of n. */
#define BFS_SCRIPT_ARGS(n) ((n) + 4)
/* The interpreter's argv: itself, the argument, the script's name, and the
 * script's arguments. */
void bfs_script_args(const struct bfs_script *s, const char *name,
		     char *const argv[], char **out);

#endif
