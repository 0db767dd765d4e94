/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/mapped.h"

#include "core/sys.h"
#include "preload/session.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define MOST 256

struct mapped {
	uintptr_t from, to; /* equal: free */
	struct bfs_handle handle;
};

_Atomic unsigned bfs_mapped_count;
static struct mapped table[MOST];
static _Atomic uint32_t busy;

static void lock(uint64_t *signals)
{
	uint32_t is = 0;

	bfs_sys_block_signals(signals);
	while (!atomic_compare_exchange_strong(&busy, &is, 1)) {
		bfs_sys_futex_wait(&busy, 1, 1000000);
		is = 0;
	}
}

static void unlock(const uint64_t *signals)
{
	atomic_store(&busy, 0);
	bfs_sys_futex_wake(&busy, 1);
	bfs_sys_restore_signals(signals);
}

static bool same(struct bfs_handle a, struct bfs_handle b)
{
	return a.ino == b.ino && a.rights == b.rights && a.mac == b.mac;
}

/* Beyond the table's size the file counts as mapped everywhere, so that too
 * much is synced rather than too little. */
static struct mapped *place(struct bfs_handle h)
{
	struct mapped *known = &table[0];

	for (int n = 0; n < MOST; n++) {
		if (table[n].from == table[n].to)
			return &table[n];
		if (same(table[n].handle, h))
			known = &table[n];
	}
	known->from = 0;
	known->to = UINTPTR_MAX;
	return known;
}

void bfs_mapped_add(const void *start, size_t len, struct bfs_handle h)
{
	uint64_t signals;
	struct mapped *m;

	lock(&signals);
	m = place(h);
	if (m->to != UINTPTR_MAX) {
		m->from = (uintptr_t)start;
		m->to = m->from + len;
	}
	m->handle = h;
	atomic_fetch_add(&bfs_mapped_count, 1);
	unlock(&signals);
}

static int sync_file(struct bfs_handle h, unsigned flags)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_fsync_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	if (!e)
		e = bfs_rpc_fsync(
			c, &r,
			&(struct bfs_fsync_req){ .handle = h, .flags = flags },
			&rep);
	bfs_rpc_end(&r);
	return e == -ESTALE ? 0 : e; /* nobody will ever read it */
}

static int sync_range(uintptr_t from, uintptr_t to, unsigned flags)
{
	struct bfs_handle last = { 0 };
	uint64_t signals;
	int r = 0;

	for (int n = 0; n < MOST; n++) {
		struct mapped m;
		int e;

		lock(&signals);
		m = table[n];
		unlock(&signals);
		if (m.from == m.to || m.from >= to || m.to <= from ||
		    same(m.handle, last))
			continue;
		e = sync_file(m.handle, flags);
		r = r ? r : e;
		last = m.handle;
	}
	return r;
}

int bfs_mapped_sync(const void *start, size_t len, unsigned flags)
{
	return sync_range((uintptr_t)start, (uintptr_t)start + len, flags);
}

int bfs_mapped_sync_all(unsigned flags)
{
	return sync_range(0, UINTPTR_MAX, flags);
}

static void cut(struct mapped *m, uintptr_t from, uintptr_t to)
{
	if (from <= m->from && to >= m->to)
		m->from = m->to = 0;
	else if (from <= m->from && to > m->from)
		m->from = to;
	else if (to >= m->to && from < m->to)
		m->to = from;
	/* A hole in the middle does no harm. */
}

void bfs_mapped_remove(const void *start, size_t len)
{
	uint64_t signals;

	lock(&signals);
	for (int n = 0; n < MOST; n++)
		if (table[n].to != UINTPTR_MAX)
			cut(&table[n], (uintptr_t)start,
			    (uintptr_t)start + len);
	unlock(&signals);
}

/* Whoever waits for our end may look from another node. */
__attribute__((destructor)) static void stop(void)
{
	if (bfs_mapped_count)
		bfs_mapped_sync_all(BFS_FSYNC_MAPPED);
}
