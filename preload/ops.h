/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What BenchFS does for each hooked call: bfs_<name> returns the call's result
 * or -errno and neither reads nor sets errno (HOOK_R excepted).  For the
 * variadic ones the rest of the arguments has been collected.
 */
#ifndef BFS_OPS_H
#define BFS_OPS_H

#include "preload/headers.h"

#include <stdarg.h>

#define HOOK(type, name, params, args, ours) type bfs_##name params;
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours) void bfs_##name params;
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params)
#define ALIAS(new, old)
#include "preload/hooks.def"
#include "preload/undef.h"

int bfs_open(const char *path, int flags, mode_t mode);
int bfs_openat(int dirfd, const char *path, int flags, mode_t mode);
pid_t bfs_vfork(void); /* by fork */
int bfs_fcntl(int fd, int cmd, long arg);
int bfs_ioctl(int fd, unsigned long request, void *arg);
/* true: *result is the answer (-errno on failure); false: not ours. */
bool bfs_syscall(long number, const long arg[6], long *result);
/* Of a path with a slash that is ours, or leads to something of ours; as
 * libc's, dlerror() included (ops_dl.c). */
bool bfs_dl_ours(const char *path);
void *bfs_dlopen(const char *path, int flags);
/* The path of this process's program if it lies in BenchFS, else NULL. */
const char *bfs_exe_path(void);
/* Is path the link to it, "/proc/self/exe"? */
bool bfs_exe_named(const char *path);

/* Make libc's FILEs work on placeholders (ops_stdio.c). */
void bfs_stdio_prepare(void);

/* Conditions in hooks.def. */
bool bfs_fts_ours(char *const *paths);
bool bfs_fts_is(const FTS *fts);
bool bfs_stdio_ours(const char *path, FILE *f);
bool bfs_dl_failed(void);
bool bfs_popen_is(FILE *f);
bool bfs_aio_held(struct aiocb *const list[], int n);
bool bfs_socket_ours(const struct sockaddr *addr, socklen_t len);
bool bfs_message_ours(const struct msghdr *m);
bool bfs_messages_ours(const struct mmsghdr *v, unsigned n);

#endif
