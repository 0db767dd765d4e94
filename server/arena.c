/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/arena.h"

#include "core/log.h"
#include "core/proto.h"
#include "core/siphash.h"
#include "core/util.h"
#include "server/hash.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ARENA_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define SWEEP_SLICE_NS 2000000ull /* of the daemon's time in one go */
#define EMPTY_SEALS (ARENA_SEALS | F_SEAL_WRITE)

struct arena {
	uint32_t uid;
	int fd, empty;
	uint64_t empty_ino, key;
	struct bfs_arena *map;
	uint32_t swept; /* records of this round */
	uint32_t top;	/* one above the last of them that is in use */
	UT_hash_handle hh;
};

struct bfs_arenas {
	struct arena *by_uid;
	const uint8_t *secret;
	void (*made)(void *arg, uint32_t uid, int arena_fd, int empty_fd);
	void *made_arg;
	bool again; /* what the sweep's round has found so far */
	bool stored;
};

struct bfs_arenas *bfs_arenas_new(const uint8_t *secret)
{
	struct bfs_arenas *all = calloc(1, sizeof(*all));

	if (all)
		all->secret = secret;
	return all;
}

static void drop(struct arena *a)
{
	if (a->map)
		munmap(a->map, sizeof(*a->map));
	if (a->fd >= 0)
		close(a->fd);
	if (a->empty >= 0)
		close(a->empty);
	free(a);
}

void bfs_arenas_free(struct bfs_arenas *all)
{
	struct arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	{
		HASH_DEL(all->by_uid, a);
		drop(a);
	}
	free(all);
}

static int make_memfd(const char *name, size_t size, int seals)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), r;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, seals)) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/*
 * Known to those who are let in, and the same after a restart: what clients
 * can write does not count (another user's key, there, would be in its way).
 */
static void give_key(const struct bfs_arenas *all, struct arena *a)
{
	const uint64_t words[3] = { htole64(UINT64_MAX), htole64(a->uid),
				    htole64(a->empty_ino) };

	a->key = bfs_siphash(all->secret, words, sizeof(words)) | 1;
	a->map->key = a->key;
}

static int fill(const struct bfs_arenas *all, struct arena *a)
{
	struct stat st;
	void *p;

	a->fd = make_memfd("benchfs-arena", sizeof(*a->map), ARENA_SEALS);
	if (a->fd < 0)
		return a->fd;
	a->empty = make_memfd("benchfs", 0, EMPTY_SEALS);
	if (a->empty < 0)
		return a->empty;
	/* Another user's process re-opens it through /proc: let it. */
	if (fchown(a->empty, a->uid, (gid_t)-1) && errno != EPERM)
		return -errno;
	if (fstat(a->empty, &st))
		return -errno;
	a->empty_ino = st.st_ino;
	p = mmap(NULL, sizeof(*a->map), PROT_READ | PROT_WRITE, MAP_SHARED,
		 a->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	a->map = p;
	a->map->magic = BFS_ARENA_MAGIC;
	a->map->records = BFS_ARENA_RECORDS;
	a->map->uid = a->uid;
	give_key(all, a);
	return 0;
}

void bfs_arenas_stored(struct bfs_arenas *all, bool yes)
{
	struct arena *a, *next;

	all->stored = yes;
	HASH_ITER(hh, all->by_uid, a, next)
	atomic_store(&a->map->stored, yes);
}

static struct arena *find(struct bfs_arenas *all, uint32_t uid)
{
	struct arena *a;

	HASH_FIND(hh, all->by_uid, &uid, sizeof(uid), a);
	return a;
}

int bfs_arenas_get(struct bfs_arenas *all, uint32_t uid, int *arena_fd,
		   int *empty_fd, uint64_t *empty_ino)
{
	struct arena *a = find(all, uid);
	int r;

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return -ENOMEM;
		a->uid = uid;
		a->fd = a->empty = -1;
		r = fill(all, a);
		if (r) {
			bfs_log(error, "arena of uid %u: %s", uid,
				strerror(-r));
			drop(a);
			return r;
		}
		HASH_ADD(hh, all->by_uid, uid, sizeof(a->uid), a);
		if (!bfs_hashed(a)) {
			drop(a);
			return -ENOMEM;
		}
		a->map->stored = all->stored;
		if (all->made)
			all->made(all->made_arg, uid, a->fd, a->empty);
	}
	*arena_fd = a->fd;
	*empty_fd = a->empty;
	*empty_ino = a->empty_ino;
	return 0;
}

void bfs_arenas_on_new(struct bfs_arenas *all,
		       void (*made)(void *arg, uint32_t uid, int arena_fd,
				    int empty_fd),
		       void *arg)
{
	all->made = made;
	all->made_arg = arg;
}

static bool is_ours(int fd, off_t size, int seals)
{
	struct stat st;

	return fcntl(fd, F_GET_SEALS) == seals && !fstat(fd, &st) &&
	       st.st_size == size;
}

static int check_old(const struct bfs_arenas *all, struct arena *a)
{
	struct stat st;
	void *p;

	if (!is_ours(a->fd, sizeof(*a->map), ARENA_SEALS) ||
	    !is_ours(a->empty, 0, EMPTY_SEALS) || fstat(a->empty, &st))
		return -EPROTO;
	a->empty_ino = st.st_ino;
	p = mmap(NULL, sizeof(*a->map), PROT_READ | PROT_WRITE, MAP_SHARED,
		 a->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	a->map = p;
	give_key(all, a);
	a->map->uid = a->uid;
	a->map->stored = 0; /* mappings do not outlive their daemon */
	return a->map->magic == BFS_ARENA_MAGIC &&
			       a->map->records == BFS_ARENA_RECORDS
		       ? 0
		       : -EPROTO;
}

int bfs_arenas_adopt(struct bfs_arenas *all, uint32_t uid, int arena_fd,
		     int empty_fd)
{
	struct arena *a = calloc(1, sizeof(*a));
	int r;

	if (!a) {
		close(arena_fd);
		close(empty_fd);
		return -ENOMEM;
	}
	a->uid = uid;
	a->fd = arena_fd;
	a->empty = empty_fd;
	r = find(all, uid) ? -EEXIST : check_old(all, a);
	if (!r) {
		HASH_ADD(hh, all->by_uid, uid, sizeof(a->uid), a);
		r = bfs_hashed(a) ? 0 : -ENOMEM;
	}
	if (r)
		drop(a);
	return r;
}

bool bfs_arenas_owner(struct bfs_arenas *all, uint64_t key, uint32_t *uid)
{
	struct arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	{
		if (a->key != key)
			continue;
		*uid = a->uid;
		return true;
	}
	return false;
}

static bool locked(int fd, uint32_t slot)
{
	struct flock f = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = BFS_LIFE + slot,
			   .l_len = 1 };

	return !fcntl(fd, F_OFD_GETLK, &f) && f.l_type != F_UNLCK;
}

static bool process_lives(pid_t pid)
{
	return !kill(pid, 0) || errno == EPERM;
}

bool bfs_arenas_current(struct bfs_arenas *all, uint32_t uid, uint32_t slot,
			uint32_t gen)
{
	struct arena *a = find(all, uid);
	uint32_t word;

	if (!a || slot >= BFS_ARENA_RECORDS)
		return false;
	word = a->map->desc[slot].word;
	return BFS_DESC_STATE(word) != BFS_DESC_FREE &&
	       BFS_DESC_GEN(word) == gen;
}

bool bfs_arenas_making(struct bfs_arenas *all, uint32_t uid, uint32_t slot,
		       uint32_t gen)
{
	const struct bfs_desc *d;

	if (!bfs_arenas_current(all, uid, slot, gen))
		return false;
	d = &find(all, uid)->map->desc[slot];
	return BFS_DESC_STATE(d->word) == BFS_DESC_MADE &&
	       process_lives((pid_t)d->maker);
}

static const struct arena *find_empty(const struct bfs_arenas *all,
				      uint64_t ino)
{
	const struct arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	if (a->empty_ino == ino)
		return a;
	return NULL;
}

/*
 * A user may be followed by one and that by another one.  Clients write what
 * they like there: at worst their own record stays.
 */
#define SIGNERS_MAX 8

/* The one whose lock counts for that use of record *d; false: none. */
static bool signer(const struct bfs_arenas *all, const struct arena **a,
		   const struct bfs_desc **d, uint32_t *word)
{
	for (int n = 0; n < SIGNERS_MAX; n++) {
		uint64_t life = (*d)->life;
		uint32_t slot = (*d)->life_slot, gen = (*d)->life_gen;

		if (!life || BFS_DESC_STATE(*word) != BFS_DESC_USED)
			return true;
		*a = find_empty(all, life);
		if (!*a || slot >= BFS_ARENA_RECORDS)
			return false;
		*d = &(*a)->map->desc[slot];
		*word = (*d)->word;
		if (*word != BFS_DESC_WORD(gen, BFS_DESC_USED))
			return false;
	}
	return false;
}

bool bfs_arenas_signer(struct bfs_arenas *all, uint32_t *uid, uint32_t *slot,
		       uint32_t *gen)
{
	const struct arena *a = find(all, *uid);
	const struct bfs_desc *d;
	uint32_t word;

	if (!bfs_arenas_current(all, *uid, *slot, *gen))
		return false;
	d = &a->map->desc[*slot];
	word = d->word;
	if (BFS_DESC_GEN(word) != *gen || !signer(all, &a, &d, &word))
		return false;
	*uid = a->uid;
	*slot = (uint32_t)(d - a->map->desc);
	*gen = BFS_DESC_GEN(word);
	return true;
}

bool bfs_arenas_alive(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	struct arena *a;
	uint32_t word;

	if (!bfs_arenas_signer(arg, &uid, &slot, &gen))
		return false;
	a = find(arg, uid);
	word = a->map->desc[slot].word;
	/* A record that is being made has no lock yet. */
	if (BFS_DESC_STATE(word) == BFS_DESC_MADE)
		return process_lives((pid_t)a->map->desc[slot].maker);
	return locked(a->empty, slot);
}

static bool is_alive(const struct bfs_arenas *all, const struct arena *a,
		     const struct bfs_desc *d, uint32_t word,
		     const struct bfs_arena_sweep *ops)
{
	uint32_t i;

	if (BFS_DESC_STATE(word) == BFS_DESC_MADE)
		return process_lives((pid_t)d->maker);
	if (!signer(all, &a, &d, &word))
		return false;
	i = (uint32_t)(d - a->map->desc);
	return locked(a->empty, i) ||
	       (d->data_ino && ops->pass_alive(ops->arg, d->ino, a->uid, i));
}

/* How many records have been used.  Clients can write that at any time: what
 * has been checked is what is used. */
static uint32_t used_to(const struct arena *a)
{
	uint32_t high = a->map->high;

	return BFS_MIN(high, BFS_ARENA_RECORDS);
}

void bfs_arenas_each(struct bfs_arenas *all,
		     void (*fn)(void *arg, uint32_t uid, uint32_t slot,
				const struct bfs_desc *d),
		     const struct bfs_arena_sweep *ops)
{
	struct arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	{
		uint32_t high = used_to(a);

		for (uint32_t i = 0; i < high; i++) {
			const struct bfs_desc *d = &a->map->desc[i];
			uint32_t word = d->word;

			if (BFS_DESC_STATE(word) == BFS_DESC_USED &&
			    is_alive(all, a, d, word, ops))
				fn(ops->arg, a->uid, i, d);
		}
	}
}

/* Of the users from uid on, the first. */
static struct arena *first_from(struct bfs_arenas *all, uint32_t uid)
{
	struct arena *a, *next, *best = NULL;

	HASH_ITER(hh, all->by_uid, a, next)
	if (a->uid >= uid && (!best || a->uid < best->uid))
		best = a;
	return best;
}

/* False: fn takes no more, from *slot on. */
static bool page_of(const struct bfs_arenas *all, struct arena *a,
		    uint32_t *slot,
		    bool (*fn)(void *arg, uint32_t uid, uint32_t slot,
			       const struct bfs_desc *d),
		    const struct bfs_arena_sweep *ops, bool *making)
{
	uint32_t high = used_to(a);

	for (; *slot < high; ++*slot) {
		const struct bfs_desc *d = &a->map->desc[*slot];
		uint32_t word = d->word, state = BFS_DESC_STATE(word);

		if (state == BFS_DESC_FREE || !is_alive(all, a, d, word, ops))
			continue;
		if (state == BFS_DESC_MADE)
			*making = true;
		else if (!fn(ops->arg, a->uid, *slot, d))
			return false;
	}
	return true;
}

bool bfs_arenas_page(struct bfs_arenas *all, uint32_t *uid, uint32_t *slot,
		     bool (*fn)(void *arg, uint32_t uid, uint32_t slot,
				const struct bfs_desc *d),
		     const struct bfs_arena_sweep *ops, bool *making)
{
	struct arena *a;

	while ((a = first_from(all, *uid))) {
		if (a->uid != *uid)
			*slot = 0;
		*uid = a->uid;
		if (!page_of(all, a, slot, fn, ops, making))
			return true;
		if (*uid == UINT32_MAX)
			break;
		++*uid;
		*slot = 0;
	}
	return false;
}

/* Has it to be looked at again soon? */
static bool sweep_one(const struct bfs_arenas *all, const struct arena *a,
		      struct bfs_desc *d, const struct bfs_arena_sweep *ops)
{
	struct bfs_handle h = bfs_desc_handle(d);
	uint32_t word = d->word;
	bool sync = BFS_DESC_STATE(word) == BFS_DESC_USED &&
		    h.rights & BFS_RIGHT_SYNC;

	if (BFS_DESC_STATE(word) == BFS_DESC_FREE)
		return false;
	if (is_alive(all, a, d, word, ops))
		return sync;
	/* Dead twice, a second apart: a record whose maker has not signed
	 * yet looks dead once. */
	if (atomic_exchange(&d->suspect, word) != word)
		return true;
	if (atomic_compare_exchange_strong(
		    &d->word, &word,
		    BFS_DESC_WORD(BFS_DESC_GEN(word), BFS_DESC_FREE)) &&
	    sync)
		ops->closed(ops->arg, h);
	return false;
}

/* One above the last record of those from *from to *to that is in use; from, if
 * none is. */
static uint32_t top_of(const struct arena *a, uint32_t from, uint32_t to)
{
	while (to > from &&
	       BFS_DESC_STATE(a->map->desc[to - 1].word) == BFS_DESC_FREE)
		to--;
	return to;
}

static void raise_high(struct arena *a, uint32_t to)
{
	uint32_t high = a->map->high;

	while (high < to &&
	       !atomic_compare_exchange_weak(&a->map->high, &high, to))
		;
}

/*
 * What few processes leave behind of many is not looked through for ever.  Who
 * takes a record raises the mark behind that: so either he sees that it is
 * lower, or we see his record.
 */
static void lower_high(struct arena *a, uint32_t high)
{
	uint32_t top = top_of(a, a->top, high);

	if (top < high &&
	    atomic_compare_exchange_strong(&a->map->high, &high, top))
		raise_high(a, top_of(a, top, high));
}

/* False: the time is over. */
static bool sweep_arena(struct bfs_arenas *all, struct arena *a,
			const struct bfs_arena_sweep *ops, uint64_t end)
{
	uint32_t high = used_to(a);

	for (; a->swept < high; a->swept++) {
		struct bfs_desc *d = &a->map->desc[a->swept];

		if (BFS_DESC_STATE(d->word) == BFS_DESC_FREE)
			continue;
		if (bfs_now() >= end)
			return false;
		all->again |= sweep_one(all, a, d, ops);
		a->top = a->swept + 1;
	}
	return true;
}

enum bfs_swept bfs_arenas_sweep(struct bfs_arenas *all,
				const struct bfs_arena_sweep *ops)
{
	uint64_t end = bfs_now() + SWEEP_SLICE_NS;
	bool again;
	struct arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	if (!sweep_arena(all, a, ops, end))
		return BFS_SWEPT_PART;
	HASH_ITER(hh, all->by_uid, a, next)
	{
		lower_high(a, used_to(a));
		a->swept = a->top = 0;
	}
	again = all->again;
	all->again = false;
	return again ? BFS_SWEPT_SOON : BFS_SWEPT;
}

uint64_t bfs_arenas_stat(struct bfs_arenas *all, unsigned stat)
{
	struct arena *a, *next;
	uint64_t sum = 0;

	HASH_ITER(hh, all->by_uid, a, next)
	sum += a->map->client_stats[stat];
	return sum;
}
