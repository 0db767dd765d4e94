/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crowd N ROUNDS DIR: N processes at once, each a client of the daemon, which
 * begin together when all are connected.  Each makes, writes, reads, renames
 * and removes files of its own and adds to one of all.  F1: all end, and none
 * got an error.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_SECS 240
#define WORD 16

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int ok, const char *what, const char *name)
{
	if (!ok)
		err(1, "%s %s", what, name);
}

static void one_round(int id, int all)
{
	char name[32], other[32], word[WORD + 1], back[WORD];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "f%d", id);
	snprintf(other, sizeof(other), "g%d", id);
	snprintf(word, sizeof(word), "%*d", WORD, id);
	fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0644);
	must(fd >= 0, "create", name);
	must(write(fd, word, WORD) == WORD, "write", name);
	must(pread(fd, back, WORD, 0) == WORD, "read", name);
	errno = EBADMSG;
	must(!memcmp(word, back, WORD), "content of", name);
	must(!close(fd), "close", name);
	must(!rename(name, other), "rename", name);
	must(!stat(other, &st), "stat", other);
	errno = EBADMSG;
	must(st.st_size == WORD, "size of", other);
	must(write(all, word, WORD) == WORD, "append to", "all");
	must(!unlink(other), "unlink", other);
}

/* ready: one byte when it is connected; go: closed when all are. */
static int client(int id, int rounds, int ready, int go)
{
	int all = open("all", O_WRONLY | O_APPEND);
	char byte = 0;

	must(all >= 0, "open", "all");
	must(write(ready, &byte, 1) == 1, "tell", "that it is ready");
	must(!read(go, &byte, 1), "wait for", "the others");
	for (int n = 0; n < rounds; n++)
		one_round(id, all);
	return 0;
}

static pid_t start(int id, int rounds, const int ready[2], const int go[2])
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return pid;
	close(go[1]);
	close(ready[0]);
	exit(client(id, rounds, ready[1], go[0]));
}

static int wait_all(int n)
{
	int failed = 0, status;

	while (n--) {
		if (wait(&status) < 0)
			err(1, "wait");
		failed += status != 0;
	}
	return failed;
}

/* Each word of each is there, whole. */
static void check_all(int n, int rounds)
{
	int *seen = calloc((size_t)n, sizeof(*seen)), words = 0;
	char word[WORD + 1] = "";
	FILE *f = fopen("all", "r");

	while (f && fread(word, 1, WORD, f) == WORD) {
		int id = atoi(word);

		if (id < 0 || id >= n)
			errx(1, "a torn word: %s", word);
		seen[id]++;
		words++;
	}
	for (int id = 0; id < n; id++)
		if (seen[id] != rounds)
			errx(1, "%d words of %d, not %d", seen[id], id, rounds);
	if (f)
		fclose(f);
	free(seen);
	printf("%d words, ", words);
}

int main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[1]) : 0, ready[2], go[2], failed;
	int rounds = n ? atoi(argv[2]) : 0;
	double began = now(), met;
	char byte;

	if (n < 1 || rounds < 1 || chdir(argv[3]))
		err(2, "crowd N ROUNDS DIR");
	alarm(LIMIT_SECS);
	close(open("all", O_CREAT | O_WRONLY, 0644));
	if (pipe(ready) || pipe(go))
		err(1, "pipe");
	for (int id = 0; id < n; id++)
		start(id, rounds, ready, go);
	close(ready[1]);
	close(go[0]);
	for (int id = 0; id < n; id++)
		if (read(ready[0], &byte, 1) != 1)
			errx(1, "only %d of %d clients have come", id, n);
	met = now();
	close(go[1]);
	failed = wait_all(n);
	if (failed)
		errx(1, "%d of %d clients failed", failed, n);
	check_all(n, rounds);
	printf("%d clients at once: %.1f s to come, %.1f s for %d rounds\n", n,
	       met - began, now() - met, rounds);
	return 0;
}
