/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/fetch.h"

#include "core/util.h"
#include "server/inode.h"
#include "server/peer.h"

#include <errno.h>
#include <fcntl.h>

#define AT_ONCE 4	    /* messages of BFS_BULK_MAX */
#define NOTED_NS 100000000u /* for the time of an access */

struct part {
	uint8_t req[64], rep[16];
};

/* Of what is fetched again, and when, flags say that it is nobody's reading. */
static void ask(struct bfs_server *s, struct bfs_peer_msg *m, struct part *p,
		uint64_t ino, void *buf, size_t len, uint64_t offset,
		uint32_t flags)
{
	struct bfs_read_req req = {
		.handle = bfs_handle_make(s->fs, ino, BFS_RIGHT_READ),
		.offset = offset,
		.size = (uint32_t)len,
		.flags = flags,
	};
	struct bfs_wire w;

	bfs_wire_init(&w, p->req, sizeof(p->req));
	bfs_read_req_put(&w, &req);
	*m = (struct bfs_peer_msg){ .op = BFS_OP_READ,
				    .req = p->req,
				    .req_len = (size_t)(w.pos - p->req),
				    .rep = p->rep,
				    .rep_cap = sizeof(p->rep),
				    .in = buf,
				    .in_cap = len };
}

/* As much as goes at once. */
static ssize_t fetch_some(struct bfs_server *s, uint64_t ino, char *buf,
			  size_t len, uint64_t offset, uint64_t deadline)
{
	struct bfs_peer_msg m[AT_ONCE];
	struct part parts[AT_ONCE];
	unsigned whom[AT_ONCE] = { 0 }, n = 0;
	size_t got = 0;
	int r;

	for (size_t at = 0; at < len && n < AT_ONCE; n++) {
		size_t size = BFS_MIN(len - at, BFS_BULK_MAX);

		ask(s, &m[n], &parts[n], ino, buf + at, size, offset + at,
		    O_NOATIME);
		m[n].deadline = deadline;
		whom[n] = s->shard; /* which passes it on */
		at += size;
	}
	r = bfs_peer_wait_all(s, m, whom, n);
	for (unsigned k = 0; !r && k < n; k++) {
		if (m[k].status)
			return m[k].status;
		got += m[k].in_len;
		if (m[k].in_len < m[k].in_cap)
			break;
	}
	return r ? r : (ssize_t)got;
}

ssize_t bfs_fetch(struct bfs_server *s, uint64_t ino, void *buf, size_t len,
		  uint64_t offset, uint64_t deadline)
{
	size_t done = 0;

	while (done < len) {
		size_t want = BFS_MIN(len - done, AT_ONCE * BFS_BULK_MAX);
		ssize_t n = fetch_some(s, ino, (char *)buf + done, want,
				       offset + done, deadline);

		if (n < 0)
			return n;
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return (ssize_t)done;
}

int bfs_fetch_seek(struct bfs_server *s, uint64_t ino, int whence,
		   uint64_t limit, uint64_t *offset, uint64_t deadline)
{
	struct bfs_seek_req req = { .handle = bfs_handle_make(s->fs, ino,
							      BFS_RIGHT_READ),
				    .offset = *offset,
				    .whence = (uint32_t)whence };
	uint8_t room[BFS_FIELDS_MAX];
	struct bfs_seek_rep rep;
	int r = bfs_peer_seek(s, s->shard, deadline, &req, &rep, room);

	if (r == -ENXIO)
		*offset = limit;
	else if (!r)
		*offset = BFS_MIN(rep.offset, limit);
	return r == -ENXIO ? 0 : r;
}

int bfs_fetch_attr(struct bfs_server *s, uint64_t ino, struct bfs_attr *a,
		   uint64_t deadline)
{
	struct bfs_getattr_req req = { .at = bfs_handle_make(s->fs, ino,
							     BFS_RIGHT_READ) };
	uint8_t room[BFS_FIELDS_MAX];
	struct bfs_getattr_rep rep;
	int r = bfs_peer_getattr(s, s->shard, deadline, &req, &rep, room);

	if (!r)
		*a = rep.attr;
	return r;
}

void bfs_fetch_noted(struct bfs_server *s, uint64_t ino, uint64_t deadline)
{
	struct bfs_peer_msg m;
	struct part part;
	char byte;

	ask(s, &m, &part, ino, &byte, sizeof(byte), 0, 0);
	m.deadline = BFS_MIN(deadline, bfs_now() + NOTED_NS);
	bfs_peer_call(s, s->shard, &m);
}
