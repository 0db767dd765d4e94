/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/process.h"

#include "core/log.h"
#include "core/util.h"
#include "server/frame.h"
#include "server/hidden.h"
#include "server/loop.h"
#include "server/session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <utlist.h>

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

static void forget(struct bfs_process *proc)
{
	bfs_loop_del(proc->port->server->loop, proc->pidfd);
	close(proc->pidfd);
	HASH_DEL(proc->port->server->processes, proc);
	free(proc);
}

static void on_exit_of(void *arg, uint32_t events)
{
	struct bfs_process *proc = arg;
	struct bfs_port_local *p = proc->port;
	struct bfs_conn *c, *next;

	bfs_client_left(p);
	DL_FOREACH_SAFE(p->conns, c, next)
	if (c->process == proc)
		bfs_client_drop(c);
	bfs_serve_process_gone(p->server, proc->pid);
	bfs_hidden_look(p->server);
	forget(proc);
}

struct bfs_process *bfs_process_get(struct bfs_port_local *p, pid_t pid)
{
	struct bfs_process *proc;
	int r;

	HASH_FIND(hh, p->server->processes, &pid, sizeof(pid), proc);
	if (proc)
		return proc;
	proc = calloc(1, sizeof(*proc));
	if (!proc)
		return NULL;
	proc->pid = pid;
	proc->port = p;
	proc->pidfd = pidfd_open(pid, 0);
	if (proc->pidfd < 0) {
		free(proc);
		return NULL;
	}
	r = bfs_loop_add(p->server->loop, proc->pidfd, EPOLLIN, on_exit_of,
			 proc);
	if (r) {
		close(proc->pidfd);
		free(proc);
		errno = -r;
		return NULL;
	}
	HASH_ADD(hh, p->server->processes, pid, sizeof(pid), proc);
	if (bfs_hashed(proc))
		return proc;
	bfs_loop_del(p->server->loop, proc->pidfd);
	close(proc->pidfd);
	free(proc);
	errno = ENOMEM;
	return NULL;
}

bool bfs_process_lives(const struct bfs_server *s, pid_t pid)
{
	struct pollfd p = { .events = POLLIN };
	struct bfs_process *proc;

	HASH_FIND(hh, s->processes, &pid, sizeof(pid), proc);
	if (!proc)
		return true;
	p.fd = proc->pidfd;
	return poll(&p, 1, 0) <= 0;
}

bool bfs_process_known(const struct bfs_server *s, pid_t pid)
{
	const struct bfs_session *sess;

	if (!bfs_process_lives(s, pid))
		return false;
	for (sess = s->sessions; sess; sess = sess->hh.next)
		if (sess->pid == pid && !sess->far && !sess->gone)
			return true;
	return false;
}

/* As /proc tells; 0: there is none. */
static uint64_t started(pid_t pid)
{
	char path[32], text[1024], *at;
	unsigned long long ticks;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* The 22nd field; the name, in brackets, may have anything in it. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %llu", &ticks) == 1 ? ticks : 0;
}

/* On pidfs (since Linux 6.9) the number of a process's inode is its own as long
 * as the kernel runs, and asked for a hundred times as fast. */
static uint64_t pidfs_mark(int pidfd)
{
	static uint64_t boot[2];
	struct statfs fs;
	struct stat st;

	if (!boot[0] && bfs_boot_id(boot))
		return 0;
	if (fstatfs(pidfd, &fs) || fs.f_type != PID_FS_MAGIC ||
	    fstat(pidfd, &st))
		return 0;
	return (boot[0] ^ boot[1]) + st.st_ino;
}

uint64_t bfs_process_mark(const struct bfs_server *s, pid_t pid)
{
	struct bfs_process *proc;
	uint64_t mark;
	int fd;

	HASH_FIND(hh, s->processes, &pid, sizeof(pid), proc);
	fd = proc ? proc->pidfd : pidfd_open(pid, 0);
	mark = fd < 0 ? 0 : pidfs_mark(fd);
	if (fd >= 0 && !proc)
		close(fd);
	return mark ? mark : started(pid);
}

int bfs_process_real_ids(pid_t pid, struct bfs_cred *cred)
{
	char path[32], line[256];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (found < 2 && fgets(line, sizeof(line), f))
		found += sscanf(line, "Uid: %" SCNu32, &cred->uid) == 1 ||
			 sscanf(line, "Gid: %" SCNu32, &cred->gid) == 1;
	fclose(f);
	return found == 2 ? 0 : -ESRCH;
}

void bfs_process_free_all(struct bfs_port_local *p)
{
	struct bfs_process *proc, *next;

	HASH_ITER(hh, p->server->processes, proc, next)
	forget(proc);
}
