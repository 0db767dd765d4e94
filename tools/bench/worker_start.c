/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs from start to end.  They are started by a process that has no
 * BenchFS, with the environment of the configuration, so that the difference is
 * what the program itself pays.
 */
#include "tools/bench/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const struct bench_job *j, char *const argv[])
{
	posix_spawn_file_actions_t acts;
	char **env = j->place->env ? j->place->env : environ;
	int e, status;
	pid_t pid;

	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&acts, 1, "/dev/null", O_WRONLY, 0);
	e = posix_spawnp(&pid, argv[0], &acts, NULL, argv, env);
	posix_spawn_file_actions_destroy(&acts);
	if (e)
		return -e;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	/* it has said on standard error what it did not like */
	return status ? -ECANCELED : 0;
}

/* A shell script with D, and N, the length of the loop. */
static int script(const struct bench_job *j, const char *text)
{
	char line[2048], dir[1024];

	bench_dir(j, dir, sizeof(dir), -1);
	snprintf(line, sizeof(line), "set -e; D='%s' N=%d; %s", dir,
		 j->quick ? 10 : 200, text);
	return run(j, (char *[]){ (char *)"sh", (char *)"-c", line, NULL });
}

static int make(struct bench_job *j)
{
	return script(j, "mkdir -p \"$D\"; cd \"$D\"; i=0; "
			 "while [ $i -lt 20 ]; do echo $i >f$i; "
			 "i=$((i + 1)); done");
}

static int make_git(struct bench_job *j)
{
	return script(j, "mkdir -p \"$D\"; cd \"$D\"; i=0; "
			 "while [ $i -lt 100 ]; do echo $i >f$i; "
			 "i=$((i + 1)); done; export HOME=/; git init -q; "
			 "git add .; git -c user.name=a -c user.email=a@b "
			 "commit -qm x");
}

static int drop(struct bench_job *j)
{
	return script(j, "rm -rf \"$D\"");
}

static int op_run_true(struct bench_job *j, uint64_t i)
{
	return run(j, (char *[]){ (char *)"true", NULL });
}

static int op_run_stat(struct bench_job *j, uint64_t i)
{
	char path[1200];

	bench_dir(j, path, sizeof(path) - 4, -1);
	strcat(path, "/f0");
	return run(j, (char *[]){ (char *)"stat", path, NULL });
}

static int op_run_ls(struct bench_job *j, uint64_t i)
{
	char path[1200];

	bench_dir(j, path, sizeof(path), -1);
	return run(j, (char *[]){ (char *)"ls", (char *)"-l", path, NULL });
}

static int op_run_sh(struct bench_job *j, uint64_t i)
{
	return script(j, "read -r x <\"$D/f1\"; echo $x >\"$D/out\"");
}

static int op_run_loop(struct bench_job *j, uint64_t i)
{
	return script(j, "cd \"$D\"; i=0; while [ $i -lt $N ]; do "
			 "/bin/true <f1 >out; i=$((i + 1)); done");
}

static int op_run_git(struct bench_job *j, uint64_t i)
{
	return script(j, "git -C \"$D\" status --porcelain");
}

#define BODY(name, make_, op_) \
	const struct bench_body bench_body_##name = { \
		.make = make_, \
		.join = bench_nothing, \
		.before = bench_nothing, \
		.op = op_, \
		.after = bench_nothing_done, \
		.leave = bench_nothing, \
		.drop = drop, \
	}
BODY(run_true, make, op_run_true);
BODY(run_stat, make, op_run_stat);
BODY(run_ls, make, op_run_ls);
BODY(run_sh, make, op_run_sh);
BODY(run_loop, make, op_run_loop);
BODY(run_git, make_git, op_run_git);
