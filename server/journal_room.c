/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A full disk (RULES 30): a call is refused before it does anything unless what
 * it will write down has space.  What gives space back may use a reserve.
 */
#include "server/journal.h"
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>

/* Records of inodes, entries and the answer, beside what the call sends. */
#define CALL_BYTES 4096u
#define INODE_BYTES 256u

int bfs_journal_room(struct bfs_journal *j, size_t bytes, bool frees)
{
	/* With what this turn has noted so far. */
	return bfs_jlog_room(j->log, j->len + j->ndirty * INODE_BYTES + bytes,
			     frees);
}

static bool frees(const struct bfs_call *c)
{
	switch (c->head.op) {
	case BFS_OP_UNLINK:
	case BFS_OP_REMOVEXATTR:
	case BFS_OP_LOCK: /* or nobody could give one up */
		return true;
	}
	return false;
}

/* An open that makes nothing writes nothing down. */
static bool makes(const struct bfs_call *c)
{
	struct bfs_open_req req;
	struct bfs_wire w;

	if (c->head.op != BFS_OP_OPEN)
		return true;
	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	return !bfs_open_req_get(&w, &req) &&
	       (req.oflags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
}

int bfs_journal_admit(struct bfs_call *c)
{
	struct bfs_journal *j = c->server->journal;
	size_t bytes = CALL_BYTES + 2 * c->req_len + c->out_len;

	if (!j || bfs_op_flags(c->head.op) == BFS_RPC_PURE)
		return 0;
	if (c->head.op == BFS_OP_WRITE) /* its data is no record */
		bytes -= c->out_len;
	if (!bfs_journal_room(j, bytes, frees(c)) || !makes(c))
		return 0;
	return -ENOSPC;
}
