/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/passing.h"

#include "core/arena.h"
#include "core/log.h"
#include "core/util.h"
#include "server/copy.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/hidden.h"
#include "server/server.h"
#include "server/session.h"
#include "server/shared.h"
#include "server/special.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool bfs_passing_lock(int fd, uint32_t uid, uint32_t slot, int oflags,
		      uint64_t ino)
{
	struct flock l = { .l_type = bfs_life_type(oflags),
			   .l_whence = SEEK_SET,
			   .l_start = bfs_life_byte(uid, slot),
			   .l_len = 1 };

	if (slot == BFS_NO_SLOT)
		return true;
	if (!fcntl(fd, F_OFD_SETLK, &l))
		return true;
	if (errno != EAGAIN && errno != EACCES)
		bfs_log(error, "cannot lock data file %016lx: %m", ino);
	return false;
}

/* A file below the data directory of the inode's home.  -EXDEV: it is not on
 * this node. */
static int open_there(const struct bfs_server *s, uint64_t ino,
		      const char *below, int flags)
{
	unsigned home = bfs_shared_home(s->fs, ino);
	const char *dir = s->same_node && s->same_node(s, home)
				  ? s->data_dir_of(s, home)
				  : NULL;
	char path[PATH_MAX];
	int fd;

	if (!dir)
		return -EXDEV;
	if (snprintf(path, sizeof(path), "%s/%s", dir, below) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_data(const struct bfs_server *s, uint64_t ino, int flags)
{
	char name[BFS_DATA_NAME_LEN], below[sizeof("data/") + sizeof(name)];

	bfs_data_name(name, ino);
	snprintf(below, sizeof(below), "data/%s", name);
	return open_there(s, ino, below, flags);
}

/* Clients tell their descriptors by the device of our own data files. */
static bool same_device(const struct bfs_server *s, int fd, uint64_t *ino)
{
	struct stat st;

	if (fstat(fd, &st) || st.st_dev != s->fs->dev)
		return false;
	*ino = st.st_ino;
	return true;
}

/* The data file itself, or else data through the daemons. */
static void pass_file(struct bfs_call *c, const struct bfs_open_req *req,
		      struct bfs_open_rep *rep)
{
	int flags = (int)req->oflags & BFS_DATA_FLAGS, fd = -1;

	/* A client of ours by UCX gets none, as the file's daemon cannot know.
	 */
	if (c->port->ops->passes_fds)
		fd = open_data(c->server, rep->attr.ino, flags);

	if (fd >= 0 && same_device(c->server, fd, &rep->data_ino) &&
	    bfs_passing_lock(fd, c->cred->uid, req->arena_slot, flags,
			     rep->attr.ino)) {
		c->pass_fd = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
	rep->kind = BFS_OPEN_FILE;
}

static int take_open(struct bfs_call *c)
{
	struct bfs_wire w = bfs_call_fields(c);
	struct bfs_open_req req;
	struct bfs_open_rep rep;
	int fd;

	if (bfs_open_rep_get(&w, &rep))
		return -EBADMSG;
	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	if (bfs_open_req_get(&w, &req))
		return -EBADMSG;
	if (rep.kind == BFS_OPEN_SPECIAL && !c->port->ops->passes_fds)
		return -EOPNOTSUPP;
	if (rep.kind == BFS_OPEN_SPECIAL) {
		fd = open_data(c->server, rep.attr.ino, O_PATH);
		if (fd == -EXDEV)
			fd = bfs_special_fifo(c->server, &rep.attr);
		if (fd < 0)
			return fd;
		c->pass_fd = fd;
		return 0;
	}
	if (rep.kind != BFS_OPEN_PASS)
		return 0;
	pass_file(c, &req, &rep);
	w = bfs_call_fields(c);
	bfs_open_rep_put(&w, &rep);
	bfs_call_fields_end(c, &w);
	return 0;
}

/* A call that gets a descriptor of what is made for it on a fiber. */
struct making {
	struct bfs_call *c;
	struct bfs_session *held;
	uint32_t what;
	struct bfs_datafd_rep rep;
	uint64_t deadline;
};

int bfs_passing_make(struct bfs_server *s, uint32_t what,
		     const struct bfs_datafd_rep *rep, uint64_t deadline)
{
	uint64_t ino = rep->attr.ino;
	int fd = -ENOENT;

	if (what == BFS_DATAFD_MAP || what == BFS_DATAFD_MAP_WRITE)
		return bfs_hidden_open(s, ino, what == BFS_DATAFD_MAP_WRITE,
				       deadline);
	if (what == BFS_DATAFD_COPY)
		fd = bfs_hidden_peek(s, ino);
	if (fd == -ENOENT)
		fd = bfs_copy_open(s, ino, rep->attr.size, rep->change,
				   deadline);
	return fd;
}

static void run(void *arg)
{
	struct making *k = arg;
	struct bfs_call *c = k->c;
	int fd = bfs_passing_make(c->server, k->what, &k->rep, k->deadline);

	c->pass_fd = fd < 0 ? -1 : fd;
	bfs_call_finish(c, fd < 0 ? fd : 0);
	bfs_session_release(k->held);
	free(k);
}

static uint64_t deadline_of(const struct bfs_call *c)
{
	return c->deadline ? c->deadline
			   : bfs_now() + c->head.deadline_ms * 1000000ull;
}

/* The file is not on this node. */
static int take_far(struct bfs_call *c, const struct bfs_datafd_req *req,
		    const struct bfs_datafd_rep *rep)
{
	struct making *k = malloc(sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	*k = (struct making){ .c = c,
			      .held = bfs_session_hold(c->session),
			      .what = req->what,
			      .rep = *rep,
			      .deadline = deadline_of(c) };
	r = bfs_fiber_run(run, k);
	if (!r)
		return BFS_LATER;
	bfs_session_release(k->held);
	free(k);
	return r;
}

static int take_datafd(struct bfs_call *c)
{
	struct bfs_wire w = bfs_call_fields(c);
	struct bfs_datafd_req req;
	struct bfs_datafd_rep rep;
	int fd;

	if (bfs_datafd_rep_get(&w, &rep))
		return -EBADMSG;
	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	if (bfs_datafd_req_get(&w, &req))
		return -EBADMSG;
	if (rep.apart)
		return take_far(c, &req, &rep);
	if (req.what == BFS_DATAFD_SOCKET)
		fd = open_there(c->server, rep.attr.ino, "sock",
				O_PATH | O_DIRECTORY);
	else
		fd = open_data(c->server, rep.attr.ino,
			       req.what == BFS_DATAFD_MAP_WRITE ? O_RDWR
								: O_RDONLY);
	if (fd == -EXDEV && req.what != BFS_DATAFD_SOCKET)
		return take_far(c, &req, &rep);
	if (fd == -EXDEV)
		fd = bfs_special_sockets(c->server, rep.attr.ino);
	if (fd < 0)
		return fd;
	c->pass_fd = fd;
	return 0;
}

int bfs_passing_take(struct bfs_call *c)
{
	switch (c->head.op) {
	case BFS_OP_OPEN:
		return take_open(c);
	case BFS_OP_DATAFD:
		return c->port->ops->passes_fds ? take_datafd(c) : 0;
	default:
		return 0;
	}
}

bool bfs_passing_locked(struct bfs_server *s, uint64_t ino, uint32_t uid,
			uint32_t slot)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = bfs_life_byte(uid, slot),
			   .l_len = 1 };
	/* A fifo would wait for its writer (RULES 11). */
	int fd = open_data(s, ino, O_RDONLY | O_NONBLOCK);
	struct stat st;
	bool found;

	/* Where we cannot look (no descriptor left), somebody may hold it. */
	if (fd < 0)
		return fd != -ENOENT && fd != -EXDEV;
	found = fstat(fd, &st) ||
		(S_ISREG(st.st_mode) &&
		 (fcntl(fd, F_OFD_GETLK, &l) || l.l_type != F_UNLCK));
	close(fd);
	return found;
}
