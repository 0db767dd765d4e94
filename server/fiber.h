/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stacks of their own for handlers that wait for another daemon.  A fiber runs
 * until it suspends itself or ends; nothing ever interrupts it.  Owner thread
 * only.
 */
#ifndef BFS_FIBER_H
#define BFS_FIBER_H

#include <stdbool.h>

/* A handler's result, as -errno: "run me again, on a fiber".  It has changed
 * nothing. */
#define BFS_NEED_FIBER 4098

struct bfs_fiber;

/*
 * Run fn(arg) on a stack of 256 KiB.  From the loop's stack: at once, and
 * returns when fn has ended or suspends.  From a fiber: as soon as that one
 * suspends or ends.  0 or -ENOMEM.
 */
int bfs_fiber_run(void (*fn)(void *arg), void *arg);
/* NULL: on the loop's own stack. */
struct bfs_fiber *bfs_fiber_self(void);
/* Until somebody resumes this fiber. */
void bfs_fiber_suspend(void);
/*
 * f has suspended itself and goes on.  From the loop's stack: at once, and
 * returns when f has ended or suspends again.  From a fiber: as soon as that
 * one suspends or ends.
 */
void bfs_fiber_resume(struct bfs_fiber *f);
/* What the running fiber was started with, if it runs fn; else NULL. */
void *bfs_fiber_arg(void (*fn)(void *arg));
/* Fibers that have not ended. */
unsigned bfs_fiber_count(void);

#endif
