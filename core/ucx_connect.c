/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's side of UCX: opening it, and the endpoint to a daemon. */
#include "core/log.h"
#include "core/sys.h"
#include "core/ucx_async.h"
#include "core/ucx_client.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

__attribute__((visibility("default"))) bfs_ucx_connect_fn bfs_ucx_connect;

#define SPIN_US 20 /* before the first sleep */

struct setting_up {
	struct bfs_ucx_client *u;
	size_t len, local_len;
	void (*begin)(void);
	uint8_t address[];
};

/* Called by UCX under the lock.  The endpoint is closed once it returned. */
static void on_error(void *arg, ucp_ep_h ep, ucs_status_t status)
{
	struct bfs_ucx_client *u = arg;

	bfs_log(info, "ucx: the daemon is gone: %s", ucs_status_string(status));
	u->failed = true;
}

/* The daemon has given us up, or has never heard of us. */
static ucs_status_t on_reset(void *arg, const void *header, size_t header_len,
			     void *data, size_t len,
			     const ucp_am_recv_param_t *param)
{
	struct bfs_ucx_client *u = arg;

	bfs_log(info, "ucx: the daemon does not know this connection");
	u->failed = true;
	return UCS_OK;
}

static int connect_to(struct setting_up *s)
{
	static const ucp_am_recv_callback_t handlers[BFS_UCX_IDS] = {
		[BFS_UCX_REPLY] = bfs_ucx_on_reply,
		[BFS_UCX_RESET] = on_reset,
	};
	struct bfs_ucx_client *u = s->u;
	int r = bfs_ucx_handle(&u->ucx, handlers, u, UCP_AM_FLAG_WHOLE_MSG);

	if (!r)
		r = bfs_ucx_address(&u->ucx, &u->address, &s->local_len);
	if (!r)
		r = bfs_ucx_endpoint(&u->ucx, s->address, s->len, on_error, u,
				     &u->ep);
	return r;
}

static int set_up(void *arg)
{
	struct setting_up *s = arg;
	struct bfs_ucx_client *u = s->u;
	pid_t newest = bfs_ucx_newest_thread(), now;
	int r;

	if (s->begin)
		s->begin();
	r = bfs_ucx_open(&u->ucx);

	if (r)
		return r;
	if (bfs_ucx_forked())
		bfs_ucx_async_find();
	now = bfs_ucx_newest_thread();
	u->ucx_tid = now > newest ? now : 0;
	u->wake_fd =
		(int)bfs_sys_2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = u->wake_fd < 0 ? u->wake_fd : connect_to(s);
	if (r)
		bfs_ucx_close(&u->ucx);
	return r;
}

static struct bfs_ucx_client *client_new(void)
{
	struct bfs_ucx_client *u;
	long p = bfs_sys_mmap(NULL, sizeof(*u), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p < 0 && p > -4096)
		return NULL;
	u = (struct bfs_ucx_client *)p;
	u->base.ops = &bfs_ucx_ops;
	u->base.bulk_max = BFS_BULK_MAX;
	u->wake_fd = -1;
	bfs_patience_init(&u->patience, SPIN_US);
	for (int i = 0; i < BFS_UCX_SLOTS; i++)
		u->slot[i].client = u;
	return u;
}

static int client_start(struct bfs_ucx_client *u, struct setting_up *s)
{
	uint64_t signals;
	int r;

	/* UCX's own thread inherits the mask: our signals stay away from it. */
	bfs_sys_block_signals(&signals);
	bfs_ucx_fds_enter(&u->fds);
	u->opening = true;
	r = bfs_ucx_guard(set_up, s);
	if (r)
		bfs_ucx_settle_fds(u);
	bfs_sys_restore_signals(&signals);
	if (r == -EDEADLK)
		bfs_log(error, "ucx: the parent was busy in it at the fork: "
			       "it cannot be used in this process");
	else if (r)
		bfs_ucx_unmap(u);
	return r;
}

int bfs_ucx_connect(const void *address, size_t len, struct bfs_transport **t,
		    const void **local, size_t *local_len, void (*begin)(void))
{
	struct setting_up *s = malloc(sizeof(*s) + len);
	struct bfs_ucx_client *u = s ? client_new() : NULL;
	int r;

	if (!u) {
		free(s);
		return -ENOMEM;
	}
	s->u = u;
	s->len = len;
	s->begin = begin;
	memcpy(s->address, address, len);
	r = client_start(u, s);
	if (!r) {
		bfs_ucx_fork_add(u);
		*t = &u->base;
		*local = u->address;
		*local_len = s->local_len;
	}
	if (r != -EDEADLK)
		free(s);
	return r;
}
