/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/fd.h"

#include "core/log.h"
#include "core/sys.h"
#include "preload/desc.h"
#include "preload/ops.h"
#include "preload/session.h"
#include "preload/vfork.h"

#include <errno.h>
#include <stdio.h>

_Atomic uint32_t bfs_fd_table[BFS_FDS];
/* Descriptors of this process for each record of its arenas. */
static _Atomic uint16_t refs[BFS_ARENAS][BFS_ARENA_RECORDS];
static _Atomic int high;

/*
 * Inherited data files, as the program before told of them: what a call needs
 * to know of one never changes, so no arena is needed, and a program that
 * only reads and writes them need not connect.  Their records in the arenas are
 * for others to free; a process that ends does not do so either.
 */
#define TOLD 64
#define TOLD_ARENA 0xffu
static struct bfs_desc told[TOLD];
static unsigned ntold; /* before main only */

static unsigned arena_of(uint32_t entry)
{
	return entry >> 16 & 0xff;
}

static bool is_told(uint32_t entry)
{
	return arena_of(entry) == TOLD_ARENA;
}

static struct bfs_desc *desc_of(uint32_t entry)
{
	if (!(entry >> 24) || entry >> 24 == BFS_KIND_OWN)
		return NULL;
	if (is_told(entry))
		return &told[entry & 0xffff];
	return &bfs_arenas[arena_of(entry)].map->desc[entry & 0xffff];
}

struct bfs_desc *bfs_fd_desc(int fd)
{
	return desc_of(bfs_fd_entry(fd));
}

uint32_t bfs_fd_slot(int fd)
{
	uint32_t e = bfs_fd_entry(fd);

	return is_told(e) ? desc_of(e)->life_slot : e & 0xffff;
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

bool bfs_arena_unused(unsigned a)
{
	for (uint32_t i = 0; i < BFS_ARENA_RECORDS; i++)
		if (refs[a][i])
			return false;
	return true;
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
	unsigned a = bfs_desc_arena(d);
	uint32_t i = (uint32_t)(d - bfs_arenas[a].map->desc);

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
	unsigned a = bfs_desc_arena(d);
	uint32_t i = (uint32_t)(d - bfs_arenas[a].map->desc);
	/* Sealed, it cannot be written, and so it cannot be read: what gets at
	 * it past us fails, and does not see an empty file (RULES 4). */
	bool write = kind == BFS_KIND_FILE;
	char name[32];
	int64_t pos = (int64_t)((uint64_t)BFS_DESC_GEN(d->word) << 32 | i);
	int fd, r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d",
		 bfs_arenas[a].empty_fd);
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
	if (d && !is_told(e) &&
	    atomic_fetch_sub(&refs[arena_of(e)][e & 0xffff], 1) == 1 &&
	    !d->shared && d->maker == bfs_session_pid())
		gone = (struct bfs_fd_gone){ d, d->word };
	return gone;
}

void bfs_fd_release(struct bfs_fd_gone g)
{
	if (g.d)
		bfs_desc_free(g.d, g.word);
}

bool bfs_fd_is_last(int fd)
{
	uint32_t e = bfs_fd_entry(fd);

	return !is_told(e) && refs[arena_of(e)][e & 0xffff] == 1;
}

void bfs_fd_copy(int from, int to)
{
	uint32_t e = bfs_fd_entry(from);

	if (from == to)
		return;
	bfs_fd_release(bfs_fd_forget(to)); /* replaced already */
	if (!desc_of(e) || to >= BFS_FDS)
		return;
	if (!is_told(e))
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
	int a = bfs_arena_find(ino);
	int64_t pos = a < 0 ? -1 : bfs_sys_lseek(fd, 0, SEEK_CUR);
	uint32_t i = (uint32_t)pos, word;

	if (pos < 0 || i >= BFS_ARENA_RECORDS)
		return false;
	word = bfs_arenas[a].map->desc[i].word;
	if (BFS_DESC_STATE(word) != BFS_DESC_USED ||
	    BFS_DESC_GEN(word) != (uint32_t)(pos >> 32))
		return false;
	*entry = BFS_ENTRY(bfs_arenas[a].map->desc[i].kind,
			   (unsigned)a << 16 | i);
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
					   (unsigned)bfs_arena_current << 16 |
						   i);
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
	    !S_ISREG(st.st_mode) ||
	    (bfs_arena_current < 0 && bfs_session_connect(&c)))
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

/* Without an arena, if that does. */
static bool take_told(int fd, const struct bfs_desc *d)
{
	if (d->kind != BFS_KIND_PASS || ntold == TOLD ||
	    d->rights & (BFS_RIGHT_LOCK | BFS_RIGHT_SYNC))
		return false;
	told[ntold] = *d;
	set_entry(fd, BFS_ENTRY(d->kind, TOLD_ARENA << 16 | ntold++));
	return true;
}

/* Of another user's arena: a record of our own, the offset is ours too.  The
 * description's lock is on the other one (life). */
static void make_own(int fd, const struct bfs_desc *from)
{
	struct bfs_desc *d;

	if (bfs_desc_new(&d))
		return;
	d->oflags = from->oflags;
	d->ino = from->ino;
	d->rights = from->rights;
	d->mac = from->mac;
	d->data_ino = from->data_ino;
	d->offset = from->offset;
	d->life_slot = from->life_slot;
	d->life_gen = from->life_gen;
	d->life = from->life;
	bfs_fd_adopt(fd, from->kind, d);
}

void bfs_fd_restore(int fd, const struct bfs_desc *d)
{
	uint32_t slot = d->life_slot;
	struct bfs_client *c;
	int a;

	if ((unsigned)fd >= BFS_FDS || take_told(fd, d) ||
	    (bfs_arena_current < 0 && bfs_session_connect(&c)))
		return;
	a = bfs_arena_find(d->life);
	if (a >= 0 && slot < BFS_ARENA_RECORDS &&
	    bfs_arenas[a].map->desc[slot].word == d->word) {
		refs[a][slot]++;
		set_entry(fd, BFS_ENTRY(d->kind, (unsigned)a << 16 | slot));
		return;
	}
	make_own(fd, d);
}

uint64_t bfs_fd_arena_ino(int fd)
{
	uint32_t e = bfs_fd_entry(fd);

	return is_told(e) ? desc_of(e)->life
			  : bfs_arenas[arena_of(e)].empty_ino;
}

/*
 * The table while a child of vfork has it.  Most programs have their numbers,
 * and ours, below that.
 */
#define ASIDE 4096
static uint32_t aside[ASIDE];
static int aside_high;

bool bfs_fd_quiet(void)
{
	return high <= ASIDE;
}

void bfs_fd_aside(void)
{
	aside_high = high;
	for (int fd = 0; fd < aside_high; fd++)
		aside[fd] = bfs_fd_table[fd];
}

static void count_ref(uint32_t e, int n)
{
	if (desc_of(e) && !is_told(e))
		refs[arena_of(e)][e & 0xffff] += (uint16_t)n;
}

void bfs_fd_back(void)
{
	for (int fd = 0; fd < high; fd++) {
		uint32_t was = fd < aside_high ? aside[fd] : 0;
		uint32_t is = bfs_fd_table[fd];

		if (is == was)
			continue;
		count_ref(is, -1);
		count_ref(was, 1);
		bfs_fd_table[fd] = was;
	}
	high = aside_high;
}
