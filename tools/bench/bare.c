/* SPDX-License-Identifier: BSD-3-Clause */
/* What UCX does by itself on the same transport: ucx_perftest. */
#include "tools/bench/driver.h"

#include "core/util.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ROUNDS 5
#define SECS 30 /* for one run */

/* A port that is free now. */
static unsigned free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockname(s, (struct sockaddr *)&a, &len))
		a.sin_port = htons(13337);
	if (s >= 0)
		close(s);
	return ntohs(a.sin_port);
}

/*
 * One run of both sides, over the transports that BenchFS uses: without modules
 * (core/ucx_env.h) shared memory is without cma, whose one copy out of the
 * other process is not for us (NUMBERS).  It may not heed a SIGTERM.  The last
 * line of the client's numbers, in -f -v
 * form: iterations; latencies: median, average, overall, in us; bandwidths:
 * average, overall, in MiB/s; message rates.
 */
static int run(const struct bench_conf *c, const char *test, unsigned size,
	       unsigned n, double *us, double *mib_s)
{
	char cmd[1024], line[512] = "";
	double v[8] = { 0 };
	FILE *out;

	snprintf(
		cmd, sizeof(cmd),
		"UCX_TLS=%s; UCX_LOG_LEVEL=error; UCX_MODULES=none; "
		"export UCX_TLS UCX_LOG_LEVEL UCX_MODULES; p=%u; "
		"timeout -k 1 %d ucx_perftest -p $p >/dev/null 2>&1 & "
		"for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; "
		"timeout -k 1 %d ucx_perftest -f -v -p $p -t %s -s %u -n %u -w %u "
		"127.0.0.1 2>/dev/null && break; done; "
		"kill $! 2>/dev/null; wait",
		c->tls, free_port(), SECS, SECS, test, size, n, n / 10 + 1);
	out = popen(cmd, "re");
	if (!out)
		return -1;
	while (fgets(line, sizeof(line), out))
		if (sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf", v, v + 1, v + 2,
			   v + 3, v + 4, v + 5) == 6) {
			*us = v[3];
			*mib_s = v[5];
		}
	pclose(out);
	return v[0] > 0 ? 0 : -1;
}

/* Beside a busy process a run may not end in its time: then it is left out. */
static int measure(struct bench *b, struct bench_bare *to,
		   const struct bench_conf *c)
{
	unsigned rounds = b->quick ? 1 : ROUNDS, cut = b->quick ? 20 : 1, n = 0;
	double call[ROUNDS], small[ROUNDS], big[ROUNDS], us, mib;
	int status;

	for (unsigned r = 0; r < rounds; r++) {
		bench_progress(b, "ucx_perftest, %s, %u/%u", c->name, r + 1,
			       rounds);
		status = bench_told(b);
		if (status)
			return status;
		if (run(c, "ucp_am_lat", 64, 20000 / cut, &us, &mib))
			continue;
		call[n] = 2e3 * us; /* it tells half of there and back */
		if (!run(c, "ucp_am_bw", 4096, 40000 / cut, &us, &small[n]) &&
		    !run(c, "ucp_am_bw", 1 << 20, 1000 / cut, &us, &big[n]))
			n++;
	}
	to->there = n;
	to->call_ns = bench_median(call, n);
	to->small = bench_median(small, n);
	to->mib_s = bench_median(big, n);
	if (!n)
		bfs_warn("ucx_perftest did not work over %s", c->name);
	return 0;
}

int bench_bare(struct bench *b)
{
	int status = 0;

	if (system("command -v ucx_perftest >/dev/null")) {
		bench_progress(b, "%s", "");
		bfs_warn("ucx_perftest is not installed, so the figures of "
			 "UCX are compared with nothing");
		return 0;
	}
	for (unsigned c = 0; !status && c < BENCH_CONFS; c++)
		if (b->conf[c].tls)
			status = measure(b, &b->bare[c], &b->conf[c]);
	bench_progress(b, "%s", "");
	return status;
}
