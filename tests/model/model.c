/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: model [--seed N] [--steps N] [--procs N] [--times] [--plain] [--replay FILE] [--save FILE] BENCHFS REAL\n"
	"Does the same random calls in both directories and compares the results.\n"
	"--plain: the processes in REAL do without the preload library.\n"
	"--trace: print each call and what both sides answered.\n"
	"--times: the times of files too, which takes 4 ms for each step; implies --plain.\n"
	"Exit: 0 no difference, 1 a difference, 2 usage.\n";

/* Times: a real path that is not found is walked by hand (preload/lead.c),
 * which reads links, and that can be seen. */
static const char *save = "model.steps";

/* Without the times, if the difference shows there too. */
static void quicker(const struct step *s, unsigned n, unsigned procs)
{
	int fd = stamp_fd;

	if (fd < 0)
		return;
	stamp_fd = -1;
	if (steps_run(s, n, procs, false) < 0)
		stamp_fd = fd;
}

static int judge(struct step *s, unsigned n, unsigned procs)
{
	int bad = steps_run(s, n, procs, true);

	if (bad < 0)
		return 0;
	printf("step %d differs; looking for the shortest sequence...\n", bad);
	fflush(stdout);
	quicker(s, (unsigned)bad + 1, procs);
	n = steps_shrink(s, (unsigned)bad + 1, procs);
	printf("%u steps are enough (--replay %s):\n", n, save);
	for (unsigned i = 0; i < n; i++)
		step_print(&s[i]);
	steps_write(save, s, n);
	steps_run(s, n, procs, true);
	return 1;
}

static void print_counts(void)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < CALLS; i++)
		if (run_count[i])
			printf("%s %lu%s", call_names[i], run_count[i],
			       ++kinds % 8 ? ", " : "\n");
	printf("\n%u kinds of calls\n", kinds);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' },  { "steps", 1, NULL, 'n' },
		{ "procs", 1, NULL, 'p' }, { "replay", 1, NULL, 'r' },
		{ "save", 1, NULL, 'o' },  { "times", 0, NULL, 't' },
		{ "plain", 0, NULL, 'l' }, { "trace", 0, NULL, 'v' },
		{ "help", 0, NULL, 'h' },  { NULL, 0, NULL, 0 },
	};
	unsigned n = 10000, procs = 3;
	const char *replay = NULL;
	struct step *s;
	uint64_t seed = 1;
	bool times = false;
	int o, bad;

	if (argc > 1 &&
	    (!strcmp(argv[1], WORKER_EXEC) || !strcmp(argv[1], WORKER_PLAIN)))
		work_again(argc, argv);
	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (o == 'n')
			n = (unsigned)atoi(optarg);
		else if (o == 'p')
			procs = (unsigned)atoi(optarg);
		else if (o == 'r')
			replay = optarg;
		else if (o == 't')
			times = run_plain = true;
		else if (o == 'v')
			run_trace = true;
		else if (o == 'l')
			run_plain = true;
		else if (o == 'o')
			save = optarg;
		else
			return fputs(usage, o == 'h' ? stdout : stderr),
			       o == 'h' ? 0 : 2;
	}
	if (argc - optind != 2 || procs < 2 || procs > PROCS_MAX || !n)
		return fputs(usage, stderr), 2;
	run_init(argv[optind], argv[optind + 1]);
	if (replay)
		steps_read(replay, &s, &n, &procs);
	if (times)
		stamp_init(n);
	if (replay) {
		for (unsigned i = 0; i < n; i++)
			step_print(&s[i]);
		return steps_run(s, n, procs, true) >= 0;
	}
	s = malloc(n * sizeof(*s));
	steps_random(s, n, procs, seed);
	printf("seed %lu, %u steps, %u processes on each side\n", seed, n,
	       procs);
	bad = judge(s, n, procs);
	if (!bad)
		print_counts();
	free(s);
	return bad;
}
