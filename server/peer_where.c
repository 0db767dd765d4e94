/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/peer_where.h"

#include "core/log.h"
#include "core/members.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int bfs_peer_where(struct bfs_peer *p, const void **address, size_t *len)
{
	struct bfs_server *s = p->all->server;
	uint64_t incarnation;
	int r;

	if (!s->peer_address)
		return -EHOSTUNREACH;
	r = s->peer_address(s, p->shard, address, len, &incarnation);
	if (!r && s->peer_ended && s->peer_ended(s, p->shard))
		return -EOWNERDEAD;
	return r;
}

/* What is known of a member stays known while its record cannot be read. */
static int member_address(struct bfs_server *s, unsigned shard,
			  const void **address, size_t *len,
			  uint64_t *incarnation)
{
	const struct bfs_member *m = &s->members->m[shard];
	char err[BFS_MEMBERS_ERR];
	int r = bfs_members_lookup(s->members, shard, err);

	if (r && (r == -EAGAIN || !m->known))
		return r;
	if (r)
		bfs_log(debug, "%s: %s", m->name, err);
	*address = m->address;
	*len = m->address_len;
	*incarnation = m->incarnation;
	return 0;
}

/* Its data directory's lock: 1 held, 0 free, -1 there is none, or it is not
 * that process's. */
static int lock_of(const struct bfs_member *m)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX], pid[32] = "";
	int fd, r = -1;

	snprintf(path, sizeof(path), "%s/lock", m->data_dir);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (!fcntl(fd, F_OFD_GETLK, &l))
		r = l.l_type != F_UNLCK;
	/* Of a namespace of its own, perhaps. */
	if (!r && (read(fd, pid, sizeof(pid) - 1) < 0 ||
		   strtoul(pid, NULL, 10) != m->pid))
		r = -1;
	close(fd);
	return r;
}

/* A process on this node that does not hold its lock has ended. */
static bool member_ended(struct bfs_server *s, unsigned shard)
{
	const struct bfs_member *m = &s->members->m[shard];
	const struct bfs_member *us = &s->members->m[s->shard];

	return m->known && us->known && !strcmp(m->node, us->node) &&
	       lock_of(m) == 0;
}

void bfs_peer_where_members(struct bfs_server *s)
{
	s->peer_address = member_address;
	s->peer_ended = member_ended;
}
