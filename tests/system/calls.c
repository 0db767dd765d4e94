/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls DIR: makes a known number of calls in DIR, an empty directory of
 * BenchFS, in threads, forked children that end in each way, and behind an
 * exec.  tests/tools/report.sh knows the numbers.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(expr) \
	((expr) ? (void)0 \
		: (fprintf(stderr, "%d: %s: %m\n", __LINE__, #expr), \
		   _exit(1)))

static int shared;

static void *writes(void *arg)
{
	for (int i = 0; i < 50; i++)
		MUST(pwrite(shared, "0123456789", 10, i) == 10);
	return arg;
}

static void in_threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, writes, NULL));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void data(void)
{
	char buf[100] = "";
	FILE *f;

	shared = open("f", O_RDWR | O_CREAT, 0600);
	MUST(shared >= 0);
	for (int i = 0; i < 10; i++)
		MUST(pwrite(shared, buf, 100, i * 100) == 100);
	for (int i = 0; i < 5; i++)
		MUST(pread(shared, buf, 100, i * 100) == 100);
	MUST(pread(shared, buf, 100, 999) == 1);
	MUST(pread(shared, buf, 100, -1) < 0);
	for (int i = 0; i < 3; i++)
		MUST(open("nosuch", O_RDONLY) < 0);
	f = fopen("stream", "w");
	MUST(f && !setvbuf(f, NULL, _IONBF, 0));
	for (int i = 0; i < 6; i++)
		MUST(fputs("seven..", f) >= 0);
	MUST(!fclose(f));
}

static void foreign(void)
{
	struct stat st;
	int fd = open("/dev/null", O_RDWR);

	MUST(fd >= 0);
	for (int i = 0; i < 20; i++)
		MUST(!stat("/", &st) && write(fd, "x", 1) == 1);
	close(fd);
}

static void names(int n, const char *prefix)
{
	char name[32];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		MUST(!mkdir(name, 0700));
	}
}

static void ends_by_exit_group(void)
{
	for (int i = 0; i < 7; i++)
		MUST(access("nosuch", F_OK));
	_exit(0);
}

static void ends_by_exit(void)
{
	for (int i = 0; i < 9; i++)
		MUST(rename("nosuch", "other"));
	exit(0);
}

static void ends_by_signal(void)
{
	names(11, "killed");
	raise(SIGKILL);
}

static void ends_by_exec(void)
{
	char *args[] = { (char *)"calls", (char *)"--again", NULL };

	MUST(!symlink("target", "link"));
	MUST(!symlink("target", "link2"));
	MUST(execv("/nosuch", args) < 0);
	execv("/proc/self/exe", args);
	_exit(1);
}

static int again(void)
{
	char buf[16];

	for (int i = 0; i < 13; i++)
		MUST(readlink("link", buf, sizeof(buf)) == 6);
	return 0;
}

static void in_child(void (*run)(void), int want)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		run();
	MUST(waitpid(pid, &status, 0) == pid && status == want);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--again"))
		return again();
	foreign();
	MUST(argc == 2 && !chdir(argv[1]));
	data();
	in_threads();
	in_child(ends_by_exit_group, 0);
	in_child(ends_by_exit, 0);
	in_child(ends_by_signal, SIGKILL);
	in_child(ends_by_exec, 0);
	for (int i = 0; i < 4; i++)
		MUST(syscall(SYS_unlink, "nosuch") < 0);
	MUST(!chdir("/"));
	foreign();
	return 0;
}
