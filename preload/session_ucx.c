/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/session_ucx.h"

#include "core/log.h"
#include "core/rpc.h"
#include "core/sys.h"
#include "core/ucx_load.h"
#include "core/util.h"
#include "preload/path.h"
#include "preload/state.h"

#include <errno.h>
#include <string.h>

#define PATIENCE_MS 1000u /* with the first try; doubled each time */
#define LOST_MAX 3	  /* connections lost at once */
#define PAUSE_NS 50000000u

/* HELLO over UCX: it joins the session that the local socket made. */
static int join(struct bfs_transport *t, const struct bfs_hello_req *q,
		uint32_t ms, bool quiet)
{
	struct bfs_client c = { .timeout_ms = ms };
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_hello_rep rep;
	int e;

	c.t = t;
	r.quiet = quiet;
	e = bfs_rpc_hello(&c, &r, q, &rep);
	bfs_rpc_end(&r);
	return e;
}

/* What UCX opens on this thread is none of ours. */
static void stand_aside(void)
{
	bfs_aside = true;
}

/* What both kinds of connection do with a new one. */
static int settle(struct bfs_transport *t, struct bfs_hello_req *q,
		  const struct bfs_str *address, uint32_t ms, bool quiet)
{
	int e;

	q->version = BFS_PROTO_VERSION;
	q->address = *address;
	t->peer = bfs_settings.run_dir;
	t->session = q->session;
	t->ticket = q->ticket;
	t->generation = q->generation;
	e = join(t, q, ms, quiet);
	if (e)
		t->ops->destroy(t);
	return e;
}

int bfs_ucx_dial_far(const struct bfs_direct_rep *to, uint32_t ms,
		     struct bfs_transport **out)
{
	struct bfs_ucx_link link = { .begin = stand_aside, .local = NULL };
	struct bfs_hello_req q = { .session = to->session,
				   .ticket = to->ticket,
				   .generation = to->generation };
	struct bfs_str local;
	int e;

	bfs_aside = true;
	e = bfs_ucx_load_far(MODULEDIR, to->address.ptr, to->address.len,
			     &link);
	local = (struct bfs_str){ link.local, (uint32_t)link.local_len };
	if (!e)
		e = settle(link.t, &q, &local, ms, true);
	bfs_aside = false;
	if (!e)
		*out = link.t;
	return e;
}

static int dial(const struct bfs_transport *local, uint32_t ms,
		struct bfs_transport **out)
{
	struct bfs_hello_req q = { .session = local->session,
				   .ticket = local->ticket,
				   .generation = local->generation };
	struct bfs_transport *t;
	const void *address;
	size_t len;
	int e = bfs_ucx_load(MODULEDIR, bfs_settings.run_dir, &t, &address,
			     &len, stand_aside);

	if (e) {
		bfs_log(error, "ucx transport of %s: %s", bfs_settings.run_dir,
			strerror(-e));
		return e;
	}
	e = settle(t, &q, &(struct bfs_str){ address, (uint32_t)len }, ms,
		   false);
	if (!e)
		*out = t;
	return e;
}

int bfs_ucx_dial(const struct bfs_transport *local, uint64_t deadline,
		 struct bfs_transport **out)
{
	uint32_t ms = PATIENCE_MS, lost = 0;
	_Atomic uint32_t never = 0;
	int e;

	bfs_aside = true;
	/* The daemon may be about to move to another address (ucx_probe.c). */
	for (;;) {
		uint64_t now = bfs_now(), left = deadline - now;

		if (deadline <= now) {
			e = -ETIMEDOUT;
			break;
		}
		left = BFS_MIN(left / 1000000 + 1, (uint64_t)ms);
		e = dial(local, (uint32_t)left, out);
		if (e != -ETIMEDOUT && (e != -EIO || ++lost == LOST_MAX))
			break;
		bfs_sys_futex_wait(&never, 0, PAUSE_NS);
		ms *= 2;
	}
	bfs_aside = false;
	return e;
}
