/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * openat2 DIR: the system call with every way to resolve a path, and what it
 * refuses.  Prints what it answers.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

static char top[512];

static const struct {
	const char *name;
	uint64_t resolve;
} ways[] = {
	{ "none", 0 },
	{ "beneath", RESOLVE_BENEATH },
	{ "in root", RESOLVE_IN_ROOT },
	{ "no symlinks", RESOLVE_NO_SYMLINKS },
	{ "no magic", RESOLVE_NO_MAGICLINKS },
	{ "beneath, no symlinks", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS },
	{ "in root, no xdev", RESOLVE_IN_ROOT | RESOLVE_NO_XDEV },
	{ "beneath, in root", RESOLVE_BENEATH | RESOLVE_IN_ROOT },
	{ "unknown", 1u << 20 },
};

/* %s: the directory of the test; %d: a descriptor of it. */
static const char *const paths[] = {
	"f",
	"sub/g",
	"sub/../f",
	"..",
	"../out",
	"sub/../..",
	"/f",
	"/sub/g",
	"/",
	"/../f",
	"%s/out",
	"here",
	"up",
	"absolute",
	"inside",
	"dangling",
	"dir/g",
	"dirup/out",
	"none",
	"",
	".",
	"sub/",
	"f/",
	"loop",
	"absdir/g",
	"root",
	"/root/f",
	"slashes",
	"%s/d/here",
	"%s/d/f",
	"/proc/self/fd/%d/f",
	"/proc/self/fd/%d",
};

static void expand(char *to, const char *pattern, int fd)
{
	for (; *pattern; pattern++) {
		if (*pattern != '%')
			*to++ = *pattern;
		else if (*++pattern == 'd')
			to += sprintf(to, "%d", fd);
		else
			to += sprintf(to, "%s", top);
	}
	*to = '\0';
}

static int call(int dir, const char *path, struct open_how how, size_t size)
{
	return (int)syscall(SYS_openat2, dir, path, &how, size);
}

static void show(const char *what, const char *path, int fd)
{
	struct stat st;
	char c = '-';

	printf("%s, %s: ", what, path);
	if (fd < 0) {
		printf("%s\n", strerrorname_np(errno));
		return;
	}
	if (fstat(fd, &st))
		err(2, "fstat");
	if (S_ISREG(st.st_mode) && read(fd, &c, 1) < 0)
		c = '?';
	printf("%o %c\n", st.st_mode & S_IFMT, c);
	close(fd);
}

static void put(const char *name, char c)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	if (fd < 0 || write(fd, &c, 1) != 1 || close(fd))
		err(2, "%s", name);
}

static void make_tree(void)
{
	char to[1024];

	put("out", 'o');
	if (mkdir("d", 0755) || mkdir("d/sub", 0755) ||
	    symlink("f", "d/here") || symlink("../out", "d/up") ||
	    symlink("sub/g", "d/inside") || symlink("none", "d/dangling") ||
	    symlink("sub", "d/dir") || symlink("..", "d/dirup") ||
	    symlink("loop", "d/loop") || symlink("/", "d/root") ||
	    symlink("//f", "d/slashes"))
		err(2, "tree");
	put("d/f", 'f');
	put("d/sub/g", 'g');
	snprintf(to, sizeof(to), "%s/out", top);
	if (symlink(to, "d/absolute"))
		err(2, "symlink");
	snprintf(to, sizeof(to), "%s/d/sub", top);
	if (symlink(to, "d/absdir"))
		err(2, "symlink");
}

static void resolve_all(int dir, const char *whose)
{
	char path[1024], what[64];

	for (int w = 0; w < COUNT(ways); w++)
		for (int p = 0; p < COUNT(paths); p++) {
			struct open_how how = { .resolve = ways[w].resolve };

			expand(path, paths[p], dir < 0 ? 0 : dir);
			/* the real root is not the test's */
			if (!strcmp(paths[p], "root") ||
			    !strcmp(paths[p], "slashes") ||
			    paths[p][0] == '/' || paths[p][0] == '%')
				if (!(how.resolve & RESOLVE_IN_ROOT) &&
				    strncmp(paths[p], "/proc", 5) &&
				    paths[p][0] != '%')
					continue;
			snprintf(what, sizeof(what), "%s, %s", whose,
				 ways[w].name);
			show(what, paths[p], call(dir, path, how, sizeof(how)));
			how.flags = O_PATH | O_NOFOLLOW;
			snprintf(what, sizeof(what), "%s, %s, itself", whose,
				 ways[w].name);
			show(what, paths[p], call(dir, path, how, sizeof(how)));
		}
}

static void create(int dir)
{
	static const char *const names[] = { "new",	  "sub/new", "../new",
					     "dirup/new", "/new",    "dangling",
					     "up" };

	for (int w = 1; w < 4; w++)
		for (int p = 0; p < COUNT(names); p++) {
			struct open_how how = { .flags = O_CREAT | O_RDWR,
						.mode = 0600,
						.resolve = ways[w].resolve };

			if (names[p][0] == '/' && w == 3)
				continue;
			show(ways[w].name, names[p],
			     call(dir, names[p], how, sizeof(how)));
			unlink("d/new");
			unlink("d/sub/new");
			unlink("d/none");
		}
}

#define REFUSES(size, ...) \
	do { \
		struct open_how how_ = { __VA_ARGS__ }; \
\
		show(#__VA_ARGS__, #size, call(dir, "f", how_, size)); \
	} while (0)

static void refusals(int dir)
{
	struct {
		struct open_how how;
		uint64_t more;
	} large = { .more = 0 };

	REFUSES(24, .flags = O_RDONLY);
	REFUSES(23, .flags = O_RDONLY);
	REFUSES(0, .flags = O_RDONLY);
	REFUSES(24, .flags = 1ull << 40);
	REFUSES(24, .flags = 1u << 29);
	REFUSES(24, .mode = 0600);
	REFUSES(24, .flags = O_CREAT, .mode = 010000);
	REFUSES(24, .flags = O_CREAT, .mode = 07777);
	REFUSES(24, .flags = O_PATH | O_RDWR);
	REFUSES(24, .flags = O_PATH | O_CLOEXEC);
	REFUSES(24, .flags = O_TMPFILE, .mode = 0600);
	REFUSES(24, .flags = O_CREAT, .mode = 0600, .resolve = RESOLVE_CACHED);
	show("large", "zeros",
	     (int)syscall(SYS_openat2, dir, "f", &large, sizeof(large)));
	large.more = 1;
	show("large", "one",
	     (int)syscall(SYS_openat2, dir, "f", &large, sizeof(large)));
}

int main(int argc, char **argv)
{
	int dir;

	if (argc != 2 || chdir(argv[1]) || strlen(argv[1]) >= sizeof(top))
		err(2, "usage: openat2 DIR");
	strcpy(top, argv[1]);
	make_tree();
	dir = open("d", O_PATH);
	resolve_all(dir, "directory");
	create(dir);
	refusals(dir);
	if (chdir("d"))
		err(2, "chdir");
	resolve_all(AT_FDCWD, "cwd");
	close(dir);
	return 0;
}
