/* SPDX-License-Identifier: BSD-3-Clause */
/* The sweep of the arenas: by rounds, and never long at a time.  What clients
 * write into them. */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "server/arena.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define RECORDS 100u
#define USERS 2u
#define GUARD 4096u
#define LOOKS 5000000 /* while somebody changes what is looked at */
#define CHANGES 1000000

/* Behind all that is mapped in here there is nothing. */
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset);

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset)
{
	size_t whole = (len + GUARD - 1) / GUARD * GUARD;
	char *p = __real_mmap(NULL, whole + GUARD, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || addr)
		return MAP_FAILED;
	return __real_mmap(p, len, prot, flags | MAP_FIXED, fd, offset);
}

static const uint8_t secret[16] = "0123456789abcdef";

static unsigned asked[USERS][RECORDS];
static bool lives;
static uint64_t costs; /* ns, to ask for one */

static bool alive(void *arg, uint64_t ino, uint32_t uid, uint32_t slot)
{
	uint64_t end = bfs_now() + costs;

	(void)arg;
	(void)ino;
	asked[uid][slot]++;
	while (bfs_now() < end)
		;
	return lives;
}

static void closed(void *arg, struct bfs_handle h)
{
	(void)arg;
	(void)h;
}

static const struct bfs_arena_sweep ops = { .pass_alive = alive,
					    .closed = closed };

/* The arena of a user whose records are all passed-through descriptions. */
static struct bfs_arena *fill(struct bfs_arenas *all, uint32_t uid)
{
	int fd, empty;
	uint64_t ino;
	struct bfs_arena *map;

	assert_int_equal(bfs_arenas_get(all, uid, &fd, &empty, &ino), 0);
	map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	assert_true(map != MAP_FAILED);
	for (uint32_t i = 0; i < RECORDS; i++) {
		map->desc[i].ino = 1;
		map->desc[i].data_ino = 1;
		map->desc[i].word = BFS_DESC_WORD(1, BFS_DESC_USED);
	}
	map->high = RECORDS;
	return map;
}

/* Calls until the round is over: how many, and what it ended with. */
static unsigned round_of(struct bfs_arenas *all, enum bfs_swept *last)
{
	unsigned calls = 0;

	memset(asked, 0, sizeof(asked));
	do {
		*last = bfs_arenas_sweep(all, &ops);
		calls++;
	} while (*last == BFS_SWEPT_PART && calls < 2 * USERS * RECORDS);
	for (unsigned u = 0; u < USERS; u++)
		for (unsigned i = 0; i < RECORDS; i++)
			assert_int_equal(asked[u][i], 1);
	return calls;
}

static void test_sweep(void **state)
{
	struct bfs_arenas *all = bfs_arenas_new(secret);
	struct bfs_arena *map[USERS];
	enum bfs_swept last;

	(void)state;
	for (uint32_t u = 0; u < USERS; u++)
		map[u] = fill(all, u);
	/* 200 questions of 1 ms: two or three of them in each call */
	lives = true;
	costs = 1000000;
	assert_true(round_of(all, &last) >= USERS * RECORDS / 3);
	assert_int_equal(last, BFS_SWEPT);
	/* dead once, dead twice */
	lives = false;
	costs = 0;
	round_of(all, &last);
	assert_int_equal(last, BFS_SWEPT_SOON);
	for (uint32_t i = 0; i < RECORDS; i++)
		assert_int_equal(BFS_DESC_STATE(map[1]->desc[i].word),
				 BFS_DESC_USED);
	round_of(all, &last);
	assert_int_equal(last, BFS_SWEPT);
	for (uint32_t u = 0; u < USERS; u++) {
		for (uint32_t i = 0; i < RECORDS; i++)
			assert_int_equal(BFS_DESC_STATE(map[u]->desc[i].word),
					 BFS_DESC_FREE);
		munmap(map[u], sizeof(*map[u]));
	}
	bfs_arenas_free(all);
}

/* An idle daemon does not look through what was in use once; what is in use is
 * never out of its sight. */
static void test_high(void **state)
{
	struct bfs_arenas *all = bfs_arenas_new(secret);
	struct bfs_arena *map = fill(all, 0);
	enum bfs_swept last;

	(void)state;
	map->desc[40].maker = (uint32_t)getpid();
	map->desc[40].word = BFS_DESC_WORD(1, BFS_DESC_MADE);
	lives = false;
	costs = 0;
	for (int n = 0; n < 3; n++)
		do
			last = bfs_arenas_sweep(all, &ops);
		while (last == BFS_SWEPT_PART);
	assert_int_equal(map->high, 41);
	/* taken by somebody who has seen the mark where it is */
	map->desc[17].word = BFS_DESC_WORD(2, BFS_DESC_MADE);
	map->desc[17].maker = (uint32_t)getpid();
	map->desc[40].word = BFS_DESC_WORD(1, BFS_DESC_FREE);
	assert_int_equal(bfs_arenas_sweep(all, &ops), BFS_SWEPT);
	assert_int_equal(map->high, 18);
	/* nonsense of a client */
	map->high = UINT32_MAX;
	assert_int_equal(bfs_arenas_sweep(all, &ops), BFS_SWEPT);
	map->desc[17].word = BFS_DESC_WORD(2, BFS_DESC_FREE);
	map->high = BFS_ARENA_RECORDS;
	assert_int_equal(bfs_arenas_sweep(all, &ops), BFS_SWEPT);
	assert_int_equal(map->high, 0);
	munmap(map, sizeof(*map));
	bfs_arenas_free(all);
}

static bool alive_first(void *arg, uint64_t ino, uint32_t uid, uint32_t slot)
{
	(void)arg;
	(void)ino;
	return lives && !uid && slot == 7;
}

static void sweep_twice(struct bfs_arenas *all)
{
	const struct bfs_arena_sweep first = { .pass_alive = alive_first,
					       .closed = closed };

	for (int n = 0; n < 2; n++)
		while (bfs_arenas_sweep(all, &first) == BFS_SWEPT_PART)
			;
}

/* A program executed as another user has a record of its own for what was
 * opened before, by a record whose lock the description has (S6). */
static void test_other_user(void **state)
{
	struct bfs_arenas *all = bfs_arenas_new(secret);
	struct bfs_arena *map[USERS];
	struct bfs_desc *mine;
	uint32_t uid = 1, slot = 3, gen = 1;
	int fd, empty;

	(void)state;
	for (uint32_t u = 0; u < USERS; u++)
		map[u] = fill(all, u);
	mine = &map[1]->desc[3];
	assert_int_equal(bfs_arenas_get(all, 0, &fd, &empty, &mine->life), 0);
	mine->life_slot = 7;
	mine->life_gen = 1;
	lives = true;
	sweep_twice(all);
	for (uint32_t i = 0; i < RECORDS; i++) {
		assert_int_equal(BFS_DESC_STATE(map[0]->desc[i].word),
				 i == 7 ? BFS_DESC_USED : BFS_DESC_FREE);
		assert_int_equal(BFS_DESC_STATE(map[1]->desc[i].word),
				 i == 3 ? BFS_DESC_USED : BFS_DESC_FREE);
	}
	assert_true(bfs_arenas_signer(all, &uid, &slot, &gen));
	assert_int_equal(uid, 0);
	assert_int_equal(slot, 7);
	/* the other record is in use for something else */
	map[0]->desc[7].word = BFS_DESC_WORD(2, BFS_DESC_USED);
	uid = 1, slot = 3;
	assert_false(bfs_arenas_signer(all, &uid, &slot, &gen));
	sweep_twice(all);
	assert_int_equal(BFS_DESC_STATE(mine->word), BFS_DESC_FREE);
	/* a hostile circle, and what is out of range */
	mine->word = BFS_DESC_WORD(1, BFS_DESC_USED);
	assert_int_equal(bfs_arenas_get(all, 1, &fd, &empty, &mine->life), 0);
	mine->life_slot = 3;
	assert_false(bfs_arenas_alive(all, 1, 3, 1));
	mine->life_slot = UINT32_MAX;
	assert_false(bfs_arenas_alive(all, 1, 3, 1));
	for (uint32_t u = 0; u < USERS; u++)
		munmap(map[u], sizeof(*map[u]));
	bfs_arenas_free(all);
}

/* What a holder does: others of the same files. */
static void hand_over(struct bfs_arenas *from, struct bfs_arenas *to,
		      uint32_t uid)
{
	int fd, empty;
	uint64_t ino;

	assert_int_equal(bfs_arenas_get(from, uid, &fd, &empty, &ino), 0);
	assert_int_equal(bfs_arenas_adopt(to, uid, dup(fd), dup(empty)), 0);
}

/*
 * R33, F3: a user knows another one's key (he has been given a descriptor by
 * a program that was that user before) and writes it into his own arena: after
 * a restart that key is still the other one's, and nobody's is lost.
 */
static void test_stolen_key(void **state)
{
	struct bfs_arenas *all = bfs_arenas_new(secret);
	struct bfs_arenas *again = bfs_arenas_new(secret);
	struct bfs_arena *map[USERS];
	uint64_t key[USERS];
	uint32_t uid;

	(void)state;
	for (uint32_t u = 0; u < USERS; u++) {
		map[u] = fill(all, u);
		key[u] = map[u]->key;
		assert_true(key[u] != 0);
	}
	assert_true(key[0] != key[1]);
	map[1]->key = key[0];
	map[1]->uid = 0;
	/* the thief's first, so that it would be found first */
	for (uint32_t u = USERS; u-- > 0;)
		hand_over(all, again, u);
	for (uint32_t u = 0; u < USERS; u++) {
		assert_true(bfs_arenas_owner(again, key[u], &uid));
		assert_int_equal(uid, u);
		assert_int_equal(map[u]->uid, u);
		assert_true(map[u]->key == key[u]);
		munmap(map[u], sizeof(*map[u]));
	}
	bfs_arenas_free(again);
	bfs_arenas_free(all);
}

/* How many records are used, as a client writes it: two values in turn. */
struct scribbler {
	struct bfs_arena *map;
	atomic_bool over;
	atomic_uint changes;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;

	while (!atomic_load_explicit(&s->over, memory_order_relaxed)) {
		s->map->high = RECORDS;
		s->map->high = UINT32_MAX;
		atomic_fetch_add_explicit(&s->changes, 1, memory_order_relaxed);
	}
	return NULL;
}

static bool none(void *arg, uint32_t uid, uint32_t slot,
		 const struct bfs_desc *d)
{
	return true;
}

/* R35, F3: what has been checked is what is used: behind the last record, where
 * nobody may look, there is no page. */
static void test_read_once(void **state)
{
	struct bfs_arenas *all = bfs_arenas_new(secret);
	struct scribbler s = { .map = fill(all, 1) };
	pthread_t thread;
	bool making = false;

	assert_int_equal(pthread_create(&thread, NULL, scribble, &s), 0);
	for (int n = 0; n < LOOKS || atomic_load(&s.changes) < CHANGES; n++) {
		uint32_t uid = 1, slot = BFS_ARENA_RECORDS;

		assert_false(
			bfs_arenas_page(all, &uid, &slot, none, &ops, &making));
	}
	atomic_store(&s.over, true);
	pthread_join(thread, NULL);
	munmap(s.map, sizeof(*s.map));
	bfs_arenas_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_high),
		cmocka_unit_test(test_other_user),
		cmocka_unit_test(test_stolen_key),
		cmocka_unit_test(test_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
