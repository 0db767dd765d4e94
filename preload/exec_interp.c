/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs whose ld.so (PT_INTERP) lies in BenchFS, where the kernel cannot
 * find it.  It is executed itself, and told to run the program.
 */
#include "core/elf_scan.h"
#include "core/sys.h"
#include "preload/datafd.h"
#include "preload/exec_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool bfs_exec_interp_ours(int fd, char *interp, size_t size)
{
	return !bfs_elf_interp(fd, interp, size) && bfs_owns_path(interp);
}

/* A descriptor to execute it by. */
static int open_interp(const char *interp)
{
	struct bfs_where w;
	int fd = bfs_where(&w, AT_FDCWD, interp);

	if (!fd)
		fd = bfs_datafd(&w, BFS_DATAFD_EXEC, NULL, NULL);
	if (fd == -(int)BFS_ESCAPE) /* a link to a real one */
		fd = bfs_sys_openat(w.dirfd, w.path, O_RDONLY | O_CLOEXEC, 0);
	return fd;
}

/* INTERP --argv0 NAME PROGRAM ARG... */
static char **make_args(struct bfs_run *x, const char *interp,
			const char *program, char *const argv[])
{
	size_t n = bfs_env_count(argv);
	char **args = bfs_scratch_take(&x->env.mem, (n + 5) * sizeof(char *));

	if (!args)
		return NULL;
	args[0] = (char *)interp;
	args[1] = (char *)"--argv0";
	args[2] = n ? argv[0] : (char *)"";
	args[3] = (char *)program;
	for (size_t i = 1; i < n; i++)
		args[3 + i] = argv[i];
	args[n > 1 ? 3 + n : 4] = NULL;
	return args;
}

int bfs_run_interp(struct bfs_run *x, int fd, bool ours, const char *exe,
		   const char *interp, char *const argv[])
{
	char program[32];
	char **args = make_args(x, interp, program, argv);
	int ld = args ? open_interp(interp) : -E2BIG, e;

	if (ld < 0)
		return ld;
	snprintf(program, sizeof(program), "/proc/self/fd/%d", fd);
	e = bfs_env_finish(&x->env, exe, ld,
			   bfs_exec_needs_audit(x->env.vars, fd, ours));
	if (!e) {
		bfs_sys_fcntl(fd, F_SETFD, 0);
		bfs_run_prepare();
		e = (int)bfs_sys_5(SYS_execveat, ld, "", args, x->env.vars,
				   AT_EMPTY_PATH);
		bfs_sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	bfs_sys_close(ld);
	return e;
}
