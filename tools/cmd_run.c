/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * benchfs run: three processes.  This one runs the program and passes signals
 * on.  The keeper, its child, owns the daemon and the directories: when the
 * pipe from this process ends, however that came about, it stops the one and
 * removes the others.
 */
#include "tools/cluster.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define START_MS 30000
/* A call that waits for the daemon may be about to end, and then hears. */
#define GRACE_NS 2000000000ull

struct run {
	struct bfs_options *o;
	struct bfs_rundir dir;
	struct bfs_cluster *cluster; /* NULL: one daemon, in dir */
	const char *client;	     /* run directory of clients' daemon */
	int signals;		     /* signalfd */
	int hold;		     /* write end of the keeper's pipe */
	pid_t keeper;
	int keeper_fd;
	int report; /* where calls are counted; -1: nowhere */
};

static int check_prefix(const char *mount)
{
	struct stat st;

	if (stat(mount, &st) ? errno == ENOTDIR : !S_ISDIR(st.st_mode))
		return bfs_fail(EX_CONFIG,
				"the prefix %s is a file, or lies below one; "
				"it must be a directory or nothing",
				mount);
	return 0;
}

/* In the keeper.  hold: read end of the pipe. */
static int keep(struct run *r, int hold)
{
	pid_t daemon = bfs_daemon_spawn(r->o, &r->dir, true);
	struct pollfd p[2] = { { hold, POLLIN, 0 }, { -1, POLLIN, 0 } };
	int status = 0, code = 0;

	if (daemon < 0)
		return -daemon;
	p[1].fd = pidfd_open(daemon, 0);
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[1].revents)
		(void)waitpid(daemon, &status, 0);
	else
		status = bfs_daemon_end(daemon, p[1].fd);
	if (status || !p[0].revents)
		code = bfs_daemon_explain(&r->dir, status);
	return code;
}

/* The same with several daemons: each node's part ends when we do. */
static int keep_cluster(struct run *r, int hold)
{
	BFS_AUTOFREE char *ready = bfs_path(r->dir.path, "ready");
	struct bfs_launch *l;
	struct bfs_start s;
	int status, code, fd;

	r->cluster->bound = true;
	status = bfs_cluster_launch(&l, &s, r->o, r->cluster, hold);
	if (!status) {
		/* it is to stay with data that stays */
		r->cluster->own_registry = false;
		fd = ready ? open(ready, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)
			   : -1;
		if (fd < 0)
			status = bfs_fail(EX_CANTCREAT, "%s/ready: %m",
					  r->dir.path);
	}
	if (!status)
		status = bfs_launch_hold(l, hold);
	code = bfs_launch_end(l, false);
	return status ? status : code;
}

static void remove_all(const struct run *r)
{
	if (r->cluster)
		bfs_cluster_remove(r->cluster);
	else
		bfs_rundir_remove(&r->dir);
}

/* The keeper must outlive whatever ends the run. */
static void become_keeper(struct run *r, int hold)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), code;

	bfs_signals_dispose(SIG_IGN);
	setsid();
	(void)!chdir("/");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	code = r->cluster ? keep_cluster(r, hold) : keep(r, hold);
	remove_all(r);
	_exit(code);
}

static int start_keeper(struct run *r)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return bfs_fail(EX_OSERR, "pipe: %m");
	r->keeper = fork();
	if (r->keeper < 0) {
		close(ends[0]);
		close(ends[1]);
		return bfs_fail(EX_OSERR, "fork: %m");
	}
	if (!r->keeper) {
		close(ends[1]);
		become_keeper(r, ends[0]);
	}
	close(ends[0]);
	r->hold = ends[1];
	r->keeper_fd = pidfd_open(r->keeper, 0);
	return r->keeper_fd < 0 ? bfs_fail(EX_OSERR, "pidfd_open: %m") : 0;
}

/* Let the keeper finish; its exit status. */
static int end_keeper(struct run *r)
{
	int status = 0;

	if (r->keeper <= 0)
		return 0;
	close(r->hold);
	while (waitpid(r->keeper, &status, 0) < 0 && errno == EINTR)
		;
	r->keeper = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	remove_all(r); /* somebody killed it: tidy up here */
	return EX_SOFTWARE;
}

static int await_ready(struct run *r)
{
	int e = bfs_daemon_wait(&r->dir, r->keeper_fd, r->signals, START_MS);
	bool told;

	switch (e) {
	case 0:
		return 0;
	case -ESRCH: /* the keeper has said why */
		return end_keeper(r);
	case -EINTR:
		return 128 +
		       BFS_MAX(bfs_signals_next(r->signals, &told), SIGINT);
	default:
		return bfs_fail(EX_TEMPFAIL,
				"the daemon was not ready within %d seconds",
				START_MS / 1000);
	}
}

/*
 * bash answers getenv() from its own variables, so what the ucx module puts
 * into the environment while it loads UCX is not seen there: what matters most
 * of it is set from the start.
 */
static void put_ucx_env(void)
{
	setenv("UCX_POSIX_ERROR_HANDLING", "y", 0);
	setenv("UCX_SYSV_ERROR_HANDLING", "y", 0);
	setenv("UCX_LOG_FILE", "stderr", 0); /* stdout may be ours */
	setenv("UCX_LOG_LEVEL", "fatal", 0);
	setenv("UCX_HANDLE_ERRORS", "none", 0);
	setenv("UCX_ERROR_SIGNALS", "", 0);
	setenv("UCX_DEBUG_SIGNO", "0", 0);
	setenv("UCX_MEM_EVENTS", "n", 0);
}

static void put_env(void *arg, const char *name, const char *value)
{
	if (value && !strcmp(name, "BENCHFS_TRANSPORT") &&
	    !strcmp(value, "ucx"))
		put_ucx_env();
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* In the child.  A program in BenchFS is found by a preloaded benchfs. */
static void become_program(char *path, bool inside, char **args, int report)
{
	char **argv = args;
	int n = 0;

	bfs_signals_give_back();
	if (inside) {
		while (args[n])
			n++;
		argv = calloc((size_t)n + 3, sizeof(*argv));
		if (!argv)
			_exit(EX_OSERR);
		argv[0] = (char *)"benchfs";
		argv[1] = (char *)"exec";
		memcpy(argv + 2, args, (size_t)n * sizeof(*args));
		path = (char *)"/proc/self/exe";
	}
	execvp(path, argv);
	n = errno;
	(void)!write(report, &n, sizeof(n));
	_exit(BFS_EXIT_CANNOT_RUN);
}

int bfs_cmd_exec(struct bfs_options *o)
{
	int e;

	if (!o->nargs)
		return bfs_fail(EX_USAGE, "exec: no program given");
	execvp(o->args[0], o->args);
	e = errno;
	return bfs_fail(e == ENOENT || e == ENOTDIR ? BFS_EXIT_NOT_FOUND
						    : BFS_EXIT_CANNOT_RUN,
			"%s: %s", o->args[0], strerror(e));
}

static pid_t start_program(char *path, bool inside, char **args, int *error)
{
	int report[2];
	pid_t pid;

	*error = 0;
	if (pipe2(report, O_CLOEXEC)) {
		*error = errno;
		return -1;
	}
	pid = fork();
	if (!pid)
		become_program(path, inside, args, report[1]);
	close(report[1]);
	if (pid < 0 || read(report[0], error, sizeof(*error)) < 0)
		*error = errno;
	close(report[0]);
	return pid;
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* bfs_now() clock: what blocks signals until then is stuck; 0: nobody was told
 * to end. */
static uint64_t note_signal(int fd, int pidfd, uint64_t until)
{
	bool told = false;
	int sig = bfs_signals_next(fd, &told);

	if (sig && !told)
		pidfd_send_signal(pidfd, sig, NULL, 0);
	if (!until && (sig == SIGTERM || sig == SIGINT || sig == SIGQUIT ||
		       sig == SIGHUP))
		until = bfs_now() + GRACE_NS;
	return until;
}

/* The program is gone; those it has left behind get what time remains. */
static void end_stuck(const struct run *r, uint64_t until)
{
	while (bfs_now() < until && bfs_stuck(r->client, false))
		(void)poll(NULL, 0, 20);
	bfs_stuck(r->client, true);
}

/* Pass signals on until the program has ended. */
static int attend(struct run *r, pid_t pid)
{
	int fd = pidfd_open(pid, 0), status = 0;
	struct pollfd p[] = { { fd, POLLIN, 0 }, { r->signals, POLLIN, 0 } };
	uint64_t until = 0;

	for (;;) {
		(void)poll(p, 2, until ? 100 : -1);
		if (p[1].revents)
			until = note_signal(r->signals, fd, until);
		if (p[0].revents)
			break;
		if (until && bfs_now() >= until) {
			bfs_stuck(r->client, true);
			until = bfs_now() + GRACE_NS;
		}
	}
	if (until)
		end_stuck(r, until);
	close(fd);
	(void)waitpid(pid, &status, 0);
	return exit_status(status);
}

static int run_program(struct run *r, char *path, bool inside)
{
	int status = bfs_client_env(&r->o->config, r->client,
				    r->cluster && bfs_cluster_far(r->cluster),
				    put_env, NULL);
	int error;
	pid_t pid;

	if (status)
		return status;
	pid = start_program(path, inside, r->o->args, &error);
	if (pid > 0 && error)
		(void)waitpid(pid, NULL, 0);
	if (error)
		return bfs_fail(error == ENOENT ? BFS_EXIT_NOT_FOUND
						: BFS_EXIT_CANNOT_RUN,
				"%s: %s", r->o->args[0], strerror(error));
	return attend(r, pid);
}

static int check_run(struct bfs_options *o)
{
	if (!o->nargs)
		return bfs_fail(EX_USAGE, "run: no program given");
	if (getenv("BENCHFS_STATE") ||
	    (getenv("BENCHFS_RUN_DIR") && getenv("LD_PRELOAD") &&
	     strstr(getenv("LD_PRELOAD"), "libbenchfs_preload")))
		return bfs_fail(EX_USAGE,
				"run: already inside BenchFS (run directory "
				"%s); one run cannot be started in another",
				getenv("BENCHFS_RUN_DIR"));
	return check_prefix(o->config.client.mount);
}

/* --report: begun anew, and read from its descriptor when all is removed. */
static int make_report(struct run *r)
{
	BFS_AUTOFREE char *file = NULL, *text = NULL;
	struct bfs_config_err err;
	int status;

	if (!r->o->report)
		return 0;
	file = strcmp(r->o->report, "-") ? strdup(r->o->report)
					 : bfs_path(r->dir.path, "report");
	if (!file || asprintf(&text, "client.report=%s", file) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	if (bfs_config_set(&r->o->config, text, &err))
		return bfs_fail(EX_USAGE, "--report: %s", err.text);
	status = bfs_report_make(file, &r->report);
	/* They all count. */
	if (!status && *r->o->config.auth.allow_users)
		(void)fchmod(r->report, 0666);
	return status;
}

/* Directories, and who serves the programs here. */
static int make_dirs(struct run *r)
{
	int status, shard;

	if (!r->cluster) {
		status = bfs_rundir_make(&r->dir, r->o);
		r->client = r->dir.path;
		return status;
	}
	status = bfs_cluster_make(r->cluster, r->o, true);
	if (status)
		return status;
	shard = bfs_cluster_here(r->cluster, r->o);
	if (shard < 0)
		return EX_UNAVAILABLE;
	r->client = r->cluster->list->m[shard].run_dir;
	r->dir.path = strdup(r->cluster->dir);
	if (r->o->keep) /* .../data/MEMBER */
		r->dir.data = strdup(r->cluster->list->m[shard].data_dir);
	if (r->dir.data)
		*strrchr(r->dir.data, '/') = '\0';
	return r->dir.path ? 0 : bfs_fail(EX_OSERR, "out of memory");
}

static int run_all(struct run *r, char *path, bool inside)
{
	char many[24] = "";
	int status, kept;

	if (r->cluster)
		snprintf(many, sizeof(many), "-n %u ", r->o->daemons);
	status = make_dirs(r);
	if (!status)
		status = make_report(r);
	if (!status)
		status = start_keeper(r);
	if (status) {
		if (!r->keeper)
			remove_all(r);
		return status;
	}
	if (r->o->verbose)
		fprintf(stderr, "benchfs: run directory %s, data in %s\n",
			r->client,
			r->cluster ? "those of its daemons" : r->dir.data);
	status = await_ready(r);
	if (!status)
		status = run_program(r, path, inside);
	kept = end_keeper(r);
	if (r->o->keep)
		fprintf(stderr,
			"benchfs: the file system is kept; to go on with it: "
			"benchfs run %s-d %s\n",
			many, r->dir.data);
	if (r->report >= 0)
		(void)bfs_report_print(r->report, r->o->report, r->o->json,
				       stderr);
	return status ? status : kept;
}

int bfs_cmd_run(struct bfs_options *o)
{
	struct bfs_cluster cluster = { 0 };
	struct run r = { .o = o,
			 .hold = -1,
			 .report = -1,
			 .cluster = bfs_cluster_wanted(o) ? &cluster : NULL };
	BFS_AUTOFREE char *path = NULL, *lib = NULL, *daemon = NULL;
	bool inside;
	int status = check_run(o);

	if (!status)
		status = bfs_program_find(o->args[0], o->config.client.mount,
					  &path, &inside);
	if (status)
		return status;
	/* Before anything is made that would have to be removed again. */
	lib = bfs_preload_path();
	daemon = lib ? bfs_daemon_path() : NULL;
	if (!daemon)
		return EX_OSFILE;
	if (!inside)
		bfs_program_check(path, o->config.client.mount,
				  o->config.client.syscalls);
	r.signals = bfs_signals_take();
	if (r.signals < 0)
		return bfs_fail(EX_OSERR, "signalfd: %m");
	status = run_all(&r, path, inside);
	bfs_rundir_fini(&r.dir);
	bfs_cluster_fini(&cluster);
	return status;
}
