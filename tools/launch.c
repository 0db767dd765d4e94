/* SPDX-License-Identifier: BSD-3-Clause */
/* The processes that do something on the nodes, and what they say. */
#include "tools/cluster.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define LINE 8192
#define TAIL 2048 /* bytes of what else it said */
#define MARK "benchfs-node "
#define END_MS 70000 /* longer than a node needs to stop its daemons */

struct process {
	const char *node; /* of the list; NULL: all */
	pid_t pid;	  /* 0: has ended */
	int in, out;	  /* its standard input and output; -1: closed */
	bool spoke;	  /* of a member: `benchfs node` runs there */
	char line[LINE];
	size_t len;
	char tail[TAIL];
	size_t tail_len;
};

struct bfs_launch {
	struct bfs_options *o;
	const struct bfs_cluster *c;
	const char *action;
	enum bfs_launcher how;
	const struct bfs_launch_ops *ops;
	void *arg;
	struct process *p;
	unsigned n, running;
	int failed;  /* exit status of the first that failed */
	bool ending; /* how they end is our doing */
};

static bool stays(enum bfs_launcher how)
{
	return how == BFS_LAUNCH_SRUN || how == BFS_LAUNCH_MPIRUN;
}

/* In the child.  One that stays has its own session, and a file for what it
 * says later. */
static void become(struct bfs_launch *l, char **argv, int in, int out)
{
	BFS_AUTOFREE char *log = bfs_path(l->c->registry, "launch.log");
	int err = out;

	bfs_signals_give_back();
	bfs_signals_dispose(SIG_DFL);
	if (stays(l->how)) {
		setsid();
		err = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
		if (geteuid() == 0) { /* Open MPI wants to be told twice */
			setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
			setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
		}
	}
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err < 0 ? out : err, STDERR_FILENO);
	close_range(3, ~0U, 0);
	if (l->how == BFS_LAUNCH_LOCAL && strcmp(argv[0], "env"))
		execv("/proc/self/exe", argv);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %m\n", argv[0]);
	_exit(BFS_EXIT_CANNOT_RUN);
}

static int spawn(struct bfs_launch *l, struct process *p, char **argv)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		goto fail;
	p->pid = fork();
	if (p->pid < 0)
		goto fail;
	if (!p->pid)
		become(l, argv, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	l->running++;
	return 0;
fail:
	p->pid = 0;
	for (int i = 0; i < 2; i++) {
		if (in[i] >= 0)
			close(in[i]);
		if (out[i] >= 0)
			close(out[i]);
	}
	return bfs_fail(EX_OSERR, "cannot start a process: %m");
}

/* A process for each node, or one for all. */
static int spawn_all(struct bfs_launch *l)
{
	const struct bfs_members *m = l->c->list;
	int status = 0;

	l->p = calloc(m->n, sizeof(*l->p));
	if (!l->p)
		return bfs_fail(EX_OSERR, "out of memory");
	for (unsigned i = 0; !status && i < m->n; i++) {
		struct process *p = &l->p[l->n];
		char **argv;

		if (stays(l->how)
			    ? i > 0
			    : bfs_members_on_node(m, m->m[i].node, 0) != (int)i)
			continue;
		l->n++;
		p->in = p->out = -1;
		p->node = stays(l->how) ? NULL : m->m[i].node;
		argv = bfs_launch_command(l->o, l->c, l->how, l->action,
					  p->node);
		status = argv ? spawn(l, p, argv)
			      : bfs_fail(EX_OSERR, "out of memory");
		for (unsigned k = 0; argv && argv[k]; k++)
			free(argv[k]);
		free(argv);
	}
	return status;
}

/* Keep the end of what is no event. */
static void note(struct process *p, const char *text)
{
	size_t n = BFS_MIN(strlen(text), (size_t)TAIL - 2);

	if (p->tail_len + n + 2 > TAIL) {
		size_t drop = p->tail_len + n + 2 - TAIL;

		memmove(p->tail, p->tail + drop, p->tail_len - drop);
		p->tail_len -= drop;
	}
	memcpy(p->tail + p->tail_len, text, n);
	p->tail_len += n;
	p->tail[p->tail_len++] = '\n';
	p->tail[p->tail_len] = '\0';
}

static void show_tail(struct process *p)
{
	char *save = NULL;

	for (char *line = strtok_r(p->tail, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		fprintf(stderr, "| %s\n", line);
}

static void set_failed(struct bfs_launch *l, int status)
{
	if (!l->failed)
		l->failed = status;
}

static void take_line(struct bfs_launch *l, struct process *p, char *line)
{
	char *event = line + strlen(MARK), *name, *text;
	int shard;

	if (strncmp(line, MARK, strlen(MARK))) {
		note(p, line);
		return;
	}
	name = strchrnul(event, ' ');
	if (*name)
		*name++ = '\0';
	text = strchrnul(name, ' ');
	if (*text)
		*text++ = '\0';
	shard = bfs_members_find(l->c->list, name);
	p->spoke |= shard >= 0;
	if (shard >= 0)
		set_failed(l,
			   l->ops->event(l->arg, event, (unsigned)shard, text));
}

static void take_lines(struct bfs_launch *l, struct process *p)
{
	char *start = p->line, *end;

	p->line[p->len] = '\0';
	while ((end = strchr(start, '\n'))) {
		*end = '\0';
		take_line(l, p, start);
		start = end + 1;
	}
	p->len = strlen(start);
	memmove(p->line, start, p->len);
	if (p->len == LINE - 1)
		p->len = 0; /* nobody's event */
}

static void ended(struct bfs_launch *l, struct process *p)
{
	int status = 0, code;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	l->running--;
	close(p->out);
	p->out = -1;
	if (!status || l->ending)
		return;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_UNAVAILABLE;
	/* what a daemon's end means has been told */
	if (!l->failed) {
		bfs_fail(0, "%s on %s failed (%s %d)",
			 bfs_launcher_name(l->how),
			 p->node ? p->node : "the nodes",
			 WIFEXITED(status) ? "status" : "signal",
			 WIFEXITED(status) ? code : WTERMSIG(status));
		show_tail(p);
	}
	set_failed(l,
		   code >= EX__BASE && code <= EX__MAX ? code : EX_UNAVAILABLE);
}

static void read_some(struct bfs_launch *l, struct process *p)
{
	ssize_t n = read(p->out, p->line + p->len, LINE - 1 - p->len);

	if (n > 0) {
		p->len += (size_t)n;
		take_lines(l, p);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		ended(l, p);
	}
}

/* All that has come within ms; 0, or -EINTR for a signal. */
static int attend(struct bfs_launch *l, int signals, int ms)
{
	BFS_AUTOFREE struct pollfd *p = calloc(l->n + 1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	for (unsigned i = 0; i < l->n; i++)
		p[i] = (struct pollfd){ l->p[i].out, POLLIN, 0 };
	p[l->n] = (struct pollfd){ signals, POLLIN, 0 };
	(void)poll(p, l->n + 1, ms);
	for (unsigned i = 0; i < l->n; i++)
		if (p[i].revents)
			read_some(l, &l->p[i]);
	return p[l->n].revents ? -EINTR : 0;
}

/* start: until all are ready, or one fails.  The others: to the end. */
static bool over(const struct bfs_launch *l)
{
	if (!strcmp(l->action, "start"))
		return l->failed || l->ops->complete(l->arg) || !l->running;
	return !l->running;
}

static int wait_for(struct bfs_launch *l, int signals, unsigned timeout_ms)
{
	uint64_t until = bfs_now() + timeout_ms * 1000000ull;
	bool told;

	while (!over(l)) {
		uint64_t now = bfs_now();

		if (now >= until)
			return bfs_fail(EX_TEMPFAIL,
					"not all nodes have answered within %u "
					"seconds",
					timeout_ms / 1000);
		if (attend(l, signals, (int)((until - now) / 1000000) + 1) ==
		    -EINTR)
			return 128 + BFS_MAX(bfs_signals_next(signals, &told),
					     SIGINT);
	}
	if (!l->failed && !l->ops->complete(l->arg))
		return bfs_fail(EX_UNAVAILABLE,
				"%s ended without a word about some of the "
				"daemons",
				bfs_launcher_name(l->how));
	return l->failed;
}

static enum bfs_launcher launcher_of(const struct bfs_members *l)
{
	for (unsigned i = 0; i <= BFS_LAUNCH_MPIRUN; i++)
		if (!strcmp(l->launcher, bfs_launcher_name(i)))
			return (enum bfs_launcher)i;
	return BFS_LAUNCH_LOCAL;
}

int bfs_launch_begin(struct bfs_launch **out, struct bfs_options *o,
		     const struct bfs_cluster *c, const char *action,
		     const struct bfs_launch_ops *ops, void *arg, int signals,
		     unsigned timeout_ms)
{
	struct bfs_launch *l = calloc(1, sizeof(*l));
	int status;

	*out = l;
	if (!l)
		return bfs_fail(EX_OSERR, "out of memory");
	l->o = o;
	l->c = c;
	l->action = action;
	l->how = launcher_of(c->list);
	l->ops = ops;
	l->arg = arg;
	signal(SIGPIPE, SIG_IGN); /* one of them may be gone */
	status = spawn_all(l);
	return status ? status : wait_for(l, signals, timeout_ms);
}

int bfs_launch_hold(struct bfs_launch *l, int fd)
{
	unsigned n = l->running;

	while (l->running == n)
		if (attend(l, fd, -1) == -EINTR)
			return 0;
	return l->failed ? l->failed
			 : bfs_fail(EX_SOFTWARE, "%s ended by itself",
				    bfs_launcher_name(l->how));
}

static void tell_all(struct bfs_launch *l, bool go)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct process *p = &l->p[i];

		if (p->in < 0)
			continue;
		if (go)
			(void)!write(p->in, "go\n", 3);
		close(p->in);
		p->in = -1;
		/* one that hangs does not see the end of its input */
		if (p->pid && !go && (stays(l->how) || !p->spoke))
			kill(p->pid, SIGTERM);
	}
}

int bfs_launch_end(struct bfs_launch *l, bool go)
{
	uint64_t until = bfs_now() + END_MS * 1000000ull;
	int failed;

	if (!l)
		return 0;
	l->ending = !go;
	tell_all(l, go);
	while (l->running && bfs_now() < until && !(go && stays(l->how)))
		(void)attend(l, -1, 1000);
	for (unsigned i = 0; i < l->n; i++) {
		if (l->p[i].out >= 0)
			close(l->p[i].out);
		if (l->p[i].pid && !(go && stays(l->how)))
			kill(l->p[i].pid, SIGKILL);
	}
	failed = l->failed;
	free(l->p);
	free(l);
	return failed;
}
