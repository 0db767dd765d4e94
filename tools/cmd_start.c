/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs start, stop and env: a daemon that outlives the command. */
#include "tools/cluster.h"

#include "core/util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define START_MS 30000

static int start_in(struct bfs_options *o, struct bfs_rundir *d)
{
	int status, pidfd;
	pid_t pid = bfs_daemon_spawn(o, d, false);

	if (pid < 0)
		return -pid;
	pidfd = pidfd_open(pid, 0);
	if (!bfs_daemon_wait(d, pidfd, -1, START_MS)) {
		if (o->verbose)
			printf("%s\n", d->path);
		return 0;
	}
	status = bfs_daemon_end(pid, pidfd);
	return bfs_daemon_explain(d, status);
}

int bfs_cmd_start(struct bfs_options *o)
{
	struct bfs_rundir d;
	int status;

	if (bfs_cluster_wanted(o))
		return bfs_cluster_start(o);
	status = bfs_rundir_make_fixed(&d, o);
	if (!status)
		status = start_in(o, &d);
	bfs_rundir_fini(&d);
	return status;
}

static int stop_pid(const char *run_dir, pid_t pid, unsigned timeout_secs)
{
	int fd = pidfd_open(pid, 0);
	struct pollfd p = { fd, POLLIN, 0 };

	if (fd < 0)
		return errno == ESRCH ? 0
				      : bfs_fail(EX_OSERR, "pid %d: %m", pid);
	/* It might have ended since, and the number be somebody else's. */
	if (bfs_daemon_find(run_dir) != pid)
		return 0;
	if (pidfd_send_signal(fd, SIGTERM, NULL, 0) && errno != ESRCH)
		return bfs_fail(EX_NOPERM, "pid %d: %m", pid);
	while (poll(&p, 1, (int)timeout_secs * 1000) < 0 && errno == EINTR)
		;
	close(fd);
	if (!p.revents)
		return bfs_fail(EX_TEMPFAIL,
				"the daemon (pid %d) has not stopped within %u "
				"seconds",
				pid, timeout_secs);
	return 0;
}

int bfs_cmd_stop(struct bfs_options *o)
{
	struct bfs_rundir d;
	int status;
	pid_t pid;

	if (bfs_cluster_exists(o))
		return bfs_cluster_stop(o);
	status = bfs_rundir_find(&d, o);
	if (status)
		goto out;
	pid = bfs_daemon_find(d.path);
	if (!pid) {
		status = bfs_fail(EX_UNAVAILABLE, "no daemon runs in %s",
				  d.path);
		goto out;
	}
	status =
		stop_pid(d.path, pid, (unsigned)o->config.network.timeout_secs);
	if (!status && o->verbose)
		printf("stopped pid %d\n", pid);
	if (!status) {
		/* Data that nobody named ends with its daemon. */
		d.data = bfs_path(d.path, "data");
		d.own_data = d.data && !access(d.data, F_OK);
		bfs_rundir_remove(&d);
	}
out:
	bfs_rundir_fini(&d);
	return status;
}

/* 'it'\''s': what sh takes literally. */
static void put_export(void *arg, const char *name, const char *value)
{
	if (!value) {
		printf("unset %s;\n", name);
		return;
	}
	printf("export %s='", name);
	for (; *value; value++) {
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	}
	puts("';");
}

/* The run directory of the daemon that programs of this node talk to. */
static int find_run_dir(struct bfs_options *o, char **run_dir, bool *far)
{
	struct bfs_rundir d;
	int status;

	if (bfs_cluster_exists(o))
		return bfs_cluster_env(o, run_dir, far);
	status = bfs_rundir_find(&d, o);
	*run_dir = d.path;
	d.path = NULL;
	bfs_rundir_fini(&d);
	return status;
}

int bfs_cmd_env(struct bfs_options *o)
{
	BFS_AUTOFREE char *run_dir = NULL;
	bool far = false;
	int status = find_run_dir(o, &run_dir, &far);

	if (!status && !bfs_daemon_find(run_dir))
		status = bfs_fail(EX_UNAVAILABLE,
				  "no daemon runs in %s; \"benchfs start\" "
				  "starts one",
				  run_dir);
	if (!status)
		status = bfs_client_env(&o->config, run_dir, far, put_export,
					NULL);
	return status;
}
