/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How several threads wait on one worker: each makes progress in turns while
 * it spins; then one, the leader, sleeps on the worker's descriptor and the
 * others on a futex.  A leader that leaves passes the office on.
 */
#include "core/log.h"
#include "core/sys.h"
#include "core/ucx_async.h"
#include "core/ucx_client.h"
#include "core/util.h"

#include <errno.h>

#define BURST 32		 /* progress calls before others get a turn */
#define BURY_NS 1000000000u	 /* for closing an endpoint by force... */
#define BURY_LOOKS 1000		 /* ... and at least so many looks */
#define NAP_NS 50000u		 /* between looks when nothing would tell */
#define SLICE_NS 10000000u	 /* between looks for signals */
#define PARK_NS 3600000000000ull /* "no deadline", for the kernel */

static void lock(struct bfs_ucx_client *u)
{
	uint32_t is = 0;

	if (atomic_compare_exchange_strong(&u->lock, &is, 1))
		return;
	while (atomic_exchange(&u->lock, 2))
		bfs_sys_futex_wait(&u->lock, 2, PARK_NS);
}

static void unlock(struct bfs_ucx_client *u)
{
	if (atomic_exchange(&u->lock, 0) == 2)
		bfs_sys_futex_wake(&u->lock, 1);
}

void bfs_ucx_lock(struct bfs_ucx_client *u, uint64_t *signals)
{
	bfs_sys_block_signals(signals);
	lock(u);
}

void bfs_ucx_unlock_only(struct bfs_ucx_client *u)
{
	unlock(u);
}

void bfs_ucx_unlock(struct bfs_ucx_client *u, const uint64_t *signals)
{
	unlock(u);
	bfs_sys_restore_signals(signals);
}

bool bfs_ucx_over(const struct bfs_ucx_slot *s)
{
	return s->result != BFS_UCX_PENDING && !s->receiving &&
	       !(s->sending && s->io && s->io->out_len);
}

/* ... or will it never be? */
static bool done(const struct bfs_ucx_slot *s)
{
	return bfs_ucx_over(s) || s->way->dead;
}

static void wake_leader(struct bfs_ucx_client *u)
{
	uint64_t one = 1;

	bfs_sys_3(SYS_write, u->wake_fd, &one, sizeof(one));
}

static void ring(struct bfs_ucx_slot *s)
{
	atomic_fetch_add(&s->news, 1);
	if (s->asleep)
		bfs_sys_futex_wake(&s->news, 1);
}

void bfs_ucx_tell(struct bfs_ucx_slot *s)
{
	struct bfs_ucx_client *u = s->client;

	if (!bfs_ucx_over(s))
		return;
	if (u->leader == s && u->leader_asleep)
		wake_leader(u);
	else
		ring(s);
}

static void closed(void *req, ucs_status_t status, void *arg)
{
	ucp_request_free(req);
	*(bool *)arg = true;
}

/* Does UCX still hold memory of somebody's call? */
static bool entangled(const struct bfs_ucx_way *w)
{
	const struct bfs_ucx_slot *s = w->client->slot;

	for (int i = 0; i < BFS_UCX_SLOTS; i++)
		if (s[i].way == w && (s[i].sending || s[i].receiving))
			return true;
	return false;
}

/* UCX holds nothing of its calls any more, and never will again. */
static void end_calls(struct bfs_ucx_way *w)
{
	for (int i = 0; i < BFS_UCX_SLOTS; i++) {
		struct bfs_ucx_slot *s = &w->client->slot[i];

		if (s->way != w)
			continue;
		s->sending = s->receiving = false;
		if (!s->io) {
			s->claimed = s->claimed == BFS_UCX_LEFT ? BFS_UCX_FREE
								: s->claimed;
			continue;
		}
		if (s->result == BFS_UCX_PENDING)
			s->result = -ECONNRESET;
		bfs_ucx_tell(s);
	}
}

/* Without progress UCX touches nothing, whatever is left. */
static void break_off(struct bfs_ucx_client *u)
{
	u->broken = true;
	for (struct bfs_ucx_way *w = u->ways; w; w = w->next) {
		w->dead = true;
		end_calls(w);
	}
}

void bfs_ucx_bury(struct bfs_ucx_way *w)
{
	ucp_request_param_t p = {
		.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
				UCP_OP_ATTR_FIELD_USER_DATA |
				UCP_OP_ATTR_FIELD_FLAGS,
		.cb.send = closed,
		.user_data = &w->closed,
		.flags = UCP_EP_CLOSE_FLAG_FORCE,
	};
	struct bfs_ucx_client *u = w->client;
	uint64_t until = bfs_now() + BURY_NS;

	if (w->dead)
		return;
	w->dead = true;
	w->closed = !UCS_PTR_IS_PTR(ucp_ep_close_nbx(w->ep, &p));
	/* A machine that stood still for a second is no reason. */
	for (int i = 0; (!w->closed || entangled(w)) &&
			(i < BURY_LOOKS || bfs_now() < until);
	     i++)
		ucp_worker_progress(u->ucx.worker);
	if (!w->closed || entangled(w))
		break_off(u);
	else
		end_calls(w);
}

static void bury_failed(struct bfs_ucx_client *u)
{
	u->trouble = false;
	for (struct bfs_ucx_way *w = u->ways; w; w = w->next)
		if (w->failed)
			bfs_ucx_bury(w);
}

/* Under the lock: the number of things that UCX did. */
static unsigned progress(struct bfs_ucx_client *u)
{
	unsigned n = 0;

	if (!u->broken)
		n = ucp_worker_progress(u->ucx.worker);
	if (u->trouble)
		bury_failed(u);
	return n;
}

void bfs_ucx_nap(struct bfs_ucx_client *u, const uint64_t *signals)
{
	struct timespec t = { .tv_nsec = NAP_NS };
	uint64_t all;

	progress(u);
	bfs_ucx_unlock(u, signals);
	bfs_sys_2(SYS_nanosleep, &t, NULL);
	bfs_ucx_lock(u, &all);
	bfs_ucx_async_serve();
	progress(u);
}

/*
 * Progress until there is nothing to do and the worker's fd will tell: true.
 * False: it will not, since UCX waits for room, say; look again soon.
 */
static bool settle(struct bfs_ucx_client *u, const struct bfs_ucx_slot *s)
{
	int idle = 0;

	while (!u->broken && !(s && done(s))) {
		if (progress(u)) {
			idle = 0;
			continue;
		}
		if (u->broken || ucp_worker_arm(u->ucx.worker) != UCS_ERR_BUSY)
			break;
		if (++idle == BURST)
			return false;
	}
	return true;
}

void bfs_ucx_nudge(struct bfs_ucx_client *u)
{
	/* A leader who is awake looks for himself. */
	if (u->leader_asleep && !settle(u, NULL))
		wake_leader(u);
}

/* For ns from begun on, when the clock was read last. */
static uint64_t spin(struct bfs_ucx_client *u, struct bfs_ucx_slot *s,
		     uint64_t begun, uint64_t ns)
{
	uint64_t now = begun;

	do {
		for (int i = 0; i < BURST && !done(s); i++)
			progress(u);
		if (done(s))
			break;
		unlock(u);
		bfs_relax();
		lock(u);
		now = bfs_now();
	} while (now - begun < ns);
	return now;
}

static uint64_t until_deadline(const struct bfs_io *io)
{
	uint64_t now = bfs_now();

	if (io->deadline == UINT64_MAX)
		return PARK_NS;
	return io->deadline > now ? io->deadline - now : 0;
}

/* Sleep on the worker for everybody. */
static int lead(struct bfs_ucx_slot *s, const struct bfs_io *io,
		const uint64_t *signals)
{
	struct bfs_ucx_client *u = s->client;
	struct bfs_ucx_slot *outer = u->leader;
	pid_t outer_tid = u->leader_tid;
	struct pollfd p[] = { { u->ucx.fd, POLLIN, 0 },
			      { u->wake_fd, POLLIN, 0 },
			      { bfs_ucx_async_fd(), POLLIN, 0 } };
	bool armed;
	int r = 0;

	u->leader = s;
	u->leader_tid = (pid_t)bfs_sys_0(SYS_gettid);
	armed = settle(u, s);
	if (!done(s)) {
		uint64_t left = until_deadline(io), junk;
		uint64_t ns = armed ? left : BFS_MIN(left, NAP_NS);
		struct timespec t = { (time_t)(ns / 1000000000u),
				      (long)(ns % 1000000000u) };

		u->leader_asleep = true;
		unlock(u);
		/* Not armed, it may stay readable: look again after a nap. */
		if (!armed)
			p[0].fd = -1;
		r = (int)bfs_sys_5(SYS_ppoll, p, BFS_COUNT(p), &t, signals, 8);
		/* What is ready at once keeps signals out: let them in. */
		if (r > 0 && bfs_sys_let_signals_in(signals))
			r = -EINTR;
		lock(u);
		u->leader_asleep = false;
		if (p[1].revents)
			bfs_sys_3(SYS_read, u->wake_fd, &junk, sizeof(junk));
		if (p[2].revents)
			bfs_ucx_async_serve();
		progress(u);
	}
	u->leader = outer;
	u->leader_tid = outer_tid;
	return r;
}

static void wake_up(struct bfs_ucx_slot *s)
{
	s->asleep = false;
	s->client->followers--;
}

/* Somebody else leads.  0 or -EINTR. */
static int follow(struct bfs_ucx_slot *s, const struct bfs_io *io,
		  const uint64_t *signals)
{
	struct bfs_ucx_client *u = s->client;
	uint32_t news = atomic_load(&s->news);
	uint64_t ns = until_deadline(io), all;
	int r;

	s->asleep = true;
	u->followers++;
	unlock(u);
	if (!io->interruptible) {
		bfs_sys_restore_signals(signals);
		bfs_sys_futex_wait(&s->news, news, ns);
		bfs_sys_block_signals(&all);
		lock(u);
		wake_up(s);
		return 0;
	}
	/* A futex cannot let signals in as it goes to sleep: look for them. */
	bfs_sys_futex_wait(&s->news, news, BFS_MIN(ns, SLICE_NS));
	r = bfs_sys_let_signals_in(signals) ? -EINTR : 0;
	lock(u);
	wake_up(s);
	return r;
}

/* Wake one who sleeps, to take the lead. */
static void pass_on(struct bfs_ucx_client *u)
{
	if (u->leader || !u->followers)
		return;
	for (int i = 0; i < BFS_UCX_SLOTS; i++)
		if (u->slot[i].asleep && u->slot[i].io) {
			ring(&u->slot[i]);
			return;
		}
}

int bfs_ucx_wait(struct bfs_ucx_slot *s, const struct bfs_io *io,
		 const uint64_t *signals)
{
	struct bfs_ucx_client *u = s->client;
	uint64_t begun = bfs_now(), looked = bfs_patience(&u->patience), now;
	pid_t me;
	int r = 0;

	if (io->signals)
		signals = io->signals;
	now = spin(u, s, begun, looked);
	if (done(s)) {
		bfs_patience_note(&u->patience, now - begun, looked);
		pass_on(u);
		return 0;
	}
	me = (pid_t)bfs_sys_0(SYS_gettid);
	while (!done(s)) {
		if (!until_deadline(io)) {
			r = -ETIMEDOUT;
			break;
		}
		/* Our own thread leads below a signal handler: so do we. */
		if (!u->leader || u->leader_tid == me)
			r = lead(s, io, signals);
		else
			r = follow(s, io, signals);
		if (r == -EINTR && io->interruptible && !s->receiving)
			break;
		r = 0;
	}
	bfs_patience_note(&u->patience, bfs_now() - begun, looked);
	pass_on(u);
	return r;
}
