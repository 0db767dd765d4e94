/* SPDX-License-Identifier: BSD-3-Clause */
/* System calls by the program's own instruction. */
#ifndef BFS_TEST_RAW_H
#define BFS_TEST_RAW_H

#include <sys/syscall.h>

static inline __attribute__((always_inline)) long
raw6(long n, long a, long b, long c, long d, long e, long f)
{
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

#define RAW0(name) raw6(SYS_##name, 0, 0, 0, 0, 0, 0)
#define RAW1(name, a) raw6(SYS_##name, (long)(a), 0, 0, 0, 0, 0)
#define RAW2(name, a, b) raw6(SYS_##name, (long)(a), (long)(b), 0, 0, 0, 0)
#define RAW3(name, a, b, c) \
	raw6(SYS_##name, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define RAW4(name, a, b, c, d) \
	raw6(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define RAW5(name, a, b, c, d, e) \
	raw6(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), \
	     (long)(e), 0)
#define RAW6(name, a, b, c, d, e, f) \
	raw6(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), \
	     (long)(e), (long)(f))

#endif
