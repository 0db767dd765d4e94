/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One daemon, and two clients of the same user who send it what they like (F3):
 * it stays alive, says nothing of another user's file and does not change it.
 */
#include "tests/fuzz/recorded.h"
#include "tests/fuzz/world.h"

#include "server/fs.h"

const unsigned fuzz_runs = 60000;

void fuzz_one(const uint8_t *data, size_t len)
{
	struct world *w = world_for(1, data, len);
	struct fuzz_in in = { data, data + len };

	while (in.pos < in.end) {
		uint8_t how = fuzz_u8(&in);

		world_send(w, 0, how % WORLD_CLIENTS, 0, &in);
		if (how >= 250)
			bfs_fs_sweep(w->u->servers[0].fs);
	}
	world_check(w);
}

static void before(struct fuzz_out *o, const struct recorded *m)
{
	fuzz_put(o, 0); /* the first client */
	world_put_op(o, 0, m->op);
}

static const struct recorded_form form = { .before = before,
					   .after = world_after };

size_t fuzz_seed(unsigned n, uint8_t buf[FUZZ_MAX])
{
	return world_seed(n, "calls", &form, buf);
}
