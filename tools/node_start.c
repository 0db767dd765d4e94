/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting the daemons of a node, and staying with them for a while. */
#include "tools/node.h"

#include "core/util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/*
 * Daemons tell the service manager when they are up and ready, see
 * sd_notify(3), and that is us: an abstract socket, whose messages the kernel
 * signs with the sender's pid.
 */
static int listen_to_daemons(struct bfs_node *n)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	unsigned long long random;
	int on = 1, len;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return bfs_fail(EX_OSERR, "no random numbers");
	len = snprintf(a.sun_path, sizeof(a.sun_path), "@benchfs-%llx", random);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	a.sun_path[0] = '\0';
	n->notify =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->notify < 0 ||
	    setsockopt(n->notify, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ||
	    bind(n->notify, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			     (size_t)len)))
		return bfs_fail(EX_OSERR, "no socket to hear from daemons: %m");
	return 0;
}

static struct bfs_node_daemon *by_pid(struct bfs_node *n, pid_t pid)
{
	for (unsigned i = 0; i < n->n; i++)
		if (n->d[i].pid == pid)
			return &n->d[i];
	return NULL;
}

static void on_word(struct bfs_node *n, struct bfs_node_daemon *d,
		    const char *text)
{
	if (!strncmp(text, "READY=1", 7)) {
		d->ready = true;
		bfs_node_say(n, "ready", d->m, "%d", d->pid);
	} else if (!strncmp(text, "STATUS=up", 9)) {
		bfs_node_say(n, "up", d->m, "%d", d->pid);
	}
}

static void hear(struct bfs_node *n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char text[256];
	struct iovec v = { text, sizeof(text) - 1 };

	for (;;) {
		struct msghdr m = { .msg_iov = &v,
				    .msg_iovlen = 1,
				    .msg_control = control.buf,
				    .msg_controllen = sizeof(control.buf) };
		ssize_t len = recvmsg(n->notify, &m, 0);
		const struct cmsghdr *c = len < 0 ? NULL : CMSG_FIRSTHDR(&m);
		struct bfs_node_daemon *d;
		struct ucred from;

		if (len < 0)
			return;
		if (!c || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&from, CMSG_DATA(c), sizeof(from));
		text[len] = '\0';
		d = by_pid(n, from.pid);
		if (d)
			on_word(n, d, text);
	}
}

/* One setting more, as if on the command line. */
static int set(struct bfs_options *o, const char *key, const char *value)
{
	BFS_AUTOFREE char *text = NULL;
	struct bfs_config_err err;

	if (asprintf(&text, "%s=%s", key, value) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	if (bfs_config_set(&o->config, text, &err))
		return bfs_fail(EX_USAGE, "%s", err.text);
	return 0;
}

static int start_one(struct bfs_node *n, struct bfs_node_daemon *d)
{
	int status;

	if (n->resume && bfs_daemon_find(d->m->run_dir)) {
		bfs_node_say(n, "up", d->m, "%s", "");
		bfs_node_say(n, "ready", d->m, "%s", "");
		return 0;
	}
	d->fresh = access(d->m->data_dir, F_OK) != 0;
	status =
		bfs_rundir_member(&d->dir, n->o, d->m->run_dir, d->m->data_dir);
	if (!status)
		status = set(n->o, "node.member", d->m->name);
	if (status)
		return status;
	d->pid = bfs_daemon_spawn(n->o, &d->dir, n->bound);
	if (d->pid < 0) {
		status = -d->pid;
		d->pid = 0;
		return status;
	}
	d->pidfd = pidfd_open(d->pid, 0);
	return d->pidfd < 0 ? bfs_fail(EX_OSERR, "pidfd_open: %m") : 0;
}

/* Beside the run directories: where the registry is, and who serves here. */
static int put_links(const struct bfs_node *n)
{
	const char *first = n->d[0].m->run_dir;
	const char *registry = n->o->config.network.registry_dir;
	BFS_AUTOFREE char *here = NULL, *link = NULL;
	int len = (int)(strrchr(first, '/') - first);

	if (asprintf(&here, "%.*s/here", len, first) < 0 ||
	    asprintf(&link, "%.*s/registry", len, first) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	(void)unlink(here);
	if (symlink(first, here) && errno != EEXIST)
		return bfs_fail(EX_CANTCREAT, "%s: %m", here);
	if (strcmp(link, registry) && symlink(registry, link) &&
	    errno != EEXIST)
		return bfs_fail(EX_CANTCREAT, "%s: %m", link);
	return 0;
}

static int start_all(struct bfs_node *n)
{
	int status = set(n->o, "node.node_id", n->name);

	for (unsigned i = 0; !status && i < n->n; i++)
		status = start_one(n, &n->d[i]);
	return status ? status : put_links(n);
}

static void say_line(void *arg, const char *line)
{
	void **to = arg;

	bfs_node_say(to[0], "log", to[1], "%s", line);
}

int bfs_node_explain(struct bfs_node *n, struct bfs_node_daemon *d, int status)
{
	BFS_AUTOFREE char *log = bfs_path(d->dir.path, "log");
	void *to[] = { n, d->m };

	if (WIFSIGNALED(status))
		bfs_node_say(n, "failed", d->m, "was killed by signal %d (%s)",
			     WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		bfs_node_say(n, "failed", d->m, "ended with status %d",
			     WEXITSTATUS(status));
	if (log)
		bfs_daemon_tail(log, say_line, to);
	bfs_node_say(n, "end", d->m, "%d",
		     WIFEXITED(status) && WEXITSTATUS(status)
			     ? WEXITSTATUS(status)
			     : EX_SOFTWARE);
	return EX_SOFTWARE;
}

/* A daemon has ended by itself. */
static int reap(struct bfs_node *n, struct bfs_node_daemon *d)
{
	int status = 0, code;

	while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(d->pidfd);
	d->pid = 0;
	/* Somebody stopped the cluster: that is no failure. */
	if (d->ready && !status)
		return 0;
	code = bfs_node_explain(n, d, status);
	/* The others can do without it, once all are there. */
	return d->ready && !n->bound ? 0 : code;
}

enum { STDIN, NOTIFY, SIGNALS, OTHERS };

/* Wait for anything; < 0: it is over, leave (-1) or end them (-2). */
static int look(struct bfs_node *n, struct pollfd *p)
{
	char word[16];
	ssize_t len;
	bool told;

	if (p[NOTIFY].revents)
		hear(n);
	if (p[SIGNALS].revents && bfs_signals_next(n->signals, &told))
		return -2;
	if (p[STDIN].revents) {
		len = read(STDIN_FILENO, word, sizeof(word));
		if (len <= 0)
			return -2;
		if (!n->bound)
			return -1; /* "go" */
	}
	return 0;
}

static unsigned running(const struct bfs_node *n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n->n; i++)
		count += n->d[i].pid != 0;
	return count;
}

/* 0: they stay, or have all ended well. */
static int attend(struct bfs_node *n)
{
	BFS_AUTOFREE struct pollfd *p = calloc(n->n + OTHERS, sizeof(*p));
	int what = 0, status = 0;

	if (!p)
		return bfs_fail(EX_OSERR, "out of memory");
	while (!what && !status && running(n)) {
		p[STDIN] = (struct pollfd){ n->stay ? -1 : STDIN_FILENO, POLLIN,
					    0 };
		p[NOTIFY] = (struct pollfd){ n->notify, POLLIN, 0 };
		p[SIGNALS] = (struct pollfd){ n->signals, POLLIN, 0 };
		for (unsigned i = 0; i < n->n; i++)
			p[OTHERS + i] = (struct pollfd){
				n->d[i].pid ? n->d[i].pidfd : -1, POLLIN, 0
			};
		(void)poll(p, n->n + OTHERS, -1);
		what = look(n, p);
		for (unsigned i = 0; i < n->n; i++)
			if (p[OTHERS + i].revents && !status)
				status = reap(n, &n->d[i]);
	}
	if (what == -1)
		return 0;
	bfs_node_end_all(n);
	bfs_node_clean(n);
	return what ? EX_TEMPFAIL : status;
}

int bfs_node_start(struct bfs_node *n)
{
	int status;

	n->signals = bfs_signals_take();
	if (n->signals < 0)
		return bfs_fail(EX_OSERR, "signalfd: %m");
	signal(SIGPIPE, SIG_IGN); /* who started us may have gone */
	status = listen_to_daemons(n);
	if (!status)
		status = start_all(n);
	if (!status && !running(n))
		return 0; /* nobody was down */
	if (!status)
		return attend(n);
	bfs_node_end_all(n);
	bfs_node_clean(n);
	return status;
}
