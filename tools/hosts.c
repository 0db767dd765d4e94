/* SPDX-License-Identifier: BSD-3-Clause */
/* Which hosts: from the command line, a file, or the batch system. */
#include "tools/cluster.h"

#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define MAX_HOSTS 65535

void bfs_hosts_fini(struct bfs_hosts *h)
{
	for (unsigned i = 0; i < h->n; i++)
		free(h->name[i]);
	free(h->name);
	*h = (struct bfs_hosts){ 0 };
}

static bool has(const struct bfs_hosts *h, const char *name)
{
	for (unsigned i = h->n; i-- > 0;) /* repeats come in a row */
		if (!strcmp(h->name[i], name))
			return true;
	return false;
}

static int add(struct bfs_hosts *h, const char *name, const char *what,
	       bool repeated)
{
	char **more;

	if (!bfs_member_name_ok(name) || *name == '-')
		return bfs_fail(EX_USAGE, "%s: \"%s\" is not a host's name",
				what, name);
	if (has(h, name))
		return repeated ? 0
				: bfs_fail(EX_USAGE,
					   "%s: host \"%s\" is there twice",
					   what, name);
	if (h->n == MAX_HOSTS)
		return bfs_fail(EX_USAGE, "%s: more than %d hosts", what,
				MAX_HOSTS);
	more = realloc(h->name, (h->n + 1) * sizeof(*more));
	if (!more)
		return bfs_fail(EX_OSERR, "out of memory");
	h->name = more;
	more[h->n] = strdup(name);
	if (!more[h->n])
		return bfs_fail(EX_OSERR, "out of memory");
	h->n++;
	return 0;
}

static int bad_range(const char *what, const char *text)
{
	return bfs_fail(EX_USAGE,
			"%s: \"%s\": a range of hosts is written as n[1-4,7]",
			what, text);
}

static int expand(struct bfs_hosts *h, const char *text, const char *what);

/* "01-10" or "7" between head and what follows the bracket. */
static int expand_range(struct bfs_hosts *h, const char *head, char *range,
			const char *tail, const char *what)
{
	char *dash = strchr(range, '-');
	const char *last = dash ? dash + 1 : range;
	size_t width;
	unsigned long from, to;
	int status = 0;

	if (dash)
		*dash = '\0';
	width = strlen(range);
	if (!width || strspn(range, "0123456789") != width || !*last ||
	    last[strspn(last, "0123456789")] || width > 9 || strlen(last) > 9)
		return bad_range(what, range);
	from = strtoul(range, NULL, 10);
	to = strtoul(last, NULL, 10);
	if (from > to || to - from >= MAX_HOSTS)
		return bad_range(what, last);
	for (; !status && from <= to; from++) {
		BFS_AUTOFREE char *name = NULL;

		if (asprintf(&name, "%s%0*lu%s", head, (int)width, from, tail) <
		    0)
			return bfs_fail(EX_OSERR, "out of memory");
		status = expand(h, name, what);
	}
	return status;
}

/* One name, whose first bracket is replaced by all that it stands for. */
static int expand(struct bfs_hosts *h, const char *text, const char *what)
{
	BFS_AUTOFREE char *copy = strdup(text);
	char *open = copy ? strchr(copy, '[') : NULL;
	char *close = open ? strchr(open, ']') : NULL, *save = NULL;
	int status = 0;

	if (!copy)
		return bfs_fail(EX_OSERR, "out of memory");
	if (!open)
		return add(h, text, what, false);
	if (!close || close == open + 1)
		return bad_range(what, text);
	*open = *close = '\0';
	for (char *r = strtok_r(open + 1, ",", &save); !status && r;
	     r = strtok_r(NULL, ",", &save))
		status = expand_range(h, copy, r, close + 1, what);
	return status;
}

/* The end of an entry: a comma that is in no bracket. */
static char *entry_end(char *at)
{
	for (int depth = 0; *at; at++) {
		depth += (*at == '[') - (*at == ']');
		if (*at == ',' && depth <= 0)
			break;
	}
	return at;
}

int bfs_hosts_list(struct bfs_hosts *h, const char *list, const char *what)
{
	BFS_AUTOFREE char *copy = strdup(list);
	char *at = copy, *end;
	int status = 0;

	*h = (struct bfs_hosts){ 0 };
	for (; !status && at && *at; at = end) {
		end = entry_end(at);
		if (*end)
			*end++ = '\0';
		status = expand(h, at, what);
	}
	if (!status && !h->n)
		status = bfs_fail(EX_USAGE, "%s: no hosts", what);
	return status;
}

int bfs_hosts_file(struct bfs_hosts *h, const char *path, bool repeated)
{
	BFS_AUTOFREE char *line = NULL, *what = NULL;
	size_t cap = 0;
	FILE *f = fopen(path, "re");
	int status = 0;

	*h = (struct bfs_hosts){ 0 };
	if (!f)
		return bfs_fail(EX_NOINPUT, "%s: %m", path);
	for (unsigned n = 1; !status && getline(&line, &cap, f) > 0; n++) {
		char *word = line + strspn(line, " \t"), *rest;

		word[strcspn(word, "#\r\n")] = '\0';
		rest = word + strcspn(word, " \t");
		free(what);
		if (asprintf(&what, "%s:%u", path, n) < 0)
			what = NULL;
		if (rest[strspn(rest, " \t")])
			status = bfs_fail(EX_USAGE,
					  "%s: \"%s\": one host in a line, "
					  "nothing behind it",
					  what, word);
		*rest = '\0';
		if (!status && *word)
			status = add(h, word, what, repeated);
	}
	if (!status && ferror(f))
		status = bfs_fail(EX_NOINPUT, "%s: %m", path);
	fclose(f);
	if (!status && !h->n)
		status = bfs_fail(EX_USAGE, "%s: no hosts", path);
	return status;
}

int bfs_hosts_find(struct bfs_hosts *h, const struct bfs_options *o)
{
	const char *slurm = getenv("SLURM_JOB_NODELIST");
	const char *pbs = getenv("PBS_NODEFILE");
	bool local = o->launcher && !strcmp(o->launcher, "local");

	*h = (struct bfs_hosts){ 0 };
	if (o->hostfile && o->hosts)
		return bfs_fail(EX_USAGE,
				"--hostfile and --hosts: only one of them");
	if (o->hostfile)
		return bfs_hosts_file(h, o->hostfile, false);
	if (o->hosts)
		return bfs_hosts_list(h, o->hosts, "--hosts");
	if (slurm && *slurm && !local)
		return bfs_hosts_list(h, slurm, "SLURM_JOB_NODELIST");
	if (pbs && *pbs && !local)
		return bfs_hosts_file(h, pbs, true);
	return 0;
}

const char *bfs_node_name(const struct bfs_options *o)
{
	static char host[256];

	if (*o->config.node.node_id)
		return o->config.node.node_id;
	if (gethostname(host, sizeof(host)))
		return "localhost";
	host[sizeof(host) - 1] = '\0';
	return host;
}
