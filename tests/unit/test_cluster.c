/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One file system over several daemons answers as one daemon does (S1-S8,
 * S11): random calls at random nodes, and every answer compared.
 */
#include "tests/unit/cluster_unit.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>

#define STEPS 6000

/* xorshift64 */
static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

/* A path of one to three names out of a few, so that they meet. */
static void some_path(char *out, size_t size)
{
	static const char *const names[] = { "a", "b", "c", "d", "ee", "ff" };
	unsigned depth = 1 + pick(3);
	size_t at = 0;

	*out = '\0';
	for (unsigned i = 0; i < depth; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s",
				       i ? "/" : "", names[pick(6)]);
	if (!pick(20))
		snprintf(out + at, size - at, "/");
	if (!pick(20))
		snprintf(out + at, size - at, "/..");
}

/* What is compared of an inode: its number means nothing. */
static bool same_attr(const struct bfs_attr *a, const struct bfs_attr *b)
{
	return a->mode == b->mode && a->nlink == b->nlink && a->uid == b->uid &&
	       a->gid == b->gid && a->size == b->size;
}

struct pair {
	struct cluster_unit *many, *one;
	unsigned step;
};

static void differ(const struct pair *p, const char *what, const char *a,
		   const char *b, int many, int one)
{
	fail_msg("step %u: %s %s %s: %d daemons say %d, one says %d", p->step,
		 what, a, b, (int)p->many->n, many, one);
}

static void compare_stat(struct pair *p, const char *path)
{
	struct bfs_attr a = { 0 }, b = { 0 };
	int many = cluster_stat(p->many, pick(p->many->n), path, &a);
	int one = cluster_stat(p->one, 0, path, &b);

	if (many != one)
		differ(p, "stat", path, "", many, one);
	if (!many && !same_attr(&a, &b))
		fail_msg(
			"step %u: stat %s: mode %o %o nlink %u %u size %lu %lu",
			p->step, path, a.mode, b.mode, a.nlink, b.nlink, a.size,
			b.size);
}

static int symlink_at(struct cluster_unit *u, unsigned node, const char *target,
		      const char *path)
{
	struct bfs_mknod_req req = { .at = cluster_root(u),
				     .path = cluster_str(path),
				     .mode = S_IFLNK,
				     .target = cluster_str(target) };
	struct bfs_mknod_rep rep;

	return cluster_mknod(u, node, &req, &rep);
}

static int chmod_at(struct cluster_unit *u, unsigned node, const char *path,
		    unsigned mode)
{
	struct bfs_setattr_req req = { .at = cluster_root(u),
				       .path = cluster_str(path),
				       .valid = BFS_SET_MODE,
				       .mode = mode };
	struct bfs_setattr_rep rep;

	return cluster_setattr(u, node, &req, &rep);
}

/* One call at both: its two results. */
static void one_call(struct pair *p, int *many, int *one, const char **what,
		     const char *a, const char *b)
{
	static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE,
					  RENAME_EXCHANGE };
	unsigned n = pick(p->many->n), f = flags[pick(5)];
	unsigned mode = 0700 + pick(0100);

#define BOTH(name, call, ...) \
	do { \
		*what = name; \
		*many = call(p->many, n, __VA_ARGS__); \
		*one = call(p->one, 0, __VA_ARGS__); \
	} while (0)
	switch (pick(12)) {
	case 0:
	case 1:
		BOTH("mkdir", cluster_mkdir_at, a, 0755);
		break;
	case 2:
		BOTH("create", cluster_create, a, O_RDWR, 0644);
		break;
	case 3:
		BOTH("excl", cluster_create, a, O_RDWR | O_EXCL, 0644);
		break;
	case 4:
		BOTH("unlink", cluster_remove, a, false);
		break;
	case 5:
		BOTH("rmdir", cluster_remove, a, true);
		break;
	case 6:
	case 7:
	case 8:
		BOTH(f == RENAME_EXCHANGE    ? "exchange"
		     : f == RENAME_NOREPLACE ? "rename-noreplace"
					     : "rename",
		     cluster_move, a, b, f);
		break;
	case 9:
		BOTH("link", cluster_name, a, b);
		break;
	case 10:
		BOTH("symlink", symlink_at, b, a);
		break;
	default:
		BOTH("chmod", chmod_at, a, mode);
		break;
	}
#undef BOTH
}

struct names {
	char name[64][16];
	unsigned n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All names of a directory, in pages as small as they can be. */
static int list(struct cluster_unit *u, unsigned node, const char *path,
		struct names *l)
{
	struct bfs_open_req open = { .at = cluster_root(u),
				     .path = cluster_str(path),
				     .oflags = O_RDONLY | O_DIRECTORY,
				     .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep opened;
	struct bfs_readdir_req req = { .size = 600 };
	struct bfs_readdir_rep rep = { 0 };
	int r = cluster_open(u, node, &open, &opened);

	l->n = 0;
	req.at = opened.handle;
	while (!r && !rep.eof) {
		struct bfs_wire w;

		r = cluster_readdir(u, node, &req, &rep);
		bfs_wire_init(&w, u->in, r ? 0 : u->in_len);
		while (w.pos < w.end) {
			struct bfs_dirent d;

			assert_int_equal(bfs_dirent_get(&w, &d), 0);
			assert_true(d.cursor > req.cursor);
			req.cursor = d.cursor;
			snprintf(l->name[l->n++], 16, "%.*s", (int)d.name.len,
				 d.name.ptr);
		}
	}
	qsort(l->name, l->n, 16, by_name);
	return r;
}

static void compare_list(struct pair *p, const char *path)
{
	struct names a, b;
	int many = list(p->many, pick(p->many->n), path, &a);
	int one = list(p->one, 0, path, &b);

	if (many != one)
		differ(p, "list", path, "", many, one);
	if (many)
		return;
	assert_int_equal(a.n, b.n);
	for (unsigned i = 0; i < a.n; i++)
		assert_string_equal(a.name[i], b.name[i]);
}

static void run_with(const struct cluster_unit_conf *conf)
{
	struct pair p = { .many = cluster_unit_with(conf), .one = NULL };

	seed = conf->seed * 0x9e3779b97f4a7c15u | 1;
	fprintf(stderr, "%u daemons, seed %lu\n", conf->n, conf->seed);
	p.one = cluster_unit_new(1, 1);
	for (p.step = 0; p.step < STEPS; p.step++) {
		int many, one;
		const char *what;
		char a[64], b[64];

		some_path(a, sizeof(a));
		some_path(b, sizeof(b));
		one_call(&p, &many, &one, &what, a, b);
		if (many != one)
			differ(&p, what, a, b, many, one);
		compare_stat(&p, a);
		compare_stat(&p, b);
		if (!pick(8))
			compare_list(&p, a);
	}
	cluster_unit_free(p.many);
	cluster_unit_free(p.one);
}

static void run(unsigned n, uint64_t with_seed)
{
	run_with(&(struct cluster_unit_conf){
		.n = n, .seed = with_seed, .layout.policy = BFS_POLICY_WHOLE });
}

static void two_daemons(void **state)
{
	run(2, 11);
}

static void three_daemons(void **state)
{
	run(3, 12);
}

static void many_daemons(void **state)
{
	run(16, 13);
}

/* Directories are forgotten as soon as they can be. */
static void few_copies(void **state)
{
	run_with(&(struct cluster_unit_conf){ .n = 16,
					      .seed = 16,
					      .copies = 1,
					      .layout.policy =
						      BFS_POLICY_WHOLE });
}

/* Inodes at their makers' nodes, entries where they always are. */
static void local_daemons(void **state)
{
	struct cluster_unit_conf conf = { .n = 3, .seed = 14 };

	conf.layout.policy = BFS_POLICY_LOCAL;
	run_with(&conf);
	conf = (struct cluster_unit_conf){
		.n = 8, .seed = 15, .layout = conf.layout, .per_node = 2
	};
	run_with(&conf);
}

/* Create and stat of a file cost 1.2 messages at most in a warm tree. */
static void messages(void **state)
{
	struct cluster_unit *u = cluster_unit_new(64, 14);
	const unsigned files = 2000;
	struct bfs_attr a;
	char path[32];
	uint64_t before = 0;

	assert_int_equal(cluster_mkdir_at(u, 0, "d", 0755), 0);
	for (unsigned i = 0; i < 2 * files; i++) {
		if (i == files)
			before = bfs_ploop_total(u->net);
		snprintf(path, sizeof(path), "d/file.%05u", i);
		assert_int_equal(
			cluster_create(u, i % 4, path, O_RDWR | O_EXCL, 0644),
			0);
		assert_int_equal(cluster_stat(u, i % 4, path, &a), 0);
	}
	assert_true(bfs_ploop_total(u->net) - before <= 2 * files * 6 / 5);
	cluster_unit_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_daemons),
		cmocka_unit_test(three_daemons),
		cmocka_unit_test(many_daemons),
		cmocka_unit_test(few_copies),
		cmocka_unit_test(local_daemons),
		cmocka_unit_test(messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
