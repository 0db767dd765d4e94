/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fair DIR [CALL FLOOD]: how long a client's calls take alone, beside a process
 * that has as many busy threads as there are processors and asks the daemon for
 * nothing (what the kernel gives to whoever wants a core), and beside one that
 * floods the daemon; by turns, several times.  A line for each kind of call and
 * flood, or for that one.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 16
#define TURNS 6
#define TURN_NS 300000000ull
#define MOST 2000000
#define MIDDLE (64 << 10)
#define BULK (1 << 20)

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void do_stat(int fd, char *buf)
{
	struct stat st;

	if (stat("victim", &st))
		err(1, "stat");
}

static void do_make(int fd, char *buf)
{
	char name[32];

	snprintf(name, sizeof(name), "m%lx", pthread_self());
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || close(fd) || unlink(name))
		err(1, "create and unlink");
}

static void do_write(int fd, char *buf)
{
	if (pwrite(fd, buf, 4096, 0) != 4096)
		err(1, "write");
}

static void do_middle(int fd, char *buf)
{
	if (pwrite(fd, buf, MIDDLE, 0) != MIDDLE)
		err(1, "write");
}

static void do_bulk(int fd, char *buf)
{
	if (pwrite(fd, buf, BULK, 0) != BULK)
		err(1, "write");
}

struct kind {
	const char *name;
	void (*run)(int fd, char *buf);
};

static const struct kind calls[] = { { "stat", do_stat },
				     { "create+unlink", do_make },
				     { "write 4K", do_write } };
static const struct kind floods[] = { { "stat", do_stat },
				      { "create+unlink", do_make },
				      { "write 4K", do_write },
				      { "write 64K", do_middle },
				      { "write 1M", do_bulk } };

static _Atomic unsigned long *floods_done; /* of all processes */

static void *compute(void *arg)
{
	for (volatile unsigned n = 0;;)
		n++;
	return NULL;
}

static void *flood(void *arg)
{
	const struct kind *k = arg;
	int fd = open("flood", O_CREAT | O_WRONLY, 0600);
	char *buf = calloc(1, BULK);

	if (fd < 0 || !buf)
		err(1, "flood");
	for (;; ++*floods_done)
		k->run(fd, buf);
	return NULL;
}

/* k: NULL: they only compute. */
static pid_t start(const struct kind *k)
{
	int threads = k ? THREADS : (int)sysconf(_SC_NPROCESSORS_ONLN);
	pid_t pid = fork();
	pthread_t t;

	if (pid)
		return pid;
	/* The daemon's queues are meant, not the kernel's. */
	if (nice(10) < 0)
		err(1, "nice");
	for (int n = 0; n < threads; n++)
		if (pthread_create(&t, NULL, k ? flood : compute, (void *)k))
			err(1, "thread");
	for (;;)
		pause();
}

struct times {
	uint32_t *ns;
	size_t n;
	unsigned long floods; /* meanwhile */
};

static void measure(const struct kind *k, struct times *t, int fd, char *buf)
{
	uint64_t until = now() + TURN_NS, at = now(), next;

	while (at < until && t->n < MOST) {
		k->run(fd, buf);
		next = now();
		t->ns[t->n++] = (uint32_t)(next - at);
		at = next;
	}
}

static int order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double part(struct times *t, double q)
{
	qsort(t->ns, t->n, sizeof(*t->ns), order);
	return t->ns[(size_t)((double)(t->n - 1) * q)] / 1e3;
}

/* Beside whom. */
enum { ALONE, BUSY, FLOOD, COMPANIES };

static void measure_beside(const struct kind *k, const struct kind *f,
			   struct times *t, int fd, char *buf)
{
	pid_t pid = start(f);
	unsigned long before;

	usleep(50000); /* they come */
	before = *floods_done;
	measure(k, t, fd, buf);
	t->floods += *floods_done - before;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void compare(const struct kind *k, const struct kind *f)
{
	int fd = open("victim", O_CREAT | O_WRONLY, 0600);
	struct times t[COMPANIES];
	char *buf = calloc(1, BULK);
	double p99[COMPANIES];

	for (int n = 0; n < COMPANIES; n++)
		t[n] = (struct times){ malloc(MOST * 4), 0, 0 };
	for (int n = 0; n < TURNS; n++) {
		measure(k, &t[ALONE], fd, buf);
		measure_beside(k, NULL, &t[BUSY], fd, buf);
		measure_beside(k, f, &t[FLOOD], fd, buf);
	}
	printf("%-14s %-14s", k->name, f->name);
	for (int n = 0; n < COMPANIES; n++) {
		p99[n] = part(&t[n], 0.99);
		printf(" %8.1f %8.1f", part(&t[n], 0.5), p99[n]);
	}
	printf(" %6.1f %6.1f %8.0f\n", p99[FLOOD] / p99[ALONE],
	       p99[FLOOD] / p99[BUSY],
	       (double)t[FLOOD].floods * 1e9 / (TURNS * (double)TURN_NS));
	fflush(stdout);
	close(fd);
	free(buf);
	for (int n = 0; n < COMPANIES; n++)
		free(t[n].ns);
}

int main(int argc, char **argv)
{
	if ((argc != 2 && argc != 4) || chdir(argv[1]))
		err(2, "fair DIR [CALL FLOOD]");
	floods_done = mmap(NULL, sizeof(*floods_done), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (floods_done == MAP_FAILED)
		err(1, "mmap");
	printf("%-14s %-14s %17s %17s %17s %13s %8s\n", "us", "", "alone",
	       "beside busy ones", "beside the flood", "p99 against", "floods");
	printf("%-14s %-14s", "call", "flood");
	for (int n = 0; n < COMPANIES; n++)
		printf(" %8s %8s", "p50", "p99");
	printf(" %6s %6s %8s\n", "alone", "busy", "a second");
	for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++)
		for (size_t n = 0; n < sizeof(floods) / sizeof(*floods); n++)
			if (argc == 2 || (!strcmp(argv[2], calls[c].name) &&
					  !strcmp(argv[3], floods[n].name)))
				compare(&calls[c], &floods[n]);
	return 0;
}
