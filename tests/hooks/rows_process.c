/* SPDX-License-Identifier: BSD-3-Clause */
/* processes: what they share, and programs that lie in the row's directory */
#include "tests/hooks/row.h"

#include <sys/wait.h>

static char arg0[] = "prog", arg1[] = "7";
static char *const argv[] = { arg0, arg1, NULL };

/*
 * A program that ends with its argument if it finds the file f in its working
 * directory, which is made ours.
 */
static void program(void)
{
	put("f", "hello");
	put("prog", "#!/bin/sh\n[ -r f ] && exit $1\nexit 1\n");
	OK(chmod(P("prog"), 0755));
	OK(chdir(row_dir));
}

/* The child closes the parent's descriptor and opens others. */
static void child_of_fork(int fd)
{
	char buf[8];
	int other;

	TRUE(read(fd, buf, 2) == 2);
	OK(close(fd));
	other = file("g", "something else");
	TRUE(read(other, buf, 5) == 5);
	row_exit();
}

static void check_fork(pid_t pid, int fd)
{
	char buf[8] = "";

	GIVES(row_wait(pid), 0);
	IS(read(fd, buf, 8), 3); /* the offset is shared */
	TEXT(buf, "llo");
}

/* What the daemon knows of the clients that have told it; -1: nothing. */
static long counter(const char *name)
{
	FILE *f = row_ours ? popen("benchfs status --json", "r") : NULL;
	static char buf[1 << 18]; /* of each daemon some kilobytes */
	const char *at = NULL;
	size_t n;

	if (!f)
		return -1;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = '\0';
	if (!pclose(f))
		at = strstr(buf, name);
	return at ? atol(strchr(at, ':') + 1) : -1;
}

/* A child does not tell once more what its parent has done. */
static void fork_counts(pid_t (*do_fork)(void))
{
	const char *name = "\"client_pass_reads\"";
	long first = counter(name), second = counter(name);
	int fd = open(P("f"), O_RDONLY);
	char c;
	pid_t pid;

	for (int i = 0; i < 5; i++)
		GIVES(pread(fd, &c, 1, i), 1);
	pid = do_fork();
	if (!pid)
		row_exit();
	GIVES(row_wait(pid), 0);
	if (first >= 0)
		TRUE(counter(name) - second == second - first);
}

/* The parent closes the descriptor and opens others; the child has it still. */
static void fork_keeps(pid_t (*do_fork)(void))
{
	int ends[2], fd = file("f", "hello");
	char buf[8] = "";
	pid_t pid;

	OK(pipe(ends));
	pid = do_fork();
	if (!pid) {
		close(ends[1]);
		TRUE(read(ends[0], buf, 1) == 0);
		TRUE(read(fd, buf, 8) == 5 && !strcmp(buf, "hello"));
		row_exit();
	}
	close(ends[0]);
	OK(close(fd));
	file("g", "something else");
	close(ends[1]);
	GIVES(row_wait(pid), 0);
}

ROW(fork)
{
	int fd = file("f", "hello");
	pid_t pid = fork();

	if (!pid)
		child_of_fork(fd);
	check_fork(pid, fd);
	fork_keeps(fork);
	fork_counts(fork);
}

ROW(_Fork)
{
	int fd = file("f", "hello");
	pid_t pid = _Fork();

	if (!pid)
		child_of_fork(fd);
	check_fork(pid, fd);
	fork_keeps(_Fork);
	fork_counts(_Fork);
}

/* The child may do next to nothing, and the parent waits for it. */
ROW(vfork)
{
	int fd = file("f", "hello");
	struct stat is, want;
	char buf[8] = "";
	pid_t pid = vfork();

	if (!pid) {
		close(fd);
		_exit(7);
	}
	GIVES(row_wait(pid), 7);
	IS(read(fd, buf, 8), 5);
	TEXT(buf, "hello");
	OK(fstat(fd, &is));
	OK(stat(P("f"), &want));
	TRUE(is.st_ino == want.st_ino && is.st_dev == want.st_dev);
	program();
	pid = vfork();
	if (!pid) {
		execl(P("prog"), "prog", "7", NULL);
		_exit(99);
	}
	GIVES(row_wait(pid), 7);
}

ROW(execve)
{
	program();
	GIVES(CHILD(execve(P("prog"), argv, environ)), 7);
	FAILS(execve(P("none"), argv, environ), ENOENT);
	FAILS(execve(P("f"), argv, environ), EACCES);
	FAILS(execve(row_dir, argv, environ), EACCES);
}

ROW(execv)
{
	program();
	GIVES(CHILD(execv(P("prog"), argv)), 7);
	FAILS(execv(P("none"), argv), ENOENT);
}

static void search_here(void)
{
	program();
	setenv("PATH", row_dir, 1);
}

ROW(execvp)
{
	search_here();
	GIVES(CHILD(execvp("prog", argv)), 7);
	GIVES(CHILD(execvp(P("prog"), argv)), 7);
	FAILS(execvp("none", argv), ENOENT);
	FAILS(execvp("f", argv), EACCES);
}

ROW(execvpe)
{
	search_here();
	GIVES(CHILD(execvpe("prog", argv, environ)), 7);
	FAILS(execvpe("none", argv, environ), ENOENT);
}

ROW(fexecve)
{
	int fd;

	program();
	fd = open(P("prog"), O_RDONLY);
	GIVES(CHILD(fexecve(fd, argv, environ)), 7);
	FAILS(fexecve(open(P("f"), O_RDONLY), argv, environ), EACCES);
	FAILS(fexecve(fd, NULL, environ), EINVAL);
}

ROW(execveat)
{
	int d = dir();

	program();
	GIVES(CHILD(execveat(d, "prog", argv, environ, 0)), 7);
	FAILS(execveat(d, "none", argv, environ, 0), ENOENT);
	FAILS(execveat(d, "f", argv, environ, 0), EACCES);
}

ROW(execl)
{
	program();
	GIVES(CHILD(execl(P("prog"), "prog", "7", NULL)), 7);
	FAILS(execl(P("none"), "none", NULL), ENOENT);
}

ROW(execle)
{
	program();
	GIVES(CHILD(execle(P("prog"), "prog", "7", NULL, environ)), 7);
	FAILS(execle(P("none"), "none", NULL, environ), ENOENT);
}

ROW(execlp)
{
	search_here();
	GIVES(CHILD(execlp("prog", "prog", "7", NULL)), 7);
	FAILS(execlp("none", "none", NULL), ENOENT);
}

ROW(posix_spawn)
{
	posix_spawn_file_actions_t a;
	pid_t pid = -1;

	program();
	OK(chdir("/"));
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_addchdir_np(&a, row_dir);
	posix_spawn_file_actions_addopen(&a, 1, P("out"), O_CREAT | O_WRONLY,
					 0644);
	GIVES(posix_spawn(&pid, P("prog"), &a, NULL, argv, environ), 0);
	GIVES(row_wait(pid), 7);
	TRUE(exists("out"));
	GIVES(posix_spawn(&pid, P("none"), NULL, NULL, argv, environ), ENOENT);
}

ROW(posix_spawnp)
{
	pid_t pid = -1;

	search_here();
	GIVES(posix_spawnp(&pid, "prog", NULL, NULL, argv, environ), 0);
	GIVES(row_wait(pid), 7);
	GIVES(posix_spawnp(&pid, "none", NULL, NULL, argv, environ), ENOENT);
}

ROW(system)
{
	program();
	GIVES(system("[ -r f ] && exit 7"), 7 << 8);
	GIVES(system("./prog 8"), 8 << 8);
	TRUE(system(NULL));
}

/* In /, with no more output, and without its parent. */
static void check_daemon(void)
{
	char buf[4096] = "";

	OK(daemon(0, 0));
	TRUE(getcwd(buf, sizeof(buf)));
	put("part", buf);
	if (rename(P("part"), P("done")))
		put("done", "cannot rename");
}

ROW(daemon)
{
	OK(chdir(row_dir));
	GIVES(CHILD(check_daemon()), 0);
	while (!exists("done")) /* or the row's time is over */
		usleep(1000);
	TEXT(get("done"), "/");
}

ROW(_exit)
{
	const char *name = "\"client_processes\"";
	/* asking may count too */
	long first = counter(name), second = counter(name);

	GIVES(CHILD(_exit(7)), 7);
	GIVES(CHILD(_Exit(8)), 8);
	if (first >= 0)
		TRUE(counter(name) - second == second - first + 2);
}

/* Some library that is small and that nobody has loaded. */
static void copy_library(void)
{
	static const char *const names[] = {
		"/lib/x86_64-linux-gnu/libBrokenLocale.so.1",
		"/lib64/libBrokenLocale.so.1",
		"/usr/lib/libBrokenLocale.so.1",
	};
	int out = open(P("lib.so"), O_CREAT | O_WRONLY, 0755), in = -1;
	char buf[65536];
	ssize_t n;

	for (int i = 0; i < 3 && in < 0; i++)
		in = open(names[i], O_RDONLY);
	if (in < 0)
		row_skip("no library to copy");
	while ((n = read(in, buf, sizeof(buf))) > 0)
		TRUE(write(out, buf, (size_t)n) == n);
	close(out);
}

ROW(dlerror)
{
	char want[4200];

	TRUE(!dlerror());
	TRUE(!dlopen(P("none.so"), RTLD_NOW));
	snprintf(want, sizeof(want),
		 "%s: cannot open shared object file: "
		 "No such file or directory",
		 P("none.so"));
	TRUE(!strcmp(dlerror(), want));
	TRUE(!dlerror());
}

ROW(dlopen)
{
	void *lib;

	copy_library();
	lib = PTR(dlopen(P("lib.so"), RTLD_NOW));
	TRUE(dlsym(lib, "__ctype_get_mb_cur_max"));
	TRUE(!dlclose(lib));
	TRUE(!dlopen(P("none.so"), RTLD_NOW) && dlerror());
	TRUE(dlopen(NULL, RTLD_NOW));
}
