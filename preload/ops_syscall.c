/* SPDX-License-Identifier: BSD-3-Clause */
/* syscall(2): the numbers whose libc functions we take over (syscalls.def). */
#include "core/sys.h"
#include "preload/entry.h"
#include "preload/open.h"
#include "preload/session.h"

#include <string.h>

#define P(i) ((void *)a[i])
#define I(i) ((int)a[i])
#define U(i) ((size_t)a[i])
/* A path that may be NULL where AT_EMPTY_PATH is among the flags. */
#define EMPTY(i, flags) (!a[i] && (a[flags] & AT_EMPTY_PATH) ? "" : P(i))

/* The kernel counts the NUL, libc answers the buffer. */
static long cwd(char *buf, size_t n)
{
	size_t len;
	long p;

	/* libc's takes memory for NULL, and the size is looked at first */
	p = n ? (long)bfs_getcwd(buf, buf ? n : 0) : -ERANGE;
	if (p < 0 && p >= -4095)
		return p;
	if (buf)
		return (long)strlen(buf) + 1;
	len = strlen((char *)p) + 1;
	free((char *)p);
	return len > n ? -ERANGE : -EFAULT;
}

static long map(const long a[6])
{
	void *p = bfs_mmap(P(0), U(1), I(2), I(3), I(4), a[5]);

	return p == MAP_FAILED ? -errno : (long)p;
}

/* Of this thread only, while libc's functions change all. */
static long identity(long number, const long a[6])
{
	long r = bfs_sys_3(number, a[0], a[1], a[2]);

	if (r >= 0)
		bfs_session_renew();
	return r;
}

/* Not ours, but what is open will have a second owner. */
static bool share(void)
{
	bfs_fd_share_all();
	return false;
}

#define CALL_KIND(name, ours, kind, call) \
	case SYS_##name: \
		if (!(ours)) \
			return false; \
		*result = BFS_COUNTED(BFS_ROW_SYS_##name, kind, call); \
		return true;
#define CALL(name, ours, call) CALL_KIND(name, ours, BFS_RESULT_PLAIN, call)
#define CALL_N(name, ours, call) CALL_KIND(name, ours, BFS_RESULT_BYTES, call)

bool bfs_syscall(long number, const long a[6], long *result)
{
	switch (number) {
#include "preload/syscalls.def"
	default:
		return false;
	}
}
