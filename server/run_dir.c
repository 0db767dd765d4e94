/* SPDX-License-Identifier: BSD-3-Clause */
/* The run directory: pid, ready, and telling the service manager. */
#include "core/local_io.h"
#include "core/log.h"
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* One, or a link to one, that somebody else has made could have his socket in
 * it. */
static int check_dir(const char *dir)
{
	struct stat st;

	if (lstat(dir, &st) || (st.st_uid == geteuid() && stat(dir, &st)))
		return -errno;
	if (st.st_uid == geteuid() && S_ISDIR(st.st_mode))
		return 0;
	if (st.st_uid == geteuid()) {
		bfs_log(error, "run directory %s: it is no directory", dir);
		return -ENOTDIR;
	}
	bfs_log(error, "run directory %s: it belongs to user %u, we are %u",
		dir, st.st_uid, geteuid());
	return -EPERM;
}

int bfs_run_dir_make(struct bfs_server *s)
{
	bool others = s->allow_all || s->nallowed;
	const char *dir = s->config.node.run_dir;
	int r;

	if (mkdir(dir, 0700) && errno != EEXIST) {
		r = -errno;
		bfs_log(error, "cannot make the run directory %s: %m", dir);
		return r;
	}
	r = check_dir(dir);
	if (r)
		return r;
	/* Others may pass through to the socket, not look around. */
	if (chmod(dir, others ? 0711 : 0700)) {
		r = -errno;
		bfs_log(error, "cannot %s %s to other users: %m",
			others ? "open" : "close", dir);
		return r;
	}
	s->run_dir = realpath(dir, NULL);
	return s->run_dir ? 0 : -errno;
}

/* Under a temporary name first: readers see all of it or nothing (C3). */
static int write_file(struct bfs_server *s, const char *name, const char *text)
{
	char path[PATH_MAX], temp[PATH_MAX];
	int fd, r = 0;

	if (snprintf(path, sizeof(path), "%s/%s", s->run_dir, name) >=
		    PATH_MAX ||
	    snprintf(temp, sizeof(temp), "%s/%s.new", s->run_dir, name) >=
		    PATH_MAX)
		return -ENAMETOOLONG;
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    rename(temp, path)) {
		r = -errno;
		bfs_log(error, "cannot write %s: %m", path);
	}
	if (fd >= 0)
		close(fd);
	return r;
}

int bfs_run_dir_write_pid(struct bfs_server *s)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", getpid());
	return write_file(s, "pid", text);
}

/* sd_notify(3): READY=1 to the socket in NOTIFY_SOCKET, "@" is abstract. */
static void notify(const char *text)
{
	const char *where = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = where ? strlen(where) : 0;
	int fd;

	if (!n || n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, where, n);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		bfs_log(warn, "cannot tell %s that we are ready: %m", where);
	if (fd >= 0)
		close(fd);
}

void bfs_run_dir_up(void)
{
	notify("STATUS=up: waiting for the other members\n");
}

int bfs_run_dir_ready(struct bfs_server *s)
{
	char text[64];
	int r;

	snprintf(text, sizeof(text), "%d %s\n", getpid(), PACKAGE_VERSION);
	r = s->journal ? write_file(s, BFS_LOCAL_RESTARTS, "") : 0;
	if (!r)
		r = write_file(s, "ready", text);
	if (!r)
		notify("READY=1\nSTATUS=serving\n");
	bfs_log(info, "serving in %s", s->run_dir);
	return r;
}

void bfs_run_dir_clean(struct bfs_server *s, bool remove_all)
{
	static const char *const names[] = { "ready", "pid", "ucx.addr",
					     BFS_LOCAL_RESTARTS, "log" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], "log") && !remove_all)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", s->run_dir,
			     names[i]) < PATH_MAX)
			unlink(path);
	}
}
