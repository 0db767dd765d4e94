/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nth_ucx FILE SCRIPT DIR EVERY: while tests/faults/script runs, the first call
 * of UCX of a kind fails in the daemons, then the second, and so on until none
 * fails any more (every EVERY-th).  All is as if nothing had failed, and none
 * of the runs takes much longer.
 * nth_ucx FILE start KIND N: the N-th of that kind will fail.
 * nth_ucx FILE fired: has it?
 */
#include "tests/faults/ucx_fail.h"

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_SECS 15 /* a lost message would cost a call's time, 30 s */

static const char *const kind_name[UCX_FAIL_KINDS] = {
#define UCX_FAIL(kind, status, what) [UCX_FAIL_##kind] = #kind,
#include "tests/faults/ucx_fail.def"
#undef UCX_FAIL
};

static struct fail_file *file;
static const char *script, *dir;
static double longest; /* run, seconds */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(const char *what)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl(script, "script", dir, what, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "script");
	return status;
}

static void must(const char *what, unsigned kind, unsigned n)
{
	int status = run(what);

	if (status)
		errx(1, "%s %u: %s ends with %x", kind_name[kind], n, what,
		     status);
}

/* False: no call failed. */
static bool once(unsigned kind, unsigned n)
{
	uint64_t fired = file->fired;
	double start = now(), took;

	file->left = n;
	file->kind = kind;
	must("keep", kind, n);
	file->kind = UCX_FAIL_nothing;
	took = now() - start;
	if (took > RUN_SECS)
		errx(1, "%s %u: %.1f s", kind_name[kind], n, took);
	longest = took > longest ? took : longest;
	must("check", kind, n);
	must("clear", kind, n);
	if (rmdir(dir))
		err(1, "%s", dir);
	return file->fired != fired;
}

static void open_file(const char *name)
{
	int fd = open(name, O_RDWR);

	file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	if (file == MAP_FAILED)
		err(2, "%s", name);
}

static int run_all(unsigned every)
{
	unsigned all = 0;

	for (unsigned kind = 1; kind < UCX_FAIL_opening; kind++) {
		unsigned n = 1, count = 0;

		for (longest = 0; once(kind, n); n += every)
			count++;
		printf("%s: %u failures, the longest run %.1f s\n",
		       kind_name[kind], count, longest);
		fflush(stdout);
		all += count;
	}
	printf("%u failures\n", all);
	return all ? 0 : 1;
}

static int arm(const char *name, unsigned n)
{
	for (unsigned kind = 1; kind < UCX_FAIL_KINDS; kind++)
		if (!strcmp(name, kind_name[kind])) {
			file->left = n;
			file->kind = kind;
			return 0;
		}
	return 2;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "nth_ucx FILE SCRIPT DIR EVERY|start KIND N|fired");
	open_file(argv[1]);
	if (!strcmp(argv[2], "fired"))
		return !file->fired;
	if (!strcmp(argv[2], "start"))
		return arm(argv[3], (unsigned)atoi(argv[4]));
	script = argv[2];
	dir = argv[3];
	return run_all((unsigned)atoi(argv[4]));
}
