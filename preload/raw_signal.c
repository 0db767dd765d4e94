/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signals where calls are caught: SIGSYS is never blocked, its handler is
 * ours, and the program's own is kept here.  What a caught call changes of its
 * thread's signal state goes into the frame that the handler returns by.
 */
#include "core/sys.h"
#include "preload/count.h"
#include "preload/ops.h"
#include "preload/raw.h"
#include "preload/real.h"

#include <string.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define SIGSYS_BIT (1ull << (SIGSYS - 1))

/* The kernel's struct sigaction. */
struct action {
	void *handler;
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};

static struct action theirs; /* for SIGSYS */

int bfs_raw_handle(void (*handler)(int, siginfo_t *, void *), void **restorer)
{
	struct sigaction a = { .sa_sigaction = handler,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK |
					   SA_NODEFER | SA_RESTART };
	struct action k;
	int e = (int)bfs_sys_4(SYS_rt_sigaction, SIGSYS, NULL, &theirs, 8);

	if (!e && REAL(sigaction)(SIGSYS, &a, NULL))
		e = -errno;
	if (!e)
		e = (int)bfs_sys_4(SYS_rt_sigaction, SIGSYS, NULL, &k, 8);
	if (!e)
		*restorer = k.restorer;
	return e;
}

static void exchange(const struct action *act, struct action *old)
{
	struct action was = theirs;

	if (act)
		theirs = *act;
	if (old)
		*old = was;
}

/* As the kernel would without us. */
void bfs_raw_forward(siginfo_t *info, ucontext_t *u)
{
	struct action a = theirs, dfl = { .handler = (void *)SIG_DFL };
	uint64_t was;

	if (a.handler == (void *)SIG_IGN)
		return;
	if (a.handler == (void *)SIG_DFL) {
		bfs_sys_4(SYS_rt_sigaction, SIGSYS, &dfl, NULL, 8);
		bfs_sys_3(SYS_tgkill, bfs_sys_0(SYS_getpid),
			  bfs_sys_0(SYS_gettid), SIGSYS);
		return;
	}
	if (a.flags & SA_RESETHAND)
		theirs = dfl;
	a.mask &= ~SIGSYS_BIT;
	bfs_sys_4(SYS_rt_sigprocmask, SIG_BLOCK, &a.mask, &was, 8);
	((void (*)(int, siginfo_t *, void *))a.handler)(SIGSYS, info, u);
	bfs_sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &was, NULL, 8);
}

static long set_action(const struct bfs_raw_call *c)
{
	const struct action *act = (const struct action *)c->a[1];
	struct bfs_raw_call copy = *c;
	struct action without;

	if (c->a[3] != 8)
		return -EINVAL;
	if (c->a[0] == SIGSYS) {
		exchange(act, (struct action *)c->a[2]);
		return 0;
	}
	if (act) {
		without = *act;
		without.mask &= ~SIGSYS_BIT;
		copy.a[1] = (long)&without;
	}
	return bfs_raw_pass(&copy);
}

/* In force when the handler returns. */
static long set_mask(const struct bfs_raw_call *c)
{
	uint64_t *now = (uint64_t *)&c->u->uc_sigmask, was = *now;
	const uint64_t *set = (const uint64_t *)c->a[1];

	if (c->a[3] != 8)
		return -EINVAL;
	if (set && c->a[0] == SIG_BLOCK)
		*now = was | *set;
	else if (set && c->a[0] == SIG_UNBLOCK)
		*now = was & ~*set;
	else if (set && c->a[0] == SIG_SETMASK)
		*now = *set;
	else if (set)
		return -EINVAL;
	*now &= ~SIGSYS_BIT;
	if (c->a[2])
		*(uint64_t *)c->a[2] = was;
	return 0;
}

/*
 * The kernel refuses to change the stack that one is on, so this is called
 * from elsewhere.  The frame's has to agree: it is set at the return.
 */
long bfs_raw_sigaltstack(const struct bfs_raw_call *c)
{
	const stack_t *set = (const stack_t *)c->a[0];
	stack_t *now = &c->u->uc_stack, was = *now;
	bool on = bfs_raw_sp(c) - (uintptr_t)was.ss_sp < was.ss_size;
	long e = 0;

	if (set && on)
		return -EPERM;
	if (set)
		e = bfs_sys_2(SYS_sigaltstack, set, NULL);
	if (e)
		return e;
	if (set && (set->ss_flags & SS_DISABLE))
		*now = (stack_t){ .ss_flags = set->ss_flags };
	else if (set)
		*now = *set;
	if (c->a[1]) {
		was.ss_flags &= (int)SS_AUTODISARM;
		was.ss_flags |= !was.ss_size ? SS_DISABLE : on ? SS_ONSTACK : 0;
		*(stack_t *)c->a[1] = was;
	}
	return 0;
}

/* A mask for the time of one call, the argument number i. */
static long with_mask(const struct bfs_raw_call *c, int i)
{
	struct bfs_raw_call copy = *c;
	uint64_t mask;

	if (c->a[i]) {
		mask = *(const uint64_t *)c->a[i] & ~SIGSYS_BIT;
		copy.a[i] = (long)&mask;
	}
	return bfs_raw_pass(&copy);
}

static long with_pselect_mask(const struct bfs_raw_call *c)
{
	struct {
		const uint64_t *mask;
		size_t size;
	} arg;
	struct bfs_raw_call copy = *c;
	uint64_t mask;

	if (c->a[5]) {
		memcpy(&arg, (void *)c->a[5], sizeof(arg));
		copy.a[5] = (long)&arg;
		if (arg.mask) {
			mask = *arg.mask & ~SIGSYS_BIT;
			arg.mask = &mask;
		}
	}
	return bfs_raw_pass(&copy);
}

bool bfs_raw_signal(const struct bfs_raw_call *c, long *result)
{
	switch (c->n) {
	case SYS_rt_sigreturn: /* by the program's own frame */
		bfs_raw_return((void *)bfs_raw_sp(c));
	case SYS_rt_sigaction:
		*result = set_action(c);
		return true;
	case SYS_rt_sigprocmask:
		*result = set_mask(c);
		return true;
	case SYS_rt_sigsuspend:
		*result = with_mask(c, 0);
		return true;
	case SYS_ppoll:
		*result = with_mask(c, 3);
		return true;
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		*result = with_mask(c, 4);
		return true;
	case SYS_pselect6:
		*result = with_pselect_mask(c);
		return true;
	default:
		return false;
	}
}

/* libc's functions. */
int bfs_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction without;
	struct action k, was;

	bfs_count_foreign();
	if (sig != SIGSYS) {
		if (act) {
			without = *act;
			sigdelset(&without.sa_mask, SIGSYS);
		}
		return (int)bfs_ret(
			REAL(sigaction)(sig, act ? &without : NULL, old));
	}
	if (act) {
		k = (struct action){ .handler = (void *)act->sa_sigaction,
				     .flags = (uint64_t)act->sa_flags };
		memcpy(&k.mask, &act->sa_mask, sizeof(k.mask));
	}
	exchange(act ? &k : NULL, &was);
	if (old) {
		memset(old, 0, sizeof(*old));
		memcpy(&old->sa_sigaction, &was.handler, sizeof(was.handler));
		old->sa_flags = (int)was.flags;
		memcpy(&old->sa_mask, &was.mask, sizeof(was.mask));
	}
	return 0;
}

sighandler_t bfs_signal(int sig, sighandler_t handler)
{
	struct action k = { .handler = (void *)handler, .flags = SA_RESTART };

	bfs_count_foreign();
	if (sig != SIGSYS)
		return REAL(signal)(sig, handler);
	exchange(&k, &k);
	return (sighandler_t)k.handler;
}

static const sigset_t *harmless(int how, const sigset_t *set, sigset_t *copy)
{
	if (!set || how == SIG_UNBLOCK)
		return set;
	*copy = *set;
	sigdelset(copy, SIGSYS);
	return copy;
}

int bfs_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	bfs_count_foreign();
	return (int)bfs_ret(
		REAL(sigprocmask)(how, harmless(how, set, &copy), old));
}

int bfs_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	bfs_count_foreign();
	return REAL(pthread_sigmask)(how, harmless(how, set, &copy), old);
}

int bfs_sigsuspend(const sigset_t *set)
{
	sigset_t copy;

	bfs_count_foreign();
	return (int)bfs_ret(
		REAL(sigsuspend)(harmless(SIG_SETMASK, set, &copy)));
}
