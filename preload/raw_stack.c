/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stacks for calls that were caught: those that programs give to their signal
 * handlers are too small for our work.  Each thread has a few, one above the
 * other, for a call that is caught while one is under way, in a handler.
 */
#include "core/sys.h"
#include "preload/raw.h"

#include <pthread.h>

#define PAGE 4096
#define STACK (160 << 10) /* with a page at its end that catches overflow */
#define STACKS 4

static __thread struct {
	char *base;
	unsigned used;
} own;
static pthread_key_t at_exit;

static void drop(void *base)
{
	own.base = NULL;
	bfs_sys_munmap(base, STACKS * STACK);
}

void bfs_raw_stack_init(void)
{
	if (pthread_key_create(&at_exit, drop))
		at_exit = 0;
}

void bfs_raw_stack_make(void)
{
	long p;

	if (own.base)
		return;
	p = bfs_sys_mmap(
		NULL, STACKS * STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (p < 0 && p > -4096)
		return; /* the program's will have to do */
	for (int i = 0; i < STACKS; i++)
		bfs_sys_3(SYS_mprotect, p + i * STACK, PAGE, PROT_NONE);
	own.base = (char *)p;
	own.used = 0;
	pthread_setspecific(at_exit, own.base);
}

static bool within(uintptr_t sp, const void *base, size_t size)
{
	return base && sp - (uintptr_t)base < size;
}

static long run_on(char *top, long (*fn)(void *arg), void *arg)
{
	long r;

	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %[top], %%rsp\n\t"
			 "call *%[fn]\n\t"
			 "movq %%rbx, %%rsp"
			 : "=a"(r), "+D"(arg)
			 : [top] "r"(top), [fn] "r"(fn)
			 : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
			   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
			   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
			   "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
	return r;
}

long bfs_raw_stack_run(long (*fn)(void *arg), void *arg, uintptr_t sp,
		       const stack_t *alternate)
{
	unsigned used = own.used;
	long r;

	/* A handler may have jumped out of calls: none is under way if the
	 * program is on its ordinary stack. */
	if (!within(sp, own.base, STACKS * STACK) &&
	    !within(sp, alternate->ss_sp, alternate->ss_size))
		used = 0;
	if (!own.base || used == STACKS)
		return fn(arg);
	own.used = used + 1;
	r = run_on(own.base + (size_t)(used + 1) * STACK, fn, arg);
	own.used = used;
	return r;
}
