/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/fd.h"

#include "core/log.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/ops.h"
#include "preload/session.h"

#include <errno.h>
#include <stdio.h>

#define ARENAS 16 /* one for each user that this process has been */

struct arena {
	struct bfs_arena *map;
	int empty_fd;
	uint64_t empty_ino;
};

_Atomic uint32_t bfs_fd_table[BFS_FDS];
static struct arena arenas[ARENAS];
static _Atomic int narenas, current = -1;
/* Descriptors of this process for each record of the current user's arena. */
static _Atomic uint16_t refs[ARENAS][BFS_ARENA_RECORDS];
static _Atomic int high;

static unsigned arena_of(uint32_t entry)
{
	return entry >> 16 & 0xff;
}

static struct bfs_desc *desc_of(uint32_t entry)
{
	if (!(entry >> 24) || entry >> 24 == BFS_KIND_OWN)
		return NULL;
	return &arenas[arena_of(entry)].map->desc[entry & 0xffff];
}

struct bfs_desc *bfs_fd_desc(int fd)
{
	return desc_of(bfs_fd_entry(fd));
}

uint32_t bfs_fd_slot(int fd)
{
	return bfs_fd_entry(fd) & 0xffff;
}

static unsigned arena_with(const struct bfs_desc *d)
{
	for (unsigned i = 0; i < (unsigned)narenas; i++)
		if (d >= arenas[i].map->desc &&
		    d < arenas[i].map->desc + BFS_ARENA_RECORDS)
			return i;
	return 0;
}

uint32_t bfs_desc_index(const struct bfs_desc *d)
{
	return (uint32_t)(d - arenas[arena_with(d)].map->desc);
}

static int know_arena(uint64_t ino)
{
	for (int i = 0; i < narenas; i++)
		if (arenas[i].empty_ino == ino)
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

int bfs_arena_set(int arena_fd, int empty_fd)
{
	struct stat st;
	int i = narenas, r = bfs_sys_fstat(empty_fd, &st);
	long p;

	if (!r && know_arena(st.st_ino) >= 0) {
		current = know_arena(st.st_ino);
		bfs_sys_close(arena_fd);
		bfs_sys_close(empty_fd);
		return 0;
	}
	p = bfs_sys_mmap(NULL, sizeof(struct bfs_arena), PROT_READ | PROT_WRITE,
			 MAP_SHARED, arena_fd, 0);
	bfs_sys_close(arena_fd);
	if (p < 0 && p > -4096)
		r = (int)p;
	if (!r && i == ARENAS)
		r = -EMFILE;
	empty_fd = keep_high(empty_fd);
	if (empty_fd < 0)
		r = empty_fd;
	if (r)
		return r;
	arenas[i] =
		(struct arena){ (struct bfs_arena *)p, empty_fd, st.st_ino };
	narenas = i + 1;
	current = i;
	return ((struct bfs_arena *)p)->magic == BFS_ARENA_MAGIC ? 0 : -EPROTO;
}

struct bfs_arena *bfs_arena_now(void)
{
	return current < 0 ? NULL : arenas[current].map;
}

static void init_desc(struct bfs_desc *d)
{
	pthread_mutexattr_t a;

	d->shared = 0;
	d->offset = 0;
	d->data_ino = 0;
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

int bfs_desc_new(struct bfs_desc **out)
{
	struct bfs_client *c;
	struct bfs_arena *a;
	uint32_t hint, top;
	int r = current < 0 ? bfs_session_connect(&c) : 0;

	if (r)
		return r;
	a = arenas[current].map;
	hint = a->hint;
	for (uint32_t n = 0; n < BFS_ARENA_RECORDS; n++) {
		uint32_t i = (hint + n) % BFS_ARENA_RECORDS;

		if (!take(&a->desc[i]))
			continue;
		a->desc[i].maker = (uint32_t)bfs_sys_0(SYS_getpid);
		init_desc(&a->desc[i]);
		top = a->high;
		while (top <= i &&
		       !atomic_compare_exchange_weak(&a->high, &top, i + 1))
			;
		a->hint = i + 1;
		*out = &a->desc[i];
		return 0;
	}
	bfs_log(error, "more than %u open files of one user on this node",
		BFS_ARENA_RECORDS);
	return -ENFILE;
}

static void set_free(struct bfs_desc *d, uint32_t word, uint32_t index)
{
	struct bfs_arena *a = arenas[arena_with(d)].map;

	if (atomic_compare_exchange_strong(
		    &d->word, &word,
		    BFS_DESC_WORD(BFS_DESC_GEN(word), BFS_DESC_FREE)) &&
	    index < a->hint)
		a->hint = index;
}

void bfs_desc_drop(struct bfs_desc *d)
{
	set_free(d, d->word, bfs_desc_index(d));
}

static void set_entry(int fd, uint32_t entry)
{
	int h = high;

	atomic_store(&bfs_fd_table[fd], entry);
	while (h <= fd && !atomic_compare_exchange_weak(&high, &h, fd + 1))
		;
}

int bfs_fd_high(void)
{
	return high;
}

void bfs_fd_own(int fd)
{
	if (fd >= 0 && fd < BFS_FDS)
		set_entry(fd, BFS_ENTRY(BFS_KIND_OWN, 0));
}

void bfs_fd_disown(int fd)
{
	if (bfs_fd_kind(fd) == BFS_KIND_OWN)
		atomic_store(&bfs_fd_table[fd], 0);
}

void bfs_fd_adopt(int fd, enum bfs_kind kind, struct bfs_desc *d)
{
	unsigned a = arena_with(d);
	uint32_t i = (uint32_t)(d - arenas[a].map->desc);

	/* libc writes and reads FILEs without asking us. */
	if (kind == BFS_KIND_FILE)
		bfs_stdio_prepare();
	d->kind = kind;
	atomic_store(&d->word,
		     BFS_DESC_WORD(BFS_DESC_GEN(d->word), BFS_DESC_USED));
	refs[a][i]++;
	set_entry(fd, BFS_ENTRY(kind, a << 16 | i));
}

/* The lock that says "alive" (RULES 1). */
static int lock_life(int fd, bool write, uint32_t index)
{
	struct flock f = { .l_type = write ? F_WRLCK : F_RDLCK,
			   .l_whence = SEEK_SET,
			   .l_start = BFS_LIFE + index,
			   .l_len = 1 };

	return bfs_sys_fcntl(fd, F_OFD_SETLK, (long)&f);
}

int bfs_fd_placeholder(enum bfs_kind kind, struct bfs_desc *d, bool cloexec)
{
	unsigned a = arena_with(d);
	uint32_t i = (uint32_t)(d - arenas[a].map->desc);
	/* Sealed, it cannot be written, and so it cannot be read: what gets at
	 * it past us fails, and does not see an empty file (RULES 4). */
	bool write = kind == BFS_KIND_FILE;
	char name[32];
	int64_t pos = (int64_t)((uint64_t)BFS_DESC_GEN(d->word) << 32 | i);
	int fd, r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", arenas[a].empty_fd);
	fd = bfs_sys_openat(
		AT_FDCWD, name,
		(write ? O_WRONLY : O_RDONLY) | (cloexec ? O_CLOEXEC : 0), 0);
	if (fd < 0) {
		if (fd != -EMFILE && fd != -ENFILE)
			bfs_log(error, "cannot re-open %s: error %d", name,
				-fd);
		return fd;
	}
	r = fd >= BFS_FDS ? -EMFILE : 0;
	if (!r && bfs_sys_lseek(fd, pos, SEEK_SET) != pos)
		r = -EIO;
	if (!r)
		r = lock_life(fd, write, i);
	if (r) {
		bfs_sys_close(fd);
		return r;
	}
	bfs_fd_adopt(fd, kind, d);
	return fd;
}

struct bfs_fd_gone bfs_fd_forget(int fd)
{
	struct bfs_fd_gone gone = { .d = NULL };
	struct bfs_desc *d;
	uint32_t e;

	if ((unsigned)fd >= BFS_FDS)
		return gone;
	e = atomic_exchange(&bfs_fd_table[fd], 0);
	d = desc_of(e);
	/*
	 * What another process made, this one may have by a fork that raced
	 * with the open: then nobody marked it as shared.
	 */
	if (d && atomic_fetch_sub(&refs[arena_of(e)][e & 0xffff], 1) == 1 &&
	    !d->shared && d->maker == (uint32_t)bfs_sys_0(SYS_getpid))
		gone = (struct bfs_fd_gone){ d, d->word };
	return gone;
}

void bfs_fd_release(struct bfs_fd_gone g)
{
	if (g.d)
		set_free(g.d, g.word, bfs_desc_index(g.d));
}

bool bfs_fd_is_last(int fd)
{
	uint32_t e = bfs_fd_entry(fd);

	return refs[arena_of(e)][e & 0xffff] == 1;
}

void bfs_fd_copy(int from, int to)
{
	uint32_t e = bfs_fd_entry(from);

	if (from == to)
		return;
	bfs_fd_release(bfs_fd_forget(to)); /* replaced already */
	if (!desc_of(e) || to >= BFS_FDS)
		return;
	refs[arena_of(e)][e & 0xffff]++;
	set_entry(to, e);
}

void bfs_fd_share(int fd)
{
	struct bfs_desc *d = bfs_fd_desc(fd);

	if (d)
		d->shared = 1;
}

void bfs_fd_share_all(void)
{
	for (int fd = 0; fd < high; fd++)
		bfs_fd_share(fd);
}

/* The record that a placeholder of ours names, if fd is one. */
static bool placeholder_entry(int fd, uint64_t ino, uint32_t *entry)
{
	int a = know_arena(ino);
	int64_t pos = a < 0 ? -1 : bfs_sys_lseek(fd, 0, SEEK_CUR);
	uint32_t i = (uint32_t)pos, word;

	if (pos < 0 || i >= BFS_ARENA_RECORDS)
		return false;
	word = arenas[a].map->desc[i].word;
	if (BFS_DESC_STATE(word) != BFS_DESC_USED ||
	    BFS_DESC_GEN(word) != (uint32_t)(pos >> 32))
		return false;
	*entry = BFS_ENTRY(arenas[a].map->desc[i].kind, (unsigned)a << 16 | i);
	return true;
}

/* A data file's record is the one whose life lock this description holds;
 * the kernel does not tell which, so look for the inode. */
static bool pass_entry(uint64_t ino, uint32_t *entry)
{
	struct bfs_arena *a = bfs_arena_now();

	for (uint32_t i = 0; a && i < a->high; i++) {
		struct bfs_desc *d = &a->desc[i];

		if (BFS_DESC_STATE(d->word) == BFS_DESC_USED &&
		    d->kind == BFS_KIND_PASS && d->data_ino == ino) {
			*entry = BFS_ENTRY(BFS_KIND_PASS,
					   (unsigned)current << 16 | i);
			return true;
		}
	}
	return false;
}

void bfs_fd_recognise(int fd)
{
	struct bfs_client *c;
	struct stat st;
	uint32_t e;
	bool ours;

	if ((unsigned)fd >= BFS_FDS || bfs_sys_fstat(fd, &st) ||
	    !S_ISREG(st.st_mode) || (current < 0 && bfs_session_connect(&c)))
		return;
	ours = placeholder_entry(fd, st.st_ino, &e) ||
	       (st.st_dev == bfs_session_data_dev() &&
		pass_entry(st.st_ino, &e));
	if (!ours)
		return;
	desc_of(e)->shared = 1;
	refs[arena_of(e)][e & 0xffff]++;
	set_entry(fd, e);
}

void bfs_fd_restore(int fd, const struct bfs_desc *told, uint32_t slot,
		    uint32_t gen, uint64_t empty_ino)
{
	struct bfs_client *c;
	struct bfs_desc *d;
	int a;

	if ((unsigned)fd >= BFS_FDS || (current < 0 && bfs_session_connect(&c)))
		return;
	a = know_arena(empty_ino);
	if (a >= 0 && slot < BFS_ARENA_RECORDS &&
	    arenas[a].map->desc[slot].word ==
		    BFS_DESC_WORD(gen, BFS_DESC_USED)) {
		refs[a][slot]++;
		set_entry(fd, BFS_ENTRY(told->kind, (unsigned)a << 16 | slot));
		return;
	}
	/* Another user's arena: a record of our own, the offset is ours too. */
	if (bfs_desc_new(&d))
		return;
	d->oflags = told->oflags;
	d->ino = told->ino;
	d->rights = told->rights;
	d->mac = told->mac;
	d->data_ino = told->data_ino;
	d->offset = told->offset;
	bfs_fd_adopt(fd, told->kind, d);
}

uint64_t bfs_fd_arena_ino(int fd)
{
	return arenas[arena_of(bfs_fd_entry(fd))].empty_ino;
}

int bfs_desc_lock(struct bfs_desc *d, uint64_t *signals)
{
	struct timespec until;
	int e;

	bfs_sys_block_signals(signals);
	e = pthread_mutex_trylock(&d->lock);
	if (e == EBUSY) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += bfs_settings.timeout_ms / 1000;
		e = pthread_mutex_clocklock(&d->lock, CLOCK_MONOTONIC, &until);
	}
	if (e == EOWNERDEAD)
		e = pthread_mutex_consistent(&d->lock);
	if (e)
		bfs_sys_restore_signals(signals);
	return e == ETIMEDOUT ? -ETIMEDOUT : e ? -EIO : 0;
}

void bfs_desc_unlock(struct bfs_desc *d, const uint64_t *signals)
{
	pthread_mutex_unlock(&d->lock);
	bfs_sys_restore_signals(signals);
}
