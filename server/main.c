/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfsd: options, start, stop. */
#include "core/log.h"
#include "core/util.h"
#include "server/checkpoint.h"
#include "server/daemon.h"
#include "server/fsck.h"
#include "server/holder.h"
#include "server/scrub.h"
#include "server/server.h"
#include "server/syncfs.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

extern char **environ;

static const char usage[] =
	"Usage: benchfsd --run-dir DIR --data-dir DIR [OPTION]...\n"
	"Serve a BenchFS file system to the programs of this node.\n"
	"\n"
	"  -c, --config FILE         settings, see benchfs.conf(5)\n"
	"  -s, --set SECTION.KEY=VALUE\n"
	"                            one setting; wins over file and environment\n"
	"      --run-dir DIR         socket, pid and ready files (node.run_dir)\n"
	"      --data-dir DIR        data files (node.data_dir)\n"
	"      --registry DIR        join the cluster whose registry this is\n"
	"                            (network.registry_dir)\n"
	"      --member NAME         as this member of it (node.member)\n"
	"      --scratch             remove both directories at the end\n"
	"      --die-with-parent     stop when the parent process ends\n"
	"  -h, --help                this text\n"
	"  -V, --version             the version\n"
	"\n"
	"Exit status: 0 stopped on request, 64 usage, 65 the data directory is\n"
	"damaged, 70 internal error, 73 cannot make a directory or listen, or the\n"
	"data directory is not this daemon's, 75 it or the socket is in use, or a\n"
	"member of the cluster has not come up, 78 bad configuration.\n";

enum {
	OPT_RUN = 256,
	OPT_DATA,
	OPT_REGISTRY,
	OPT_MEMBER,
	OPT_SCRATCH,
	OPT_DIE,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, 's' },
	{ "run-dir", required_argument, NULL, OPT_RUN },
	{ "data-dir", required_argument, NULL, OPT_DATA },
	{ "registry", required_argument, NULL, OPT_REGISTRY },
	{ "member", required_argument, NULL, OPT_MEMBER },
	{ "scratch", no_argument, NULL, OPT_SCRATCH },
	{ "die-with-parent", no_argument, NULL, OPT_DIE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* The command line is read twice: the file comes first, whatever the order. */
struct arguments {
	const char *file;
	bool scratch, die_with_parent;
	char *assign[256];
	unsigned nassign;
};

static int add_assignment(struct arguments *a, const char *key,
			  const char *value)
{
	char **slot = &a->assign[a->nassign];

	if (a->nassign == BFS_COUNT(a->assign))
		return -E2BIG;
	a->nassign++;
	return asprintf(slot, "%s%s", key, value) < 0 ? -ENOMEM : 0;
}

/* 0: go on; else the exit status + 1. */
static int parse(int argc, char **argv, struct arguments *a)
{
	int c, r = 0;

	while (!r &&
	       (c = getopt_long(argc, argv, "c:s:hV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a->file = optarg;
			break;
		case 's':
			r = add_assignment(a, "", optarg);
			break;
		case OPT_RUN:
			r = add_assignment(a, "node.run_dir=", optarg);
			break;
		case OPT_DATA:
			r = add_assignment(a, "node.data_dir=", optarg);
			break;
		case OPT_REGISTRY:
			r = add_assignment(a, "network.registry_dir=", optarg);
			break;
		case OPT_MEMBER:
			r = add_assignment(a, "node.member=", optarg);
			break;
		case OPT_SCRATCH:
			a->scratch = true;
			break;
		case OPT_DIE:
			a->die_with_parent = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EX_OK + 1;
		case 'V':
			puts(PACKAGE_STRING);
			return EX_OK + 1;
		default:
			fputs("Try 'benchfsd --help'.\n", stderr);
			return EX_USAGE + 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "benchfsd: unexpected argument '%s'\n",
			argv[optind]);
		return EX_USAGE + 1;
	}
	return r ? EX_USAGE + 1 : 0;
}

/* File, then environment, then command line. */
static int configure(struct bfs_config *c, const struct arguments *a)
{
	struct bfs_config_err err;
	int r = bfs_config_init(c);

	if (r)
		return r;
	if (a->file)
		r = bfs_config_load(c, a->file, &err);
	if (!r)
		r = bfs_config_env(c, (const char *const *)environ, &err);
	for (unsigned i = 0; !r && i < a->nassign; i++)
		r = bfs_config_set(c, a->assign[i], &err);
	if (r)
		bfs_log(error, "%s", err.text);
	return r;
}

/* SIGHUP: the same words again. */
static void reload(void *arg, struct bfs_config *fresh, bool *ok)
{
	*ok = !configure(fresh, arg);
}

static int die_with_parent(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM))
		return -errno;
	/* It may have ended before we asked. */
	return getppid() == parent ? 0 : -ECANCELED;
}

/*
 * Have malloc ask for huge pages: with a million files most of what a call
 * looks at is nowhere in a cache, nor are its page's tables (docs/scaling.md).
 * The C library reads that when a program starts, so it starts once more.
 */
static void use_huge_pages(char **argv)
{
	static const char want[] = "glibc.malloc.hugetlb=1";
	const char *has = getenv("GLIBC_TUNABLES");
	char path[PATH_MAX], all[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	if (n <= 0 || n == sizeof(path) ||
	    (has && strstr(has, "glibc.malloc.hugetlb")))
		return;
	path[n] = 0;
	n = snprintf(all, sizeof(all), "%s%s%s", has ? has : "",
		     has && *has ? ":" : "", want);
	if (n < (ssize_t)sizeof(all) && !setenv("GLIBC_TUNABLES", all, 1))
		execv(path, argv);
	/* It works without. */
}

static int exit_status(int r)
{
	switch (r) {
	case 0:
		return EX_OK;
	case -EINVAL:
		return EX_CONFIG;
	case -EADDRINUSE:
	case -EBUSY:
	case -ETIMEDOUT:
		return EX_TEMPFAIL;
	case -EUCLEAN:
		return EX_DATAERR;
	case -ENOMEM:
	case -EIO:
		return EX_SOFTWARE;
	default:
		return EX_CANTCREAT;
	}
}

int main(int argc, char **argv)
{
	struct arguments args = { 0 };
	struct bfs_server s = { .holder = -1 };
	int r;

	bfs_log_who = "benchfsd";
	/* What a daemon, or benchfs, starts for itself. */
	if (argc == 3 && !strcmp(argv[1], "--hold"))
		return bfs_holder_main(argv[2]);
	if (argc == 7 && !strcmp(argv[1], "--checkpoint"))
		return bfs_checkpoint_main(argv[2], argv[3], argv[4], argv[5],
					   argv[6]);
	if (argc == 3 && !strcmp(argv[1], "--syncfs"))
		return bfs_syncfs_main(argv[2]);
	if (argc > 1 && !strcmp(argv[1], "--fsck"))
		return bfs_fsck_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "--scrub"))
		return bfs_scrub_main(argc - 1, argv + 1);
	use_huge_pages(argv);
	r = parse(argc, argv, &args);
	if (r)
		return r - 1;
	if (configure(&s.config, &args))
		return EX_CONFIG;
	bfs_config_log(&s.config);
	if (!*s.config.node.run_dir || !*s.config.node.data_dir) {
		bfs_log(error, "%s is needed; try 'benchfsd --help'",
			*s.config.node.run_dir ? "--data-dir" : "--run-dir");
		return EX_USAGE;
	}
	if (args.die_with_parent && die_with_parent())
		return EX_OK;
	s.reload = reload;
	s.reload_arg = &args;
	r = bfs_daemon_start(&s, args.scratch);
	if (!r)
		r = bfs_daemon_run(&s);
	bfs_daemon_stop(&s, args.scratch);
	bfs_config_fini(&s.config);
	for (unsigned i = 0; i < args.nassign; i++)
		free(args.assign[i]);
	return exit_status(r);
}
