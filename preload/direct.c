/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/direct.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/fd.h"
#include "preload/raw.h"
#include "preload/session.h"
#include "preload/session_ucx.h"
#include "preload/state.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define SHARDS 1024u	     /* of more nobody has ways */
#define LOOKS 6		     /* for unused ways, in the time of one */
#define ASK_MS 2000u	     /* for what does not work the relay does; */
#define ASK_PART 8u	     /* and no more than so much of a call's time */
#define FILES_MIN 256	     /* RLIMIT_NOFILE */
#define PAUSE_NS 1000000000u /* after a failure; doubled each time */
#define PAUSE_MAX_NS 64000000000u

struct way {
	struct bfs_client c;
	_Atomic uint64_t used; /* bfs_now() */
	uint64_t not_before;   /* bfs_now(): no new attempt */
	uint64_t pause;
	bool near; /* its daemon is on this node */
};

static struct way *_Atomic ways; /* SHARDS of them, by shard */
static _Atomic uint32_t shards;	 /* how many there are; 0: not known yet */
static _Atomic uint64_t moved;	 /* bytes by the node's daemon */
static _Atomic uint64_t looked;	 /* for idle ways; bfs_now() */
static _Atomic bool opened, off;

bool bfs_direct_opened(void)
{
	return opened;
}

/* For each of the two steps to a way. */
static uint32_t ask_ms(void)
{
	return BFS_MIN(ASK_MS, bfs_settings.timeout_ms / ASK_PART);
}

/* stdio writes its buffers behind the destructors of libraries, UCX's too. */
__attribute__((destructor)) static void stop(void)
{
	off = true;
}

/* UCX takes some descriptors, and while it opens them there are few others. */
static bool has_room(void)
{
	struct rlimit l = { 0, 0 };

	bfs_sys_2(SYS_getrlimit, RLIMIT_NOFILE, &l);
	return l.rlim_cur >= FILES_MIN;
}

static struct way *get_ways(void)
{
	struct way *none = NULL;
	long p;

	if (ways)
		return ways;
	p = bfs_sys_mmap(NULL, SHARDS * sizeof(struct way),
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (p < 0 && p > -4096)
		return NULL;
	if (!atomic_compare_exchange_strong(&ways, &none, (struct way *)p))
		bfs_sys_munmap((void *)p, SHARDS * sizeof(struct way));
	return ways;
}

void bfs_direct_drop(bool forked)
{
	if (forked) {
		off = off || opened;
		moved = 0;
	}
	if (!ways)
		return;
	for (uint32_t s = 0; s < SHARDS; s++)
		if (ways[s].c.t)
			bfs_session_retire(&ways[s].c);
}

/* In bfs_session_lock(). */
static void close_idle(void)
{
	uint64_t now = bfs_now();

	for (uint32_t s = 0; s < SHARDS; s++)
		if (ways[s].c.t &&
		    ways[s].used + bfs_settings.direct_idle < now)
			bfs_session_retire(&ways[s].c);
}

void bfs_direct_look(void)
{
	uint64_t before = looked, now = bfs_now(), signals;

	if (!ways || now < before + bfs_settings.direct_idle / LOOKS ||
	    !atomic_compare_exchange_strong(&looked, &before, now) ||
	    !bfs_session_lock(&signals))
		return;
	close_idle();
	bfs_session_unlock(&signals);
}

/* Under the lock. */
static void failed(struct way *w)
{
	w->pause = BFS_MIN(w->pause ? 2 * w->pause : PAUSE_NS, PAUSE_MAX_NS);
	w->not_before = bfs_now() + w->pause;
}

static void lost(struct bfs_client *c, struct bfs_transport *t)
{
	uint64_t signals;

	if (!bfs_session_lock(&signals))
		return;
	if (c->t == t) {
		bfs_session_retire(c);
		failed(bfs_container_of(c, struct way, c));
	}
	bfs_session_unlock(&signals);
}

/* Under the lock: the daemon told, vouches for us. */
static int connect_to(struct way *w, uint32_t shard,
		      const struct bfs_direct_rep *rep, uint64_t heard)
{
	struct bfs_transport *t;
	int e = bfs_ucx_dial_far(rep, ask_ms(), &t);

	opened = true;
	if (e)
		return e;
	/* It was read before we heard of it, so it is later now than this says:
	 * a deadline by it is never beyond ours. */
	t->clock = rep->clock - (heard / 1000000 + 1);
	t->bounded = true;
	for (int i = 0; i < t->nfds; i++)
		bfs_fd_own(t->fds[i]);
	if (!w->c.lost) {
		bfs_session_way(&w->c);
		w->c.shard = shard;
		w->c.lost = lost;
	}
	w->c.session = bfs_session_number();
	if (t->ops->idle_after)
		t->ops->idle_after(t, bfs_settings.direct_idle * 3 / 2);
	w->pause = 0;
	w->used = bfs_now();
	atomic_store(&w->c.t, t);
	bfs_log(info, "to shard %u itself from now on", shard);
	return 0;
}

static void take(struct way *w, uint32_t shard,
		 const struct bfs_direct_rep *rep, uint64_t heard)
{
	uint64_t signals, session = bfs_session_number();
	int e;

	shards = rep->shards;
	w->near = rep->near;
	if (rep->near || !bfs_session_lock(&signals))
		return;
	close_idle();
	if (!w->c.t && bfs_session_number() == session) {
		e = connect_to(w, shard, rep, heard);
		if (e)
			failed(w);
		if (e == -ELIBACC || e == -EDEADLK || e == -ENODEV)
			off = true;
	}
	bfs_session_unlock(&signals);
}

/* Our daemon knows where it is, and tells it who we are. */
static void ask(struct way *w, uint32_t shard)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_direct_rep rep;
	struct bfs_client *c;
	uint64_t signals;
	int e = bfs_session(&c);

	/* Others need not ask meanwhile, and nobody for a while if it fails. */
	if (e || !bfs_session_lock(&signals))
		return;
	failed(w);
	bfs_session_unlock(&signals);
	if (!has_room())
		return;
	r.quiet = true;
	r.deadline = bfs_now() + ask_ms() * 1000000ull;
	e = bfs_rpc_direct(c, &r, &(struct bfs_direct_req){ shard }, &rep);
	if (!e)
		take(w, shard, &rep, bfs_now());
	bfs_rpc_end(&r);
}

static struct bfs_client *to(uint32_t shard)
{
	struct way *all = get_ways(), *w;

	if (!all || shard >= SHARDS)
		return NULL;
	w = &all[shard];
	if (!w->c.t && !w->near && bfs_now() >= w->not_before)
		ask(w, shard);
	if (!w->c.t)
		return NULL;
	atomic_store_explicit(&w->used, bfs_now(), memory_order_relaxed);
	return &w->c;
}

static struct bfs_client *to_chunk(struct bfs_handle h, uint64_t offset,
				   size_t *n)
{
	unsigned log2 = BFS_RIGHT_CHUNK(h.rights);
	uint64_t size = UINT64_C(1) << log2, home = h.ino >> BFS_SHARD_SHIFT;
	struct bfs_client *c;

	c = to((uint32_t)((home + (offset >> log2)) % shards));
	if (c)
		*n = BFS_MIN(*n, size - (offset & (size - 1)));
	return c;
}

struct bfs_client *bfs_direct(struct bfs_handle h, uint64_t offset, bool write,
			      bool append, size_t *n)
{
	const struct bfs_arena *a;
	struct bfs_client *c;
	uint32_t home = (uint32_t)(h.ino >> BFS_SHARD_SHIFT);

	if (bfs_likely(moved < bfs_settings.direct_after || off ||
		       !bfs_settings.direct_after))
		return NULL;
	bfs_direct_look();
	/* Its calls past libc would be looked at (raw.h). */
	if (bfs_raw_on)
		return NULL;
	a = bfs_arena_now();
	if (!write && (!a || atomic_load(&a->stored)))
		return NULL;
	/* That tells how many there are, too. */
	if (!shards)
		c = to(home);
	if (shards <= 1)
		return NULL;
	if (h.rights & BFS_RIGHT_STRIPED && !append)
		c = to_chunk(h, offset, n);
	else
		c = to(home);
	return c;
}

void bfs_direct_moved(const struct bfs_client *c, bool write, size_t n)
{
	if (!c->relay) {
		atomic_fetch_add(&moved, n);
	} else if (write) {
		bfs_stat_add(client_direct_writes, 1);
		bfs_stat_add(client_direct_write_bytes, n);
	} else {
		bfs_stat_add(client_direct_reads, 1);
		bfs_stat_add(client_direct_read_bytes, n);
	}
}
