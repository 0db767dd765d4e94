/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The preload library's ftw, nftw and fts against libc's on the same real
 * trees: callbacks, entries, working directories and results must agree.
 */
#include "unit.h"

#include "preload/ops.h"
#include "preload/path.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define NOBODY 65534

/* Nothing in this program is in BenchFS. */
bool bfs_owns_path(const char *path)
{
	return false;
}

/* What a walk told, as text. */
struct record {
	char *text;
	size_t len;
	FILE *f;
};

static struct record *rec; /* of the walk under way */

static void rec_start(struct record *r)
{
	*r = (struct record){ NULL, 0, NULL };
	r->f = open_memstream(&r->text, &r->len);
	assert_non_null(r->f);
	rec = r;
}

/* Ends both; where they differ, shows the first line that does. */
static void rec_compare(struct record *libc, struct record *ours)
{
	size_t at = 0, line = 0;

	fclose(libc->f);
	fclose(ours->f);
	while (libc->text[at] && libc->text[at] == ours->text[at])
		if (libc->text[at++] == '\n')
			line = at;
	if (strcmp(libc->text, ours->text))
		fail_msg("libc: %.*s\nours: %.*s",
			 (int)strcspn(libc->text + line, "\n"),
			 libc->text + line,
			 (int)strcspn(ours->text + line, "\n"),
			 ours->text + line);
	free(libc->text);
	free(ours->text);
}

static char root[] = "/tmp/bfs-tree-walk.XXXXXX";

static void touch(const char *path, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	while (size--)
		putc('x', f);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(chdir(root), 0);
	assert_int_equal(mkdir("t", 0755), 0);
	assert_int_equal(mkdir("t/a", 0755), 0);
	assert_int_equal(mkdir("t/a/deep", 0755), 0);
	assert_int_equal(mkdir("t/a/deep/er", 0755), 0);
	assert_int_equal(mkdir("t/b", 0755), 0);
	assert_int_equal(mkdir("t/empty", 0755), 0);
	assert_int_equal(mkdir("t/secret", 0700), 0);
	assert_int_equal(mkdir("t/closed", 0755), 0);
	assert_int_equal(mkdir("away", 0755), 0);
	touch("t/file", 3);
	touch("t/a/one", 1);
	touch("t/a/two", 2);
	touch("t/a/deep/er/still", 4);
	touch("t/secret/x", 1);
	touch("t/closed/x", 1);
	touch("t/b/.hidden", 0);
	touch("away/far", 9);
	assert_int_equal(mkfifo("t/b/fifo", 0644), 0);
	assert_int_equal(symlink("../file", "t/b/to-file"), 0);
	assert_int_equal(symlink("nowhere", "t/b/dangling"), 0);
	assert_int_equal(symlink("../../away", "t/b/out"), 0);
	assert_int_equal(symlink("..", "t/a/up"), 0);
	assert_int_equal(symlink("t", "link"), 0);
	assert_int_equal(symlink("none", "broken"), 0);
	/* listed, but nothing in it can be looked at */
	assert_int_equal(chmod("t/closed", 0744), 0);
	if (!geteuid())
		return seteuid(NOBODY);
	return chmod("t/secret", 0);
}

static int teardown(void **state)
{
	char command[64];

	if (!getuid())
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod("t/secret", 0700), 0);
	assert_int_equal(chmod("t/closed", 0755), 0);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static const char *const roots[] = { "t",	"t/",	 "./t",	   ".",
				     "t/a/..",	"link",	 "broken", "t/file",
				     "t/empty", "t/a//", "none",   "t/secret" };

/* nftw */

static const char *stop_at; /* a name, and what to answer for it */
static int answer;

static int on_object(const char *path, const struct stat *st, int what,
		     struct FTW *at)
{
	char cwd[4096];

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	fprintf(rec->f, "%s %d level %d base %d in %s", path, what, at->level,
		at->base, cwd);
	if (what != FTW_NS)
		fprintf(rec->f, " ino %lu", st->st_ino);
	putc('\n', rec->f);
	return stop_at && !strcmp(path + at->base, stop_at) ? answer : 0;
}

static int on_old_object(const char *path, const struct stat *st, int what)
{
	fprintf(rec->f, "%s %d\n", path, what);
	return stop_at && strstr(path, stop_at) ? answer : 0;
}

static void end_of_walk(int r)
{
	char cwd[4096];

	fprintf(rec->f, "returned %d %s in %s\n", r,
		r == -1 && !stop_at ? strerror(errno) : "",
		getcwd(cwd, sizeof(cwd)));
}

static void compare_nftw(const char *path, int flags)
{
	struct record libc, ours;

	rec_start(&libc);
	fprintf(rec->f, "nftw %s flags %d\n", path, flags);
	end_of_walk(nftw(path, on_object, 20, flags));
	assert_int_equal(chdir(root), 0);
	rec_start(&ours);
	fprintf(rec->f, "nftw %s flags %d\n", path, flags);
	end_of_walk(bfs_nftw(path, on_object, 20, flags));
	assert_int_equal(chdir(root), 0);
	rec_compare(&libc, &ours);
}

static void test_nftw_agrees(void **state)
{
	char absolute[64];

	snprintf(absolute, sizeof(absolute), "%s/t", root);
	stop_at = NULL;
	for (int flags = 0; flags < 32; flags++) {
		for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
			compare_nftw(roots[i], flags);
		compare_nftw(absolute, flags);
	}
	compare_nftw("t", 64);
	compare_nftw("", 0);
}

static void test_nftw_actions(void **state)
{
	static const char *const names[] = { "t", "a",	  "one",  "deep",
					     "b", "fifo", "empty" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (answer = -1; answer <= 4; answer++)
			for (int flags = 0; flags < 32; flags++) {
				stop_at = names[i];
				compare_nftw("t", flags);
			}
	stop_at = NULL;
}

static int only_first_level(const char *path, const struct stat *st, int what,
			    struct FTW *at)
{
	on_object(path, st, what, at);
	return at->level ? FTW_SKIP_SUBTREE : FTW_CONTINUE;
}

static void test_nftw_of_the_root(void **state)
{
	struct record libc, ours;

	rec_start(&libc);
	nftw("/", only_first_level, 20, FTW_ACTIONRETVAL | FTW_PHYS);
	rec_start(&ours);
	bfs_nftw("/", only_first_level, 20, FTW_ACTIONRETVAL | FTW_PHYS);
	rec_compare(&libc, &ours);
}

static void test_nftw_loop_is_an_error(void **state)
{
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(symlink("loop", "away/loop"), 0);
	compare_nftw("away", 0);
	compare_nftw("away/loop", 0);
	compare_nftw("away", FTW_PHYS);
	assert_int_equal(unlink("away/loop"), 0);
	if (!getuid())
		assert_int_equal(seteuid(NOBODY), 0);
}

static void test_ftw_agrees(void **state)
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		struct record libc, ours;

		stop_at = i % 2 ? "deep" : NULL;
		answer = 17;
		rec_start(&libc);
		end_of_walk(ftw(roots[i], on_old_object, 20));
		rec_start(&ours);
		end_of_walk(bfs_ftw(roots[i], on_old_object, 20));
		rec_compare(&libc, &ours);
	}
	stop_at = NULL;
}

/* fts */

struct fts_calls {
	FTS *(*open)(char *const *paths, int options,
		     int (*compare)(const FTSENT **, const FTSENT **));
	FTSENT *(*read)(FTS *fts);
	FTSENT *(*children)(FTS *fts, int options);
	int (*set)(FTS *fts, FTSENT *e, int options);
	int (*close)(FTS *fts);
};

static const struct fts_calls of_libc = { fts_open, fts_read, fts_children,
					  fts_set, fts_close };
static const struct fts_calls of_ours = { bfs_fts_open, bfs_fts_read,
					  bfs_fts_children, fts_set,
					  bfs_fts_close };

struct plan {
	int options;
	bool sorted;
	const char *name; /* for this one, when its info is what says: */
	int what, instruction;
	int children; /* -1: do not ask; else the argument */
};

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* libc's paths may go on behind their length once children were asked for. */
static void tell_entry(const FTSENT *e, bool stat)
{
	fprintf(rec->f, "%.*s name %s (%u) level %d info %d errno %d",
		e->fts_pathlen, e->fts_path, e->fts_name, e->fts_namelen,
		e->fts_level, e->fts_info, e->fts_errno);
	if (stat && e->fts_info != FTS_NS)
		fprintf(rec->f, " ino %lu", e->fts_statp->st_ino);
	if (e->fts_info == FTS_DC)
		fprintf(rec->f, " cycle level %d", e->fts_cycle->fts_level);
	fprintf(rec->f, " parent level %d\n", e->fts_parent->fts_level);
}

static void tell_children(const struct fts_calls *calls, FTS *fts, int options)
{
	FTSENT *e;

	errno = 0;
	e = calls->children(fts, options);
	fprintf(rec->f, "children, errno %d:\n", e ? 0 : errno);
	for (; e; e = e->fts_link)
		fprintf(rec->f, "  %s info %d level %d\n", e->fts_name,
			options ? 0 : e->fts_info, e->fts_level);
}

static void walk_fts(const struct fts_calls *calls, const char *const *paths,
		     const struct plan *p)
{
	FTS *fts = calls->open((char *const *)paths, p->options,
			       p->sorted ? by_name : NULL);
	bool instructed = false;
	FTSENT *e;

	/* ours answers as hooks do, with the error in the pointer */
	if (!fts || ((long)fts < 0 && (long)fts > -4096)) {
		fprintf(rec->f, "no open: %ld\n", fts ? -(long)fts : errno);
		return;
	}
	if (p->children >= 0)
		tell_children(calls, fts, p->children);
	while ((e = calls->read(fts))) {
		tell_entry(e, !(p->options & FTS_NOSTAT));
		if (p->children >= 0)
			tell_children(calls, fts, p->children);
		if (!p->name || instructed || strcmp(e->fts_name, p->name) ||
		    e->fts_info != p->what)
			continue;
		instructed = true;
		fprintf(rec->f, "set %d\n", calls->set(fts, e, p->instruction));
	}
	fprintf(rec->f, "end, errno %d\n", errno);
	fprintf(rec->f, "close %d\n", calls->close(fts));
	assert_false(bfs_fts_is(fts));
}

static void compare_fts(const char *const *paths, const struct plan *p)
{
	struct record libc, ours;

	rec_start(&libc);
	fprintf(rec->f, "fts %s options %x\n", *paths, p->options);
	walk_fts(&of_libc, paths, p);
	rec_start(&ours);
	fprintf(rec->f, "fts %s options %x\n", *paths, p->options);
	walk_fts(&of_ours, paths, p);
	rec_compare(&libc, &ours);
}

static const int fts_options[] = {
	FTS_PHYSICAL,
	FTS_LOGICAL,
	FTS_PHYSICAL | FTS_SEEDOT,
	FTS_LOGICAL | FTS_SEEDOT,
	FTS_PHYSICAL | FTS_COMFOLLOW,
	FTS_PHYSICAL | FTS_NOSTAT,
	FTS_PHYSICAL | FTS_XDEV,
	FTS_LOGICAL | FTS_XDEV | FTS_COMFOLLOW,
	FTS_PHYSICAL | 0x100,
};

static void test_fts_agrees(void **state)
{
	for (size_t o = 0; o < sizeof(fts_options) / sizeof(int); o++) {
		struct plan p = { .options = fts_options[o] | FTS_NOCHDIR,
				  .children = -1 };
		const char *all[] = { "t/b", "link", "t/file", "none", NULL };

		for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
			const char *one[] = { roots[i], NULL };

			for (p.sorted = false;; p.sorted = true) {
				compare_fts(one, &p);
				if (p.sorted)
					break;
			}
		}
		compare_fts(all, &p);
	}
}

static void test_fts_sees_what_libc_sees_when_it_changes_directory(void **state)
{
	const char *paths[] = { "t/a", "t/b", "away", NULL };
	struct plan p = { .options = FTS_PHYSICAL, .children = -1 };

	compare_fts(paths, &p);
}

static void test_fts_instructions(void **state)
{
	static const struct plan plans[] = {
		{ FTS_PHYSICAL, true, "a", FTS_D, FTS_SKIP, -1 },
		{ FTS_PHYSICAL, true, "t", FTS_D, FTS_SKIP, -1 },
		{ FTS_PHYSICAL, true, "one", FTS_F, FTS_SKIP, -1 },
		{ FTS_PHYSICAL, true, "one", FTS_F, FTS_AGAIN, -1 },
		{ FTS_PHYSICAL, true, "a", FTS_D, FTS_AGAIN, -1 },
		{ FTS_PHYSICAL, true, "a", FTS_DP, FTS_AGAIN, -1 },
		{ FTS_PHYSICAL, true, "out", FTS_SL, FTS_FOLLOW, -1 },
		{ FTS_PHYSICAL, true, "up", FTS_SL, FTS_FOLLOW, -1 },
		{ FTS_PHYSICAL, true, "dangling", FTS_SL, FTS_FOLLOW, -1 },
		{ FTS_PHYSICAL, true, "to-file", FTS_SL, FTS_FOLLOW, -1 },
		{ FTS_PHYSICAL, true, NULL, 0, 0, 0 },
		{ FTS_LOGICAL, true, NULL, 0, 0, 0 },
		{ FTS_PHYSICAL, true, NULL, 0, 0, FTS_NAMEONLY },
		{ FTS_PHYSICAL, true, NULL, 0, 0, 5 },
		{ FTS_PHYSICAL, true, "b", FTS_D, FTS_SKIP, 0 },
	};
	const char *paths[] = { "t", NULL };

	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
		struct plan p = plans[i];

		p.options |= FTS_NOCHDIR;
		compare_fts(paths, &p);
	}
}

static void test_fts_of_a_big_tree(void **state)
{
	const char *paths[] = { "/usr/include", NULL };
	struct plan p = { .options = FTS_PHYSICAL | FTS_NOCHDIR,
			  .children = -1 };

	compare_fts(paths, &p);
	p.options = FTS_LOGICAL;
	p.sorted = true;
	compare_fts(paths, &p);
}

static void test_fts_bad_arguments(void **state)
{
	const char *empty[] = { "t", "", NULL }, *none[] = { NULL };
	const char *paths[] = { "t", NULL };
	struct plan p = { .options = FTS_PHYSICAL, .children = -1 };
	FTS *fts;

	compare_fts(empty, &p);
	fts = bfs_fts_open((char *const *)none, FTS_PHYSICAL, NULL);
	assert_null(bfs_fts_read(fts)); /* libc crashes here */
	assert_int_equal(bfs_fts_close(fts), 0);
	fts = bfs_fts_open((char *const *)paths, FTS_PHYSICAL, NULL);
	assert_true(bfs_fts_is(fts));
	assert_int_not_equal(fts_set(fts, bfs_fts_read(fts), 77), 0);
	/* closed in the middle of a walk */
	assert_non_null(bfs_fts_read(fts));
	assert_non_null(bfs_fts_read(fts));
	assert_int_equal(bfs_fts_close(fts), 0);
	assert_false(bfs_fts_is(fts));
	assert_false(bfs_fts_is(NULL));
}

static void test_fts_handles_do_not_mix(void **state)
{
	const char *paths[] = { "t", NULL };
	FTS *many[20],
		*foreign = fts_open((char *const *)paths, FTS_PHYSICAL, NULL);

	assert_false(bfs_fts_is(foreign));
	for (int i = 0; i < 20; i++) {
		many[i] =
			bfs_fts_open((char *const *)paths, FTS_PHYSICAL, NULL);
		assert_true(bfs_fts_is(many[i]));
		assert_string_equal(bfs_fts_read(many[i])->fts_path, "t");
	}
	for (int i = 0; i < 20; i++) {
		assert_true(bfs_fts_is(many[i]));
		assert_int_equal(bfs_fts_close(many[i]), 0);
	}
	/* libc leaks what it has not read */
	while (fts_read(foreign))
		;
	fts_close(foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nftw_agrees),
		cmocka_unit_test(test_nftw_actions),
		cmocka_unit_test(test_nftw_of_the_root),
		cmocka_unit_test(test_nftw_loop_is_an_error),
		cmocka_unit_test(test_ftw_agrees),
		cmocka_unit_test(test_fts_agrees),
		cmocka_unit_test(
			test_fts_sees_what_libc_sees_when_it_changes_directory),
		cmocka_unit_test(test_fts_instructions),
		cmocka_unit_test(test_fts_of_a_big_tree),
		cmocka_unit_test(test_fts_bad_arguments),
		cmocka_unit_test(test_fts_handles_do_not_mix),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
