/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the benchfs program share.  Not thread-safe. */
#ifndef BFS_TOOLS_H
#define BFS_TOOLS_H

#include "core/config.h"

#include <sys/types.h>
#include <sysexits.h>

#define BFS_EXIT_CANNOT_RUN 126 /* as shells do */
#define BFS_EXIT_NOT_FOUND 127

/* The command line after parsing (options.c). */
struct bfs_options {
	struct bfs_config config; /* all sources taken in */
	const char *config_file;
	char *run_dir;	    /* absolute, owned; NULL: not given */
	unsigned daemons;   /* on each node */
	bool daemons_given; /* 1 may be the default */
	const char *hostfile, *hosts, *launcher; /* NULL: not given */
	char *report; /* absolute or "-", owned; NULL: not given */
	const char *suite, *json_file, *plot_dir; /* of bench; or NULL */
	bool verbose, json, keep, resume, quick, repair;
	char **args; /* what is left, NULL at the end */
	int nargs;
};

#define BFS_FSCK_USAGE 16 /* fsck has e2fsck's */
#define BFS_FSCK_ERROR 8

/*
 * One line per subcommand.  takes: the short codes of its options in the table
 * of options.c; "+" if the first argument ends them, since what follows is a
 * program's.  help NULL: not shown.
 */
struct bfs_command {
	const char *name, *usage, *takes, *help;
	int (*run)(struct bfs_options *o); /* the exit status */
};
extern const struct bfs_command bfs_commands[];

/* 0, or an exit status after a message. */
int bfs_options_parse(struct bfs_options *o, const struct bfs_command *cmd,
		      int argc, char **argv);
void bfs_options_fini(struct bfs_options *o);
void bfs_options_help(const struct bfs_command *cmd, FILE *out);

int bfs_cmd_run(struct bfs_options *o);
int bfs_cmd_exec(struct bfs_options *o);
int bfs_cmd_start(struct bfs_options *o);
int bfs_cmd_stop(struct bfs_options *o);
int bfs_cmd_status(struct bfs_options *o);
int bfs_cmd_layout(struct bfs_options *o);
int bfs_cmd_fsck(struct bfs_options *o);
int bfs_cmd_env(struct bfs_options *o);
int bfs_cmd_doctor(struct bfs_options *o);
int bfs_cmd_report(struct bfs_options *o);
int bfs_cmd_bench(struct bfs_options *o);
int bfs_cmd_config(struct bfs_options *o);
int bfs_cmd_help(struct bfs_options *o);
int bfs_cmd_node(struct bfs_options *o);

/* "benchfs: text" on stderr; returns status. */
int bfs_fail(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void bfs_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Run directories (rundir.c).
 */
struct bfs_rundir {
	char *path;    /* absolute, owned */
	char *data;    /* the data directory, absolute, owned */
	bool own_path; /* made by us: removed with all that is in it */
	bool own_data;
};
/* Make them for one `run`.  0, or an exit status after a message. */
int bfs_rundir_make(struct bfs_rundir *d, const struct bfs_options *o);
/* The fixed one of start, stop, status and env. */
int bfs_rundir_find(struct bfs_rundir *d, const struct bfs_options *o);
int bfs_rundir_make_fixed(struct bfs_rundir *d, const struct bfs_options *o);
/*
 * For a cluster: the path only, without data.  scratch: for one run; far: the
 * same path must be good on other nodes.
 */
int bfs_rundir_base(struct bfs_rundir *d, const struct bfs_options *o,
		    bool scratch, bool far);
/* The directories of one member, made with what leads there. */
int bfs_rundir_member(struct bfs_rundir *d, const struct bfs_options *o,
		      const char *path, const char *data);
/* Is there room for a socket's name?  0, or an exit status. */
int bfs_rundir_check(const char *run_dir);
/* A new directory for scratch data; NULL after a message. */
char *bfs_rundir_data(const struct bfs_options *o);
/* Make a directory and what leads there.  0, or an exit status. */
int bfs_dir_make(const char *path, const char *what);
/* Remove a directory and all in it. */
void bfs_tree_remove(const char *dir);
void bfs_rundir_remove(const struct bfs_rundir *d);
void bfs_rundir_fini(struct bfs_rundir *d);
/* "dir/name", allocated; NULL without memory. */
char *bfs_path(const char *dir, const char *name);

/*
 * The daemon (daemon.c).
 */
/* Fork and exec benchfsd; its output goes to <run_dir>/log.  The pid or a
 * negative exit status after a message.  with_us: it stops when we die. */
pid_t bfs_daemon_spawn(const struct bfs_options *o, const struct bfs_rundir *d,
		       bool with_us);
/* SIGTERM, wait, SIGKILL if need be.  The wait status. */
int bfs_daemon_end(pid_t pid, int pidfd);
/* Print how it ended and the last lines of its log; an exit status. */
int bfs_daemon_explain(const struct bfs_rundir *d, int status);
/* The last lines of its log, each to put(arg, line). */
void bfs_daemon_tail(const char *log, void (*put)(void *arg, const char *line),
		     void *arg);
/* The pid of the live daemon that listens in run_dir; 0: none. */
pid_t bfs_daemon_find(const char *run_dir);
/* Wait for <run_dir>/ready.  signals: a signalfd that ends the wait, or -1.
 * pidfd: who must stay alive.  0, -ESRCH, -EINTR, -ETIMEDOUT. */
int bfs_daemon_wait(const struct bfs_rundir *d, int pidfd, int signals,
		    unsigned timeout_ms);
/* Path of benchfsd; NULL after a message. */
char *bfs_daemon_path(void);

/* Ask a daemon for its counters (cmd_status.c): the number in v, or -errno.
 * hash: of its member list, 0 if it is alone. */
#define BFS_COUNTERS_MAX 256
int bfs_status_fetch(const char *run_dir, uint64_t hash, unsigned timeout_secs,
		     uint64_t v[BFS_COUNTERS_MAX]);

/* text as a JSON string, quotes included (json.c). */
void bfs_json_string(const char *text, FILE *out);

/*
 * The program to run (program.c, inspect.c).
 */
/* Find it as execvp would.  0, 126 or 127 after a message.  *inside: it may
 * lie in BenchFS, so that only a preloaded process can find it. */
int bfs_program_find(const char *name, const char *mount, char **path,
		     bool *inside);
/* Look for a name on PATH: 0, or an errno and no message. */
int bfs_program_search(const char *name, const char *mount, char **path,
		       bool *inside);
/* Is path absolute and below the mount point? */
bool bfs_program_below(const char *path, const char *mount);
/* Warn on stderr if the preload library cannot get into it, or not catch what
 * it does.  syscalls: BENCHFS_SYSCALLS is on. */
void bfs_program_check(const char *path, const char *mount, bool syscalls);
/* Path of the preload library; NULL after a message. */
char *bfs_preload_path(void);
/*
 * What clients need: calls put(arg, name, value) for every variable; value
 * NULL: to be unset.  far: there are other nodes, to which Open MPI takes what
 * it is told by name; srun and MPICH take everything.  0, or an exit status
 * after a message.
 */
int bfs_client_env(const struct bfs_config *c, const char *run_dir, bool far,
		   void (*put)(void *arg, const char *name, const char *value),
		   void *arg);

/*
 * Reports (report.c).
 */
/* A new one at path, in place of an old one.  0 and the descriptor, or an exit
 * status after a message. */
int bfs_report_make(const char *path, int *fd);
/* As a table, or JSON.  0, or an exit status after a message. */
int bfs_report_print(int fd, const char *name, bool json, FILE *out);

/* The signals that a run takes part in (signals.c). */
int bfs_signals_take(void);	  /* a signalfd, CLOEXEC; or -1 */
void bfs_signals_give_back(void); /* in a child, before exec */
/* Set all of them and SIGPIPE to SIG_IGN or SIG_DFL. */
void bfs_signals_dispose(void (*handler)(int));
/* The next signal; 0: none.  *told: the program knows of it, since a terminal
 * has told the whole group. */
int bfs_signals_next(int fd, bool *told);
/*
 * How many clients of that run directory in our process group have been told
 * to end, and do not hear it since our own library blocks all signals
 * (stuck.c).  end: they are killed.
 */
int bfs_stuck(const char *run_dir, bool end);
/* It has been killed, though it may hold for a while what it has open. */
bool bfs_killed(pid_t pid);

#endif
