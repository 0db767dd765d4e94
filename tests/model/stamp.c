/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <err.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int stamp_fd = -1;

/* Shared by all: n steps have begun, and when. */
static struct {
	int64_t n, at[];
} * began;

static int64_t nsec(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void stamp_attach(int fd)
{
	struct stat st;

	stamp_fd = fd;
	if (fd < 0)
		return;
	if (fstat(fd, &st))
		err(1, "stamps");
	began = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	if (began == MAP_FAILED)
		err(1, "stamps");
}

void stamp_init(unsigned steps)
{
	int fd = memfd_create("stamps", 0);

	if (fd < 0 || ftruncate(fd, (off_t)((steps + 1) * sizeof(int64_t))))
		err(1, "stamps");
	stamp_attach(fd);
}

void stamp_restart(void)
{
	if (stamp_fd >= 0)
		began->n = 0;
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return nsec(t);
}

/*
 * What is stamped from now on is later than all before.  Stamps are of the
 * coarse clock, or as fine as that which is ahead of it by up to a tick.
 */
void stamp_step(void)
{
	int64_t from = now(CLOCK_REALTIME);

	if (stamp_fd < 0)
		return;
	while (now(CLOCK_REALTIME_COARSE) <= from)
		usleep(300);
	began->at[began->n] = now(CLOCK_REALTIME_COARSE);
	began->n++;
}

/* A time that was set is small, and is itself; else the step's number. */
int64_t stamp_of(struct timespec t)
{
	int64_t low = 0, high;

	if (t.tv_sec < 1000000000)
		return INT64_MIN / 2 + nsec(t);
	if (stamp_fd < 0)
		return 0;
	for (high = began->n; low < high;) {
		int64_t mid = (low + high) / 2;

		if (began->at[mid] <= nsec(t))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
