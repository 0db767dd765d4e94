/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What BenchFS can do for a program, found out before it runs: for `benchfs
 * doctor` in full, for the warning of `benchfs run` quickly.  Not thread-safe.
 */
#ifndef BFS_TOOLS_INSPECT_H
#define BFS_TOOLS_INSPECT_H

#include <stdbool.h>

/* The worse the greater. */
enum bfs_verdict { BFS_SERVED, BFS_PARTLY, BFS_NOT_SERVED };

/*
 * What can be said of a program, once: name for JSON, what follows from it,
 * and the text behind the program's path; a detail may follow.
 */
#define BFS_FINDINGS(F) \
	F(static, NOT_SERVED, "is statically linked") \
	F(bits32, NOT_SERVED, "is a 32-bit program") \
	F(machine, NOT_SERVED, "is a program for another machine") \
	F(musl, NOT_SERVED, "is linked with musl instead of glibc") \
	F(loader, NOT_SERVED, "does not use glibc's loader") \
	F(setuid, NOT_SERVED, "is setuid") \
	F(setgid, NOT_SERVED, "is setgid") \
	F(capabilities, NOT_SERVED, "has file capabilities") \
	F(no_library, NOT_SERVED, "does not start: libraries are missing") \
	F(no_program, NOT_SERVED, "is not there, or cannot be executed") \
	F(raw_calls, PARTLY, "calls the kernel by itself") \
	F(raw_served, SERVED, "calls the kernel by itself, which is caught") \
	F(library_inside, PARTLY, "needs libraries that may lie in BenchFS") \
	F(runpath, SERVED, "looks for libraries in BenchFS") \
	F(inside, PARTLY, "lies in BenchFS: ask where it can be seen") \
	F(unreadable, PARTLY, "cannot be read") \
	F(unknown, PARTLY, "is neither an ELF program nor a script") \
	F(deep, PARTLY, "is run by too many interpreters to follow")

enum bfs_finding_code {
#define F(name, verdict, text) BFS_FINDING_##name,
	BFS_FINDINGS(F)
#undef F
		BFS_FINDING_COUNT
};

const char *bfs_finding_name(enum bfs_finding_code code);
const char *bfs_finding_text(enum bfs_finding_code code);
enum bfs_verdict bfs_finding_verdict(enum bfs_finding_code code);

#define BFS_STEPS 8
#define BFS_STEP_FINDINGS 8

/* The program, or who runs it: a script, its interpreter, and so on. */
struct bfs_step {
	char *path; /* owned */
	bool script;
	unsigned n;
	struct {
		enum bfs_finding_code code;
		char *detail; /* owned, may be NULL */
	} finding[BFS_STEP_FINDINGS];
};

struct bfs_inspection {
	/* To be set: */
	const char *mount;
	bool syscalls; /* BENCHFS_SYSCALLS is on */
	bool deep;     /* also its code and its libraries */
	/* The answer: */
	unsigned n;
	struct bfs_step step[BFS_STEPS];
};

void bfs_inspect(struct bfs_inspection *x, const char *path);
enum bfs_verdict bfs_inspection_verdict(const struct bfs_inspection *x);
void bfs_inspection_fini(struct bfs_inspection *x);

/* For the parts of it: a new step, and what is found there. */
struct bfs_step *bfs_step_add(struct bfs_inspection *x, const char *path);
void bfs_step_say(struct bfs_step *s, enum bfs_finding_code code,
		  const char *detail);

/* Which of its libraries are missing, and whether it looks for them in
 * BenchFS (inspect_libs.c). */
void bfs_inspect_libraries(const struct bfs_inspection *x, struct bfs_step *s,
			   int fd, const char *interpreter);

#endif
