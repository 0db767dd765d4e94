/* SPDX-License-Identifier: BSD-3-Clause */
/* The configurations: a worker each, in the plain directory or under a
 * `benchfs run` of its own. */
#include "tools/bench/driver.h"

#include "core/cluster.h"
#include "core/stats.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ANSWER_SECS 900 /* a million files on a busy machine */
#define END_SECS 60
#define MAX_ARGS (24 + 2 * BFS_CONFIG_OPTIONS)

static const struct bench_conf confs[BENCH_ALL] = {
	[BENCH_PLAIN] = { "plain", "a plain directory" },
	[BENCH_LOCAL] = { "local", "BenchFS, local transport", NULL, 1 },
	[BENCH_SHM] = { "ucx-shm", "BenchFS over UCX shared memory",
			"shm,tcp,self", 1 },
	[BENCH_TCP] = { "ucx-tcp", "BenchFS over UCX tcp", "tcp,self", 1 },
	[BENCH_TWO] = { "local-2", "BenchFS on two daemons", NULL, 2 },
	[BENCH_IDLE] = { "idle", "a daemon with idle clients", NULL, 1 },
};

static void add(char **argv, unsigned *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void add(char **argv, unsigned *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&argv[*n], fmt, ap) < 0)
		_exit(EX_OSERR);
	va_end(ap);
	argv[++*n] = NULL;
}

/* Settings from the command line are for all daemons. */
static void add_settings(const struct bench *b, char **argv, unsigned *n)
{
	char text[4096];

	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_config_info *info = bfs_config_info(i);

		if (b->o->config.from[i].origin != BFS_CONFIG_COMMAND)
			continue;
		bfs_config_text(&b->o->config, i, text, sizeof(text));
		add(argv, n, "-o");
		add(argv, n, "%s.%s=%s", info->section, info->key, text);
	}
}

static void make_args(const struct bench *b, const struct bench_conf *c,
		      char **argv)
{
	unsigned n = 0;

	if (c->daemons) {
		add(argv, &n, "benchfs");
		add(argv, &n, "run");
		if (b->o->config_file) {
			add(argv, &n, "-c");
			add(argv, &n, "%s", b->o->config_file);
		}
		add_settings(b, argv, &n);
		add(argv, &n, "-n");
		add(argv, &n, "%u", c->daemons);
		add(argv, &n, "-m");
		add(argv, &n, "%s", b->mount);
		add(argv, &n, "-d");
		add(argv, &n, "%s/%s", b->base, c->name);
		add(argv, &n, "--run-dir");
		add(argv, &n, "%s/%s", b->run_base, c->name);
		add(argv, &n, "-o");
		add(argv, &n, "network.transport=%s", c->tls ? "ucx" : "auto");
		add(argv, &n, "--");
	}
	add(argv, &n, "%s", b->worker);
	if (c->clients) {
		add(argv, &n, "idle");
		add(argv, &n, "%u", c->clients);
		add(argv, &n, "%s", b->mount);
		add(argv, &n, "%u", c->files);
	} else if (b->quick) {
		add(argv, &n, "quick");
	}
}

static void become(const struct bench *b, const struct bench_conf *c, int in,
		   int out)
{
	char *argv[MAX_ARGS];

	bfs_signals_give_back();
	/* a terminal's signals are for us, who end it in order */
	setpgid(0, 0);
	unsetenv("BENCHFS_TRANSPORT");
	unsetenv("BENCHFS_NETWORK_TRANSPORT");
	if (c->tls)
		setenv("UCX_TLS", c->tls, 1);
	else
		unsetenv("UCX_TLS");
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	make_args(b, c, argv);
	execv(c->daemons ? "/proc/self/exe" : b->worker, argv);
	bfs_fail(0, "%s: %m", b->worker);
	_exit(EX_OSFILE);
}

static int spawn(struct bench *b, struct bench_conf *c)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return bfs_fail(EX_OSERR, "pipe: %m");
	c->pid = fork();
	if (c->pid < 0)
		return bfs_fail(EX_OSERR, "fork: %m");
	if (!c->pid)
		become(b, c, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	c->to = to[1];
	c->from = fdopen(from[0], "re");
	return c->from ? 0 : bfs_fail(EX_OSERR, "out of memory");
}

/* A line of the worker, within the time.  Its pipe is read unbuffered: what
 * poll does not see must not lie in a buffer. */
static int hear(struct bench *b, struct bench_conf *c, char *line, size_t size)
{
	struct pollfd p[2] = { { fileno(c->from), POLLIN, 0 },
			       { b->signals, POLLIN, 0 } };
	uint64_t until = bfs_now() + ANSWER_SECS * 1000000000ull;
	size_t n = 0;

	while (n + 1 < size) {
		int r = poll(p, 2, 1000);
		int status = p[1].revents ? bench_told(b) : 0;

		if (status)
			return status;
		if (r <= 0 && bfs_now() < until)
			continue;
		if (!p[0].revents)
			return bfs_fail(EX_TEMPFAIL,
					"%s: no answer within %d seconds",
					c->name, ANSWER_SECS);
		if (read(p[0].fd, line + n, 1) != 1)
			return bfs_fail(EX_SOFTWARE, "%s: the worker has ended",
					c->name);
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return 0;
}

static int say(struct bench_conf *c, const char *text, size_t n)
{
	if (write(c->to, text, n) == (ssize_t)n)
		return 0;
	return bfs_fail(EX_SOFTWARE, "%s: the worker has ended", c->name);
}

static int understand(const struct bench_conf *c, const char *line, int *error,
		      uint64_t *x, uint64_t *y)
{
	unsigned long long a = 0, d = 0;

	*error = 0;
	if (sscanf(line, "ok %llu %llu", &a, &d) != 2 &&
	    sscanf(line, "error %d", error) != 1)
		return bfs_fail(EX_SOFTWARE, "%s: \"%s\" is no answer", c->name,
				line);
	if (x)
		*x = a;
	if (y)
		*y = d;
	return 0;
}

int bench_ask(struct bench *b, struct bench_conf *c, int *error, uint64_t *x,
	      uint64_t *y, const char *fmt, ...)
{
	char line[BFS_WORKER_LINE];
	int status, n;
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		return bfs_fail(EX_SOFTWARE, "a line is too long");
	line[n++] = '\n';
	status = say(c, line, (size_t)n);
	if (!status)
		status = hear(b, c, line, sizeof(line));
	return status ? status : understand(c, line, error, x, y);
}

/* Each line of c's environment to f; the answer ends it. */
static int each_env(struct bench *b, struct bench_conf *c,
		    int (*f)(struct bench *b, struct bench_conf *c,
			     const char *line))
{
	char line[BFS_WORKER_LINE];
	int status = say(c, "environ\n", 8);

	while (!status) {
		status = hear(b, c, line, sizeof(line));
		if (status || !strncmp(line, "ok ", 3))
			break;
		status = f(b, c, line);
	}
	return status;
}

static int relay_env(struct bench *b, struct bench_conf *c, const char *line)
{
	int error;

	return bench_ask(b, &b->conf[BENCH_PLAIN], &error, NULL, NULL,
			 "env %u %s", (unsigned)(c - b->conf), line);
}

int bench_give_env(struct bench *b, struct bench_conf *c)
{
	int error, status = 0;

	if (c->has_env)
		return 0;
	c->has_env = true;
	if (c->daemons)
		status = each_env(b, c, relay_env);
	if (status)
		return status;
	return bench_ask(b, &b->conf[BENCH_PLAIN], &error, NULL, NULL,
			 "place %u %s", (unsigned)(c - b->conf), c->dir);
}

static int take_run_dir(struct bench *b, struct bench_conf *c, const char *line)
{
	if (!strncmp(line, "BENCHFS_RUN_DIR=", 16)) {
		free(c->run_dir);
		c->run_dir = strdup(line + 16);
	}
	return 0;
}

/* What a daemon that belongs to a list must be shown. */
static int find_hash(struct bench *b, struct bench_conf *c)
{
	BFS_AUTOFREE char *dir = NULL;
	struct bfs_members *l = bfs_members_new(&bfs_members_dir);
	char err[BFS_MEMBERS_ERR];
	int e;

	if (!l || asprintf(&dir, "%s/%s/registry", b->run_base, c->name) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	e = bfs_cluster_read(l, dir, err);
	c->hash = l->hash;
	bfs_members_free(l);
	return e ? bfs_fail(EX_SOFTWARE, "%s", err) : 0;
}

static int begin(struct bench *b, enum bench_conf_id id)
{
	struct bench_conf *c = &b->conf[id];
	int status = 0, error = 0;

	*c = confs[id];
	if (c->daemons)
		c->dir = strdup(b->mount);
	else if (asprintf(&c->dir, "%s/%s", b->base, c->name) < 0)
		c->dir = NULL;
	if (!c->dir)
		return bfs_fail(EX_OSERR, "out of memory");
	if (!c->daemons && mkdir(c->dir, 0755))
		return bfs_fail(EX_CANTCREAT, "%s: %m", c->dir);
	status = spawn(b, c);
	if (!status)
		status = bench_ask(b, c, &error, NULL, NULL, "place 0 %s",
				   c->dir);
	if (!status && c->daemons)
		status = each_env(b, c, take_run_dir);
	if (!status && c->daemons > 1)
		status = find_hash(b, c);
	return status;
}

int bench_confs_begin(struct bench *b)
{
	int status = 0;

	for (unsigned i = 0; !status && i < BENCH_CONFS; i++) {
		bench_progress(b, "starting %s", confs[i].what);
		status = begin(b, i);
	}
	return status;
}

int bench_conf_begin_idle(struct bench *b, unsigned clients, unsigned files,
			  int *error)
{
	struct bench_conf *c = &b->conf[BENCH_IDLE];
	char line[BFS_WORKER_LINE];
	int status;

	*c = confs[BENCH_IDLE];
	c->clients = clients;
	c->files = files;
	if (asprintf(&c->run_dir, "%s/%s", b->run_base, c->name) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	status = spawn(b, c);
	if (!status)
		status = hear(b, c, line, sizeof(line));
	return status ? status : understand(c, line, error, NULL, NULL);
}

/* The end of its input ends the worker, and with it the daemon. */
static void end(struct bench_conf *c)
{
	int status;

	if (c->from) {
		close(c->to);
		fclose(c->from);
	}
	if (c->pid > 0)
		for (int i = 0; i < END_SECS * 50; i++) {
			if (waitpid(c->pid, &status, WNOHANG))
				break;
			if (i == END_SECS * 50 - 1)
				kill(-c->pid, SIGTERM);
			(void)poll(NULL, 0, 20);
		}
	free(c->dir);
	free(c->run_dir);
}

void bench_confs_end(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_ALL; i++)
		end(&b->conf[i]);
}

int bench_counts(struct bench *b, struct bench_conf *c, struct bench_counts *to)
{
	uint64_t v[BFS_COUNTERS_MAX];
	int n = bfs_status_fetch(c->run_dir, c->hash, 10, v);

	if (n < 0)
		return bfs_fail(EX_UNAVAILABLE,
				"%s: the daemon does not answer: %s", c->name,
				strerror(-n));
	*to = (struct bench_counts){ .local = v[BFS_STAT_requests_local],
				     .ucx = v[BFS_STAT_requests_ucx],
				     .pass = v[BFS_STAT_opens_pass],
				     .daemon = v[BFS_STAT_opens_daemon],
				     .read = v[BFS_STAT_bytes_read],
				     .written = v[BFS_STAT_bytes_written] };
	return 0;
}
