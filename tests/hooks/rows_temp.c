/* SPDX-License-Identifier: BSD-3-Clause */
/* temporary files */
#include "tests/hooks/row.h"

static char t[1100];

/* A fresh template. */
static char *template(const char *name)
{
	return strcpy(t, P(name));
}

/* fd is a new file of mode 0600 with the name that stands in t. */
static void check(int fd, const char *prefix, const char *suffix)
{
	struct stat st, by_name;
	size_t n = strlen(t), s = strlen(suffix);

	TRUE(fd >= 0 && !fstat(fd, &st) && !lstat(t, &by_name) &&
	     st.st_ino == by_name.st_ino);
	TRUE(st.st_mode == (S_IFREG | 0600));
	TRUE(!strncmp(t, P(prefix), strlen(P(prefix))) &&
	     !strcmp(t + n - s, suffix) && !strstr(t, "XXXXXX"));
	TRUE(write(fd, "x", 1) == 1);
}

ROW(mkstemp)
{
	check(FD(mkstemp(template("fXXXXXX"))), "f", "");
	FAILS(mkstemp(template("fXXXX")), EINVAL);
	FAILS(mkstemp(template("none/fXXXXXX")), ENOENT);
}

ROW(mkostemp)
{
	int fd = FD(mkostemp(template("fXXXXXX"), O_CLOEXEC));

	check(fd, "f", "");
	IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
	FAILS(mkostemp(template("none/fXXXXXX"), 0), ENOENT);
}

ROW(mkstemps)
{
	check(FD(mkstemps(template("fXXXXXX.c"), 2)), "f", ".c");
	FAILS(mkstemps(template("fXXXXXX.c"), 1), EINVAL);
}

ROW(mkostemps)
{
	int fd = FD(mkostemps(template("fXXXXXX.c"), 2, O_CLOEXEC));

	check(fd, "f", ".c");
	IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
	FAILS(mkostemps(template("fXXXXXX.c"), 1, 0), EINVAL);
}

ROW(mkdtemp)
{
	struct stat st;

	TRUE(PTR(mkdtemp(template("dXXXXXX"))) == t);
	OK(lstat(t, &st));
	TRUE(st.st_mode == (S_IFDIR | 0700));
	NONE(mkdtemp(template("dXXXX")), EINVAL);
	NONE(mkdtemp(template("none/dXXXXXX")), ENOENT);
}

/* By their address: the linker warns of these names. */
ROW(mktemp)
{
	char *(*call)(char *) = dlsym(RTLD_DEFAULT, "mktemp");
	struct stat st;

	OK(mkdir(P("d"), 0755));
	TRUE(call(template("d/fXXXXXX")) == t);
	TRUE(strlen(t) == strlen(P("d/fXXXXXX")) && !strstr(t, "XXXXXX"));
	FAILS(lstat(t, &st), ENOENT);
	TRUE(call(template("fXXXX")) == t && !*t);
	put("f", "");
	TRUE(call(template("f/XXXXXX")) == t && !*t); /* not a directory */
}

ROW(tempnam)
{
	char *(*call)(const char *, const char *) =
		dlsym(RTLD_DEFAULT, "tempnam");
	char *name;

	unsetenv("TMPDIR");
	name = PTR(call(row_dir, "pre"));
	TRUE(!strncmp(name, P("pre"), strlen(P("pre"))));
}

/* In P_tmpdir: the test's script makes that the prefix of BenchFS. */
ROW(tmpfile)
{
	struct stat st, tmp;
	FILE *f = PTR(tmpfile());

	OK(fstat(fileno(f), &st));
	OK(stat(P_tmpdir, &tmp));
	TRUE(st.st_dev == tmp.st_dev && st.st_nlink == 0);
	TRUE(fputs("hello", f) >= 0 && !fflush(f));
	rewind(f);
	TEXT(fgets(t, sizeof(t), f), "hello");
	GIVES(fclose(f), 0);
}
