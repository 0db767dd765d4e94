/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "core/config.h"
#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct bfs_config c;
static struct bfs_config_err err;

static int setup(void **state)
{
	err.text[0] = '\0';
	return bfs_config_init(&c);
}

static int teardown(void **state)
{
	bfs_config_fini(&c);
	return 0;
}

static int load(const char *text)
{
	char path[] = "/tmp/benchfs-test-config-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = bfs_config_load(&c, path, &err);
	unlink(path);
	return r;
}

/* The defaults that the documents promise. */
static void test_defaults(void **state)
{
	assert_true(c.storage.chunk_size == 4 << 20);
	assert_true(c.storage.max_storage_gb == 0);
	assert_true(c.storage.use_iouring);
	assert_true(c.network.timeout_secs == 30);
	assert_true(c.network.spin_us == 20);
	assert_int_equal(c.network.transport,
			 BFS_CONFIG_network_transport_auto);
	assert_int_equal(c.metadata.journal, BFS_CONFIG_metadata_journal_none);
	assert_string_equal(c.client.mount, "/benchfs");
	assert_string_equal(c.node.data_dir, "");
}

/* A default is written in config.def as show prints it. */
static void test_default_text(void **state)
{
	char text[256];

	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++)
		assert_string_equal(bfs_config_text(&c, i, text, sizeof(text)),
				    bfs_config_info(i)->deflt);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t value; /* 0: refused */
	} cases[] = {
		{ "65536", 65536 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "64KiB", 65536 },
		{ "1G", 1 << 30 },
		{ "2MiB", 2 << 20 },
		{ "32768", 0 },
		{ "65535", 0 },
		{ "65537", 0 },
		{ "2G", 0 },
		{ "70000", 0 },
		{ "", 0 },
		{ "K", 0 },
		{ "64KB", 0 },
		{ "-64K", 0 },
		{ "+64K", 0 },
		{ " 64K", 0 },
		{ "64K ", 0 },
		{ "64X", 0 },
		{ "18446744073709551616", 0 },
		{ "18014398509481984K", 0 },
	};

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		char set[80];
		int r;

		snprintf(set, sizeof(set), "storage.chunk_size=%s",
			 cases[i].text);
		r = bfs_config_set(&c, set, &err);
		assert_int_equal(r, cases[i].value ? 0 : -EINVAL);
		if (cases[i].value)
			assert_true(c.storage.chunk_size == cases[i].value);
		else
			assert_non_null(strstr(err.text, "64K to 1G"));
	}
}

static void test_gib(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes; /* UINT64_MAX: refused */
		const char *shown;
	} cases[] = {
		{ "0", 0, "0" },
		{ "1", 1ull << 30, "1" },
		{ "200", 200ull << 30, "200" },
		{ "0.5", 512u << 20, "0.5" },
		{ "1.25", 1280u << 20, "1.25" },
		{ "1.250", 1280u << 20, "1.25" },
		{ "0.01", 10737418, "0.01" },
		{ "0.000000001", 1, "0.000000001" },
		{ "16777216", 1ull << 54, "16777216" },
		{ "16777216.1", UINT64_MAX, NULL },
		{ "17179869184", UINT64_MAX, NULL },
		{ "0.0000000001", UINT64_MAX, NULL },
		{ "1.", UINT64_MAX, NULL },
		{ ".5", UINT64_MAX, NULL },
		{ "1,5", UINT64_MAX, NULL },
		{ "1e3", UINT64_MAX, NULL },
		{ "-1", UINT64_MAX, NULL },
		{ "1G", UINT64_MAX, NULL },
		{ "", UINT64_MAX, NULL },
	};
	char set[80], text[80];
	int r;

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		snprintf(set, sizeof(set), "storage.max_storage_gb=%s",
			 cases[i].text);
		r = bfs_config_set(&c, set, &err);
		if (!cases[i].shown) {
			assert_int_equal(r, -EINVAL);
			assert_non_null(strstr(err.text, "0 to 16777216 GiB"));
			continue;
		}
		assert_int_equal(r, 0);
		assert_true(c.storage.max_storage_gb == cases[i].bytes);
		assert_string_equal(
			bfs_config_text(&c, BFS_CONFIG_storage_max_storage_gb,
					text, sizeof(text)),
			cases[i].shown);
	}
	assert_int_equal(load("storage: { max_storage_gb = 0.25; };"), 0);
	assert_true(c.storage.max_storage_gb == 256u << 20);
	assert_int_equal(load("storage: { max_storage_gb = 3; };"), 0);
	assert_true(c.storage.max_storage_gb == 3ull << 30);
	assert_int_equal(load("storage: { max_storage_gb = \"3\"; };"),
			 -EINVAL);
}

/* What is refused: {assignment, part of the message}. */
static void test_refused(void **state)
{
	static const struct {
		const char *set, *says;
	} cases[] = {
		{ "storage.chunk=1", "unknown key \"chunk\"" },
		{ "storage.chunk=1", "chunk_size" },
		{ "store.chunk_size=1", "unknown section \"store\"" },
		{ "store.chunk_size=1", "storage" },
		{ "chunk_size=1", "section.key=value" },
		{ "storage.chunk_size", "section.key=value" },
		{ "=", "section.key=value" },
		{ "node.log_level=loud", "error, warn, info, debug" },
		{ "metadata.journal=x", "one of none, lmdb" },
		{ "storage.checksum=crc32c", "true or false" },
		{ "metadata.replicas=2", "replication" },
		{ "network.registry_dir=shared", "absolute path" },
		{ "network.join_secs=0", "1 to 3600 seconds" },
		{ "network.timeout_secs=0", "1 to 3600 seconds" },
		{ "storage.use_iouring=maybe", "true or false" },
		{ "node.data_dir=here", "absolute path" },
		{ "client.mount=benchfs", "absolute path" },
		{ "client.mount=/", "other than /" },
		{ "client.mount=/a/../b", "without . and .." },
		{ "client.mount=", "absolute path" },
		{ "cache.size_mb=1", "client caches" },
		{ "auth.munge=1", "munge" },
	};

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		assert_int_equal(bfs_config_set(&c, cases[i].set, &err),
				 -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: %s", cases[i].set, err.text);
	}
}

static void test_mount_is_normalised(void **state)
{
	assert_int_equal(bfs_config_set(&c, "client.mount=//a///b/", &err), 0);
	assert_string_equal(c.client.mount, "/a/b");
}

static void test_file(void **state)
{
	assert_int_equal(
		load("# comment\n"
		     "storage: { chunk_size = \"64K\";\n"
		     "           use_iouring = false; };\n"
		     "network = { timeout_secs = 5; peers = [ \"a:1\", \"x@b:2\" ]; };\n"
		     "node: { data_dir = \"/d\"; };\n"),
		0);
	assert_true(c.storage.chunk_size == 64 << 10);
	assert_false(c.storage.use_iouring);
	assert_true(c.network.timeout_secs == 5);
	assert_string_equal(c.network.peers, "a:1,x@b:2");
	assert_string_equal(c.node.data_dir, "/d");
	assert_int_equal(c.from[BFS_CONFIG_storage_use_iouring].origin,
			 BFS_CONFIG_FILE);
	assert_int_equal(c.from[BFS_CONFIG_storage_use_iouring].line, 3);
	assert_int_equal(c.from[BFS_CONFIG_storage_placement].origin,
			 BFS_CONFIG_DEFAULT);
}

/* F5: file and line in every message; {file, line, part of the message}. */
static void test_bad_files(void **state)
{
	static const struct {
		const char *text, *line, *says;
	} cases[] = {
		{ "storage: {\n chunk_size = ;\n};\n", ":2: ", "syntax" },
		{ "storage: {\n chunk = 1;\n};\n", ":2: ", "chunk_size" },
		{ "\n\nstore: { a = 1; };\n", ":3: ", "storage" },
		{ "storage = 5;\n", ":1: ", "section" },
		{ "storage: {\n\n use_iouring = 1; };\n",
		  ":3: ", "true or false" },
		{ "storage: { chunk_size = -1; };\n", ":1: ", "64K to 1G" },
		{ "storage: { chunk_size = 1.5; };\n", ":1: ", "64K to 1G" },
		{ "storage: { chunk_size = { }; };\n", ":1: ", "64K to 1G" },
		{ "network: { transport = \"tcp\"; };\n", ":1: ", "auto, ucx" },
		{ "auth: {\n munge = true; };\n", ":2: ", "yet" },
	};

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		assert_int_equal(load(cases[i].text), -EINVAL);
		if (!strstr(err.text, cases[i].line) ||
		    !strstr(err.text, cases[i].says))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void test_no_file(void **state)
{
	assert_int_equal(bfs_config_load(&c, "/nonexistent/x.conf", &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/x.conf"));
}

static void test_environment(void **state)
{
	static const char *const env[] = { "BENCHFS_TRANSPORT=ucx",
					   "BENCHFS_NETWORK_TIMEOUT_SECS=7",
					   "BENCHFS_TIMEOUT=8",
					   "BENCHFS_DAEMON=/x",
					   "HOME=/",
					   NULL };
	static const char *const typo[] = { "BENCHFS_STORAGE_CHUNKSIZE=1",
					    NULL };
	static const char *const bad[] = { "BENCHFS_TRANSPORT=tcp", NULL };

	assert_int_equal(bfs_config_env(&c, env, &err), 0);
	assert_int_equal(c.network.transport, BFS_CONFIG_network_transport_ucx);
	assert_true(c.network.timeout_secs == 7); /* the long name wins */
	assert_int_equal(bfs_config_env(&c, typo, &err), -EINVAL);
	assert_non_null(strstr(err.text, "BENCHFS_STORAGE_CHUNKSIZE"));
	assert_int_equal(bfs_config_env(&c, bad, &err), -EINVAL);
	assert_non_null(strstr(err.text, "auto, ucx"));
}

/* command line > environment > file > default */
static void test_precedence(void **state)
{
	static const char *const env[] = { "BENCHFS_TIMEOUT=8",
					   "BENCHFS_NETWORK_SPIN_US=8", NULL };

	assert_int_equal(load("network: { timeout_secs = 5; spin_us = 5;"
			      " eager_threshold = \"5K\"; };"),
			 0);
	assert_int_equal(bfs_config_env(&c, env, &err), 0);
	assert_int_equal(bfs_config_set(&c, "network.spin_us=9", &err), 0);
	assert_true(c.network.eager_threshold == 5 << 10);
	assert_true(c.network.timeout_secs == 8);
	assert_true(c.network.spin_us == 9);
}

/* What show prints, load takes: values and all. */
static void test_show_is_a_file(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(bfs_config_set(&c, "node.node_id=a\"b\\c", &err), 0);
	assert_int_equal(bfs_config_set(&c, "network.spin_us=9", &err), 0);
	bfs_config_show(&c, f);
	fclose(f);
	bfs_config_fini(&c);
	assert_int_equal(bfs_config_init(&c), 0);
	assert_int_equal(load(text), 0);
	assert_string_equal(c.node.node_id, "a\"b\\c");
	assert_true(c.network.spin_us == 9);
	free(text);
}

static void note(void *arg, const char *name, bool taken)
{
	char *said = arg;

	strcat(strcat(strcat(said, taken ? "+" : "-"), name), " ");
}

static void test_reload(void **state)
{
	struct bfs_config fresh;
	char said[256] = "";

	assert_int_equal(bfs_config_init(&fresh), 0);
	assert_int_equal(bfs_config_set(&fresh, "network.spin_us=9", &err), 0);
	assert_int_equal(bfs_config_set(&fresh, "node.data_dir=/x", &err), 0);
	bfs_config_reload(&c, &fresh, note, said);
	assert_string_equal(said, "-node.data_dir +network.spin_us ");
	assert_true(c.network.spin_us == 9);
	assert_string_equal(c.node.data_dir, "");
	bfs_config_fini(&fresh);
}

static void test_log_name(void **state)
{
	bfs_log_who = "benchfsd";
	bfs_config_log(&c);
	assert_string_equal(bfs_log_who, "benchfsd");
	assert_int_equal(bfs_config_set(&c, "node.node_id=n1", &err), 0);
	assert_int_equal(bfs_config_set(&c, "node.log_level=info", &err), 0);
	for (int i = 0; i < 2; i++) {
		bfs_config_log(&c);
		assert_string_equal(bfs_log_who, "benchfsd@n1");
		assert_int_equal(bfs_log_max, BFS_LOG_info);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),   TEST(test_default_text),
		TEST(test_sizes),      TEST(test_gib),
		TEST(test_refused),    TEST(test_mount_is_normalised),
		TEST(test_file),       TEST(test_bad_files),
		TEST(test_no_file),    TEST(test_environment),
		TEST(test_precedence), TEST(test_show_is_a_file),
		TEST(test_reload),     TEST(test_log_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
