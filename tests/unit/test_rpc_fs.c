/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F2 with the real file system: each call that changes something is sent, its
 * answer lost with the connection, and sent again.  It must succeed, where a
 * second execution would not, and have happened once.
 */
#include "tests/unit/fs_unit.h"
#include "tests/unit/loop_port.h"

#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/serve_lock.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct world {
	void *fs_state;
	struct fs_unit *u;
	struct loop_port port;
	struct loop_client l;
	unsigned losses; /* answers still to be lost */
};

static enum bfs_tloop_fate decide(void *arg, const struct bfs_tloop_msg *m)
{
	struct world *w = arg;

	if (!w->losses || !m->reply || m->op == BFS_OP_HELLO)
		return BFS_TLOOP_PASS;
	w->losses--;
	return BFS_TLOOP_RESET;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct bfs_server *s;

	bfs_log_fd = -1;
	if (fs_unit_setup(&w->fs_state))
		return -1;
	w->u = w->fs_state;
	s = w->u->server;
	s->arenas = bfs_arenas_new(s->secret);
	s->pass = true;
	assert_non_null(s->arenas);
	assert_int_equal(bfs_serve_lock_start(s), 0);
	loop_port_init(&w->port, s,
		       (struct bfs_tloop_config){ .seed = 3,
						  .delay_min_ns = 1000,
						  .delay_max_ns = 2000 });
	w->port.decide = decide;
	w->port.arg = w;
	loop_client_init(&w->l, &w->port, 100);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct bfs_server *s = w->u->server;

	loop_client_fini(&w->l);
	loop_port_fini(&w->port);
	bfs_session_free_all(s);
	bfs_serve_lock_stop(s);
	bfs_arenas_free(s->arenas);
	fs_unit_teardown(&w->fs_state);
	free(w);
	return 0;
}

/* One call with its answer lost twice. */
#define LOSSY(w, name, rep, ...) \
	({ \
		struct bfs_rpc r_ = BFS_RPC_INIT; \
		struct bfs_##name##_req q_ = __VA_ARGS__; \
		int e_; \
\
		(w)->losses = 2; \
		e_ = bfs_rpc_##name(&(w)->l.c, &r_, &q_, rep); \
		assert_int_equal((w)->losses, 0); \
		bfs_rpc_end(&r_); \
		e_; \
	})

/* Without losses. */
static int look(struct world *w, const char *path, struct bfs_attr *a)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_getattr_req q = { .at = w->u->root, .path = u_str(path) };
	struct bfs_getattr_rep rep;
	int e = bfs_rpc_getattr(&w->l.c, &r, &q, &rep);

	bfs_rpc_end(&r);
	*a = rep.attr;
	return e;
}

static int make(struct world *w, const char *path, uint32_t mode)
{
	struct bfs_mknod_rep rep;

	return LOSSY(w, mknod, &rep,
		     { .at = w->u->root,
		       .path = u_str(path),
		       .mode = mode,
		       .target = mode & S_IFLNK ? BFS_STR("x") : BFS_STR("") });
}

static void test_names(void **state)
{
	struct world *w = *state;
	struct bfs_handle root = w->u->root;
	struct bfs_rename_rep renamed;
	struct bfs_unlink_rep unlinked;
	struct bfs_link_rep linked;
	struct bfs_attr a;

	assert_int_equal(make(w, "dir", S_IFDIR | 0755), 0);
	assert_int_equal(make(w, "f", S_IFREG | 0644), 0);
	assert_int_equal(make(w, "s", S_IFLNK | 0777), 0);
	assert_int_equal(
		LOSSY(w, link, &linked,
		      { root, BFS_STR("f"), root, BFS_STR("dir/g"), 0 }),
		0);
	assert_int_equal(look(w, "f", &a), 0);
	assert_int_equal(a.nlink, 2);
	assert_int_equal(LOSSY(w, rename, &renamed,
			       { root, BFS_STR("f"), root, BFS_STR("h"), 0 }),
			 0);
	assert_int_equal(look(w, "f", &a), -ENOENT);
	/* An exchange that happened twice would not be seen to happen. */
	assert_int_equal(LOSSY(w, rename, &renamed,
			       { root, BFS_STR("h"), root, BFS_STR("dir"),
				 2 /* RENAME_EXCHANGE */ }),
			 0);
	assert_int_equal(look(w, "h", &a), 0);
	assert_true(S_ISDIR(a.mode));
	assert_int_equal(
		LOSSY(w, unlink, &unlinked, { root, BFS_STR("h/g"), 0 }), 0);
	assert_int_equal(LOSSY(w, unlink, &unlinked,
			       { root, BFS_STR("h"), AT_REMOVEDIR }),
			 0);
	assert_int_equal(look(w, "h", &a), -ENOENT);
	assert_int_equal(look(w, "dir", &a), 0);
	assert_int_equal(a.nlink, 1);
}

/* The descriptor is passed again, and is not another open of something new. */
static void test_open_passed(void **state)
{
	struct world *w = *state;
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_req q = { .at = w->u->root,
				  .path = BFS_STR("new"),
				  .oflags = O_CREAT | O_EXCL | O_RDWR,
				  .mode = 0644,
				  .arena_slot = 9,
				  .slot_gen = 1 };
	struct bfs_open_rep rep;
	struct bfs_attr a;
	struct stat st;

	w->losses = 2;
	assert_int_equal(bfs_rpc_open(&w->l.c, &r, &q, &rep), 0);
	assert_int_equal(w->losses, 0);
	assert_int_equal(rep.kind, BFS_OPEN_PASS);
	assert_true(r.io.fd >= 0);
	assert_int_equal(write(r.io.fd, "abc", 3), 3);
	assert_int_equal(fstat(r.io.fd, &st), 0);
	assert_true(st.st_ino == rep.data_ino);
	close(r.io.fd);
	bfs_rpc_end(&r);
	assert_int_equal(look(w, "new", &a), 0);
	assert_int_equal(a.size, 3);
	assert_true(a.ino == rep.attr.ino);
	r = (struct bfs_rpc)BFS_RPC_INIT;
	assert_int_equal(bfs_rpc_open(&w->l.c, &r, &q, &rep), -EEXIST);
	bfs_rpc_end(&r);
}

/* A file without a name can only be found again by its handle. */
static void test_open_tmpfile(void **state)
{
	struct world *w = *state;
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_req q = { .at = w->u->root,
				  .path = BFS_STR("."),
				  .oflags = O_TMPFILE | O_RDWR,
				  .mode = 0600,
				  .arena_slot = 10,
				  .slot_gen = 1 };
	struct bfs_open_rep rep;

	w->u->live_slots = 100;
	w->losses = 2;
	assert_int_equal(bfs_rpc_open(&w->l.c, &r, &q, &rep), 0);
	assert_true(r.io.fd >= 0);
	assert_int_equal(rep.attr.nlink, 0);
	close(r.io.fd);
	bfs_rpc_end(&r);
}

static struct bfs_handle open_file(struct world *w, const char *path)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_req q = { .at = w->u->root,
				  .path = u_str(path),
				  .oflags = O_CREAT | O_RDWR,
				  .mode = 0644,
				  .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;

	assert_int_equal(bfs_rpc_open(&w->l.c, &r, &q, &rep), 0);
	if (r.io.fd >= 0)
		close(r.io.fd);
	bfs_rpc_end(&r);
	return rep.handle;
}

/* S3 and F2 together: an append that is repeated appends once. */
static void test_append(void **state)
{
	struct world *w = *state;
	struct bfs_handle h = open_file(w, "log");
	struct bfs_attr a;

	for (uint64_t i = 1; i <= 5; i++) {
		struct bfs_rpc r = BFS_RPC_INIT;
		struct bfs_write_req q = { .handle = h, .flags = O_APPEND };
		struct bfs_write_rep rep;

		r.io.out = "abc";
		r.io.out_len = 3;
		w->losses = 2;
		assert_int_equal(bfs_rpc_write(&w->l.c, &r, &q, &rep), 0);
		bfs_rpc_end(&r);
		assert_int_equal(rep.written, 3);
		assert_int_equal(rep.end, 3 * i);
	}
	assert_int_equal(look(w, "log", &a), 0);
	assert_int_equal(a.size, 15);
}

static int set_new_xattr(struct world *w, struct bfs_handle h)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_setxattr_req q = { .at = h,
				      .path = BFS_STR(""),
				      .flags = XATTR_CREATE << 16,
				      .name = BFS_STR("user.a") };
	struct bfs_setxattr_rep rep;
	int e;

	r.io.out = "v";
	r.io.out_len = 1;
	w->losses = 2;
	e = bfs_rpc_setxattr(&w->l.c, &r, &q, &rep);
	bfs_rpc_end(&r);
	return e;
}

static void test_attributes(void **state)
{
	struct world *w = *state;
	struct bfs_handle h = open_file(w, "f");
	struct bfs_setattr_rep set;
	struct bfs_fallocate_rep allocated;
	struct bfs_removexattr_rep removed;
	struct bfs_attr a;

	assert_int_equal(LOSSY(w, setattr, &set,
			       { .at = h,
				 .path = BFS_STR(""),
				 .valid = BFS_SET_SIZE | BFS_SET_MODE,
				 .mode = 0600,
				 .size = 100 }),
			 0);
	assert_int_equal(LOSSY(w, fallocate, &allocated, { h, 0, 100, 50, 0 }),
			 0);
	assert_int_equal(look(w, "f", &a), 0);
	assert_int_equal(a.size, 150);
	assert_int_equal(a.mode & 07777, 0600);
	assert_int_equal(set_new_xattr(w, h), 0);
	assert_int_equal(LOSSY(w, removexattr, &removed,
			       { h, BFS_STR(""), 0, BFS_STR("user.a") }),
			 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_names),	T(test_open_passed), T(test_open_tmpfile),
		T(test_append), T(test_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
