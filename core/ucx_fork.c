/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork() of a program that has UCX in it.  The child forgets the parent's
 * connections and opens UCX anew, so no lock inside UCX may be held at the
 * moment of the fork: neither by one of our threads, which our own lock keeps
 * out, nor by UCX's, which holds none while it sleeps in epoll_wait.
 */
#include "core/sys.h"
#include "core/ucx_async.h"
#include "core/ucx_client.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_NS 100000000u /* for UCX's thread to go to sleep */
#define SET_UP_NS 5000000000u  /* for UCX to open in a forked child */
#define PAUSE_NS 50000

static _Atomic uint32_t list_lock;
static struct bfs_ucx_client *live;
static uint64_t signals; /* of the thread that forks */
static bool forked;

static void pause_a_little(void)
{
	struct timespec t = { .tv_nsec = PAUSE_NS };

	bfs_sys_2(SYS_nanosleep, &t, NULL);
}

static void lock_list(void)
{
	while (atomic_exchange(&list_lock, 1))
		pause_a_little();
}

/* The thread is inside epoll_wait (true also if there is no such thread). */
static bool sleeps(pid_t tid)
{
	char path[64], buf[32] = "";
	int fd, nr;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	fd = bfs_sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return true;
	bfs_sys_3(SYS_read, fd, buf, sizeof(buf) - 1);
	bfs_sys_close(fd);
	nr = atoi(buf); /* "running" is 0 */
	return nr == SYS_epoll_wait || nr == SYS_epoll_pwait;
}

static void before(void)
{
	uint64_t until = bfs_now() + PATIENCE_NS, old, ignored;

	bfs_sys_block_signals(&old);
	lock_list();
	signals = old;
	for (struct bfs_ucx_client *u = live; u; u = u->next)
		bfs_ucx_lock(u, &ignored);
	for (struct bfs_ucx_client *u = live; u; u = u->next)
		while (u->ucx_tid && !sleeps(u->ucx_tid) && bfs_now() < until)
			pause_a_little();
}

static void after_in_parent(void)
{
	uint64_t old = signals, all;

	bfs_sys_block_signals(&all);
	for (struct bfs_ucx_client *u = live; u; u = u->next)
		bfs_ucx_unlock(u, &all);
	atomic_store(&list_lock, 0);
	bfs_sys_restore_signals(&old);
}

static void after_in_child(void)
{
	forked = forked || live;
	bfs_ucx_async_forget();
	bfs_ucx_client_forget();
	live = NULL;
	atomic_store(&list_lock, 0);
	bfs_sys_restore_signals(&signals);
}

static void watch_forks(void)
{
	pthread_atfork(before, after_in_parent, after_in_child);
}

void bfs_ucx_fork_add(struct bfs_ucx_client *u)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	lock_list();
	u->next = live;
	live = u;
	atomic_store(&list_lock, 0);
}

void bfs_ucx_fork_del(struct bfs_ucx_client *u)
{
	struct bfs_ucx_client **p;

	lock_list();
	for (p = &live; *p && *p != u; p = &(*p)->next)
		;
	if (*p)
		*p = u->next;
	atomic_store(&list_lock, 0);
}

/* The highest thread id of the process: UCX's, if it has just been made. */
pid_t bfs_ucx_newest_thread(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	pid_t max = 0;

	while (d && (e = readdir(d)))
		max = BFS_MAX(max, (pid_t)atoi(e->d_name));
	if (d)
		closedir(d);
	return max;
}

struct attempt {
	int (*fn)(void *arg);
	void *arg;
	int result;
	_Atomic uint32_t done;
};

static void *try(void *arg)
{
	struct attempt *a = arg;

	a->result = a->fn(a->arg);
	atomic_store(&a->done, 1);
	bfs_sys_futex_wake(&a->done, 1);
	return NULL;
}

bool bfs_ucx_forked(void)
{
	return forked;
}

int bfs_ucx_guard(int (*fn)(void *arg), void *arg)
{
	uint64_t until = bfs_now() + SET_UP_NS;
	struct attempt *a;
	pthread_t t;
	int r;

	if (!forked)
		return fn(arg);
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->fn = fn;
	a->arg = arg;
	r = pthread_create(&t, NULL, try, a);
	if (r) {
		free(a);
		return -r;
	}
	while (!atomic_load(&a->done) && bfs_now() < until)
		bfs_sys_futex_wait(&a->done, 0, until - bfs_now());
	if (!atomic_load(&a->done)) {
		pthread_detach(t);
		return -EDEADLK; /* what it works on is left to it */
	}
	pthread_join(t, NULL);
	r = a->result;
	free(a);
	return r;
}
