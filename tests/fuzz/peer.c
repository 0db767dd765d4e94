/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three daemons of a cluster, one of which sends the others what it likes, and
 * whose answers are damaged now and then.  It has the secret, so it may read
 * and change what it likes; but nobody crashes or hangs by it.
 */
#include "tests/fuzz/recorded.h"
#include "tests/fuzz/world.h"

#include "server/fs.h"
#include "server/peer_impl.h"

const unsigned fuzz_runs = 20000;

void fuzz_one(const uint8_t *data, size_t len)
{
	struct world *w = world_for(3, data, len);
	struct fuzz_in in = { data, data + len };

	while (in.pos < in.end) {
		uint8_t how = fuzz_u8(&in);

		if (how % 4 == 0)
			world_send(w, 0, how / 4 % WORLD_CLIENTS, 0, &in);
		else
			world_send(w, how % 2, -1, 2, &in);
		world_run(w, how / 4);
	}
	world_run(w, 300);
}

/* How it comes: from a daemon to the second one, and some time passes. */
static void before(struct fuzz_out *o, const struct recorded *m)
{
	bool peer = bfs_op_peer(m->op);

	fuzz_put(o, peer ? 4 * 8 + 1 : 0);
	world_put_op(o, peer, m->op);
}

static const struct recorded_form form = { .before = before,
					   .after = world_after };

size_t fuzz_seed(unsigned n, uint8_t buf[FUZZ_MAX])
{
	return world_seed(n, "peers", &form, buf);
}
