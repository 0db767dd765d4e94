/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System calls without libc: no errno, no cancellation point, and no way back
 * into our own hooks, which take over libc's names in every process that this
 * code is preloaded into.  Each returns the result or -errno.  x86-64 only.
 * Async-signal-safe, any thread.
 */
#ifndef BFS_SYS_H
#define BFS_SYS_H

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/*
 * Another way to make them, for a process in which those from here are caught
 * (preload/raw.h); NULL: from here.  Weak, so that each of the libraries that
 * are made of this code has its own.
 */
typedef long bfs_gate_fn(long n, long a, long b, long c, long d, long e,
			 long f);
__attribute__((weak, visibility("hidden"))) bfs_gate_fn *bfs_gate;

static inline long bfs_sys6(long n, long a, long b, long c, long d, long e,
			    long f)
{
	if (__builtin_expect(!!bfs_gate, 0))
		return bfs_gate(n, a, b, c, d, e, f);

	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

#define BFS_SYS_ARG(x) ((long)(x))
#define bfs_sys_0(n) bfs_sys6(n, 0, 0, 0, 0, 0, 0)
#define bfs_sys_1(n, a) bfs_sys6(n, BFS_SYS_ARG(a), 0, 0, 0, 0, 0)
#define bfs_sys_2(n, a, b) \
	bfs_sys6(n, BFS_SYS_ARG(a), BFS_SYS_ARG(b), 0, 0, 0, 0)
#define bfs_sys_3(n, a, b, c) \
	bfs_sys6(n, BFS_SYS_ARG(a), BFS_SYS_ARG(b), BFS_SYS_ARG(c), 0, 0, 0)
#define bfs_sys_4(n, a, b, c, d) \
	bfs_sys6(n, BFS_SYS_ARG(a), BFS_SYS_ARG(b), BFS_SYS_ARG(c), \
		 BFS_SYS_ARG(d), 0, 0)
#define bfs_sys_5(n, a, b, c, d, e) \
	bfs_sys6(n, BFS_SYS_ARG(a), BFS_SYS_ARG(b), BFS_SYS_ARG(c), \
		 BFS_SYS_ARG(d), BFS_SYS_ARG(e), 0)
#define bfs_sys_6(n, a, b, c, d, e, f) \
	bfs_sys6(n, BFS_SYS_ARG(a), BFS_SYS_ARG(b), BFS_SYS_ARG(c), \
		 BFS_SYS_ARG(d), BFS_SYS_ARG(e), BFS_SYS_ARG(f))

static inline int bfs_sys_close(int fd)
{
	return (int)bfs_sys_1(SYS_close, fd);
}

static inline int bfs_sys_openat(int dir, const char *path, int flags,
				 mode_t mode)
{
	return (int)bfs_sys_4(SYS_openat, dir, path, flags, mode);
}

static inline int bfs_sys_fcntl(int fd, int cmd, long arg)
{
	return (int)bfs_sys_3(SYS_fcntl, fd, cmd, arg);
}

static inline int64_t bfs_sys_lseek(int fd, int64_t offset, int whence)
{
	return bfs_sys_3(SYS_lseek, fd, offset, whence);
}

static inline int bfs_sys_fstat(int fd, struct stat *st)
{
	return (int)bfs_sys_2(SYS_fstat, fd, st);
}

static inline int bfs_sys_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return (int)bfs_sys_3(SYS_sendmsg, fd, m, flags);
}

static inline int bfs_sys_recvmsg(int fd, struct msghdr *m, int flags)
{
	return (int)bfs_sys_3(SYS_recvmsg, fd, m, flags);
}

/* The address, or -errno in the last page, as the kernel answers. */
static inline long bfs_sys_mmap(void *addr, size_t len, int prot, int flags,
				int fd, int64_t offset)
{
	return bfs_sys_6(SYS_mmap, addr, len, prot, flags, fd, offset);
}

static inline int bfs_sys_munmap(void *addr, size_t len)
{
	return (int)bfs_sys_2(SYS_munmap, addr, len);
}

/* ms < 0: no limit. */
static inline int bfs_sys_poll1(int fd, short events, int ms)
{
	struct pollfd p = { fd, events, 0 };
	int r = (int)bfs_sys_3(SYS_poll, &p, 1, ms);

	return r > 0 ? p.revents : r;
}

static inline int bfs_sys_futex_wait(_Atomic uint32_t *word, uint32_t value,
				     uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000u),
			      (long)(ns % 1000000000u) };

	return (int)bfs_sys_4(SYS_futex, word, FUTEX_WAIT, value, &t);
}

static inline int bfs_sys_futex_wake(_Atomic uint32_t *word, int count)
{
	return (int)bfs_sys_3(SYS_futex, word, FUTEX_WAKE, count);
}

/*
 * Blocks everything but what cannot wait: faults (SIGSYS is one where calls
 * are caught), and libc's own signals 32 and 33 (a thread made meanwhile would
 * keep them blocked, and setuid() waits for every thread to take one).  *old is
 * to be restored.
 */
#define BFS_SYS_BLOCKED \
	(~(uint64_t)(1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | \
		     1ull << (SIGFPE - 1) | 1ull << (SIGILL - 1) | \
		     1ull << (SIGSYS - 1) | 1ull << 31 | 1ull << 32))

static inline void bfs_sys_block_signals(uint64_t *old)
{
	uint64_t all = BFS_SYS_BLOCKED;

	bfs_sys_4(SYS_rt_sigprocmask, SIG_BLOCK, &all, old, 8);
}

static inline void bfs_sys_restore_signals(const uint64_t *old)
{
	bfs_sys_4(SYS_rt_sigprocmask, SIG_SETMASK, old, NULL, 8);
}

/* Does a system call end at that signal?  Not if nobody hears it, or if its
 * handler wants calls to go on. */
static inline bool bfs_sys_interrupts(int sig)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} a = { SIG_DFL, 0, NULL, 0 };

	bfs_sys_4(SYS_rt_sigaction, sig, NULL, &a, 8);
	return a.handler != SIG_DFL && a.handler != SIG_IGN &&
	       !(a.flags & SA_RESTART);
}

/* All signals are blocked that are not in *signals: deliver what waits.  Does
 * any of it end a system call? */
static inline bool bfs_sys_let_signals_in(const uint64_t *signals)
{
	uint64_t pending = 0, all;
	bool ends = false;

	bfs_sys_2(SYS_rt_sigpending, &pending, 8);
	pending &= ~*signals;
	if (!pending)
		return false;
	for (int sig = 1; sig <= 64; sig++)
		if (pending & 1ull << (sig - 1))
			ends |= bfs_sys_interrupts(sig);
	bfs_sys_restore_signals(signals);
	bfs_sys_block_signals(&all);
	return ends;
}

#endif
