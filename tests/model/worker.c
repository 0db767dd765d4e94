/* SPDX-License-Identifier: BSD-3-Clause */
/* A process that does what it is told, on one side. */
#include "model.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int pipes[2][PROCS_MAX][2][2];

static do_fn *const table[] = {
#define CALL(name, often) do_##name,
#include "calls.def"
#undef CALL
};

static void reply(const struct place *w, const struct result *r)
{
	if (write(pipes[w->side][w->proc][1][1], r, sizeof(*r)) != sizeof(*r))
		_exit(1);
}

/* The child takes the place of another worker, which has gone. */
void do_fork(struct place *w, const struct step *s, struct result *r)
{
	pid_t pid = fork();

	answer(r, pid < 0 ? -1 : 0);
	if (!pid) {
		w->proc = (int)s->a[0];
		work(w);
	}
}

/* What starts this program again as that worker. */
static char **again(const struct place *w, const char *how)
{
	static char numbers[(4 * PROCS_MAX + 1) * 12], fds[FDS * 12];
	static char side[4], proc[12];
	static char *args[9];
	int *p = &pipes[0][0][0][0], at = 0;

	for (size_t i = 0; i < sizeof(pipes) / sizeof(int); i++)
		at += sprintf(numbers + at, "%d ", p[i]);
	sprintf(numbers + at, "%d", stamp_fd);
	at = 0;
	for (int i = 0; i < FDS; i++)
		at += sprintf(fds + at, "%d ", w->fd[i]);
	sprintf(side, "%d", w->side);
	sprintf(proc, "%d", w->proc);
	args[0] = (char *)"model";
	args[1] = (char *)how;
	args[2] = side;
	args[3] = proc;
	args[4] = (char *)w->root;
	args[5] = numbers;
	args[6] = fds;
	return args;
}

/* Programs with two identities are not preloaded: not in that state. */
void do_exec(struct place *w, const struct step *s, struct result *r)
{
	(void)s;
	if (getuid() != geteuid() || getgid() != getegid())
		return;
	execv("/proc/self/exe", again(w, WORKER_EXEC));
	answer(r, -1);
}

/* As a program that has nothing to do with BenchFS: no hook sees this call. */
void work_plain(struct place *w)
{
	static char tree[] = "BENCHFS_MODEL_TREE=1";
	char *env[] = { getenv("BENCHFS_MODEL_TREE") ? tree : NULL, NULL };
	const char *path = "/proc/self/exe";
	char **argv = again(w, WORKER_PLAIN);
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"((long)SYS_execve), "D"(path), "S"(argv), "d"(env)
			 : "rcx", "r11", "memory");
	_exit(1);
}

void work_again(int argc, char **argv)
{
	struct place w = { .side = atoi(argv[2]), .proc = atoi(argv[3]) };
	int *p = &pipes[0][0][0][0];
	struct result r = { 0 };
	char *text = argv[5];

	if (argc != 7)
		errx(1, "not for use by hand");
	snprintf(w.root, sizeof(w.root), "%s", argv[4]);
	for (size_t i = 0; i < sizeof(pipes) / sizeof(int); i++)
		p[i] = (int)strtol(text, &text, 10);
	stamp_attach((int)strtol(text, &text, 10));
	text = argv[6];
	for (int i = 0; i < FDS; i++) {
		w.fd[i] = (int)strtol(text, &text, 10);
		if (w.fd[i] >= 0 && lseek(w.fd[i], 0, SEEK_CUR) < 0 &&
		    errno == EBADF && fcntl(w.fd[i], F_GETFD) < 0)
			w.fd[i] = -1; /* closed on exec */
	}
	if (!strcmp(argv[1], WORKER_EXEC))
		reply(&w, &r);
	work(&w);
}

void work(struct place *w)
{
	struct step s;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (read(pipes[w->side][w->proc][0][0], &s, sizeof(s)) ==
	       sizeof(s)) {
		struct result r = { .ret = 0 };

		if (s.call == PROC_QUIT) {
			r.ret = getpid();
			reply(w, &r);
			_exit(0);
		}
		errno = 0;
		table[s.call](w, &s, &r);
		reply(w, &r);
	}
	_exit(0);
}
