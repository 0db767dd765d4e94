/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nth DIR BENCHFSD SHIM PRELOAD MOUNT EVERY [OPTION]...: a daemon of which the
 * first call of a kind fails, then the second, and so on until none fails any
 * more (every EVERY-th), while a client runs tests/faults/script; and one that
 * starts.  It never crashes or hangs, and loses and keeps nothing.
 */
#include "tests/faults/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LEAK_SECS 20

static const char *const kind_name[FAIL_KINDS] = {
#define FAIL(kind, error, what) [FAIL_##kind] = #kind,
#include "tests/faults/fail.def"
#undef FAIL
};

static unsigned every, injected, refused;
static int fds; /* that the daemon has when nobody is there */

/* What the client had is closed, and what it removed is gone (S5). */
static void look_for_leaks(void)
{
	double end = rig_now() + LEAK_SECS;

	while (rig_fds() > fds || rig_files()) {
		int now = rig_fds(), files = rig_files();

		if (rig_now() > end && (rig_show_fds(), true))
			rig_bad("%d descriptors, %d before; %d data files", now,
				fds, files);
		usleep(2000);
	}
}

static void arm(unsigned kind, unsigned n)
{
	rig.f->left = n;
	rig.f->kind = kind;
}

/* False: no call failed. */
static bool serve_once(unsigned kind, unsigned n)
{
	uint64_t fired = rig.f->fired;
	unsigned stops = rig.stops;
	char where[40];

	snprintf(where, sizeof(where), "%u.%u", kind, n);
	arm(kind, n);
	rig_script(where, rig.file);
	rig.f->kind = FAIL_nothing;
	if (rig.stops == stops)
		look_for_leaks();
	else
		fds = rig_fds();
	return rig.f->fired != fired;
}

static bool start_once(unsigned kind, unsigned n)
{
	uint64_t fired = rig.f->fired;

	rig_kill();
	arm(kind, n);
	if (!rig_start()) {
		refused++;
		rig.f->kind = FAIL_nothing;
		rig_must_start();
	}
	rig.f->kind = FAIL_nothing;
	rig_script("kept", "check");
	return rig.f->fired != fired;
}

/* The first, and every EVERY-th after it. */
static void all_of(const char *what, bool (*once)(unsigned kind, unsigned n))
{
	for (unsigned kind = 1; kind < FAIL_KINDS; kind++) {
		unsigned n = 1, count = 0;

		for (; once(kind, n); n += every)
			count++;
		printf("%s, %s: %u failures\n", what, kind_name[kind], count);
		fflush(stdout);
		injected += count;
	}
}

static void serve_all(void)
{
	rig_must_start();
	rig_script("warm", rig.file); /* the arena, the caches */
	fds = rig_fds();
	all_of("serving", serve_once);
	rig_kill();
}

static void start_all(void)
{
	rig_must_start();
	rig_script("kept", "keep");
	all_of("starting", start_once);
	rig_stop();
}

int main(int argc, char **argv)
{
	if (argc < 7)
		errx(2,
		     "nth DIR BENCHFSD SHIM PRELOAD MOUNT EVERY [OPTION]...");
	every = (unsigned)atoi(argv[6]);
	rig.options = argv + 7;
	rig_set_up(argv + 1);
	serve_all();
	start_all();
	printf("%u failures, by which the daemon stopped %u times, and refused "
	       "to start %u times\n",
	       injected, rig.stops, refused);
	return injected ? 0 : 1;
}
