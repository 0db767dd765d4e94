/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/ucx_async.h"

#include "core/log.h"
#include "core/sys.h"
#include "core/ucx_fds.h"
#include "core/util.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS 16
#define EVREAD 1 /* UCS_EVENT_SET_EVREAD */

/* ucs/async/async_int.h, which is not installed; a handler's id is its fd. */
typedef int dispatch_fn(int *ids, size_t count, int events);

static int set = -1;
static dispatch_fn *dispatch;

static bool listens(int fd)
{
	int is = 0;
	socklen_t n = sizeof(is);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &n) && is;
}

/* Is this an epoll set with a listening socket in it? */
static bool watches_listener(const char *fd)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;
	int tfd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", fd);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "tfd: %d", &tfd) == 1 && listens(tfd);
	if (f)
		fclose(f);
	return found;
}

void bfs_ucx_async_find(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	void *ucs = dlopen("libucs.so.0", RTLD_LAZY | RTLD_NOLOAD);
	void *sym = ucs ? dlsym(ucs, "ucs_async_dispatch_handlers") : NULL;

	set = -1;
	while (sym && d && set < 0 && (e = readdir(d)))
		if (bfs_ucx_fds_is(atoi(e->d_name), "anon_inode:[eventpoll]") &&
		    watches_listener(e->d_name))
			set = atoi(e->d_name);
	if (d)
		closedir(d);
	memcpy(&dispatch, &sym, sizeof(dispatch));
	if (set < 0)
		bfs_log(debug, "ucx: no listening socket in a forked child");
}

int bfs_ucx_async_fd(void)
{
	return set;
}

void bfs_ucx_async_serve(void)
{
	struct epoll_event e[EVENTS];
	int n;

	if (set < 0)
		return;
	n = (int)bfs_sys_4(SYS_epoll_wait, set, e, EVENTS, 0);
	for (int i = 0; i < n; i++) {
		int fd = (int)e[i].data.u64;

		dispatch(&fd, 1, EVREAD);
	}
}

void bfs_ucx_async_forget(void)
{
	if (set >= 0)
		bfs_ucx_fds_replace(
			set, (int)bfs_sys_1(SYS_epoll_create1, EPOLL_CLOEXEC));
	set = -1;
}
