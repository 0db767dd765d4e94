/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F1, S1, S3, R26: a long write is made in slices, others are served between
 * them, and nobody who asks the daemon finds a part of it, or gets before it.
 */
#include "tests/unit/ring_unit.h"

#include "core/util.h"
#include "server/data.h"
#include "server/fs.h"
#include "server/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG (1u << 20)
#define TRIES 200 /* for the machine to let us in between */

static struct ring_unit unit;
static struct ring_client writer, other;
static struct bfs_handle file, second;
static char *bytes; /* LONG of them, all 'l' */

static struct bfs_fs *fs(void)
{
	return ring_server(&unit)->fs;
}

static struct bfs_handle open_file(const char *path, int flags)
{
	struct bfs_open_req req = { .at = cluster_root(unit.u),
				    .path = cluster_str(path),
				    .oflags = (uint32_t)(O_RDWR | flags),
				    .mode = 0600,
				    .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;

	assert_int_equal(cluster_open(unit.u, 0, &req, &rep), 0);
	return rep.handle;
}

static int setup(void **state)
{
	ring_unit_init(&unit);
	memset(&writer, 0, sizeof(writer));
	memset(&other, 0, sizeof(other));
	ring_come(&unit, &writer);
	ring_come(&unit, &other);
	file = open_file("file", O_CREAT);
	second = open_file("second", O_CREAT);
	bytes = malloc(LONG);
	assert_non_null(bytes);
	memset(bytes, 'l', LONG);
	return 0;
}

static int teardown(void **state)
{
	ring_go(&writer);
	ring_go(&other);
	ring_unit_fini(&unit);
	free(bytes);
	return 0;
}

static void post_long(struct bfs_handle h, uint64_t offset, uint32_t flags)
{
	struct bfs_write_req req = { .handle = h,
				     .offset = offset,
				     .flags = flags };
	uint8_t fields[64];
	struct bfs_wire m;

	bfs_wire_init(&m, fields, sizeof(fields));
	assert_int_equal(bfs_write_req_put(&m, &req), 0);
	ring_post(&writer, 0, BFS_OP_WRITE, fields, (size_t)(m.pos - fields),
		  bytes, LONG, 0);
}

/* The answer, which must come: bytes written. */
static uint32_t take_long(uint64_t *end)
{
	struct bfs_write_rep rep;
	struct bfs_wire w;

	for (int n = 0; n < 1000 && !ring_done(&writer, 0); n++)
		ring_turn(&unit);
	assert_int_equal(ring_take(&writer, 0, &w), 0);
	assert_int_equal(bfs_write_rep_get(&w, &rep), 0);
	*end = rep.end;
	return rep.written;
}

static struct bfs_attr stat_of(const char *path)
{
	struct bfs_attr a;

	assert_int_equal(cluster_stat(unit.u, 0, path, &a), 0);
	return a;
}

static int cut(const char *path, uint64_t size)
{
	struct bfs_setattr_req req = { .at = cluster_root(unit.u),
				       .path = cluster_str(path),
				       .valid = BFS_SET_SIZE,
				       .size = size };
	struct bfs_setattr_rep rep;

	return cluster_setattr(unit.u, 0, &req, &rep);
}

/* A part of it, and not all, is written. */
static void begin_long(uint32_t flags)
{
	uint64_t end;

	for (int n = 0; n < TRIES; n++) {
		assert_int_equal(cut("file", 0), 0);
		post_long(file, 0, flags);
		for (int k = 0; k < 2; k++) { /* it is taken, and begun */
			ring_turn(&unit);
			if (bfs_slice_busy(fs()) && fs()->slices->now->done)
				return;
		}
		assert_int_equal(take_long(&end), LONG);
	}
	fail_msg("a long write is always made at once");
}

static uint32_t put(struct bfs_handle h, const void *what, size_t len,
		    uint64_t offset, uint32_t flags, uint64_t *end)
{
	struct bfs_write_req req = { .handle = h,
				     .offset = offset,
				     .flags = flags };
	struct bfs_write_rep rep;

	unit.u->out = what;
	unit.u->out_len = len;
	assert_int_equal(cluster_write(unit.u, 0, &req, &rep), 0);
	*end = rep.end;
	return rep.written;
}

/* len bytes at offset, all of them that one. */
static void check_bytes(struct bfs_handle h, uint64_t offset, uint32_t len,
			char what)
{
	struct bfs_read_rep rep;

	while (len) {
		uint32_t n = BFS_MIN(len, CLUSTER_IN);
		struct bfs_read_req req = { .handle = h,
					    .offset = offset,
					    .size = n };

		assert_int_equal(cluster_read(unit.u, 0, &req, &rep), 0);
		assert_int_equal(unit.u->in_len, n);
		for (uint32_t k = 0; k < n; k++)
			if (unit.u->in[k] != (uint8_t)what)
				fail_msg("byte %lu is %02x", offset + k,
					 unit.u->in[k]);
		offset += n;
		len -= n;
	}
}

static void post_short(void)
{
	struct bfs_getattr_req req = { .at = cluster_root(unit.u),
				       .path = cluster_str("second") };
	uint8_t fields[100];
	struct bfs_wire m;

	bfs_wire_init(&m, fields, sizeof(fields));
	assert_int_equal(bfs_getattr_req_put(&m, &req), 0);
	ring_post(&other, 0, BFS_OP_GETATTR, fields, (size_t)(m.pos - fields),
		  NULL, 0, 0);
}

/* Short calls are answered while a long one is under way. */
static void test_between(void **state)
{
	unsigned served = 0;
	struct bfs_wire w;
	uint64_t end;

	for (int n = 0; n < TRIES; n++) {
		post_long(file, 0, 0);
		for (int k = 0; k < 100 && !ring_done(&writer, 0); k++) {
			post_short();
			ring_turn(&unit);
			assert_true(ring_done(&other, 0));
			assert_int_equal(ring_take(&other, 0, &w), 0);
			served += !ring_done(&writer, 0);
		}
		assert_int_equal(take_long(&end), LONG);
		assert_int_equal(end, LONG);
	}
	if (served < 2 * TRIES)
		fail_msg("%u short calls beside %d long ones", served, TRIES);
	check_bytes(file, 0, LONG, 'l');
}

static size_t turn_at(uint64_t now)
{
	bfs_virtual_now = now;
	ring_turn(&unit);
	return fs()->slices->now ? fs()->slices->now->done : LONG;
}

/* The last slice ended then, after ns, and a call has come. */
static void left_at(uint64_t now, uint64_t ns)
{
	struct bfs_slices *all = fs()->slices;

	all->left = all->came = now;
	all->took = ns;
}

/*
 * Who has been answered may come again at once: he is waited for, but not for
 * long, and in the end it is the long one's turn all the same.
 */
static void test_again(void **state)
{
	uint64_t at = bfs_now(), ns = 10000, end;
	struct bfs_wire w;
	size_t done;

	begin_long(0);
	left_at(at, ns);
	done = fs()->slices->now->done;
	post_short();
	turn_at(at);
	assert_int_equal(ring_take(&other, 0, &w), 0);
	assert_int_equal(turn_at(at + 1000), done);
	assert_int_equal(turn_at(at + 3000), done);
	assert_true(turn_at(at + 6000) > done); /* nobody came */

	left_at(at, ns);
	done = fs()->slices->now->done;
	for (uint64_t t = 0; t < 2 * ns; t += 1000) {
		post_short();
		assert_int_equal(turn_at(at + t), done);
		assert_int_equal(ring_take(&other, 0, &w), 0);
	}
	assert_true(turn_at(at + 2 * ns) > done);
	bfs_virtual_now = 0;
	assert_int_equal(take_long(&end), LONG);
}

static void test_reads_and_stat(void **state)
{
	uint64_t end;

	begin_long(0);
	check_bytes(file, LONG - 100, 100, 'l');
	assert_int_equal(take_long(&end), LONG);
	begin_long(0);
	assert_int_equal(stat_of("file").size, LONG);
	assert_int_equal(take_long(&end), LONG);
}

/* R26: whoever asks later comes later. */
static void test_order(void **state)
{
	struct bfs_fallocate_req hole = { .handle = file,
					  .mode = FALLOC_FL_PUNCH_HOLE |
						  FALLOC_FL_KEEP_SIZE,
					  .offset = LONG - 8192,
					  .size = 4096 };
	struct bfs_fallocate_rep rep;
	uint64_t end;

	begin_long(0);
	assert_int_equal(put(file, "abc", 3, LONG - 3, 0, &end), 3);
	assert_int_equal(take_long(&end), LONG);
	check_bytes(file, 0, LONG - 3, 'l');
	check_bytes(file, LONG - 1, 1, 'c');

	begin_long(0);
	assert_int_equal(cut("file", 10), 0);
	assert_int_equal(take_long(&end), LONG);
	assert_int_equal(stat_of("file").size, 10);

	begin_long(0);
	open_file("file", O_TRUNC);
	assert_int_equal(take_long(&end), LONG);
	assert_int_equal(stat_of("file").size, 0);

	begin_long(0);
	assert_int_equal(cluster_fallocate(unit.u, 0, &hole, &rep), 0);
	assert_int_equal(take_long(&end), LONG);
	check_bytes(file, LONG - 8192, 4096, 0);
	check_bytes(file, LONG - 4096, 4096, 'l');
}

/* S3 */
static void test_appends(void **state)
{
	uint64_t end;

	begin_long(O_APPEND);
	assert_int_equal(put(file, "abc", 3, 0, O_APPEND, &end), 3);
	assert_int_equal(end, LONG + 3);
	assert_int_equal(take_long(&end), LONG);
	assert_int_equal(end, LONG);
	check_bytes(file, 0, LONG, 'l');
	check_bytes(file, LONG, 1, 'a');
}

/* Others' files are not in the way, and their long writes come one by one. */
static void test_other_file(void **state)
{
	uint64_t end;

	begin_long(0);
	assert_int_equal(put(second, "abc", 3, 0, 0, &end), 3);
	assert_true(bfs_slice_busy(fs()));
	assert_int_equal(take_long(&end), LONG);
	check_bytes(second, 2, 1, 'c');
}

/* S5: it goes on without a name, and then nothing is left. */
static void test_unlinked(void **state)
{
	struct bfs_attr a;
	uint64_t end;

	begin_long(0);
	assert_int_equal(cluster_remove(unit.u, 0, "file", false), 0);
	assert_int_equal(cluster_stat(unit.u, 0, "file", &a), -ENOENT);
	assert_int_equal(take_long(&end), LONG);
	bfs_fs_sweep(fs());
	assert_false(bfs_fs_orphans(fs()));
}

/* D4: what is under way is counted before it is there. */
static void test_limit(void **state)
{
	uint64_t end;

	bfs_fs_set_limit(fs(), LONG + 8 * 4096);
	begin_long(0);
	assert_int_equal(put(second, bytes, 60000, 0, 0, &end), 8 * 4096);
	assert_int_equal(take_long(&end), LONG);
	assert_int_equal(fs()->used * 512, LONG + 8 * 4096);
}

/* F3: the client goes, its write does not stop, and nothing stays. */
static void test_death(void **state)
{
	begin_long(0);
	ring_go(&writer);
	for (int n = 0; n < 100; n++)
		ring_turn(&unit);
	assert_false(bfs_slice_busy(fs()));
	check_bytes(file, 0, LONG, 'l');
}

/* The daemon stops: what is under way is done and answered. */
static void test_stop(void **state)
{
	uint64_t end;

	begin_long(0);
	bfs_slices_free(ring_server(&unit));
	assert_true(ring_done(&writer, 0));
	assert_int_equal(take_long(&end), LONG);
	check_bytes(file, 0, LONG, 'l');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_between),	   TEST(test_again),
		TEST(test_reads_and_stat), TEST(test_order),
		TEST(test_appends),	   TEST(test_other_file),
		TEST(test_unlinked),	   TEST(test_limit),
		TEST(test_death),	   TEST(test_stop),
	};

	if (!ring_unit_can())
		return 77;
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
