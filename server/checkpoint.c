/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/checkpoint.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"
#include "server/journal_turn.h"
#include "server/map.h"
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

extern char **environ;

/* Records that go to the disk together. */
#define BATCH 100000
/* After one that failed, such as on a full disk. */
#define RETRY_NS 5000000000ull
/* So many closed segments are put together at the start. */
#define CLOSED_MAX 8

struct bfs_checkpoint {
	struct bfs_journal *journal;
	bool rotating;
	uint64_t closed; /* the last segment that is */
	uint64_t last;	 /* ... that a checkpoint holds */
	uint64_t goal;	 /* ... that the one under way will */
	uint64_t heals;	 /* ... whose sync failed, 0: none */
	pid_t pid;	 /* 0: nothing is */
	int pidfd;
	struct bfs_timer retry;
	struct bfs_journal_wait wait;
};

int bfs_checkpoint_load(const struct bfs_jlog_conf *conf, uint64_t *after,
			int (*fn)(void *arg, const struct bfs_record *r),
			void *arg)
{
	struct bfs_map *m;
	int e = bfs_map_open(&m, conf, false, after);

	if (e)
		return e == -ENOENT ? 0 : e;
	e = bfs_map_each(m, fn, arg);
	bfs_map_close(m);
	return e;
}

struct putting {
	struct bfs_map *map;
	unsigned count;
};

static int put_record(void *arg, const struct bfs_record *r)
{
	struct putting *p = arg;

	p->count++;
	return bfs_map_put(p->map, r);
}

static int put_frame(void *arg, const struct bfs_frame_head *h,
		     const uint8_t *body)
{
	struct putting *p = arg;
	int e = bfs_frame_records(body, h->len, put_record, p);

	if (e || p->count < BATCH)
		return e;
	p->count = 0;
	return bfs_map_commit(p->map, h->seq);
}

/* The last frame of what was read is the one before the next segment's. */
struct last_seen {
	struct putting p;
	uint64_t seq;
};

static int put_and_note(void *arg, const struct bfs_frame_head *h,
			const uint8_t *body)
{
	struct last_seen *l = arg;

	l->seq = h->seq;
	return put_frame(&l->p, h, body);
}

int bfs_checkpoint_apply(const struct bfs_jlog_conf *conf, uint64_t last)
{
	struct last_seen l = { .seq = 0 };
	uint64_t after;
	int e = bfs_map_open(&l.p.map, conf, true, &after);

	if (e)
		return e;
	l.seq = after;
	e = bfs_jlog_read(conf, after, last, put_and_note, &l);
	if (!e)
		e = bfs_map_commit(l.p.map, l.seq);
	BFS_KILL_POINT(checkpoint_unsealed);
	if (!e)
		e = bfs_map_seal(l.p.map, bfs_jlog_reserve(conf->dir));
	BFS_KILL_POINT(checkpoint_sealed);
	bfs_map_close(l.p.map);
	return e;
}

/* It is not to outlive the daemon, nor to be in the way of its clients. */
static bool become_helper(const char *parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    getppid() != (pid_t)strtol(parent, NULL, 10))
		return false;
	setpriority(PRIO_PROCESS, 0, 10);
	return true;
}

int bfs_checkpoint_main(const char *dir, const char *cluster, const char *shard,
			const char *last, const char *parent)
{
	struct bfs_jlog_conf conf = {
		.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.path = dir,
		.cluster = strtoull(cluster, NULL, 16),
		.shard = (uint32_t)strtoul(shard, NULL, 10),
	};
	int e;

	if (!become_helper(parent))
		return EX_TEMPFAIL;
	if (conf.dir < 0) {
		bfs_log(error, "cannot open %s: %m", dir);
		return EX_NOINPUT;
	}
	e = bfs_checkpoint_apply(&conf, strtoull(last, NULL, 16));
	close(conf.dir);
	return e ? EX_IOERR : EX_OK;
}

static int spawn_helper(struct bfs_checkpoint *cp)
{
	struct bfs_journal *j = cp->journal;
	char cluster[20], shard[12], last[20], parent[12];
	char *argv[] = { (char *)"benchfsd",
			 (char *)"--checkpoint",
			 j->path,
			 cluster,
			 shard,
			 last,
			 parent,
			 NULL };
	posix_spawnattr_t attr;
	sigset_t none, all;
	int e;

	snprintf(cluster, sizeof(cluster), "%016" PRIx64, j->fs->conf.cluster);
	snprintf(shard, sizeof(shard), "%u", j->fs->conf.shard);
	snprintf(last, sizeof(last), "%" PRIx64, cp->goal);
	snprintf(parent, sizeof(parent), "%d", getpid());
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	e = posix_spawn(&cp->pid, "/proc/self/exe", NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (e)
		cp->pid = 0;
	return -e;
}

static void put_together(struct bfs_checkpoint *cp);

static void made(struct bfs_checkpoint *cp)
{
	BFS_KILL_POINT(checkpoint_made);
	cp->last = cp->goal;
	bfs_jlog_drop(cp->journal->log, cp->last);
	if (cp->heals && cp->heals <= cp->last) {
		cp->heals = 0;
		bfs_journal_healed(cp->journal);
	}
}

static void try_later(struct bfs_checkpoint *cp)
{
	bfs_loop_timer(cp->journal->server->loop, &cp->retry,
		       bfs_now() + RETRY_NS);
}

static void on_retry(struct bfs_timer *t)
{
	put_together(t->arg);
}

static void ended(struct bfs_checkpoint *cp, bool ok)
{
	if (!ok) {
		bfs_log(warn, "no checkpoint in %s: it is tried again",
			cp->journal->path);
		try_later(cp);
		return;
	}
	made(cp);
	put_together(cp);
}

static void on_helper(void *arg, uint32_t events)
{
	struct bfs_checkpoint *cp = arg;
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)cp->pid, &info, WEXITED | WNOHANG) ||
	    !info.si_pid)
		return;
	bfs_loop_del(cp->journal->server->loop, cp->pidfd);
	close(cp->pidfd);
	cp->pid = 0;
	ended(cp, info.si_code == CLD_EXITED && !info.si_status);
}

static int start_helper(struct bfs_checkpoint *cp)
{
	struct bfs_loop *loop = cp->journal->server->loop;
	int e = spawn_helper(cp);

	if (e)
		return e;
	cp->pidfd = pidfd_open(cp->pid, 0);
	e = cp->pidfd < 0
		    ? -errno
		    : bfs_loop_add(loop, cp->pidfd, EPOLLIN, on_helper, cp);
	if (!e)
		return 0;
	kill(cp->pid, SIGKILL);
	(void)waitpid(cp->pid, NULL, 0);
	if (cp->pidfd >= 0)
		close(cp->pidfd);
	cp->pid = 0;
	return e;
}

/* In a process of its own; without a loop, here and now. */
static void put_together(struct bfs_checkpoint *cp)
{
	struct bfs_journal *j = cp->journal;
	int e;

	if (cp->pid || cp->closed <= cp->last)
		return;
	cp->goal = cp->closed;
	if (!j->server || !j->server->loop) {
		if (bfs_journal_checkpoint(j, cp->goal))
			return;
		made(cp);
		return;
	}
	e = start_helper(cp);
	if (!e)
		return;
	bfs_log(error, "cannot start a checkpoint: %s", strerror(-e));
	try_later(cp);
}

int bfs_journal_checkpoint(struct bfs_journal *j, uint64_t last)
{
	struct bfs_jlog_conf conf = { .dir = j->dir,
				      .path = j->path,
				      .cluster = j->fs->conf.cluster,
				      .shard = j->fs->conf.shard };

	return bfs_checkpoint_apply(&conf, last);
}

/* What was written is on disk: little is left for the change to wait for. */
static void on_synced(struct bfs_journal_wait *w, int status)
{
	struct bfs_checkpoint *cp =
		bfs_container_of(w, struct bfs_checkpoint, wait);
	int e = status;

	if (!e)
		e = bfs_jlog_rotate(cp->journal->log, &cp->closed);
	cp->rotating = false;
	if (!e)
		put_together(cp);
}

static struct bfs_checkpoint *get(struct bfs_journal *j)
{
	struct bfs_checkpoint *cp = j->checkpoint;

	if (cp)
		return cp;
	cp = calloc(1, sizeof(*cp));
	if (!cp)
		return NULL;
	cp->journal = j;
	cp->wait.done = on_synced;
	cp->retry.fn = on_retry;
	cp->retry.arg = cp;
	j->checkpoint = cp;
	return cp;
}

void bfs_checkpoint_due(struct bfs_journal *j)
{
	struct bfs_checkpoint *cp = get(j);

	if (!cp || cp->rotating)
		return;
	cp->rotating = true;
	if (bfs_journal_sync(j, &cp->wait))
		cp->rotating = false;
}

void bfs_checkpoint_heal(struct bfs_journal *j)
{
	struct bfs_checkpoint *cp = get(j);

	if (!cp || cp->heals)
		return;
	if (bfs_jlog_rotate(j->log, &cp->closed))
		return; /* the next one who asks tries again */
	cp->heals = cp->closed;
	put_together(cp);
}

void bfs_checkpoint_begin(struct bfs_journal *j)
{
	struct bfs_checkpoint *cp;

	if (!bfs_jlog_many(j->log, CLOSED_MAX))
		return;
	cp = get(j);
	if (!cp)
		return;
	cp->closed = bfs_jlog_closed(j->log);
	put_together(cp);
}

void bfs_checkpoint_end(struct bfs_journal *j)
{
	struct bfs_checkpoint *cp = j->checkpoint;

	if (!cp)
		return;
	if (cp->pid) {
		/* What it has done so far counts, or does not. */
		kill(cp->pid, SIGKILL);
		(void)waitpid(cp->pid, NULL, 0);
		bfs_loop_del(j->server->loop, cp->pidfd);
		close(cp->pidfd);
	}
	if (j->server && j->server->loop)
		bfs_loop_timer(j->server->loop, &cp->retry, 0);
	free(cp);
	j->checkpoint = NULL;
}
