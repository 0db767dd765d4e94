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

/* UCX is loaded at the first contact: not while the loader is at work. */
static bool may_be_ours(const struct bfs_raw_call *c)
{
	return !bfs_settings.ucx ||
	       !is_in(&loader, (uintptr_t)c->u->uc_mcontext.gregs[REG_RIP]);
}

static struct bfs_raw_call call_of(ucontext_t *u)
{
	const greg_t *g = u->uc_mcontext.gregs;

	return (struct bfs_raw_call){ g[REG_RAX],
				      { g[REG_RDI], g[REG_RSI], g[REG_RDX],
					g[REG_R10], g[REG_R8], g[REG_R9] },
				      u };
}

/* Calls that need room. */
static bool is_work(long number)
{
	switch (number) {
#define CALL(name, ours, call) case SYS_##name:
#define CALL_N CALL
#include "preload/syscalls.def"
#undef CALL
#undef CALL_N
	case SYS_sigaltstack:
		return true;
	default:
		return false;
	}
}

static long work_at(const struct bfs_raw_call *c)
{
	long r;

	if (c->n == SYS_sigaltstack)
		return bfs_raw_sigaltstack(c);
	if (bfs_raw_process(c, &r) ||
	    (may_be_ours(c) && bfs_syscall(c->n, c->a, &r)))
		return r;
	return bfs_raw_pass(c);
}

/* Not a place to unwind a cancelled thread from. */
static void work(ucontext_t *u)
{
	struct bfs_raw_call c = call_of(u);
	int saved = errno, state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	u->uc_mcontext.gregs[REG_RAX] = work_at(&c);
	pthread_setcancelstate(state, &state);
	errno = saved;
}

static void answer(ucontext_t *u)
{
	struct bfs_raw_call c = call_of(u);
	long r;

	if (c.n == SYS_arch_prctl && c.a[0] == ARCH_SET_FS) {
		leave_alone(&c);
	} else if (is_work(c.n)) {
		bfs_raw_work(u, work);
	} else {
		if (!bfs_raw_signal(&c, &r))
			r = bfs_raw_pass(&c);
		u->uc_mcontext.gregs[REG_RAX] = r;
	}
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code == SYS_USER_DISPATCH)
		answer(context);
	else
		bfs_raw_forward(info, context);
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

	bfs_raw_frames_make();
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
	void *restorer;
	int e;

	libc.within = (uintptr_t)REAL(syscall);
	loader.within = (uintptr_t)dlsym(RTLD_DEFAULT, "_dl_mcount");
	dl_iterate_phdr(find_text, &libc);
	if (loader.within)
		dl_iterate_phdr(find_text, &loader);
	if (!libc.len)
		return -ENOTSUP;
	e = dispatch(PR_SYS_DISPATCH_OFF); /* does this kernel know it? */
	if (!e)
		e = bfs_raw_handle(on_sigsys, &restorer);
	if (!e)
		bfs_raw_frames_init(restorer);
	return e;
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
	bfs_gate = call_libc;
	bfs_raw_on = true;
	bfs_raw_arm();
}
