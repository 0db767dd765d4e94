/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many calls at once on one file system over several daemons: whatever they
 * did to each other, afterwards all is consistent, nothing is held, and every
 * call has been answered (F1).
 */
#include "tests/unit/cluster_unit.h"

#include "core/place.h"
#include "core/util.h"
#include "server/dir.h"
#include "server/shared.h"
#include "server/txp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define AT_ONCE 24

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static void some_path(char *out, size_t size)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	unsigned depth = 1 + pick(3);
	size_t at = 0;

	for (unsigned i = 0; i < depth; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s",
				       i ? "/" : "", names[pick(4)]);
}

static struct cluster_call *begin(struct cluster_unit *u)
{
	static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE,
					  RENAME_EXCHANGE };
	uint8_t fields[8000];
	struct bfs_handle root = cluster_root(u);
	char a[64], b[64];
	unsigned node = pick(u->n);
	uint32_t op = BFS_OP_GETATTR;
	struct bfs_wire w;

	some_path(a, sizeof(a));
	some_path(b, sizeof(b));
	bfs_wire_init(&w, fields, sizeof(fields));
	switch (pick(10)) {
	case 0:
	case 1:
	case 2:
		op = BFS_OP_MKNOD;
		bfs_mknod_req_put(
			&w, &(struct bfs_mknod_req){
				    .at = root,
				    .path = cluster_str(a),
				    .mode = pick(3) ? S_IFDIR | 0755 : 0644 });
		break;
	case 3:
	case 4:
		op = BFS_OP_UNLINK;
		bfs_unlink_req_put(
			&w, &(struct bfs_unlink_req){
				    .at = root,
				    .path = cluster_str(a),
				    .flags = pick(2) ? AT_REMOVEDIR : 0 });
		break;
	case 5:
		op = BFS_OP_LINK;
		bfs_link_req_put(&w, &(struct bfs_link_req){
					     .old_at = root,
					     .old_path = cluster_str(a),
					     .new_at = root,
					     .new_path = cluster_str(b) });
		break;
	case 6:
		op = BFS_OP_SETATTR;
		bfs_setattr_req_put(
			&w, &(struct bfs_setattr_req){ .at = root,
						       .path = cluster_str(a),
						       .valid = BFS_SET_MODE,
						       .mode = 0755 });
		break;
	case 7:
		bfs_getattr_req_put(
			&w, &(struct bfs_getattr_req){
				    .at = root, .path = cluster_str(a) });
		break;
	default:
		op = BFS_OP_RENAME;
		bfs_rename_req_put(&w, &(struct bfs_rename_req){
					       .old_at = root,
					       .old_path = cluster_str(a),
					       .new_at = root,
					       .new_path = cluster_str(b),
					       .flags = flags[pick(5)] });
	}
	return cluster_start(u, node, op, fields, (size_t)(w.pos - fields));
}

/* What a call may say: no time-outs, nothing of our own inside. */
static void check_status(int r, unsigned *by_status)
{
	static const int may[] = { 0,	     -ENOENT, -EEXIST,
				   -ENOTDIR, -EISDIR, -ENOTEMPTY,
				   -EINVAL,  -EPERM,  -EBUSY };

	for (size_t i = 0; i < BFS_COUNT(may); i++)
		if (r == may[i]) {
			by_status[i]++;
			return;
		}
	fail_msg("a call said %d (%s)", r, strerror(-r));
}

static struct bfs_inode *inode_at_home(struct cluster_unit *u, uint64_t ino)
{
	return bfs_inode_find(u->servers[ino >> BFS_SHARD_SHIFT].fs, ino);
}

/* How many entries name each inode, in all shards. */
struct tally {
	uint64_t ino;
	unsigned names, subdirs;
	uint64_t parent;
	UT_hash_handle hh;
};

static struct tally *tally_of(struct tally **all, uint64_t ino)
{
	struct tally *t;

	HASH_FIND(hh, *all, &ino, sizeof(ino), t);
	if (!t) {
		t = calloc(1, sizeof(*t));
		t->ino = ino;
		HASH_ADD(hh, *all, ino, sizeof(t->ino), t);
	}
	return t;
}

static void count_entries(struct cluster_unit *u, unsigned shard,
			  struct bfs_inode *dir, struct tally **all)
{
	struct bfs_inode *home = inode_at_home(u, dir->ino);

	if (!dir->dir.shared->stale && dir != home) {
		assert_non_null(home);
		assert_true(bfs_shards_has(&home->dir.shared->holders, shard));
	}
	if (dir->dir.top) {
		assert_non_null(home);
		assert_true(home->nlink >= 2);
	}
	for (struct bfs_dentry *d = bfs_dir_after(dir, 0); d;
	     d = bfs_dir_after(dir, d->cursor)) {
		struct bfs_str name = { d->name, d->len };
		struct bfs_inode *i = inode_at_home(u, bfs_dentry_ino(d));
		struct tally *t = tally_of(all, bfs_dentry_ino(d));

		assert_int_equal(bfs_place_entry(u->place, dir->ino, name),
				 shard);
		assert_non_null(i);
		assert_int_equal(i->mode & S_IFMT, d->type);
		t->names++;
		if (S_ISDIR(d->type)) {
			t->parent = dir->ino;
			tally_of(all, dir->ino)->subdirs++;
			assert_int_equal(i->dir.parent, dir->ino);
			assert_int_equal(bfs_shared_name(i).len, d->len);
			assert_memory_equal(bfs_shared_name(i).ptr, d->name,
					    d->len);
		}
	}
}

static void check_inode(struct cluster_unit *u, struct bfs_inode *i,
			struct tally **all)
{
	struct tally *t = tally_of(all, i->ino);
	unsigned steps = 0;

	assert_int_equal(i->pins, 0);
	if (!S_ISDIR(i->mode)) {
		assert_int_equal(i->nlink, t->names);
		assert_true(t->names > 0); /* nobody has it open */
		return;
	}
	assert_int_equal(i->dir.shared->busy, 0);
	if (i->ino == BFS_ROOT_INO)
		return;
	assert_int_equal(t->names, 1);
	for (uint64_t up = i->ino; up != BFS_ROOT_INO; steps++) {
		assert_true(steps < 1000);
		up = tally_of(all, up)->parent;
		assert_true(up != 0);
	}
}

static void check_all(struct cluster_unit *u)
{
	struct tally *all = NULL, *t, *tnext;
	struct bfs_inode *i, *next;

	for (unsigned s = 0; s < u->n; s++) {
		const struct bfs_fs *fs = u->servers[s].fs;

		assert_null(fs->held_entries);
		assert_null(fs->busy_dirs);
		assert_null(fs->waiters);
		assert_null(fs->driving);
		assert_null(fs->news);
		assert_null(fs->txps);
		assert_int_equal(fs->tree_tx, 0);
		BFS_ITABLE_EACH(&fs->inodes, i, next)
		if (S_ISDIR(i->mode))
			count_entries(u, s, i, &all);
	}
	for (unsigned s = 0; s < u->n; s++)
		BFS_ITABLE_EACH(&u->servers[s].fs->inodes, i, next)
	if (i->ino >> BFS_SHARD_SHIFT == s)
		check_inode(u, i, &all);
	HASH_ITER(hh, all, t, tnext)
	{
		HASH_DEL(all, t);
		free(t);
	}
}

/* Let what is under way end. */
static void settle(struct cluster_unit *u)
{
	bool never = false;

	bfs_ploop_run(u->net, &never, 5000000000ull);
	for (int i = 0; i < 20; i++) {
		for (unsigned s = 0; s < u->n; s++) {
			bfs_txp_sweep(&u->servers[s]);
			bfs_fs_sweep(u->servers[s].fs);
		}
		bfs_ploop_run(u->net, &never, 4000000000ull);
	}
}

static void run_with(const struct cluster_unit_conf *conf, unsigned calls)
{
	struct cluster_unit *u = cluster_unit_with(conf);
	struct cluster_call *under_way[AT_ONCE] = { NULL };
	unsigned by_status[16] = { 0 };

	seed = conf->seed * 0x9e3779b97f4a7c15u | 1;
	for (unsigned i = 0; i < calls; i++) {
		unsigned k = pick(AT_ONCE);

		if (under_way[k])
			check_status(cluster_finish(u, under_way[k]),
				     by_status);
		under_way[k] = begin(u);
		for (unsigned s = pick(20); s > 0; s--)
			bfs_ploop_step(u->net);
	}
	for (unsigned k = 0; k < AT_ONCE; k++)
		if (under_way[k])
			check_status(cluster_finish(u, under_way[k]),
				     by_status);
	settle(u);
	check_all(u);
	if (conf->copies)
		assert_true(bfs_ploop_sent(u->net, BFS_OP_DIRDROP) > 100);
	fprintf(stderr,
		"%u daemons, seed %lu: %u calls, %u ok, %u ENOENT, %u EEXIST, "
		"%u ENOTDIR, %u ENOTEMPTY\n",
		u->n, conf->seed, calls, by_status[0], by_status[1],
		by_status[2], by_status[3], by_status[5]);
	cluster_unit_free(u);
}

static void run(unsigned n, uint64_t with_seed, unsigned calls)
{
	run_with(&(struct cluster_unit_conf){ .n = n,
					      .seed = with_seed,
					      .layout.policy =
						      BFS_POLICY_WHOLE },
		 calls);
}

static void some_daemons(void **state)
{
	for (uint64_t s = 1; s <= 6; s++)
		run(3, s, 3000);
}

static void many_daemons(void **state)
{
	run(16, 7, 6000);
	run(64, 8, 3000);
}

/* What is made gets its inode at its maker's node. */
static void local_daemons(void **state)
{
	struct cluster_unit_conf conf = { .n = 3 };

	conf.layout.policy = BFS_POLICY_LOCAL;
	for (conf.seed = 21; conf.seed <= 24; conf.seed++)
		run_with(&conf, 3000);
	conf.n = 16;
	conf.per_node = 4;
	run_with(&conf, 6000);
}

/* Directories are forgotten as soon as they can be. */
static void few_copies(void **state)
{
	struct cluster_unit_conf conf = { .n = 3,
					  .copies = 1,
					  .layout.policy = BFS_POLICY_WHOLE };

	for (conf.seed = 41; conf.seed <= 43; conf.seed++)
		run_with(&conf, 3000);
	conf.n = 16;
	run_with(&conf, 6000);
	conf.breaks = conf.stray = 5;
	conf.duplicate = 20;
	run_with(&conf, 2000);
}

/* The same while connections break, and what they lost is sent again (F2). */
static void lossy(void **state)
{
	struct cluster_unit_conf conf = {
		.n = 4, .duplicate = 20, .breaks = 5, .stray = 5
	};

	for (conf.seed = 31; conf.seed <= 36; conf.seed++) {
		conf.layout.policy =
			conf.seed % 2 ? BFS_POLICY_LOCAL : BFS_POLICY_WHOLE;
		conf.per_node = 1 + conf.seed % 3 / 2;
		run_with(&conf, 2000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_daemons), cmocka_unit_test(many_daemons),
		cmocka_unit_test(few_copies),	cmocka_unit_test(local_daemons),
		cmocka_unit_test(lossy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
