/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/cores.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define MANY 8		      /* it is not by chance */
#define BUSY_NS 10000000u     /* all cores are busy: they may be soon */
#define PAUSE_NS 1000000u     /* between moves, at first */
#define PAUSE_MAX 1000000000u /* that do not help */
#define HELPED_NS 3000000u    /* after which it has paid */

void bfs_cores_init(struct bfs_cores *c)
{
	*c = (struct bfs_cores){ .pause_ns = PAUSE_NS };
	c->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	c->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
}

void bfs_cores_done(struct bfs_cores *c)
{
	if (c->loadavg >= 0)
		close(c->loadavg);
	c->loadavg = -1;
}

bool bfs_cores_idle_by(const char *loadavg, unsigned cores)
{
	unsigned running;

	/* three averages, and how many threads run or could */
	return sscanf(loadavg, "%*s %*s %*s %u/", &running) != 1 ||
	       running <= cores;
}

bool bfs_cores_idle(const struct bfs_cores *c)
{
	char text[128];
	ssize_t n = pread(c->loadavg, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return true;
	text[n] = '\0';
	return bfs_cores_idle_by(text, c->cores);
}

int bfs_cores_leave(void)
{
	cpu_set_t mine, others;
	int here = sched_getcpu(), e;

	if (here < 0 || sched_getaffinity(0, sizeof(mine), &mine))
		return -errno;
	others = mine;
	CPU_CLR((unsigned)here, &others);
	if (!CPU_COUNT(&others))
		return -ENODEV;
	e = sched_setaffinity(0, sizeof(others), &others) ? -errno : 0;
	/* whatever happened, the cores that we were given are ours */
	sched_setaffinity(0, sizeof(mine), &mine);
	return e;
}

bool bfs_cores_together(struct bfs_cores *c)
{
	uint64_t now;

	if (++c->together < MANY)
		return false;
	c->together = 0;
	now = bfs_now();
	if (now < c->not_until)
		return false;
	if (!bfs_cores_idle(c)) {
		c->not_until = now + BUSY_NS;
		return false;
	}
	c->pause_ns = now - c->moved < HELPED_NS
			      ? BFS_MIN(2 * c->pause_ns, PAUSE_MAX)
			      : PAUSE_NS;
	c->not_until = now + c->pause_ns;
	c->moved = now;
	return true;
}
