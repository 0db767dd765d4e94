/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/session.h"

#include "core/local_io.h"
#include "core/log.h"
#include "core/sys.h"
#include "core/transport_local.h"
#include "core/util.h"
#include "preload/count.h"
#include "preload/direct.h"
#include "preload/fd.h"
#include "preload/session_ucx.h"
#include "preload/vfork.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETIRED 256
#define PAUSE_NS 10000000u /* between looks for a daemon that is down */
#define LIFE_SIZE 4096

/* In a page that fork wipes in the child, however it was forked. */
struct life {
	_Atomic uint32_t alive;
	_Atomic uint32_t lock;
	_Atomic uint32_t active; /* calls under way */
	_Atomic uint32_t pid;
};

static int redial(struct bfs_client *c, struct bfs_transport *old,
		  uint64_t deadline);
static struct bfs_transport *get(struct bfs_client *c);
static void put(struct bfs_client *c, struct bfs_transport *t);

static struct life *_Atomic life;
static struct bfs_client local = { .reconnect = redial,
				   .get = get,
				   .put = put };
static struct bfs_client remote = {
	.reconnect = redial, .get = get, .put = put, .same = &local
};
/* Connections that are over, but that a call may still be using. */
static struct bfs_transport *_Atomic retired[RETIRED];
static struct bfs_hello_rep hello;
/* Our session, while there is no connection to it. */
static struct identity {
	uint64_t session, ticket;
	uint32_t generation;
} last;

/*
 * Signals are blocked in between.  False: this thread has it already (a
 * library that we are at work in has called back into a hook), or there is
 * none yet, since this process has made no call.
 */
bool bfs_session_lock(uint64_t *signals)
{
	uint32_t me, is = 0;

	if (!life)
		return false;
	me = (uint32_t)bfs_sys_0(SYS_gettid);
	bfs_sys_block_signals(signals);
	while (!atomic_compare_exchange_strong(&life->lock, &is, me)) {
		if (is == me) {
			bfs_sys_restore_signals(signals);
			return false;
		}
		bfs_sys_futex_wait(&life->lock, is, 1000000);
		is = 0;
	}
	return true;
}

void bfs_session_unlock(const uint64_t *signals)
{
	atomic_store(&life->lock, 0);
	bfs_sys_futex_wake(&life->lock, 1);
	bfs_sys_restore_signals(signals);
}

static void own(const struct bfs_transport *t)
{
	bfs_fd_own(bfs_local_socket(t));
	bfs_fd_own(bfs_local_data(t));
}

static void disown(const struct bfs_transport *t)
{
	bfs_fd_disown(bfs_local_socket(t));
	bfs_fd_disown(bfs_local_data(t));
}

static void reap(bool forked)
{
	for (int i = 0; i < RETIRED; i++) {
		struct bfs_transport *t = atomic_exchange(&retired[i], NULL);

		if (!t)
			continue;
		if (!strcmp(t->ops->name, "local"))
			disown(t);
		/* A child keeps the numbers of UCX's taken. */
		if (!forked && t->ops->shares_fds && t->ops->shares_fds(t)) {
			t->ops->destroy(t);
			continue;
		}
		for (int k = 0; !forked && k < t->nfds; k++)
			bfs_fd_disown(t->fds[k]);
		if (forked)
			t->ops->forget(t);
		else
			t->ops->destroy(t);
	}
}

void bfs_session_retire(struct bfs_client *c)
{
	struct bfs_transport *t = atomic_exchange(&c->t, NULL);

	for (int i = 0; t && i < RETIRED; i++) {
		struct bfs_transport *none = NULL;

		if (atomic_compare_exchange_strong(&retired[i], &none, t))
			t = NULL;
	}
}

/*
 * Whoever counts himself active before looking at c->t keeps what he finds
 * there from being destroyed: it is retired first, and reaped when nobody is.
 */
static struct bfs_transport *get(struct bfs_client *c)
{
	struct bfs_transport *t;

	bfs_count_via(c == &local ? BFS_VIA_LOCAL : BFS_VIA_UCX);
	if (bfs_unlikely(bfs_direct_opened()))
		bfs_direct_look();
	atomic_fetch_add(&life->active, 1);
	t = atomic_load(&c->t);
	if (!t)
		put(c, t);
	return t;
}

static void put(struct bfs_client *c, struct bfs_transport *t)
{
	uint64_t signals;

	if (atomic_fetch_sub(&life->active, 1) != 1 || !retired[0])
		return;
	if (!bfs_session_lock(&signals))
		return;
	if (!life->active)
		reap(false);
	bfs_session_unlock(&signals);
}

static void complain(int e, uint64_t session)
{
	static _Atomic int told;

	/* Once for each cause: a program may try a thousand times. */
	if (atomic_exchange(&told, e) != e)
		bfs_log(error,
			"%s: no daemon answers in %s (%s); is it running?",
			bfs_settings.mount, bfs_settings.run_dir,
			strerrorname_np(-e) ? strerrorname_np(-e) : "error");
}

static struct identity identity_of(const struct bfs_transport *t)
{
	return (struct identity){ t->session, t->ticket, t->generation };
}

/* Does the run directory say that the daemon will be started again?  It takes
 * the file away when it stops for good. */
static bool comes_back(int e)
{
	char path[128];

	if (e != -ECONNREFUSED && e != -ENOENT && e != -ECONNRESET &&
	    e != -EPIPE)
		return false;
	snprintf(path, sizeof(path), "%s/" BFS_LOCAL_RESTARTS,
		 bfs_settings.run_dir);
	return !bfs_sys_3(SYS_faccessat, AT_FDCWD, path, F_OK);
}

static int connect_to(const struct bfs_hello_req *req, uint64_t deadline,
		      struct bfs_transport **t, struct bfs_local_peer *peer)
{
	struct bfs_settings *s = &bfs_settings;
	int e = bfs_local_connect(s->run_dir, req, s->fd_base, deadline, t,
				  peer);

	if (e != -ENOENT || !bfs_local_here(s->run_dir, sizeof(s->run_dir)))
		return e;
	return bfs_local_connect(s->run_dir, req, s->fd_base, deadline, t,
				 peer);
}

static int dial_local(struct bfs_transport *old, uint64_t deadline)
{
	static _Atomic int waits; /* told so */
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .cpu = (uint32_t)sched_getcpu() };
	struct bfs_local_peer peer;
	struct bfs_transport *t;
	int e;

	if (old && old->generation >= last.generation)
		last = identity_of(old);
	if (last.session) {
		/* Each attempt: the one before may have arrived. */
		last.generation++;
		req.session = last.session;
		req.ticket = last.ticket;
		req.generation = last.generation;
	}
	e = connect_to(&req, deadline, &t, &peer);
	if (e && comes_back(e)) {
		if (!atomic_exchange(&waits, 1))
			bfs_log(warn,
				"the daemon in %s is down: waiting for it",
				bfs_settings.run_dir);
		return -EAGAIN;
	}
	atomic_store(&waits, 0);
	if (e) {
		complain(e, req.session);
		return e;
	}
	own(t);
	t->peer = bfs_settings.run_dir;
	t->session = peer.hello.session;
	t->ticket = peer.hello.ticket;
	t->generation = req.generation;
	hello = peer.hello;
	e = bfs_arena_set(peer.arena_fd, peer.empty_fd);
	if (e) {
		disown(t);
		t->ops->destroy(t);
		return e;
	}
	/* Others vouch for the session that we had. */
	if (last.session != t->session)
		bfs_direct_drop(false);
	last = identity_of(t);
	atomic_store(&local.t, t);
	return 0;
}

/*
 * stdio writes its buffers after the destructors of libraries, and a forked
 * child that has made no call yet must not open UCX as late as that.
 */
static void before_exit(void)
{
	struct bfs_client *c;
	int fd = 0;

	while (fd < bfs_fd_high() && bfs_fd_kind(fd) != BFS_KIND_FILE)
		fd++;
	if (fd < bfs_fd_high() && !bfs_session(&c) && !c->t)
		redial(c, NULL,
		       bfs_now() + bfs_settings.timeout_ms * 1000000ull);
}

static void watch_exit(void)
{
	static _Atomic int watched;

	if (!atomic_exchange(&watched, 1))
		atexit(before_exit);
}

static int dial(struct bfs_client *c, struct bfs_transport *old,
		uint64_t deadline)
{
	struct bfs_transport *t;
	int e;

	if (c == &local)
		return dial_local(old, deadline);
	/* Who we are is known from the local socket, so that comes first. */
	if (!local.t) {
		e = dial_local(old, deadline);
		if (e)
			return e;
	}
	watch_exit();
	e = bfs_ucx_dial(local.t, deadline, &t);
	if (e)
		return e;
	for (int i = 0; i < t->nfds; i++)
		bfs_fd_own(t->fds[i]);
	atomic_store(&remote.t, t);
	return 0;
}

static int redial(struct bfs_client *c, struct bfs_transport *old,
		  uint64_t deadline)
{
	uint64_t signals;
	int e = 0;

	if (!bfs_session_lock(&signals))
		return -EDEADLK;
	if (c->t == old) {
		bfs_session_retire(c);
		if (c == &remote && old)
			bfs_session_retire(
				&local); /* the same daemon, most likely */
		e = dial(c, old, deadline);
	}
	bfs_session_unlock(&signals);
	return e;
}

static int make_life(void)
{
	struct life *none = NULL;
	long p = bfs_sys_mmap(NULL, LIFE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p < 0 && p > -4096)
		return (int)p;
	bfs_sys_3(SYS_madvise, p, LIFE_SIZE, MADV_WIPEONFORK);
	if (!atomic_compare_exchange_strong(&life, &none, (struct life *)p))
		bfs_sys_munmap((void *)p, LIFE_SIZE);
	return 0;
}

/* The first call of this process: what a parent had is not ours. */
static int begin_life(void)
{
	uint64_t signals;
	int e = life ? 0 : make_life();

	if (e)
		return e;
	if (!bfs_session_lock(&signals))
		return -EDEADLK;
	if (!life->alive) {
		bfs_session_retire(&local);
		bfs_session_retire(&remote);
		if (!bfs_vfork_out)
			bfs_direct_drop(true);
		reap(true);
		last = (struct identity){ 0 };
		local.timeout_ms = remote.timeout_ms = bfs_settings.timeout_ms;
		life->pid = (uint32_t)bfs_sys_0(SYS_getpid);
		life->alive = 1;
	}
	bfs_session_unlock(&signals);
	return 0;
}

static int ready(void)
{
	if (bfs_likely(life && life->alive))
		return 0;
	return begin_life() ? -EIO : 0;
}

uint32_t bfs_session_pid(void)
{
	uint32_t pid = life ? life->pid : 0;

	return pid ? pid : (uint32_t)bfs_sys_0(SYS_getpid);
}

int bfs_session(struct bfs_client **c)
{
	*c = bfs_settings.ucx ? &remote : &local;
	return ready();
}

int bfs_session_local(struct bfs_client **c)
{
	*c = &local;
	return ready();
}

int bfs_session_connect(struct bfs_client **c)
{
	uint64_t deadline = bfs_now() + bfs_settings.timeout_ms * 1000000ull;
	_Atomic uint32_t never = 0;
	int e = bfs_session_local(c);

	while (!e && !local.t) {
		e = redial(&local, NULL, deadline);
		if (e != -EAGAIN)
			break;
		e = bfs_now() < deadline ? 0 : -ETIMEDOUT;
		bfs_sys_futex_wait(&never, 0, PAUSE_NS);
	}
	return e == 0 || e == -ETIMEDOUT ? e : -EIO;
}

/* The parent's, while its child of vfork has none or one of its own. */
static struct {
	struct life *life;
	struct bfs_transport *t;
	struct bfs_hello_rep hello;
	struct identity last;
} aside;

bool bfs_session_quiet(void)
{
	return !life ||
	       (!life->active && !life->lock && !retired[0] && !remote.t);
}

void bfs_session_aside(void)
{
	aside.life = life;
	aside.t = local.t;
	aside.hello = hello;
	aside.last = last;
	life = NULL;
	local.t = NULL;
	last = (struct identity){ 0 };
}

/* The child's descriptors went with it. */
void bfs_session_back(void)
{
	bfs_session_retire(&local);
	for (int i = 0; i < RETIRED && retired[i]; i++) {
		bfs_local_unmap(retired[i]);
		retired[i] = NULL;
	}
	if (life)
		bfs_sys_munmap(life, LIFE_SIZE);
	life = aside.life;
	local.t = aside.t;
	hello = aside.hello;
	last = aside.last;
}

void bfs_session_renew(void)
{
	uint64_t signals;

	if (!life || !life->alive)
		return;
	if (!bfs_session_lock(&signals))
		return;
	bfs_session_retire(&remote);
	bfs_session_retire(&local);
	bfs_direct_drop(false);
	last = (struct identity){ 0 };
	if (!life->active)
		reap(false);
	bfs_session_unlock(&signals);
}

void bfs_session_way(struct bfs_client *c)
{
	*c = (struct bfs_client){ .get = get,
				  .put = put,
				  .same = &local,
				  .relay = bfs_settings.ucx ? &remote : &local,
				  .timeout_ms = local.timeout_ms };
}

uint64_t bfs_session_number(void)
{
	return last.session;
}

bool bfs_session_journal(void)
{
	return hello.features & BFS_FEATURE_JOURNAL;
}

uint64_t bfs_session_data_dev(void)
{
	return hello.data_dev;
}

void bfs_session_report(void)
{
	struct bfs_arena *a = bfs_arena_now();
	uint64_t *mine = (uint64_t *)&bfs_stats;

	if (!a)
		return;
	bfs_stat_add(client_processes, 1);
	for (unsigned i = 0; i < BFS_STAT_COUNT; i++) {
		uint64_t n = __atomic_exchange_n(&mine[i], 0, __ATOMIC_RELAXED);

		if (n)
			atomic_fetch_add(&a->client_stats[i], n);
	}
}
