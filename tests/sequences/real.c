/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * real DIR COUNT SEED DAEMONS: COUNT sequences of three calls by chance, each
 * in a directory of its own.  All make their first call; then
 * `$BENCHFS_TEST_KILL K` and `$BENCHFS_TEST_RESTART K` are run for each daemon
 * K, and what is there must be what was acknowledged; and so on.
 */
#include "tests/sequences/seq.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct sequence {
	struct seq_call call[SEQ_LEN_MAX];
	struct seq_world world;
	unsigned start;
	char dir[300];
};

static void tell(const struct sequence *q, unsigned done)
{
	for (unsigned n = 0; n < done; n++) {
		char name[64];

		seq_call_name(&q->call[n], name, sizeof(name));
		warnx("%s: %s", q->dir, name);
	}
}

static void compare(struct sequence *q, unsigned done)
{
	static char expected[SEQ_TEXT], seen[SEQ_TEXT];
	const struct seq_fs fs = seq_libc(q->dir);

	seq_world_text(&q->world, expected);
	seq_fs_text(&fs, seen);
	if (!strcmp(expected, seen))
		return;
	tell(q, done);
	errx(1, "expected\n%sand there is\n%s", expected, seen);
}

static void begin(struct sequence *q, const char *dir, unsigned n,
		  uint64_t *random)
{
	const struct seq_fs fs = seq_libc(q->dir);
	struct seq_call all[SEQ_CALLS_MAX];
	unsigned ncalls = seq_calls(all);

	for (unsigned k = 0; k < SEQ_LEN_MAX; k++) {
		*random = *random * 6364136223846793005u + 1442695040888963407u;
		q->call[k] = all[(*random >> 33) % ncalls];
	}
	q->start = n % SEQ_STARTS;
	snprintf(q->dir, sizeof(q->dir), "%s/%u", dir, n);
	if (mkdir(q->dir, 0755) || seq_fs_init(&fs, q->start))
		err(1, "%s", q->dir);
	seq_world_init(&q->world, q->start);
}

static void make_call(struct sequence *q, unsigned k)
{
	int expected = seq_apply(&q->world, &q->call[k], k);
	const struct seq_fs fs = seq_libc(q->dir);
	int r = fs.call(fs.arg, &q->call[k], k);

	if (r == expected)
		return;
	tell(q, k + 1);
	errx(1, "answers %d, expected %d", r, expected);
}

static void command(const char *what, unsigned daemon)
{
	char buf[1000];

	snprintf(buf, sizeof(buf), "%s %u >/dev/null", getenv(what), daemon);
	if (system(buf))
		errx(1, "%s failed", what);
}

int main(int argc, char **argv)
{
	unsigned count, daemons;
	struct sequence *q;
	uint64_t random;

	if (argc != 5)
		errx(2, "real DIR COUNT SEED DAEMONS");
	count = (unsigned)atoi(argv[2]);
	random = strtoull(argv[3], NULL, 10);
	daemons = (unsigned)atoi(argv[4]);
	q = calloc(count, sizeof(*q));
	if (!q)
		err(1, NULL);
	for (unsigned n = 0; n < count; n++)
		begin(&q[n], argv[1], n, &random);
	for (unsigned k = 0; k < SEQ_LEN_MAX; k++) {
		for (unsigned n = 0; n < count; n++)
			make_call(&q[n], k);
		for (unsigned d = 0; d < daemons; d++)
			command("BENCHFS_TEST_KILL", d);
		for (unsigned d = 0; d < daemons; d++)
			command("BENCHFS_TEST_RESTART", d);
		for (unsigned n = 0; n < count; n++)
			compare(&q[n], k + 1);
	}
	printf("%u sequences of %d calls, %u kills of a daemon, %u comparisons\n",
	       count, SEQ_LEN_MAX, SEQ_LEN_MAX * daemons, count * SEQ_LEN_MAX);
	free(q);
	return 0;
}
