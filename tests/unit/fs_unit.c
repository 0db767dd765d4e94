/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/fs_unit.h"

#include "core/log.h"
#include "server/server.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void no_reply(struct bfs_call *c)
{
}

static const struct bfs_port_ops port_ops = { .name = "unit",
					      .passes_fds = true,
					      .reply = no_reply };
static struct bfs_port port = { .ops = &port_ops };

static bool slot_alive(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	const struct fs_unit *u = arg;

	return slot < u->live_slots;
}

int fs_unit_restart(struct fs_unit *u)
{
	int r = bfs_fs_new(&u->fs, &u->conf);

	if (r)
		return r;
	u->server->fs = u->fs;
	u->root = u->at = bfs_fs_root(u->fs);
	return 0;
}

static void make_call(struct fs_unit *u)
{
	u->c = calloc(1, sizeof(*u->c));
	u->in = malloc(FS_UNIT_IN);
	assert_non_null(u->c);
	assert_non_null(u->in);
	u->c->server = u->server;
	u->c->port = &port;
	u->c->cred = &u->cred;
	u->c->in = u->in;
	u->c->in_cap = FS_UNIT_IN;
	u->c->pass_fd = -1;
}

int fs_unit_setup(void **state)
{
	struct fs_unit *u = calloc(1, sizeof(*u));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(u);
	snprintf(u->dir, sizeof(u->dir), "%.40s/bfs-unit-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(u->dir));
	snprintf(u->data, sizeof(u->data), "%s/data", u->dir);
	u->conf = (struct bfs_fs_conf){ .data_dir = u->data,
					.secret = "0123456789abcdef",
					.cluster = 7,
					.root_mode = 0777,
					.pass = true,
					.slot_alive = slot_alive,
					.arg = u };
	u->server = calloc(1, sizeof(*u->server));
	assert_non_null(u->server);
	make_call(u);
	u_as(u, geteuid(), getegid());
	assert_int_equal(fs_unit_restart(u), 0);
	*state = u;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

int fs_unit_teardown(void **state)
{
	struct fs_unit *u = *state;

	bfs_fs_free(u->fs);
	if (u->c->pass_fd >= 0)
		close(u->c->pass_fd);
	nftw(u->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(u->server);
	free(u->in);
	free(u->c);
	free(u);
	return 0;
}

void u_as(struct fs_unit *u, uint32_t uid, uint32_t gid)
{
	u->cred = (struct bfs_cred){ .uid = uid, .gid = gid };
}

struct bfs_str u_str(const char *s)
{
	return (struct bfs_str){ s, (uint32_t)strlen(s) };
}

int u_take_fd(struct fs_unit *u)
{
	int fd = u->c->pass_fd;

	u->c->pass_fd = -1;
	return fd;
}

/* What dispatch.c does before each call. */
static struct bfs_call *fresh(struct fs_unit *u)
{
	if (u->c->pass_fd >= 0)
		close(u->c->pass_fd);
	u->c->pass_fd = -1;
	u->c->in_len = 0;
	return u->c;
}

static int stat_with(struct fs_unit *u, struct bfs_handle at, const char *path,
		     uint32_t flags, struct bfs_attr *a)
{
	struct bfs_getattr_req req = { .at = at,
				       .path = u_str(path),
				       .flags = flags };
	struct bfs_getattr_rep rep;
	int r = bfs_serve_getattr(fresh(u), &req, &rep);

	if (!r)
		*a = rep.attr;
	return r;
}

int u_stat(struct fs_unit *u, const char *path, struct bfs_attr *a)
{
	return stat_with(u, u->at, path, 0, a);
}

int u_lstat(struct fs_unit *u, const char *path, struct bfs_attr *a)
{
	return stat_with(u, u->at, path, AT_SYMLINK_NOFOLLOW, a);
}

int u_hstat(struct fs_unit *u, struct bfs_handle h, struct bfs_attr *a)
{
	return stat_with(u, h, "", 0, a);
}

int u_open_slot(struct fs_unit *u, const char *path, int flags, unsigned mode,
		uint32_t slot, struct bfs_open_rep *rep)
{
	struct bfs_open_req req = { .at = u->at,
				    .path = u_str(path),
				    .oflags = (uint32_t)flags,
				    .mode = mode,
				    .arena_slot = slot };
	struct bfs_open_rep dummy;

	rep = rep ? rep : &dummy;
	memset(rep, 0, sizeof(*rep));
	return bfs_serve_open(fresh(u), &req, rep);
}

int u_open(struct fs_unit *u, const char *path, int flags, unsigned mode,
	   struct bfs_open_rep *rep)
{
	return u_open_slot(u, path, flags, mode, BFS_NO_SLOT, rep);
}

int u_mknod(struct fs_unit *u, const char *path, unsigned mode, uint64_t rdev)
{
	struct bfs_mknod_req req = {
		.at = u->at, .path = u_str(path), .mode = mode, .rdev = rdev
	};
	struct bfs_mknod_rep rep;

	return bfs_serve_mknod(fresh(u), &req, &rep);
}

int u_mkdir(struct fs_unit *u, const char *path, unsigned mode)
{
	return u_mknod(u, path, S_IFDIR | mode, 0);
}

int u_symlink(struct fs_unit *u, const char *target, const char *path)
{
	struct bfs_mknod_req req = { .at = u->at,
				     .path = u_str(path),
				     .mode = S_IFLNK | 0777,
				     .target = u_str(target) };
	struct bfs_mknod_rep rep;

	return bfs_serve_mknod(fresh(u), &req, &rep);
}

static int unlink_with(struct fs_unit *u, const char *path, uint32_t flags)
{
	struct bfs_unlink_req req = { .at = u->at,
				      .path = u_str(path),
				      .flags = flags };
	struct bfs_unlink_rep rep;

	return bfs_serve_unlink(fresh(u), &req, &rep);
}

int u_unlink(struct fs_unit *u, const char *path)
{
	return unlink_with(u, path, 0);
}

int u_rmdir(struct fs_unit *u, const char *path)
{
	return unlink_with(u, path, AT_REMOVEDIR);
}

int u_rename(struct fs_unit *u, const char *from, const char *to,
	     unsigned flags)
{
	struct bfs_rename_req req = { .old_at = u->at,
				      .old_path = u_str(from),
				      .new_at = u->at,
				      .new_path = u_str(to),
				      .flags = flags };
	struct bfs_rename_rep rep;

	return bfs_serve_rename(fresh(u), &req, &rep);
}

int u_link(struct fs_unit *u, const char *from, const char *to, int flags)
{
	struct bfs_link_req req = { .old_at = u->at,
				    .old_path = u_str(from),
				    .new_at = u->at,
				    .new_path = u_str(to),
				    .flags = (uint32_t)flags };
	struct bfs_link_rep rep;

	return bfs_serve_link(fresh(u), &req, &rep);
}

int u_setattr(struct fs_unit *u, const char *path, unsigned valid,
	      struct bfs_setattr_req req)
{
	struct bfs_setattr_rep rep;

	req.at = u->at;
	req.path = u_str(path);
	req.valid = valid;
	return bfs_serve_setattr(fresh(u), &req, &rep);
}

int u_chmod(struct fs_unit *u, const char *path, unsigned mode)
{
	return u_setattr(u, path, BFS_SET_MODE,
			 (struct bfs_setattr_req){ .mode = mode });
}

int u_chown(struct fs_unit *u, const char *path, uint32_t uid, uint32_t gid)
{
	return u_setattr(u, path, BFS_SET_OWNER,
			 (struct bfs_setattr_req){ .uid = uid, .gid = gid });
}

int u_truncate(struct fs_unit *u, const char *path, uint64_t size)
{
	return u_setattr(u, path, BFS_SET_SIZE,
			 (struct bfs_setattr_req){ .size = size });
}

int u_access(struct fs_unit *u, const char *path, unsigned mode)
{
	struct bfs_access_req req = { .at = u->at,
				      .path = u_str(path),
				      .mode = mode };
	struct bfs_access_rep rep;

	return bfs_serve_access(fresh(u), &req, &rep);
}

int u_readlink(struct fs_unit *u, const char *path, char *buf, size_t cap)
{
	struct bfs_readlink_req req = { .at = u->at, .path = u_str(path) };
	struct bfs_readlink_rep rep;
	int r = bfs_serve_readlink(fresh(u), &req, &rep);

	if (!r)
		snprintf(buf, cap, "%.*s", (int)rep.target.len, rep.target.ptr);
	return r;
}
