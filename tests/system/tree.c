/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree DIR: one line for everything below DIR, sorted, for comparing two
 * trees.  What only depends on the file system (sizes and link counts of
 * directories) and times of the last hour are left out.  On the way it checks
 * that all the ways to ask about a file agree; if not, the exit status is 1.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define SHOWN 300 /* bytes of content that are printed as they are */

struct seen {
	struct seen *next;
	ino_t ino;
	char path[];
};

static struct seen *hard_links;
static time_t now;
static size_t root_len; /* of DIR, which is not printed */
static int bad;

static void print_escaped(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c > ' ' && c < 127 && c != '\\')
			putchar(c);
		else
			printf("\\%03o", c);
	}
}

static void complain(const char *path, const char *what)
{
	warnx("%s: %s", path, what);
	bad = 1;
}

static void check_same(const char *path, const struct stat *a,
		       const struct stat *b)
{
	if (a->st_dev != b->st_dev || a->st_ino != b->st_ino ||
	    a->st_mode != b->st_mode || a->st_size != b->st_size ||
	    a->st_nlink != b->st_nlink || a->st_uid != b->st_uid ||
	    a->st_gid != b->st_gid || a->st_mtime != b->st_mtime ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		complain(path, "lstat and fstat disagree");
}

static void print_content(const char *path, const struct stat *st)
{
	static char buf[65536];
	uint64_t hash = 0xcbf29ce484222325;
	off_t total = 0;
	struct stat fst;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &fst) < 0) {
		printf(" unreadable:%s", strerrorname_np(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	check_same(path, st, &fst);
	fputs(" = ", stdout);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (st->st_size <= SHOWN)
			print_escaped(buf, (size_t)n);
		for (ssize_t i = 0; i < n; i++)
			hash = (hash ^ (unsigned char)buf[i]) * 0x100000001b3;
		total += n;
	}
	if (n < 0)
		complain(path, strerror(errno));
	if (total != st->st_size)
		complain(path, "st_size is not what read finds");
	if (st->st_size > SHOWN)
		printf("fnv:%016" PRIx64, hash);
	close(fd);
}

/* Says of a further name of an inode which name was first. */
static void print_hard_link(const char *path, const struct stat *st)
{
	struct seen *s;

	if (st->st_nlink < 2)
		return;
	for (s = hard_links; s; s = s->next)
		if (s->ino == st->st_ino) {
			fputs(" same-as ", stdout);
			print_escaped(s->path + root_len,
				      strlen(s->path + root_len));
			return;
		}
	s = malloc(sizeof(*s) + strlen(path) + 1);
	if (!s)
		err(2, "malloc");
	s->ino = st->st_ino;
	strcpy(s->path, path);
	s->next = hard_links;
	hard_links = s;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_xattrs(const char *path)
{
	static char list[65536], value[65536];
	ssize_t n = llistxattr(path, list, sizeof(list));
	char *names[256];
	size_t count = 0;

	for (char *p = list; n > 0 && p < list + n && count < 256;
	     p += strlen(p) + 1)
		if (!strncmp(p, "user.", 5))
			names[count++] = p;
	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++) {
		ssize_t len = lgetxattr(path, names[i], value, sizeof(value));

		printf(" x:%s=", names[i]);
		if (len < 0)
			complain(path, "listed attribute cannot be read");
		else
			print_escaped(value, (size_t)len);
	}
}

static void print_special(const char *path, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n;

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		print_content(path, st);
		break;
	case S_IFLNK:
		n = readlink(path, target, sizeof(target));
		fputs(" -> ", stdout);
		if (n >= 0)
			print_escaped(target, (size_t)n);
		if (n != st->st_size)
			complain(path, "st_size is not the target's length");
		break;
	case S_IFBLK:
	case S_IFCHR:
		printf(" %u:%u", major(st->st_rdev), minor(st->st_rdev));
		break;
	}
}

static void print_entry(const char *path, const struct stat *st)
{
	putchar('.');
	print_escaped(path + root_len, strlen(path + root_len));
	printf(" %06o %u:%u", st->st_mode, st->st_uid, st->st_gid);
	if (!S_ISDIR(st->st_mode))
		printf(" n%ju", (uintmax_t)st->st_nlink);
	if (S_ISREG(st->st_mode))
		printf(" %jd", (intmax_t)st->st_size);
	if (st->st_mtime > now - 3600 && st->st_mtime < now + 60)
		fputs(" now", stdout);
	else
		printf(" %jd.%09ld", (intmax_t)st->st_mtime,
		       st->st_mtim.tv_nsec);
	print_special(path, st);
	if (!S_ISDIR(st->st_mode))
		print_hard_link(path, st);
	print_xattrs(path);
	putchar('\n');
}

static char **read_names(const char *path, size_t *count)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char **names = NULL;

	*count = 0;
	if (!dir) {
		complain(path, strerror(errno));
		return NULL;
	}
	while (errno = 0, (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		names = reallocarray(names, *count + 1, sizeof(*names));
		/* its type goes behind the name, for walk() */
		if (!names || asprintf(&names[*count], "%s%c", e->d_name,
				       e->d_type + 'A') < 0)
			err(2, "malloc");
		++*count;
	}
	if (errno)
		complain(path, strerror(errno));
	closedir(dir);
	if (names)
		qsort(names, *count, sizeof(*names), by_name);
	return names;
}

static void walk(const char *path)
{
	size_t count;
	char **names = read_names(path, &count);

	for (size_t i = 0; i < count; i++) {
		size_t last = strlen(names[i]) - 1;
		int type = names[i][last] - 'A';
		struct stat st;
		char *sub;

		names[i][last] = '\0';
		if (asprintf(&sub, "%s/%s", path, names[i]) < 0)
			err(2, "malloc");
		if (lstat(sub, &st) < 0) {
			complain(sub, strerror(errno));
		} else {
			if (type != (int)IFTODT(st.st_mode))
				complain(sub, "d_type is not st_mode's type");
			print_entry(sub, &st);
			if (S_ISDIR(st.st_mode))
				walk(sub);
		}
		free(sub);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 2)
		errx(2, "usage: tree DIR");
	now = time(NULL);
	root_len = strlen(argv[1]);
	if (lstat(argv[1], &st) < 0)
		err(2, "%s", argv[1]);
	print_entry(argv[1], &st);
	walk(argv[1]);
	if (fflush(stdout))
		err(2, "stdout");
	return bad;
}
