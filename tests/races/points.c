/* SPDX-License-Identifier: BSD-3-Clause */
/* Kill points (core/kill.def): one after the other is armed, the one that has
 * killed least first, and whoever was killed there is started again. */
#include "crash.h"

#include "tests/faults/kill_file.h"

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define WAIT_NS 2000000000ull /* for somebody to come by */
#define GONE_MS 30000
#define DEEPEST 12 /* who comes by so often is killed */

enum who {
	WHO_serve,
	WHO_writer,
	WHO_start,
	WHO_several,
	WHO_helper,
	WHO_client
};

static const struct {
	const char *name;
	enum who who;
} points[BFS_KILLS] = {
#define KILL(who, name, what) { #name, WHO_##who },
#include "core/kill.def"
#undef KILL
};

static struct kill_file *file;

bool points_open(void)
{
	const char *name = getenv("BENCHFS_KILL_FILE");
	int fd = name ? open(name, O_RDWR) : -1;

	if (fd < 0)
		return false;
	file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	close(fd);
	if (file == MAP_FAILED)
		err(2, "%s", name);
	return true;
}

static bool can_fire(int p, uint32_t daemons)
{
	/* What daemons write clients do not get, and they only read it when a
	 * round is over. */
	bool writers = getenv("BENCHFS_TEST_WRITERS");
	bool passing = p == BFS_KILL_fd_sent || p == BFS_KILL_fd_taken ||
		       p == BFS_KILL_data_opened;

	if (points[p].who == WHO_writer || passing)
		return writers != passing;
	return points[p].who != WHO_several || daemons > 1;
}

static int choose(uint64_t *random, uint32_t daemons)
{
	int best = -1, first = (int)(crew_random(random) % BFS_KILLS);

	for (int n = 0; n < BFS_KILLS; n++) {
		int p = (first + n) % BFS_KILLS;

		if (can_fire(p, daemons) &&
		    (best < 0 || file->at[p].fired < file->at[best].fired))
			best = p;
	}
	return best;
}

/* With all its threads: one that is left still has all that it had open, and
 * would be taken for a daemon that runs. */
static void wait_until_gone(struct crew *c, uint32_t pid)
{
	struct pollfd p = { pidfd_open((pid_t)pid, 0), POLLIN, 0 };

	if (p.fd < 0)
		return; /* it is */
	if (poll(&p, 1, GONE_MS) != 1)
		crew_fail(c, "process %u does not end", pid);
	close(p.fd);
}

/* The start may be what is to be killed: then once more, and true. */
static bool start_again(struct crew *c, int p)
{
	uint64_t fired = file->at[p].fired;

	if (!points_command("BENCHFS_TEST_RESTART", 0))
		return false;
	if (file->at[p].fired == fired)
		crew_fail(c, "no start behind %s", points[p].name);
	wait_until_gone(c, file->at[p].pid);
	if (points_command("BENCHFS_TEST_RESTART", 0))
		crew_fail(c, "no start after %s", points[p].name);
	return true;
}

static bool wait_until_fired(struct crew *c, int p, uint64_t fired)
{
	uint64_t end = crew_now() + WAIT_NS;

	while (file->at[p].fired == fired && crew_now() < end && !c->failed)
		usleep(500);
	/* It may be at it now. */
	if (file->at[p].fired == fired &&
	    !atomic_exchange(&file->at[p].left, 0))
		while (file->at[p].fired == fired)
			usleep(500);
	return file->at[p].fired != fired;
}

/* Nobody comes by unless a daemon is started, or has been. */
static bool needs_start(int p)
{
	return points[p].who == WHO_start || p == BFS_KILL_hello_sent ||
	       p == BFS_KILL_hello_said;
}

static bool provoke(struct crew *c, int p, uint32_t daemon)
{
	if (points_command("BENCHFS_TEST_KILL", daemon))
		crew_fail(c, "BENCHFS_TEST_KILL failed");
	c->count[COUNT_KILLS]++;
	file->at[p].left = 1; /* not for the one that is gone */
	return start_again(c, p);
}

/* Arm the point, so that somebody comes by; *again: a daemon was started again
 * for that.  Has it killed? */
static bool arm(struct crew *c, int p, uint64_t *random, uint32_t daemon,
		bool *again)
{
	uint64_t fired = file->at[p].fired;

	if (needs_start(p))
		*again = provoke(c, p, daemon);
	else
		file->at[p].left = 1 + crew_random(random) % DEEPEST;
	return wait_until_fired(c, p, fired);
}

void points_kill(struct crew *c, uint64_t *random, uint32_t daemons)
{
	int p = choose(random, daemons);
	uint32_t daemon = crew_random(random) % daemons;
	bool again = false, fired = arm(c, p, random, daemon, &again);

	/* Nobody says hello to a daemon that has no clients: the next one. */
	for (uint32_t n = 1; !fired && needs_start(p) && n < daemons; n++)
		fired = arm(c, p, random, (daemon + n) % daemons, &again);
	if (!fired)
		return;
	c->count[COUNT_KILLS]++;
	if (again || points[p].who == WHO_client || points[p].who == WHO_helper)
		return;
	wait_until_gone(c, file->at[p].pid);
	start_again(c, p);
}

/* How many have never killed. */
int points_report(uint32_t daemons)
{
	int never = 0;

	for (int p = 0; p < BFS_KILLS; p++) {
		if (!can_fire(p, daemons))
			continue;
		never += !file->at[p].fired;
		printf("%s %lu of %lu  ", points[p].name, file->at[p].fired,
		       file->at[p].passed);
	}
	printf("\n%d points, %d of them have never killed\n", BFS_KILLS, never);
	return never;
}
