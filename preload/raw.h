/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls past the C library (BENCHFS_SYSCALLS): the kernel's syscall user
 * dispatch.  In an armed thread a system call from outside of libc's code is
 * not made but becomes a SIGSYS, whose handler makes it: by syscalls.def if it
 * is about BenchFS, else from libc's code, where calls are let through.  There
 * is no switch to set and restore, so nothing can be left in the wrong state;
 * our own calls are led through libc's syscall() as well (bfs_gate).
 *
 * The kernel arms threads one by one and disarms the children of fork, clone
 * and exec; it kills a thread that is to get a SIGSYS while that is blocked.
 * So we arm again, and keep SIGSYS out of every signal mask.
 */
#ifndef BFS_RAW_H
#define BFS_RAW_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/* Calls are caught in this process. */
extern bool bfs_raw_on;

/* By bfs_init(), once the settings are known. */
void bfs_raw_init(void);
/* This thread, which is new: the kernel has not armed it. */
void bfs_raw_arm(void);
/* Not any more.  For who cannot be served. */
void bfs_raw_disarm(void);

/* A call that was caught. */
struct bfs_raw_call {
	long n, a[6];
	ucontext_t *u; /* where it was made, and where it goes on */
};

/* What the kernel would have answered, from libc's code. */
long bfs_raw_pass(const struct bfs_raw_call *c);
uintptr_t bfs_raw_sp(const struct bfs_raw_call *c);

/*
 * Calls that do not work from within a handler as they are, by what they are
 * about.  true: *result is the answer.
 */
bool bfs_raw_signal(const struct bfs_raw_call *c, long *result);
bool bfs_raw_process(const struct bfs_raw_call *c, long *result);
/* sigaltstack, to be worked at. */
long bfs_raw_sigaltstack(const struct bfs_raw_call *c);

/* A SIGSYS that is none of ours: for the program. */
void bfs_raw_forward(siginfo_t *info, ucontext_t *u);
/* Take the signal.  0 or -errno; *restorer: how libc returns from it. */
int bfs_raw_handle(void (*handler)(int, siginfo_t *, void *), void **restorer);

/*
 * The place to work at (raw_frame.c).
 */
void bfs_raw_frames_init(void *restorer);
/* This thread's, unless it has them. */
void bfs_raw_frames_make(void);
/* work(u), where there is room for it; then the program goes on as u says.
 * Returns only if no room could be had: after work(u). */
void bfs_raw_work(ucontext_t *u, void (*work)(ucontext_t *u));
/* Return by a signal's frame: where its ucontext_t is. */
_Noreturn void bfs_raw_return(const void *frame);

#endif
