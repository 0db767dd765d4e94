/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/worker.h"

#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct bench_body *const bodies[] = {
#define SUITE(name, what)
#define WORK(suite, name, body, ...) &bench_body_##body,
#include "tools/bench/works.def"
};

static struct bench_place places[BFS_WORKER_PLACES];
static struct bench_team *teams[BFS_WORKER_PLACES]; /* by place */
static bool quick;

int bench_nothing(struct bench_job *j)
{
	return 0;
}

int bench_nothing_done(struct bench_job *j, uint64_t done)
{
	return 0;
}

static int do_place(const char *arg)
{
	unsigned n;
	int at = 0;

	if (sscanf(arg, "%u %n", &n, &at) != 1 || n >= BFS_WORKER_PLACES ||
	    strlen(arg + at) >= sizeof(places[n].dir))
		return -EINVAL;
	strcpy(places[n].dir, arg + at);
	return 0;
}

static int do_env(const char *arg)
{
	struct bench_place *p;
	unsigned n;
	int at = 0;

	if (sscanf(arg, "%u %n", &n, &at) != 1 || n >= BFS_WORKER_PLACES)
		return -EINVAL;
	p = &places[n];
	p->env = realloc(p->env, (p->n_env + 2) * sizeof(*p->env));
	if (!p->env)
		return -ENOMEM;
	p->env[p->n_env++] = strdup(arg + at);
	p->env[p->n_env] = NULL;
	return 0;
}

static int do_clean(const char *arg)
{
	unsigned long n = strtoul(arg, NULL, 10);
	int e;

	if (n >= BFS_WORKER_PLACES || !teams[n])
		return -EINVAL;
	e = bench_team_end(teams[n]);
	teams[n] = NULL;
	return e;
}

static int do_setup(const char *arg)
{
	struct bench_job job = { .quick = quick, .fd = -1 };
	unsigned w, n;

	if (sscanf(arg, "%u %u", &w, &n) != 2 || w >= bfs_works_count ||
	    n >= BFS_WORKER_PLACES || teams[n])
		return -EINVAL;
	job.work = &bfs_works[w];
	job.place = &places[n];
	return bench_team_begin(&teams[n], &job, bodies[w]);
}

static int do_round(const char *arg, uint64_t *ops, uint64_t *ns)
{
	unsigned long long budget;
	unsigned n;

	if (sscanf(arg, "%u %llu", &n, &budget) != 2 ||
	    n >= BFS_WORKER_PLACES || !teams[n])
		return -EINVAL;
	return bench_team_round(teams[n], budget, ops, ns);
}

static int count_segments(uint64_t *n)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0)
		*n += strstr(line, "/ucx_shm_") || strstr(line, "/SYSV");
	free(line);
	fclose(f);
	return 0;
}

/* What has a line's end in it, no program here needs. */
static int print_environ(void)
{
	for (char **e = environ; *e; e++)
		if (!strchr(*e, '\n') && strlen(*e) < BFS_WORKER_LINE - 16)
			puts(*e);
	return 0;
}

static int obey(char *line, uint64_t *a, uint64_t *b)
{
	char *arg = strchrnul(line, ' ');

	if (*arg)
		*arg++ = '\0';
	if (!strcmp(line, "place"))
		return do_place(arg);
	if (!strcmp(line, "env"))
		return do_env(arg);
	if (!strcmp(line, "setup"))
		return do_setup(arg);
	if (!strcmp(line, "round"))
		return do_round(arg, a, b);
	if (!strcmp(line, "clean"))
		return do_clean(arg);
	if (!strcmp(line, "segments"))
		return count_segments(a);
	if (!strcmp(line, "environ"))
		return print_environ();
	return -EINVAL;
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;

	quick = argc > 1 && !strcmp(argv[1], "quick");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && !strcmp(argv[1], "idle"))
		return bench_idle_worker(argv + 2);
	while (getline(&line, &size, stdin) > 0) {
		uint64_t a = 0, b = 0;
		int e;

		line[strcspn(line, "\n")] = '\0';
		e = obey(line, &a, &b);
		if (e)
			printf("error %d %s\n", -e, strerror(-e));
		else
			printf("ok %llu %llu\n", (unsigned long long)a,
			       (unsigned long long)b);
	}
	free(line);
	return 0;
}
