/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads DIR: threads of one process create, write, read, rename and remove
 * files, share a descriptor, fork, and have signals on top.  Prints what went
 * wrong; the exit status is 0 if nothing did.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 40, RECORD = 64, BLOCK = 10000 };

static const char *dir;
static int shared_fd; /* O_APPEND, written by all */
static int table_fd;  /* each thread has its own records in it */
static atomic_int signals;

#define must(e) \
	do { \
		if (!(e)) \
			err(1, "line %d: %s", __LINE__, #e); \
	} while (0)

static void on_signal(int sig)
{
	struct stat st;
	int saved = errno;

	/* stat is async-signal-safe, so it must be with us */
	if (stat(dir, &st) == 0)
		atomic_fetch_add(&signals, 1);
	errno = saved;
}

static void write_and_read(const char *path, int seed)
{
	static _Thread_local char out[BLOCK], in[BLOCK];
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	must(fd >= 0);
	memset(out, 'a' + seed % 26, sizeof(out));
	must(write(fd, out, sizeof(out)) == sizeof(out));
	must(pread(fd, in, sizeof(in), 0) == sizeof(in));
	must(memcmp(in, out, sizeof(in)) == 0);
	must(fstat(fd, &st) == 0 && st.st_size == BLOCK);
	must(close(fd) == 0);
}

static void in_child(const char *path)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0) {
		struct stat st;
		int fd = open(path, O_RDONLY);
		char c;

		if (fd < 0 || read(fd, &c, 1) != 1 || fstat(fd, &st) < 0 ||
		    st.st_size != BLOCK || write(shared_fd, "fork\n", 5) != 5)
			_exit(1);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR);
	if (status != 0)
		errx(1, "a child failed: %x", (unsigned int)status);
}

static void use_table(int me, int round)
{
	char record[RECORD] = "", back[RECORD];
	off_t at = (off_t)(me * ROUNDS + round) * RECORD;

	snprintf(record, sizeof(record), "%d %d", me, round);
	must(pwrite(table_fd, record, RECORD, at) == RECORD);
	must(pread(table_fd, back, RECORD, at) == RECORD);
	must(strcmp(back, record) == 0);
}

static void *work(void *arg)
{
	int me = *(int *)arg;
	char a[4096], b[4096];

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(a, sizeof(a), "%s/t%d.%d", dir, me, i);
		snprintf(b, sizeof(b), "%s/r%d.%d", dir, me, i);
		write_and_read(a, me + i);
		use_table(me, i);
		must(write(shared_fd, "line\n", 5) == 5);
		if (i % 10 == 0)
			in_child(a);
		must(rename(a, b) == 0);
		errno = 0;
		must(access(a, F_OK) < 0 && errno == ENOENT);
		if (i % 2)
			must(unlink(b) == 0);
	}
	return NULL;
}

static void open_shared(const char *name, int *fd, int flags)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	*fd = open(path, flags | O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	must(*fd >= 0);
}

int main(int argc, char **argv)
{
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, off = { 0 };
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };
	pthread_t threads[THREADS];
	int numbers[THREADS];
	struct stat st;

	if (argc != 2)
		errx(2, "usage: threads DIR");
	dir = argv[1];
	open_shared("shared", &shared_fd, O_APPEND);
	open_shared("table", &table_fd, 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		must(!pthread_create(&threads[i], NULL, work, &numbers[i]));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &off, NULL);
	must(fstat(shared_fd, &st) == 0);
	if (st.st_size != 5 * THREADS * (ROUNDS + ROUNDS / 10))
		errx(1, "shared: %jd bytes", (intmax_t)st.st_size);
	must(fstat(table_fd, &st) == 0);
	must(st.st_size == (off_t)THREADS * ROUNDS * RECORD);
	if (atomic_load(&signals) == 0)
		errx(1, "no signal handler could use the file system");
	return 0;
}
