/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * walks DIR OTHER: glob, ftw, nftw, fts and the makers of temporary names in
 * DIR.  Says what it finds, in an order that does not depend on the file
 * system.  OTHER is an empty directory that may be in another file system;
 * it must be with "stay", which tests only that walks can be kept from it.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *dir, *other;

/* Lines that are printed sorted. */
static char *lines[4096];
static size_t line_count;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (line_count == sizeof(lines) / sizeof(*lines) ||
	    vasprintf(&lines[line_count++], format, ap) < 0)
		errx(2, "too much to say");
	va_end(ap);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

__attribute__((format(printf, 1, 2))) static void flush(const char *format, ...)
{
	va_list ap;

	qsort(lines, line_count, sizeof(*lines), by_text);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	for (size_t i = 0; i < line_count; i++) {
		printf("\t%s\n", lines[i]);
		free(lines[i]);
	}
	line_count = 0;
}

static const char *name_of(int e)
{
	return e ? strerrorname_np(e) : "0";
}

static void must(int r, const char *what)
{
	if (r < 0)
		err(2, "%s", what);
}

static void touch(const char *name, off_t size)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);

	must(fd, name);
	must(ftruncate(fd, size), name);
	close(fd);
}

static void make_tree(void)
{
	char far[PATH_MAX];

	must(chdir(dir), dir);
	must(mkdir("t", 0755), "t");
	must(mkdir("t/a", 0755), "t/a");
	must(mkdir("t/a/deep", 0755), "deep");
	must(mkdir("t/b", 0755), "t/b");
	must(mkdir("t/empty", 0755), "t/empty");
	touch("t/file", 3);
	touch("t/a/one", 1);
	touch("t/a/two", 2);
	touch("t/a/deep/still", 4);
	touch("t/b/.hidden", 0);
	touch("t/b/star*", 0);
	must(mkfifo("t/b/fifo", 0644), "fifo");
	must(symlink("../file", "t/b/to-file"), "to-file");
	must(symlink("nowhere", "t/b/dangling"), "dangling");
	must(symlink("..", "t/a/up"), "up");
	must(symlink(other, "t/out"), "out");
	must(symlink("t", "link"), "link");
	snprintf(far, sizeof(far), "%s/far", other);
	must(mkdir(far, 0755), far);
	snprintf(far, sizeof(far), "%s/far/away", other);
	touch(far, 7);
}

/* glob */

static int on_glob_error(const char *path, int e)
{
	say("error %s %s", path, name_of(e));
	return 0;
}

static void try_glob(const char *pattern, int flags)
{
	glob_t g = { .gl_offs = 2 };
	int r = glob(pattern, flags, on_glob_error, &g);

	for (size_t i = 0; !r && i < g.gl_pathc; i++)
		say("%s", g.gl_pathv[i + (flags & GLOB_DOOFFS ? 2 : 0)]);
	if (!r && flags & GLOB_DOOFFS)
		say("offsets %s", g.gl_pathv[0] || g.gl_pathv[1] ? "set" : "-");
	say("magic %d alternative %d", !!(g.gl_flags & GLOB_MAGCHAR),
	    !!(g.gl_flags & GLOB_ALTDIRFUNC));
	flush("glob %s %x: %d", pattern, flags, r);
	if (!r)
		globfree(&g);
}

static void test_glob(void)
{
	static const struct {
		const char *pattern;
		int flags;
	} cases[] = {
		{ "t/*", 0 },
		{ "t/*", GLOB_MARK },
		{ "t/*", GLOB_ONLYDIR },
		{ "t/b/*", GLOB_PERIOD },
		{ "t/b/.*", 0 },
		{ "t/b/star\\*", 0 },
		{ "t/b/star\\*", GLOB_NOESCAPE },
		{ "*/*/[!o]*", GLOB_NOSORT },
		{ "t/{a,b,none}/*", GLOB_BRACE },
		{ "t/b/dang*", 0 },
		{ "t/b/dangling", 0 },
		{ "t/out/*", 0 },
		{ "t/out/*/*", 0 },
		{ "*k", GLOB_MARK },
		{ "none*", 0 },
		{ "none*", GLOB_NOCHECK },
		{ "t/none", GLOB_NOMAGIC },
		{ "t/file/*", GLOB_ERR },
		{ "~/t/a/*", GLOB_TILDE },
		{ "t/?", GLOB_DOOFFS },
		{ "", 0 },
		{ ".", 0 },
		{ "*", 0 },
		{ "t/a/[[:alpha:]]??", 0 },
	};
	char pattern[PATH_MAX];

	setenv("HOME", dir, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		try_glob(cases[i].pattern, cases[i].flags);
		if (strchr("~", cases[i].pattern[0]))
			continue;
		snprintf(pattern, sizeof(pattern), "%s/%s", dir,
			 cases[i].pattern);
		try_glob(pattern, cases[i].flags);
	}
	/* both worlds in one pattern */
	snprintf(pattern, sizeof(pattern), "{%s/t/f*,%s/*/*}", dir, other);
	try_glob(pattern, GLOB_BRACE);
}

static void test_glob_append(void)
{
	glob_t g = { .gl_pathc = 0 };
	int first = glob("t/a/*", 0, NULL, &g);
	int second = glob("t/b/*", GLOB_APPEND, NULL, &g);

	for (size_t i = 0; i < g.gl_pathc; i++)
		say("%s", g.gl_pathv[i]);
	flush("glob append: %d %d", first, second);
	globfree(&g);
}

static int counted;

static void *own_opendir(const char *path)
{
	counted++;
	return opendir(path);
}

static struct dirent *own_readdir(void *d)
{
	return readdir(d);
}

static void own_closedir(void *d)
{
	closedir(d);
}

static void test_glob_with_own_functions(void)
{
	glob_t g = { .gl_opendir = own_opendir,
		     .gl_readdir = own_readdir,
		     .gl_closedir = own_closedir,
		     .gl_stat = stat,
		     .gl_lstat = lstat };
	int r = glob("t/*/*", GLOB_ALTDIRFUNC, NULL, &g);

	printf("own functions: %d, %zu paths, opendir called: %d\n", r,
	       g.gl_pathc, counted > 0);
	globfree(&g);
}

/* ftw and nftw */

static int walk_flags;

static int on_object(const char *path, const struct stat *st, int what,
		     struct FTW *at)
{
	char cwd[PATH_MAX] = "";

	if (walk_flags & FTW_CHDIR && !getcwd(cwd, sizeof(cwd)))
		err(2, "getcwd");
	say("%s name %s kind %d level %d size %jd %s", path, path + at->base,
	    what, at->level, S_ISREG(st->st_mode) ? (intmax_t)st->st_size : 0,
	    cwd);
	return 0;
}

static int on_old_object(const char *path, const struct stat *st, int what)
{
	say("%s kind %d", path, what);
	return 0;
}

static void try_nftw(const char *path, int flags)
{
	int r;

	walk_flags = flags;
	errno = 0;
	r = nftw(path, on_object, 5, flags);
	flush("nftw %s %x: %d %s", path, flags, r, name_of(r ? errno : 0));
}

static void test_nftw(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/t", dir);
	for (int flags = 0; flags < 16; flags++) {
		/* elsewhere is another file system only in one of the runs */
		try_nftw(flags & FTW_MOUNT ? "t/b" : "t", flags);
		if (!(flags & FTW_MOUNT))
			try_nftw(path, flags);
	}
	try_nftw("t/", FTW_PHYS);
	try_nftw("link", FTW_PHYS);
	try_nftw("t/b/dangling", 0);
	try_nftw("none", 0);
	try_nftw("t/file", 0);
	try_nftw("t", 0x40);
}

static int outside;

static int count_outside(const char *path, const struct stat *st, int what,
			 struct FTW *at)
{
	outside += strstr(path, "out/") != NULL;
	return 0;
}

/* With OTHER in another file system: 0 if the walks stay where they are. */
static int test_other_is_not_entered(void)
{
	const char *paths[] = { "t", NULL };
	FTS *fts = fts_open((char *const *)paths, FTS_LOGICAL | FTS_XDEV, NULL);
	FTSENT *e;

	must(nftw("t", count_outside, 5, FTW_MOUNT), "nftw");
	while ((e = fts_read(fts)))
		outside += strstr(e->fts_path, "out/") != NULL;
	must(fts_close(fts), "fts_close");
	if (outside)
		warnx("%d objects of another file system", outside);
	return outside;
}

static char last_seen[PATH_MAX];

/* FTW_DEPTH: what is in a directory comes before it. */
static int remove_object(const char *path, const struct stat *st, int what,
			 struct FTW *at)
{
	return remove(path);
}

static int stop_at_one(const char *path, const struct stat *st, int what,
		       struct FTW *at)
{
	strcpy(last_seen, path);
	return strcmp(path + at->base, "one") ? 0 : 42;
}

static void test_nftw_answers(void)
{
	printf("stopped: %d at %s\n", nftw("t", stop_at_one, 5, FTW_PHYS),
	       last_seen);
	must(mkdir("gone", 0755), "gone");
	must(mkdir("gone/sub", 0755), "gone/sub");
	touch("gone/sub/f", 0);
	printf("removed: %d\n",
	       nftw("gone", remove_object, 5, FTW_DEPTH | FTW_PHYS));
	printf("ftw: %d\n", ftw("t", on_old_object, 5));
	flush("what it found");
}

/* fts */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void say_entry(const FTSENT *e, int options)
{
	printf("\t%s name %s level %d info %d errno %s", e->fts_path,
	       e->fts_name, e->fts_level, e->fts_info, name_of(e->fts_errno));
	if ((e->fts_info == FTS_F || e->fts_info == FTS_SL) &&
	    !(options & FTS_NOSTAT))
		printf(" size %jd", (intmax_t)e->fts_statp->st_size);
	putchar('\n');
}

/* what: of the entry called name, the instruction is given. */
static void try_fts(const char *a, const char *b, int options, const char *name,
		    int instruction)
{
	const char *paths[] = { a, b, NULL };
	FTS *fts = fts_open((char *const *)paths, options, by_name);
	bool told = false;
	FTSENT *e;

	printf("fts %s %s %x %s %d\n", a, b ? b : "", options, name ? name : "",
	       instruction);
	if (!fts) {
		printf("\tfailed: %s\n", name_of(errno));
		return;
	}
	while ((e = fts_read(fts))) {
		say_entry(e, options);
		if (told || !name || strcmp(e->fts_name, name))
			continue;
		told = true;
		must(fts_set(fts, e, instruction), "fts_set");
	}
	printf("\tend: %s\n", name_of(errno));
	must(fts_close(fts), "fts_close");
}

static void test_fts(void)
{
	static const int options[] = { FTS_PHYSICAL,
				       FTS_LOGICAL,
				       FTS_PHYSICAL | FTS_SEEDOT,
				       FTS_PHYSICAL | FTS_COMFOLLOW,
				       FTS_PHYSICAL | FTS_XDEV,
				       FTS_PHYSICAL | FTS_NOSTAT };
	char absolute[PATH_MAX];

	snprintf(absolute, sizeof(absolute), "%s/link", dir);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		try_fts(absolute, other, options[i] | FTS_NOCHDIR, NULL, 0);
	try_fts("t", "none", FTS_PHYSICAL, NULL, 0);
	try_fts("t", NULL, FTS_PHYSICAL, "a", FTS_SKIP);
	try_fts("t", NULL, FTS_PHYSICAL, "out", FTS_FOLLOW);
	try_fts("t", NULL, FTS_PHYSICAL, "dangling", FTS_FOLLOW);
	try_fts("t", NULL, FTS_PHYSICAL, "one", FTS_AGAIN);
	try_fts("t", "", FTS_PHYSICAL, NULL, 0);
	try_fts("t", NULL, 0x1000, NULL, 0);
}

static void test_fts_children(void)
{
	const char *paths[] = { "t", NULL };
	FTS *fts = fts_open((char *const *)paths, FTS_PHYSICAL, by_name);
	FTSENT *e;

	if (!fts)
		err(2, "fts_open");
	while ((e = fts_read(fts)))
		for (e = fts_children(fts, 0); e; e = e->fts_link)
			printf("child %s info %d\n", e->fts_name, e->fts_info);
	must(fts_close(fts), "fts_close");
}

/* temporary names */

static void tell_temp(const char *what, const char *path, int fd)
{
	struct stat st;

	if (fd < 0) {
		printf("%s: %s\n", what, name_of(errno));
		return;
	}
	printf("%s: mode %o flags %x replaced %d kept %s\n", what,
	       fstat(fd, &st) ? 0 : st.st_mode,
	       (unsigned)fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_SYNC),
	       !strstr(path, "XX"),
	       strrchr(path, '.') ? strrchr(path, '.') : "");
	close(fd);
	must(unlink(path), path);
}

static void test_mkstemp(void)
{
	char a[] = "tXXXXXX", b[] = "t/XXXXXX", c[] = "XXXXXX.txt";
	char d[] = "fooXXXXX", e[] = "none/XXXXXX", f[] = "t/file/XXXXXX";
	char g[] = "XXXXXX.s", h[] = "XXXXXX", i[] = "XXXXXXa", j[] = "";

	umask(0);
	tell_temp("mkstemp", a, mkstemp(a));
	tell_temp("mkostemp", b, mkostemp(b, O_APPEND | O_CLOEXEC));
	tell_temp("mkstemps", c, mkstemps(c, 4));
	tell_temp("mkostemps", g, mkostemps(g, 2, O_SYNC));
	tell_temp("five", d, mkstemp(d));
	tell_temp("no directory", e, mkstemp(e));
	tell_temp("a file", f, mkstemp(f));
	tell_temp("bad suffix", h, mkstemps(h, 1));
	tell_temp("no suffix", i, mkstemp(i));
	tell_temp("empty", j, mkstemp(j));
	tell_temp("negative", h, mkstemps(h, -1));
	umask(022);
}

static void test_many_names(void)
{
	char names[100][16];
	int same = 0;

	for (int i = 0; i < 100; i++) {
		strcpy(names[i], "many.XXXXXX");
		close(mkstemp(names[i]));
		for (int k = 0; k < i; k++)
			same += !strcmp(names[i], names[k]);
	}
	for (int i = 0; i < 100; i++)
		must(unlink(names[i]), names[i]);
	printf("equal names: %d\n", same);
}

static void test_mkdtemp(void)
{
	char a[] = "d.XXXXXX", b[] = "d.XXXXX", c[] = "none/XXXXXX", *p;
	struct stat st;

	p = mkdtemp(a);
	printf("mkdtemp: %d mode %o\n", p == a, stat(a, &st) ? 0 : st.st_mode);
	must(rmdir(a), a);
	p = mkdtemp(b);
	printf("mkdtemp: %s\n", p ? p : name_of(errno));
	p = mkdtemp(c);
	printf("mkdtemp: %s\n", p ? p : name_of(errno));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void test_names_only(void)
{
	char a[] = "XXXXXX", b[] = "abc", path[PATH_MAX], *p;
	/* the linker warns of calls */
	char *(*make)(char *) = mktemp;
	char *(*name_in)(const char *, const char *) = tempnam;

	p = make(a);
	printf("mktemp: %d %zu %d\n", p == a, strlen(p), access(p, F_OK));
	p = make(b);
	printf("mktemp: '%s' %s\n", p, name_of(errno));
	unsetenv("TMPDIR");
	p = name_in(dir, "prefix");
	printf("tempnam: %.*s %zu\n", (int)(strlen(dir) + 6), p,
	       strlen(p) - strlen(dir));
	free(p);
	snprintf(path, sizeof(path), "%s/t/", dir);
	setenv("TMPDIR", path, 1);
	p = name_in(other, NULL);
	printf("tempnam: %.*s %zu\n", (int)(strlen(dir) + 7), p,
	       strlen(p) - strlen(dir));
	free(p);
	setenv("TMPDIR", other, 1);
	p = name_in(dir, NULL);
	printf("tempnam: %d\n", !strncmp(p, other, strlen(other)));
	free(p);
	setenv("TMPDIR", "/none", 1);
	p = name_in("/none", NULL);
	printf("tempnam: %.9s\n", p);
	free(p);
}
#pragma GCC diagnostic pop

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 4)
		errx(2, "usage: walks DIR OTHER [stay]");
	dir = argv[1];
	other = argv[2];
	make_tree();
	if (argc == 4)
		return test_other_is_not_entered();
	test_glob();
	test_glob_append();
	test_glob_with_own_functions();
	test_nftw();
	test_nftw_answers();
	test_fts();
	test_fts_children();
	test_mkstemp();
	test_many_names();
	test_mkdtemp();
	test_names_only();
	return fflush(stdout) ? 2 : 0;
}
