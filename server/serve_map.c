/* SPDX-License-Identifier: BSD-3-Clause */
/* What daemons tell each other of mappings and of copies that run. */
#include "core/util.h"
#include "server/copy.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/hidden.h"
#include "server/mappers.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int bfs_serve_mapopen(struct bfs_call *c, const struct bfs_mapopen_req *req,
		      struct bfs_mapopen_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i = bfs_inode_here(fs, req->ino);
	int r;

	if (!i || !S_ISREG(i->mode))
		return -ESTALE;
	r = bfs_mappers_open(c->server, i, (unsigned)c->peer, req->writable,
			     &rep->reg);
	return r ? r : bfs_inode_attr(fs, i, &rep->attr);
}

int bfs_serve_mapend(struct bfs_call *c, const struct bfs_mapend_req *req,
		     struct bfs_mapend_rep *rep)
{
	bfs_mappers_end(c->server, req->ino, (unsigned)c->peer, req->reg);
	return 0;
}

/* One run of bytes; what is behind the end of the file is nobody's. */
static int store_run(int fd, uint64_t size, struct bfs_wire *w, uint64_t *from,
		     uint64_t *to)
{
	uint64_t at = bfs_get_u64(w);
	struct bfs_str bytes = bfs_get_str(w);
	size_t len = bytes.len, done = 0;

	if (bfs_wire_end(w))
		return -EBADMSG;
	if (at >= size)
		return 0;
	len = BFS_MIN(len, size - at);
	while (done < len) {
		ssize_t n = pwrite(fd, bytes.ptr + done, len - done,
				   (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	*from = BFS_MIN(*from, at);
	*to = BFS_MAX(*to, at + len);
	return 0;
}

static int store(struct bfs_call *c, struct bfs_inode *i, uint64_t *from,
		 uint64_t *to)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	int fd = bfs_data_open(fs, i, O_WRONLY), r = 0;
	struct bfs_wire w;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		r = -errno;
	bfs_wire_init(&w, c->out, c->out_len);
	while (!r && w.pos < w.end)
		r = store_run(fd, (uint64_t)st.st_size, &w, from, to);
	bfs_space_account(fs, i, fd);
	close(fd);
	return r;
}

int bfs_serve_mapwrite(struct bfs_call *c, const struct bfs_mapwrite_req *req,
		       struct bfs_mapwrite_rep *rep)
{
	struct bfs_server *s = c->server;
	unsigned node = (unsigned)c->peer;
	struct bfs_inode *i = bfs_inode_here(bfs_call_fs(c), req->ino);
	uint64_t from = UINT64_MAX, to = 0;
	int r, e = 0;

	if (!i || !bfs_mappers_may_store(s, req->ino, node, req->reg))
		return -ESTALE;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = store(c, i, &from, &to);
	if (to > from) /* it knows itself: only the others are told */
		e = bfs_mappers_tell_others(s, req->ino, from, to - from,
					    c->deadline, node);
	return r ? r : e;
}

int bfs_serve_mapnews(struct bfs_call *c, const struct bfs_mapnews_req *req,
		      struct bfs_mapnews_rep *rep)
{
	return bfs_hidden_news(c, req->ino, req->offset, req->len);
}

int bfs_serve_running(struct bfs_call *c, const struct bfs_running_req *req,
		      struct bfs_running_rep *rep)
{
	rep->running = bfs_copy_runs(c->server, req->ino);
	return 0;
}
