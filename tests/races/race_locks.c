/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * S10: who holds a lock is alone, the lock passes from process to process,
 * and the dead hold none.  COUNT(0) writers and COUNT(1) readers are inside,
 * COUNT(2) turns have been taken.
 */
#include "race.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int lock_fn(int fd, short type);

static int by_fcntl(int fd, int command, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_len = 8 };

	return fcntl(fd, command, &l);
}

static int lock_posix(int fd, short type)
{
	return by_fcntl(fd, F_SETLKW, type);
}

static int lock_ofd(int fd, short type)
{
	return by_fcntl(fd, F_OFD_SETLKW, type);
}

static int lock_flock(int fd, short type)
{
	return flock(fd, type == F_RDLCK   ? LOCK_SH
			 : type == F_WRLCK ? LOCK_EX
					   : LOCK_UN);
}

static void take_turn(struct racer *r, int fd)
{
	uint64_t n = 0;

	must(r, ++COUNT(r, 0) == 1 && COUNT(r, 1) == 0);
	must(r, pread(fd, &n, sizeof(n), 0) >= 0);
	must(r, n == COUNT(r, 2));
	n++;
	if (below(r, 4) == 0)
		sched_yield();
	must(r, pwrite(fd, &n, sizeof(n), 0) == sizeof(n));
	COUNT(r, 2) = n;
	must(r, --COUNT(r, 0) == 0);
}

static void look_on(struct racer *r)
{
	COUNT(r, 1)++;
	must(r, COUNT(r, 0) == 0);
	if (below(r, 4) == 0)
		sched_yield();
	must(r, COUNT(r, 0) == 0);
	COUNT(r, 1)--;
}

/* A child takes its turn and is killed while it holds the lock. */
static void die_with(struct racer *r, lock_fn *lock)
{
	pid_t pid = fork();
	int status;

	must(r, pid >= 0);
	if (!pid) {
		int fd = open(in(r, "lock"), O_RDWR);

		if (fd < 0 || lock(fd, F_WRLCK))
			_exit(9);
		take_turn(r, fd);
		raise(SIGKILL);
	}
	must(r, waitpid(pid, &status, 0) == pid);
	must(r, WIFSIGNALED(status));
	COUNT(r, 3)++;
}

static void race_lock(struct racer *r, lock_fn *lock)
{
	int fd = open(in(r, "lock"), O_RDWR | O_CREAT, 0666);
	uint64_t n = 0;

	must(r, fd >= 0);
	crew_race(r->crew);
	for (uint32_t i = 0; i < r->rounds; i++) {
		if (i % 20 == 7) {
			die_with(r, lock);
			continue;
		}
		must(r, r->fault || !lock(fd, i % 5 ? F_WRLCK : F_RDLCK));
		if (i % 5)
			take_turn(r, fd);
		else
			look_on(r);
		must(r, !lock(fd, F_UNLCK));
	}
	crew_meet(r->crew);
	must(r, pread(fd, &n, sizeof(n), 0) == sizeof(n));
	must(r, n == COUNT(r, 2));
	must(r, !close(fd));
}

void race_posix(struct racer *r)
{
	race_lock(r, lock_posix);
}

void race_ofd(struct racer *r)
{
	race_lock(r, lock_ofd);
}

void race_flock(struct racer *r)
{
	race_lock(r, lock_flock);
}
