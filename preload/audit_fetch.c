/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/audit_fetch.h"

#include "core/local_io.h"
#include "core/rpc.h"
#include "core/sys.h"
#include "core/transport_local.h"
#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILES 256	  /* libraries that one program can have here */
#define TIMEOUT_MS 30000u /* unless BENCHFS_TIMEOUT says otherwise */
#define HIGH 900	  /* where the socket goes, if the limit lets */

static const char *mount;
static char run_dir[128];     /* as the client library's */
static struct bfs_handle cwd; /* ino 0: elsewhere */
static struct bfs_client client = { .timeout_ms = TIMEOUT_MS };
static int files[FILES], nfiles;

/* "c<ino>.<rights>.<mac>;..." of BENCHFS_STATE, see state_env.c. */
static void read_cwd(const char *state)
{
	unsigned long long ino, mac;
	unsigned rights;

	if (state && sscanf(state, "c%llx.%x.%llx;", &ino, &rights, &mac) == 3)
		cwd = (struct bfs_handle){ ino, rights, mac };
}

bool bfs_fetch_init(void)
{
	const char *timeout = getenv("BENCHFS_TIMEOUT");
	int seconds = timeout ? atoi(timeout) : 0;
	const char *dir;

	mount = getenv("BENCHFS_MOUNT");
	dir = getenv("BENCHFS_RUN_DIR");
	read_cwd(getenv("BENCHFS_STATE"));
	if (seconds > 0 && seconds <= 86400)
		client.timeout_ms = (unsigned)seconds * 1000;
	if (!mount || *mount != '/' || !dir || strlen(dir) >= sizeof(run_dir))
		return false;
	strcpy(run_dir, dir);
	return true;
}

/* What follows the mount point in an absolute path; NULL: not ours. */
static const char *below_mount(const char *path)
{
	size_t n = strlen(mount);

	while (n > 1 && mount[n - 1] == '/')
		n--;
	if (strncmp(path, mount, n) || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n : "/";
}

bool bfs_fetch_owns(const char *path)
{
	return *path == '/' ? below_mount(path) != NULL : cwd.ino != 0;
}

static int connect_daemon(void)
{
	struct bfs_hello_req hello = { .version = BFS_PROTO_VERSION };
	uint64_t deadline = bfs_now() + client.timeout_ms * 1000000ull;
	struct bfs_local_peer peer;
	struct bfs_transport *t;
	int e;

	if (client.t)
		return 0;
	e = bfs_local_connect(run_dir, &hello, HIGH, deadline, &t, &peer);
	if (e == -ENOENT && bfs_local_here(run_dir, sizeof(run_dir)))
		e = bfs_local_connect(run_dir, &hello, HIGH, deadline, &t,
				      &peer);
	if (e)
		return e;
	bfs_sys_close(peer.arena_fd);
	bfs_sys_close(peer.empty_fd);
	t->peer = run_dir;
	t->session = peer.hello.session;
	t->ticket = peer.hello.ticket;
	client.t = t;
	return 0;
}

/* One walk.  -BFS_ESCAPE: next (BFS_PATH_MAX) is where it goes on. */
static int ask(const char *path, char *next)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	const char *rest = *path == '/' ? below_mount(path) : path;
	struct bfs_datafd_req req = {
		.path = { rest, (uint32_t)strlen(rest) },
		.what = BFS_DATAFD_COPY,
	};
	struct bfs_datafd_rep rep;
	int e;

	if (*path != '/')
		req.at = cwd;
	e = bfs_rpc_datafd(&client, &r, &req, &rep);
	if (e == -(int)BFS_ESCAPE) {
		const char *slash = strrchr(mount, '/');
		int up = r.escape.up ? (int)(slash + 1 - mount) : 0;

		snprintf(next, BFS_PATH_MAX, "%.*s%.*s", up, mount,
			 (int)r.escape.path.len, r.escape.path.ptr);
	} else if (!e) {
		e = r.io.fd;
	}
	bfs_rpc_end(&r);
	return e;
}

int bfs_fetch(const char *path)
{
	char place[2][BFS_PATH_MAX];
	int fd = connect_daemon();

	if (fd)
		return fd;
	for (unsigned hops = 0; hops < 40; hops++) {
		char *next = place[hops & 1];

		fd = nfiles == FILES ? -EMFILE
		     : bfs_fetch_owns(path)
			     ? ask(path, next)
			     : bfs_sys_openat(AT_FDCWD, path,
					      O_RDONLY | O_CLOEXEC, 0);
		if (fd >= 0)
			files[nfiles++] = fd;
		if (fd != -(int)BFS_ESCAPE)
			return fd;
		path = next;
	}
	return -ELOOP;
}

void bfs_fetch_end(void)
{
	while (nfiles)
		bfs_sys_close(files[--nfiles]);
	if (client.t)
		client.t->ops->destroy(client.t);
	client.t = NULL;
}
