/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls of all kinds with any arguments, sense or none (F3), by two users, on
 * a few names; then everything must still add up, and when all is removed,
 * nothing may be left.
 */
#include "tests/unit/fs_unit.h"

#include "core/util.h"
#include "server/dir.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <utlist.h>

#define ROUNDS 60000
#define HANDLES 16

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

/* A word of flags: mostly few bits, sometimes all sorts. */
static uint32_t any_bits(void)
{
	uint32_t few = 1u << any(32);

	return any(3) ? few | 1u << any(32) : any(1u << 31) * 2 + any(2);
}

static uint64_t any_size(void)
{
	static const uint64_t odd[] = { 0,	   1,
					4096,	   1 << 20,
					INT64_MAX, (uint64_t)INT64_MAX + 1,
					UINT64_MAX };

	return any(2) ? any(100000) : odd[any(BFS_COUNT(odd))];
}

struct chaos {
	struct fs_unit *u;
	struct bfs_handle h[HANDLES];
	char path[2][64];
	char data[4096];
};

static struct bfs_handle any_handle(struct chaos *x)
{
	struct bfs_handle h = x->h[any(HANDLES)];

	if (!any(20))
		h.rights = any_bits();
	if (!any(20))
		h.ino++;
	return any(2) ? x->u->root : h;
}

static struct bfs_str any_path(struct chaos *x, int which)
{
	static const char letters[] = "ab/ab/.";
	char *p = x->path[which];
	uint32_t len = any(any(10) ? 6 : 40);

	for (uint32_t n = 0; n < len; n++)
		p[n] = letters[any(sizeof(letters) - !!any(50))];
	return (struct bfs_str){ p, len };
}

static struct bfs_str any_name(void)
{
	static const char *const names[] = {
		"user.a", "user.b", "trusted.a", "security.a", "system.x", "",
	};

	return u_str(names[any(BFS_COUNT(names))]);
}

static int any_oflags(void)
{
	static const int some[] = { O_CREAT,	O_CREAT | O_EXCL, O_TRUNC,
				    O_TMPFILE,	O_PATH,		  O_DIRECTORY,
				    O_NOFOLLOW, O_APPEND,	  O_SYNC,
				    O_NOATIME };

	if (!any(10))
		return (int)any_bits() & ~O_DIRECT;
	return (int)any(4) | some[any(BFS_COUNT(some))] |
	       some[any(BFS_COUNT(some))];
}

static int chaos_open(struct chaos *x)
{
	struct bfs_open_req req = { any_handle(x),
				    any_path(x, 0),
				    (uint32_t)any_oflags(),
				    any(010000),
				    any(3) ? 0 : any(64),
				    any(4) ? any(20) : BFS_NO_SLOT,
				    any(4) };
	struct bfs_open_rep rep;
	int r = bfs_serve_open(x->u->c, &req, &rep);

	if (!r)
		x->h[any(HANDLES)] = rep.handle;
	return r;
}

static int chaos_mknod(struct chaos *x)
{
	static const uint32_t types[] = { S_IFDIR, S_IFDIR,  S_IFREG, S_IFLNK,
					  S_IFIFO, S_IFSOCK, S_IFCHR, 0 };
	struct bfs_mknod_req req = { any_handle(x), any_path(x, 0),
				     types[any(8)] | any(010000), any_bits(),
				     any_path(x, 1) };
	struct bfs_mknod_rep rep;

	return bfs_serve_mknod(x->u->c, &req, &rep);
}

static int chaos_unlink(struct chaos *x)
{
	struct bfs_unlink_req req = { any_handle(x), any_path(x, 0),
				      any(2) ? AT_REMOVEDIR : 0 };
	struct bfs_unlink_rep rep;

	return bfs_serve_unlink(x->u->c, &req, &rep);
}

static int chaos_rename(struct chaos *x)
{
	struct bfs_rename_req req = { any_handle(x), any_path(x, 0),
				      any_handle(x), any_path(x, 1), any(4) };
	struct bfs_rename_rep rep;

	return bfs_serve_rename(x->u->c, &req, &rep);
}

static int chaos_link(struct chaos *x)
{
	static const uint32_t flags[] = { 0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH,
					  1 };
	struct bfs_link_req req = { any_handle(x), any_path(x, 0),
				    any_handle(x), any_path(x, 1),
				    flags[any(4)] };
	struct bfs_link_rep rep;

	return bfs_serve_link(x->u->c, &req, &rep);
}

static int chaos_setattr(struct chaos *x)
{
	struct bfs_setattr_req req = {
		.at = any_handle(x),
		.path = any_path(x, 0),
		.valid = any(128),
		.mode = any_bits(),
		.uid = any(2) ? UINT32_MAX : any(3),
		.gid = any(2) ? UINT32_MAX : any(3),
		.size = any_size() & ~(1ull << 40),
		.atime = { any(1000), any_bits() },
	};
	struct bfs_setattr_rep rep;

	return bfs_serve_setattr(x->u->c, &req, &rep);
}

static int chaos_write(struct chaos *x)
{
	struct bfs_write_req req = { any_handle(x), any_size(), any_bits(), 0 };
	struct bfs_write_rep rep;

	x->u->c->out = x->data;
	x->u->c->out_len = any(sizeof(x->data));
	return bfs_serve_write(x->u->c, &req, &rep);
}

static int chaos_read(struct chaos *x)
{
	struct bfs_read_req req = { any_handle(x), any_size(), any_bits(),
				    any(2) ? O_NOATIME : 0 };
	struct bfs_read_rep rep;

	return bfs_serve_read(x->u->c, &req, &rep);
}

static int chaos_readdir(struct chaos *x)
{
	struct bfs_readdir_req req = { any_handle(x), any_size(), any(10000),
				       any(2) };
	struct bfs_readdir_rep rep;

	return bfs_serve_readdir(x->u->c, &req, &rep);
}

static int chaos_space(struct chaos *x)
{
	struct bfs_fallocate_req f = { any_handle(x), any_bits(), any(100000),
				       any(100000), 0 };
	struct bfs_fallocate_rep frep;
	struct bfs_seek_req s = { any_handle(x), any_size(), any(6) };
	struct bfs_seek_rep srep;

	return any(2) ? bfs_serve_fallocate(x->u->c, &f, &frep)
		      : bfs_serve_seek(x->u->c, &s, &srep);
}

static int chaos_xattr(struct chaos *x)
{
	struct bfs_setxattr_req set = { any_handle(x), any_path(x, 0),
					any_bits(), any_name() };
	struct bfs_setxattr_rep set_rep;
	struct bfs_getxattr_req get = { any_handle(x), any_path(x, 0), 0,
					any_name(), any_size() };
	struct bfs_getxattr_rep get_rep;
	struct bfs_listxattr_req list = { any_handle(x), any_path(x, 0), 0,
					  any_size() };
	struct bfs_listxattr_rep list_rep;
	struct bfs_removexattr_req del = { any_handle(x), any_path(x, 0), 0,
					   any_name() };
	struct bfs_removexattr_rep del_rep;

	switch (any(4)) {
	case 0:
		x->u->c->out = x->data;
		x->u->c->out_len = any(sizeof(x->data));
		return bfs_serve_setxattr(x->u->c, &set, &set_rep);
	case 1:
		return bfs_serve_getxattr(x->u->c, &get, &get_rep);
	case 2:
		return bfs_serve_listxattr(x->u->c, &list, &list_rep);
	}
	return bfs_serve_removexattr(x->u->c, &del, &del_rep);
}

static int chaos_ask(struct chaos *x)
{
	struct bfs_getattr_req attr = { any_handle(x), any_path(x, 0),
					any_bits() };
	struct bfs_getattr_rep attr_rep;
	struct bfs_readlink_req link = { any_handle(x), any_path(x, 0) };
	struct bfs_readlink_rep link_rep;
	struct bfs_access_req may = { any_handle(x), any_path(x, 0), any(16),
				      any_bits() };
	struct bfs_access_rep may_rep;
	struct bfs_getpath_req path = { any_handle(x) };
	struct bfs_getpath_rep path_rep;
	struct bfs_datafd_req fd = { any_handle(x), any_path(x, 0), any(6) };
	struct bfs_datafd_rep fd_rep;

	switch (any(5)) {
	case 0:
		return bfs_serve_getattr(x->u->c, &attr, &attr_rep);
	case 1:
		return bfs_serve_readlink(x->u->c, &link, &link_rep);
	case 2:
		return bfs_serve_access(x->u->c, &may, &may_rep);
	case 3:
		return bfs_serve_getpath(x->u->c, &path, &path_rep);
	}
	return bfs_serve_datafd(x->u->c, &fd, &fd_rep);
}

static int (*const calls[])(struct chaos *x) = {
	chaos_open,   chaos_open,    chaos_open,   chaos_mknod,	  chaos_mknod,
	chaos_unlink, chaos_link,    chaos_rename, chaos_setattr, chaos_write,
	chaos_read,   chaos_readdir, chaos_space,  chaos_xattr,	  chaos_ask,
};

/* The order of its entries; how many of them are directories. */
static unsigned check_entries(const struct bfs_inode *dir)
{
	uint64_t last = BFS_CURSOR_DOTDOT;
	struct bfs_dir_iter it;
	const struct bfs_dentry *d;
	unsigned dirs = 0;

	assert_true(bfs_btree_check(dir->dir.top) >= 0);
	bfs_dir_iter_init(&it, dir, 0);
	while ((d = bfs_dir_iter_next(&it))) {
		assert_true(d->cursor > last && d->cursor < 1ull << 63);
		assert_ptr_equal(d->dir, dir);
		last = d->cursor;
		dirs += S_ISDIR(d->to.inode->mode);
	}
	return dirs;
}

static unsigned count_names(const struct bfs_inode *i)
{
	const struct bfs_dentry *d;
	unsigned n = 0;

	DL_FOREACH(i->names, d)
	{
		assert_ptr_equal(bfs_dentry_inode(d), i);
		n++;
	}
	return n;
}

static void check_inode(const struct fs_unit *u, const struct bfs_inode *i)
{
	unsigned names = count_names(i), dirs = 0;

	if (!S_ISDIR(i->mode)) {
		assert_int_equal(i->nlink, names);
		assert_int_equal(i->orphan, !names);
		return;
	}
	dirs = check_entries(i);
	if (i == u->fs->root || names)
		assert_int_equal(i->nlink, 2 + dirs);
	else
		assert_int_equal(i->nlink, 0);
	assert_true(names == (i != u->fs->root && !i->orphan));
}

static void check_all(struct fs_unit *u)
{
	struct bfs_inode *i, *next;

	BFS_ITABLE_EACH(&u->fs->inodes, i, next)
	check_inode(u, i);
}

/* Depth first, as rm -r. */
static void remove_all(struct fs_unit *u, struct bfs_inode *dir)
{
	struct bfs_dentry *d;

	while ((d = bfs_dir_after(dir, 0))) {
		char name[256];
		int r;

		if (S_ISDIR(d->to.inode->mode))
			remove_all(u, d->to.inode);
		u->at = bfs_inode_handle(u->fs, dir, BFS_RIGHT_PATH);
		snprintf(name, sizeof(name), "%.*s", d->len, d->name);
		r = S_ISDIR(d->to.inode->mode) ? u_rmdir(u, name)
					       : u_unlink(u, name);
		assert_int_equal(r, 0);
	}
}

static unsigned count_files(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char sub[512];

		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		n += e->d_type == DT_DIR ? count_files(sub) : 1;
	}
	closedir(d);
	return n;
}

static void run(struct fs_unit *u, struct chaos *x)
{
	unsigned done = 0;

	for (int n = 0; n < ROUNDS; n++) {
		struct bfs_call *c = u->c;

		u_as(u, any(3) ? 0 : 1 + any(2), any(3));
		u->live_slots = any(20);
		c->in_len = c->out_len = 0;
		done += !calls[any(BFS_COUNT(calls))](x);
		assert_true(c->in_len <= c->in_cap);
		if (c->pass_fd >= 0)
			close(u_take_fd(u));
		if (!any(100))
			bfs_fs_sweep(u->fs);
		if (!any(2000))
			check_all(u);
	}
	assert_true(done > ROUNDS / 20); /* it was not all refused */
}

static void test_chaos(void **state)
{
	struct fs_unit *u = *state;
	struct chaos x = { .u = u };
	char path[128];

	for (int n = 0; n < HANDLES; n++)
		x.h[n] = u->root;
	bfs_fs_set_limit(u->fs, 1 << 30);
	run(u, &x);
	check_all(u);
	u_as(u, 0, 0);
	remove_all(u, u->fs->root);
	u->live_slots = 0;
	assert_false(bfs_fs_sweep(u->fs));
	assert_int_equal(u->fs->inodes.n, 1 + u->fs->nheld);
	assert_int_equal(u->fs->used, 0);
	snprintf(path, sizeof(path), "%s/data", u->data);
	assert_int_equal(count_files(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chaos, fs_unit_setup,
						fs_unit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
