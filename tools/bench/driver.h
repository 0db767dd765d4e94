/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs bench: configurations, figures, and how they are shown.  Not
 * thread-safe. */
#ifndef BFS_BENCH_DRIVER_H
#define BFS_BENCH_DRIVER_H

#include "tools/bench/bench.h"
#include "tools/tools.h"

#include <stdio.h>

#define BENCH_ROUNDS_MAX 31

enum bench_conf_id {
	BENCH_PLAIN,
	BENCH_LOCAL,
	BENCH_SHM,
	BENCH_TCP,
	BENCH_TWO,
	BENCH_CONFS, /* that take part in works */
	BENCH_IDLE = BENCH_CONFS,
	BENCH_ALL,
};

/* A configuration (conf.c): its worker, and the daemon if it has one. */
struct bench_conf {
	const char *name, *what;
	const char *tls; /* UCX_TLS; NULL: not over UCX */
	unsigned daemons;
	char *dir;     /* where the worker works */
	char *run_dir; /* of the daemon that the worker talks to */
	uint64_t hash; /* of the daemons' member list */
	pid_t pid;     /* the worker, or `benchfs run`; 0: not started */
	int to;
	FILE *from;
	bool has_env;		 /* the plain worker has its environment */
	unsigned clients, files; /* that are idle; 0: it works */
};

/* What the daemon has counted; see core/stats.def. */
struct bench_counts {
	uint64_t local, ucx, pass, daemon, read, written;
};

/* One work in one configuration (measure.c). */
struct bench_figure {
	bool there;
	int error; /* errno: it does not work here */
	unsigned rounds;
	double ns[BENCH_ROUNDS_MAX];	/* for one operation, by round */
	double ratio[BENCH_ROUNDS_MAX]; /* plain's time / ours, by round */
	double median, spread, against; /* of ns, in %, of ratio */
	double best;			/* of ns */
	uint64_t ops;
	struct bench_counts counts; /* of all rounds */
	uint64_t segments;	    /* of UCX, that the worker has mapped */
	const char *path;	    /* who served it, by the counters */
};

/* ucx_perftest on one transport (bare.c). */
struct bench_bare {
	bool there;
	double call_ns;	     /* a message and its answer */
	double mib_s, small; /* 1 MiB and 4 KiB messages, MiB/s */
};

/* A daemon with clients that do nothing (idle.c). */
struct bench_idle {
	bool there;
	unsigned clients;
	double seconds, cpu_ms_min, rss_mb, bytes_file;
};

struct bench {
	struct bfs_options *o;
	bool quick, tty;
	bool suite[BFS_SUITES];
	unsigned rounds;
	uint64_t budget; /* nanoseconds of one round */
	int signals;	 /* signalfd */
	char *base;	 /* a directory of ours on the backing file system */
	char *run_base;	 /* of run directories */
	char *worker, *mount;
	struct bench_conf conf[BENCH_ALL];
	struct bench_figure (*figure)[BENCH_CONFS]; /* by work */
	struct bench_bare bare[BENCH_CONFS];
	struct bench_idle idle;
	char machine[2048], load[64];
};

/* Start all, and end all; an exit status.  ask: 0, or an exit status after a
 * message; what the worker refuses is told in *error. */
int bench_confs_begin(struct bench *b);
int bench_conf_begin_idle(struct bench *b, unsigned clients, unsigned files,
			  int *error);
void bench_confs_end(struct bench *b);
int bench_ask(struct bench *b, struct bench_conf *c, int *error, uint64_t *x,
	      uint64_t *y, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Let the plain worker start programs for c. */
int bench_give_env(struct bench *b, struct bench_conf *c);
int bench_counts(struct bench *b, struct bench_conf *c,
		 struct bench_counts *to);

/* All works of the suites that were asked for. */
int bench_measure(struct bench *b);
void bench_progress(struct bench *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
double bench_median(const double *v, unsigned n);
/* An exit status if a signal has come that ends us, or 0. */
int bench_told(struct bench *b);

/* What the transport can do by itself. */
int bench_bare(struct bench *b);

int bench_idle_begin(struct bench *b);
int bench_idle_end(struct bench *b);

/* machine.c: what it is measured on. */
void bench_machine(struct bench *b);

/* Targets (target.c). */
struct bench_verdict {
	const char *work, *conf, *text;
	double value, limit;
	bool there, least, met;
};
/* The i-th; false: no more. */
bool bench_verdict(const struct bench *b, unsigned i, struct bench_verdict *v);

/* Shown as a table, JSON (0 or an exit status), and plots. */
void bench_print(const struct bench *b, FILE *out);
int bench_json(const struct bench *b, const char *file);
int bench_plot(const struct bench *b, const char *dir);

#endif
