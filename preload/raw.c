/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/raw.h"

#include "core/log.h"
#include "core/sys.h"
#include "preload/count.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/state.h"

#include <asm/prctl.h>
#include <link.h>
#include <linux/prctl.h>
#include <string.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

/* Executable code of one object. */
struct text {
	uintptr_t within; /* an address in it */
	uintptr_t start, len;
};

bool bfs_raw_on;
static struct text libc, loader;

static bool is_in(const struct text *t, uintptr_t address)
{
	return address - t->start < t->len;
}

static int find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct text *t = arg;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		struct text is = { t->within, info->dlpi_addr + p->p_vaddr,
				   p->p_memsz };

		if (p->p_type == PT_LOAD && (p->p_flags & PF_X) &&
		    is_in(&is, t->within)) {
			*t = is;
			return 1;
		}
	}
	return 0;
}

/* bfs_gate: as bfs_sys6, but by an instruction in libc. */
static long call_libc(long n, long a, long b, long c, long d, long e, long f)
{
	int saved = errno;
	long r = REAL(syscall)(n, a, b, c, d, e, f);

	if (r == -1)
		r = -errno;
	errno = saved;
	return r;
}

long bfs_raw_pass(const struct bfs_raw_call *c)
{
	const long *a = c->a;

	return call_libc(c->n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

uintptr_t bfs_raw_sp(const struct bfs_raw_call *c)
{
	return (uintptr_t)c->u->uc_mcontext.gregs[REG_RSP];
}

/*
 * It takes libc's thread block away, without which neither libc nor we can
 * run.  It is repeated unarmed.
 */
static void leave_alone(const struct bfs_raw_call *c)
{
	static _Atomic bool told;

	if (!atomic_exchange(&told, true))
		bfs_log(error, "a thread leaves the C library: its system "
			       "calls cannot be served");
	bfs_raw_disarm();
	c->u->uc_mcontext.gregs[REG_RIP] -= 2;
}

struct attempt {
	const struct bfs_raw_call *c;
	long result;
};

static long try_ours(void *arg)
{
	struct attempt *t = arg;

	return bfs_syscall(t->c->n, t->c->a, &t->result);
}

/* UCX is loaded at the first contact: not while the loader is at work. */
static bool may_be_ours(const struct bfs_raw_call *c)
{
	return !bfs_settings.ucx ||
	       !is_in(&loader, (uintptr_t)c->u->uc_mcontext.gregs[REG_RIP]);
}

static long answer(const struct bfs_raw_call *c)
{
	struct attempt t = { .c = c };

	if (c->n == SYS_arch_prctl && c->a[0] == ARCH_SET_FS) {
		leave_alone(c);
		return c->n; /* to be repeated */
	}
	if (bfs_raw_signal(c, &t.result) || bfs_raw_process(c, &t.result))
		return t.result;
	if (may_be_ours(c) &&
	    bfs_raw_stack_run(try_ours, &t, bfs_raw_sp(c), &c->u->uc_stack))
		return t.result;
	return bfs_raw_pass(c);
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	greg_t *g = u->uc_mcontext.gregs;
	int saved = errno;

	if (info->si_code == SYS_USER_DISPATCH) {
		struct bfs_raw_call c = { g[REG_RAX],
					  { g[REG_RDI], g[REG_RSI], g[REG_RDX],
					    g[REG_R10], g[REG_R8], g[REG_R9] },
					  u };

		g[REG_RAX] = answer(&c);
	} else {
		bfs_raw_forward(info, u);
	}
	errno = saved;
}

static int dispatch(long mode)
{
	bool on = mode == PR_SYS_DISPATCH_ON;

	return (int)bfs_sys_5(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, mode,
			      on ? libc.start : 0, on ? libc.len : 0, 0);
}

void bfs_raw_disarm(void)
{
	dispatch(PR_SYS_DISPATCH_OFF);
}

void bfs_raw_arm(void)
{
	uint64_t set = 1ull << (SIGSYS - 1);

	bfs_raw_stack_make();
	bfs_sys_4(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8);
	if (dispatch(PR_SYS_DISPATCH_ON))
		bfs_log(error, "cannot catch the calls of a new thread");
}

static bool wanted(void)
{
	const char *v = getenv("BENCHFS_SYSCALLS");

	return v && (!strcmp(v, "1") || !strcmp(v, "true") ||
		     !strcmp(v, "yes") || !strcmp(v, "on"));
}

static int start(void)
{
	int e;

	libc.within = (uintptr_t)REAL(syscall);
	loader.within = (uintptr_t)dlsym(RTLD_DEFAULT, "_dl_mcount");
	dl_iterate_phdr(find_text, &libc);
	if (loader.within)
		dl_iterate_phdr(find_text, &loader);
	if (!libc.len)
		return -ENOTSUP;
	e = dispatch(PR_SYS_DISPATCH_OFF); /* does this kernel know it? */
	return e ? e : bfs_raw_handle(on_sigsys);
}

void bfs_raw_init(void)
{
	int e;

	if (!wanted())
		return;
	e = start();
	if (e) {
		bfs_log(error,
			"BENCHFS_SYSCALLS: this system cannot catch calls "
			"past the C library (%s)",
			strerrorname_np(-e));
		return;
	}
	bfs_raw_stack_init();
	bfs_gate = call_libc;
	bfs_raw_on = true;
	bfs_raw_arm();
}
