/* SPDX-License-Identifier: BSD-3-Clause */
/* The coordinator: each step to both sides, and the results compared. */
#include "model.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

uint64_t run_count[CALLS];
bool run_plain, run_trace;

static const char *roots[2];
static int runs;

void run_init(const char *a, const char *b)
{
	roots[0] = a;
	roots[1] = b;
}

/* Two levels, since a path may say "..". */
static void make_place(struct place *w, int side, int proc)
{
	char dir[180];

	*w = (struct place){ .side = side, .proc = proc };
	for (int i = 0; i < FDS; i++)
		w->fd[i] = -1;
	snprintf(dir, sizeof(dir), "%s/m%d.%d", roots[side], (int)getpid(),
		 runs);
	snprintf(w->root, sizeof(w->root), "%s/r", dir);
	umask(0);
	if (!proc && (mkdir(dir, 0777) || mkdir(w->root, 0777)))
		err(1, "%s", w->root);
	umask(022);
}

static void start(int side, int proc)
{
	struct place w;

	make_place(&w, side, proc);
	for (int i = 0; i < 2; i++)
		if (pipe(pipes[side][proc][i]))
			err(1, "pipe");
}

static void spawn(int side, int proc)
{
	struct place w;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return;
	/* The same, without making it again. */
	w = (struct place){ .side = side, .proc = proc };
	for (int i = 0; i < FDS; i++)
		w.fd[i] = -1;
	snprintf(w.root, sizeof(w.root), "%s/m%d.%d/r", roots[side],
		 (int)getppid(), runs);
	if (chdir(w.root))
		err(1, "%s", w.root);
	umask(022);
	if (side && run_plain)
		work_plain(&w);
	work(&w);
}

static void tell(int side, uint32_t proc, const struct step *s)
{
	if (write(pipes[side][proc][0][1], s, sizeof(*s)) != sizeof(*s))
		err(1, "a worker does not listen");
}

static bool hear(int side, uint32_t proc, struct result *r)
{
	struct pollfd p = { .fd = pipes[side][proc][1][0], .events = POLLIN };

	return poll(&p, 1, PATIENCE_MS) == 1 &&
	       read(p.fd, r, sizeof(*r)) == sizeof(*r);
}

/* When it is gone, so are its locks. */
static void quit(uint32_t proc)
{
	struct step s = { .proc = proc, .call = PROC_QUIT };
	struct pollfd p = { .events = POLLIN };
	struct result r;

	for (int side = 0; side < 2; side++) {
		tell(side, proc, &s);
		if (!hear(side, proc, &r))
			continue;
		p.fd = (int)syscall(SYS_pidfd_open, (pid_t)r.ret, 0);
		if (p.fd >= 0) {
			poll(&p, 1, PATIENCE_MS);
			close(p.fd);
		}
	}
}

static void finish(unsigned procs)
{
	char command[500];

	for (uint32_t p = 0; p < procs; p++) {
		quit(p);
		for (int side = 0; side < 2; side++)
			for (int i = 0; i < 4; i++)
				close(pipes[side][p][i / 2][i % 2]);
	}
	for (int side = 0; side < 2; side++) {
		snprintf(command, sizeof(command), "rm -rf %s/m%d.%d",
			 roots[side], (int)getpid(), runs);
		if (system(command))
			warnx("%s: not removed", roots[side]);
	}
}

static bool same(const struct result *a, const struct result *b)
{
	/* Extended attributes take a block on ext4, extents perhaps too. */
	if (labs(b->blocks - a->blocks) > 16)
		return false;
	return a->ret == b->ret && a->err == b->err && a->mode == b->mode &&
	       a->nlink == b->nlink && a->uid == b->uid && a->gid == b->gid &&
	       a->rdev == b->rdev && a->size == b->size &&
	       a->blksize == b->blksize &&
	       !memcmp(a->stamp, b->stamp, sizeof(a->stamp)) &&
	       a->hash == b->hash && same_inode(a, b);
}

static void show(const char *side, const struct result *r)
{
	printf("  %s: %ld %s mode %o nlink %u uid %u gid %u rdev %x size %ld blocks %ld of %u times",
	       side, (long)r->ret, r->err ? strerrorname_np(r->err) : "-",
	       r->mode, r->nlink, r->uid, r->gid, r->rdev, (long)r->size,
	       (long)r->blocks, r->blksize);
	for (int i = 0; i < STAMPS; i++)
		printf(r->stamp[i] < 0 ? " set %ld" : " %ld",
		       r->stamp[i] < 0 ? (long)(r->stamp[i] - INT64_MIN / 2)
				       : (long)r->stamp[i]);
	printf(" ino %lu hash %016lx\n", (unsigned long)r->ino,
	       (unsigned long)r->hash);
}

static bool agree(const struct step *s, bool talk)
{
	struct result r[2];
	bool alike;

	for (int side = 0; side < 2; side++)
		tell(side, s->proc, s);
	for (int side = 0; side < 2; side++)
		if (!hear(side, s->proc, &r[side])) {
			if (talk) {
				step_print(s);
				printf("  %s: no answer\n",
				       side ? "real" : "benchfs");
			}
			return false;
		}
	alike = same(&r[0], &r[1]);
	if (run_trace || (talk && !alike)) {
		step_print(s);
		show("benchfs", &r[0]);
		show("real   ", &r[1]);
	}
	return alike;
}

int steps_run(const struct step *s, unsigned n, unsigned procs, bool talk)
{
	int bad = -1;

	signal(SIGCHLD, SIG_IGN);
	runs++;
	same_forget();
	stamp_restart();
	for (int side = 0; side < 2; side++)
		for (unsigned p = 0; p < procs; p++)
			start(side, (int)p);
	fflush(stdout);
	for (int side = 0; side < 2; side++)
		for (unsigned p = 0; p < procs; p++)
			spawn(side, (int)p);
	for (unsigned i = 0; i < n && bad < 0; i++) {
		run_count[s[i].call]++;
		stamp_step();
		if (s[i].call == CALL_fork)
			quit(s[i].a[0]);
		if (!agree(&s[i], talk))
			bad = (int)i;
	}
	signal(SIGCHLD, SIG_DFL);
	finish(procs);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return bad;
}
