/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Executing programs.  Everything here may run in a forked child of a threaded
 * program, so memory comes from mmap and nothing takes a lock.
 */
#ifndef BFS_EXEC_H
#define BFS_EXEC_H

#include <stdbool.h>
#include <stddef.h>

/* Memory for one exec, given back as a whole.  There may be anything in it. */
struct bfs_scratch {
	char *pos, *end;
	void *map;
	size_t size;
};

/* 0 or -ENOMEM. */
int bfs_scratch_init(struct bfs_scratch *s, size_t size);
void *bfs_scratch_take(struct bfs_scratch *s, size_t size); /* NULL: full */
void bfs_scratch_fini(struct bfs_scratch *s);

/* What the descriptors of a program will be that is not this process:
 * from[i] is which of our numbers becomes i, or -1. */
struct bfs_fd_plan {
	int *from;
	int n;
};

/* The environment of a program about to run (exec_env.c). */
struct bfs_env {
	struct bfs_scratch mem;
	char **vars;  /* for the kernel, NULL-terminated */
	size_t fixed; /* so many of them are the same for every program */
	/* What the caller wanted, or NULL. */
	char *audit, *tunables; /* LD_AUDIT, GLIBC_TUNABLES */
};

/*
 * envp with what BenchFS passes on.  plan: NULL for this process's own
 * descriptors.  There is room for the argv of scripts of argc arguments.
 * 0, -ENOMEM or -E2BIG.
 */
int bfs_env_make(struct bfs_env *e, size_t argc, char *const envp[],
		 const struct bfs_fd_plan *plan);
/* Complete it for one program.  exe: its path if it lies in BenchFS (with
 * fd, its data; -1: ld.so is to run it), or NULL.  audit: its libraries lie
 * there. */
int bfs_env_finish(struct bfs_env *e, const char *exe, int fd, bool audit);
void bfs_env_fini(struct bfs_env *e);
/* "NAME=" at the start of an entry, the value; or NULL. */
const char *bfs_env_value(const char *entry, const char *name);
size_t bfs_env_count(char *const list[]);

/* Has the program in fd (ours: it lies in BenchFS), run with this environment,
 * libraries there that ld.so must be helped to find?  (exec_ld.c) */
bool bfs_exec_needs_audit(char *const envp[], int fd, bool ours);
/* The same for one elsewhere that names no directory and no file itself. */
bool bfs_exec_env_needs_audit(char *const envp[]);
bool bfs_exec_names_nothing(int fd);

/*
 * Look at a foreign program about to be executed: false if the kernel cannot
 * run it, since it is a script whose interpreter is ours, or ld.so with a
 * program of ours.  Otherwise *audit says what bfs_env_finish() wants to know.
 */
bool bfs_exec_is_plain(const char *path, char *const argv[], char *const envp[],
		       bool *audit);

/* Which of argv is the program that ld.so is to run, if path is ld.so's and
 * that program is ours; else 0.  (exec_rtld.c) */
int bfs_rtld_program(const char *path, char *const argv[]);

/* execve, or its search along PATH, at the end of a spawn: -errno. */
int bfs_exec_path(const char *path, char *const argv[], char *const envp[]);
int bfs_exec_search(const char *file, char *const argv[], char *const envp[],
		    bool shell);

/* Is something of BenchFS on the PATH?  (exec_path.c) */
bool bfs_path_has_ours(void);
/* The first executable foreign file of that name, as a guess. */
bool bfs_path_find(const char *file, char *out, size_t size);

#endif
