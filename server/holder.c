/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/holder.h"

#include "core/local_io.h"
#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

extern char **environ;

#define SOCKET "hold"
#define LISTENER 3 /* its descriptor in the holder */
#define LOOK_MS 100
/* Nobody starts the daemon again: a restart then finds descriptors dead. */
#define PATIENCE_MS (15 * 60 * 1000)
#define ANSWER_SECS 10

enum word { KEEP = 1, FETCH, DONE, END };

struct note {
	uint32_t word, uid;
};

static int name_of(struct sockaddr_un *name, const char *run_dir)
{
	int n;

	name->sun_family = AF_UNIX;
	n = snprintf(name->sun_path, sizeof(name->sun_path), "%s/" SOCKET,
		     run_dir);
	return n < (int)sizeof(name->sun_path) ? 0 : -ENAMETOOLONG;
}

static int tell(int conn, uint32_t word, uint32_t uid, const int *fds)
{
	const struct note n = { word, uid };
	int r = bfs_local_send(conn, &n, sizeof(n), fds, fds ? 2 : 0, 0);

	return r < 0 ? r : 0;
}

/* fds: two, -1 if none came.  The word, 0: the other side is gone; -errno. */
static int hear(int conn, uint32_t *uid, int fds[2])
{
	struct note n;
	int r;

	do
		r = bfs_local_recv(conn, &n, sizeof(n), fds, 2, 0);
	while (r == -EINTR);
	*uid = n.uid;
	if (r <= 0)
		return r == -ECONNRESET ? 0 : r;
	return r == sizeof(n) ? (int)n.word : -EPROTO;
}

/* Those of an earlier holder, which died, are of no use. */
static int listen_at(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(name->sun_path);
	if (fd >= 0 &&
	    !bind(fd, (const struct sockaddr *)name, sizeof(*name)) &&
	    !chmod(name->sun_path, 0600) && !listen(fd, 4))
		return fd;
	if (fd >= 0)
		close(fd);
	return -errno;
}

static int spawn_holder(const char *run_dir, int listener)
{
	char *argv[] = { (char *)"benchfsd", (char *)"--hold", (char *)run_dir,
			 NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid;
	int e, fd = fcntl(listener, F_DUPFD_CLOEXEC, 10);

	if (fd < 0)
		return -errno;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fd, LISTENER);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSID);
	e = posix_spawn(&pid, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	close(fd);
	return -e;
}

static int dial(const struct sockaddr_un *name)
{
	const struct timeval t = { .tv_sec = ANSWER_SECS };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	if (!connect(fd, (const struct sockaddr *)name, sizeof(*name)))
		return fd;
	close(fd);
	return -errno;
}

static int fetch(int conn,
		 void (*found)(void *arg, uint32_t uid, int arena_fd,
			       int empty_fd),
		 void *arg)
{
	int fds[2], word, r = tell(conn, FETCH, 0, NULL);
	uint32_t uid;

	while (!r && (word = hear(conn, &uid, fds)) != DONE) {
		if (word == KEEP && fds[1] >= 0)
			found(arg, uid, fds[0], fds[1]);
		else
			r = word < 0 ? word : -EPROTO;
	}
	return r;
}

int bfs_holder_find(const char *run_dir,
		    void (*found)(void *arg, uint32_t uid, int arena_fd,
				  int empty_fd),
		    void *arg)
{
	struct sockaddr_un name;
	int conn, listener, r = name_of(&name, run_dir);

	if (r)
		return r;
	conn = dial(&name);
	if (conn < 0) {
		listener = listen_at(&name);
		r = listener < 0 ? listener : spawn_holder(run_dir, listener);
		if (listener >= 0)
			close(listener);
		conn = r ? r : dial(&name);
	}
	if (conn >= 0) {
		r = fetch(conn, found, arg);
		if (!r)
			return conn;
		close(conn);
	} else {
		r = conn;
	}
	bfs_log(error,
		"%s/" SOCKET ": nobody to hold what clients have open: %s",
		run_dir, strerror(-r));
	return r;
}

int bfs_holder_keep(int conn, uint32_t uid, int arena_fd, int empty_fd)
{
	const int fds[2] = { arena_fd, empty_fd };

	return tell(conn, KEEP, uid, fds);
}

void bfs_holder_end(int conn)
{
	(void)tell(conn, END, 0, NULL);
	close(conn);
}

/*
 * The holder itself.
 */
struct pair {
	uint32_t uid;
	int fds[2];
};

struct holder {
	struct pair *pairs;
	size_t npairs;
	int conn; /* of the daemon, or -1 */
};

static void keep(struct holder *h, uint32_t uid, const int fds[2])
{
	struct pair *p = realloc(h->pairs, (h->npairs + 1) * sizeof(*p));

	if (!p)
		return;
	h->pairs = p;
	p[h->npairs++] = (struct pair){ uid, { fds[0], fds[1] } };
}

static void give(const struct holder *h)
{
	for (size_t n = 0; n < h->npairs; n++)
		if (tell(h->conn, KEEP, h->pairs[n].uid, h->pairs[n].fds))
			return;
	(void)tell(h->conn, DONE, 0, NULL);
}

/* False: it is time to go. */
static bool serve(struct holder *h)
{
	int fds[2];
	uint32_t uid;

	switch (hear(h->conn, &uid, fds)) {
	case KEEP:
		if (fds[1] >= 0)
			keep(h, uid, fds);
		return true;
	case FETCH:
		give(h);
		return true;
	case END:
		return false;
	default:
		close(h->conn);
		h->conn = -1;
		return true;
	}
}

/* A daemon of our user: what it says counts from now on. */
static void welcome(struct holder *h)
{
	int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
	struct ucred u;
	socklen_t len = sizeof(u);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) ||
	    u.uid != geteuid()) {
		close(fd);
		return;
	}
	if (h->conn >= 0)
		close(h->conn);
	h->conn = fd;
}

/* Has the run directory been given up, or is it gone? */
static bool given_up(const char *run_dir)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" BFS_LOCAL_RESTARTS, run_dir);
	return access(path, F_OK) != 0;
}

int bfs_holder_main(const char *run_dir)
{
	struct holder h = { .conn = -1 };
	int alone_ms = 0;

	signal(SIGPIPE, SIG_IGN);
	while (alone_ms < PATIENCE_MS) {
		struct pollfd p[] = { { LISTENER, POLLIN, 0 },
				      { h.conn, POLLIN, 0 } };
		int n = poll(p, 2, h.conn < 0 ? LOOK_MS : -1);

		alone_ms = h.conn < 0 && !n ? alone_ms + LOOK_MS : 0;
		/* A daemon says so itself; one that has begun has no file. */
		if (alone_ms > LOOK_MS && given_up(run_dir))
			break;
		/* What the daemon before it has said comes first: it is gone,
		 * and perhaps nobody has read that yet. */
		if (!p[1].revents && p[0].revents)
			welcome(&h);
		else if (p[1].revents && !serve(&h))
			break;
	}
	return EX_OK;
}
