/* SPDX-License-Identifier: BSD-3-Clause */
/* The processes that do a work: one is the worker itself, more are children
 * that stay for all rounds. */
#include "tools/bench/worker.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAX_PROCESSES 4

struct part { /* shared with the child that fills it in */
	uint64_t ops, start, end, budget;
	int error;
};

struct bench_team {
	struct bench_job job;
	const struct bench_body *body;
	unsigned n; /* children; 0: we work ourselves */
	struct part *part;
	pid_t pid[MAX_PROCESSES];
	int to[MAX_PROCESSES], from[MAX_PROCESSES];
};

/* rank < 0: the one that all share. */
void bench_dir(const struct bench_job *j, char *out, size_t size, int rank)
{
	bool huge = j->work->flags & BFS_WORK_HUGE;
	int n = snprintf(out, size, "%s/%s-%s", j->place->dir,
			 bfs_suite_name[j->work->suite],
			 huge ? "huge" : j->work->name);

	if (rank >= 0 && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, "/%d", rank);
}

/* xorshift: cheap, and the same in all configurations. */
uint64_t bench_random(struct bench_job *j)
{
	j->seed ^= j->seed << 13;
	j->seed ^= j->seed >> 7;
	j->seed ^= j->seed << 17;
	return j->seed;
}

static void take_rank(struct bench_job *j, unsigned rank)
{
	j->rank = rank;
	j->seed = 0x9e3779b97f4a7c15u * (rank + 1);
	bench_dir(j, j->dir, sizeof(j->dir),
		  j->work->flags & BFS_WORK_SHARED ? -1 : (int)rank);
}

static void work(struct bench_team *t, struct bench_job *j, struct part *p)
{
	uint64_t i = 0, now;
	int e = 0;

	p->start = now = bfs_now();
	while (!e && i < j->max && now - p->start < p->budget) {
		for (unsigned k = 0; !e && k < j->work->batch && i < j->max;
		     k++)
			e = t->body->op(j, i++);
		now = bfs_now();
	}
	p->end = now;
	p->ops = i;
	p->error = e;
}

/* One round in one process; *go: wait for it. */
static void one_round(struct bench_team *t, struct bench_job *j, struct part *p,
		      bool (*wait)(void *arg), void *arg)
{
	int e;

	j->max = UINT64_MAX;
	p->error = t->body->before(j);
	if (!wait(arg) || p->error)
		return;
	work(t, j, p);
	e = t->body->after(j, p->ops);
	if (!p->error)
		p->error = e;
}

struct ends {
	int in, out;
};

static bool say_ready(void *arg)
{
	const struct ends *e = arg;
	char c = 'r';

	return write(e->out, &c, 1) == 1 && read(e->in, &c, 1) == 1;
}

static bool at_once(void *arg)
{
	return true;
}

/* 'b': a round; the end of the pipe: leave. */
static void be_child(struct bench_team *t, unsigned rank, struct ends ends)
{
	struct bench_job *j = &t->job;
	struct part *p = &t->part[rank];
	char c = 'j';
	int e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	take_rank(j, rank);
	p->error = t->body->join(j);
	e = p->error;
	while (write(ends.out, &c, 1) == 1 && read(ends.in, &c, 1) == 1 && !e)
		one_round(t, j, p, say_ready, &ends);
	if (!e)
		t->body->leave(j);
	_exit(0);
}

static int make_child(struct bench_team *t, unsigned rank)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return -errno;
	t->pid[rank] = fork();
	if (t->pid[rank] < 0)
		return -errno;
	if (!t->pid[rank]) {
		for (unsigned i = 0; i < rank; i++) {
			close(t->to[i]);
			close(t->from[i]);
		}
		close(to[1]);
		close(from[0]);
		be_child(t, rank, (struct ends){ to[0], from[1] });
	}
	close(to[0]);
	close(from[1]);
	t->to[rank] = to[1];
	t->from[rank] = from[0];
	t->n = rank + 1;
	return 0;
}

static int hear_all(struct bench_team *t)
{
	int e = 0;
	char c;

	for (unsigned i = 0; i < t->n; i++)
		if (read(t->from[i], &c, 1) != 1)
			return -ECHILD;
		else if (t->part[i].error)
			e = t->part[i].error;
	return e;
}

static int tell_all(struct bench_team *t)
{
	for (unsigned i = 0; i < t->n; i++)
		if (write(t->to[i], "g", 1) != 1)
			return -ECHILD;
	return 0;
}

static int join(struct bench_team *t)
{
	int e = 0;

	if (t->job.work->processes == 1) {
		take_rank(&t->job, 0);
		return t->body->join(&t->job);
	}
	for (unsigned i = 0; !e && i < t->job.work->processes; i++)
		e = make_child(t, i);
	return e ? e : hear_all(t);
}

/* Directories of all ranks. */
static int make_dirs(struct bench_job *j)
{
	char dir[1024];

	for (int rank = -1; rank < (int)j->work->processes; rank++) {
		bench_dir(j, dir, sizeof(dir), rank);
		if (mkdir(dir, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int bench_team_begin(struct bench_team **out, struct bench_job *j,
		     const struct bench_body *b)
{
	struct bench_team *t = calloc(1, sizeof(*t));
	int e = 0;

	if (!t)
		return -ENOMEM;
	t->job = *j;
	t->body = b;
	t->part =
		mmap(NULL, MAX_PROCESSES * sizeof(*t->part),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->part == MAP_FAILED)
		e = -errno;
	if (!e && !(j->work->flags & BFS_WORK_OUTSIDE))
		e = make_dirs(&t->job);
	take_rank(&t->job, 0);
	if (!e)
		e = b->make(&t->job);
	if (!e)
		e = join(t);
	*out = t;
	return e;
}

static void add_parts(struct bench_team *t, uint64_t *ops, uint64_t *ns)
{
	uint64_t start = UINT64_MAX, end = 0;

	for (unsigned i = 0; i < BFS_MAX(t->n, 1u); i++) {
		start = BFS_MIN(start, t->part[i].start);
		end = BFS_MAX(end, t->part[i].end);
		*ops += t->part[i].ops;
	}
	*ns = end - start;
}

int bench_team_round(struct bench_team *t, uint64_t budget, uint64_t *ops,
		     uint64_t *ns)
{
	int e;

	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		t->part[i].budget = budget;
	if (t->n) {
		e = tell_all(t);
		if (!e)
			e = hear_all(t); /* ready */
		if (!e)
			e = tell_all(t);
		if (!e)
			e = hear_all(t); /* done */
	} else {
		one_round(t, &t->job, &t->part[0], at_once, NULL);
		e = t->part[0].error;
	}
	if (!e)
		add_parts(t, ops, ns);
	return e;
}

int bench_team_end(struct bench_team *t)
{
	char top[1024];
	int e = 0;

	for (unsigned i = 0; i < t->n; i++) {
		close(t->to[i]);
		close(t->from[i]);
		while (waitpid(t->pid[i], NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (!t->n)
		e = t->body->leave(&t->job);
	if (!e)
		e = t->body->drop(&t->job);
	bench_dir(&t->job, top, sizeof(top), -1);
	if (!e && !(t->job.work->flags & (BFS_WORK_OUTSIDE | BFS_WORK_HUGE)))
		e = bench_remove_tree(top);
	munmap(t->part, MAX_PROCESSES * sizeof(*t->part));
	free(t);
	return e;
}
