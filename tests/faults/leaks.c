/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leaks DIR BENCHFSD SHIM PRELOAD MOUNT RUNS [OPTION]...: so many programs run
 * on one daemon, four at a time; some are killed, and the daemon now and then.
 * In the end no descriptor (the shared memory is memfds), socket, data file or
 * inode is left.
 */
#include "tests/faults/rig.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 4
#define KILL_CLIENT 7	/* one of so many */
#define KILL_DAEMON 500 /* after so many */
#define LEAK_SECS 60

struct left {
	int fds, sockets;
};

static unsigned killed, restarts;

/* Of our run directory, bound or connected to. */
static int count_sockets(void)
{
	FILE *f = fopen("/proc/net/unix", "r");
	char line[500];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, rig.run) != NULL;
	if (f)
		fclose(f);
	return n;
}

static struct left look(void)
{
	return (struct left){ rig_fds(), count_sockets() };
}

static void wait_one(pid_t *pid)
{
	int status;

	if (!*pid)
		return;
	if (waitpid(*pid, &status, 0) != *pid)
		err(1, "waitpid");
	*pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		killed++;
	else if (status)
		rig_bad("a client ends with %x", status);
}

static void run_all(unsigned runs)
{
	pid_t pid[AT_ONCE] = { 0 };

	for (unsigned n = 0; n < runs; n++) {
		pid_t *p = &pid[n % AT_ONCE];
		char where[20];

		wait_one(p);
		snprintf(where, sizeof(where), "r%u", n);
		*p = rig_run_script(where, rig.file);
		if (n % KILL_CLIENT == 0) {
			usleep((useconds_t)(rand() % 20000));
			kill(*p, SIGKILL);
		}
		if (n % KILL_DAEMON == KILL_DAEMON - 1) {
			rig_kill();
			rig_must_start();
			restarts++;
		}
	}
	for (unsigned n = 0; n < AT_ONCE; n++)
		wait_one(&pid[n]);
}

/* Whoever was killed is noticed, and what was open removed, in seconds. */
static void compare(const struct left *was)
{
	double end = rig_now() + LEAK_SECS;
	struct left is = look();

	while (is.fds > was->fds || is.sockets > was->sockets || rig_files()) {
		if (rig_now() > end)
			rig_bad("%d descriptors, %d before; %d sockets, %d "
				"before; %d data files",
				is.fds, was->fds, is.sockets, was->sockets,
				rig_files());
		usleep(10000);
		is = look();
	}
}

/* What a start finds: it says how many inodes there are. */
static void count_inodes(void)
{
	char line[500];
	bool found = false;
	FILE *f;

	rig_kill();
	rig_must_start();
	f = fopen(rig.log, "r");
	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, " 1 inodes, 0 data files, 0 removed") !=
			 NULL;
	if (f)
		fclose(f);
	if (!found)
		rig_bad("more than the root is left");
}

static void nothing_stays(void)
{
	DIR *d = opendir(rig.run);
	const struct dirent *e;

	rig_stop();
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && strcmp(e->d_name, "log"))
			errx(1, "%s is left in %s", e->d_name, rig.run);
	if (d)
		closedir(d);
	/* the kernel takes its time with those that were being passed */
	for (int n = 0; n < 1000 && count_sockets(); n++)
		usleep(10000);
	if (count_sockets())
		errx(1, "a socket is left");
}

int main(int argc, char **argv)
{
	struct left was;
	unsigned runs;

	if (argc < 7)
		errx(2, "leaks DIR BENCHFSD SHIM PRELOAD MOUNT RUNS "
			"[OPTION]...");
	runs = (unsigned)atoi(argv[6]);
	rig.options = argv + 7;
	rig_set_up(argv + 1);
	rig_must_start();
	rig_script("warm", rig.file);
	was = look();
	run_all(runs);
	rig_script("", "clear");
	compare(&was);
	count_inodes();
	nothing_stays();
	printf("%u programs, %u of them killed, %u restarts of the daemon: "
	       "nothing is left\n",
	       runs, killed, restarts);
	return 0;
}
