/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a target without libFuzzer: its seeds, then seeds with some bytes
 * changed, as many as fuzz_runs says.  The same runs each time.
 *   TARGET                  as above
 *   TARGET -n RUNS -s SEED  others
 *   TARGET -w DIR           write the seeds there, a file each
 *   TARGET FILE...          these inputs
 * An input that kills it is left in the file ./crash-<target>.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static uint8_t input[FUZZ_MAX];
static size_t input_len;
static char crash[256];

static void on_death(int sig)
{
	int fd = open(crash, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, input, input_len) > 0)
		dprintf(STDERR_FILENO, "the input is in %s\n", crash);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void watch(const char *program)
{
	static const int deadly[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE,
				      SIGILL };
	const char *name = strrchr(program, '/');

	snprintf(crash, sizeof(crash), "crash-%s", name ? name + 1 : program);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], on_death);
}

static void run(void)
{
	/* of its exact length, so that a checker sees a read behind it */
	uint8_t *exact = malloc(input_len ? input_len : 1);

	if (!exact)
		abort();
	memcpy(exact, input, input_len);
	fuzz_one(exact, input_len);
	free(exact);
}

static void change(uint64_t *random)
{
	for (uint64_t n = 1 + fuzz_draw(random) % 8; n; n--) {
		size_t at = fuzz_draw(random) % (input_len + 1);
		uint64_t v = fuzz_draw(random);

		switch (fuzz_draw(random) % 4) {
		case 0:
			if (at < input_len)
				input[at] = (uint8_t)v;
			break;
		case 1:
			if (at < input_len)
				input[at] ^= (uint8_t)(1u << v % 8);
			break;
		case 2:
			input_len = at;
			break;
		case 3:
			while (input_len < sizeof(input) && v % 32) {
				input[input_len++] = (uint8_t)fuzz_draw(random);
				v--;
			}
			break;
		}
	}
}

static int write_seeds(const char *dir)
{
	char path[4096];
	FILE *f;

	for (unsigned n = 0; (input_len = fuzz_seed(n, input)) > 0; n++) {
		snprintf(path, sizeof(path), "%s/seed-%u", dir, n);
		f = fopen(path, "w");
		if (!f || fwrite(input, 1, input_len, f) != input_len ||
		    fclose(f)) {
			perror(path);
			return 1;
		}
	}
	return 0;
}

static int run_file(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f) {
		perror(path);
		return 1;
	}
	input_len = fread(input, 1, sizeof(input), f);
	fclose(f);
	run();
	return 0;
}

static int run_many(unsigned long runs, uint64_t random)
{
	unsigned nseeds = 0;

	for (; (input_len = fuzz_seed(nseeds, input)) > 0; nseeds++)
		run();
	for (unsigned long i = 0; i < runs && nseeds; i++) {
		input_len = fuzz_seed(fuzz_draw(&random) % nseeds, input);
		change(&random);
		run();
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long runs = fuzz_runs;
	const char *seeds = NULL;
	uint64_t random = 1;
	int c, r = 0;

	watch(argv[0]);
	while ((c = getopt(argc, argv, "n:s:w:")) != -1)
		if (c == 'w')
			seeds = optarg;
		else if (c == 'n')
			runs = strtoul(optarg, NULL, 0);
		else if (c == 's')
			random = 2 * strtoull(optarg, NULL, 0) + 1;
		else
			return 2;
	fuzz_begin();
	if (seeds)
		r = write_seeds(seeds);
	else if (optind == argc)
		r = run_many(runs, random);
	for (; optind < argc && !r; optind++)
		r = run_file(argv[optind]);
	fuzz_end();
	return r;
}
