/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/desc.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/sys.h"
#include "preload/session.h"
#include "preload/vfork.h"

#include <errno.h>

struct bfs_arena_map bfs_arenas[BFS_ARENAS];
_Atomic int bfs_arena_current = -1;
static _Atomic int narenas;
static int newest;

unsigned bfs_desc_arena(const struct bfs_desc *d)
{
	for (unsigned i = 0; i < (unsigned)narenas; i++)
		if (d >= bfs_arenas[i].map->desc &&
		    d < bfs_arenas[i].map->desc + BFS_ARENA_RECORDS)
			return i;
	return 0;
}

uint32_t bfs_desc_index(const struct bfs_desc *d)
{
	return (uint32_t)(d - bfs_arenas[bfs_desc_arena(d)].map->desc);
}

int bfs_arena_find(uint64_t ino)
{
	for (int i = 0; i < narenas; i++)
		if (bfs_arenas[i].empty_ino == ino)
			return i;
	return -1;
}

static int keep_high(int fd)
{
	int kept = bfs_sys_fcntl(fd, F_DUPFD_CLOEXEC, bfs_settings.fd_base);

	bfs_sys_close(fd);
	if (kept >= 0)
		bfs_fd_own(kept);
	return kept;
}

/*
 * Where the next arena goes.  A daemon that starts anew makes new ones, and a
 * process may live through many: the oldest one that no descriptor is left of
 * makes place.
 */
static int find_place(void)
{
	if (narenas < BFS_ARENAS)
		return narenas;
	for (int n = 1; n < BFS_ARENAS; n++) {
		int i = (newest + n) % BFS_ARENAS;

		if (i != bfs_arena_current && bfs_arena_unused((unsigned)i))
			return i;
	}
	return -EMFILE;
}

/* At the addresses of the one before, so that what another thread has just
 * looked up there is not lost to it. */
static int map_arena(int i, int arena_fd, int empty_fd, uint64_t ino)
{
	struct bfs_arena_map *a = &bfs_arenas[i];
	long p = bfs_sys_mmap(
		a->map, sizeof(struct bfs_arena), PROT_READ | PROT_WRITE,
		MAP_SHARED | (a->map ? MAP_FIXED : 0), arena_fd, 0);

	if (p < 0 && p > -4096)
		return (int)p;
	if (a->map) {
		bfs_fd_disown(a->empty_fd);
		bfs_sys_close(a->empty_fd);
	}
	*a = (struct bfs_arena_map){ (struct bfs_arena *)p, empty_fd, ino };
	if (i == narenas)
		narenas = i + 1;
	newest = bfs_arena_current = i;
	return a->map->magic == BFS_ARENA_MAGIC ? 0 : -EPROTO;
}

int bfs_arena_set(int arena_fd, int empty_fd)
{
	struct stat st;
	int i = find_place(), r = bfs_sys_fstat(empty_fd, &st);

	if (!r && bfs_arena_find(st.st_ino) >= 0) {
		bfs_arena_current = bfs_arena_find(st.st_ino);
		bfs_sys_close(arena_fd);
		bfs_sys_close(empty_fd);
		return 0;
	}
	empty_fd = keep_high(empty_fd);
	if (!r)
		r = empty_fd < 0 ? empty_fd : i < 0 ? i : 0;
	if (!r)
		r = map_arena(i, arena_fd, empty_fd, st.st_ino);
	bfs_sys_close(arena_fd);
	return r;
}

/* Those of a child of vfork: their descriptors are not ours. */
static struct {
	int n, current, newest;
} aside;

bool bfs_arena_quiet(void)
{
	return narenas < BFS_ARENAS / 2;
}

void bfs_arena_aside(void)
{
	aside.n = narenas;
	aside.current = bfs_arena_current;
	aside.newest = newest;
}

void bfs_arena_back(void)
{
	for (int i = aside.n; i < narenas; i++) {
		bfs_sys_munmap(bfs_arenas[i].map, sizeof(struct bfs_arena));
		bfs_arenas[i] = (struct bfs_arena_map){ NULL, -1, 0 };
	}
	narenas = aside.n;
	bfs_arena_current = aside.current;
	newest = aside.newest;
}

struct bfs_arena *bfs_arena_now(void)
{
	return bfs_arena_current < 0 ? NULL : bfs_arenas[bfs_arena_current].map;
}

static void init_desc(struct bfs_desc *d)
{
	pthread_mutexattr_t a;

	d->shared = 0;
	d->offset = 0;
	d->data_ino = 0;
	d->life = 0;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&d->lock, &a);
}

static bool take(struct bfs_desc *d)
{
	uint32_t word = atomic_load_explicit(&d->word, memory_order_relaxed);

	if (BFS_DESC_STATE(word) != BFS_DESC_FREE)
		return false;
	/* 30 bits, and never 0 */
	uint32_t gen = (BFS_DESC_GEN(word) + 1) & 0x3fffffff;

	return atomic_compare_exchange_strong(
		&d->word, &word, BFS_DESC_WORD(gen ? gen : 1, BFS_DESC_MADE));
}

/*
 * A record may be free while its description is not gone: what we do not see
 * (the kernel, for a loop device; a message in flight) can keep that alive,
 * with its lock.  It is the daemon's to free then, when the lock has gone. What
 * was passed through has had its lock on a data file, and whoever used the
 * record before that has looked.
 */
static bool still_held(int empty_fd, struct bfs_desc *d, uint32_t i)
{
	struct flock f = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = BFS_LIFE + i,
			   .l_len = 1 };

	if (d->kind == BFS_KIND_PASS)
		return false;
	if (bfs_sys_fcntl(empty_fd, F_OFD_GETLK, (long)&f) ||
	    f.l_type == F_UNLCK)
		return false;
	d->data_ino = 0;
	d->shared = 1;
	d->word = BFS_DESC_WORD(BFS_DESC_GEN(d->word), BFS_DESC_USED);
	return true;
}

int bfs_desc_new(struct bfs_desc **out)
{
	struct bfs_client *c;
	struct bfs_arena *a;
	uint32_t hint, top;
	/* Before: who has become another user gets another arena. */
	int r = bfs_session_connect(&c);

	if (r)
		return r;
	a = bfs_arenas[bfs_arena_current].map;
	hint = a->hint;
	for (uint32_t n = 0; n < BFS_ARENA_RECORDS; n++) {
		uint32_t i = (hint + n) % BFS_ARENA_RECORDS;

		if (!take(&a->desc[i]))
			continue;
		a->desc[i].maker = bfs_session_pid();
		top = a->high;
		while (top <= i &&
		       !atomic_compare_exchange_weak(&a->high, &top, i + 1))
			;
		a->hint = i + 1;
		if (still_held(bfs_arenas[bfs_arena_current].empty_fd,
			       &a->desc[i], i))
			continue;
		init_desc(&a->desc[i]);
		BFS_KILL_POINT(record_taken);
		*out = &a->desc[i];
		return 0;
	}
	bfs_log(error, "more than %u open files of one user on this node",
		BFS_ARENA_RECORDS);
	return -ENFILE;
}

void bfs_desc_free(struct bfs_desc *d, uint32_t word)
{
	uint32_t index = bfs_desc_index(d);
	struct bfs_arena *a = bfs_arenas[bfs_desc_arena(d)].map;

	if (atomic_compare_exchange_strong(
		    &d->word, &word,
		    BFS_DESC_WORD(BFS_DESC_GEN(word), BFS_DESC_FREE)) &&
	    index < a->hint)
		a->hint = index;
}

void bfs_desc_drop(struct bfs_desc *d)
{
	bfs_desc_free(d, d->word);
}

/* ThreadSanitizer (gcc 12) does not know pthread_mutex_clocklock. */
#ifdef BFS_TSAN
#define CLOCK CLOCK_REALTIME
#define lock_until(m, until) pthread_mutex_timedlock(m, until)
#else
#define CLOCK CLOCK_MONOTONIC
#define lock_until(m, until) pthread_mutex_clocklock(m, CLOCK, until)
#endif

int bfs_desc_lock(struct bfs_desc *d, uint64_t *signals)
{
	struct timespec until;
	int e;

	bfs_sys_block_signals(signals);
	e = pthread_mutex_trylock(&d->lock);
	if (e == EBUSY) {
		clock_gettime(CLOCK, &until);
		until.tv_sec += bfs_settings.timeout_ms / 1000;
		e = lock_until(&d->lock, &until);
	}
	if (e == EOWNERDEAD)
		e = pthread_mutex_consistent(&d->lock);
	if (e)
		bfs_sys_restore_signals(signals);
	else
		BFS_KILL_POINT(offset_locked);
	return e == ETIMEDOUT ? -ETIMEDOUT : e ? -EIO : 0;
}

void bfs_desc_unlock(struct bfs_desc *d, const uint64_t *signals)
{
	pthread_mutex_unlock(&d->lock);
	bfs_sys_restore_signals(signals);
}
