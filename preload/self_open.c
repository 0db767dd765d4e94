/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/self_open.h"

#include "core/datafile.h"
#include "core/kill.h"
#include "core/sys.h"
#include "core/transport_local.h"
#include "preload/desc.h"
#include "preload/session.h"

#include <errno.h>

/* The lock that says "alive" (RULES 1), as the daemon would take it. */
static int lock_life(int fd, const struct bfs_desc *d, int flags)
{
	const struct bfs_arena *a = bfs_arenas[bfs_desc_arena(d)].map;
	struct flock l = { .l_type = bfs_life_type(flags),
			   .l_whence = SEEK_SET,
			   .l_start = bfs_life_byte(a->uid, bfs_desc_index(d)),
			   .l_len = 1 };

	return bfs_sys_fcntl(fd, F_OFD_SETLK, (long)&l);
}

/* Is it what we were to open, and is it known that we have it? */
static int check(int fd, struct bfs_desc *d, int flags)
{
	struct stat st;

	if (fd >= BFS_FDS)
		return -EMFILE;
	if (bfs_sys_fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_dev != bfs_session_data_dev() || lock_life(fd, d, flags))
		return BFS_SELF_CANNOT;
	d->data_ino = st.st_ino;
	return 0;
}

/* Errors that the daemon would not be spared either. */
static bool is_final(int e)
{
	return e == -EMFILE || e == -ENFILE || e == -ENOMEM || e == -ETXTBSY;
}

int bfs_self_open(const struct bfs_transport *t, struct bfs_desc *d, int flags)
{
	int dir = bfs_local_data(t), fd, e;
	char name[BFS_DATA_NAME_LEN];

	if (dir < 0)
		return BFS_SELF_CANNOT;
	bfs_data_name(name, d->ino);
	fd = bfs_sys_openat(dir, name, flags & (BFS_DATA_FLAGS | O_CLOEXEC), 0);
	if (fd < 0)
		return is_final(fd) ? fd : BFS_SELF_CANNOT;
	BFS_KILL_POINT(data_opened);
	e = check(fd, d, flags);
	if (e) {
		bfs_sys_close(fd);
		return e;
	}
	bfs_fd_adopt(fd, BFS_KIND_PASS, d);
	return fd;
}

int bfs_self_take(struct bfs_rpc *r, const struct bfs_desc *d, int flags,
		  struct bfs_open_rep *rep)
{
	struct bfs_take_req req = { .handle = bfs_desc_handle(d),
				    .oflags = (uint32_t)flags,
				    .arena_slot = bfs_desc_index(d),
				    .slot_gen = bfs_desc_gen(d) };
	struct bfs_take_rep taken;
	struct bfs_client *c;
	int e = bfs_session_local(&c);

	if (!e)
		e = bfs_rpc_take(c, r, &req, &taken);
	if (e)
		return e;
	rep->kind = taken.kind;
	rep->data_ino = taken.data_ino;
	return 0;
}
