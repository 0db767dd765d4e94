/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables that people read. */
#include "tools/bench/driver.h"

#include <string.h>

static void print_value(const struct bfs_work *w, const struct bench_figure *f,
			double ns, char *out, size_t size)
{
	if (f->error)
		snprintf(out, size, "%s", strerrorname_np(f->error));
	else if (!f->rounds)
		snprintf(out, size, "-");
	else if (w->bytes)
		snprintf(out, size, "%.1f MiB/s",
			 (double)w->bytes / ns * 1e9 / (1 << 20));
	else if (ns >= 1e6)
		snprintf(out, size, "%.2f ms", ns / 1e6);
	else
		snprintf(out, size, "%.2f us", ns / 1e3);
}

static void print_line(const struct bench *b, unsigned work, unsigned conf,
		       FILE *out)
{
	const struct bfs_work *w = &bfs_works[work];
	const struct bench_figure *f = &b->figure[work][conf];
	char median[32], best[32];

	if (!f->there)
		return;
	print_value(w, f, f->median, median, sizeof(median));
	print_value(w, f, f->best, best, sizeof(best));
	fprintf(out, "%-16s %-8s %15s %15s", conf == BENCH_PLAIN ? w->name : "",
		b->conf[conf].name, median, best);
	if (f->rounds && !f->error) {
		double n = f->ops ? (double)f->ops : 1;

		fprintf(out, " %5.1f%% %6.2f", f->spread, f->against);
		if (conf != BENCH_PLAIN)
			fprintf(out, "  %-12s %7.2f %7.2f", f->path,
				(double)f->counts.local / n,
				(double)f->counts.ucx / n);
	}
	putc('\n', out);
}

static void print_suite(const struct bench *b, enum bfs_suite s, FILE *out)
{
	fprintf(out, "\n%s: %s\n", bfs_suite_name[s], bfs_suite_what[s]);
	fprintf(out, "%-16s %-8s %15s %15s %6s %6s  %-12s %7s %7s\n", "work",
		"on", "median", "best round", "spread", "ratio", "served by",
		"local/n", "ucx/n");
	for (unsigned i = 0; i < bfs_works_count; i++)
		for (unsigned c = 0; bfs_works[i].suite == s && c < BENCH_CONFS;
		     c++)
			print_line(b, i, c, out);
}

static void print_bare(const struct bench *b, FILE *out)
{
	fputs("\nucx_perftest by itself\n", out);
	for (unsigned c = 0; c < BENCH_CONFS; c++)
		if (b->bare[c].there)
			fprintf(out,
				"%-8s message and answer %.2f us, 4 KiB "
				"%.1f MiB/s, 1 MiB %.1f MiB/s\n",
				b->conf[c].name, b->bare[c].call_ns / 1e3,
				b->bare[c].small, b->bare[c].mib_s);
}

static void print_targets(const struct bench *b, FILE *out)
{
	struct bench_verdict v;
	unsigned met = 0, all = 0;

	fputs("\ntargets\n", out);
	for (unsigned i = 0; bench_verdict(b, i, &v); i++) {
		if (!v.there)
			continue;
		all++;
		met += v.met;
		fprintf(out, "%-4s %-48s %-8s %10.2f  %s %.2f\n",
			v.met ? "met" : "MISS", v.text, v.conf, v.value,
			v.least ? "at least" : "at most", v.limit);
	}
	fprintf(out, "%u of %u targets are met\n", met, all);
}

void bench_print(const struct bench *b, FILE *out)
{
	fprintf(out, "%s\nload %s at the start; %u rounds, each %.0f ms%s\n",
		b->machine, b->load, b->rounds, (double)b->budget / 1e6,
		b->quick ? "; --quick: figures are worth little" : "");
	fputs("ratio: the plain directory's time divided by this one's, so "
	      "more is better; local/n, ucx/n: calls that the daemon counted "
	      "for an operation, what prepares the rounds included\n",
	      out);
	for (unsigned s = 0; s < BFS_SUITES; s++)
		if (b->suite[s])
			print_suite(b, s, out);
	if (b->suite[BFS_SUITE_net])
		print_bare(b, out);
	if (b->idle.there)
		fprintf(out,
			"\nidle: %u clients for %.0f s: %.2f ms of CPU a "
			"minute, %.1f MB, %.0f bytes for a file\n",
			b->idle.clients, b->idle.seconds, b->idle.cpu_ms_min,
			b->idle.rss_mb, b->idle.bytes_file);
	print_targets(b, out);
}
