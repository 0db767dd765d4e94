/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this process knows about BenchFS: set once from the environment by the
 * constructor, or by the first hook if some library's constructor is earlier.
 */
#ifndef BFS_STATE_H
#define BFS_STATE_H

#include "core/proto.h"

#include <stdbool.h>
#include <sys/stat.h>

#define BFS_FD_BASE 900 /* our own descriptors sit above, if the limit lets */

struct bfs_settings {
	char mount[1024]; /* "/benchfs": absolute, no trailing slash */
	size_t mount_len;
	char run_dir[128];
	bool ucx;
	uint64_t direct_after; /* bytes; 0: never (direct.h) */
	uint64_t direct_idle;  /* ns */
	unsigned timeout_ms;
	int fd_base;
};

extern struct bfs_settings bfs_settings;
extern bool bfs_on; /* a mount is configured: hooks do their work */
extern mode_t bfs_umask_now;
/* The mode of a new inode, as the daemon is told it. */
static inline uint32_t bfs_mode_new(mode_t mode)
{
	return (mode & ~bfs_umask_now) | (mode & S_IXGRP ? BFS_MODE_XGRP : 0);
}

/* This thread is making a connection: what a library does for that (UCX reads
 * ./ucx.conf) is never about BenchFS. */
extern __thread bool bfs_aside;

/* Idempotent; cheap when done. */
void bfs_init(void);
extern bool bfs_ready;

/* The working directory, if it is in BenchFS (cwd.c). */
extern _Atomic bool bfs_cwd_ours;
struct bfs_handle bfs_cwd_handle(void);
void bfs_cwd_set(struct bfs_handle h);
/* The kernel's working directory is in force, and has changed. */
void bfs_cwd_moved(void);
/* If that is a directory above the mount point: what leads from there to it
 * ("benchfs" in /); "" otherwise. */
extern const char *_Atomic bfs_cwd_to_mount;

/*
 * What an exec passes on, as "BENCHFS_STATE=..." (state_env.c): the working
 * directory, and our descriptors without CLOEXEC.  The length, or -E2BIG.
 */
int bfs_state_write(char *buf, size_t size);
/* For a program that is spawned: from[i], if not -1, is which descriptor of
 * this process will be its number i. */
int bfs_state_write_as(char *buf, size_t size, const int *from, int n);
void bfs_state_read(const char *text);

#endif
