/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/session_ucx.h"

#include "core/log.h"
#include "core/rpc.h"
#include "core/ucx_load.h"
#include "preload/path.h"
#include "preload/state.h"

#include <errno.h>
#include <string.h>

/* HELLO over UCX: it joins the session that the local socket made. */
static int join(struct bfs_transport *t, const struct bfs_hello_req *q,
		uint64_t deadline)
{
	struct bfs_client c = { .timeout_ms = bfs_settings.timeout_ms };
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_hello_rep rep;
	int e;

	c.t = t;
	r.deadline = deadline;
	e = bfs_rpc_hello(&c, &r, q, &rep);
	bfs_rpc_end(&r);
	return e;
}

static int dial(const struct bfs_transport *local,
		const struct bfs_transport *old, uint64_t deadline,
		struct bfs_transport **out)
{
	struct bfs_hello_req q = { .version = BFS_PROTO_VERSION,
				   .session = local->session,
				   .ticket = local->ticket,
				   .generation = local->generation };
	struct bfs_transport *t;
	const void *address;
	size_t len;
	int e = bfs_ucx_load(MODULEDIR, bfs_settings.run_dir, &t, &address,
			     &len);

	if (e) {
		bfs_log(error, "ucx transport of %s: %s", bfs_settings.run_dir,
			strerror(-e));
		return e;
	}
	q.address = (struct bfs_str){ address, (uint32_t)len };
	t->peer = bfs_settings.run_dir;
	t->session = q.session;
	t->ticket = q.ticket;
	t->generation = q.generation;
	e = join(t, &q, deadline);
	if (e)
		t->ops->destroy(t);
	else
		*out = t;
	return e;
}

int bfs_ucx_dial(const struct bfs_transport *local,
		 const struct bfs_transport *old, uint64_t deadline,
		 struct bfs_transport **out)
{
	int e;

	bfs_aside = true;
	e = dial(local, old, deadline, out);
	bfs_aside = false;
	return e;
}
