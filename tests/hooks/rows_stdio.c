/* SPDX-License-Identifier: BSD-3-Clause */
/* stdio */
#include "tests/hooks/row.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <wchar.h>

static char buf[256];

static const char *line(FILE *f)
{
	return fgets(buf, sizeof(buf), f);
}

static void modes(void)
{
	FILE *f;

	f = PTR(fopen(P("f"), "a+"));
	TEXT(line(f), "hello");
	TRUE(fputs(" you", f) >= 0);
	OK(fclose(f));
	TEXT(get("f"), "hello you");
	f = PTR(fopen(P("f"), "r+e"));
	IS(fcntl(fileno(f), F_GETFD), FD_CLOEXEC);
	TRUE(fputs("J", f) >= 0 && !fseek(f, -1, SEEK_END));
	TRUE(fgetc(f) == 'u' && ftell(f) == 9 && fgetc(f) == EOF && feof(f));
	OK(fclose(f));
	TEXT(get("f"), "Jello you");
	NONE(fopen(P("f"), "wx"), EEXIST);
	NONE(fopen(P("f"), "q"), EINVAL);
	NONE(fopen(P("none"), "r"), ENOENT);
	NONE(fopen(P("."), "w"), EISDIR);
}

ROW(fopen)
{
	wint_t c;
	FILE *f;

	f = PTR(fopen(P("f"), "w"));
	TRUE(fprintf(f, "%s", "hello") == 5 && !fflush(f));
	TEXT(get("f"), "hello");
	OK(fclose(f));
	modes();
	f = PTR(fopen(P("w"), "w+,ccs=UTF-8"));
	TRUE(fputwc(0x20ac, f) == 0x20ac && !fseek(f, 0, SEEK_SET));
	c = fgetwc(f);
	TRUE(c == 0x20ac);
	OK(fclose(f));
	TEXT(get("w"), "\342\202\254");
	f = PTR(fopen(P("f"), "rm"));
	TEXT(line(f), "Jello you");
	OK(fclose(f));
}

ROW(freopen)
{
	FILE *f, *g;
	int fd;

	put("a", "from a");
	put("b", "from b");
	f = PTR(fopen(P("a"), "r"));
	fd = fileno(f);
	TEXT(line(f), "from a");
	g = PTR(freopen(P("b"), "r", f));
	TRUE(g == f && fileno(f) == fd);
	TEXT(line(f), "from b");
	g = PTR(freopen(P("c"), "w", f)); /* another direction */
	TRUE(g == f && fileno(f) == fd && fputs("to c", f) >= 0);
	g = PTR(freopen("/dev/null", "w", f)); /* out, and in again */
	TEXT(get("c"), "to c");
	TRUE(g == f && fileno(f) == fd && fputs("lost", f) >= 0);
	g = PTR(freopen(P("c"), "a", f));
	TRUE(g == f && fileno(f) == fd && fputs(", more", f) >= 0);
	g = PTR(freopen(NULL, "r", f)); /* the same file */
	TRUE(g == f && fileno(f) == fd);
	TEXT(line(f), "to c, more");
	NONE(freopen(P("none"), "r", f), ENOENT);
	FAILS(fcntl(fd, F_GETFD), EBADF);
	GIVES(fclose(f), EOF);
}

ROW(fdopen)
{
	int fd = file("f", "hello"), r = open(P("f"), O_RDONLY);
	FILE *f = PTR(fdopen(fd, "a"));

	TRUE(fileno(f) == fd);
	TRUE(fcntl(fd, F_GETFL) & O_APPEND);
	IS(pwrite(open(P("f"), O_WRONLY), "o,", 2, 4), 2);
	TRUE(fputs("!", f) >= 0 && !fflush(f));
	TEXT(get("f"), "hello,!");
	OK(fclose(f));
	FAILS(fcntl(fd, F_GETFD), EBADF);
	NONE(fdopen(r, "w"), EINVAL);
	NONE(fdopen(987, "r"), EBADF);
	f = PTR(fdopen(open(P("f"), O_RDWR), "r+"));
	TEXT(line(f), "hello,!");
	TRUE(!fseek(f, 0, SEEK_END) && fputs("?", f) >= 0 && !fclose(f));
	TEXT(get("f"), "hello,!?");
}

/* Nothing of the file may stick to its number. */
ROW(fclose)
{
	FILE *f, *w;
	struct statfs s;
	struct stat st;
	int fd, maps;

	put("f", "hello");
	f = PTR(fopen(P("f"), "r"));
	fd = fileno(f);
	TEXT(line(f), "hello");
	OK(fclose(f));
	FAILS(fcntl(fd, F_GETFD), EBADF);
	maps = open("/proc/self/maps", O_RDONLY);
	TRUE(maps == fd);
	OK(fstatfs(maps, &s));
	TRUE(s.f_type == PROC_SUPER_MAGIC);
	OK(fstat(maps, &st));
	TRUE(st.st_size == 0);
	w = PTR(fopen(P("w"), "w"));
	TRUE(fputs("written at the end", w) >= 0);
	OK(fclose(w));
	TEXT(get("w"), "written at the end");
	f = PTR(fopen(P("f"), "r"));
	close(fileno(f));
	FAILS(fclose(f), EBADF);
}

/* The command starts in this working directory. */
ROW(popen)
{
	FILE *f;

	put("f", "hello\n");
	OK(chdir(row_dir));
	f = PTR(popen("cat f", "r"));
	TEXT(line(f), "hello\n");
	GIVES(pclose(f), 0);
	f = PTR(popen("cat >g", "w"));
	TRUE(fputs("out", f) >= 0);
	GIVES(pclose(f), 0);
	TEXT(get("g"), "out");
	NONE(popen("true", "q"), EINVAL);
}

ROW(pclose)
{
	FILE *f = PTR(popen("exit 3", "r"));

	GIVES(pclose(f), 3 << 8);
	f = PTR(popen("cat >/dev/null; exit 4", "w"));
	GIVES(pclose(f), 4 << 8);
}
