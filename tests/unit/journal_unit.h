/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the journal share: a file system that has one, its end by
 * a kill, and all of it as text. */
#ifndef BFS_TESTS_JOURNAL_UNIT_H
#define BFS_TESTS_JOURNAL_UNIT_H

#include "tests/unit/fs_unit.h"

#include "server/journal.h"

/* As fs_unit_setup, with a journal. */
int journal_unit_setup(void **state);
/* The end of a turn. */
void u_turn(struct fs_unit *u);
/* The daemon is killed: what has not been logged is gone. */
void u_kill(struct fs_unit *u);
/* Kill, and start again: 0 or -errno. */
int u_kill_and_start(struct fs_unit *u);
/* The log lines of a start that fails, and its error. */
int u_start_fails(struct fs_unit *u, char *log, size_t cap);

int u_setxattr(struct fs_unit *u, const char *path, const char *name,
	       const char *value);
int u_removexattr(struct fs_unit *u, const char *path, const char *name);
/* Into a file that may be new, at its end. */
void u_append(struct fs_unit *u, const char *path, const char *text);

/*
 * Names, attributes, xattrs and targets, below the root, and the orphans.  Not
 * in it: atime, which may be old, and ctime of what has a data file, since a
 * copy of that has another.  To be freed.
 */
char *u_dump(struct fs_unit *u);

/* The path of the newest segment of the log that has frames. */
void u_log_path(const char *data, char *path, size_t cap);

#endif
