/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A daemon of our own whose calls can be made to fail (fail_shim.c), and
 * clients of it that run tests/faults/script.  One thread.
 */
#ifndef BFS_FAULTS_RIG_H
#define BFS_FAULTS_RIG_H

#include "tests/faults/fail_file.h"

#include <err.h>
#include <stdbool.h>
#include <sys/types.h>

struct rig {
	const char *dir, *benchfsd, *shim, *preload, *mount;
	char **options; /* section.key=value */
	char run[300], data[300], log[300], script[400], file[300];
	struct fail_file *f;
	pid_t daemon;	/* 0: none */
	unsigned stops; /* times that it ended, in order, while it served */
};
extern struct rig rig;

/* DIR BENCHFSD SHIM PRELOAD MOUNT; options are the caller's. */
void rig_set_up(char **args);
/* True: it serves.  False: it has ended, in order. */
bool rig_start(void);
void rig_must_start(void);
/* kill -9 */
void rig_kill(void);
/* In order; all that it has made, but its data, is gone. */
void rig_stop(void);

/* script MOUNT/WHERE WHAT, in a process of its own. */
pid_t rig_run_script(const char *where, const char *what);
/* Until it ends; a daemon that stops meanwhile is started again. */
void rig_script(const char *where, const char *what);

/* What the daemon has open; files of data. */
int rig_fds(void);
int rig_files(void);
void rig_show_fds(void);
double rig_now(void);

/* Shows the daemon's log, and ends the program. */
#define rig_bad(...) (rig_show(), errx(1, __VA_ARGS__))
void rig_show(void);

#endif
