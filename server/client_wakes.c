/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/client_wakes.h"

#include "core/sys.h"
#include "core/util.h"
#include "server/loop.h"
#include "server/port_local.h"

#include <sched.h>
#include <string.h>

#define TURN_NS 4000u

/* It is the client's turn.  The kernel may not think so, and then it is not the
 * client who has run when we are back. */
static void make_way(struct bfs_conn *c)
{
	sched_yield();
	if (!bfs_client_posted(c))
		bfs_loop_rest(c->port->server->loop);
}

/* Who is woken on our core runs at once, so what we mean to do comes first. */
static void wake(const struct bfs_wake *w)
{
	struct bfs_port_local *p = w->conn->port;
	bool leave = w->together && bfs_port_local_leaves(p);

	bfs_sys_futex_wake(&w->slot->state, 1);
	if (leave)
		bfs_port_local_leave(p);
	else if (w->together)
		make_way(w->conn);
}

void bfs_wakes_add(struct bfs_conn *c, struct bfs_slot *s, bool together)
{
	struct bfs_port_local *p = c->port;
	struct bfs_wake w = { c, s, together };

	if (p->nhot > 1 && c->sock >= 0 && p->nwakes < BFS_WAKES)
		p->wakes[p->nwakes++] = w;
	else
		wake(&w);
}

struct bfs_wake bfs_wakes_next(struct bfs_port_local *p)
{
	struct bfs_wake w;
	unsigned n = 0;

	while (n < p->nwakes && p->wakes[n].conn == p->woken)
		n++;
	n = n == p->nwakes ? 0 : n;
	w = p->wakes[n];
	p->nwakes--;
	memmove(&p->wakes[n], &p->wakes[n + 1], (p->nwakes - n) * sizeof(w));
	p->woken = w.conn;
	return w;
}

int bfs_wakes_turn(struct bfs_port_local *p)
{
	uint64_t until;
	int n = 0;

	if (!p->nwakes)
		return 0;
	until = bfs_now() + TURN_NS;
	do {
		struct bfs_wake w = bfs_wakes_next(p);

		wake(&w);
		n++;
	} while (p->nwakes && (p->nhot <= 1 || bfs_now() < until));
	return n;
}

void bfs_wakes_end(struct bfs_conn *c)
{
	struct bfs_port_local *p = c->port;
	unsigned left = 0;

	for (unsigned n = 0; n < p->nwakes; n++)
		if (p->wakes[n].conn == c)
			bfs_sys_futex_wake(&p->wakes[n].slot->state, 1);
		else
			p->wakes[left++] = p->wakes[n];
	p->nwakes = left;
	if (p->woken == c)
		p->woken = NULL;
}
