/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting the daemon together, and taking it apart.  Owner thread only. */
#ifndef BFS_DAEMON_H
#define BFS_DAEMON_H

#include "server/fs.h"
#include "server/server.h"

/*
 * From s->config: directories, file system, ports, signals, pid file; then
 * says "ready".  0 or -errno, logged; bfs_daemon_stop() cleans up after both.
 */
int bfs_daemon_start(struct bfs_server *s, bool scratch);
/* Serve until a signal says stop: 0, or -errno of the loop. */
int bfs_daemon_run(struct bfs_server *s);
void bfs_daemon_stop(struct bfs_server *s, bool scratch);

/* Give up what root has and a daemon does not need (confine.c). */
void bfs_daemon_confine(void);

/* What the settings allow this daemon. */
struct bfs_quota bfs_daemon_quota(const struct bfs_server *s);

/* SIGTERM, SIGINT, SIGHUP as events of the loop (signals.c). */
int bfs_signals_start(struct bfs_server *s);
void bfs_signals_stop(struct bfs_server *s);

/* Files in the run directory (run_dir.c). */
int bfs_run_dir_make(struct bfs_server *s);
int bfs_run_dir_write_pid(struct bfs_server *s);
/* Tell the service manager that others can reach us, and we wait for them. */
void bfs_run_dir_up(void);
/* <run_dir>/ready, and sd_notify if the service manager asked for it. */
int bfs_run_dir_ready(struct bfs_server *s);
void bfs_run_dir_clean(struct bfs_server *s, bool remove);

#endif
