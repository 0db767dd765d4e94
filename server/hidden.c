/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/hidden.h"

#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/copy.h"
#include "server/fetch.h"
#include "server/fiber.h"
#include "server/hidden_impl.h"
#include "server/inode.h"
#include "server/peer.h"
#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS 1000000000ull

struct bfs_hidden *bfs_hidden_find(const struct bfs_server *s, uint64_t ino)
{
	struct bfs_hidden *h = NULL;

	if (s->hiddens)
		HASH_FIND(hh, s->hiddens->all, &ino, sizeof(ino), h);
	return h;
}

static uint64_t timeout(const struct bfs_server *s)
{
	return bfs_now() + s->config.network.timeout_secs * 1000000000ull;
}

/* No lease is given where somebody (but us) has the file. */
static bool refused(int fd, int lease)
{
	if (fcntl(fd, F_SETLEASE, lease))
		return errno == EAGAIN || errno == EINVAL;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

bool bfs_hidden_used(const struct bfs_hidden *h)
{
	return h->fd >= 0 && refused(h->fd, F_WRLCK);
}

bool bfs_hidden_stored(const struct bfs_hidden *h)
{
	return h->fd >= 0 && refused(h->fd, F_RDLCK);
}

int bfs_hidden_reopen(const struct bfs_hidden *h, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", h->fd);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * The files: without a name, so that they end with us and those who map them.
 */
static int make_file(struct bfs_server *s, int flags)
{
	int fd = openat(s->fs->top_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
			0600);
	char path[64];
	int again;

	if (fd < 0 || flags == O_RDWR)
		return fd < 0 ? -errno : fd;
	/* Whoever holds it to write would be taken for one who stores. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	again = again < 0 ? -errno : again;
	close(fd);
	return again;
}

/* Clients that go to other daemons by themselves have to ask us. */
static void tell_stored(struct bfs_server *s)
{
	struct bfs_hidden *h, *next;
	bool any = false;

	HASH_ITER(hh, s->hiddens->all, h, next)
	any |= h->twin >= 0;
	if (s->arenas)
		bfs_arenas_stored(s->arenas, any);
}

/* What it has now is what the home has, since nobody could store yet. */
static int make_twin(struct bfs_hidden *h)
{
	int fd = make_file(h->server, O_RDWR), r = 0;
	off_t from = 0, to;

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)h->size))
		r = -errno;
	while (!r && from < (off_t)h->size) {
		ssize_t n = copy_file_range(h->fd, &from, fd, (to = from, &to),
					    BFS_HIDDEN_PIECE, 0);

		if (n < 0 && errno != EINTR)
			r = -errno;
		else if (!n)
			break;
		bfs_hidden_pause(h->server);
	}
	if (r) {
		close(fd);
		return r;
	}
	h->twin = fd;
	tell_stored(h->server);
	return 0;
}

static int tell_open(struct bfs_hidden *h, bool writable, uint64_t deadline)
{
	struct bfs_server *s = h->server;
	struct bfs_mapopen_req req = { .ino = h->ino, .writable = writable };
	uint8_t room[BFS_FIELDS_MAX];
	struct bfs_mapopen_rep rep;
	int r = bfs_peer_mapopen(s, bfs_shared_home(s->fs, h->ino), deadline,
				 &req, &rep, room);

	if (!r)
		h->reg = rep.reg;
	return r;
}

static void tell_end(struct bfs_hidden *h, uint64_t deadline)
{
	struct bfs_server *s = h->server;
	struct bfs_mapend_req req = { .ino = h->ino, .reg = h->reg };
	uint8_t room[BFS_FIELDS_MAX];
	struct bfs_mapend_rep rep;

	if (h->reg)
		bfs_peer_mapend(s, bfs_shared_home(s->fs, h->ino), deadline,
				&req, &rep, room);
	h->reg = 0;
}

/* The home has started anew: it is told again.  What other nodes have written
 * meanwhile is taken, what was stored here stays. */
static int settle(struct bfs_hidden *h, uint64_t deadline)
{
	int r;

	if (!h->stale || h->gone)
		return 0;
	r = tell_open(h, h->twin >= 0, deadline);
	if (!r)
		r = bfs_hidden_flush(h, deadline);
	if (!r)
		r = bfs_hidden_take(h, 0, UINT64_MAX, false, deadline);
	if (r == -ESTALE) {
		h->gone = true;
		r = 0;
	}
	h->stale = r != 0;
	return r;
}

/* With the turn: errors of the home's disk are told to the next who asks. */
int bfs_hidden_sync(struct bfs_hidden *h, uint64_t deadline)
{
	int r = settle(h, deadline);

	if (!r)
		r = bfs_hidden_flush(h, deadline);
	if (r ==
	    -ESTALE) { /* the file, or what the home knows of us, is gone */
		h->stale = true;
		r = settle(h, deadline);
	}
	return r;
}

static struct bfs_hiddens *get_all(struct bfs_server *s);

static struct bfs_hidden *get(struct bfs_server *s, uint64_t ino)
{
	struct bfs_hiddens *all = get_all(s);
	struct bfs_hidden *h = all ? bfs_hidden_find(s, ino) : NULL;

	if (!all || h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->server = s;
	h->ino = ino;
	h->fd = h->twin = -1;
	HASH_ADD(hh, all->all, ino, sizeof(h->ino), h);
	if (bfs_hashed(h))
		return h;
	free(h);
	return NULL;
}

static void forget(struct bfs_hidden *h)
{
	HASH_DEL(h->server->hiddens->all, h);
	if (h->fd >= 0)
		close(h->fd);
	if (h->twin >= 0)
		close(h->twin);
	free(h);
}

static void close_files(struct bfs_hidden *h)
{
	if (h->fd >= 0)
		close(h->fd);
	if (h->twin >= 0)
		close(h->twin);
	h->fd = h->twin = -1;
	h->size = 0;
	h->stale = h->gone = false;
}

/* With the turn, to be given up together with the reference. */
void bfs_hidden_let_go(struct bfs_hidden *h)
{
	bfs_turn_give(&h->turn);
	if (!--h->refs && h->fd < 0)
		forget(h);
}

int bfs_hidden_hold(struct bfs_hidden *h, uint64_t deadline)
{
	int r;

	h->refs++;
	r = bfs_turn_take(h->server, &h->turn, deadline);
	if (r && !--h->refs && h->fd < 0)
		forget(h);
	return r;
}

/* Ready to be mapped so. */
static int prepare(struct bfs_hidden *h, bool writable, uint64_t deadline)
{
	bool fresh = h->fd < 0;
	int r = 0;

	if (!fresh)
		r = settle(h, deadline);
	if (!r && (fresh || (writable && h->twin < 0)))
		r = tell_open(h, writable, deadline);
	if (!r && fresh) {
		h->fd = make_file(h->server, O_RDONLY);
		r = h->fd < 0 ? h->fd
			      : bfs_hidden_take(h, 0, UINT64_MAX, false,
						deadline);
	}
	if (!r && writable && h->twin < 0)
		r = make_twin(h);
	if (r && fresh) {
		tell_end(h, deadline);
		close_files(h);
	}
	return r;
}

int bfs_hidden_open(struct bfs_server *s, uint64_t ino, bool writable,
		    uint64_t deadline)
{
	struct bfs_hidden *h = get(s, ino);
	int r;

	if (!h)
		return -ENOMEM;
	r = bfs_hidden_hold(h, deadline);
	if (r)
		return r;
	r = prepare(h, writable, deadline);
	if (!r)
		r = bfs_hidden_reopen(h, writable ? O_RDWR : O_RDONLY);
	bfs_hidden_let_go(h);
	if (r == -ENOSPC || r == -EDQUOT)
		r = -ENOMEM; /* what mmap(2) may say */
	return r;
}

int bfs_hidden_peek(struct bfs_server *s, uint64_t ino)
{
	const struct bfs_hidden *h = bfs_hidden_find(s, ino);

	if (!h || h->fd < 0 || h->twin < 0 || h->stale)
		return -ENOENT;
	return bfs_hidden_reopen(h, O_RDONLY);
}

/*
 * Once a second, while there are any: what was stored goes home, what nobody
 * maps any more ends, and what others have stored shows.
 */
static int refresh(struct bfs_hidden *h, uint64_t deadline)
{
	struct bfs_attr a;
	int r = h->gone ? -ESTALE
			: bfs_fetch_attr(h->server, h->ino, &a, deadline);

	if (r)
		return r;
	if (h->change && bfs_copy_change(h->server->fs, &a) == h->change)
		return 0;
	return bfs_hidden_take(h, 0, UINT64_MAX, false, deadline);
}

static void look_at(struct bfs_hidden *h)
{
	uint64_t deadline = timeout(h->server);
	bool used, stored;
	int r;

	if (bfs_hidden_hold(h, deadline))
		return;
	/* Before the flush, which does not see what is stored behind it. */
	used = bfs_hidden_used(h);
	stored = bfs_hidden_stored(h);
	r = bfs_hidden_sync(h, deadline);
	if (r && r != h->error)
		bfs_log(error,
			"what was stored into a mapping of %016llx cannot be "
			"written: %s",
			(unsigned long long)h->ino, strerror(-r));
	h->error = r;
	if (!r && h->refs == 1 && !used && !bfs_hidden_used(h)) {
		tell_end(h, deadline);
		close_files(h);
	} else if (!r && h->twin >= 0 && !stored && !bfs_hidden_stored(h)) {
		close(h->twin);
		h->twin = -1;
		tell_open(h, false, deadline);
	} else if (!r && h->twin < 0) {
		refresh(h, deadline);
	}
	bfs_hidden_let_go(h);
}

static void look(void *arg)
{
	struct bfs_hiddens *all = arg;
	struct bfs_server *s = all->server;
	unsigned n = 0, count = HASH_COUNT(all->all);
	uint64_t *inos = malloc((count + 1) * sizeof(*inos));
	uint64_t began = bfs_now();
	struct bfs_hidden *h, *next;

	if (inos)
		HASH_ITER(hh, all->all, h, next)
	inos[n++] = h->ino;
	while (n) { /* they come and go while we wait */
		h = bfs_hidden_find(s, inos[--n]);
		if (h)
			look_at(h);
	}
	free(inos);
	tell_stored(s);
	all->looking = false;
	/* Most of the time is for others. */
	all->not_before = bfs_now() + 4 * (bfs_now() - began);
	if (all->all)
		bfs_loop_timer(s->loop, &all->timer,
			       all->not_before + (all->again ? 0 : LOOK_NS));
	all->again = false;
}

static void on_timer(struct bfs_timer *t)
{
	struct bfs_hiddens *all = t->arg;

	if (all->looking)
		return;
	all->looking = true;
	if (!bfs_fiber_run(look, all))
		return;
	all->looking = false;
	bfs_loop_timer(all->server->loop, t, bfs_now() + LOOK_NS);
}

static struct bfs_hiddens *get_all(struct bfs_server *s)
{
	struct bfs_hiddens *all = s->hiddens;

	if (!all) {
		all = s->hiddens = calloc(1, sizeof(*all));
		if (!all)
			return NULL;
		all->server = s;
		all->timer.fn = on_timer;
		all->timer.arg = all;
	}
	if (s->loop && !all->timer.at && !all->looking)
		bfs_loop_timer(s->loop, &all->timer, bfs_now() + LOOK_NS);
	return all;
}

void bfs_hidden_look(struct bfs_server *s)
{
	struct bfs_hiddens *all = s->hiddens;

	if (!all || !all->all || !s->loop)
		return;
	if (all->looking)
		all->again = true;
	else
		bfs_loop_timer(s->loop, &all->timer,
			       BFS_MAX(bfs_now(), all->not_before));
}

void bfs_hidden_peer_new(struct bfs_server *s, unsigned shard)
{
	struct bfs_hidden *h, *next;

	if (!s->hiddens)
		return;
	HASH_ITER(hh, s->hiddens->all, h, next)
	if (h->fd >= 0 && bfs_shared_home(s->fs, h->ino) == shard)
		h->stale = true;
	bfs_hidden_look(s);
}

void bfs_hiddens_free(struct bfs_server *s)
{
	struct bfs_hidden *h, *next;

	if (!s->hiddens)
		return;
	if (s->loop)
		bfs_loop_timer(s->loop, &s->hiddens->timer, 0);
	HASH_ITER(hh, s->hiddens->all, h, next)
	forget(h);
	free(s->hiddens);
	s->hiddens = NULL;
}
