/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/route.h"

#include "core/log.h"
#include "core/util.h"
#include "server/serve_lock.h"
#include "server/server.h"
#include "server/session.h"
#include "server/shared.h"
#include "server/stripe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* How a call says what it is about. */
enum subject {
	OTHER,	/* nothing, or two places */
	PLACE,	/* handle and path come first */
	HANDLE, /* an open handle comes first */
};

static enum subject subject_of(uint32_t op)
{
	static const uint8_t subjects[BFS_OP_LIMIT] = {
		[BFS_OP_GETATTR] = PLACE,    [BFS_OP_OPEN] = PLACE,
		[BFS_OP_SETATTR] = PLACE,    [BFS_OP_MKNOD] = PLACE,
		[BFS_OP_UNLINK] = PLACE,     [BFS_OP_READLINK] = PLACE,
		[BFS_OP_STATFS] = PLACE,     [BFS_OP_ACCESS] = PLACE,
		[BFS_OP_GETXATTR] = PLACE,   [BFS_OP_SETXATTR] = PLACE,
		[BFS_OP_LISTXATTR] = PLACE,  [BFS_OP_REMOVEXATTR] = PLACE,
		[BFS_OP_DATAFD] = PLACE,     [BFS_OP_READDIR] = HANDLE,
		[BFS_OP_READ] = HANDLE,	     [BFS_OP_WRITE] = HANDLE,
		[BFS_OP_FALLOCATE] = HANDLE, [BFS_OP_FSYNC] = HANDLE,
		[BFS_OP_SEEK] = HANDLE,	     [BFS_OP_LOCK] = HANDLE,
		[BFS_OP_GETPATH] = HANDLE,   [BFS_OP_TAKE] = HANDLE,
	};

	return op < BFS_OP_LIMIT ? subjects[op] : OTHER;
}

bool bfs_route_far(const struct bfs_fs *fs, struct bfs_handle h)
{
	unsigned home = bfs_shared_home(fs, h.ino);

	return home != fs->conf.shard && home < fs->conf.nshards &&
	       bfs_handle_genuine(fs, h);
}

static int elsewhere(struct bfs_call *c, unsigned shard)
{
	c->where = (struct bfs_where){ .shard = shard,
				       .links = c->origin.links,
				       .top = c->origin.top,
				       .uid = c->cred->uid,
				       .gid = c->cred->gid };
	return -BFS_ELSEWHERE;
}

/* READ and WRITE of what lies on several shards; w is behind the handle. */
static bool planned_here(const struct bfs_call *c, struct bfs_handle h,
			 struct bfs_wire w)
{
	uint64_t offset = bfs_get_u64(&w);
	uint32_t word = bfs_get_u32(&w);

	if (bfs_wire_end(&w))
		return false;
	if (c->head.op == BFS_OP_READ)
		return bfs_stripe_spread(bfs_call_fs(c), h, offset,
					 BFS_MIN(word, c->in_cap));
	return c->head.op == BFS_OP_WRITE && !(word & O_APPEND) &&
	       bfs_stripe_spread(bfs_call_fs(c), h, offset, c->out_len);
}

int bfs_route(struct bfs_call *c)
{
	const struct bfs_fs *fs = bfs_call_fs(c);
	enum subject subject = subject_of(c->head.op);
	struct bfs_str path = { 0 };
	struct bfs_handle h;
	struct bfs_wire w;

	if (!fs || !bfs_fs_clustered(fs) || subject == OTHER)
		return 0;
	if (c->via)
		return elsewhere(c, c->via - 1);
	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	h = bfs_get_handle(&w);
	if (subject == PLACE)
		path = bfs_get_str(&w);
	if (bfs_wire_end(&w) || path.len || !bfs_route_far(fs, h) ||
	    planned_here(c, h, w))
		return 0;
	elsewhere(c, bfs_shared_home(fs, h.ino));
	if (c->head.op == BFS_OP_LOCK) {
		int r = bfs_serve_lock_passed_on(c);

		if (r)
			return r;
	}
	return -BFS_ELSEWHERE;
}

static int place(struct bfs_call *c, const struct bfs_walk *w, unsigned shard)
{
	if (c->origin.hops >= BFS_HOPS_MAX) {
		bfs_log(error,
			"%s: passed on by %u daemons: they do not "
			"agree where it belongs",
			bfs_op_name(c->head.op), c->origin.hops);
		return -EIO;
	}
	elsewhere(c, shard);
	c->where.rewrite = true;
	c->where.links = w->links;
	c->where.top = w->resolve ? w->top->ino : 0;
	return -BFS_ELSEWHERE;
}

int bfs_route_entry(struct bfs_call *c, const struct bfs_walk *w,
		    struct bfs_str name, bool slash, unsigned shard)
{
	int r = place(c, w, shard);

	c->where.at =
		bfs_handle_make(bfs_call_fs(c), w->dir->ino, BFS_RIGHT_PATH);
	memcpy(c->where.path, name.ptr, name.len);
	c->where.path_len = name.len;
	if (slash)
		c->where.path[c->where.path_len++] = '/';
	return r;
}

int bfs_route_inode(struct bfs_call *c, const struct bfs_walk *w, uint64_t ino)
{
	int r = place(c, w, bfs_shared_home(bfs_call_fs(c), ino));

	c->where.at = bfs_handle_make(bfs_call_fs(c), ino,
				      BFS_RIGHT_PATH | BFS_RIGHT_NAMED);
	c->where.path_len = 0;
	return r;
}

uint32_t bfs_route_links(const struct bfs_call *c, uint32_t which)
{
	return c->origin.forwarded && !which ? c->origin.links : 0;
}

int bfs_route_top(struct bfs_call *c, struct bfs_walk *w)
{
	struct bfs_inode *i;

	if (!c->origin.forwarded || !c->origin.top)
		return 0;
	i = bfs_inode_find(bfs_call_fs(c), c->origin.top);
	if (i && bfs_shared_usable(i)) {
		w->top = i;
		return 0;
	}
	w->need =
		(struct bfs_need){ .kind = BFS_NEED_DIR, .ino = c->origin.top };
	return -BFS_NEED;
}

unsigned bfs_route_node(const struct bfs_call *c)
{
	return c->session && c->session->far ? c->session->node
					     : c->server->shard;
}

pid_t bfs_route_pid(const struct bfs_call *c)
{
	if (!c->session)
		return 0;
	return c->session->far ? c->session->far_pid : c->session->pid;
}

bool bfs_route_forwarded(const struct bfs_call *c)
{
	return c->session && c->session->far;
}

bool bfs_route_passes(const struct bfs_call *c)
{
	const struct bfs_server *s = c->server;

	if (!c->session || !c->session->far)
		return c->port->ops->passes_fds;
	return s->same_node && s->same_node(s, c->session->node);
}
