/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs bench: the same work in a plain directory and in BenchFS, by turns.
 */
#include "tools/bench/driver.h"

#include "core/util.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define WORKER "benchfs-worker"
#define ROUNDS 9
#define ROUND_NS 30000000ull
#define QUICK_ROUNDS 3
#define QUICK_NS 2000000ull

int bench_told(struct bench *b)
{
	bool told;
	int sig = bfs_signals_next(b->signals, &told);

	return sig == SIGINT || sig == SIGTERM || sig == SIGHUP ||
			       sig == SIGQUIT
		       ? 128 + sig
		       : 0;
}

static int choose(struct bench *b, const char *name)
{
	bool all = !name || !strcmp(name, "all"), any = all;

	for (unsigned i = 0; i < BFS_SUITES; i++) {
		b->suite[i] = all || !strcmp(name, bfs_suite_name[i]);
		any |= b->suite[i];
	}
	return any ? 0
		   : bfs_fail(EX_USAGE,
			      "bench: there is no suite \"%s\"; they are io, "
			      "meta, start, net, and all",
			      name);
}

/* Beside this program, or where it was installed. */
static char *find_worker(void)
{
	char self[4096], *slash, *path = NULL;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		*slash = '\0';
		path = bfs_path(self, WORKER);
	}
	if (path && !access(path, X_OK))
		return path;
	free(path);
	path = bfs_path(BFS_PKGLIBEXECDIR, WORKER);
	if (path && !access(path, X_OK))
		return path;
	free(path);
	bfs_fail(0, "cannot find " WORKER " in " BFS_PKGLIBEXECDIR);
	return NULL;
}

static char *make_base(const char *dir)
{
	char *base = bfs_path(dir, "benchfs-bench.XXXXXX");

	if (base && mkdtemp(base))
		return base;
	bfs_fail(0, "%s: %m", dir);
	free(base);
	return NULL;
}

/* The sockets' names are short, wherever the data is. */
static int make_dirs(struct bench *b, const char *dir)
{
	b->base = make_base(dir);
	b->run_base = b->base ? make_base("/tmp") : NULL;
	if (!b->run_base)
		return EX_CANTCREAT;
	if (asprintf(&b->mount, "/benchfs-bench.%d", getpid()) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	return 0;
}

static int prepare(struct bench *b, struct bfs_options *o)
{
	const char *dir = o->nargs ? o->args[0] : "/dev/shm";
	int status = choose(b, o->suite);

	if (!status && o->nargs > 1)
		status = bfs_fail(EX_USAGE, "bench: unexpected argument \"%s\"",
				  o->args[1]);
	if (!status && getenv("BENCHFS_RUN_DIR") && getenv("LD_PRELOAD"))
		status = bfs_fail(EX_USAGE, "bench: already inside BenchFS");
	if (status)
		return status;
	b->worker = find_worker();
	if (!b->worker)
		return EX_OSFILE;
	b->figure = calloc(bfs_works_count, sizeof(*b->figure));
	if (!b->figure)
		return bfs_fail(EX_OSERR, "out of memory");
	b->signals = bfs_signals_take();
	signal(SIGPIPE, SIG_IGN);
	return make_dirs(b, dir);
}

static int run_all(struct bench *b)
{
	bool idle = b->suite[BFS_SUITE_net] && b->suite[BFS_SUITE_meta];
	int status = bench_confs_begin(b);

	bench_machine(b);
	if (!status && idle)
		status = bench_idle_begin(b);
	if (!status && b->suite[BFS_SUITE_net])
		status = bench_bare(b);
	if (!status)
		status = bench_measure(b);
	if (!status && idle)
		status = bench_idle_end(b);
	bench_progress(b, "ending");
	bench_confs_end(b);
	bench_progress(b, "%s", "");
	return status;
}

static int show(struct bench *b, const struct bfs_options *o)
{
	bool to_stdout = o->json_file && !strcmp(o->json_file, "-");
	int status = 0, plots = 0;

	if (!to_stdout)
		bench_print(b, stdout);
	if (o->json_file)
		status = bench_json(b, o->json_file);
	if (o->plot_dir)
		plots = bench_plot(b, o->plot_dir);
	return status ? status : plots;
}

int bfs_cmd_bench(struct bfs_options *o)
{
	struct bench b = { .o = o,
			   .quick = o->quick,
			   .tty = isatty(STDERR_FILENO),
			   .rounds = o->quick ? QUICK_ROUNDS : ROUNDS,
			   .budget = o->quick ? QUICK_NS : ROUND_NS };
	int status = prepare(&b, o);

	if (!status)
		status = run_all(&b);
	if (b.base)
		bfs_tree_remove(b.base);
	if (b.run_base)
		bfs_tree_remove(b.run_base);
	if (!status)
		status = show(&b, o);
	free(b.figure);
	free(b.base);
	free(b.run_base);
	free(b.mount);
	free(b.worker);
	return status;
}
