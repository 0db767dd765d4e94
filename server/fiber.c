/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/fiber.h"

#include "core/util.h"

#include <errno.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#define STACK (256u << 10)
#define GUARD 4096u
#define FIBERS 16384 /* two mappings each */
#define POOLED 64    /* stacks that are kept */

struct bfs_fiber {
	ucontext_t context;
	void (*fn)(void *arg);
	void *arg;
	void *map;
	struct bfs_fiber *next; /* in the pool, or among those to go on */
	bool ended, suspended;
	void *sanitizer; /* its name for this stack */
};

/* The stack that everything else runs on, and who runs now. */
static struct {
	ucontext_t loop;
	struct bfs_fiber *running;
	struct bfs_fiber *pool;
	struct bfs_fiber *first, *last; /* go on when the running one stops */
	unsigned count, pooled;
	void *sanitizer;
	const void *bottom; /* of the loop's stack, for ASan */
	size_t size;
} all;

/* Sanitizers have to know which stack they look at. */
static void leave_loop(struct bfs_fiber *to)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&all.sanitizer, (char *)to->map + GUARD,
				       STACK);
#endif
#ifdef __SANITIZE_THREAD__
	all.sanitizer = __tsan_get_current_fiber();
	if (!to->sanitizer)
		to->sanitizer = __tsan_create_fiber(0);
	__tsan_switch_to_fiber(to->sanitizer, 0);
#endif
}

static void back_in_loop(void)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(all.sanitizer, NULL, NULL);
#endif
}

static void leave_fiber(struct bfs_fiber *f)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&f->sanitizer, all.bottom, all.size);
#endif
#ifdef __SANITIZE_THREAD__
	__tsan_switch_to_fiber(all.sanitizer, 0);
#endif
}

static void in_fiber(struct bfs_fiber *f)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(f->sanitizer, &all.bottom, &all.size);
#endif
}

static void destroy(struct bfs_fiber *f)
{
#ifdef __SANITIZE_THREAD__
	if (f->sanitizer)
		__tsan_destroy_fiber(f->sanitizer);
#endif
#ifdef __SANITIZE_ADDRESS__
	__asan_unpoison_memory_region((char *)f->map + GUARD, STACK);
#endif
	munmap(f->map, GUARD + STACK);
}

static void switch_to_loop(struct bfs_fiber *f)
{
	leave_fiber(f);
	swapcontext(&f->context, &all.loop);
	in_fiber(f);
}

/* A stack serves one function after the other. */
static void fiber_main(void)
{
	struct bfs_fiber *f = all.running;

	in_fiber(f);
	for (;;) {
		f->fn(f->arg);
		f->ended = true;
		switch_to_loop(f);
	}
}

static struct bfs_fiber *make(void)
{
	char *map = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	struct bfs_fiber *f;

	if (map == MAP_FAILED)
		return NULL;
	f = (struct bfs_fiber *)(map + GUARD + STACK) - 1;
	if (mprotect(map, GUARD, PROT_NONE) || getcontext(&f->context)) {
		munmap(map, GUARD + STACK);
		return NULL;
	}
	f->map = map;
	f->context.uc_stack.ss_sp = map + GUARD;
	f->context.uc_stack.ss_size = STACK - sizeof(*f);
	f->context.uc_link = NULL;
	makecontext(&f->context, fiber_main, 0);
	return f;
}

static struct bfs_fiber *get(void)
{
	struct bfs_fiber *f = all.pool;

	if (all.count == FIBERS)
		return NULL;
	if (f) {
		all.pool = f->next;
		all.pooled--;
	} else {
		f = make();
	}
	if (f)
		all.count++;
	return f;
}

static void put(struct bfs_fiber *f)
{
	all.count--;
	if (all.pooled == POOLED) {
		destroy(f);
		return;
	}
	f->next = all.pool;
	all.pool = f;
	all.pooled++;
}

static void enter(struct bfs_fiber *f)
{
	all.running = f;
	leave_loop(f);
	swapcontext(&all.loop, &f->context);
	back_in_loop();
	all.running = NULL;
	if (f->ended)
		put(f);
}

/* Now, if we are on the loop's stack, and then those that waited for it. */
static void go(struct bfs_fiber *f)
{
	f->next = NULL;
	if (all.first)
		all.last->next = f;
	else
		all.first = f;
	all.last = f;
	if (all.running)
		return;
	while ((f = all.first)) {
		all.first = f->next;
		enter(f);
	}
}

int bfs_fiber_run(void (*fn)(void *arg), void *arg)
{
	struct bfs_fiber *f = get();

	if (!f)
		return -ENOMEM;
	f->fn = fn;
	f->arg = arg;
	f->ended = f->suspended = false;
	go(f);
	return 0;
}

struct bfs_fiber *bfs_fiber_self(void)
{
	return all.running;
}

void bfs_fiber_suspend(void)
{
	struct bfs_fiber *f = all.running;

	f->suspended = true;
	switch_to_loop(f);
}

void bfs_fiber_resume(struct bfs_fiber *f)
{
	if (!f->suspended)
		abort(); /* it runs, or will already */
	f->suspended = false;
	go(f);
}

void *bfs_fiber_arg(void (*fn)(void *arg))
{
	return all.running && all.running->fn == fn ? all.running->arg : NULL;
}

unsigned bfs_fiber_count(void)
{
	return all.count;
}
