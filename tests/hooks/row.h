/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One row for each name in preload/hooks.def: what POSIX or its manual page
 * says the function does to a file, good cases and bad.  A row runs in an
 * empty directory, in BenchFS or on a real file system, and must hold in both.
 *
 *   ROW(mkdir)
 *   {
 *           OK(mkdir(P("d"), 0750));
 *           FAILS(mkdir(P("d"), 0750), EEXIST);
 *   }
 *
 * Everything that a row looks at is also printed, so that runs with and
 * without the preload library can be compared.
 */
#ifndef BFS_ROW_H
#define BFS_ROW_H

#include "preload/headers.h"

#include <errno.h>
#include <string.h>

#define ROW(name) \
	void row_##name(void); \
	void row_##name(void)

/* The row's directory is in BenchFS. */
extern bool row_ours;
/* Its path; a path in it, good for the next dozen calls. */
extern char row_dir[];
const char *P(const char *name);

/* errno before each call; a successful one leaves it so. */
#define CANARY 4711
#define CALL(expr) (errno = CANARY, (long)(expr))

/* The result is want, and errno untouched or, behind a failure, as given. */
#define IS(expr, want) row_is(__LINE__, #expr, CALL(expr), want, CANARY)
#define OK(expr) IS(expr, 0)
#define FAILS(expr, err) row_is(__LINE__, #expr, CALL(expr), -1, err)
/* Only the result counts. */
#define GIVES(expr, want) row_gives(__LINE__, #expr, CALL(expr), want)
/* The same without printing what may differ from run to run. */
#define TRUE(expr) row_true(__LINE__, #expr, !!(expr))
/* A descriptor; pointers that must not, and must, be NULL. */
#define FD(expr) row_fd(__LINE__, #expr, CALL(expr))
#define PTR(expr) ((void *)row_ptr(__LINE__, #expr, (void *)CALL(expr)))
#define NONE(expr, err) row_none(__LINE__, #expr, (void *)CALL(expr), err)
#define TEXT(expr, want) row_text(__LINE__, #expr, (expr), want)
/* What the call says on success is printed, not checked. */
#define SAYS(expr) row_says(#expr, CALL(expr))

/* Each tells whether the check held. */
bool row_is(int line, const char *what, long got, long want, int err);
bool row_gives(int line, const char *what, long got, long want);
bool row_true(int line, const char *what, bool got);
int row_fd(int line, const char *what, long got);
void *row_ptr(int line, const char *what, void *got);
bool row_none(int line, const char *what, const void *got, int err);
bool row_text(int line, const char *what, const char *got, const char *want);
long row_says(const char *what, long got);

/* Files by open, read, write and close alone. */
void put(const char *name, const char *text);
/* The content, good until the next call. */
const char *get(const char *name);
/* A new file with that content, open for reading and writing. */
int file(const char *name, const char *text);
/* A descriptor of the row's directory. */
int dir(void);
mode_t mode_of(const char *name);
off_t size_of(const char *name);
bool exists(const char *name);

/* The child runs what follows and answers with its exit status. */
int row_wait(pid_t pid);
#define CHILD(code) \
	({ \
		pid_t pid_ = fork(); \
		if (!pid_) { \
			code; \
			row_exit(); \
		} \
		row_wait(pid_); \
	})
/* End a child: 0 if all its checks held. */
_Noreturn void row_exit(void);
/* The row cannot be judged here. */
_Noreturn void row_skip(const char *why);

#endif
