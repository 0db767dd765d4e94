/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/driver.h"

#include <string.h>

static void put_figure(const struct bench *b, const struct bfs_work *w,
		       unsigned conf, const struct bench_figure *f, FILE *out)
{
	fprintf(out, "{\"on\":\"%s\"", b->conf[conf].name);
	if (f->error)
		fprintf(out, ",\"error\":\"%s\"", strerrorname_np(f->error));
	if (f->rounds && !f->error) {
		fprintf(out,
			",\"us\":%.4f,\"best_us\":%.4f"
			",\"spread_percent\":%.2f",
			f->median / 1e3, f->best / 1e3, f->spread);
		fprintf(out, ",\"ratio\":%.4f,\"rounds\":%u,\"ops\":%llu",
			f->against, f->rounds, (unsigned long long)f->ops);
		if (w->bytes)
			fprintf(out, ",\"mib_s\":%.2f",
				(double)w->bytes / f->median * 1e9 / (1 << 20));
		fprintf(out, ",\"served_by\":\"%s\"", f->path);
		fprintf(out,
			",\"requests_local\":%llu,\"requests_ucx\":%llu"
			",\"opens_pass\":%llu,\"opens_daemon\":%llu"
			",\"bytes_read\":%llu,\"bytes_written\":%llu"
			",\"ucx_segments\":%llu",
			(unsigned long long)f->counts.local,
			(unsigned long long)f->counts.ucx,
			(unsigned long long)f->counts.pass,
			(unsigned long long)f->counts.daemon,
			(unsigned long long)f->counts.read,
			(unsigned long long)f->counts.written,
			(unsigned long long)f->segments);
		for (unsigned r = 0; r < f->rounds; r++)
			fprintf(out, "%s%.1f", r ? "," : ",\"ns\":[", f->ns[r]);
		putc(']', out);
	}
	putc('}', out);
}

static void put_works(const struct bench *b, FILE *out)
{
	const char *between = "";

	for (unsigned i = 0; i < bfs_works_count; i++) {
		const struct bfs_work *w = &bfs_works[i];
		const char *comma = "";

		if (!b->suite[w->suite])
			continue;
		fprintf(out, "%s\n{\"suite\":\"%s\",\"work\":\"%s\",\"what\":",
			between, bfs_suite_name[w->suite], w->name);
		bfs_json_string(w->what, out);
		fprintf(out, ",\"bytes\":%llu,\"processes\":%u,\"results\":[",
			(unsigned long long)w->bytes, w->processes);
		for (unsigned c = 0; c < BENCH_CONFS; c++) {
			if (!b->figure[i][c].there)
				continue;
			fputs(comma, out);
			put_figure(b, w, c, &b->figure[i][c], out);
			comma = ",";
		}
		fputs("]}", out);
		between = ",";
	}
}

static void put_bare(const struct bench *b, FILE *out)
{
	const char *comma = "";

	for (unsigned c = 0; c < BENCH_CONFS; c++) {
		if (!b->bare[c].there)
			continue;
		fprintf(out,
			"%s\n{\"on\":\"%s\",\"call_us\":%.4f,"
			"\"mib_s_4k\":%.2f,\"mib_s_1m\":%.2f}",
			comma, b->conf[c].name, b->bare[c].call_ns / 1e3,
			b->bare[c].small, b->bare[c].mib_s);
		comma = ",";
	}
}

static void put_targets(const struct bench *b, FILE *out)
{
	struct bench_verdict v;
	const char *comma = "";

	for (unsigned i = 0; bench_verdict(b, i, &v); i++) {
		if (!v.there)
			continue;
		fprintf(out, "%s\n{\"target\":", comma);
		bfs_json_string(v.text, out);
		fprintf(out,
			",\"on\":\"%s\",\"value\":%.4f,\"%s\":%.4f,"
			"\"met\":%s}",
			v.conf, v.value, v.least ? "at_least" : "at_most",
			v.limit, v.met ? "true" : "false");
		comma = ",";
	}
}

int bench_json(const struct bench *b, const char *file)
{
	FILE *out = strcmp(file, "-") ? fopen(file, "we") : stdout;
	bool bad;

	if (!out)
		return bfs_fail(EX_CANTCREAT, "%s: %m", file);
	fputs("{\"machine\":", out);
	bfs_json_string(b->machine, out);
	fprintf(out,
		",\"load\":%s,\"quick\":%s,\"rounds\":%u,\"round_ms\":%.1f",
		b->load, b->quick ? "true" : "false", b->rounds,
		(double)b->budget / 1e6);
	fputs(",\"works\":[", out);
	put_works(b, out);
	fputs("],\"ucx_perftest\":[", out);
	put_bare(b, out);
	fputs("],\"targets\":[", out);
	put_targets(b, out);
	fputs("]}\n", out);
	bad = fflush(out) || ferror(out);
	if (out != stdout && fclose(out))
		bad = true;
	return bad ? bfs_fail(EX_IOERR, "%s: %m", file) : 0;
}
