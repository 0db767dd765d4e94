/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/special.h"

#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/peer.h"
#include "server/shared.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#define AT_ONCE 8

struct bfs_special {
	uint64_t ino;
	struct bfs_special *prev, *next;
};

struct question {
	struct bfs_peer_msg msg;
	struct bfs_server *server;
	uint64_t ino;
	uint8_t req[64], rep[256];
};

static void name_of(char name[BFS_DATA_NAME_LEN], uint64_t ino)
{
	bfs_data_name(name, ino);
	memmove(name, name + 3, 17);
}

static struct bfs_special *find(const struct bfs_server *s, uint64_t ino)
{
	struct bfs_special *p;

	DL_SEARCH_SCALAR(s->specials, p, ino, ino);
	return p;
}

static int add(struct bfs_server *s, uint64_t ino)
{
	struct bfs_special *p = find(s, ino);

	if (p)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->ino = ino;
	DL_APPEND(s->specials, p);
	return 0;
}

int bfs_special_fifo(struct bfs_server *s, const struct bfs_attr *a)
{
	const struct bfs_fs *fs = s->fs;
	char name[BFS_DATA_NAME_LEN];
	int fd, r = add(s, a->ino);

	name_of(name, a->ino);
	if (!r && mkfifoat(fs->sock_fd, name, 0600) && errno != EEXIST)
		r = -errno;
	/* The kernel checks who opens it. */
	if (!r && fchmodat(fs->sock_fd, name, 0600 | (a->mode & 0066), 0))
		r = -errno;
	if (r)
		return r;
	if ((a->uid != fs->euid || a->gid != fs->egid) &&
	    fchownat(fs->sock_fd, name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW))
		bfs_log(debug, "chown of fifo %s: %m", name);
	fd = openat(fs->sock_fd, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int bfs_special_sockets(struct bfs_server *s, uint64_t ino)
{
	char name[BFS_DATA_NAME_LEN];
	int fd, r = add(s, ino);

	if (r)
		return r;
	/* The home has checked the permission: the real socket, if it is there
	 * and ours, opens for all who come by here. */
	name_of(name, ino);
	(void)fchmodat(s->fs->sock_fd, name, 0777, 0);
	fd = openat(s->fs->sock_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void bfs_special_find(struct bfs_server *s)
{
	int fd =
		openat(s->fs->sock_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	uint64_t ino;
	char *end;

	if (!d)
		return;
	while ((e = readdir(d))) {
		ino = strtoull(e->d_name, &end, 16);
		if (end == e->d_name + 16 && !*end &&
		    bfs_shared_home(s->fs, ino) != s->shard)
			(void)add(s, ino);
	}
	closedir(d);
}

static void done(struct bfs_peer_msg *m)
{
	struct question *q = m->arg;
	struct bfs_server *s = q->server;
	struct bfs_special *p = find(s, q->ino);
	char name[BFS_DATA_NAME_LEN];

	if (p && m->status == -ESTALE) {
		name_of(name, p->ino);
		if (unlinkat(s->fs->sock_fd, name, 0) && errno != ENOENT)
			bfs_log(error, "cannot remove %s: %m", name);
		DL_DELETE(s->specials, p);
		free(p);
	}
	free(q);
}

static void ask(struct bfs_server *s, uint64_t ino)
{
	struct bfs_getattr_req req = { .at = bfs_handle_make(s->fs, ino,
							     BFS_RIGHT_PATH) };
	struct question *q = calloc(1, sizeof(*q));
	struct bfs_wire w;

	if (!q)
		return;
	bfs_wire_init(&w, q->req, sizeof(q->req));
	bfs_getattr_req_put(&w, &req);
	q->server = s;
	q->ino = ino;
	q->msg = (struct bfs_peer_msg){ .op = BFS_OP_GETATTR,
					.req = q->req,
					.req_len = (size_t)(w.pos - q->req),
					.rep = q->rep,
					.rep_cap = sizeof(q->rep),
					.deadline = bfs_now() + 10000000000u,
					.unless_dead = true,
					.done = done,
					.arg = q };
	bfs_peer_send(s, bfs_shared_home(s->fs, ino), &q->msg);
}

void bfs_special_sweep(struct bfs_server *s)
{
	for (unsigned n = 0; n < AT_ONCE && s->specials; n++) {
		struct bfs_special *p = s->specials;

		if (bfs_shared_home(s->fs, p->ino) < s->nshards)
			ask(s, p->ino);
		/* The others come next time. */
		DL_DELETE(s->specials, p);
		DL_APPEND(s->specials, p);
		if (!p->next && p == s->specials)
			break;
	}
}

void bfs_special_free(struct bfs_server *s)
{
	struct bfs_special *p, *next;

	DL_FOREACH_SAFE(s->specials, p, next)
	free(p);
	s->specials = NULL;
}
