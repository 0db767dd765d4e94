/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous I/O of POSIX.  The C library's works by threads that call the
 * kernel directly: right on a descriptor that is passed through, but they
 * cannot serve a placeholder.
 *
 * There the calls do their work at once: when aio_read() returns the
 * request has ended, which POSIX allows, and its result stands in the fields
 * of the control block where libc's aio_error, aio_return, aio_suspend and
 * aio_cancel look.  A thread to do it in would cost more than the call.
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/real.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define PRIO_MAX_DELTA 20 /* AIO_PRIO_DELTA_MAX */

static bool held(int fd)
{
	return bfs_fd_kind(fd) > BFS_KIND_PASS;
}

static bool is_ours(const struct aiocb *cb)
{
	return cb && cb->aio_lio_opcode != LIO_NOP && held(cb->aio_fildes);
}

bool bfs_aio_held(struct aiocb *const list[], int n)
{
	for (int i = 0; list && i < n; i++)
		if (is_ours(list[i]))
			return true;
	return false;
}

struct notice {
	void (*fn)(union sigval v);
	union sigval value;
};

static void *run_notice(void *arg)
{
	struct notice n = *(struct notice *)arg;

	free(arg);
	n.fn(n.value);
	return NULL;
}

/* With all signals blocked, as libc's are. */
static void notify_thread(const struct sigevent *ev)
{
	struct notice *n = malloc(sizeof(*n));
	pthread_attr_t detached;
	const pthread_attr_t *attr = ev->sigev_notify_attributes;
	uint64_t signals;
	pthread_t t;

	if (!n)
		return;
	*n = (struct notice){ ev->sigev_notify_function, ev->sigev_value };
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	bfs_sys_block_signals(&signals);
	if (pthread_create(&t, attr ? attr : &detached, run_notice, n))
		free(n);
	bfs_sys_restore_signals(&signals);
	pthread_attr_destroy(&detached);
}

static void notify_signal(const struct sigevent *ev)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = ev->sigev_signo;
	info.si_code = SI_ASYNCIO;
	info.si_pid = (pid_t)bfs_sys_0(SYS_getpid);
	info.si_uid = (uid_t)bfs_sys_0(SYS_getuid);
	info.si_value = ev->sigev_value;
	bfs_sys_3(SYS_rt_sigqueueinfo, info.si_pid, info.si_signo, &info);
}

static void notify(const struct sigevent *ev)
{
	if (ev->sigev_notify == SIGEV_THREAD)
		notify_thread(ev);
	else if (ev->sigev_notify == SIGEV_SIGNAL)
		notify_signal(ev);
}

/* The result, then the state, then the news of it. */
static void finish(struct aiocb *cb, ssize_t r)
{
	cb->__return_value = r < 0 ? -1 : r;
	__atomic_store_n(&cb->__error_code, r < 0 ? (int)-r : 0,
			 __ATOMIC_RELEASE);
	notify(&cb->aio_sigevent);
}

/* 0, or -EINVAL if it cannot even be queued. */
static int transfer(struct aiocb *cb, int op)
{
	void *buf = (void *)cb->aio_buf;
	ssize_t r = -EINVAL;

	if (cb->aio_reqprio < 0 || cb->aio_reqprio > PRIO_MAX_DELTA) {
		cb->__return_value = -1;
		cb->__error_code = EINVAL;
		return -EINVAL;
	}
	if (op == LIO_READ)
		r = bfs_pread(cb->aio_fildes, buf, cb->aio_nbytes,
			      cb->aio_offset);
	else if (op == LIO_WRITE)
		r = bfs_pwrite(cb->aio_fildes, buf, cb->aio_nbytes,
			       cb->aio_offset);
	finish(cb, r);
	return 0;
}

int bfs_aio_read(struct aiocb *cb)
{
	return transfer(cb, LIO_READ);
}

int bfs_aio_write(struct aiocb *cb)
{
	return transfer(cb, LIO_WRITE);
}

int bfs_aio_fsync(int op, struct aiocb *cb)
{
	if (op != O_SYNC && op != O_DSYNC)
		return -EINVAL;
	finish(cb, op == O_SYNC ? bfs_fsync(cb->aio_fildes)
				: bfs_fdatasync(cb->aio_fildes));
	return 0;
}

/* Those of the list that are ours, all of them.  Did any fail? */
static bool do_ours(int mode, struct aiocb *const list[], int n)
{
	bool failed = false;

	for (int i = 0; i < n; i++) {
		if (!is_ours(list[i]))
			continue;
		if (transfer(list[i], list[i]->aio_lio_opcode))
			failed = true;
		if (mode == LIO_WAIT && list[i]->__error_code)
			failed = true;
	}
	return failed;
}

/* The others are libc's, who tells when they, and so all, have ended. */
static int do_others(int mode, struct aiocb *const list[], int n,
		     struct sigevent *sig)
{
	BFS_AUTOFREE struct aiocb **rest = malloc((size_t)n * sizeof(*rest));

	if (!rest)
		return -EAGAIN;
	for (int i = 0; i < n; i++)
		rest[i] = is_ours(list[i]) ? NULL : list[i];
	return (int)bfs_ret(REAL(lio_listio)(mode, rest, n, sig));
}

static bool others_left(struct aiocb *const list[], int n)
{
	for (int i = 0; i < n; i++)
		if (list[i] && list[i]->aio_lio_opcode != LIO_NOP &&
		    !is_ours(list[i]))
			return true;
	return false;
}

int bfs_lio_listio(int mode, struct aiocb *const list[], int n,
		   struct sigevent *sig)
{
	bool failed;
	int e = 0;

	if (mode != LIO_WAIT && mode != LIO_NOWAIT)
		return -EINVAL;
	failed = do_ours(mode, list, n);
	if (others_left(list, n))
		e = do_others(mode, list, n, sig);
	else if (mode == LIO_NOWAIT && sig)
		notify(sig);
	return e ? e : failed ? -EIO : 0;
}
