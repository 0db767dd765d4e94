/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/proto.h"

#include "core/util.h"

#define F(type, field) bfs_put_##type(w, m->field);
#define RPC(num, NAME, name, flags, req, rep) \
	int bfs_##name##_req_put(struct bfs_wire *w, \
				 const struct bfs_##name##_req *m) \
	{ \
		req return bfs_wire_end(w); \
	} \
	int bfs_##name##_rep_put(struct bfs_wire *w, \
				 const struct bfs_##name##_rep *m) \
	{ \
		rep return bfs_wire_end(w); \
	}
#include "core/proto.def"
#undef RPC
#undef F

#define F(type, field) m->field = bfs_get_##type(w);
#define RPC(num, NAME, name, flags, req, rep) \
	int bfs_##name##_req_get(struct bfs_wire *w, \
				 struct bfs_##name##_req *m) \
	{ \
		req return bfs_wire_end(w); \
	} \
	int bfs_##name##_rep_get(struct bfs_wire *w, \
				 struct bfs_##name##_rep *m) \
	{ \
		rep return bfs_wire_end(w); \
	}
#include "core/proto.def"
#undef RPC
#undef F

#define RPC(num, NAME, name, flags, req, rep) [BFS_OP_##NAME] = #name,
static const char *const names[] = {
#include "core/proto.def"
};
#undef RPC

#define RPC(num, NAME, name, flags, req, rep) [BFS_OP_##NAME] = BFS_RPC_##flags,
static const uint8_t op_flags[] = {
#include "core/proto.def"
};
#undef RPC

const char *bfs_op_name(uint32_t op)
{
	return bfs_op_known(op) ? names[op] : "unknown";
}

unsigned bfs_op_flags(uint32_t op)
{
	unsigned f = op < BFS_COUNT(op_flags) ? op_flags[op] : BFS_RPC_PURE;

	return f & ~(unsigned)BFS_RPC_PEER;
}

bool bfs_op_known(uint32_t op)
{
	return op < BFS_COUNT(names) && names[op];
}

bool bfs_op_peer(uint32_t op)
{
	return op < BFS_COUNT(op_flags) && op_flags[op] & BFS_RPC_PEER;
}

void bfs_put_req_head(struct bfs_wire *w, const struct bfs_req_head *h)
{
	bfs_put_u32(w, h->op);
	bfs_put_u32(w, h->deadline_ms);
	bfs_put_u64(w, h->id);
	bfs_put_u64(w, h->session);
	bfs_put_u64(w, h->ticket);
	bfs_put_u32(w, h->generation);
}

struct bfs_req_head bfs_get_req_head(struct bfs_wire *w)
{
	struct bfs_req_head h;

	h.op = bfs_get_u32(w);
	h.deadline_ms = bfs_get_u32(w);
	h.id = bfs_get_u64(w);
	h.session = bfs_get_u64(w);
	h.ticket = bfs_get_u64(w);
	h.generation = bfs_get_u32(w);
	return h;
}

void bfs_put_rep_head(struct bfs_wire *w, const struct bfs_rep_head *h)
{
	bfs_put_u32(w, h->op);
	bfs_put_u32(w, h->status);
	bfs_put_u64(w, h->id);
}

struct bfs_rep_head bfs_get_rep_head(struct bfs_wire *w)
{
	struct bfs_rep_head h;

	h.op = bfs_get_u32(w);
	h.status = bfs_get_u32(w);
	h.id = bfs_get_u64(w);
	return h;
}

void bfs_escape_put(struct bfs_wire *w, const struct bfs_escape_rep *m)
{
	bfs_put_u32(w, m->which);
	bfs_put_u32(w, m->up);
	bfs_put_u32(w, m->links);
	bfs_put_str(w, m->path);
}

int bfs_escape_get(struct bfs_wire *w, struct bfs_escape_rep *m)
{
	m->which = bfs_get_u32(w);
	m->up = bfs_get_u32(w);
	m->links = bfs_get_u32(w);
	m->path = bfs_get_str(w);
	return bfs_wire_end(w);
}

void bfs_dirent_put(struct bfs_wire *w, const struct bfs_dirent *d)
{
	bfs_put_u64(w, d->cursor);
	bfs_put_attr(w, d->attr);
	bfs_put_str(w, d->name);
}

int bfs_dirent_get(struct bfs_wire *w, struct bfs_dirent *d)
{
	d->cursor = bfs_get_u64(w);
	d->attr = bfs_get_attr(w);
	d->name = bfs_get_str(w);
	return bfs_wire_end(w);
}
