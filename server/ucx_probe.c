/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Over shared memory all clients write to one queue of ours, and one that is
 * killed while it fills in its element stops the queue for everybody.  So after
 * a client's death we send ourselves a message through that queue, from a
 * second worker; if it does not arrive, the door is opened anew.
 */
#include "core/log.h"
#include "core/ucx_env.h"
#include "core/util.h"
#include "server/server.h"
#include "server/ucx_impl.h"

#include <errno.h>

#define LOOK_NS 20000000u
#define STUCK_NS 200000000u
#define RESET_NS 100000000u /* for telling the peers */

static void on_sent(void *req, ucs_status_t status, void *arg)
{
	ucp_request_free(req);
}

static void on_error(void *arg, ucp_ep_h ep, ucs_status_t status)
{
	struct bfs_ucx_probe *o = arg;

	o->failed = true;
}

ucs_status_t bfs_ucx_on_probe(void *arg, const void *header, size_t header_len,
			      void *data, size_t len,
			      const ucp_am_recv_param_t *param)
{
	struct bfs_port_ucx *p = arg;

	p->probe.seen++;
	return UCS_OK;
}

static void close_probe(struct bfs_ucx_probe *o)
{
	if (o->open)
		bfs_ucx_close(&o->ucx);
	*o = (struct bfs_ucx_probe){ .timer = o->timer };
}

static int connect_probe(struct bfs_port_ucx *p)
{
	void *address;
	size_t len;
	int r = bfs_ucx_address(&p->door->ucx, &address, &len);

	if (r)
		return r;
	r = bfs_ucx_endpoint(&p->probe.ucx, address, len, on_error, &p->probe,
			     &p->probe.ep);
	free(address);
	return r;
}

static int open_probe(struct bfs_port_ucx *p)
{
	struct bfs_ucx_env env;
	int r;

	if (p->probe.open)
		return 0;
	r = bfs_ucx_env_enter(&env, 0, false);
	if (r)
		return r;
	r = bfs_ucx_open(&p->probe.ucx);
	bfs_ucx_env_leave(&env);
	if (r)
		return r;
	p->probe.open = true;
	r = connect_probe(p);
	if (r)
		close_probe(&p->probe);
	return r;
}

static int send_probe(struct bfs_port_ucx *p)
{
	uint8_t none[BFS_UCX_HEAD_LEN];
	struct bfs_ucx_msg m = { .id = BFS_UCX_PROBE,
				 .fields = none,
				 .done = on_sent };
	int r = bfs_ucx_send(&p->probe.ucx, p->probe.ep, &m);

	return r < 0 ? r : 0;
}

void bfs_ucx_probe(void *arg)
{
	struct bfs_port_ucx *p = arg;
	struct bfs_ucx_probe *o = &p->probe;
	uint64_t now = bfs_now();

	if (p->door->ucx.tcp_only)
		return;
	bfs_ucx_left_soon(p);
	o->wanted++;
	if (o->timer.at || open_probe(p) || send_probe(p))
		return;
	o->wanted = 0;
	o->seen = 0;
	o->since = now;
	bfs_loop_timer(p->server->loop, &o->timer, now + LOOK_NS);
}

/* Nobody hears of a closed endpoint over shared memory: say so. */
static void send_away(struct bfs_port_ucx *p)
{
	uint64_t until = bfs_now() + RESET_NS;
	struct bfs_ucx_peer *peer, *next;
	uint8_t none[BFS_UCX_HEAD_LEN];
	struct bfs_ucx_msg m = { .id = BFS_UCX_RESET,
				 .head = { .slot = BFS_UCX_NO_SLOT },
				 .fields = none,
				 .done = on_sent };

	HASH_ITER(hh, p->peers, peer, next)
	{
		if (peer->ep)
			bfs_ucx_send(&p->door->ucx, peer->ep, &m);
		ucp_worker_progress(p->door->ucx.worker);
	}
	HASH_ITER(hh, p->peers, peer, next)
	bfs_ucx_peer_drop(peer);
	bfs_ucx_peer_reap(p);
	while (p->nclosing && bfs_now() < until)
		ucp_worker_progress(p->door->ucx.worker);
}

static void renew(struct bfs_port_ucx *p)
{
	bfs_log(warn, "ucx: a client that was killed has stopped our queue; "
		      "it is opened anew");
	close_probe(&p->probe);
	send_away(p);
	bfs_ucx_door_change(p);
}

void bfs_ucx_probe_look(struct bfs_timer *t)
{
	struct bfs_port_ucx *p = t->arg;
	struct bfs_ucx_probe *o = &p->probe;
	uint64_t now = bfs_now();

	if (o->seen) {
		if (o->wanted)
			bfs_ucx_probe(p);
		return;
	}
	/* Its own worker has to work too; ours does all the time. */
	for (int i = 0; i < 8; i++)
		ucp_worker_progress(o->ucx.worker);
	if (o->failed || now - o->since > STUCK_NS)
		renew(p);
	else
		bfs_loop_timer(p->server->loop, t, now + LOOK_NS);
}

void bfs_ucx_probe_end(struct bfs_port_ucx *p)
{
	bfs_loop_timer(p->server->loop, &p->probe.timer, 0);
	close_probe(&p->probe);
}
