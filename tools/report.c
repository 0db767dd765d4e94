/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and printing a report (core/report.h). */
#include "core/report.h"

#include "tools/tools.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* One line: a call, and who served it. */
struct line {
	const char *name;
	enum bfs_via via;
	uint64_t count, errors, bytes, ns;
};

struct table {
	struct line *line;
	size_t n;
	uint64_t programs;
};

static const char *const via_name[] = {
#define VIA(name, text) [BFS_VIA_##name] = text,
	BFS_REPORT_VIAS(VIA)
#undef VIA
};

static bool is_whole(const struct bfs_report_file *f, uint64_t size)
{
	if (size < sizeof(*f) ||
	    memcmp(f->magic, BFS_REPORT_MAGIC, sizeof(BFS_REPORT_MAGIC)) ||
	    f->rows > BFS_REPORT_ROWS_MAX || size != bfs_report_size(f->rows))
		return false;
	for (uint32_t i = 0; i < f->rows; i++)
		if (!memchr(f->name[i], '\0', sizeof(f->name[i])))
			return false;
	return true;
}

static void add_line(struct table *t, const struct bfs_report_file *f,
		     uint32_t row, enum bfs_via via)
{
	struct line l = { .name = f->name[row], .via = via };

	for (unsigned s = 0; s < BFS_REPORT_STRIPES; s++) {
		const struct bfs_report_cell *c =
			&f->cell[s * f->rows + row].via[via];

		l.count += c->count;
		l.errors += c->errors;
		l.bytes += c->bytes;
		l.ns += c->ns;
	}
	if (l.count)
		t->line[t->n++] = l;
}

/* The longest first. */
static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int take(struct table *t, const struct bfs_report_file *f)
{
	t->line = calloc((size_t)f->rows * BFS_VIAS, sizeof(*t->line));
	if (!t->line)
		return -ENOMEM;
	t->programs = f->programs;
	for (uint32_t row = 0; row < f->rows; row++)
		for (unsigned via = BFS_VIA_LIBRARY; via < BFS_VIAS; via++)
			add_line(t, f, row, via);
	qsort(t->line, t->n, sizeof(*t->line), by_time);
	return 0;
}

/* -EBADMSG: not a report.  An empty file is one to which nobody has added. */
static int read_table(struct table *t, int fd)
{
	struct bfs_report_file *f;
	struct stat st;
	int e;

	if (fstat(fd, &st))
		return -errno;
	if (!st.st_size)
		return 0;
	f = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (f == MAP_FAILED)
		return -errno;
	e = is_whole(f, (uint64_t)st.st_size) ? take(t, f) : -EBADMSG;
	/* the names are used, until we exit */
	return e;
}

static void print_text(const struct table *t, FILE *out)
{
	fprintf(out, "%-24s %-12s %10s %8s %14s %12s %10s\n", "call",
		"served by", "count", "errors", "bytes", "seconds", "us/call");
	for (size_t i = 0; i < t->n; i++) {
		const struct line *l = &t->line[i];

		fprintf(out, "%-24s %-12s %10llu %8llu %14llu %12.6f %10.2f\n",
			l->name, via_name[l->via], (unsigned long long)l->count,
			(unsigned long long)l->errors,
			(unsigned long long)l->bytes, (double)l->ns / 1e9,
			(double)l->ns / 1e3 / (double)l->count);
	}
	fprintf(out, "%llu program%s counted\n",
		(unsigned long long)t->programs, t->programs == 1 ? "" : "s");
}

static void print_json(const struct table *t, FILE *out)
{
	fprintf(out, "{\"programs\":%llu,\"calls\":[",
		(unsigned long long)t->programs);
	for (size_t i = 0; i < t->n; i++) {
		const struct line *l = &t->line[i];

		fprintf(out,
			"%s\n{\"call\":\"%s\",\"served_by\":\"%s\","
			"\"count\":%llu,\"errors\":%llu,\"bytes\":%llu,"
			"\"seconds\":%.9f}",
			i ? "," : "", l->name, via_name[l->via],
			(unsigned long long)l->count,
			(unsigned long long)l->errors,
			(unsigned long long)l->bytes, (double)l->ns / 1e9);
	}
	fputs("]}\n", out);
}

int bfs_report_print(int fd, const char *name, bool json, FILE *out)
{
	struct table t = { .n = 0 };
	int e = read_table(&t, fd);

	if (e == -EBADMSG)
		return bfs_fail(EX_DATAERR,
				"%s: not a report, or one of another version "
				"of BenchFS",
				name);
	if (e)
		return bfs_fail(EX_OSERR, "%s: %s", name, strerror(-e));
	(json ? print_json : print_text)(&t, out);
	free(t.line);
	return 0;
}

/* Something that is no report is not written over. */
static int may_replace(const char *path)
{
	char head[sizeof(BFS_REPORT_MAGIC)] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	bool ok;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ok = !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	     (!st.st_size ||
	      (pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	       !memcmp(head, BFS_REPORT_MAGIC, sizeof(head))));
	close(fd);
	return ok ? 0 : -EEXIST;
}

int bfs_report_make(const char *path, int *out)
{
	int fd, e = may_replace(path);

	if (e == -EEXIST)
		return bfs_fail(EX_CANTCREAT,
				"%s: exists, and is not a report that could "
				"be begun anew",
				path);
	/* Somebody may have the old one mapped, so that one stays whole. */
	if (!e && unlink(path) && errno != ENOENT)
		e = -errno;
	fd = e ? e : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return bfs_fail(EX_CANTCREAT, "%s: %s", path,
				strerror(e ? -e : errno));
	*out = fd;
	return 0;
}

int bfs_cmd_report(struct bfs_options *o)
{
	int fd, status;

	if (o->nargs != 1)
		return bfs_fail(EX_USAGE, "report: name one file");
	fd = open(o->args[0], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return bfs_fail(EX_NOINPUT, "%s: %m", o->args[0]);
	status = bfs_report_print(fd, o->args[0], o->json, stdout);
	close(fd);
	return status;
}
