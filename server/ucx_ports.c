/* SPDX-License-Identifier: BSD-3-Clause */
/* The sockets that UCX listens at. */
#include "core/log.h"
#include "core/util.h"
#include "server/ucx_impl.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Over tcp: does it listen, and where? */
static bool listens(int fd, struct sockaddr_storage *at, socklen_t *len)
{
	int yes = 0;
	socklen_t n = sizeof(yes);

	*len = sizeof(*at);
	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) && yes &&
	       !getsockname(fd, (struct sockaddr *)at, len) &&
	       (at->ss_family == AF_INET || at->ss_family == AF_INET6);
}

static void put_ports(struct bfs_wire *w, DIR *fds)
{
	const struct dirent *e;

	while ((e = readdir(fds))) {
		struct sockaddr_storage at;
		socklen_t len;
		int fd = atoi(e->d_name);

		if (fd != dirfd(fds) && *e->d_name != '.' &&
		    listens(fd, &at, &len))
			bfs_put_str(w, (struct bfs_str){ (char *)&at, len });
	}
}

int bfs_ucx_add_ports(void **address, size_t *len)
{
	DIR *fds = opendir("/proc/self/fd");
	uint8_t ports[1024];
	struct bfs_wire w;
	void *more;
	size_t n;

	if (!fds)
		return 0; /* nobody can tell, then */
	bfs_wire_init(&w, ports, sizeof(ports));
	put_ports(&w, fds);
	closedir(fds);
	n = bfs_wire_end(&w) ? 0 : (size_t)(w.pos - ports);
	more = realloc(*address, *len + n + 1);
	if (!more) {
		free(*address);
		return -ENOMEM;
	}
	memcpy((uint8_t *)more + *len, ports, n);
	*address = more;
	*len += n;
	return 0;
}
