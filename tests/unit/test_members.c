/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of members and their records, in a registry directory. */
#include "tests/unit/unit.h"

#include "core/cluster.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char dir[64];
static char err[BFS_MEMBERS_ERR];

/* The text that must be in the message. */
#define assert_says(text) \
	do { \
		if (!strstr(err, text)) \
			fail_msg("\"%s\" does not say \"%s\"", err, text); \
	} while (0)

static char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/bfs-members.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	return remove(path);
}

static int remove_dir(void **state)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A list of n0, n1... of its own cluster, not written yet. */
static struct bfs_members *make_list(uint64_t cluster, unsigned n)
{
	struct bfs_members *l = bfs_members_new(&bfs_members_dir);

	assert_non_null(l);
	l->cluster = cluster;
	l->epoch = 1;
	l->dir = strdup(dir);
	strcpy(l->launcher, "local");
	for (unsigned i = 0; i < n; i++) {
		char name[16];

		/* backwards: sorting has something to do */
		snprintf(name, sizeof(name), "n%u", n - 1 - i);
		assert_int_equal(bfs_members_add(l, name, "host", "/run dir",
						 "/data", err),
				 0);
	}
	assert_int_equal(bfs_members_sort(l, err), 0);
	return l;
}

/* The registry of such a list, with a secret of its own. */
static struct bfs_members *make_registry(unsigned n)
{
	struct bfs_members *l = make_list(0x1122, n);

	assert_int_equal(bfs_secret_make(in_dir("secret"), l->secret, err), 0);
	assert_int_equal(bfs_cluster_write(l, dir, err), 0);
	return l;
}

static int load(struct bfs_members **l)
{
	struct bfs_config c;
	char text[128];
	struct bfs_config_err e;
	int r;

	assert_int_equal(bfs_config_init(&c), 0);
	snprintf(text, sizeof(text), "network.registry_dir=%s", dir);
	assert_int_equal(bfs_config_set(&c, text, &e), 0);
	r = bfs_members_load(l, &c, err);
	bfs_config_fini(&c);
	return r;
}

static int publish(struct bfs_members *l, unsigned shard, uint64_t incarnation)
{
	struct bfs_member us = { .node = (char *)"host7",
				 .run_dir = (char *)"/r",
				 .data_dir = (char *)"/d",
				 .incarnation = incarnation,
				 .pid = 77,
				 .address = (char *)"ad\0dress",
				 .address_len = 8 };

	return bfs_members_publish(l, shard, &us, err);
}

static void put(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_order_and_hash(void **state)
{
	struct bfs_members *l = make_list(1, 12), *same = make_list(1, 12);
	struct bfs_members *other = make_list(2, 12), *more = make_list(1, 13);

	assert_string_equal(l->m[2].name, "n2"); /* C2 */
	assert_string_equal(l->m[11].name, "n11");
	assert_int_equal(bfs_members_find(l, "n10"), 10);
	assert_int_equal(bfs_members_find(l, "n1x"), -ENOENT);
	assert_true(l->hash && l->hash == same->hash);
	assert_true(l->hash != other->hash && l->hash != more->hash);
	same->epoch++;
	assert_int_equal(bfs_members_sort(same, err), 0);
	assert_true(l->hash != same->hash);
	/* what may change while the list stays */
	free(more->m[12].name);
	more->n--;
	free(more->m[0].node);
	more->m[0].node = strdup("elsewhere");
	more->m[0].incarnation = 5;
	assert_int_equal(bfs_members_sort(more, err), 0);
	assert_true(l->hash == more->hash);
	more->n = 12;
	bfs_members_free(l);
	bfs_members_free(same);
	bfs_members_free(other);
	free(more->m[12].node);
	free(more->m[12].run_dir);
	free(more->m[12].data_dir);
	bfs_members_free(more);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "",	   ".x",   "a/b",     "a b",
					   "a\nb", "a\tb", "\xc3\xa4" };
	struct bfs_members *l = make_list(1, 2);
	char long_name[256];

	for (size_t i = 0; i < BFS_COUNT(bad); i++)
		assert_int_equal(bfs_members_add(l, bad[i], "", "", "", err),
				 -EINVAL);
	memset(long_name, 'a', sizeof(long_name));
	long_name[201] = '\0';
	assert_int_equal(bfs_members_add(l, long_name, "", "", "", err),
			 -EINVAL);
	assert_int_equal(bfs_members_add(l, "n1", "", "", "", err), 0);
	assert_int_equal(bfs_members_sort(l, err), -EINVAL);
	assert_says("\"n1\" is there twice");
	bfs_members_free(l);
}

static void test_on_node(void **state)
{
	static const char *const nodes[] = { "b.site", "a",  "b.site",
					     "b",      "bb", "a.site" };
	struct bfs_members *l = bfs_members_new(NULL);

	for (unsigned i = 0; i < BFS_COUNT(nodes); i++) {
		char name[8];

		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(
			bfs_members_add(l, name, nodes[i], "", "", err), 0);
	}
	assert_int_equal(bfs_members_on_node(l, "b", 0), 0);
	assert_int_equal(bfs_members_on_node(l, "b", 1), 2);
	assert_int_equal(bfs_members_on_node(l, "a.site", 0), 1);
	assert_int_equal(bfs_members_on_node(l, "a.other", 0), 1);
	assert_int_equal(bfs_members_on_node(l, "a.other", 2), -ENOENT);
	assert_int_equal(bfs_members_on_node(l, "b.else", 0), 3);
	assert_int_equal(bfs_members_on_node(l, "c", 0), -ENOENT);
	assert_int_equal(bfs_members_on_node(l, "", 0), -ENOENT);
	bfs_members_free(l);
}

static void test_cluster_file(void **state)
{
	struct bfs_members *l = make_registry(11), *back;

	assert_int_equal(load(&back), 0);
	assert_int_equal(back->n, 11);
	assert_true(back->hash == l->hash && back->cluster == 0x1122);
	assert_int_equal(back->epoch, 1);
	assert_string_equal(back->launcher, "local");
	assert_string_equal(back->m[10].name, "n10");
	assert_string_equal(back->m[10].run_dir, "/run dir");
	assert_memory_equal(back->secret, l->secret, sizeof(l->secret));
	bfs_members_free(back);
	bfs_members_free(l);
}

static void test_no_registry(void **state)
{
	struct bfs_members *l;
	struct bfs_config c;

	assert_int_equal(load(&l), -ENOENT);
	assert_null(l);
	assert_says(in_dir("cluster"));
	assert_int_equal(bfs_config_init(&c), 0);
	assert_int_equal(bfs_members_load(&l, &c, err), 0);
	assert_null(l);
	bfs_config_fini(&c);
}

/* Cut off anywhere, or with any byte changed: refused by name (C3). */
static void test_cluster_file_damaged(void **state)
{
	struct bfs_members *l = make_registry(3), *back;
	void *text;
	char *copy;
	size_t len;

	assert_int_equal(
		bfs_file_read(in_dir("cluster"), &text, &len, 1 << 20, err), 0);
	copy = malloc(len);
	assert_non_null(copy);
	for (size_t i = 0; i < len; i++) {
		put(in_dir("cluster"), text, i);
		assert_true(load(&back) < 0);
		assert_says(in_dir("cluster"));
		memcpy(copy, text, len);
		copy[i] ^= 1;
		put(in_dir("cluster"), copy, len);
		assert_true(load(&back) < 0);
		assert_says(in_dir("cluster"));
		assert_null(back);
	}
	put(in_dir("cluster"), "benchfs-cluster\t9\n", 18);
	assert_true(load(&back) < 0);
	assert_says("version 9, we have 1");
	free(copy);
	free(text);
	bfs_members_free(l);
}

static void test_secret(void **state)
{
	struct bfs_members *l = make_registry(1), *back;
	uint8_t secret[BFS_SECRET_LEN];
	struct stat st;

	assert_int_equal(stat(in_dir("secret"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(bfs_secret_make(in_dir("secret"), secret, err),
			 -EEXIST);
	for (unsigned mode = 0601; mode <= 0640; mode += 7) {
		if (!(mode & 077))
			continue;
		assert_int_equal(chmod(in_dir("secret"), mode), 0);
		assert_int_equal(load(&back), -EACCES);
		assert_says("others can read it");
	}
	assert_int_equal(chmod(in_dir("secret"), 0600), 0);
	assert_int_equal(load(&back), 0);
	bfs_members_free(back);
	put(in_dir("secret"), "0123", 4);
	assert_int_equal(load(&back), -EINVAL);
	assert_says("32 hex digits");
	put(in_dir("secret"), "0123456789abcdef0123456789abcdeg\n", 33);
	assert_int_equal(load(&back), -EINVAL);
	unlink(in_dir("secret"));
	assert_int_equal(load(&back), -ENOENT);
	assert_says(in_dir("secret"));
	/* two secrets are two */
	assert_int_equal(bfs_secret_make(in_dir("secret"), secret, err), 0);
	assert_memory_not_equal(secret, l->secret, sizeof(secret));
	assert_int_not_equal(bfs_secret_id(secret), bfs_secret_id(l->secret));
	bfs_members_free(l);
}

static void test_records(void **state)
{
	struct bfs_members *l = make_registry(3), *other;
	struct stat st;

	assert_int_equal(load(&other), 0);
	assert_int_equal(bfs_members_lookup(other, 1, err), -ENOENT);
	assert_false(other->m[1].known);
	assert_int_equal(publish(l, 1, 42), 0);
	assert_int_equal(stat(in_dir("n1.addr"), &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(bfs_members_lookup(other, 1, err), 0);
	assert_true(other->m[1].known);
	assert_int_equal(other->m[1].incarnation, 42);
	assert_int_equal(other->m[1].pid, 77);
	assert_string_equal(other->m[1].node, "host7");
	assert_string_equal(other->m[1].run_dir, "/r");
	assert_string_equal(other->m[1].data_dir, "/d");
	assert_int_equal(other->m[1].address_len, 8);
	assert_memory_equal(other->m[1].address, "ad\0dress", 8);
	/* a member that starts anew is found again */
	assert_int_equal(publish(l, 1, 43), 0);
	assert_int_equal(other->m[1].incarnation, 42);
	assert_int_equal(bfs_members_lookup(other, 1, err), 0);
	assert_int_equal(other->m[1].incarnation, 43);
	assert_true(other->hash == l->hash);
	bfs_members_withdraw(l);
	assert_int_equal(bfs_members_lookup(other, 1, err), -ENOENT);
	assert_int_equal(other->m[1].incarnation, 43);
	bfs_members_free(other);
	bfs_members_free(l);
}

/* One that has been started in our place keeps its record. */
static void test_withdraw_own_only(void **state)
{
	struct bfs_members *old = make_registry(2), *new;

	assert_int_equal(load(&new), 0);
	assert_int_equal(publish(old, 0, 1), 0);
	assert_int_equal(publish(new, 0, 2), 0);
	bfs_members_withdraw(old);
	assert_int_equal(bfs_members_lookup(old, 0, err), 0);
	assert_int_equal(old->m[0].incarnation, 2);
	bfs_members_free(new);
	bfs_members_free(old);
}

static void test_record_damaged(void **state)
{
	struct bfs_members *l = make_registry(2), *other;
	void *record;
	char *copy;
	size_t len;

	assert_int_equal(load(&other), 0);
	assert_int_equal(publish(l, 0, 42), 0);
	assert_int_equal(bfs_members_lookup(other, 0, err), 0);
	assert_int_equal(bfs_file_read(in_dir("n0.addr"), &record, &len,
				       BFS_RECORD_MAX, err),
			 0);
	copy = malloc(len + 1);
	assert_non_null(copy);
	for (size_t i = 0; i < len; i++) {
		int r;

		put(in_dir("n0.addr"), record, i);
		assert_int_equal(bfs_members_lookup(other, 0, err), -EBADMSG);
		assert_says(in_dir("n0.addr"));
		memcpy(copy, record, len);
		copy[i] ^= 0x10;
		put(in_dir("n0.addr"), copy, len);
		r = bfs_members_lookup(other, 0, err);
		/* four bytes in the head are unused */
		assert_true(r == -EBADMSG || r == -ESTALE ||
			    (!r && i >= 28 && i < 32));
		if (r)
			assert_says(in_dir("n0.addr"));
		assert_int_equal(other->m[0].incarnation, 42);
	}
	memcpy(copy, record, len);
	copy[len] = 0;
	put(in_dir("n0.addr"), copy, len + 1);
	assert_int_equal(bfs_members_lookup(other, 0, err), -EBADMSG);
	copy = realloc(copy, BFS_RECORD_MAX + 1);
	memset(copy, 0, BFS_RECORD_MAX + 1);
	put(in_dir("n0.addr"), copy, BFS_RECORD_MAX + 1);
	assert_int_equal(bfs_members_lookup(other, 0, err), -EFBIG);
	assert_says(in_dir("n0.addr"));
	free(copy);
	free(record);
	bfs_members_free(other);
	bfs_members_free(l);
}

/* F4: what does not belong here is refused, with both values. */
static void test_record_foreign(void **state)
{
	struct bfs_members *l = make_registry(3), *wrong = make_list(0x99, 3);
	char both[64];

	memcpy(wrong->secret, l->secret, sizeof(l->secret));
	assert_int_equal(publish(wrong, 0, 1), 0);
	assert_int_equal(bfs_members_lookup(l, 0, err), -ESTALE);
	assert_says("cluster 0000000000000099, we to 0000000000001122");
	bfs_members_free(wrong);

	wrong = make_list(0x1122, 3);
	memset(wrong->secret, 7, sizeof(wrong->secret));
	assert_int_equal(publish(wrong, 0, 1), 0);
	assert_int_equal(bfs_members_lookup(l, 0, err), -ESTALE);
	snprintf(both, sizeof(both), "%08x, we have %08x",
		 bfs_secret_id(wrong->secret), bfs_secret_id(l->secret));
	assert_says(both);
	bfs_members_free(wrong);

	wrong = make_list(0x1122, 4);
	memcpy(wrong->secret, l->secret, sizeof(l->secret));
	assert_int_equal(publish(wrong, 0, 1), 0);
	assert_int_equal(bfs_members_lookup(l, 0, err), -ESTALE);
	snprintf(both, sizeof(both), "%016llx of epoch 1, we have %016llx",
		 (unsigned long long)wrong->hash, (unsigned long long)l->hash);
	assert_says(both);
	bfs_members_free(wrong);

	/* a record under another's name */
	assert_int_equal(publish(l, 1, 1), 0);
	assert_int_equal(rename(in_dir("n1.addr"), in_dir("n2.addr")), 0);
	assert_int_equal(bfs_members_lookup(l, 2, err), -ESTALE);
	assert_says("the record of n1, not of n2");
	bfs_members_free(l);
}

static void test_record_version(void **state)
{
	struct bfs_members *l = make_registry(1);
	uint8_t *record;
	void *data;
	size_t len;

	assert_int_equal(publish(l, 0, 1), 0);
	assert_int_equal(bfs_file_read(in_dir("n0.addr"), &data, &len,
				       BFS_RECORD_MAX, err),
			 0);
	record = data;
	record[8] = 9;
	put(in_dir("n0.addr"), record, len);
	assert_int_equal(bfs_members_lookup(l, 0, err), -ESTALE);
	assert_says("version 9, we have 1");
	free(data);
	bfs_members_free(l);
}

/* Whoever can write to the directory decides who the members are. */
static void test_open_directory(void **state)
{
	static const unsigned modes[] = { 0720, 0702, 0777, 01777 };
	struct bfs_members *l = make_registry(2), *back;

	for (size_t i = 0; i < BFS_COUNT(modes); i++) {
		assert_int_equal(chmod(dir, modes[i]), 0);
		assert_int_equal(load(&back), -EACCES);
		assert_says("others cannot write to");
		assert_says(dir);
	}
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(load(&back), 0);
	bfs_members_free(back);
	bfs_members_free(l);
}

/* A record of somebody who is not in the list: two clusters in one place. */
static void test_stranger(void **state)
{
	struct bfs_members *l = make_registry(2), *back;

	put(in_dir("n7.addr"), "x", 1);
	assert_int_equal(load(&back), -ESTALE);
	assert_says(in_dir("n7.addr"));
	assert_int_equal(bfs_registry_clear(dir, err), 0);
	assert_int_equal(load(&back), 0);
	bfs_members_free(back);
	/* what a killed writer leaves is in nobody's way */
	put(in_dir(".n0.addr.123"), "half", 4);
	assert_int_equal(load(&back), 0);
	assert_int_equal(bfs_members_lookup(back, 0, err), -ENOENT);
	bfs_members_free(back);
	bfs_members_free(l);
}

#define in_own_dir(test) \
	cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_own_dir(test_order_and_hash),
		in_own_dir(test_names),
		cmocka_unit_test(test_on_node),
		in_own_dir(test_cluster_file),
		in_own_dir(test_no_registry),
		in_own_dir(test_cluster_file_damaged),
		in_own_dir(test_secret),
		in_own_dir(test_records),
		in_own_dir(test_withdraw_own_only),
		in_own_dir(test_record_damaged),
		in_own_dir(test_record_foreign),
		in_own_dir(test_record_version),
		in_own_dir(test_open_directory),
		in_own_dir(test_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
