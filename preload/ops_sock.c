/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AF_UNIX addresses in BenchFS.  The name is an entry of the daemon's; the
 * socket itself is a file named after the inode in a directory that the daemon
 * keeps, reached by a descriptor, so that any length of path will do.
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/datafd.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/peer.h"
#include "preload/real.h"
#include "preload/session.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

/* The path of a pathname address, terminated; false for other addresses. */
static bool address_path(const struct sockaddr *addr, socklen_t len,
			 char out[sizeof(struct sockaddr_un)])
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)addr;
	size_t n;

	if (!addr || len <= PATH_AT || len > sizeof(*un) ||
	    bfs_mem_in(addr, len) || un->sun_family != AF_UNIX ||
	    !un->sun_path[0])
		return false;
	n = strnlen(un->sun_path, len - PATH_AT);
	memcpy(out, un->sun_path, n);
	out[n] = '\0';
	return true;
}

bool bfs_socket_ours(const struct sockaddr *addr, socklen_t len)
{
	char path[sizeof(struct sockaddr_un)];

	return address_path(addr, len, path) && bfs_owns_path(path);
}

static void set_name(struct bfs_peer *n, int dir, uint64_t ino)
{
	n->dir = dir;
	n->un.sun_family = AF_UNIX;
	n->len = (socklen_t)PATH_AT + 1 +
		 (socklen_t)snprintf(n->un.sun_path, sizeof(n->un.sun_path),
				     "/proc/self/fd/%d/%016lx", dir, ino);
}

/* The path led out of BenchFS. */
static int set_foreign(struct bfs_peer *n, const char *path)
{
	size_t size = strlen(path) + 1;

	n->dir = -1;
	if (size > sizeof(n->un.sun_path))
		return -ENAMETOOLONG;
	n->un.sun_family = AF_UNIX;
	memcpy(n->un.sun_path, path, size);
	n->len = (socklen_t)(PATH_AT + size);
	return 0;
}

static int find(struct bfs_where *w, struct bfs_peer *n, struct bfs_handle *h)
{
	int dir = bfs_datafd(w, BFS_DATAFD_SOCKET, NULL, h);

	if (dir < 0)
		return dir;
	set_name(n, dir, h->ino);
	return 0;
}

static int may_write(struct bfs_where *w)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_access_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	while (!e && !w->foreign) {
		e = bfs_rpc_access(
			c, &r,
			&(struct bfs_access_req){ .at = w->at,
						  .path = bfs_where_str(w),
						  .mode = W_OK,
						  .flags = AT_EACCESS },
			&rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

/* The real address of a peer; *n names a foreign one if the path led out. */
int bfs_peer_find(struct bfs_peer *n, const struct sockaddr *addr,
		  socklen_t len)
{
	char path[sizeof(struct sockaddr_un)];
	struct bfs_handle h;
	struct bfs_where w;
	int e;

	n->dir = -1;
	if (!address_path(addr, len, path))
		return -EINVAL;
	e = bfs_where(&w, AT_FDCWD, path);
	if (!e)
		e = may_write(&w);
	if (!e)
		e = find(&w, n, &h);
	return e == -(int)BFS_ESCAPE ? set_foreign(n, w.path) : e;
}

/* The entry without its socket, left by one that is gone, refuses. */
long bfs_peer_end(struct bfs_peer *n, long result)
{
	long r = bfs_ret(result);

	if (n->dir >= 0)
		bfs_sys_close(n->dir);
	return r == -ENOENT && n->dir >= 0 ? -ECONNREFUSED : r;
}

int bfs_connect(int sock, const struct sockaddr *addr, socklen_t len)
{
	struct bfs_peer n;
	int e = bfs_peer_find(&n, addr, len);

	return e ? e
		 : (int)bfs_peer_end(&n, REAL(connect)(sock,
						       (struct sockaddr *)&n.un,
						       n.len));
}

ssize_t bfs_sendto(int sock, const void *buf, size_t size, int flags,
		   const struct sockaddr *addr, socklen_t len)
{
	struct bfs_peer n;
	int e = bfs_peer_find(&n, addr, len);

	return e ? e
		 : bfs_peer_end(&n,
				REAL(sendto)(sock, buf, size, flags,
					     (struct sockaddr *)&n.un, n.len));
}

static int make_entry(struct bfs_where *w)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_mknod_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	while (!e) {
		if (w->foreign)
			return -(int)BFS_ESCAPE;
		e = bfs_rpc_mknod(
			c, &r,
			&(struct bfs_mknod_req){
				.at = w->at,
				.path = bfs_where_str(w),
				.mode = S_IFSOCK | (0777 & ~bfs_umask_now) },
			&rep);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e == -EEXIST ? -EADDRINUSE : e;
}

static int is_unix_socket(int sock)
{
	int domain = 0;
	socklen_t len = sizeof(domain);
	int e = (int)bfs_sys_5(SYS_getsockopt, sock, SOL_SOCKET, SO_DOMAIN,
			       &domain, &len);

	return e ? e : domain == AF_UNIX ? 0 : -EINVAL;
}

/*
 * The kernel will tell the name that is bound to whoever asks for it, so that
 * says how to find the path (ops_sockname.c).  Then it gets its short one.
 */
static int bind_named(int sock, struct bfs_peer *n, struct bfs_handle h)
{
	char name[sizeof(n->un.sun_path)];
	int e;

	strcpy(name, n->un.sun_path);
	n->len += (socklen_t)sprintf(n->un.sun_path + n->len - PATH_AT - 1,
				     ".%016lx", h.mac);
	e = (int)bfs_ret(REAL(bind)(sock, (struct sockaddr *)&n->un, n->len));
	if (e)
		return e;
	e = (int)bfs_sys_4(SYS_renameat, AT_FDCWD, n->un.sun_path, AT_FDCWD,
			   name);
	/* The entry's mode counts, which the daemon checks. */
	if (!e)
		bfs_sys_3(SYS_fchmodat, AT_FDCWD, name, 0777);
	else
		bfs_sys_3(SYS_unlinkat, AT_FDCWD, n->un.sun_path, 0);
	return e;
}

static int bind_entry(int sock, struct bfs_where *w)
{
	struct bfs_handle h;
	struct bfs_peer n;
	int e = find(w, &n, &h);

	if (e)
		return e;
	e = bind_named(sock, &n, h);
	bfs_sys_close(n.dir);
	return e;
}

static int bind_foreign(int sock, const char *path)
{
	struct bfs_peer n;
	int e = set_foreign(&n, path);

	return e ? e
		 : (int)bfs_ret(
			   REAL(bind)(sock, (struct sockaddr *)&n.un, n.len));
}

int bfs_bind(int sock, const struct sockaddr *addr, socklen_t len)
{
	char path[sizeof(struct sockaddr_un)];
	struct bfs_where w;
	int e = is_unix_socket(sock);

	if (e || !address_path(addr, len, path))
		return e ? e : -EINVAL;
	e = bfs_where_name(&w, AT_FDCWD, path);
	if (!e)
		e = make_entry(&w);
	if (e == -(int)BFS_ESCAPE)
		return bind_foreign(sock, w.path);
	if (e)
		return e;
	e = bind_entry(sock, &w);
	if (e)
		bfs_unlink(path);
	return e;
}
