/* SPDX-License-Identifier: BSD-3-Clause */
#include "crew.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct crew *map_file(const char *file, int flags, size_t size)
{
	int fd = open(file, flags, 0600);
	struct stat st;
	void *p;

	if (fd < 0 || (size && ftruncate(fd, (off_t)size)) || fstat(fd, &st))
		err(2, "%s", file);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	if (p == MAP_FAILED)
		err(2, "mmap");
	close(fd);
	return p;
}

struct crew *crew_make(const char *file, const char *dir, uint32_t clients,
		       size_t size)
{
	struct crew *c =
		map_file(file, O_RDWR | O_CREAT | O_TRUNC, sizeof(*c) + size);

	if (clients < 1 || clients > CREW_MAX)
		errx(2, "1 to %d clients", CREW_MAX);
	snprintf(c->dir, sizeof(c->dir), "%s", dir);
	c->clients = clients;
	c->secs = 60;
	c->size = size;
	return c;
}

struct crew *crew_open(const char *file)
{
	return map_file(file, O_RDWR, 0);
}

/* The words that bring a command to client i's node. */
static const char *prefix_of(uint32_t i)
{
	char name[40];
	uint32_t nodes = 0;

	for (;; nodes++) {
		snprintf(name, sizeof(name), "BENCHFS_TEST_NODE_%u", nodes);
		if (!getenv(name))
			break;
	}
	if (!nodes)
		return "";
	snprintf(name, sizeof(name), "BENCHFS_TEST_NODE_%u", i % nodes);
	return getenv(name);
}

static void start(uint32_t i, const char *file, char *const words[])
{
	static char self[4096];
	char number[12], *copy = strdup(prefix_of(i)), *argv[200];
	int n = 0;

	if (!self[0] && readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		err(2, "/proc/self/exe");
	snprintf(number, sizeof(number), "%u", i);
	for (char *w = strtok(copy, " "); w && n < 100; w = strtok(NULL, " "))
		argv[n++] = w;
	argv[n++] = self;
	argv[n++] = (char *)"--client";
	argv[n++] = number;
	argv[n++] = (char *)file;
	for (; *words && n < 199; words++)
		argv[n++] = *words;
	argv[n] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], argv);
	err(2, "%s", argv[0]);
}

static void kill_all(const pid_t *pid, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (pid[i] > 0)
			kill(pid[i], SIGKILL);
}

/* Waits for all that still run; how many have failed. */
static int wait_all(struct crew *c, pid_t *pid)
{
	uint64_t end = crew_now() + c->secs * 1000000000ull;
	int bad = 0, left = (int)c->clients;

	while (left) {
		/* Other children are other threads'. */
		for (uint32_t i = 0; i < c->clients; i++) {
			int status;

			if (!pid[i] || waitpid(pid[i], &status, WNOHANG) <= 0)
				continue;
			pid[i] = 0;
			left--;
			if (status) {
				c->failed = 1;
				bad++;
			}
		}
		if (end && crew_now() > end) {
			fprintf(stderr, "no end within %u s\n", c->secs);
			kill_all(pid, c->clients);
			bad++;
			end = 0;
		}
		usleep(2000);
	}
	return bad;
}

int crew_run(struct crew *c, const char *file, char *const words[])
{
	pid_t pid[CREW_MAX];

	fflush(stdout);
	for (uint32_t i = 0; i < c->clients; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			err(2, "fork");
		if (!pid[i])
			start(i, file, words);
	}
	return wait_all(c, pid);
}

/* To begin at the same time, not one by one as they are woken. */
void crew_race(struct crew *c)
{
	uint64_t mine, all;

	crew_meet(c);
	mine = atomic_fetch_add(&c->ready, 1);
	all = (mine / c->clients + 1) * c->clients;
	while (c->ready < all) {
		if (c->failed)
			exit(3);
		sched_yield();
	}
}

void crew_meet(struct crew *c)
{
	struct timespec slice = { .tv_nsec = 50000000 };
	uint64_t end = crew_now() + c->secs * 1000000000ull;
	uint32_t turn = c->turn;

	if (atomic_fetch_add(&c->waiting, 1) + 1 == c->clients) {
		c->waiting = 0;
		c->turn = turn + 1;
		syscall(SYS_futex, &c->turn, FUTEX_WAKE, CREW_MAX, NULL, NULL,
			0);
		return;
	}
	for (int i = 0; i < 20 && c->turn == turn; i++)
		sched_yield();
	while (c->turn == turn) {
		if (c->failed)
			exit(3);
		if (crew_now() > end)
			crew_fail(c, "the others do not come");
		syscall(SYS_futex, &c->turn, FUTEX_WAIT, turn, &slice, NULL, 0);
	}
}

void crew_fail(struct crew *c, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	c->failed = 1;
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(1);
}

uint32_t crew_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 16);
}

uint64_t crew_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}
