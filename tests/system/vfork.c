/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfork: what a child does with its descriptors, its working directory, its
 * umask and its identity is not the parent's, although it has the parent's
 * memory; and it may make any call.  In the working directory, which is empty.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char **args;
/* What a child has seen, whether it has our memory or its own. */
static volatile int *shared;
#define seen (*shared)

/* What a child may make of itself; each ends in 7. */
#define CHILD(what) \
	do { \
		pid_t pid_ = vfork(); \
\
		if (pid_ == 0) { \
			what; \
			_exit(7); \
		} \
		ended(pid_, 7 << 8, #what); \
	} while (0)
#define CHECK(x) \
	do { \
		if (!(x)) \
			errx(1, "line %d: not so: %s", __LINE__, #x); \
	} while (0)

static void ended(pid_t pid, int want, const char *what)
{
	int status;

	if (pid < 0)
		err(1, "vfork");
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (status != want)
		errx(1, "%s: it ended with %x", what, (unsigned int)status);
}

static ino_t ino_at(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static ino_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static void descriptors(void)
{
	int f = open("f", O_RDWR | O_CREAT, 0644), g, h;
	ino_t ino = ino_at("f");

	CHECK(f >= 0 && ino && write(f, "hello", 5) == 5);
	g = dup(f);
	/* closed there, open here; and the other way round */
	CHILD(close(f); close(g); seen = open("g", O_RDWR | O_CREAT, 0600));
	CHECK(seen == f && ino_of(f) == ino && ino_of(g) == ino);
	CHECK(lseek(f, 0, SEEK_CUR) == 5 && ino_at("g"));
	CHILD(dup2(open("g", O_RDONLY), f); seen = ino_of(f) == ino_at("g"));
	CHECK(seen && ino_of(f) == ino && ftruncate(f, 4) == 0);
	CHILD(close_range(3, ~0u, 0));
	CHECK(ino_of(g) == ino && pread(g, (char[8]){ 0 }, 8, 0) == 4);
	/* directories have placeholders, whose offset is shared */
	h = open(".", O_RDONLY | O_DIRECTORY);
	CHILD(close(h));
	CHECK(ino_of(h) == ino_at("."));
	CHECK(!close(f) && ino_of(g) == ino && !close(g) && !close(h));
	CHECK(!unlink("f") && !unlink("g"));
}

static void places(void)
{
	char here[4096], now[4096];

	CHECK(getcwd(here, sizeof(here)) && !mkdir("sub", 0755));
	CHILD(seen = !chdir("sub") && !close(creat("in", 0600)));
	CHECK(seen && getcwd(now, sizeof(now)) && !strcmp(here, now));
	CHECK(ino_at("sub/in") && !ino_at("in"));
	CHILD(seen = !chdir("/"));
	CHECK(seen && getcwd(now, sizeof(now)) && !strcmp(here, now));
	umask(022);
	CHILD(umask(0); close(creat("open", 0666)));
	CHECK(umask(022) == 022 && !close(creat("shut", 0666)));
	struct stat open, shut;
	CHECK(!stat("open", &open) && (open.st_mode & 0777) == 0666);
	CHECK(!stat("shut", &shut) && (shut.st_mode & 0777) == 0644);
	CHECK(!unlink("open") && !unlink("shut") && !unlink("sub/in"));
	CHECK(!rmdir("sub"));
}

/* POSIX locks are the parent's alone, and no close of a child drops them. */
static void locks(void)
{
	struct flock l = { .l_type = F_WRLCK }, other = { .l_type = F_WRLCK };
	int f = open("f", O_RDWR | O_CREAT, 0644);

	CHECK(!fcntl(f, F_SETLK, &l));
	CHILD(seen = fcntl(f, F_SETLK, &other) && errno == EAGAIN; close(f));
	CHECK(seen);
	CHILD(other.l_type = F_WRLCK;
	      seen = !fcntl(f, F_GETLK, &other) && other.l_pid == getppid());
	CHECK(seen && !close(f) && !unlink("f"));
}

static void identity(void)
{
	if (getuid())
		return;
	CHECK(!close(creat("mine", 0600)));
	CHILD(seen = !setresuid(-1, 1000, -1) && open("mine", O_RDONLY) < 0 &&
		     errno == EACCES);
	CHECK(seen);
	seen = open("mine", O_RDONLY);
	CHECK(seen >= 0 && !close(seen) && !unlink("mine"));
}

static void programs(void)
{
	char buf[16] = "";
	int f = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
	pid_t pid = vfork();

	if (pid == 0) {
		seen = open("f", O_RDONLY);
		kill(getpid(), SIGKILL);
	}
	ended(pid, SIGKILL, "kill");
	CHECK(ino_of(f) == ino_at("f"));
	pid = vfork();
	if (pid == 0) {
		dup2(f, 1);
		execl("/bin/echo", "echo", "said", NULL);
		_exit(9);
	}
	ended(pid, 0, "echo");
	CHECK(pread(f, buf, sizeof(buf), 0) == 5 && !strcmp(buf, "said\n"));
	pid = vfork();
	if (pid == 0) {
		execl("none", "none", NULL);
		_exit(errno == ENOENT ? 7 : 9);
	}
	ended(pid, 7 << 8, "no such program");
	/* the child of a child */
	CHILD(seen = vfork(); if (!seen) _exit(3);
	      if (waitpid(seen, NULL, 0) != seen) _exit(8));
	CHECK(ino_of(f) == ino_at("f") && !close(f) && !unlink("f"));
}

/* Thousands leave nothing behind, neither descriptors nor memory. */
static long mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	long n = 0;

	for (int c; maps && (c = getc(maps)) != EOF;)
		n += c == '\n';
	fclose(maps);
	return n;
}

static void one_of_many(bool runs)
{
	pid_t pid = vfork();

	if (pid == 0) {
		if (runs)
			execv(args[1], args + 1);
		_exit(access("f", R_OK) ? 1 : 0);
	}
	ended(pid, 0, "one of many");
}

static void many(int count)
{
	int f = open("f", O_RDWR | O_CREAT, 0644), next = dup(f);
	long before;

	close(next);
	CHILD(access("f", R_OK));
	before = mappings();
	for (int i = 0; i < count; i++)
		one_of_many(i % 2);
	CHECK(mappings() <= before + 2);
	CHECK(dup(f) == next && !close(next) && !close(f) && !unlink("f"));
}

static void *wait_in_thread(void *arg)
{
	int *ends_of = arg;
	char c;

	return read(ends_of[0], &c, 1) == 1 ? arg : NULL;
}

/* With a second thread the child has memory of its own. */
static void threads(void)
{
	pthread_t t;
	int pipe_of[2];
	void *said;

	CHECK(!pipe(pipe_of));
	CHECK(!pthread_create(&t, NULL, wait_in_thread, pipe_of));
	descriptors();
	CHECK(write(pipe_of[1], "x", 1) == 1);
	CHECK(!pthread_join(t, &said) && said);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: vfork PROGRAM [ARG...]");
	args = argv;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	descriptors();
	places();
	locks();
	identity();
	programs();
	many(400);
	descriptors();
	threads();
	return 0;
}
