/* SPDX-License-Identifier: BSD-3-Clause */
/* One picture for each suite: the ratios to the plain directory. */
#include "tools/bench/driver.h"

#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool has_figures(const struct bench *b, enum bfs_suite s, unsigned conf)
{
	for (unsigned i = 0; i < bfs_works_count; i++)
		if (bfs_works[i].suite == s && b->figure[i][conf].rounds &&
		    !b->figure[i][conf].error)
			return true;
	return false;
}

/* A column for each configuration that has figures; how many there are. */
static unsigned put_data(const struct bench *b, enum bfs_suite s, FILE *out)
{
	unsigned columns = 0;

	fputs("$d << END\nwork", out);
	for (unsigned c = BENCH_LOCAL; c < BENCH_CONFS; c++)
		if (has_figures(b, s, c) && ++columns)
			fprintf(out, " %s", b->conf[c].name);
	putc('\n', out);
	for (unsigned i = 0; i < bfs_works_count; i++) {
		if (bfs_works[i].suite != s)
			continue;
		fputs(bfs_works[i].name, out);
		for (unsigned c = BENCH_LOCAL; c < BENCH_CONFS; c++) {
			const struct bench_figure *f = &b->figure[i][c];

			if (!has_figures(b, s, c))
				continue;
			if (f->rounds && !f->error)
				fprintf(out, " %.4f", f->against);
			else
				fputs(" -", out);
		}
		putc('\n', out);
	}
	fputs("END\n", out);
	return columns;
}

static void put_suite(const struct bench *b, enum bfs_suite s, const char *dir,
		      FILE *out)
{
	unsigned columns = put_data(b, s, out);

	fprintf(out,
		"set output '%s/%s.svg'\nset title 'benchfs bench, %s: %s'\n",
		dir, bfs_suite_name[s], bfs_suite_name[s], bfs_suite_what[s]);
	fprintf(out,
		"plot for [i=2:%u] $d using i:xtic(1) title columnheader(i), "
		"1 title 'plain' lc 'black'\n",
		columns + 1);
}

int bench_plot(const struct bench *b, const char *dir)
{
	FILE *out;
	int status;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return bfs_fail(EX_CANTCREAT, "%s: %m", dir);
	if (strchr(dir, '\'') || system("command -v gnuplot >/dev/null"))
		return bfs_fail(EX_UNAVAILABLE,
				"%s: no plots: gnuplot is not installed", dir);
	out = popen("gnuplot", "we");
	if (!out)
		return bfs_fail(EX_OSERR, "gnuplot: %m");
	fputs("set terminal svg size 1100,500 dynamic background 'white'\n"
	      "set style data histogram\nset style fill solid 0.7\n"
	      "set datafile missing '-'\nset logscale y\n"
	      "set ylabel 'speed, plain directory = 1'\n"
	      "set xtics rotate by -40\nset grid y\nset key outside\n",
	      out);
	for (unsigned s = 0; s < BFS_SUITES; s++)
		if (b->suite[s])
			put_suite(b, s, dir, out);
	status = pclose(out);
	return status ? bfs_fail(EX_SOFTWARE, "gnuplot failed") : 0;
}
