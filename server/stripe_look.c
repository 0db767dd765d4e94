/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chunks of files that have gone while we, or their home, were not there (S5):
 * their homes are asked which still exist.
 */
#include "core/log.h"
#include "core/util.h"
#include "server/chunks.h"
#include "server/peer.h"
#include "server/shared.h"
#include "server/stripe_space.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 8192		     /* asked for at once */
#define PATIENCE_NS 3600000000000ull /* its home may be down */

struct look {
	struct bfs_peer_msg m;
	struct bfs_server *server;
	struct look *next;
	unsigned home;
	uint32_t n;
	uint8_t req[4], rep[16];
	uint8_t inos[MOST * 8], lives[MOST];
};

static uint64_t ino_at(const struct look *l, uint32_t n)
{
	struct bfs_wire w;

	bfs_wire_init(&w, l->inos + 8 * (size_t)n, 8);
	return bfs_get_u64(&w);
}

static void done(struct bfs_peer_msg *m)
{
	struct look *l = m->arg;

	for (uint32_t n = 0; !m->status && n < l->n && n < m->in_len; n++)
		if (!l->lives[n])
			bfs_chunks_drop(l->server->fs, ino_at(l, n));
	free(l);
}

static void ask(struct look *l)
{
	struct bfs_wire w;

	bfs_wire_init(&w, l->req, sizeof(l->req));
	bfs_put_u32(&w, l->n);
	l->m = (struct bfs_peer_msg){ .op = BFS_OP_STRIPELIVES,
				      .req = l->req,
				      .req_len = sizeof(l->req),
				      .out = l->inos,
				      .out_len = l->n * (size_t)8,
				      .in = l->lives,
				      .in_cap = l->n,
				      .rep = l->rep,
				      .rep_cap = sizeof(l->rep),
				      .deadline = bfs_now() + PATIENCE_NS,
				      .done = done,
				      .arg = l };
	bfs_peer_send(l->server, l->home, &l->m);
}

/* Into the question to its home, which goes when it is full. */
static void add(struct bfs_server *s, struct look **all, uint64_t ino)
{
	unsigned home = bfs_shared_home(s->fs, ino);
	struct look *l = *all;
	struct bfs_wire w;

	while (l && (l->home != home || l->n == MOST))
		l = l->next;
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return;
		l->server = s;
		l->home = home;
		l->next = *all;
		*all = l;
	}
	bfs_wire_init(&w, l->inos + 8 * (size_t)l->n++, 8);
	bfs_put_u64(&w, ino);
}

static void look_dir(struct bfs_server *s, struct look **all, const char *name,
		     unsigned home)
{
	int fd = openat(s->fs->data_fd, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	uint64_t ino;
	char rest;

	if (fd >= 0 && !d)
		close(fd);
	while (d && (e = readdir(d))) {
		if (strlen(e->d_name) != 16 ||
		    sscanf(e->d_name, "%16" SCNx64 "%c", &ino, &rest) != 1)
			continue;
		if (bfs_shared_home(s->fs, ino) != s->shard &&
		    bfs_shared_home(s->fs, ino) < s->nshards &&
		    (home == UINT_MAX || bfs_shared_home(s->fs, ino) == home))
			add(s, all, ino);
	}
	if (d)
		closedir(d);
}

void bfs_stripe_look(struct bfs_server *s, unsigned home)
{
	struct look *all = NULL, *l;

	for (unsigned n = 0; s->nshards > 1 && n < 256; n++) {
		char name[3];

		snprintf(name, sizeof(name), "%02x", n);
		look_dir(s, &all, name, home);
	}
	while ((l = all)) {
		all = l->next;
		ask(l);
	}
}
