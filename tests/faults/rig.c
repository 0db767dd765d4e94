/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/faults/rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_SECS 60
#define SCRIPT_SECS 240
#define STOPPED 70 /* EX_SOFTWARE: its journal cannot be written */

struct rig rig;

double rig_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void show_log(void)
{
	char buf[4000];
	int fd = open(rig.log, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf));

	fflush(stdout);
	if (n > 0)
		(void)!write(STDERR_FILENO, buf, (size_t)n);
	if (fd >= 0)
		close(fd);
}

void rig_show(void)
{
	show_log();
	warnx("the last that failed: %s", rig.f->where);
	if (rig.daemon > 0)
		kill(rig.daemon, SIGKILL);
}

static void run_daemon(void)
{
	int log = open(rig.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	char *argv[100] = { (char *)"benchfsd",
			    (char *)"--run-dir",
			    rig.run,
			    (char *)"--data-dir",
			    rig.data,
			    (char *)"--set",
			    (char *)"metadata.journal=lmdb" };
	int n = 7;

	for (char **o = rig.options; *o && n < 98; o++) {
		argv[n++] = (char *)"--set";
		argv[n++] = *o;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	setenv("LD_PRELOAD", rig.shim, 1);
	setenv("BENCHFS_FAIL_FILE", rig.file, 1);
	execv(rig.benchfsd, argv);
	_exit(127);
}

bool rig_start(void)
{
	double end = rig_now() + READY_SECS;
	char ready[400];
	int status;

	snprintf(ready, sizeof(ready), "%s/ready", rig.run);
	unlink(ready);
	rig.daemon = fork();
	if (!rig.daemon)
		run_daemon();
	while (access(ready, F_OK)) {
		if (waitpid(rig.daemon, &status, WNOHANG) == rig.daemon) {
			rig.daemon = 0;
			if (WIFSIGNALED(status))
				rig_bad("start: signal %d", WTERMSIG(status));
			if (!WEXITSTATUS(status) || WEXITSTATUS(status) == 255)
				rig_bad("start: status %d",
					WEXITSTATUS(status));
			return false;
		}
		if (rig_now() > end)
			rig_bad("start: neither ready nor over in %d s",
				READY_SECS);
		usleep(500);
	}
	return true;
}

void rig_must_start(void)
{
	if (!rig_start())
		rig_bad("no start though nothing fails any more");
}

void rig_kill(void)
{
	kill(rig.daemon, SIGKILL);
	waitpid(rig.daemon, NULL, 0);
	rig.daemon = 0;
}

void rig_stop(void)
{
	int status;

	kill(rig.daemon, SIGTERM);
	waitpid(rig.daemon, &status, 0);
	rig.daemon = 0;
	if (status)
		rig_bad("the daemon ends with %x", status);
}

/* A daemon that ended while it served: has it done so in order? */
static void judge_end(int status)
{
	rig.daemon = 0;
	if (WIFSIGNALED(status))
		rig_bad("the daemon was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != STOPPED)
		rig_bad("the daemon ended with %d", WEXITSTATUS(status));
	rig.stops++;
	rig_must_start();
}

static void run_script(const char *where, const char *what)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/%s", rig.mount, where);
	setenv("LD_PRELOAD", rig.preload, 1);
	setenv("BENCHFS_MOUNT", rig.mount, 1);
	setenv("BENCHFS_RUN_DIR", rig.run, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(rig.script, "script", path, what, NULL);
	_exit(127);
}

pid_t rig_run_script(const char *where, const char *what)
{
	pid_t pid = fork();

	if (!pid)
		run_script(where, what);
	if (pid < 0)
		err(2, "fork");
	return pid;
}

void rig_script(const char *where, const char *what)
{
	double end = rig_now() + SCRIPT_SECS;
	pid_t pid = rig_run_script(where, what), who;
	int status;

	for (;;) {
		who = waitpid(pid, &status, WNOHANG);
		if (who == pid)
			break;
		if (rig.daemon &&
		    waitpid(rig.daemon, &status, WNOHANG) == rig.daemon) {
			rig.f->kind = FAIL_nothing;
			judge_end(status);
		}
		if (rig_now() > end) {
			kill(pid, SIGKILL);
			rig_bad("a hang: no end in %d s", SCRIPT_SECS);
		}
		usleep(300);
	}
	if (status)
		rig_bad("%s: the client ends with %x", what, status);
}

int rig_fds(void)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", rig.daemon);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

void rig_show_fds(void)
{
	char path[64], to[300];

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", rig.daemon, fd);
		n = readlink(path, to, sizeof(to) - 1);
		if (n > 0)
			warnx("%d: %.*s", fd, (int)n, to);
	}
}

int rig_files(void)
{
	int n = 0;

	for (int hex = 0; hex < 256; hex++) {
		const struct dirent *e;
		char path[400];
		DIR *d;

		snprintf(path, sizeof(path), "%s/data/%02x", rig.data, hex);
		d = opendir(path);
		while (d && (e = readdir(d)))
			n += e->d_name[0] != '.';
		if (d)
			closedir(d);
	}
	return n;
}

void rig_set_up(char **args)
{
	int fd;

	rig.dir = args[0];
	rig.benchfsd = args[1];
	rig.shim = args[2];
	rig.preload = args[3];
	rig.mount = args[4];
	snprintf(rig.run, sizeof(rig.run), "%s/run", rig.dir);
	snprintf(rig.data, sizeof(rig.data), "%s/data", rig.dir);
	snprintf(rig.log, sizeof(rig.log), "%s/log", rig.dir);
	snprintf(rig.file, sizeof(rig.file), "%s/fail", rig.dir);
	if (readlink("/proc/self/exe", rig.script, 300) < 0)
		err(2, "/proc/self/exe");
	strcpy(strrchr(rig.script, '/'), "/script");
	mkdir(rig.run, 0700);
	fd = open(rig.file, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*rig.f)))
		err(2, "%s", rig.file);
	rig.f = mmap(NULL, sizeof(*rig.f), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (rig.f == MAP_FAILED)
		err(2, "mmap");
	close(fd);
}
