/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nth DIR BENCHFSD SHIM PRELOAD MOUNT EVERY [OPTION]...: a daemon of which the
 * first call of a kind fails, then the second, and so on until none fails any
 * more (every EVERY-th), while a client runs tests/faults/script; and one that
 * starts.  It never crashes or hangs, and loses and keeps nothing.
 */
#include "tests/faults/fail_file.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
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
#define LEAK_SECS 20
#define STOPPED 70 /* EX_SOFTWARE: its journal cannot be written */

static const char *const kind_name[FAIL_KINDS] = {
#define FAIL(kind, error, what) [FAIL_##kind] = #kind,
#include "tests/faults/fail.def"
#undef FAIL
};

static struct {
	const char *dir, *benchfsd, *shim, *preload, *mount;
	char **options;
	unsigned every;
	char run[300], data[300], log[300], script[400], file[300];
	struct fail_file *f;
	pid_t daemon;
	int fds;
	unsigned injected, stops, refused;
} rig;

static double now(void)
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

#define bad(...) \
	(show_log(), warnx("the last that failed: %s", rig.f->where), \
	 (void)(rig.daemon > 0 && kill(rig.daemon, SIGKILL)), \
	 errx(1, __VA_ARGS__))

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

/* True: it serves.  False: it has ended, in order. */
static bool start_daemon(void)
{
	double end = now() + READY_SECS;
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
				bad("start: signal %d", WTERMSIG(status));
			if (!WEXITSTATUS(status) || WEXITSTATUS(status) == 255)
				bad("start: status %d", WEXITSTATUS(status));
			return false;
		}
		if (now() > end)
			bad("start: neither ready nor over in %d s",
			    READY_SECS);
		usleep(500);
	}
	return true;
}

static void must_start(void)
{
	if (!start_daemon())
		bad("no start though nothing fails any more");
}

static void kill_daemon(void)
{
	kill(rig.daemon, SIGKILL);
	waitpid(rig.daemon, NULL, 0);
	rig.daemon = 0;
}

/* A daemon that ended while it served: has it done so in order? */
static void judge_end(int status)
{
	rig.daemon = 0;
	if (WIFSIGNALED(status))
		bad("the daemon was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != STOPPED)
		bad("the daemon ended with %d", WEXITSTATUS(status));
	rig.stops++;
	must_start();
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

/* Until it ends; a daemon that stops meanwhile is started again. */
static void script(const char *where, const char *what)
{
	double end = now() + SCRIPT_SECS;
	pid_t pid = fork(), who;
	int status;

	if (!pid)
		run_script(where, what);
	for (;;) {
		who = waitpid(pid, &status, WNOHANG);
		if (who == pid)
			break;
		if (rig.daemon &&
		    waitpid(rig.daemon, &status, WNOHANG) == rig.daemon) {
			rig.f->kind = FAIL_nothing;
			judge_end(status);
		}
		if (now() > end) {
			kill(pid, SIGKILL);
			bad("a hang: no end in %d s", SCRIPT_SECS);
		}
		usleep(300);
	}
	if (status)
		bad("%s: the client ends with %x", what, status);
}

static int count_fds(void)
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

static int count_files(void)
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

/* What the client had is closed, and what it removed is gone (S5). */
static void look_for_leaks(void)
{
	double end = now() + LEAK_SECS;

	while (count_fds() > rig.fds || count_files()) {
		if (now() > end)
			bad("%d descriptors, %d before; %d data files",
			    count_fds(), rig.fds, count_files());
		usleep(2000);
	}
}

static void arm(unsigned kind, unsigned n)
{
	rig.f->left = n;
	rig.f->kind = kind;
}

/* False: no call failed. */
static bool serve_once(unsigned kind, unsigned n)
{
	uint64_t fired = rig.f->fired;
	unsigned stops = rig.stops;
	char where[40];

	snprintf(where, sizeof(where), "%u.%u", kind, n);
	arm(kind, n);
	script(where, rig.file);
	rig.f->kind = FAIL_nothing;
	if (rig.stops == stops)
		look_for_leaks();
	else
		rig.fds = count_fds();
	return rig.f->fired != fired;
}

static bool start_once(unsigned kind, unsigned n)
{
	uint64_t fired = rig.f->fired;

	kill_daemon();
	arm(kind, n);
	if (!start_daemon()) {
		rig.refused++;
		rig.f->kind = FAIL_nothing;
		must_start();
	}
	rig.f->kind = FAIL_nothing;
	script("kept", "check");
	return rig.f->fired != fired;
}

/* The first, and every EVERY-th after it. */
static void all_of(const char *what, bool (*once)(unsigned kind, unsigned n))
{
	for (unsigned kind = 1; kind < FAIL_KINDS; kind++) {
		unsigned n = 1, count = 0;

		for (; once(kind, n); n += rig.every)
			count++;
		printf("%s, %s: %u failures\n", what, kind_name[kind], count);
		fflush(stdout);
		rig.injected += count;
	}
}

static void serve_all(void)
{
	must_start();
	script("warm", rig.file); /* the arena, the caches */
	rig.fds = count_fds();
	all_of("serving", serve_once);
	kill_daemon();
}

static void start_all(void)
{
	must_start();
	script("kept", "keep");
	all_of("starting", start_once);
	kill(rig.daemon, SIGTERM);
	waitpid(rig.daemon, NULL, 0);
}

static void set_up(void)
{
	int fd;

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

int main(int argc, char **argv)
{
	if (argc < 7)
		errx(2,
		     "nth DIR BENCHFSD SHIM PRELOAD MOUNT EVERY [OPTION]...");
	rig.dir = argv[1];
	rig.benchfsd = argv[2];
	rig.shim = argv[3];
	rig.preload = argv[4];
	rig.mount = argv[5];
	rig.every = (unsigned)atoi(argv[6]);
	rig.options = argv + 7;
	set_up();
	serve_all();
	start_all();
	printf("%u failures, by which the daemon stopped %u times, and refused "
	       "to start %u times\n",
	       rig.injected, rig.stops, rig.refused);
	return rig.injected ? 0 : 1;
}
