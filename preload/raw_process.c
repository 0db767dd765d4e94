/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * New threads and processes where calls are caught.  The kernel does not arm
 * them; those that run on libc's ground arm themselves.
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/raw.h"
#include "preload/real.h"

#include <linux/sched.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <threads.h>

#define RED_ZONE 128

/* On the stack of a thread that a raw clone makes: where it is to go on. */
struct image {
	uint64_t mask; /* of its signals */
	greg_t rbx, rbp, r12, r13, r14, r15;
	greg_t rdi, rsi, rdx, r10, r8, r9;
	greg_t rip, rsp;
};

static struct image *lay_out(const struct bfs_raw_call *c, uintptr_t sp)
{
	const greg_t *g = c->u->uc_mcontext.gregs;
	struct image *i =
		(struct image *)((sp - RED_ZONE - sizeof(*i)) & ~15ul);

	*i = (struct image){
		.rbx = g[REG_RBX],
		.rbp = g[REG_RBP],
		.r12 = g[REG_R12],
		.r13 = g[REG_R13],
		.r14 = g[REG_R14],
		.r15 = g[REG_R15],
		.rdi = g[REG_RDI],
		.rsi = g[REG_RSI],
		.rdx = g[REG_RDX],
		.r10 = g[REG_R10],
		.r8 = g[REG_R8],
		.r9 = g[REG_R9],
		.rip = g[REG_RIP],
		.rsp = (greg_t)sp,
	};
	memcpy(&i->mask, &c->u->uc_sigmask, sizeof(i->mask));
	return i;
}

#define OFFSET(member) [member] "i"(offsetof(struct image, member))

/* The call itself.  The child, whose stack pointer is at its image, takes that
 * up; it touches no thread-local memory, which may be its parent's. */
static long start_thread(const struct bfs_raw_call *c)
{
	register long r10 __asm__("r10") = c->a[3];
	register long r8 __asm__("r8") = c->a[4];
	register long r9 __asm__("r9") = c->a[5];
	long r;

	__asm__ volatile(
		"syscall\n\t"
		"testq %%rax, %%rax\n\t"
		"jnz 1f\n\t"
		"movl %[mprocmask], %%eax\n\t"
		"movl %[setmask], %%edi\n\t"
		"leaq %c[mask](%%rsp), %%rsi\n\t"
		"xorl %%edx, %%edx\n\t"
		"movl $8, %%r10d\n\t"
		"syscall\n\t"
		"movq %c[rbx](%%rsp), %%rbx\n\t"
		"movq %c[rbp](%%rsp), %%rbp\n\t"
		"movq %c[r12](%%rsp), %%r12\n\t"
		"movq %c[r13](%%rsp), %%r13\n\t"
		"movq %c[r14](%%rsp), %%r14\n\t"
		"movq %c[r15](%%rsp), %%r15\n\t"
		"movq %c[rdi](%%rsp), %%rdi\n\t"
		"movq %c[rsi](%%rsp), %%rsi\n\t"
		"movq %c[rdx](%%rsp), %%rdx\n\t"
		"movq %c[r10](%%rsp), %%r10\n\t"
		"movq %c[r8](%%rsp), %%r8\n\t"
		"movq %c[r9](%%rsp), %%r9\n\t"
		"movq %c[rip](%%rsp), %%rcx\n\t"
		"movq %c[rsp](%%rsp), %%rsp\n\t"
		"xorl %%eax, %%eax\n\t"
		"jmp *%%rcx\n"
		"1:"
		: "=a"(r)
		: "a"(c->n), "D"(c->a[0]), "S"(c->a[1]), "d"(c->a[2]), "r"(r10),
		  "r"(r8), "r"(r9), [mprocmask] "i"(SYS_rt_sigprocmask),
		  [setmask] "i"(SIG_SETMASK), OFFSET(mask), OFFSET(rbx),
		  OFFSET(rbp), OFFSET(r12), OFFSET(r13), OFFSET(r14),
		  OFFSET(r15), OFFSET(rdi), OFFSET(rsi), OFFSET(rdx),
		  OFFSET(r10), OFFSET(r8), OFFSET(r9), OFFSET(rip), OFFSET(rsp)
		: "rcx", "r11", "memory");
	return r;
}

/*
 * Not from libc's code, since the child must not return there; so not armed.
 * The child stays so: it need not be libc's thread.
 */
static long with_stack(struct bfs_raw_call *c)
{
	uint64_t signals;
	long r;

	bfs_fd_share_all();
	bfs_sys_block_signals(&signals);
	bfs_raw_disarm();
	r = start_thread(c);
	bfs_raw_arm();
	bfs_sys_restore_signals(&signals);
	return r;
}

/* With memory of its own it is a fork; it goes on in its copy of this. */
static long forked(long r)
{
	if (r == 0)
		bfs_raw_arm();
	return r;
}

/* A child that borrows our memory and stack gets its own (RULES 6). */
#define BORROWS (CLONE_VM | CLONE_VFORK)

static long do_clone(const struct bfs_raw_call *c)
{
	unsigned long flags = (unsigned long)c->a[0];
	struct bfs_raw_call copy = *c;

	if (c->a[1] && (flags & CLONE_VM)) {
		copy.a[1] = (long)lay_out(c, (uintptr_t)c->a[1]);
		return with_stack(&copy);
	}
	if (flags == SIGCHLD)
		return bfs__Fork();
	if (flags == (BORROWS | SIGCHLD))
		return bfs_vfork();
	copy.a[0] &= ~(long)BORROWS;
	bfs_fd_share_all();
	return forked(bfs_raw_pass(&copy));
}

static long do_clone3(const struct bfs_raw_call *c)
{
	struct bfs_raw_call copy = *c;
	struct clone_args args = { 0 };
	size_t size = (size_t)c->a[1];
	struct image *i;

	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (size > sizeof(args))
		return -E2BIG;
	memcpy(&args, (void *)c->a[0], size);
	copy.a[0] = (long)&args;
	if (args.stack && (args.flags & CLONE_VM)) {
		i = lay_out(c, args.stack + args.stack_size);
		args.stack_size = (uint64_t)i - args.stack;
		return with_stack(&copy);
	}
	if (args.flags == BORROWS && args.exit_signal == SIGCHLD)
		return bfs_vfork();
	args.flags &= ~(uint64_t)BORROWS;
	bfs_fd_share_all();
	return forked(bfs_raw_pass(&copy));
}

bool bfs_raw_process(const struct bfs_raw_call *c, long *result)
{
	switch (c->n) {
	case SYS_fork:
		*result = bfs__Fork();
		return true;
	case SYS_vfork:
		*result = bfs_vfork();
		return true;
	case SYS_clone:
		*result = do_clone(c);
		return true;
	case SYS_clone3:
		*result = do_clone3(c);
		return true;
	default:
		return false;
	}
}

/* libc's threads. */
struct begin {
	void *(*fn)(void *);
	int (*thrd)(void *); /* or this */
	void *arg;
};

static void *begin(void *arg)
{
	struct begin b = *(struct begin *)arg;

	free(arg);
	bfs_raw_arm();
	return b.fn ? b.fn(b.arg) : (void *)(intptr_t)b.thrd(b.arg);
}

static int begin_thrd(void *arg)
{
	return (int)(intptr_t)begin(arg);
}

int bfs_pthread_create(pthread_t *id, const pthread_attr_t *attr,
		       void *(*fn)(void *), void *arg)
{
	struct begin *b = malloc(sizeof(*b));
	int e;

	bfs_count_foreign();
	if (!b)
		return EAGAIN;
	*b = (struct begin){ .fn = fn, .arg = arg };
	e = REAL(pthread_create)(id, attr, begin, b);
	if (e)
		free(b);
	return e;
}

int bfs_thrd_create(thrd_t *id, thrd_start_t fn, void *arg)
{
	struct begin *b = malloc(sizeof(*b));
	int e;

	bfs_count_foreign();
	if (!b)
		return thrd_nomem;
	*b = (struct begin){ .thrd = fn, .arg = arg };
	e = REAL(thrd_create)(id, begin_thrd, b);
	if (e != thrd_success)
		free(b);
	return e;
}
