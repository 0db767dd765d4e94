/* SPDX-License-Identifier: BSD-3-Clause */
/* SIGTERM and SIGINT stop, SIGHUP reloads. */
#include "core/log.h"
#include "server/daemon.h"
#include "server/fs.h"
#include "server/loop.h"
#include "server/stage.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static void tell(void *arg, const char *name, bool taken)
{
	if (taken)
		bfs_log(warn, "reload: %s changed", name);
	else
		bfs_log(warn,
			"reload: %s cannot change while the daemon runs; "
			"restart it",
			name);
}

static void reload(struct bfs_server *s)
{
	struct bfs_config fresh;
	struct bfs_quota quota;
	bool ok = false;

	s->reload(s->reload_arg, &fresh, &ok);
	if (!ok) {
		bfs_log(error, "reload: the old settings stay in force");
	} else {
		bfs_config_reload(&s->config, &fresh, tell, NULL);
		bfs_config_log(&s->config);
		bfs_loop_set_spin(s->loop, (unsigned)s->config.network.spin_us);
		bfs_fs_set_limit(s->fs, s->config.storage.max_storage_gb);
		quota = bfs_daemon_quota(s);
		bfs_fs_set_quota(s->fs, &quota);
		bfs_fs_set_sync_close(s->fs, s->config.storage.fsync_on_close);
		bfs_stages = s->config.node.stage_times;
	}
	bfs_config_fini(&fresh);
}

static void on_signal(void *arg, uint32_t events)
{
	struct bfs_server *s = arg;
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(s);
		else
			s->stop = strsignal((int)info.ssi_signo);
	}
}

int bfs_signals_start(struct bfs_server *s)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	/* Beyond RLIMIT_FSIZE a write answers EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	/* Who opens a data file in the moment of a look with F_SETLEASE waits
	 * for its end by itself. */
	signal(SIGIO, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return -errno;
	r = bfs_loop_add(s->loop, s->signal_fd, EPOLLIN, on_signal, s);
	return r;
}

void bfs_signals_stop(struct bfs_server *s)
{
	if (!s->loop || s->signal_fd <= 0)
		return;
	bfs_loop_del(s->loop, s->signal_fd);
	close(s->signal_fd);
	s->signal_fd = -1;
}
