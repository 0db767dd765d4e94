/* SPDX-License-Identifier: BSD-3-Clause */
/* The lock manager's rules, case by case.  Against the kernel's own locks:
 * test_lock_model. */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "server/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define INO 42u
#define END UINT64_MAX

/* Waits that ended, in order: "B" granted, "b" failed with the last error. */
static char ended[32];
static int last_error;
static char dead; /* owner that no longer exists */

static void on_done(void *cookie, int status)
{
	size_t n = strlen(ended);

	ended[n] = (char)(uintptr_t)cookie;
	if (status) {
		ended[n] |= 0x20;
		last_error = status;
	}
}

static bool alive(void *arg, uint64_t ino, const struct bfs_lock_owner *o)
{
	return (char)o->id != dead;
}

static const struct bfs_lock_ops ops = { .done = on_done, .alive = alive };

struct step {
	char who;     /* A..H: POSIX, I..P: OFD, Q..X: flock; 0: the end */
	char what;    /* R, W, U: without waiting; r, w: waiting; D: dies;
		       * C: cancels its last wait; S: sweep after death */
	uint32_t ino; /* 0: INO */
	uint64_t start, end;
	int result;
	const char *ended; /* waits that this ends; NULL: none */
};

static struct bfs_lock_owner owner(char who)
{
	struct bfs_lock_owner o = { .space = who < 'I'	 ? BFS_LOCK_POSIX
					     : who < 'Q' ? BFS_LOCK_OFD
							 : BFS_LOCK_FLOCK,
				    .id = (uint64_t)who };

	return o;
}

static int do_step(struct bfs_lock_table *t, const struct step *s)
{
	static struct bfs_lock_wait *wait[128];
	static const uint32_t type[128] = { ['R'] = F_RDLCK,
					    ['r'] = F_RDLCK,
					    ['W'] = F_WRLCK,
					    ['w'] = F_WRLCK,
					    ['U'] = F_UNLCK };
	struct bfs_lock_range r = { .owner = owner(s->who),
				    .start = s->start,
				    .end = s->end ? s->end : END,
				    .type = type[(int)s->what] };

	switch (s->what) {
	case 'D':
		bfs_lock_drop(t, &r.owner);
		return 0;
	case 'S':
		dead = s->who;
		bfs_lock_sweep(t);
		return 0;
	case 'C':
		bfs_lock_cancel(t, wait[(int)s->who]);
		return 0;
	default:
		return bfs_lock_set(t, s->ino ? s->ino : INO, &r,
				    s->what >= 'a' ? (void *)(uintptr_t)s->who
						   : NULL,
				    &wait[(int)s->who]);
	}
}

static void play(const char *title, const struct step *steps)
{
	struct bfs_lock_table *t = bfs_lock_table_new(&ops, 1000);

	dead = 0;
	for (int i = 0; steps[i].who; i++) {
		const char *want = steps[i].ended ? steps[i].ended : "";
		int r;

		memset(ended, 0, sizeof(ended));
		r = do_step(t, &steps[i]);
		if (r != steps[i].result || strcmp(ended, want))
			fail_msg("%s, step %d: %d not %d, ended \"%s\" not "
				 "\"%s\"",
				 title, i, r, steps[i].result, ended, want);
	}
	assert_int_equal(bfs_lock_waiting(t), 0);
	bfs_lock_table_free(t);
}

#define WAITS BFS_LOCK_WAITING

static const struct {
	const char *title;
	struct step steps[12];
} cases[] = {
	{ "readers share, a writer does not",
	  { { 'A', 'R', 0, 0, 10, 0, NULL },
	    { 'B', 'R', 0, 0, 10, 0, NULL },
	    { 'C', 'W', 0, 9, 10, -EAGAIN, NULL },
	    { 'C', 'W', 0, 10, 20, 0, NULL },
	    { 'A', 'W', 0, 0, 5, -EAGAIN, NULL },
	    { 'B', 'U', 0, 0, 5, 0, NULL },
	    { 'A', 'W', 0, 0, 5, 0, NULL } } },
	{ "OFD locks and POSIX locks exclude each other, flock neither",
	  { { 'A', 'W', 0, 0, 10, 0, NULL },
	    { 'I', 'R', 0, 5, 6, -EAGAIN, NULL },
	    { 'I', 'W', 0, 10, 0, 0, NULL },
	    { 'J', 'R', 0, 20, 30, -EAGAIN, NULL },
	    { 'B', 'R', 0, 20, 30, -EAGAIN, NULL },
	    { 'Q', 'W', 0, 0, 0, 0, NULL },
	    { 'R', 'R', 0, 0, 0, -EAGAIN, NULL } } },
	{ "locks are per inode",
	  { { 'A', 'W', 1, 0, 0, 0, NULL }, { 'B', 'W', 2, 0, 0, 0, NULL } } },
	{ "a waiter gets the lock when the last obstacle goes",
	  { { 'A', 'W', 0, 0, 10, 0, NULL },
	    { 'B', 'R', 0, 10, 20, 0, NULL },
	    { 'C', 'w', 0, 5, 15, WAITS, NULL },
	    { 'A', 'U', 0, 0, 5, 0, NULL },
	    { 'A', 'U', 0, 5, 10, 0, NULL },
	    { 'B', 'U', 0, 0, 0, 0, "C" },
	    { 'A', 'R', 0, 14, 15, -EAGAIN, NULL } } },
	{ "first come, first served; readers together",
	  { { 'A', 'W', 0, 0, 0, 0, NULL },
	    { 'B', 'w', 0, 0, 0, WAITS, NULL },
	    { 'C', 'r', 0, 0, 0, WAITS, NULL },
	    { 'D', 'r', 0, 0, 0, WAITS, NULL },
	    { 'A', 'U', 0, 0, 0, 0, "B" },
	    { 'B', 'U', 0, 0, 0, 0, "CD" } } },
	{ "a lock that becomes shared lets readers in",
	  { { 'A', 'W', 0, 0, 0, 0, NULL },
	    { 'B', 'r', 0, 0, 0, WAITS, NULL },
	    { 'A', 'R', 0, 0, 0, 0, "B" } } },
	{ "a waiter whose own lock becomes shared lets an earlier one in",
	  { { 'A', 'W', 0, 0, 10, 0, NULL },
	    { 'B', 'W', 0, 10, 20, 0, NULL },
	    { 'C', 'r', 0, 0, 5, WAITS, NULL },
	    { 'A', 'r', 0, 0, 20, WAITS, NULL },
	    { 'B', 'U', 0, 0, 0, 0, "AC" } } },
	{ "cutting a hole splits a lock",
	  { { 'A', 'W', 0, 0, 30, 0, NULL },
	    { 'A', 'U', 0, 10, 20, 0, NULL },
	    { 'B', 'W', 0, 10, 20, 0, NULL },
	    { 'B', 'W', 0, 9, 10, -EAGAIN, NULL },
	    { 'B', 'W', 0, 20, 21, -EAGAIN, NULL },
	    { 'A', 'U', 0, 0, 0, 0, NULL },
	    { 'B', 'W', 0, 0, 0, 0, NULL } } },
	{ "two processes in a circle",
	  { { 'A', 'W', 1, 0, 0, 0, NULL },
	    { 'B', 'W', 2, 0, 0, 0, NULL },
	    { 'A', 'w', 2, 0, 0, WAITS, NULL },
	    { 'B', 'w', 1, 0, 0, -EDEADLK, NULL },
	    { 'B', 'W', 1, 0, 0, -EAGAIN, NULL },
	    { 'B', 'U', 2, 0, 0, 0, "A" } } },
	{ "three processes in a circle, over ranges of one file",
	  { { 'A', 'W', 0, 0, 1, 0, NULL },
	    { 'B', 'W', 0, 1, 2, 0, NULL },
	    { 'C', 'W', 0, 2, 3, 0, NULL },
	    { 'A', 'w', 0, 1, 2, WAITS, NULL },
	    { 'B', 'w', 0, 2, 3, WAITS, NULL },
	    { 'C', 'w', 0, 0, 1, -EDEADLK, NULL },
	    { 'C', 'D', 0, 0, 0, 0, "B" },
	    { 'B', 'D', 0, 0, 0, 0, "A" } } },
	{ "two readers that both want to write",
	  { { 'A', 'R', 0, 0, 0, 0, NULL },
	    { 'B', 'R', 0, 0, 0, 0, NULL },
	    { 'A', 'w', 0, 0, 0, WAITS, NULL },
	    { 'B', 'w', 0, 0, 0, -EDEADLK, NULL },
	    { 'B', 'U', 0, 0, 0, 0, "A" } } },
	{ "descriptions do not wait in circles",
	  { { 'I', 'W', 1, 0, 0, 0, NULL },
	    { 'J', 'W', 2, 0, 0, 0, NULL },
	    { 'I', 'w', 2, 0, 0, WAITS, NULL },
	    { 'J', 'w', 1, 0, 0, WAITS, NULL },
	    { 'J', 'C', 0, 0, 0, 0, NULL },
	    { 'J', 'U', 2, 0, 0, 0, "I" } } },
	{ "a lock granted to a waiter can close a circle",
	  { { 'A', 'W', 1, 0, 0, 0, NULL },
	    { 'B', 'W', 2, 0, 0, 0, NULL },
	    { 'B', 'w', 1, 0, 0, WAITS, NULL },
	    { 'C', 'w', 1, 0, 0, WAITS, NULL },
	    { 'A', 'U', 1, 0, 0, 0, "B" },
	    { 'B', 'U', 1, 0, 0, 0, "C" } } },
	{ "flock: changing a lock gives up the old one, even in vain",
	  { { 'Q', 'R', 0, 0, 0, 0, NULL },
	    { 'R', 'R', 0, 0, 0, 0, NULL },
	    { 'S', 'w', 0, 0, 0, WAITS, NULL },
	    { 'Q', 'W', 0, 0, 0, -EAGAIN, NULL },
	    { 'R', 'U', 0, 0, 0, 0, "S" },
	    { 'Q', 'R', 0, 0, 0, -EAGAIN, NULL } } },
	{ "flock: asking for what one has changes nothing",
	  { { 'Q', 'W', 0, 0, 0, 0, NULL },
	    { 'R', 'w', 0, 0, 0, WAITS, NULL },
	    { 'Q', 'W', 0, 0, 0, 0, NULL },
	    { 'Q', 'U', 0, 0, 0, 0, "R" } } },
	{ "who gives up waiting gets nothing and lets others pass",
	  { { 'A', 'R', 0, 0, 0, 0, NULL },
	    { 'B', 'w', 0, 0, 0, WAITS, NULL },
	    { 'C', 'r', 0, 0, 0, 0, NULL },
	    { 'B', 'C', 0, 0, 0, 0, NULL },
	    { 'A', 'U', 0, 0, 0, 0, NULL },
	    { 'C', 'U', 0, 0, 0, 0, NULL },
	    { 'D', 'W', 0, 0, 0, 0, NULL } } },
	{ "the dead hold nothing",
	  { { 'A', 'W', 1, 0, 0, 0, NULL },
	    { 'A', 'W', 2, 5, 6, 0, NULL },
	    { 'B', 'w', 1, 0, 0, WAITS, NULL },
	    { 'C', 'w', 2, 0, 0, WAITS, NULL },
	    { 'A', 'D', 0, 0, 0, 0, "BC" },
	    { 'A', 'D', 0, 0, 0, 0, NULL } } },
	{ "a description that vanished is noticed by whoever it hinders",
	  { { 'Q', 'W', 0, 0, 0, 0, NULL },
	    { 'R', 'W', 0, 0, 0, -EAGAIN, NULL },
	    { 'S', 'w', 0, 0, 0, WAITS, NULL },
	    { 'Q', 'S', 0, 0, 0, 0, "S" },
	    { 'R', 'W', 0, 0, 0, -EAGAIN, NULL } } },
	{ "OFD: the same",
	  { { 'I', 'W', 0, 7, 9, 0, NULL },
	    { 'A', 'r', 0, 8, 9, WAITS, NULL },
	    { 'I', 'S', 0, 0, 0, 0, "A" } } },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < BFS_COUNT(cases); i++)
		play(cases[i].title, cases[i].steps);
}

static struct bfs_lock_range range(char who, uint32_t type, uint64_t start,
				   uint64_t end)
{
	return (struct bfs_lock_range){ .owner = owner(who),
					.type = type,
					.start = start,
					.end = end,
					.pid = (uint32_t)who };
}

/* F_GETLK: the lock that starts first, as it is after merging. */
static void test_getlk(void **state)
{
	struct bfs_lock_table *t = bfs_lock_table_new(&ops, 1000);
	const struct bfs_lock_range held[] = { range('A', F_RDLCK, 20, 30),
					       range('B', F_RDLCK, 10, 25),
					       range('A', F_RDLCK, 30, 40) };
	struct bfs_lock_range want, found;

	dead = 0;
	for (size_t i = 0; i < BFS_COUNT(held); i++)
		assert_int_equal(bfs_lock_set(t, INO, &held[i], NULL, NULL), 0);
	want = range('C', F_WRLCK, 22, END);
	bfs_lock_test(t, INO, &want, &found);
	assert_int_equal(found.pid, 'B');
	want = range('C', F_WRLCK, 25, END);
	bfs_lock_test(t, INO, &want, &found);
	assert_int_equal(found.type, F_RDLCK);
	assert_int_equal(found.pid, 'A');
	assert_int_equal(found.start, 20);
	assert_int_equal(found.end, 40); /* 20-30 and 30-40 are one */
	want.type = F_RDLCK;
	bfs_lock_test(t, INO, &want, &found);
	assert_int_equal(found.type, F_UNLCK);
	want = range('A', F_WRLCK, 30, END); /* its own does not hinder it */
	bfs_lock_test(t, INO, &want, &found);
	assert_int_equal(found.type, F_UNLCK);
	bfs_lock_test(t, INO + 1, &want, &found);
	assert_int_equal(found.type, F_UNLCK);
	bfs_lock_table_free(t);
}

static void test_limit(void **state)
{
	struct bfs_lock_table *t = bfs_lock_table_new(&ops, 3);
	struct bfs_lock_range r;
	struct bfs_lock_wait *w;

	dead = 0;
	for (uint64_t i = 0; i < 2; i++) {
		r = range('A', F_WRLCK, 10 * i, 10 * i + 1);
		assert_int_equal(bfs_lock_set(t, INO, &r, NULL, NULL), 0);
	}
	r = range('B', F_WRLCK, 0, 1);
	assert_int_equal(bfs_lock_set(t, INO, &r, &r, &w), WAITS);
	r = range('A', F_WRLCK, 50, 51);
	assert_int_equal(bfs_lock_set(t, INO, &r, NULL, NULL), -ENOLCK);
	r = range('C', F_WRLCK, 0, 1);
	assert_int_equal(bfs_lock_set(t, INO, &r, &r, &w), -ENOLCK);
	/* Giving back always works. */
	r = range('A', F_UNLCK, 0, END);
	assert_int_equal(bfs_lock_set(t, INO, &r, NULL, NULL), 0);
	assert_int_equal(bfs_lock_held(t), 1);
	bfs_lock_table_free(t);
}

/* Locks of descriptions that ended are not kept until somebody asks. */
static void test_purge(void **state)
{
	struct bfs_lock_table *t = bfs_lock_table_new(&ops, 2000);

	dead = 'Q';
	for (uint32_t i = 0; i < 10000; i++) {
		struct bfs_lock_range r = range('Q', F_WRLCK, 0, END);

		assert_int_equal(bfs_lock_set(t, i, &r, NULL, NULL), 0);
	}
	assert_true(bfs_lock_held(t) <= 2000);
	bfs_lock_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_getlk),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_purge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
