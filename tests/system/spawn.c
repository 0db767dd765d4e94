/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * posix_spawn with every attribute and file action.  "spawn PROGRAM" starts
 * PROGRAM, which is this very program by some path, as "PROGRAM report"; that
 * prints what it finds itself to be.  In an empty working directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD 7 /* above what a shell may have left open */

extern char **environ;
static const char *program;
static posix_spawn_file_actions_t actions;
static posix_spawnattr_t attr;

static void print_descriptors(void)
{
	for (int fd = 3; fd < 30; fd++) {
		char text[16] = "";
		struct stat st;

		if (fstat(fd, &st))
			continue;
		if (S_ISREG(st.st_mode) && read(fd, text, sizeof(text) - 1) < 0)
			strcpy(text, strerrorname_np(errno));
		printf(" %d:%s", fd, S_ISDIR(st.st_mode) ? "dir" : text);
	}
}

/* The child. */
static int report(void)
{
	struct sigaction usr1, usr2;
	struct stat here, sub;
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	printf("group %d session %d blocked %d default %d ignored %d policy %d",
	       getpgrp() == getpid(), getsid(0) == getpid(),
	       sigismember(&mask, SIGHUP), usr1.sa_handler == SIG_DFL,
	       usr2.sa_handler == SIG_IGN, sched_getscheduler(0));
	printf(" uid %d env %s", geteuid(), getenv("SPAWN") ? "yes" : "no");
	printf(" in %s",
	       !stat(".", &here) && !stat("here", &sub) ? "sub" : "-");
	print_descriptors();
	puts("");
	return 9;
}

static int start(char *const argv[], char *const envp[])
{
	pid_t pid = -1;
	int status = 0;
	int e = posix_spawn(&pid, program, &actions, &attr, argv, envp);

	if (e)
		return printf("%s\n", strerrorname_np(e));
	waitpid(pid, &status, 0);
	return printf("-> %d\n", WEXITSTATUS(status));
}

static void run(const char *what)
{
	char *argv[] = { (char *)program, (char *)"report", NULL };
	char set[] = "SPAWN=1";
	char *envp[] = { set, NULL };

	printf("%s: ", what);
	fflush(stdout);
	start(argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_destroy(&attr);
	posix_spawnattr_init(&attr);
}

static int file(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0644);

	if (write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET))
		perror(name);
	return fd;
}

static void handler(int sig)
{
}

static void attributes(void)
{
	sigset_t set;
	struct sched_param none = { .sched_priority = 0 };
	struct sched_param one = { .sched_priority = 1 };

	run("plain");
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	run("group");
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	run("session");
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	posix_spawnattr_setsigmask(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	run("mask");
	sigaddset(&set, SIGUSR2);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	run("default");
	/* refused here and there alike, if it is not allowed */
	posix_spawnattr_setschedpolicy(&attr, SCHED_RR);
	posix_spawnattr_setschedparam(&attr, &one);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSCHEDULER);
	run("scheduler");
	posix_spawnattr_setschedparam(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSCHEDPARAM);
	run("parameter");
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_RESETIDS);
	run("ids");
	posix_spawnattr_setschedpolicy(&attr, SCHED_FIFO);
	posix_spawnattr_setschedparam(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSCHEDULER);
	run("bad scheduler");
	posix_spawnattr_setpgroup(&attr, 1);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	run("bad group");
}

static void descriptors(void)
{
	int a = file("a", "text of a"), b = file("b", "text of b");

	run("closed by exec");
	posix_spawn_file_actions_adddup2(&actions, a, FD);
	run("dup2");
	posix_spawn_file_actions_adddup2(&actions, a, a);
	posix_spawn_file_actions_adddup2(&actions, a, FD + 1);
	run("dup2 of itself");
	posix_spawn_file_actions_adddup2(&actions, a, FD);
	posix_spawn_file_actions_adddup2(&actions, b, FD + 1);
	posix_spawn_file_actions_adddup2(&actions, FD, FD + 2);
	posix_spawn_file_actions_addclose(&actions, FD);
	run("dup2 and close");
	posix_spawn_file_actions_adddup2(&actions, b, FD);
	posix_spawn_file_actions_adddup2(&actions, b, FD + 20);
	posix_spawn_file_actions_addclosefrom_np(&actions, FD + 1);
	run("closefrom");
	posix_spawn_file_actions_addclose(&actions, 999);
	run("close of nothing");
	posix_spawn_file_actions_adddup2(&actions, 999, FD);
	run("dup2 of nothing");
	close(a);
	close(b);
}

static void paths(void)
{
	int d;

	mkdir("sub", 0755);
	close(file("sub/here", "inside"));
	posix_spawn_file_actions_addopen(&actions, FD, "sub/here", O_RDONLY, 0);
	run("open");
	posix_spawn_file_actions_addopen(&actions, FD, "new",
					 O_CREAT | O_EXCL | O_WRONLY, 0640);
	run("create");
	posix_spawn_file_actions_addopen(&actions, FD, "none", O_RDONLY, 0);
	run("open nothing");
	posix_spawn_file_actions_addchdir_np(&actions, "sub");
	posix_spawn_file_actions_addopen(&actions, FD, "here", O_RDONLY, 0);
	run("chdir");
	posix_spawn_file_actions_addchdir_np(&actions, "none");
	run("chdir nowhere");
	d = open("sub", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	posix_spawn_file_actions_addfchdir_np(&actions, d);
	run("fchdir");
	posix_spawn_file_actions_addchdir_np(&actions, "/");
	posix_spawn_file_actions_addfchdir_np(&actions, d);
	posix_spawn_file_actions_adddup2(&actions, d, FD);
	run("there and back");
	close(d);
	posix_spawn_file_actions_addtcsetpgrp_np(&actions, 0);
	run("terminal");
}

int main(int argc, char **argv)
{
	struct sigaction h = { .sa_handler = handler };

	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "report"))
		return report();
	program = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	sigaction(SIGUSR1, &h, NULL);
	h.sa_handler = SIG_IGN;
	sigaction(SIGUSR2, &h, NULL);
	attributes();
	descriptors();
	paths();
	program = "/none/at/all";
	run("no program");
	return 0;
}
