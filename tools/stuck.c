/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients that a signal does not reach, because they wait for the daemon or
 * for each other in a place where the preload library blocks all signals.
 */
#include "tools/tools.h"

#include "core/sys.h"
#include "core/util.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>

#define TEXT 4096

/* A file of /proc/PID; the length, or -1. */
static ssize_t read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static uint64_t signals_of(const char *status, const char *field)
{
	const char *p = strstr(status, field);

	return p ? strtoull(p + strlen(field), NULL, 16) : 0;
}

static uint64_t bit(int sig)
{
	return 1ull << (sig - 1);
}

/* Told to end, and blocking just what our library blocks. */
static bool is_deaf(pid_t pid)
{
	const uint64_t ends =
		bit(SIGTERM) | bit(SIGINT) | bit(SIGQUIT) | bit(SIGHUP);
	uint64_t blocked, pending;
	char status[TEXT];

	if (read_proc(pid, "status", status, sizeof(status)) <= 0)
		return false;
	blocked = signals_of(status, "\nSigBlk:");
	pending = signals_of(status, "\nShdPnd:") |
		  signals_of(status, "\nSigPnd:");
	/* SIGKILL and SIGSTOP cannot be. */
	return pending & ends &&
	       (blocked | bit(SIGKILL) | bit(SIGSTOP)) == BFS_SYS_BLOCKED;
}

/* Does it work with the daemon of that directory? */
static bool is_client(pid_t pid, const char *run_dir)
{
	static const char name[] = "BENCHFS_RUN_DIR=";
	size_t size = 1 << 17, len = strlen(run_dir);
	BFS_AUTOFREE char *env = malloc(size);
	ssize_t n = env ? read_proc(pid, "environ", env, size) : -1;

	for (char *p = env; n > 0 && p < env + n; p += strlen(p) + 1)
		if (!strncmp(p, name, sizeof(name) - 1) &&
		    !strncmp(p + sizeof(name) - 1, run_dir, len + 1))
			return true;
	return false;
}

bool bfs_killed(pid_t pid)
{
	char text[TEXT];
	const char *state;

	/* Of another user's we may not be told. */
	if (read_proc(pid, "status", text, sizeof(text)) <= 0)
		return kill(pid, 0) && errno == ESRCH;
	state = strstr(text, "\nState:\t");
	return (state && strchr("XZ", state[8])) ||
	       (signals_of(text, "\nShdPnd:") | signals_of(text, "\nSigPnd:")) &
		       bit(SIGKILL);
}

static bool handle(pid_t pid, const char *run_dir, bool end)
{
	int fd = pidfd_open(pid, 0);
	bool stuck = fd >= 0 && getpgid(pid) == getpgrp() && is_deaf(pid) &&
		     is_client(pid, run_dir);

	if (stuck && end)
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
	if (fd >= 0)
		close(fd);
	return stuck;
}

int bfs_stuck(const char *run_dir, bool end)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (proc && (e = readdir(proc)))
		if (isdigit((unsigned char)*e->d_name))
			n += handle((pid_t)atol(e->d_name), run_dir, end);
	if (proc)
		closedir(proc);
	return n;
}
