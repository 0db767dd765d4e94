/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting, finding and ending benchfsd. */
#include "tools/tools.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define TAIL 4096     /* bytes of the log that are shown */
#define STOP_MS 60000 /* from SIGTERM to SIGKILL: removing a big tree takes */
#define GONE_MS 10000 /* from SIGKILL to the end */
#define MAX_ARGS (10 + 2 * BFS_CONFIG_OPTIONS)

/* Beside an installed or copied benchfs: <dir of benchfs>/../sbin. */
static char *beside_us(void)
{
	char self[4096], *path, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	path = bfs_path(self, "../sbin/benchfsd");
	if (path && !access(path, X_OK))
		return path;
	free(path);
	return NULL;
}

char *bfs_daemon_path(void)
{
	const char *env = getenv("BENCHFS_DAEMON");
	char *path = env && *env ? strdup(env) : beside_us();

	if (!path)
		path = strdup(BFS_SBINDIR "/benchfsd");
	if (path && !access(path, X_OK))
		return path;
	bfs_fail(0, "cannot run the daemon %s: %m", path ? path : "benchfsd");
	free(path);
	return NULL;
}

/*
 * Names and attributes stay if the data does, unless somebody said what he
 * wants; for one run on scratch data the journal would be a waste.
 */
static bool wants_journal(const struct bfs_options *o,
			  const struct bfs_rundir *d, bool with_us)
{
	return o->config.from[BFS_CONFIG_metadata_journal].origin ==
		       BFS_CONFIG_DEFAULT &&
	       (!with_us || !d->own_data);
}

/* Everything that was set, whatever the source: --set section.key=value. */
static int daemon_args(const struct bfs_options *o, const struct bfs_rundir *d,
		       bool with_us, char **argv)
{
	unsigned n = 0;

	argv[n++] = (char *)"benchfsd";
	argv[n++] = (char *)"--run-dir";
	argv[n++] = d->path;
	argv[n++] = (char *)"--data-dir";
	argv[n++] = d->data;
	if (o->config_file) {
		argv[n++] = (char *)"-c";
		argv[n++] = (char *)o->config_file;
	}
	if (wants_journal(o, d, with_us)) {
		argv[n++] = (char *)"--set";
		argv[n++] = (char *)"metadata.journal=lmdb";
	}
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_config_info *info = bfs_config_info(i);
		char text[4096];

		if (o->config.from[i].origin != BFS_CONFIG_COMMAND)
			continue;
		bfs_config_text(&o->config, i, text, sizeof(text));
		argv[n++] = (char *)"--set";
		if (asprintf(&argv[n++], "%s.%s=%s", info->section, info->key,
			     text) < 0)
			return -ENOMEM;
	}
	argv[n] = NULL;
	return 0;
}

/* In the child: out of the terminal's and our caller's way, then exec. */
static void become_daemon(const char *path, char **argv, const char *log,
			  pid_t parent)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	int null = open("/dev/null", O_RDWR);

	if (fd < 0 || null < 0) {
		bfs_fail(0, "%s: %m", log);
		_exit(EX_CANTCREAT);
	}
	setsid();
	if (parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent))
		_exit(EX_TEMPFAIL); /* it died meanwhile */
	bfs_signals_dispose(SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close_range(3, ~0U, 0);
	execv(path, argv);
	bfs_fail(0, "%s: %m", path);
	_exit(EX_OSFILE);
}

pid_t bfs_daemon_spawn(const struct bfs_options *o, const struct bfs_rundir *d,
		       bool with_us)
{
	BFS_AUTOFREE char *path = bfs_daemon_path();
	BFS_AUTOFREE char *log = bfs_path(d->path, "log");
	char *argv[MAX_ARGS];
	pid_t parent = with_us ? getpid() : 0, pid;

	if (!path)
		return -EX_OSFILE;
	if (!log)
		return -bfs_fail(EX_OSERR, "out of memory");
	pid = fork();
	if (pid < 0)
		return -bfs_fail(EX_OSERR, "fork: %m");
	if (pid)
		return pid;
	bfs_signals_give_back();
	if (daemon_args(o, d, with_us, argv))
		_exit(EX_OSERR);
	become_daemon(path, argv, log, parent);
	return 0; /* not reached */
}

static int wait_ms(int pidfd, int ms)
{
	struct pollfd p = { pidfd, POLLIN, 0 };
	int r;

	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	return r;
}

int bfs_daemon_end(pid_t pid, int pidfd)
{
	int status = 0;

	pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
	if (wait_ms(pidfd, STOP_MS) == 0) {
		bfs_warn("the daemon (pid %d) did not stop within %d seconds "
			 "and is killed",
			 pid, STOP_MS / 1000);
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void bfs_daemon_tail(const char *log, void (*put)(void *arg, const char *line),
		     void *arg)
{
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	char buf[TAIL + 1], *line = buf, *end;
	ssize_t n = 0;

	if (size > 0)
		n = pread(fd, buf, TAIL, size > TAIL ? size - TAIL : 0);
	if (fd >= 0)
		close(fd);
	if (n <= 0) {
		put(arg, "(its log is empty)");
		return;
	}
	buf[n] = '\0';
	if (size > TAIL && (end = strchr(buf, '\n')))
		line = end + 1;
	for (char *save = NULL, *at = strtok_r(line, "\n", &save); at;
	     at = strtok_r(NULL, "\n", &save))
		put(arg, at);
}

static void show_line(void *arg, const char *line)
{
	fprintf(stderr, "| %s\n", line);
}

int bfs_daemon_explain(const struct bfs_rundir *d, int status)
{
	BFS_AUTOFREE char *log = bfs_path(d->path, "log");
	int code = EX_SOFTWARE;

	if (WIFSIGNALED(status)) {
		bfs_fail(0,
			 "the daemon was killed by signal %d (%s); its last "
			 "log lines:",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	} else {
		bfs_fail(0,
			 "the daemon ended with status %d; its last log "
			 "lines:",
			 WEXITSTATUS(status));
		if (WEXITSTATUS(status) >= EX__BASE &&
		    WEXITSTATUS(status) <= EX__MAX)
			code = WEXITSTATUS(status);
	}
	if (log)
		bfs_daemon_tail(log, show_line, NULL);
	return code;
}

/* Until a daemon that has been killed is gone, with all its threads: as long as
 * one is left its socket listens, and its directories are locked. */
static bool is_gone(pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	bool gone = fd < 0 || wait_ms(fd, GONE_MS) > 0;

	if (fd >= 0)
		close(fd);
	return gone;
}

pid_t bfs_daemon_find(const char *run_dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (s < 0)
		return 0;
	if (snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", run_dir) >=
		    (int)sizeof(a.sun_path) ||
	    connect(s, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		cred.pid = 0;
	close(s);
	return cred.pid && bfs_killed(cred.pid) && is_gone(cred.pid) ? 0
								     : cred.pid;
}

static int exists(const struct bfs_rundir *d, const char *name)
{
	BFS_AUTOFREE char *path = bfs_path(d->path, name);

	return path && !access(path, F_OK);
}

int bfs_daemon_wait(const struct bfs_rundir *d, int pidfd, int signals,
		    unsigned timeout_ms)
{
	uint64_t until = bfs_now() + timeout_ms * 1000000ull;
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), r = 0;
	struct pollfd p[] = { { pidfd, POLLIN, 0 },
			      { watch, POLLIN, 0 },
			      { signals, POLLIN, 0 } };
	/* Where inotify has run out of instances, look every now and then. */
	bool blind =
		watch < 0 ||
		inotify_add_watch(watch, d->path, IN_CREATE | IN_MOVED_TO) < 0;
	char events[4096];

	while (!exists(d, "ready")) {
		uint64_t now = bfs_now();
		int ms = (int)((until - now) / 1000000);

		if (now >= until) {
			r = -ETIMEDOUT;
			break;
		}
		(void)poll(p, BFS_COUNT(p), blind ? BFS_MIN(ms, 5) : ms + 1);
		if (p[0].revents)
			r = -ESRCH;
		else if (p[2].revents)
			r = -EINTR;
		if (r)
			break;
		if (watch >= 0)
			(void)!read(watch, events, sizeof(events));
	}
	if (watch >= 0)
		close(watch);
	return r;
}
