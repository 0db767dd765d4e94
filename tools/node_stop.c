/* SPDX-License-Identifier: BSD-3-Clause */
/* Stopping the daemons of a node, ours or those that stayed. */
#include "tools/node.h"

#include "core/util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define STOP_MS 60000 /* from SIGTERM to SIGKILL */

void bfs_node_end_all(struct bfs_node *n)
{
	uint64_t until = bfs_now() + STOP_MS * 1000000ull;

	/* All at once, then one after the other. */
	for (unsigned i = 0; i < n->n; i++)
		if (n->d[i].pid)
			pidfd_send_signal(n->d[i].pidfd, SIGTERM, NULL, 0);
	for (unsigned i = 0; i < n->n; i++) {
		struct bfs_node_daemon *d = &n->d[i];
		struct pollfd p = { d->pidfd, POLLIN, 0 };
		uint64_t now = bfs_now();
		int status = 0;

		if (!d->pid)
			continue;
		(void)poll(&p, 1,
			   now < until ? (int)((until - now) / 1000000) : 0);
		if (!p.revents)
			pidfd_send_signal(d->pidfd, SIGKILL, NULL, 0);
		/* a child of ours may have ended before, and not well */
		if (waitpid(d->pid, &status, 0) > 0 && status && p.revents &&
		    !(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM))
			bfs_node_explain(n, d, status);
		close(d->pidfd);
		d->pid = 0;
	}
}

/* The directory that holds the run directories, when the last of them and the
 * links have gone. */
static void clean_parent(const struct bfs_node *n)
{
	const char *first = n->d[0].m->run_dir;
	BFS_AUTOFREE char *dir =
		strndup(first, (size_t)(strrchr(first, '/') - first));
	BFS_AUTOFREE char *here = dir ? bfs_path(dir, "here") : NULL;

	if (here && !n->resume)
		(void)unlink(here);
}

void bfs_node_clean(struct bfs_node *n)
{
	for (unsigned i = 0; i < n->n; i++) {
		struct bfs_node_daemon *d = &n->d[i];

		if (!d->dir.path)
			continue;
		/* of a start that failed: nobody has been served, and its
		 * cluster will never be */
		d->dir.own_data |= d->fresh && !d->ready && !n->resume;
		/* Of one that did not come back its clients wait for the next
		 * attempt, and what they have open is held there. */
		if (!n->resume || d->ready) {
			bfs_rundir_remove(&d->dir);
			/* an empty data directory is of no use to anybody */
			if (d->dir.data)
				(void)rmdir(d->dir.data);
		}
		bfs_rundir_fini(&d->dir);
		memset(&d->dir, 0, sizeof(d->dir));
	}
	clean_parent(n);
}

/* One that was left by an earlier `benchfs node start`. */
static int find(struct bfs_node *n, struct bfs_node_daemon *d)
{
	const struct bfs_member *m = d->m;

	d->dir = (struct bfs_rundir){ .path = strdup(m->run_dir),
				      .data = strdup(m->data_dir),
				      .own_path = true };
	if (!d->dir.path || !d->dir.data)
		return bfs_fail(EX_OSERR, "out of memory");
	d->dir.own_data = !strncmp(m->data_dir, m->run_dir, strlen(m->run_dir));
	d->pid = bfs_daemon_find(m->run_dir);
	if (!d->pid) {
		bfs_node_say(n, "down", m, "no daemon runs in %s", m->run_dir);
		return 0;
	}
	d->pidfd = pidfd_open(d->pid, 0);
	if (d->pidfd < 0)
		d->pid = 0;
	/* It might have ended since, and the number be somebody else's. */
	if (d->pid && bfs_daemon_find(m->run_dir) != d->pid) {
		close(d->pidfd);
		d->pid = 0;
	}
	return 0;
}

int bfs_node_stop(struct bfs_node *n)
{
	BFS_AUTOFREE bool *was = calloc(n->n, sizeof(*was));
	int status = was ? 0 : bfs_fail(EX_OSERR, "out of memory");

	for (unsigned i = 0; !status && i < n->n; i++) {
		status = find(n, &n->d[i]);
		was[i] = n->d[i].pid != 0;
	}
	if (status)
		return status;
	bfs_node_end_all(n);
	for (unsigned i = 0; i < n->n; i++)
		if (was[i])
			bfs_node_say(n, "stopped", n->d[i].m, "%s", "");
	bfs_node_clean(n);
	return 0;
}
