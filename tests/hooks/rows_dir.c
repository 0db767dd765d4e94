/* SPDX-License-Identifier: BSD-3-Clause */
/* directory streams, and walks over trees */
#include "tests/hooks/row.h"

#include <linux/magic.h>
#include <malloc.h>

/* a, b, c/ with c/d */
static void tree(void)
{
	put("a", "a");
	put("b", "bb");
	OK(mkdir(P("c"), 0755));
	put("c/d", "d");
}

/* The names that remain in a stream, dots aside, as one word in order. */
static const char *names(DIR *d)
{
	static char out[64];
	bool seen[256] = { false };
	struct dirent *e;
	char *p = out;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			seen[(unsigned char)e->d_name[0]] = true;
	for (int c = 0; c < 256; c++)
		if (seen[c])
			*p++ = (char)c;
	*p = '\0';
	return out;
}

ROW(opendir)
{
	DIR *d;

	tree();
	d = PTR(opendir(row_dir));
	TEXT(names(d), "abc");
	OK(closedir(d));
	NONE(opendir(P("none")), ENOENT);
	NONE(opendir(P("a")), ENOTDIR);
	NONE(opendir(""), ENOENT);
}

ROW(fdopendir)
{
	DIR *d;
	int fd;

	tree();
	fd = dir();
	d = PTR(fdopendir(fd));
	TRUE(dirfd(d) == fd);
	TEXT(names(d), "abc");
	OK(closedir(d));
	FAILS(close(fd), EBADF);
	NONE(fdopendir(open(P("a"), O_RDONLY)), ENOTDIR);
	NONE(fdopendir(987), EBADF);
}

ROW(readdir)
{
	struct dirent *e;
	bool found = false;
	struct stat st;
	DIR *d;

	tree();
	d = opendir(row_dir);
	while ((errno = CANARY, e = readdir(d)))
		if (!strcmp(e->d_name, "c"))
			found = e->d_type == DT_DIR && !stat(P("c"), &st) &&
				e->d_ino == st.st_ino;
	TRUE(found);
	TRUE(errno == CANARY); /* the end is not an error */
	TRUE(!readdir(d));
	OK(closedir(d));
}

ROW(readdir_r)
{
	typedef int call_fn(DIR *, struct dirent *, struct dirent **);
	call_fn *call = (call_fn *)dlsym(RTLD_DEFAULT, "readdir_r");
	struct dirent e, *r;
	int n = 0;
	DIR *d;

	tree();
	d = opendir(row_dir);
	while (!call(d, &e, &r) && r)
		n++;
	IS(n, 5); /* with the dots */
	OK(closedir(d));
}

ROW(closedir)
{
	DIR *d = PTR(opendir(row_dir));
	int fd = dirfd(d);

	struct statfs s;

	TRUE(fd >= 0);
	OK(closedir(d));
	FAILS(fcntl(fd, F_GETFD), EBADF);
	TRUE(open("/proc/self/maps", O_RDONLY) == fd);
	OK(fstatfs(fd, &s)); /* nothing of the directory sticks to it */
	TRUE(s.f_type == PROC_SUPER_MAGIC);
}

ROW(rewinddir)
{
	DIR *d;

	tree();
	d = PTR(opendir(row_dir));
	TEXT(names(d), "abc");
	TEXT(names(d), "");
	put("new", "");
	rewinddir(d);
	TEXT(names(d), "abcn");
	OK(closedir(d));
}

ROW(seekdir)
{
	char first[256], again[256];
	DIR *d;
	long at;

	tree();
	d = PTR(opendir(row_dir));
	readdir(d);
	at = telldir(d);
	strcpy(first, readdir(d)->d_name);
	names(d);
	seekdir(d, at);
	strcpy(again, readdir(d)->d_name);
	TRUE(!strcmp(first, again));
	OK(closedir(d));
}

ROW(telldir)
{
	DIR *d;
	long start, later;

	tree();
	d = PTR(opendir(row_dir));
	start = telldir(d);
	readdir(d);
	later = telldir(d);
	TRUE(start >= 0 && later >= 0 && start != later);
	OK(closedir(d));
}

static int no_dots(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void check_list(struct dirent **list, long n)
{
	if (!TRUE(n == 3))
		row_exit();
	TEXT(list[0]->d_name, "a");
	TEXT(list[1]->d_name, "b");
	TEXT(list[2]->d_name, "c");
}

ROW(scandir)
{
	struct dirent **list;

	tree();
	check_list(list, scandir(row_dir, &list, no_dots, alphasort));
	FAILS(scandir(P("none"), &list, no_dots, alphasort), ENOENT);
}

ROW(scandirat)
{
	struct dirent **list;
	int d;

	tree();
	d = dir();
	check_list(list, scandirat(d, ".", &list, no_dots, alphasort));
	FAILS(scandirat(d, "none", &list, no_dots, alphasort), ENOENT);
}

static int entries, directories;

static int count(const char *path, const struct stat *st, int type)
{
	entries++;
	directories += type == FTW_D || type == FTW_DP;
	return 0;
}

static int count_nftw(const char *path, const struct stat *st, int type,
		      struct FTW *f)
{
	if (!strcmp(path + f->base, "d"))
		TRUE(f->level == 2 && st->st_size == 1);
	return count(path, st, type);
}

ROW(ftw)
{
	tree();
	GIVES(ftw(row_dir, count, 8), 0);
	TRUE(entries == 5 && directories == 2);
	FAILS(ftw(P("none"), count, 8), ENOENT);
}

ROW(nftw)
{
	tree();
	GIVES(nftw(row_dir, count_nftw, 8, FTW_DEPTH | FTW_PHYS), 0);
	TRUE(entries == 5 && directories == 2);
	FAILS(nftw(P("none"), count_nftw, 8, 0), ENOENT);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static FTS *start(void)
{
	char *const paths[] = { row_dir, NULL };

	tree();
	return PTR(fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name));
}

ROW(fts_open)
{
	FTS *f = start();
	FTSENT *e = fts_read(f);

	TRUE(e && e->fts_info == FTS_D && e->fts_level == 0);
	GIVES(fts_close(f), 0);
}

ROW(fts_read)
{
	FTS *f = start();
	char seen[32] = "", info[2] = "";
	FTSENT *e;

	while ((e = fts_read(f))) {
		info[0] = e->fts_level == 0 ? '.' : e->fts_name[0];
		strcat(seen, info);
		if (e->fts_info == FTS_F && e->fts_name[0] == 'b')
			TRUE(e->fts_statp->st_size == 2);
	}
	TEXT(seen, ".abcdc."); /* directories twice */
	GIVES(fts_close(f), 0);
}

ROW(fts_children)
{
	FTS *f = start();
	FTSENT *e;

	fts_read(f);
	e = fts_children(f, 0);
	TRUE(e && !strcmp(e->fts_name, "a"));
	TRUE(e && e->fts_link && !strcmp(e->fts_link->fts_name, "b"));
	GIVES(fts_close(f), 0);
}

/* Memory in use after some walks that are given up in the middle. */
static size_t used_after(char *const paths[], int walks)
{
	while (walks--) {
		FTS *f = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);

		fts_read(f);
		fts_children(f, 0);
		fts_close(f);
	}
	return mallinfo2().uordblks;
}

/* The working directory and what is open are left as they were. */
ROW(fts_close)
{
	char *const paths[] = { row_dir, NULL };
	char cwd[4096];
	FTS *f = start();
	size_t used;

	fts_read(f);
	GIVES(fts_close(f), 0);
	OK(chdir("/"));
	f = PTR(fts_open(paths, FTS_PHYSICAL, by_name));
	for (int i = 0; i < 3; i++)
		fts_read(f);
	GIVES(fts_close(f), 0);
	TRUE(fcntl(0, F_GETFD) >= 0);
	TEXT(getcwd(cwd, sizeof(cwd)), "/");
	used = used_after(paths, 10);
	TRUE(used_after(paths, 100) < used + 20000);
}

ROW(glob)
{
	glob_t g;

	tree();
	GIVES(glob(P("[ab]"), 0, NULL, &g), 0);
	if (!TRUE(g.gl_pathc == 2))
		return;
	TEXT(g.gl_pathv[0], P("a"));
	TEXT(g.gl_pathv[1], P("b"));
	globfree(&g);
	GIVES(glob(P("*/?"), GLOB_MARK, NULL, &g), 0);
	TRUE(g.gl_pathc == 1 && !strcmp(g.gl_pathv[0], P("c/d")));
	globfree(&g);
	GIVES(glob(P("x*"), 0, NULL, &g), GLOB_NOMATCH);
}

/* What words mean, joined by spaces. */
static const char *expand(const char *words, int flags)
{
	static char text[8192];
	wordexp_t w = { .we_wordc = 0 };
	char *to = text;
	int r = wordexp(words, &w, flags);

	if (r)
		return r == WRDE_BADCHAR   ? "bad character"
		       : r == WRDE_BADVAL  ? "undefined"
		       : r == WRDE_CMDSUB  ? "command"
		       : r == WRDE_SYNTAX  ? "syntax"
		       : r == WRDE_NOSPACE ? "no space"
					   : "?";
	for (size_t i = 0; i < w.we_wordc; i++) {
		const char *p = w.we_wordv[i];

		if (!strncmp(p, row_dir, strlen(row_dir)))
			to += sprintf(to, "@"), p += strlen(row_dir);
		to += sprintf(to, "%s ", p);
	}
	*to = '\0';
	wordfree(&w);
	return text;
}

ROW(wordexp)
{
	wordexp_t w = { .we_offs = 2 };

	put("a", ""), put("b", ""), put("a*", ""), put("it's", "");
	setenv("ROW", row_dir, 1);
	unsetenv("NONE");
	TEXT(expand("$ROW/*", 0), "@/a @/a* @/b @/it's ");
	TEXT(expand("\"$ROW\"/x $ROW/[ab] z", 0), "@/x @/a @/b z ");
	TEXT(expand("${ROW}/a'*'", 0), "@/a* ");
	TEXT(expand("$ROW/[b]'*' $ROW/'?'", 0), "@/b @/? ");
	setenv("ROW_STAR", "*", 1);
	TEXT(expand("$ROW/i* $ROW/\"$ROW_STAR\"", 0), "@/it's @/* ");
	TEXT(expand("$ROW/x* $ROW/\\a \"*\"q", 0), "@/x* @/a *q ");
	TEXT(expand("$(echo x)$ROW/nothing-[q]", WRDE_NOCMD), "command");
	TEXT(expand("`echo $ROW`/i*", 0), "@/it's ");
	TEXT(expand("$ROW/* $NONE", WRDE_UNDEF), "undefined");
	TEXT(expand("$ROW/* | x", 0), "bad character");
	TEXT(expand("$ROW/* ${", 0), "syntax");
	chdir(row_dir);
	TEXT(expand("?", 0), "a b ");
	GIVES(wordexp("one ?", &w, WRDE_DOOFFS), 0);
	GIVES(wordexp("i*s", &w, WRDE_DOOFFS | WRDE_APPEND), 0);
	TRUE(w.we_wordc == 4 && !w.we_wordv[0] && !w.we_wordv[1]);
	TEXT(w.we_wordv[2], "one");
	TEXT(w.we_wordv[5], "it's");
	GIVES(wordexp("b?*", &w, WRDE_REUSE), 0);
	TRUE(w.we_wordc == 1 && !strcmp(w.we_wordv[0], "b?*"));
	wordfree(&w);
}
