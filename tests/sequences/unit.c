/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * D1, D2, S4: all sequences of up to three calls (seq.def) in a file
 * system with a journal.  Each call answers what POSIX says; after
 * each fsync, and at the end, the daemon is killed and started again on its
 * directory, and what is there is what was acknowledged.
 *   SEQUENCES=all   all of them; else those of two calls, and a sample
 *   JOBS=N          processes
 */
#include "tests/sequences/seq_unit.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVERY 97

struct counts {
	_Atomic unsigned long sequences, kills, done, refused;
};

static struct {
	struct counts *counts;
	struct seq_call calls[SEQ_CALLS_MAX];
	unsigned ncalls, jobs, job;
	unsigned long every; /* of those of three calls */
} run;

/* Space is taken in advance; this is not about space, and it takes longer
 * than all the rest. */
int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return 0;
}

static void tell(const struct seq_call *s, unsigned len, unsigned start)
{
	print_error("from start %u, job %u of %u:\n", start, run.job, run.jobs);
	for (unsigned n = 0; n < len; n++) {
		char name[64];

		seq_call_name(&s[n], name, sizeof(name));
		print_error("  %s\n", name);
	}
}

static void compare(struct fs_unit *u, const struct seq_fs *fs,
		    const struct seq_world *w, const struct seq_call *s,
		    unsigned done, unsigned start)
{
	static char expected[SEQ_TEXT], seen[SEQ_TEXT];
	int r = u_kill_and_start(u);

	run.counts->kills++;
	if (r) {
		tell(s, done, start);
		fail_msg("no start after that: %d", r);
	}
	seq_world_text(w, expected);
	seq_fs_text(fs, seen);
	if (strcmp(expected, seen)) {
		tell(s, done, start);
		fail_msg("expected\n%sand there is\n%s", expected, seen);
	}
}

static void play(struct fs_unit *u, const struct seq_call *s, unsigned len,
		 unsigned start)
{
	const struct seq_fs fs = seq_unit(u);
	struct seq_world w;

	seq_world_init(&w, start);
	assert_int_equal(seq_fs_init(&fs, start), 0);
	for (unsigned n = 0; n < len; n++) {
		int expected = seq_apply(&w, &s[n], n);
		int r = fs.call(u, &s[n], n);

		run.counts->done++;
		run.counts->refused += r != 0;
		if (r != expected) {
			tell(s, n + 1, start);
			fail_msg("answers %d, expected %d", r, expected);
		}
		if (s[n].kind == SEQ_fsync || n == len - 1)
			compare(u, &fs, &w, s, n + 1, start);
	}
	run.counts->sequences++;
}

/* An empty file system, for each of them. */
static void afresh(const struct seq_call *s, unsigned len, unsigned start,
		   bool pass)
{
	void *state;
	struct fs_unit *u;

	assert_int_equal(fs_unit_setup(&state), 0);
	u = state;
	bfs_fs_free(u->fs);
	u->conf.journal = true;
	u->conf.pass = pass;
	assert_int_equal(fs_unit_restart(u), 0);
	play(u, s, len, start);
	fs_unit_teardown(&state);
}

/* The number of a sequence says which calls it has. */
static void spell(unsigned long number, unsigned len, struct seq_call *s)
{
	for (unsigned n = 0; n < len; n++) {
		s[n] = run.calls[number % run.ncalls];
		number /= run.ncalls;
	}
}

static bool writes(const struct seq_call *s, unsigned len)
{
	for (unsigned n = 0; n < len; n++)
		if (s[n].kind == SEQ_write || s[n].kind == SEQ_append)
			return true;
	return false;
}

/* From each start, by the client's descriptor or through the daemon, and by
 * both where it matters; a sample takes turns. */
static void each_way(unsigned long number, unsigned len)
{
	struct seq_call s[SEQ_LEN_MAX];

	spell(number, len, s);
	for (unsigned k = 0; k < 2 * SEQ_STARTS; k++)
		if (run.every > 1 ? k == number % 4
				  : (k & 1) == (number & 1) || writes(s, len))
			afresh(s, len, k / 2, k & 1);
}

static void test_sequences(void **state)
{
	unsigned long all = 1, turn = 0;

	for (unsigned len = 1; len <= SEQ_LEN_MAX; len++) {
		unsigned long every = len == SEQ_LEN_MAX ? run.every : 1;

		all *= run.ncalls;
		for (unsigned long n = 0; n < all; n += every)
			if (turn++ % run.jobs == run.job)
				each_way(n, len);
	}
}

static int job(unsigned n)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sequences) };

	run.job = n;
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

static int all_jobs(void)
{
	int bad = 0, status;

	for (unsigned n = 0; n < run.jobs; n++)
		if (!fork())
			_exit(job(n));
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}

int main(void)
{
	const char *which = getenv("SEQUENCES"), *jobs = getenv("JOBS");
	int bad;

	setvbuf(stdout, NULL, _IOLBF, 0);
	run.counts = mmap(NULL, sizeof(*run.counts), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run.ncalls = seq_calls(run.calls);
	run.every = which && !strcmp(which, "all") ? 1 : EVERY;
	run.jobs = jobs ? (unsigned)atoi(jobs) : 1;
	/* it is not about the disk, and syncs there all the time */
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	bfs_log_max = BFS_LOG_error;
	bad = all_jobs();
	printf("%lu sequences of up to %d out of %u calls, %lu kills, %lu calls "
	       "of which %lu were refused as they should be\n",
	       run.counts->sequences, SEQ_LEN_MAX, run.ncalls,
	       run.counts->kills, run.counts->done, run.counts->refused);
	return bad || !run.counts->kills;
}
