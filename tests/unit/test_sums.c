/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * storage.checksum: the sums of all blocks are those of what was written,
 * whatever is done to a file; what the disk changes is EIO, and nothing else
 * is; and no sum is believed that a loss of power may have made wrong.
 */
#include "tests/unit/journal_unit.h"

#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/server.h"
#include "server/sums.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK BFS_SUM_BLOCK
#define MOST (40u * BLOCK)

static uint64_t boots = 1;

int __wrap_bfs_boot_id(uint64_t id[2]);
int __wrap_bfs_boot_id(uint64_t id[2])
{
	id[0] = boots;
	id[1] = 2;
	return 0;
}

static uint64_t seed;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

/* What the file has, and which of its blocks must have a sum. */
static struct model {
	uint8_t bytes[MOST];
	size_t size;
	bool known[MOST / BLOCK];
} model;

static int setup(void **state)
{
	struct fs_unit *u;

	assert_int_equal(fs_unit_setup(state), 0);
	u = *state;
	bfs_fs_free(u->fs);
	u->conf.checksum = true;
	u->conf.journal = true;
	u->live_slots = 2;
	memset(&model, 0, sizeof(model));
	return fs_unit_restart(u);
}

static struct bfs_handle open_file(struct fs_unit *u, int flags)
{
	struct bfs_open_rep rep;

	assert_int_equal(u_open_slot(u, "/f", flags, 0644, 1, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_FILE); /* never passed through */
	assert_int_equal(u->c->pass_fd, -1);
	return rep.handle;
}

static int do_write(struct fs_unit *u, struct bfs_handle h, uint64_t offset,
		    const void *data, size_t len, uint32_t flags)
{
	struct bfs_write_req req = { h, offset, flags, 0 };
	struct bfs_write_rep rep = { 0 };
	int r;

	u->c->out = data;
	u->c->out_len = len;
	r = bfs_serve_write(u->c, &req, &rep);
	u->c->out_len = 0;
	return r ? r : (int)rep.written;
}

static int do_read(struct fs_unit *u, struct bfs_handle h, uint64_t offset,
		   uint32_t size)
{
	struct bfs_read_req req = { h, offset, size, 0 };
	struct bfs_read_rep rep;
	int r;

	u->c->in_len = 0;
	r = bfs_serve_read(u->c, &req, &rep);
	return r ? r : (int)u->c->in_len;
}

static int do_fallocate(struct fs_unit *u, struct bfs_handle h, uint32_t mode,
			uint64_t offset, uint64_t size)
{
	struct bfs_fallocate_req req = { h, mode, offset, size, 0 };
	struct bfs_fallocate_rep rep;

	return bfs_serve_fallocate(u->c, &req, &rep);
}

static int do_fsync(struct fs_unit *u, struct bfs_handle h)
{
	struct bfs_fsync_req req = { h, 0 };
	struct bfs_fsync_rep rep;
	int r;

	u->server->journal = u->fs->journal;
	r = bfs_serve_fsync(u->c, &req, &rep);
	u->server->journal = NULL;
	return r;
}

static void path_of(struct fs_unit *u, const char *dir, char *path, size_t cap)
{
	char name[BFS_DATA_NAME_LEN];
	struct bfs_attr a;

	assert_int_equal(u_stat(u, "/f", &a), 0);
	bfs_data_name(name, a.ino);
	snprintf(path, cap, "%s/%s/%s", u->data, dir, name);
}

/* A byte of the file in that directory of the data directory is another. */
static void flip(struct fs_unit *u, const char *dir, uint64_t at)
{
	char path[256];
	uint8_t b;
	int fd;

	path_of(u, dir, path, sizeof(path));
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &b, 1, (off_t)at), 1);
	b ^= (uint8_t)(1u << any(8));
	assert_int_equal(pwrite(fd, &b, 1, (off_t)at), 1);
	close(fd);
}

/* The sum that is kept; 0: none. */
static uint64_t sum_at(int fd, uint64_t block)
{
	uint64_t sum = 0;

	if (fd >= 0 &&
	    pread(fd, &sum, sizeof(sum), (off_t)bfs_sum_at(block)) < 0)
		fail();
	return sum;
}

static void audit(struct fs_unit *u, unsigned step)
{
	char path[256];
	struct bfs_attr a;
	struct stat st;
	int fd;

	assert_int_equal(u_stat(u, "/f", &a), 0);
	assert_int_equal(a.size, model.size);
	path_of(u, BFS_SUM_DIR, path, sizeof(path));
	fd = open(path, O_RDONLY);
	for (unsigned b = 0; b < MOST / BLOCK; b++) {
		uint64_t sum = sum_at(fd, b);

		if (!sum && !(model.known[b] && b * BLOCK < model.size))
			continue;
		if (sum != bfs_sum_of(a.ino, b, model.bytes + b * BLOCK, BLOCK))
			fail_msg("step %u: block %u has the sum %llx", step, b,
				 (unsigned long long)sum);
	}
	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(bfs_sum_count((uint64_t)st.st_size) <=
		    bfs_sum_blocks(model.size));
	close(fd);
}

static void set_size(size_t size)
{
	if (size < model.size)
		memset(model.bytes + size, 0, model.size - size);
	model.size = size;
}

static void wrote(uint64_t at, const uint8_t *data, size_t len)
{
	memcpy(model.bytes + at, data, len);
	model.size = BFS_MAX(model.size, at + len);
	for (uint64_t b = at / BLOCK; b * BLOCK < at + len; b++)
		model.known[b] = true;
}

static void zeroed(uint64_t at, size_t len, bool keeps)
{
	if (at < model.size)
		memset(model.bytes + at, 0, BFS_MIN(len, model.size - at));
	if (!keeps)
		model.size = BFS_MAX(model.size, at + len);
	/* outer blocks stay as known as they were */
	for (uint64_t b = (at + BLOCK - 1) / BLOCK; (b + 1) * BLOCK <= at + len;
	     b++)
		model.known[b] = false;
}

static void collapsed(uint64_t at, size_t len)
{
	memmove(model.bytes + at, model.bytes + at + len,
		model.size - at - len);
	memset(model.bytes + model.size - len, 0, len);
	model.size -= len;
	memset(model.known + at / BLOCK, 0, sizeof(model.known) - at / BLOCK);
}

static size_t some_length(size_t most)
{
	return 1 + any(any(3) ? BFS_MIN(most, 2 * BLOCK) : most);
}

static void change(struct fs_unit *u, struct bfs_handle h)
{
	static uint8_t data[MOST];
	uint64_t at = any(MOST - 1);
	size_t len;
	int r;

	if (!any(3))
		at -= at % BLOCK;
	len = some_length(MOST - at);
	for (size_t n = 0; n < len; n++)
		data[n] = (uint8_t)any(256);
	switch (any(9)) {
	case 0:
		assert_int_equal(u_truncate(u, "/f", at), 0);
		set_size(at);
		break;
	case 1:
		if (model.size + len > MOST)
			break;
		assert_int_equal(do_write(u, h, 0, data, len, O_APPEND), len);
		wrote(model.size, data, len);
		break;
	case 2:
		r = do_fallocate(u, h,
				 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
				 len);
		if (r != -EOPNOTSUPP)
			zeroed(at, len, true);
		break;
	case 3:
		r = do_fallocate(u, h, FALLOC_FL_ZERO_RANGE, at, len);
		if (r != -EOPNOTSUPP)
			zeroed(at, len, false);
		break;
	case 4:
		at -= at % BLOCK;
		if (at + BLOCK >= model.size ||
		    do_fallocate(u, h, FALLOC_FL_COLLAPSE_RANGE, at, BLOCK))
			break;
		collapsed(at, BLOCK);
		break;
	case 5:
		if (any(6))
			break;
		open_file(u, O_WRONLY | O_TRUNC);
		set_size(0);
		break;
	default:
		assert_int_equal(do_write(u, h, at, data, len, 0), len);
		wrote(at, data, len);
	}
	for (uint64_t b = bfs_sum_blocks(model.size); b < MOST / BLOCK; b++)
		model.known[b] = false;
}

static void test_model(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);

	for (unsigned n = 0; n < 1500; n++) {
		uint32_t at = any(MOST), len = 1 + any(MOST);
		size_t there = at < model.size ? model.size - at : 0;

		change(u, h);
		audit(u, n);
		if (!any(4))
			assert_int_equal(do_fsync(u, h), 0);
		there = at < model.size ? model.size - at : 0;
		assert_int_equal(do_read(u, h, at, len), BFS_MIN(there, len));
		assert_memory_equal(u->in, model.bytes + at,
				    BFS_MIN(there, len));
		if (any(100))
			continue;
		u_turn(u);
		assert_int_equal(u_kill_and_start(u), 0);
		h = open_file(u, O_RDWR);
	}
}

static void fill(struct fs_unit *u, struct bfs_handle h, size_t size)
{
	static uint8_t data[MOST];

	for (size_t n = 0; n < size; n++)
		data[n] = (uint8_t)any(256);
	assert_int_equal(do_write(u, h, 0, data, size, 0), size);
	wrote(0, data, size);
}

/* Every read that has something of the block is EIO, every other one right. */
static void test_flip(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);
	const size_t size = 10 * BLOCK + 100;

	fill(u, h, size);
	for (int n = 0; n < 200; n++) {
		uint32_t at = any((uint32_t)size), off, len;
		uint32_t block = at / BLOCK;

		flip(u, "data", at);
		for (int k = 0; k < 20; k++) {
			bool hit;

			off = any((uint32_t)size);
			len = 1 + any((uint32_t)(size - off));
			hit = off / BLOCK <= block &&
			      (off + len - 1) / BLOCK >= block;
			assert_int_equal(do_read(u, h, off, len),
					 hit ? -EIO : (int)len);
			if (!hit)
				assert_memory_equal(u->in, model.bytes + off,
						    len);
		}
		/* what is beside it must not be blessed */
		if (block < 10)
			assert_int_equal(
				do_write(u, h, block * BLOCK + 1, "x", 1, 0),
				-EIO);
		/* but all of it can be written anew */
		assert_int_equal(do_write(u, h, block * BLOCK,
					  model.bytes + block * BLOCK,
					  BFS_MIN(BLOCK, size - block * BLOCK),
					  0),
				 BFS_MIN(BLOCK, size - block * BLOCK));
		audit(u, (unsigned)n);
		assert_int_equal(do_read(u, h, 0, MOST), size);
		assert_memory_equal(u->in, model.bytes, size);
	}
}

/* A truncation within the damaged block is refused, one before it is not. */
static void test_flip_and_cut(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);

	fill(u, h, 4 * BLOCK);
	flip(u, "data", 2 * BLOCK + 7);
	assert_int_equal(u_truncate(u, "/f", 2 * BLOCK + 9), -EIO);
	assert_int_equal(
		do_fallocate(u, h, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     2 * BLOCK + 9, 10),
		-EIO);
	assert_int_equal(do_read(u, h, 3 * BLOCK, BLOCK), BLOCK);
	assert_int_equal(u_truncate(u, "/f", 2 * BLOCK), 0);
	assert_int_equal(do_read(u, h, 0, MOST), 2 * BLOCK);
}

static void test_shorter(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);
	char path[256];

	fill(u, h, 5 * BLOCK + 10);
	path_of(u, "data", path, sizeof(path));
	assert_int_equal(truncate(path, 3 * BLOCK), 0);
	assert_int_equal(do_read(u, h, 0, MOST), -EIO);
	assert_int_equal(do_read(u, h, 4 * BLOCK, 10), -EIO);
	assert_int_equal(do_read(u, h, 0, 3 * BLOCK), 3 * BLOCK);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(do_read(u, h, 0, 1), -EIO);
}

/* Of the sums themselves: an error, or what was written. */
static void test_damaged_sums(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);
	char path[256];
	struct stat st;

	for (int n = 0; n < 300; n++) {
		int r;

		fill(u, h, 5 * BLOCK + 10);
		path_of(u, BFS_SUM_DIR, path, sizeof(path));
		assert_int_equal(stat(path, &st), 0);
		flip(u, BFS_SUM_DIR, any((uint32_t)st.st_size));
		if (any(2)) { /* its head is read again */
			u_turn(u);
			assert_int_equal(u_kill_and_start(u), 0);
			h = open_file(u, O_RDWR);
		}
		r = do_read(u, h, 0, MOST);
		if (r != -EIO) {
			assert_int_equal(r, 5 * BLOCK + 10);
			assert_memory_equal(u->in, model.bytes, (size_t)r);
		}
		assert_int_equal(u_truncate(u, "/f", 0), 0);
	}
	fill(u, h, 5 * BLOCK);
	u_turn(u);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(u_kill_and_start(u), 0);
	h = open_file(u, O_RDWR);
	assert_int_equal(do_read(u, h, 0, MOST), 5 * BLOCK);
}

/*
 * The disk may have kept any of what was not synced.  What was, is as good as
 * its sums after the machine went down; else these are not known.
 */
static void test_boots(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);

	for (int n = 0; n < 12; n++) {
		bool synced = n % 3 == 0, again = n % 3 == 1;

		fill(u, h, 3 * BLOCK);
		if (synced || again)
			assert_int_equal(do_fsync(u, h), 0);
		if (again)
			assert_int_equal(do_write(u, h, BLOCK, "x", 1, 0), 1);
		u_turn(u);
		boots++;
		assert_int_equal(u_kill_and_start(u), 0);
		h = open_file(u, O_RDWR);
		flip(u, "data", 5);
		assert_int_equal(do_read(u, h, 0, MOST),
				 synced ? -EIO : 3 * (int)BLOCK);
		assert_int_equal(u_truncate(u, "/f", 0), 0);
	}
}

/* The order in which a kill may find it: no sum of what is under way. */
static void test_order(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);
	struct bfs_summing g;
	char path[256];
	struct bfs_attr a;
	int fd, sums;

	fill(u, h, 4 * BLOCK);
	assert_int_equal(u_stat(u, "/f", &a), 0);
	path_of(u, "data", path, sizeof(path));
	fd = open(path, O_RDWR);
	path_of(u, BFS_SUM_DIR, path, sizeof(path));
	sums = open(path, O_RDONLY);
	assert_int_equal(
		bfs_sums_begin(u->fs, a.ino, fd, BLOCK + 1, 3 * BLOCK - 1, &g),
		0);
	assert_int_not_equal(sum_at(sums, 0), 0);
	assert_int_equal(sum_at(sums, 1), 0);
	assert_int_equal(sum_at(sums, 2), 0);
	assert_int_not_equal(sum_at(sums, 3), 0);
	/* nothing was written: all as before */
	bfs_sums_end(&g, BLOCK + 1);
	audit(u, 0);
	/* a part of it was */
	assert_int_equal(bfs_sums_begin(u->fs, a.ino, fd, BLOCK, 4 * BLOCK, &g),
			 0);
	assert_int_equal(pwrite(fd, "abc", 3, BLOCK), 3);
	memcpy(model.bytes + BLOCK, "abc", 3);
	bfs_sums_end(&g, BLOCK + 3);
	assert_int_equal(sum_at(sums, 1), 0); /* whose rest was not looked at */
	model.known[1] = false;
	audit(u, 1);
	close(fd);
	close(sums);
}

static void test_gone(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, O_CREAT | O_RDWR);
	char path[256];

	fill(u, h, BLOCK);
	path_of(u, BFS_SUM_DIR, path, sizeof(path));
	assert_int_equal(access(path, F_OK), 0);
	u->live_slots = 0;
	assert_int_equal(u_unlink(u, "/f"), 0);
	u_turn(u);
	assert_int_equal(access(path, F_OK), -1);
	/* of a file that went without them */
	assert_int_equal(u_open(u, "/f", O_CREAT | O_RDWR, 0600, NULL), 0);
	u_turn(u);
	assert_int_equal(close(open(path, O_CREAT | O_RDWR, 0600)), 0);
	assert_int_equal(u_kill_and_start(u), 0);
	assert_int_equal(access(path, F_OK), -1);
	/* switched off: no sums, and on again: none that are wrong */
	u->live_slots = 2;
	h = open_file(u, O_RDWR);
	fill(u, h, 2 * BLOCK);
	u_turn(u);
	u->conf.checksum = u->conf.pass = false;
	assert_int_equal(u_kill_and_start(u), 0);
	h = open_file(u, O_RDWR);
	fill(u, h, 2 * BLOCK);
	u_turn(u);
	u->conf.checksum = u->conf.pass = true;
	assert_int_equal(u_kill_and_start(u), 0);
	h = open_file(u, O_RDWR);
	assert_int_equal(do_read(u, h, 0, MOST), 2 * BLOCK);
	assert_memory_equal(u->in, model.bytes, 2 * BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup,
						fs_unit_teardown),
		cmocka_unit_test_setup_teardown(test_flip, setup,
						fs_unit_teardown),
		cmocka_unit_test_setup_teardown(test_flip_and_cut, setup,
						fs_unit_teardown),
		cmocka_unit_test_setup_teardown(test_shorter, setup,
						fs_unit_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_sums, setup,
						fs_unit_teardown),
		cmocka_unit_test_setup_teardown(test_boots, setup,
						fs_unit_teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup,
						fs_unit_teardown),
		cmocka_unit_test_setup_teardown(test_model, setup,
						fs_unit_teardown),
	};
	const char *given = getenv("BENCHFS_TEST_SEED");

	seed = given ? strtoull(given, NULL, 10) : 88172645463325252ull;
	/* Each damage is told, which is what is wanted. */
	bfs_log_fd = given ? bfs_log_fd : -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
