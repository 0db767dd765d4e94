/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where caught calls are worked at.  The stack that a program gives to its
 * signal handlers is too small for our work, and to leave it without a word
 * would be worse: the kernel gives it to the next signal.  So the frame of the
 * present signal moves, too: to a stack of ours, from which it is returned by.
 * Each thread has a few of them, for calls that are caught in a handler which
 * has interrupted one of ours.
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/raw.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define PAGE 4096
#define STACK (160 << 10) /* with a page at its end that catches overflow */
#define STACKS 4
/* Of a ucontext_t, what the kernel knows: 8 bytes of the signal mask. */
#define FRAME (offsetof(ucontext_t, uc_sigmask) + 8)
#define FP_MAGIC 0x46505853u /* behind the registers that all have */
#define FP_BASIC 512
#define FP_MAGIC_AT 464

/* A frame that has moved. */
struct moved {
	char frame[FRAME] __attribute__((aligned(16)));
	void (*work)(ucontext_t *u);
	uintptr_t sp;	 /* of the program */
	stack_t handler; /* what it has for its signal handlers */
	bool in_handler; /* it was there: signals are blocked until it shrinks
			  */
	uint64_t signals;
	unsigned used; /* stacks of ours, before */
	bool first;    /* no other is in use */
};

static __thread struct {
	char *base;
	unsigned used; /* of the stacks, as far as a handler can know */
} own;
static pthread_key_t at_exit;
static bool has_key;
static void *restorer;

static void drop(void *base)
{
	own.base = NULL;
	bfs_sys_munmap(base, STACKS * STACK);
}

void bfs_raw_frames_init(void *libc_restorer)
{
	restorer = libc_restorer;
	has_key = !pthread_key_create(&at_exit, drop);
}

void bfs_raw_frames_make(void)
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
	if (has_key)
		pthread_setspecific(at_exit, own.base);
}

_Noreturn void bfs_raw_return(const void *frame)
{
	__asm__ volatile("movq %0, %%rsp\n\tjmp *%1"
			 :
			 : "r"(frame), "r"(restorer)
			 : "memory");
	__builtin_unreachable();
}

static bool within(uintptr_t sp, const void *base, size_t size)
{
	return base && sp - (uintptr_t)base < size;
}

/* What lies above sp is in use, and we are not there, so the kernel would
 * begin anew. */
static void shrink(const stack_t *whole, uintptr_t sp)
{
	stack_t rest = *whole;

	rest.ss_size = (sp - (uintptr_t)whole->ss_sp - 256) & ~63ul;
	if (sp - (uintptr_t)whole->ss_sp < PAGE)
		rest = (stack_t){ .ss_flags = SS_DISABLE };
	bfs_sys_2(SYS_sigaltstack, &rest, NULL);
}

static void run(struct moved *m)
{
	uint64_t ignored;

	if (m->in_handler) {
		shrink(&m->handler, m->sp);
		bfs_sys_restore_signals(&m->signals);
	}
	m->work((ucontext_t *)m->frame);
	if (!m->first) {
		/* Until it has been returned by, nobody else may have it. */
		bfs_sys_block_signals(&ignored);
		own.used = m->used;
	}
	bfs_raw_return(m->frame);
}

_Noreturn static void run_on(struct moved *m)
{
	uintptr_t sp = (uintptr_t)m & ~15ul;

	__asm__ volatile("movq %0, %%rsp\n\tcall *%1"
			 :
			 : "r"(sp), "r"(run), "D"(m)
			 : "memory");
	__builtin_unreachable();
}

static size_t fp_size(const char *fp)
{
	uint32_t word[2]; /* magic, size */

	memcpy(word, fp + FP_MAGIC_AT, sizeof(word));
	return word[0] == FP_MAGIC ? word[1] : FP_BASIC;
}

static struct moved *move(const ucontext_t *u, char *top)
{
	const char *fp = (const char *)u->uc_mcontext.fpregs;
	struct moved *m;
	ucontext_t *to;

	if (fp) {
		top -= fp_size(fp);
		top = (char *)((uintptr_t)top & ~63ul);
		memcpy(top, fp, fp_size(fp));
	}
	m = (struct moved *)(((uintptr_t)top - sizeof(*m)) & ~63ul);
	memcpy(m->frame, u, FRAME);
	to = (ucontext_t *)m->frame;
	if (fp)
		to->uc_mcontext.fpregs = (fpregset_t)top;
	return m;
}

void bfs_raw_work(ucontext_t *u, void (*work)(ucontext_t *u))
{
	uintptr_t sp = (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
	unsigned used = own.used, level = used;
	bool in_handler = within(sp, u->uc_stack.ss_sp, u->uc_stack.ss_size);
	bool first = false;
	struct moved *m;

	if (within(sp, own.base, STACKS * STACK)) {
		level = (unsigned)((sp - (uintptr_t)own.base) / STACK) + 1;
	} else if (!in_handler) {
		/* On its ordinary stack: none of ours is in use, though
		 * handlers may have jumped out of some. */
		level = 0;
		first = true;
	}
	if (!own.base || level >= STACKS) {
		work(u);
		return;
	}
	own.used = level + 1; /* before a handler could take it, too */
	m = move(u, own.base + (level + 1) * (size_t)STACK);
	m->work = work;
	m->sp = sp;
	m->handler = u->uc_stack;
	m->used = used;
	m->first = first;
	m->in_handler = in_handler;
	if (in_handler)
		bfs_sys_block_signals(&m->signals);
	run_on(m);
}
