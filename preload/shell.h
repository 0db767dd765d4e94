/* SPDX-License-Identifier: BSD-3-Clause */
/* "sh -c command" for system() and popen() (ops_system.c). */
#ifndef BFS_SHELL_H
#define BFS_SHELL_H

#include <spawn.h>

/* 0 or -errno. */
int bfs_shell_start(pid_t *pid, const char *command,
		    const posix_spawn_file_actions_t *actions,
		    const posix_spawnattr_t *attr);
/* Its wait status, or -1 and errno. */
int bfs_shell_wait(pid_t pid);

#endif
