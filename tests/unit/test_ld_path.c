/* SPDX-License-Identifier: BSD-3-Clause */
/* Library search lists (ld.so(8)), and the names in ELF files. */
#include "tests/unit/unit.h"

#include "core/elf_scan.h"
#include "core/util.h"
#include "preload/ld_path.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char seen[1024];

static int note(void *arg, const char *path)
{
	strcat(seen, path);
	strcat(seen, " ");
	return arg && !strcmp(arg, path) ? 7 : 0;
}

static const struct {
	const char *list, *origin, *want;
} lists[] = {
	{ "/a:/b", NULL, "/a/x /b/x " },
	{ "/a;/b", NULL, "/a/x /b/x " },
	{ "", NULL, "x " }, /* the working directory */
	{ "/a::b", NULL, "/a/x x b/x " },
	{ "/a:", NULL, "/a/x x " },
	{ "$ORIGIN/../lib:/b", "/o", "/o/../lib/x /b/x " },
	{ "${ORIGIN}:$ORIGIN$ORIGIN", "/o", "/o/x /o/o/x " },
	{ "$ORIGIN:/b", NULL, "/b/x " },
	{ "/a/$LIB:/b", "/o", "/b/x " },
};

static void test_lists(void **state)
{
	for (size_t i = 0; i < BFS_COUNT(lists); i++) {
		*seen = '\0';
		assert_int_equal(bfs_ld_search(lists[i].list, lists[i].origin,
					       "x", note, NULL),
				 0);
		assert_string_equal(seen, lists[i].want);
	}
}

static void test_search_ends(void **state)
{
	*seen = '\0';
	assert_int_equal(
		bfs_ld_search("/a:/b:/c", NULL, "x", note, (void *)"/b/x"), 7);
	assert_string_equal(seen, "/a/x /b/x ");
}

static void test_too_long(void **state)
{
	char list[2 * PATH_MAX];

	memset(list, 'y', sizeof(list));
	strcpy(list + PATH_MAX + 100, ":/b");
	*seen = '\0';
	bfs_ld_search(list, NULL, "x", note, NULL);
	assert_string_equal(seen, "/b/x ");
}

static void test_spellings(void **state)
{
	static char names[300][BFS_LD_SPELL_MAX];
	int fd = open("/dev/null", O_RDONLY);
	struct stat a, b;

	fstat(fd, &a);
	for (int i = 0; i < 300; i++) {
		bfs_ld_spell(names[i], "/proc/self/fd", fd, (size_t)i * 10);
		assert_true(strlen(names[i]) >= (size_t)i * 10);
		assert_int_equal(stat(names[i], &b), 0);
		assert_int_equal(a.st_rdev, b.st_rdev);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
	close(fd);
}

static bool find_libc(void *arg, int64_t tag, const char *text)
{
	(*(int *)arg)++;
	return tag == DT_NEEDED && !strcmp(text, "libc.so.6");
}

static bool keep_all(void *arg, int64_t tag, const char *text)
{
	return false;
}

static void test_this_program(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY), calls = 0;

	assert_int_equal(bfs_elf_scan(fd, find_libc, &calls), 1);
	assert_true(calls > 0);
	assert_int_equal(bfs_elf_scan(fd, keep_all, NULL), 0);
	close(fd);
}

static void test_not_elf(void **state)
{
	int fd = open("/proc/self/status", O_RDONLY);

	assert_int_equal(bfs_elf_scan(fd, keep_all, NULL), -ENOEXEC);
	close(fd);
	assert_int_equal(bfs_elf_scan(-1, keep_all, NULL), -ENOEXEC);
}

/* Every header byte of a real file in turn: no crash, whatever it says. */
static void test_damaged(void **state)
{
	int in = open("/proc/self/exe", O_RDONLY);
	int fd = memfd_create("elf", MFD_CLOEXEC);
	uint8_t head[64 + 56 * 16], bad;
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(fd, buf, (size_t)n), n);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	for (size_t i = 0; i < sizeof(head); i++) {
		for (int bit = 0; bit < 8; bit += 7) {
			bad = head[i] ^ (uint8_t)(1 << bit);
			assert_int_equal(pwrite(fd, &bad, 1, (off_t)i), 1);
			bfs_elf_scan(fd, keep_all, NULL);
		}
		assert_int_equal(pwrite(fd, &head[i], 1, (off_t)i), 1);
	}
	assert_int_equal(bfs_elf_scan(fd, keep_all, NULL), 0);
	close(in);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_search_ends),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_this_program),
		cmocka_unit_test(test_not_elf),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
