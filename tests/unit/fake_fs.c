/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "tests/unit/fake_fs.h"

#include "server/arena.h"
#include "server/fs.h"
#include "server/serve_lock.h"
#include "server/session.h"

#include <errno.h>
#include <string.h>

unsigned fake_effects[BFS_OP_LIMIT];
int fake_result;
struct bfs_call *fake_parked;
bool fake_park;
int (*fake_hook)(struct bfs_call *c);

/* What getattr says of an inode is its number: each answer is unlike any
 * other. */
static void fill(struct bfs_call *c, void *rep, size_t len)
{
	struct bfs_getattr_rep *r = rep;
	struct bfs_getattr_req q;
	struct bfs_wire w;

	if (c->head.op != BFS_OP_GETATTR)
		return;
	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	bfs_getattr_req_get(&w, &q);
	r->attr.ino = q.at.ino;
}

static int execute(struct bfs_call *c, void *rep, size_t len)
{
	int r = fake_hook ? fake_hook(c) : 0;

	if (r)
		return r;
	fake_effects[c->head.op]++;
	if (fake_park) {
		fake_parked = c;
		bfs_session_park(c);
		return BFS_LATER;
	}
	fill(c, rep, len);
	return fake_result;
}

/* REAL_x is defined for the requests that are not faked: then FAKE(x) is
 * nothing. */
#define REAL_hello ~, REAL_HANDLER
#define REAL_cancel ~, REAL_HANDLER
#define REAL_stats ~, REAL_HANDLER
#define REAL_lock ~, REAL_HANDLER
#define REAL_peerhello ~, REAL_HANDLER
#define REAL_peerping ~, REAL_HANDLER
#define REAL_forward ~, REAL_HANDLER
#define REAL_alive ~, REAL_HANDLER
#define REAL_gone ~, REAL_HANDLER
#define REAL_lockwaits ~, REAL_HANDLER
#define REAL_lockedges ~, REAL_HANDLER
#define REAL_lockend ~, REAL_HANDLER
#define SECOND(a, b, ...) b
#define PICK(...) SECOND(__VA_ARGS__, FAKE_HANDLER, ~)
#define REAL_HANDLER(name)
#define FAKE_HANDLER(name) \
	int bfs_serve_##name(struct bfs_call *c, \
			     const struct bfs_##name##_req *req, \
			     struct bfs_##name##_rep *rep) \
	{ \
		return execute(c, rep, sizeof(*rep)); \
	}
#define RPC(num, NAME, name, flags, req, rep) PICK(REAL_##name)(name)
#include "core/proto.def"
#undef RPC

int bfs_fs_check(const struct bfs_fs *fs, struct bfs_handle h)
{
	return h.mac == 1 ? 0 : -ESTALE;
}

uint64_t bfs_fs_data_dev(const struct bfs_fs *fs)
{
	return 0;
}

int bfs_fs_data_fd(const struct bfs_fs *fs, uint32_t uid)
{
	return -1;
}

struct bfs_handle bfs_fs_root(const struct bfs_fs *fs)
{
	return (struct bfs_handle){ .ino = 1, .mac = 1 };
}

/* Weak, as what looks at files may be linked in for something else. */
__attribute__((weak)) bool bfs_fs_slot_locked(struct bfs_fs *fs, uint64_t ino,
					      uint32_t uid, uint32_t slot)
{
	return false;
}

void fake_server_init(struct bfs_server *s)
{
	memset(s, 0, sizeof(*s));
	memset(fake_effects, 0, sizeof(fake_effects));
	fake_result = 0;
	fake_park = false;
	fake_hook = NULL;
	s->cluster = 0x1234;
	s->list_hash = 0x5678;
	s->config.network.timeout_secs = 30;
	s->arenas = bfs_arenas_new(s->secret);
	assert_non_null(s->arenas);
	assert_int_equal(bfs_serve_lock_start(s), 0);
}

void fake_server_fini(struct bfs_server *s)
{
	bfs_session_free_all(s);
	bfs_serve_lock_stop(s);
	bfs_arenas_free(s->arenas);
}
