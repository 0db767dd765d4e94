/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "core/wire.h"

#include <errno.h>
#include <string.h>

static void test_round_trip(void **state)
{
	uint8_t buf[64];
	struct bfs_wire w;
	struct bfs_str s;

	(void)state;
	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_u32(&w, 0x01020304);
	bfs_put_u64(&w, UINT64_MAX);
	bfs_put_str(&w, BFS_STR("abc"));
	bfs_put_time(&w, (struct bfs_time){ -1, 999999999 });
	assert_int_equal(bfs_wire_end(&w), 0);
	assert_memory_equal(buf, "\4\3\2\1", 4); /* little endian anywhere */

	bfs_wire_init(&w, buf, (size_t)(w.pos - buf));
	assert_int_equal(bfs_get_u32(&w), 0x01020304);
	assert_true(bfs_get_u64(&w) == UINT64_MAX);
	s = bfs_get_str(&w);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.ptr, "abc", 3);
	assert_int_equal(bfs_get_time(&w).sec, -1);
	assert_int_equal(bfs_wire_end(&w), 0);
	assert_ptr_equal(w.pos, w.end);
}

/* A length that lies must not let anyone read past the end. */
static void test_bad_length(void **state)
{
	static const uint32_t lengths[] = { 1, 5, 0x7fffffff, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint8_t buf[4];
		struct bfs_wire w;
		struct bfs_str s;

		bfs_wire_init(&w, buf, sizeof(buf));
		bfs_put_u32(&w, lengths[i]);
		bfs_wire_init(&w, buf, sizeof(buf));
		s = bfs_get_str(&w);
		assert_int_equal(bfs_wire_end(&w), -EBADMSG);
		assert_null(s.ptr);
		assert_int_equal(s.len, 0);
		assert_int_equal(bfs_get_u64(&w), 0); /* sticky */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
