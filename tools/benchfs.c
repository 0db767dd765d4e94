/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs: the program that users call. */
#include "tools/tools.h"

#include "core/log.h"

#include <stdarg.h>
#include <string.h>

const struct bfs_command bfs_commands[] = {
	{ "run", "[--] PROGRAM [ARGUMENT...]", "+nHALmdcorRjKSv",
	  "run a program with a BenchFS of its own", bfs_cmd_run },
	{ "start", "", "nHALUdcorv", "start a daemon that stays, or several",
	  bfs_cmd_start },
	{ "stop", "", "corv", "stop what was started", bfs_cmd_stop },
	{ "status", "", "corj", "print the counters of the daemons",
	  bfs_cmd_status },
	{ "layout", "PATH...", "mcorj",
	  "say which daemons and nodes have a file", bfs_cmd_layout },
	{ "fsck", "[DATA_DIR...]", "cordjF",
	  "check the data of daemons that are stopped", bfs_cmd_fsck },
	{ "scrub", "[DATA_DIR...]", "cordj",
	  "compare all content with its checksums", bfs_cmd_scrub },
	{ "env", "", "mcor", "print what a shell needs: eval $(benchfs env)",
	  bfs_cmd_env },
	{ "doctor", "PROGRAM", "mcojS", "say what BenchFS can do for a program",
	  bfs_cmd_doctor },
	{ "report", "FILE", "j", "print the calls that were counted in FILE",
	  bfs_cmd_report },
	{ "bench", "[DIR]", "coBJPQ",
	  "measure BenchFS against a plain directory", bfs_cmd_bench },
	{ "config", "show | check [FILE]", "cov",
	  "show all settings and where they come from, or check them",
	  bfs_cmd_config },
	{ "help", "[COMMAND]", "", "say more about a command", bfs_cmd_help },
	{ "node", "ACTION", "co", NULL, bfs_cmd_node },
	{ "exec", "PROGRAM [ARGUMENT...]", "+", NULL, bfs_cmd_exec },
	{ 0 },
};

int bfs_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("benchfs: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
	return status;
}

void bfs_warn(const char *fmt, ...)
{
	va_list ap;

	fputs("benchfs: warning: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
}

static const struct bfs_command *find(const char *name)
{
	for (const struct bfs_command *c = bfs_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void overview(FILE *out)
{
	fputs("usage: benchfs COMMAND [OPTION...] [ARGUMENT...]\n\n", out);
	for (const struct bfs_command *c = bfs_commands; c->name; c++)
		if (c->help)
			fprintf(out, "  %-8s %s\n", c->name, c->help);
	fputs("\n\"benchfs help COMMAND\" says more, and so does benchfs(1).\n",
	      out);
}

int bfs_cmd_help(struct bfs_options *o)
{
	const struct bfs_command *c;

	if (!o->nargs) {
		overview(stdout);
		return 0;
	}
	c = find(o->args[0]);
	if (!c)
		return bfs_fail(EX_USAGE, "there is no command \"%s\"",
				o->args[0]);
	bfs_options_help(c, stdout);
	return 0;
}

static int run_command(const struct bfs_command *c, int argc, char **argv)
{
	struct bfs_options o;
	int status;

	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		bfs_options_help(c, stdout);
		return 0;
	}
	status = bfs_options_parse(&o, c, argc, argv);
	if (!status)
		status = c->run(&o);
	else if (c->run == bfs_cmd_fsck)
		status = BFS_FSCK_USAGE;
	bfs_options_fini(&o);
	if (fflush(stdout))
		return bfs_fail(EX_IOERR, "standard output: %m");
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct bfs_command *c;

	bfs_log_who = "benchfs";
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("benchfs (BenchFS) " PACKAGE_VERSION);
		return 0;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		overview(stdout);
		return 0;
	}
	c = find(name);
	if (!c) {
		if (*name)
			bfs_fail(EX_USAGE, "there is no command \"%s\"", name);
		overview(stderr);
		return EX_USAGE;
	}
	return run_command(c, argc - 1, argv + 1);
}
