/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * renames DIR: rename, renameat2 and link from every kind of name to every
 * other, in DIR.  Prints what each answers and what is there afterwards.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

static const char *const names[] = {
	"file",		"hard",	   "other",    "empty",
	"empty/",	"full",	   "full/",    "full/sub",
	"full/sub/new", "full/in", "full/.",   "full/..",
	"full/sub/..",	".",	   "..",       "link",
	"link/",	"dirlink", "dirlink/", "dangling",
	"dangling/",	"fifo",	   "none",     "none/",
	"none/x",	"file/x",  "file/",    "",
	"full2",	"loop/x",  "sticky/s", "empty/new",
	"empty/new/",
};

static void put(const char *name)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0 || write(fd, name, strlen(name)) < 0 || close(fd))
		err(2, "%s", name);
}

static void make_tree(void)
{
	put("file");
	put("other");
	if (link("file", "hard") || mkdir("empty", 0755) ||
	    mkdir("full", 0755) || mkdir("full/sub", 0755) ||
	    mkdir("full2", 0755) || mkdir("sticky", 01777) ||
	    symlink("file", "link") || symlink("full", "dirlink") ||
	    symlink("nowhere", "dangling") || symlink("loop", "loop") ||
	    mkfifo("fifo", 0644))
		err(2, "tree");
	put("full/in");
	put("full2/in");
	put("sticky/s");
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)st;
	(void)type;
	return where->level ? remove(path) : 0;
}

static void remove_tree(void)
{
	if (nftw(".", remove_one, 10, FTW_DEPTH | FTW_PHYS))
		err(2, "nftw");
}

static void print_one(const char *path, const struct stat *st)
{
	char text[64] = "";
	int fd;

	if (S_ISREG(st->st_mode)) {
		fd = open(path, O_RDONLY);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
			err(2, "%s", path);
		close(fd);
	} else if (S_ISLNK(st->st_mode)) {
		if (readlink(path, text, sizeof(text) - 1) < 0)
			err(2, "%s", path);
	}
	/* a directory's count is 2 and one for each below it */
	printf("\t%s %o %lu %s\n", path, st->st_mode, st->st_nlink, text);
}

/* What is there, in order of names. */
static void print_dir(const char *dir)
{
	struct dirent **list;
	char path[512];
	struct stat st;
	int n = scandir(dir, &list, NULL, alphasort);

	if (n < 0)
		err(2, "scandir");
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		if (strcmp(name, ".") && strcmp(name, "..")) {
			snprintf(path, sizeof(path), "%s/%s", dir, name);
			if (lstat(path, &st))
				err(2, "%s", path);
			print_one(path, &st);
			if (S_ISDIR(st.st_mode))
				print_dir(path);
		}
		free(list[i]);
	}
	free(list);
}

static int call(int n, const char *from, const char *to)
{
	switch (n) {
	case 0:
		return rename(from, to);
	case 1:
		return renameat2(AT_FDCWD, from, AT_FDCWD, to,
				 RENAME_NOREPLACE);
	case 2:
		return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE);
	default:
		return link(from, to);
	}
}

static const char *const calls[] = { "rename", "noreplace", "exchange",
				     "link" };

static void one(int n, const char *from, const char *to)
{
	int r = call(n, from, to);

	printf("%s %s %s: %s\n", calls[n], from, to,
	       r ? strerrorname_np(errno) : "done");
	if (r)
		return;
	print_dir(".");
	remove_tree();
	make_tree();
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		err(2, "usage: renames DIR");
	make_tree();
	for (int n = 0; n < COUNT(calls); n++)
		for (int i = 0; i < COUNT(names); i++)
			for (int j = 0; j < COUNT(names); j++)
				one(n, names[i], names[j]);
	remove_tree();
	return 0;
}
