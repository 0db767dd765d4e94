/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of all subcommands: one table, one parser. */
#include "tools/tools.h"

#include "core/util.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

/* code: the short option; of LONG_ONLY there is just the long name. */
#define LONG_ONLY "rjKRSALUBJPQF"
#define MAX_DAEMONS 1024 /* on a node */
static const struct {
	char code;
	const char *name, *arg, *help;
} table[] = {
	{ 'n', "daemons", "N", "number of daemons on each node [1]" },
	{ 'H', "hostfile", "FILE", "run them on the hosts in FILE" },
	{ 'A', "hosts", "LIST", "run them on these hosts: a,b or n[1-8]" },
	{ 'L', "launcher", "HOW", "auto, local, ssh, srun or mpirun [auto]" },
	{ 'U', "resume", NULL, "start again those that are down" },
	{ 'm', "mount", "PREFIX", "where programs see BenchFS [/benchfs]" },
	{ 'd', "data-dir", "DIR", "keep the file system in DIR [scratch]" },
	{ 'c', "config", "FILE", "read settings from FILE" },
	{ 'o', "set", "SECTION.KEY=VALUE", "set one setting; may be repeated" },
	{ 'r', "run-dir", "DIR", "directory of the daemon's socket" },
	{ 'K', "keep", NULL, "keep the file system; it goes on with run -d" },
	{ 'R', "report", "FILE", "count all calls; - prints them only" },
	{ 'S', "syscalls", NULL, "serve calls past the C library too" },
	{ 'j', "json", NULL, "print JSON" },
	{ 'B', "suite", "NAME", "io, meta, start, net or all [all]" },
	{ 'J', "json", "FILE", "write the figures to FILE; - for stdout" },
	{ 'P', "plot", "DIR", "draw them in DIR, by gnuplot" },
	{ 'Q', "quick", NULL, "see only whether it works" },
	{ 'F', "repair", NULL, "correct what is wrong" },
	{ 'v', "verbose", NULL, "say what is done" },
};

/* getopt's two tables for what cmd takes. */
static void getopt_tables(const struct bfs_command *cmd, struct option *longs,
			  char *shorts)
{
	if (strchr(cmd->takes, '+'))
		*shorts++ = '+';
	*shorts++ = ':';
	for (size_t i = 0; i < BFS_COUNT(table); i++) {
		if (!strchr(cmd->takes, table[i].code))
			continue;
		*longs++ = (struct option){ table[i].name, table[i].arg != NULL,
					    NULL, table[i].code };
		if (strchr(LONG_ONLY, table[i].code))
			continue;
		*shorts++ = table[i].code;
		if (table[i].arg)
			*shorts++ = ':';
	}
	*longs = (struct option){ 0 };
	*shorts = '\0';
}

void bfs_options_help(const struct bfs_command *cmd, FILE *out)
{
	fprintf(out, "usage: benchfs %s %s%s\n\n  %s\n\n", cmd->name,
		*cmd->takes ? "[OPTION...] " : "", cmd->usage,
		cmd->help ? cmd->help : "internal");
	for (size_t i = 0; i < BFS_COUNT(table); i++) {
		char left[64];

		if (!strchr(cmd->takes, table[i].code))
			continue;
		snprintf(left, sizeof(left), "%c%c, --%s%s%s",
			 strchr(LONG_ONLY, table[i].code) ? ' ' : '-',
			 strchr(LONG_ONLY, table[i].code) ? ' ' : table[i].code,
			 table[i].name, table[i].arg ? " " : "",
			 table[i].arg ? table[i].arg : "");
		if (left[0] == ' ')
			left[2] = ' ';
		fprintf(out, "  %-29s %s\n", left, table[i].help);
	}
}

/* Relative to where we were called. */
static char *absolute(const char *path)
{
	BFS_AUTOFREE char *cwd = NULL;

	if (*path == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	return cwd ? bfs_path(cwd, path) : NULL;
}

/* Settings that have an option of their own. */
static int set_option(struct bfs_options *o, const char *name,
		      const char *value)
{
	BFS_AUTOFREE char *text = NULL;
	struct bfs_config_err err;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	if (bfs_config_set(&o->config, text, &err))
		return bfs_fail(EX_USAGE, "%s", err.text);
	return 0;
}

static int set_path(struct bfs_options *o, const char *name, const char *path)
{
	BFS_AUTOFREE char *full = *path ? absolute(path) : NULL;

	if (!full)
		return bfs_fail(EX_USAGE, "\"%s\": not a directory", path);
	return set_option(o, name, full);
}

static int set_report(struct bfs_options *o, const char *path)
{
	free(o->report);
	o->report = strcmp(path, "-") ? absolute(path) : strdup(path);
	if (!*path || !o->report)
		return bfs_fail(EX_USAGE, "--report: \"%s\": not a file", path);
	return 0;
}

static int set_daemons(struct bfs_options *o, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n || n > MAX_DAEMONS)
		return bfs_fail(EX_USAGE, "-n %s: expected 1 to %d", text,
				MAX_DAEMONS);
	o->daemons = (unsigned)n;
	o->daemons_given = true;
	return 0;
}

/* Options that only set a flag or remember a word. */
static int note_option(struct bfs_options *o, int code, const char *arg)
{
	switch (code) {
	case 'n':
		return set_daemons(o, arg);
	case 'H':
		o->hostfile = arg;
		return 0;
	case 'A':
		o->hosts = arg;
		return 0;
	case 'L':
		o->launcher = arg;
		return 0;
	case 'K':
		o->keep = true;
		return 0;
	case 'c':
		o->config_file = arg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'F':
		o->repair = true;
		return 0;
	case 'U':
		o->resume = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 'B':
		o->suite = arg;
		return 0;
	case 'J':
		o->json_file = arg;
		return 0;
	case 'P':
		o->plot_dir = arg;
		return 0;
	case 'Q':
		o->quick = true;
		return 0;
	}
	return 0;
}

/* After the file and the environment, which the command line overrides. */
static int apply_option(struct bfs_options *o, int code, const char *arg)
{
	struct bfs_config_err err;

	switch (code) {
	case 'm':
		return set_option(o, "client.mount", arg);
	case 'd':
		return set_path(o, "node.data_dir", arg);
	case 'r':
		free(o->run_dir);
		o->run_dir = *arg ? absolute(arg) : NULL;
		if (!o->run_dir)
			return bfs_fail(EX_USAGE,
					"--run-dir: \"%s\": not a "
					"directory",
					arg);
		return set_option(o, "node.run_dir", o->run_dir);
	case 'R':
		return set_report(o, arg);
	case 'S':
		return set_option(o, "client.syscalls", "true");
	case 'o':
		if (bfs_config_set(&o->config, arg, &err))
			return bfs_fail(EX_USAGE, "%s", err.text);
		return 0;
	}
	return 0;
}

static int load(struct bfs_options *o)
{
	struct bfs_config_err err;
	int r = 0;

	if (o->config_file)
		r = bfs_config_load(&o->config, o->config_file, &err);
	if (r)
		return bfs_fail(r == -EINVAL ? EX_CONFIG : EX_NOINPUT, "%s",
				err.text);
	if (bfs_config_env(&o->config, (const char *const *)environ, &err))
		return bfs_fail(EX_CONFIG, "%s", err.text);
	return 0;
}

static int parse_pass(struct bfs_options *o, const struct bfs_command *cmd,
		      int argc, char **argv,
		      int (*take)(struct bfs_options *, int, const char *))
{
	struct option longs[BFS_COUNT(table) + 1];
	char shorts[3 * BFS_COUNT(table)];
	int code, status = 0;

	getopt_tables(cmd, longs, shorts);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while (!status &&
	       (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (code == ':')
			status = bfs_fail(EX_USAGE,
					  "%s: option \"%s\" needs a value",
					  cmd->name, argv[optind - 1]);
		else if (code == '?')
			status = bfs_fail(EX_USAGE,
					  "%s: unknown option \"%s\"; see "
					  "\"benchfs help %s\"",
					  cmd->name, argv[optind - 1],
					  cmd->name);
		else
			status = take(o, code, optarg);
	}
	return status;
}

int bfs_options_parse(struct bfs_options *o, const struct bfs_command *cmd,
		      int argc, char **argv)
{
	int status;

	memset(o, 0, sizeof(*o));
	o->daemons = 1;
	if (bfs_config_init(&o->config))
		return bfs_fail(EX_OSERR, "out of memory");
	status = parse_pass(o, cmd, argc, argv, note_option);
	if (status)
		return status;
	o->args = argv + optind;
	o->nargs = argc - optind;
	if (!*cmd->usage && o->nargs)
		return bfs_fail(EX_USAGE, "%s: unexpected argument \"%s\"",
				cmd->name, o->args[0]);
	if (!strchr(cmd->takes, 'c'))
		return 0;
	status = load(o);
	return status ? status : parse_pass(o, cmd, argc, argv, apply_option);
}

void bfs_options_fini(struct bfs_options *o)
{
	bfs_config_fini(&o->config);
	free(o->run_dir);
	free(o->report);
}
