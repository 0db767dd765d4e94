/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a daemon costs that has clients and nothing to do.  It runs beside the
 * other works, for as long as they take.
 */
#include "tools/bench/driver.h"

#include "core/util.h"

#include <errno.h>
#include <string.h>

#define CLIENTS 100
#define FILES 100000
#define QUICK_FILES 2000
#define SECS 30 /* at least; with --quick one */

static uint64_t started, cpu_before;
static pid_t daemon_pid;

/* Nanoseconds on a CPU so far. */
static uint64_t cpu_of(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

/* Memory that is its own, in bytes: what it maps with clients is theirs. */
static double memory_of(pid_t pid)
{
	unsigned long long size = 0, resident = 0, shared = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%llu %llu %llu", &size, &resident, &shared) != 3)
		resident = 0;
	if (f)
		fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

int bench_idle_begin(struct bench *b)
{
	struct bench_conf *c = &b->conf[BENCH_IDLE];
	int error, status;

	bench_progress(b, "starting %d idle clients", CLIENTS);
	b->idle.clients = CLIENTS;
	status = bench_conf_begin_idle(b, CLIENTS,
				       b->quick ? QUICK_FILES : FILES, &error);
	if (status)
		return status;
	if (error)
		return bfs_fail(EX_SOFTWARE, "idle clients: %s",
				strerror(error));
	daemon_pid = bfs_daemon_find(c->run_dir);
	if (!daemon_pid)
		return bfs_fail(EX_UNAVAILABLE, "no daemon runs in %s",
				c->run_dir);
	started = bfs_now();
	cpu_before = cpu_of(daemon_pid);
	return 0;
}

int bench_idle_end(struct bench *b)
{
	struct bench_idle *d = &b->idle;
	uint64_t least = (b->quick ? 1 : SECS) * 1000000000ull;
	int error, status;
	double before;

	while (bfs_now() < started + least) {
		bench_progress(b, "watching %u idle clients", d->clients);
		status = bench_told(b);
		if (status)
			return status;
		(void)usleep(100000);
	}
	d->seconds = (double)(bfs_now() - started) / 1e9;
	d->cpu_ms_min = (double)(cpu_of(daemon_pid) - cpu_before) / 1e6 * 60 /
			d->seconds;
	before = memory_of(daemon_pid);
	d->rss_mb = before / 1e6;
	bench_progress(b, "memory for each file");
	status = bench_ask(b, &b->conf[BENCH_IDLE], &error, NULL, NULL, "go");
	if (status)
		return status;
	if (error)
		return bfs_fail(EX_SOFTWARE, "idle clients: %s",
				strerror(error));
	d->bytes_file = (memory_of(daemon_pid) - before) /
			(b->quick ? QUICK_FILES : FILES);
	d->there = true;
	bench_progress(b, "%s", "");
	return 0;
}
