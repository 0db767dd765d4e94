/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crash DIR FILE ROUNDS CLIENTS SEED DAEMONS: random work by several
 * processes, while `$BENCHFS_TEST_KILL K` and then `$BENCHFS_TEST_RESTART K`
 * are run for a daemon K by chance; after each round what is there is what was
 * acknowledged.  Without BENCHFS_TEST_KILL nobody is killed.
 * With BENCHFS_KILL_FILE they, and clients, are killed at kill points instead.
 * BENCHFS_CRASH_TAMPER=N changes what is expected, in the way N.
 */
#include "crash.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINTS_A_ROUND 4

/* The time of a call is bounded (F1): 30 s, and what the machine takes. */
#define CALL_MAX_NS 45000000000ull

static void wait_until_back(struct worker *k)
{
	uint64_t end = crew_now() + 60000000000ull;

	while (access(k->crew->dir, F_OK) && is_unknown_error(errno)) {
		if (crew_now() > end)
			crew_fail(k->crew, "no daemon for a minute");
		usleep(2000);
	}
}

static void is_unknown(struct world *w, const struct job *j)
{
	w->unknown++;
	w->pending[w->pendings++] = *j;
	world_freeze(w, j);
}

static void one_job(struct worker *k)
{
	struct world *w = k->w;
	struct job j;
	uint64_t start;
	int r;

	if (w->pendings == PENDING || !job_choose(k, &j))
		return;
	w->job = j;
	w->doing = true;
	start = crew_now();
	r = job_do(k, &j);
	start = crew_now() - start;
	w->doing = false;
	if (start > COUNT(k, COUNT_LONGEST))
		COUNT(k, COUNT_LONGEST) = start;
	if (start > CALL_MAX_NS)
		crew_fail(k->crew, "a call of %lu ms", start / 1000000);
	w->calls++;
	w->by_work[j.work]++;
	if (!r) {
		world_apply(w, &j);
		return;
	}
	if (!is_unknown_error(-r)) {
		job_print(&j);
		fflush(stdout);
		COUNT(k, COUNT_LOSSES)++;
		crew_fail(k->crew, "client %u: %s where all is there for it",
			  k->number, strerrorname_np(-r));
	}
	is_unknown(w, &j);
	wait_until_back(k);
}

/* A name that leads to no other name. */
static struct where some_leaf(struct world *w)
{
	struct where p = { 1, { 0 } };

	while (!w->slot[p.at[0]] && p.at[0] < SLOTS - 1)
		p.at[0]++;
	while (p.n < DEEP) {
		struct object *x = &w->object[*world_at(w, &p)];
		uint8_t i = 0;

		while (x->type == 'd' && i < CHILDREN && !x->child[i])
			i++;
		if (x->type != 'd' || i == CHILDREN)
			break;
		p.at[p.n++] = i;
	}
	return p;
}

static bool may_tamper(const struct object *x, int how)
{
	if (!x->type || x->type == 'l' || !x->links)
		return false;
	return (how != 1 && how != 4) || (x->type == 'f' && x->size);
}

/* As if something had been lost, or come back. */
static void tamper(struct worker *k, int how)
{
	struct where p = some_leaf(k->w);
	struct object *x = &k->w->object[1];
	char path[600];

	while (!may_tamper(x, how))
		crew_want(k->crew, ++x < k->w->object + OBJECTS);
	where_path(k, &p, path);
	if (how == 1)
		x->unit[x->size / 2] ^= 1;
	else if (how == 2)
		x->xattr ^= 1;
	else if (how == 3)
		x->mode ^= 1;
	else if (how == 4)
		x->links++;
	else if (how == 5)
		*world_at(k->w, &p) = 0; /* a name has come back */
	else if (how == 6)
		crew_want(k->crew, !remove(path));
}

/* The lines of a that are not in b. */
static void show_lines(char sign, const char *a, const char *b)
{
	for (const char *p = a; *p;) {
		size_t n = (size_t)(strchr(p, '\n') - p) + 1;
		char *line = strndup(p, n);

		if (!strstr(b, line))
			printf("%c %s", sign, line);
		free(line);
		p += n;
	}
}

static void lost(struct worker *k, const char *expected, const char *seen)
{
	printf("client %u: what is there (+) is not what was acknowledged "
	       "(-):\n",
	       k->number);
	for (uint32_t i = 0; i < k->w->pendings; i++)
		job_print(&k->w->pending[i]);
	show_lines('-', expected, seen);
	show_lines('+', seen, expected);
	fflush(stdout);
	COUNT(k, COUNT_LOSSES)++;
	crew_fail(k->crew, "client %u: round %lu: lost", k->number,
		  COUNT(k, COUNT_ROUND));
}

static void settle(struct worker *k, struct world *as, uint32_t taken)
{
	*k->w = *as;
	k->w->pendings = 0;
	memset(k->w->frozen, 0, sizeof(k->w->frozen));
	for (int i = 0; i < OBJECTS; i++)
		k->w->object[i].busy = false;
	scan_unsure(k, k->w);
	COUNT(k, COUNT_SETTLED) += (uint64_t)__builtin_popcount(taken);
}

/* Some of the unknown calls, or none, explain what is there. */
static void verify(struct worker *k)
{
	static char seen[DUMP], expected[DUMP], first[DUMP];
	static struct world as;

	scan(k, k->w, seen);
	for (uint32_t taken = 0; taken < 1u << k->w->pendings; taken++) {
		as = *k->w;
		for (uint32_t i = 0; i < as.pendings; i++)
			if (taken & 1u << i)
				world_apply(&as, &as.pending[i]);
		world_dump(&as, k->number, expected);
		if (!taken)
			strcpy(first, expected);
		if (strcmp(seen, expected))
			continue;
		settle(k, &as, taken);
		return;
	}
	lost(k, first, seen);
}

static void client_round(struct worker *k, uint32_t round, int how)
{
	struct world *w = k->w;

	if (!w->stage) {
		crew_meet(k->crew);
		if (!k->number)
			COUNT(k, COUNT_ROUND) = round;
		w->stage = 1;
	}
	while (w->stage == 1 && COUNT(k, COUNT_STOP) < round) {
		if (k->crew->failed)
			exit(3);
		one_job(k);
	}
	if (w->stage == 1) {
		crew_meet(k->crew);
		w->stage = 2;
	}
	if (how && round == 2 && !k->number)
		tamper(k, how);
	verify(k);
	w->stage = 0;
}

static void make_shared(struct worker *k)
{
	for (int i = 0; i < SHARED; i++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/s%d", k->crew->dir, i);
		crew_want(k->crew, !mkdir(path, 0777) || errno == EEXIST);
	}
}

/* To its end, or until it is killed. */
static int client_life(struct worker *k)
{
	const char *how = getenv("BENCHFS_CRASH_TAMPER");

	umask(022);
	k->random = k->crew->seed * 1000003 + k->number + 1 +
		    k->w->deaths * 7777777ull;
	if (!k->number && !k->w->round)
		make_shared(k);
	while (k->w->round < k->crew->rounds) {
		client_round(k, k->w->round + 1, how ? atoi(how) : 0);
		k->w->round++;
	}
	return 0;
}

/* What it was at may have taken effect, and its descriptors are closed. */
static void client_died(struct worker *k)
{
	struct world *w = k->w;

	w->deaths++;
	COUNT(k, COUNT_DEATHS)++;
	if (w->doing && w->job.work < WORK_hold)
		is_unknown(w, &w->job);
	else if (w->doing && w->job.work == WORK_heldwrite)
		world_freeze(w, &w->job);
	w->doing = false;
	world_forget_held(w);
}

static int client_main(char **argv)
{
	struct worker k = { .number = (uint32_t)atoi(argv[2]),
			    .fd = { -1, -1 } };
	int status;
	pid_t pid;

	k.crew = crew_open(argv[3]);
	k.w = (struct world *)k.crew->area + k.number;
	if (!getenv("BENCHFS_KILL_FILE"))
		return client_life(&k);
	for (;;) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			exit(client_life(&k));
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			err(2, "no life");
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		client_died(&k);
	}
}

int points_command(const char *what, uint32_t k)
{
	char buf[1000];

	snprintf(buf, sizeof(buf), "%s %u", getenv(what), k);
	return system(buf);
}

static void command(struct crew *c, const char *what, uint32_t k)
{
	if (points_command(what, k))
		crew_fail(c, "%s failed", what);
}

static void kill_one(struct crew *c, uint64_t *random, uint32_t daemons)
{
	uint32_t k = crew_random(random) % daemons;

	if (!getenv("BENCHFS_TEST_KILL"))
		return;
	command(c, "BENCHFS_TEST_KILL", k);
	c->count[COUNT_KILLS]++;
	usleep(crew_random(random) % 50000);
	command(c, "BENCHFS_TEST_RESTART", k);
}

/* Besides the clients: in each round it kills one, and ends the round. */
static void killer(struct crew *c, uint32_t daemons)
{
	uint64_t random = c->seed * 77 + 5;
	bool points = points_open();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint64_t r = 1; r <= c->rounds; r++) {
		while (c->count[COUNT_ROUND] < r) {
			if (c->failed)
				_exit(0);
			usleep(1000);
		}
		usleep(20000 + crew_random(&random) % 150000);
		for (int n = 0; points && n < POINTS_A_ROUND && !c->failed; n++)
			points_kill(c, &random, daemons);
		if (!points || crew_random(&random) % 4 == 0)
			kill_one(c, &random, daemons);
		usleep(crew_random(&random) % 100000);
		c->count[COUNT_STOP] = r;
	}
	_exit(0);
}

static void report(struct crew *c)
{
	struct world *w = (struct world *)c->area;
	static const char *const name[] = {
#define WORK(name, often) #name,
#include "crash.def"
#undef WORK
	};
	uint64_t calls = 0, unknown = 0;

	for (uint32_t i = 0; i < c->clients; i++) {
		calls += w[i].calls;
		unknown += w[i].unknown;
	}
	printf("%lu rounds, %lu kills, %lu of clients, %lu calls, %lu unknown calls of which "
	       "%lu had taken effect, longest call %lu ms, %lu losses\n",
	       c->count[COUNT_STOP], c->count[COUNT_KILLS],
	       c->count[COUNT_DEATHS], calls, unknown, c->count[COUNT_SETTLED],
	       c->count[COUNT_LONGEST] / 1000000, c->count[COUNT_LOSSES]);
	for (int k = 0; k < WORKS; k++) {
		uint64_t n = 0;

		for (uint32_t i = 0; i < c->clients; i++)
			n += w[i].by_work[k];
		printf("%s %lu  ", name[k], n);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	struct crew *c;
	pid_t pid;
	int bad;

	if (argc > 3 && !strcmp(argv[1], "--client"))
		return client_main(argv);
	if (argc != 7)
		errx(2, "crash DIR FILE ROUNDS CLIENTS SEED DAEMONS");
	c = crew_make(argv[2], argv[1], (uint32_t)atoi(argv[4]),
		      (size_t)atoi(argv[4]) * sizeof(struct world));
	c->rounds = (uint32_t)atoi(argv[3]);
	c->seed = (uint64_t)atol(argv[5]);
	c->secs = 120 + c->rounds * 10;
	pid = fork();
	if (!pid)
		killer(c, (uint32_t)atoi(argv[6]));
	bad = crew_run(c, argv[2], (char *[]){ NULL });
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	report(c);
	if (points_open() && points_report((uint32_t)atoi(argv[6])) &&
	    c->rounds >= 10)
		bad++;
	return bad || c->failed;
}
