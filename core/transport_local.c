/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/transport_local.h"

#include "core/kill.h"
#include "core/local_io.h"
#include "core/log.h"
#include "core/patience.h"
#include "core/ring.h"
#include "core/sys.h"
#include "core/util.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define GLANCE_NS 10000000u /* ... and for signals */
#define SLICE_NS 50000000u  /* how long to sleep before looking for EOF */
#define MOVE_NS 1000000u    /* more than it takes to another core */
/* For who has been woken: it takes no longer on an idle core.  If it does, that
 * is ours, and we are in the way. */
#define WAKE_NS 100000u
#define TAKING (-2) /* mail: a thread is storing an fd right now */

struct local {
	struct bfs_transport base;
	struct bfs_ring *ring;
	int sock;
	int data_fd; /* or -1 */
	struct bfs_patience patience;
	_Atomic bool wakes_here;   /* the daemon, when we rang the last time */
	bool rang[BFS_RING_SLOTS]; /* for the call in it */
	/* Descriptors that arrived, by slot; -1: none. */
	_Atomic int mail[BFS_RING_SLOTS];
	uint64_t mail_id[BFS_RING_SLOTS];
};

static struct local *local_of(const struct bfs_transport *t)
{
	return bfs_container_of(t, struct local, base);
}

static bool peer_gone(struct local *l)
{
	int r = bfs_sys_poll1(l->sock, 0, 0);

	return r < 0 ? r != -EINTR : (r & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* Sleep on *word while it is value, for no longer than a slice.  0, -ETIMEDOUT,
 * -ECONNRESET, -EINTR. */
static int nap(struct local *l, _Atomic uint32_t *word, uint32_t value,
	       uint64_t deadline, uint64_t slice)
{
	uint64_t now = bfs_now();
	int r;

	if (now >= deadline)
		return -ETIMEDOUT;
	r = bfs_sys_futex_wait(word, value, BFS_MIN(deadline - now, slice));
	if (r == -EINTR)
		return r;
	if (r == -ETIMEDOUT && peer_gone(l))
		return -ECONNRESET;
	return 0;
}

static struct bfs_slot *claim(struct bfs_ring *ring)
{
	for (int i = 0; i < BFS_RING_SLOTS; i++) {
		uint32_t is = BFS_SLOT_FREE;

		if (atomic_load_explicit(&ring->slot[i].state,
					 memory_order_relaxed) == is &&
		    atomic_compare_exchange_strong(&ring->slot[i].state, &is,
						   BFS_SLOT_CLAIMED))
			return &ring->slot[i];
	}
	return NULL;
}

static int local_begin(struct bfs_transport *t, struct bfs_io *io)
{
	struct local *l = local_of(t);
	struct bfs_slot *s;
	uint32_t freed;
	int r;

	for (;;) {
		freed = atomic_load(&l->ring->freed);
		s = claim(l->ring);
		if (s)
			break;
		atomic_fetch_add(&l->ring->claimers, 1);
		r = nap(l, &l->ring->freed, freed, io->deadline, SLICE_NS);
		atomic_fetch_sub(&l->ring->claimers, 1);
		if (r && r != -EINTR)
			return r;
	}
	io->priv = s;
	io->req = s->fields;
	io->req_cap = BFS_FIELDS_MAX;
	return 0;
}

static int ring_bell(struct local *l, bool *rang)
{
	struct iovec v = { (void *)"", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	uint64_t signals;
	int r = 0;

	atomic_thread_fence(memory_order_seq_cst);
	*rang = false;
	if (!atomic_load_explicit(&l->ring->sleeping, memory_order_relaxed))
		return 0;
	/* A handler that ran between the two steps would wait for a daemon
	 * that it takes to be awake. */
	bfs_sys_block_signals(&signals);
	*rang = atomic_exchange(&l->ring->sleeping, 0);
	if (*rang)
		atomic_store_explicit(&l->ring->bell_cpu,
				      (uint32_t)sched_getcpu() + 1,
				      memory_order_relaxed);
	if (*rang)
		r = bfs_sys_sendmsg(l->sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	bfs_sys_restore_signals(&signals);
	/* A full queue means that the daemon has bells enough to wake up. */
	return r >= 0 || r == -EAGAIN ? 0 : -ECONNRESET;
}

/* Our answer is not coming any more: leave the slot to whoever has it. */
static bool give_up(struct bfs_slot *s)
{
	uint32_t is = BFS_SLOT_POSTED;

	if (atomic_compare_exchange_strong(&s->state, &is, BFS_SLOT_FREE))
		return true;
	is = BFS_SLOT_TAKEN;
	return atomic_compare_exchange_strong(&s->state, &is,
					      BFS_SLOT_ABANDONED);
}

static int sleep_on(struct local *l, struct bfs_slot *s, struct bfs_io *io)
{
	uint32_t state;
	int r = 0;

	while ((state = atomic_load(&s->state)) != BFS_SLOT_DONE) {
		r = nap(l, &s->state, state, io->deadline, SLICE_NS);
		if (r && r != -EINTR && give_up(s))
			break;
	}
	return r;
}

/*
 * A signal ends it, whenever it comes.  A futex tells of none that arrives in
 * the moment in which it times out, and none can be let in just for its sleep:
 * so they are blocked and looked for.
 */
static int sleep_lightly(struct local *l, struct bfs_slot *s, struct bfs_io *io)
{
	uint64_t signals;
	uint32_t state;
	int r = 0;

	bfs_sys_block_signals(&signals);
	while ((state = atomic_load(&s->state)) != BFS_SLOT_DONE) {
		r = bfs_sys_let_signals_in(io->signals ? io->signals : &signals)
			    ? -EINTR
			    : nap(l, &s->state, state, io->deadline, GLANCE_NS);
		if (r && give_up(s))
			break;
	}
	bfs_sys_restore_signals(&signals);
	return r;
}

/* Of any thread, whichever was the last. */
static bool wakes_here(const struct local *l)
{
	return atomic_load_explicit(&l->wakes_here, memory_order_relaxed);
}

static void note_wake(struct local *l, bool here)
{
	atomic_store_explicit(&l->wakes_here, here, memory_order_relaxed);
}

/*
 * For how long to look for the answer: not at all, if the daemon is on our core
 * and cannot run while we do, or is going to wake up there, as it did the last
 * time.
 */
static uint64_t look_ns(const struct local *l, bool rang, uint32_t here)
{
	uint32_t cpu =
		atomic_load_explicit(&l->ring->cpu, memory_order_relaxed);

	if (cpu == here || (rang && wakes_here(l)))
		return 0;
	return rang ? BFS_MIN(bfs_patience(&l->patience), WAKE_NS)
		    : bfs_patience(&l->patience);
}

/* Look for the answer for a while.  *now: the clock, when it was read last. */
static bool look(const struct bfs_slot *s, uint64_t until, uint64_t *now)
{
	for (unsigned i = 1;; i++) {
		if (atomic_load_explicit(&s->state, memory_order_acquire) ==
		    BFS_SLOT_DONE)
			return true;
		bfs_relax();
		if (i % 16)
			continue;
		*now = bfs_now();
		if (*now >= until)
			return false;
	}
}

/* The daemon is leaving our core, for which it needs it; we stay awake, or we
 * would be woken where it is then. */
static uint64_t see_off(struct local *l)
{
	uint64_t begun = bfs_now(), now = begun;

	while (atomic_load_explicit(&l->ring->cpu, memory_order_relaxed) ==
		       BFS_RING_MOVING &&
	       now - begun < MOVE_NS) {
		sched_yield();
		now = bfs_now();
	}
	return now;
}

static int await(struct local *l, struct bfs_slot *s, struct bfs_io *io)
{
	uint32_t here = (uint32_t)sched_getcpu();
	bool rang = l->rang[s - l->ring->slot];
	uint64_t ns = look_ns(l, rang, here), begun = see_off(l);
	uint64_t now = begun;
	int r;

	if (look(s, begun + ns, &now)) {
		if (rang)
			note_wake(l, false);
		bfs_patience_note(&l->patience, now - begun, ns);
		return 0;
	}
	atomic_store(&s->waiting, here + 1);
	r = io->interruptible ? sleep_lightly(l, s, io) : sleep_on(l, s, io);
	atomic_store_explicit(&s->waiting, 0, memory_order_relaxed);
	if (rang)
		note_wake(l,
			  atomic_load_explicit(&l->ring->cpu,
					       memory_order_relaxed) == here);
	bfs_patience_note(&l->patience, bfs_now() - begun, ns);
	return atomic_load(&s->state) == BFS_SLOT_DONE ? 0 : r;
}

/* Take one descriptor off the socket and put it into its mail box. */
static int fetch_mail(struct local *l)
{
	struct bfs_fd_note note;
	int fd, r, old;
	uint64_t set;

	/* A handler that ran between the two steps could wait for ever. */
	bfs_sys_block_signals(&set);
	r = bfs_local_recv(l->sock, &note, sizeof(note), &fd, 1, MSG_DONTWAIT);
	if (r == sizeof(note) && note.slot < BFS_RING_SLOTS) {
		l->mail_id[note.slot] = note.id;
		old = atomic_exchange(&l->mail[note.slot],
				      fd < 0 ? TAKING : fd);
		if (old >= 0)
			bfs_sys_close(old);
		r = 0;
	}
	bfs_sys_restore_signals(&set);
	return r;
}

/* The daemon sends the descriptor before it says DONE. */
static int take_fd(struct local *l, unsigned slot, struct bfs_io *io)
{
	for (;;) {
		int fd = atomic_load(&l->mail[slot]);

		if (fd != -1 && l->mail_id[slot] == io->id) {
			atomic_store(&l->mail[slot], -1);
			/* Lost in the kernel: the descriptor limit. */
			if (fd == TAKING)
				return -EMFILE;
			BFS_KILL_POINT(fd_taken);
			io->fd = fd;
			return 0;
		}
		if (fd >= 0) { /* of a call that was given up */
			if (atomic_compare_exchange_strong(&l->mail[slot], &fd,
							   -1))
				bfs_sys_close(fd);
			continue;
		}
		fd = fetch_mail(l);
		if (fd == -EAGAIN && peer_gone(l))
			return -ECONNRESET;
		if (fd < 0 && fd != -EAGAIN && fd != -EINTR)
			return -ECONNRESET;
		if (bfs_now() >= io->deadline)
			return -ETIMEDOUT;
	}
}

static void local_fill(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_slot *s = io->priv;

	if (io->out_len && !io->filled)
		memcpy(s->bulk, io->out, io->out_len);
	io->filled = true;
}

static int local_send(struct bfs_transport *t, struct bfs_io *io)
{
	struct local *l = local_of(t);
	struct bfs_slot *s = io->priv;
	unsigned i = (unsigned)(s - l->ring->slot);
	int r;

	s->req_len = (uint32_t)io->req_len;
	s->out_len = (uint32_t)io->out_len;
	s->in_cap = (uint32_t)io->in_cap;
	local_fill(t, io);
	BFS_KILL_POINT(call_made);
	atomic_store(&s->state, BFS_SLOT_POSTED);
	atomic_fetch_or(&l->ring->posted, 1ull << i);
	io->fd = -1;
	r = ring_bell(l, &l->rang[i]);
	BFS_KILL_POINT(call_posted);
	if (!r)
		return 0;
	give_up(s);
	io->priv = NULL;
	return r;
}

static int local_wait(struct bfs_transport *t, struct bfs_io *io)
{
	struct local *l = local_of(t);
	struct bfs_slot *s = io->priv;
	int r = await(l, s, io);

	if (r) {
		io->priv = NULL;
		return r;
	}
	BFS_KILL_POINT(call_answered);
	io->rep = s->fields;
	io->rep_len = bfs_ring_len(&s->rep_len, BFS_FIELDS_MAX);
	io->in_len = bfs_ring_len(&s->in_len, io->in_cap);
	if (io->in_len)
		memcpy(io->in, s->bulk, io->in_len);
	return s->has_fd ? take_fd(l, (unsigned)(s - l->ring->slot), io) : 0;
}

static int local_call(struct bfs_transport *t, struct bfs_io *io)
{
	int r = local_send(t, io);

	return r ? r : local_wait(t, io);
}

static void local_end(struct bfs_transport *t, struct bfs_io *io)
{
	struct local *l = local_of(t);
	struct bfs_slot *s = io->priv;

	if (!s)
		return; /* given up: the daemon frees it */
	io->priv = NULL;
	atomic_store(&s->state, BFS_SLOT_FREE);
	atomic_fetch_add(&l->ring->freed, 1);
	if (atomic_load(&l->ring->claimers))
		bfs_sys_futex_wake(&l->ring->freed, 1);
}

static void close_fds(const struct local *l)
{
	bfs_sys_close(l->sock);
	if (l->data_fd >= 0)
		bfs_sys_close(l->data_fd);
}

static void local_destroy(struct bfs_transport *t)
{
	struct local *l = local_of(t);

	close_fds(l);
	for (int i = 0; i < BFS_RING_SLOTS; i++)
		if (l->mail[i] >= 0)
			bfs_sys_close(l->mail[i]);
	bfs_sys_munmap(l->ring, sizeof(*l->ring));
	bfs_sys_munmap(l, sizeof(*l));
}

void bfs_local_unmap(struct bfs_transport *t)
{
	struct local *l = local_of(t);

	bfs_sys_munmap(l->ring, sizeof(*l->ring));
	bfs_sys_munmap(l, sizeof(*l));
}

/* In a forked child the ring is not mapped (MADV_DONTFORK). */
static void local_forget(struct bfs_transport *t)
{
	struct local *l = local_of(t);

	close_fds(l);
	bfs_sys_munmap(l, sizeof(*l));
}

static const struct bfs_transport_ops local_ops = {
	.name = "local",
	.begin = local_begin,
	.fill = local_fill,
	.call = local_call,
	.send = local_send,
	.wait = local_wait,
	.end = local_end,
	.destroy = local_destroy,
	.forget = local_forget,
};

int bfs_local_socket(const struct bfs_transport *t)
{
	return local_of(t)->sock;
}

int bfs_local_data(const struct bfs_transport *t)
{
	return t->ops == &local_ops ? local_of(t)->data_fd : -1;
}

int bfs_local_connect(const char *run_dir, const struct bfs_hello_req *hello,
		      int fd_base, uint64_t deadline, struct bfs_transport **t,
		      struct bfs_local_peer *peer)
{
	struct bfs_local_link link;
	struct local *l;
	long p;
	int r;

	r = bfs_local_dial(run_dir, hello, fd_base, deadline, &link,
			   &peer->hello);
	if (r)
		return r;
	p = bfs_sys_mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p < 0) {
		bfs_local_hang_up(&link);
		return -ENOMEM;
	}
	l = (struct local *)p;
	l->base = (struct bfs_transport){ .ops = &local_ops,
					  .bulk_max = BFS_RING_BULK,
					  .peer = run_dir,
					  .session = peer->hello.session,
					  .ticket = peer->hello.ticket,
					  .generation = hello->generation };
	l->ring = link.ring;
	l->sock = link.sock;
	l->data_fd = link.data_fd;
	l->wakes_here = link.ring->near;
	bfs_patience_init(&l->patience, peer->hello.spin_us);
	for (int i = 0; i < BFS_RING_SLOTS; i++)
		l->mail[i] = -1;
	peer->arena_fd = link.arena_fd;
	peer->empty_fd = link.empty_fd;
	*t = &l->base;
	return 0;
}
