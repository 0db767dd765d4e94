/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/turn.h"

#include "server/fiber.h"

#include <errno.h>
#include <utlist.h>

#define WAITING 1

struct bfs_turn_waiter {
	struct bfs_fiber *fiber;
	struct bfs_turn *turn;
	struct bfs_timer timer;
	int result;
	struct bfs_turn_waiter *prev, *next;
};

static void wake(struct bfs_turn_waiter *w, int result)
{
	DL_DELETE(w->turn->waiters, w);
	w->result = result;
	bfs_fiber_resume(w->fiber);
}

static void on_timer(struct bfs_timer *t)
{
	struct bfs_turn_waiter *w = t->arg;

	if (w->result == WAITING) /* nobody has woken it */
		wake(w, -ETIMEDOUT);
}

int bfs_turn_take(struct bfs_server *s, struct bfs_turn *t, uint64_t deadline)
{
	struct bfs_turn_waiter w = { .fiber = bfs_fiber_self(),
				     .turn = t,
				     .timer = { .fn = on_timer, .arg = &w },
				     .result = WAITING };

	if (!t->taken) {
		t->taken = true;
		return 0;
	}
	DL_APPEND(t->waiters, &w);
	if (s->loop)
		bfs_loop_timer(s->loop, &w.timer, deadline);
	bfs_fiber_suspend();
	if (s->loop)
		bfs_loop_timer(s->loop, &w.timer, 0);
	return w.result;
}

void bfs_turn_give(struct bfs_turn *t)
{
	if (t->waiters)
		wake(t->waiters, 0);
	else
		t->taken = false;
}

bool bfs_turn_free(const struct bfs_turn *t)
{
	return !t->taken;
}
