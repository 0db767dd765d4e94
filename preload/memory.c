/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/memory.h"

#include "core/sys.h"
#include "core/util.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE 4096ul
#define READABLE 1ul
#define WRITABLE 3ul /* what can be written here can be read */

/* Pages known to be good: address | rights, at the address's hash. */
#define KNOWN 1024
static _Atomic unsigned long known[KNOWN];

static _Atomic unsigned long *place(unsigned long page)
{
	return &known[page / PAGE % KNOWN];
}

static bool is_known(unsigned long page, unsigned long rights)
{
	unsigned long k =
		atomic_load_explicit(place(page), memory_order_relaxed);

	return (k & ~(PAGE - 1)) == page && (k & rights) == rights;
}

/*
 * Reads eight bytes in the kernel and does nothing: there is no such `how`.
 * Unlike madvise it lets a stack grow down to the address.  Not the first
 * eight: NULL would mean no set at all.
 */
static bool can_touch(unsigned long page)
{
	return bfs_sys_4(SYS_rt_sigprocmask, -1, page + 8, NULL, 8) != -EFAULT;
}

static bool can_touch_all(unsigned long first, unsigned long end)
{
	for (unsigned long p = first; p < end; p += PAGE)
		if (!can_touch(p))
			return false;
	return true;
}

/* Faults the pages in as an access would; nothing is changed. */
static bool populate(unsigned long first, unsigned long end, int advice)
{
	long r;

	do
		r = bfs_sys_3(SYS_madvise, first, end - first, advice);
	while (r == -EINTR || r == -EAGAIN);
	return r == 0;
}

static bool prove(unsigned long first, unsigned long end, unsigned long rights)
{
	int advice =
		rights == WRITABLE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	if (populate(first, end, advice))
		return true;
	if (!can_touch(first))
		return false;
	/* A stack that has grown now; or a device's memory, which madvise
	 * does not want. */
	return populate(first, end, advice) ||
	       (rights == READABLE && can_touch_all(first, end));
}

static int check(const void *p, size_t n, unsigned long rights)
{
	unsigned long first = (unsigned long)p & ~(PAGE - 1), end, at;

	if (!n)
		return 0;
	if (__builtin_add_overflow((unsigned long)p, n, &end) || end > -PAGE)
		return -EFAULT;
	end = (end + PAGE - 1) & ~(PAGE - 1);
	for (at = first; at < end && is_known(at, rights);)
		at += PAGE;
	if (bfs_likely(at == end))
		return 0;
	if (!prove(at, end, rights))
		return -EFAULT;
	for (; at < end; at += PAGE)
		atomic_store_explicit(place(at), at | rights,
				      memory_order_relaxed);
	return 0;
}

int bfs_mem_in(const void *p, size_t n)
{
	return check(p, n, READABLE);
}

int bfs_mem_out(const void *p, size_t n)
{
	return check(p, n, WRITABLE);
}

long bfs_mem_str(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max) {
		size_t room = PAGE - ((unsigned long)(s + n) & (PAGE - 1));
		size_t len;

		room = BFS_MIN(room, max - n);
		if (check(s + n, room, READABLE))
			return -EFAULT;
		len = strnlen(s + n, room);
		n += len;
		if (len < room)
			break;
	}
	return (long)n;
}

static size_t most(const void *p, size_t n, unsigned long rights)
{
	size_t good = 0;

	if (!check(p, n, rights))
		return n;
	while (good < n) {
		const char *at = (const char *)p + good;
		size_t room = PAGE - ((unsigned long)at & (PAGE - 1));

		if (check(at, BFS_MIN(room, n - good), rights))
			break;
		good += room;
	}
	return BFS_MIN(good, n);
}

size_t bfs_mem_in_most(const void *p, size_t n)
{
	return most(p, n, READABLE);
}

size_t bfs_mem_out_most(const void *p, size_t n)
{
	return most(p, n, WRITABLE);
}
