/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/loop.h"

#include "core/log.h"
#include "core/patience.h"
#include "core/util.h"
#include "server/cores.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define POLLERS 8
#define EVENTS 64	   /* per turn: no source starves another */
#define LOOK_EVERY 32	   /* idle turns between looks at epoll */
#define LOOK_NS 20000u	   /* and of busy ones */
#define YIELD_NS 30000000u /* no long spins, when others want the core */

struct watch {
	int fd;
	bool dead; /* freed at the end of the turn */
	void (*fn)(void *arg, uint32_t events);
	void *arg;
	struct watch *next;
};

struct poller {
	int (*poll)(void *arg);
	int (*arm)(void *arg);
	void *arg;
};

struct bfs_loop {
	int epoll, nap; /* nap: see there */
	struct bfs_cores cores;
	struct bfs_patience patience, expected, *looking;
	uint64_t worked;      /* when something came last */
	uint64_t idle;	      /* nothing had come yet; not before worked */
	uint64_t looks;	      /* for more, so long */
	uint64_t looked;      /* about when at epoll, of what was busy since */
	uint64_t yield_until; /* others want the core */
	long preempted;
	bool expecting;	      /* something more will come soon */
	bool resting;	      /* it cannot while we look */
	struct watch **watch; /* by descriptor */
	int nwatch;
	struct watch *dead;
	struct poller poller[POLLERS];
	int npollers;
	struct bfs_timer *timers; /* sorted */
	void (*end)(void *arg);
	void *end_arg;
	bool (*chores)(void *arg, uint64_t idle_ns);
	void *chores_arg;
	bool chores_left;
};

/*
 * We sleep on an epoll of the epoll.  Who is woken by a message on a socket
 * begins on the sender's core, even if it is busy and his own is idle ("sync"):
 * the client is there, and looks for our answer.  One more between forgets
 * about that.
 */
static int open_epolls(struct bfs_loop *l)
{
	struct epoll_event e = { .events = EPOLLIN };

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->nap = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0 || l->nap < 0)
		return -1;
	return epoll_ctl(l->nap, EPOLL_CTL_ADD, l->epoll, &e);
}

struct bfs_loop *bfs_loop_new(unsigned spin_us)
{
	struct bfs_loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	bfs_loop_set_spin(l, spin_us);
	l->looking = &l->patience;
	bfs_cores_init(&l->cores);
	if (open_epolls(l)) {
		bfs_loop_free(l);
		return NULL;
	}
	return l;
}

static void bury(struct bfs_loop *l)
{
	while (l->dead) {
		struct watch *w = l->dead;

		l->dead = w->next;
		free(w);
	}
}

void bfs_loop_free(struct bfs_loop *l)
{
	bury(l);
	for (int i = 0; i < l->nwatch; i++)
		free(l->watch[i]);
	free(l->watch);
	bfs_cores_done(&l->cores);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->nap >= 0)
		close(l->nap);
	free(l);
}

void bfs_loop_set_spin(struct bfs_loop *l, unsigned spin_us)
{
	bfs_patience_init(&l->patience, spin_us);
	bfs_patience_init(&l->expected, spin_us);
}

static int make_room(struct bfs_loop *l, int fd)
{
	int n = BFS_MAX(2 * l->nwatch, fd + 64);
	struct watch **w;

	if (fd < l->nwatch)
		return 0;
	w = realloc(l->watch, (size_t)n * sizeof(struct watch *));
	if (!w)
		return -ENOMEM;
	for (int i = l->nwatch; i < n; i++)
		w[i] = NULL;
	l->watch = w;
	l->nwatch = n;
	return 0;
}

int bfs_loop_add(struct bfs_loop *l, int fd, uint32_t events,
		 void (*fn)(void *arg, uint32_t events), void *arg)
{
	struct epoll_event e = { .events = events };
	struct watch *w;
	int r = make_room(l, fd);

	if (r)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct watch){ .fd = fd, .fn = fn, .arg = arg };
	e.data.ptr = w;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e)) {
		r = -errno;
		free(w);
		return r;
	}
	l->watch[fd] = w;
	return 0;
}

void bfs_loop_del(struct bfs_loop *l, int fd)
{
	struct watch *w = fd < l->nwatch ? l->watch[fd] : NULL;

	if (!w)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	l->watch[fd] = NULL;
	w->dead = true;
	w->next = l->dead;
	l->dead = w;
}

int bfs_loop_poller(struct bfs_loop *l, int (*poll)(void *arg),
		    int (*arm)(void *arg), void *arg)
{
	if (l->npollers == POLLERS)
		return -ENOSPC;
	l->poller[l->npollers++] = (struct poller){ poll, arm, arg };
	return 0;
}

void bfs_loop_at_end(struct bfs_loop *l, void (*fn)(void *arg), void *arg)
{
	l->end = fn;
	l->end_arg = arg;
}

void bfs_loop_chores(struct bfs_loop *l,
		     bool (*fn)(void *arg, uint64_t idle_ns), void *arg)
{
	l->chores = fn;
	l->chores_arg = arg;
}

/* True: there are more. */
static bool do_chores(struct bfs_loop *l, uint64_t idle_ns)
{
	if (l->chores && (l->chores_left || idle_ns == BFS_LOOP_SLEEPS))
		l->chores_left = l->chores(l->chores_arg, idle_ns);
	return l->chores_left;
}

void bfs_loop_timer(struct bfs_loop *l, struct bfs_timer *t, uint64_t at)
{
	struct bfs_timer **p;

	for (p = &l->timers; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	t->at = at;
	if (!at)
		return;
	for (p = &l->timers; *p && (*p)->at <= at; p = &(*p)->next)
		;
	t->next = *p;
	*p = t;
}

static int run_timers(struct bfs_loop *l)
{
	int n = 0;

	while (l->timers && l->timers->at <= bfs_now() && n < EVENTS) {
		struct bfs_timer *t = l->timers;

		l->timers = t->next;
		t->at = 0;
		t->fn(t);
		n++;
	}
	return n;
}

static int run_pollers(struct bfs_loop *l)
{
	int n = 0;

	for (int i = 0; i < l->npollers; i++)
		n += l->poller[i].poll(l->poller[i].arg);
	return n;
}

static int wait_failed(void)
{
	int e = -errno;

	bfs_log(error, "event loop: epoll_wait: %m");
	return e;
}

static int run_events(struct bfs_loop *l, int ms)
{
	struct epoll_event e[EVENTS];
	int n = epoll_wait(l->epoll, e, EVENTS, ms);

	for (int i = 0; i < n; i++) {
		struct watch *w = e[i].data.ptr;

		if (!w->dead)
			w->fn(w->arg, e[i].events);
	}
	bury(l);
	if (n < 0 && errno != EINTR)
		return wait_failed();
	return n < 0 ? 0 : n;
}

/* Milliseconds until the next timer, rounded up; -1: none. */
static int nap_ms(struct bfs_loop *l)
{
	uint64_t now = bfs_now();

	if (!l->timers)
		return -1;
	if (l->timers->at <= now)
		return 0;
	return (int)BFS_MIN((l->timers->at - now + 999999) / 1000000, 60000u);
}

static bool arm_all(struct bfs_loop *l)
{
	bool quiet = true;

	for (int i = 0; i < l->npollers; i++)
		if (l->poller[i].arm(l->poller[i].arg))
			quiet = false;
	return quiet;
}

/* Have we been put off the core since the last time? */
static bool preempted(struct bfs_loop *l)
{
	struct rusage u;
	bool yes;

	if (getrusage(RUSAGE_THREAD, &u))
		return false;
	yes = u.ru_nivcsw != l->preempted;
	l->preempted = u.ru_nivcsw;
	return yes;
}

/*
 * Something came: until when is it worth looking for more?  What comes while
 * we look for longer than the least is worth a core only if nobody else wants
 * it.
 */
static uint64_t look_until(struct bfs_loop *l)
{
	uint64_t now = bfs_now(), gap = l->idle - l->worked;

	l->worked = l->idle = now;
	bfs_patience_note(l->looking, gap, l->looks);
	l->looking = l->expecting ? &l->expected : &l->patience;
	l->expecting = false;
	if (gap > l->patience.least_ns && preempted(l) &&
	    !bfs_cores_idle(&l->cores))
		l->yield_until = now + YIELD_NS;
	l->looks = bfs_patience(l->looking);
	if (now < l->yield_until)
		l->looks = BFS_MIN(l->looks, l->patience.least_ns);
	if (l->resting)
		l->looks = 0;
	l->resting = false;
	return now + l->looks;
}

void bfs_loop_expect(struct bfs_loop *l)
{
	l->expecting = true;
}

void bfs_loop_rest(struct bfs_loop *l)
{
	l->resting = true;
}

struct bfs_cores *bfs_loop_cores(struct bfs_loop *l)
{
	return &l->cores;
}

int bfs_loop_turn(struct bfs_loop *l)
{
	int n = run_pollers(l), r = run_events(l, 0);

	return r < 0 ? r : n + r + run_timers(l);
}

uint64_t bfs_loop_next(const struct bfs_loop *l)
{
	return l->timers ? l->timers->at : UINT64_MAX;
}

static int nap(struct bfs_loop *l)
{
	struct epoll_event e;
	int n = epoll_wait(l->nap, &e, 1, nap_ms(l));

	l->idle = bfs_now();
	if (n < 0 && errno != EINTR)
		return wait_failed();
	return n > 0 ? run_events(l, 0) : 0;
}

/* The sockets and timers; to sleep on them, if nothing came for long.  How many
 * events, -errno; *timers: how many of these. */
static int look_around(struct bfs_loop *l, int polled, uint64_t spin_until,
		       int *timers)
{
	int r = run_events(l, 0);

	l->looked = 0;
	if (r < 0)
		return r;
	*timers = run_timers(l);
	if (r || polled || *timers || bfs_now() < spin_until ||
	    do_chores(l, BFS_LOOP_SLEEPS) || !arm_all(l))
		return r;
	return nap(l);
}

/* After a turn in which something came: have the others waited for long? */
static bool others_wait(struct bfs_loop *l)
{
	if (!l->looked)
		l->looked = l->worked;
	return l->worked - l->looked >= LOOK_NS;
}

int bfs_loop_run(struct bfs_loop *l, const char *const *stop)
{
	uint64_t spin_until = 0;
	unsigned idle = 0;
	bool look = true;

	while (!*stop) {
		int n = run_pollers(l), timers = 0;

		if (look) {
			int r = look_around(l, n, spin_until, &timers);

			if (r < 0)
				return r;
			n += r;
		}
		if ((n || timers) && l->end)
			l->end(l->end_arg);
		if (n) {
			spin_until = look_until(l);
			look = others_wait(l);
			l->chores_left = l->chores;
		} else {
			bfs_relax();
			do_chores(l, l->idle - l->worked);
			l->idle = bfs_now();
			look = ++idle % LOOK_EVERY == 0;
		}
	}
	return 0;
}
