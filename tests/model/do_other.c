/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks, directories as a whole, extended attributes, stdio, identities. */
#include "model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DO(name) \
	void do_##name(struct place *w, const struct step *s, struct result *r)
#define PATH(i) arg_path(w, s->a[i], buf[i])
#define FD(i) (*arg_fd(w, s->a[i]))

static char buf[ARGS][4200];

/* A fifo's descriptor is the one of the data directory (known-fifo.sh). */
static bool is_fifo(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISFIFO(st.st_mode);
}

static struct flock range(const struct step *s)
{
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK };

	return (struct flock){ .l_type = types[s->a[1] % 3],
			       .l_start = s->a[2] % 10,
			       .l_len = s->a[3] % 6 };
}

DO(setlk)
{
	struct flock l = range(s);

	answer(r, fcntl(FD(0), F_SETLK, &l));
}

DO(getlk)
{
	struct flock l = range(s);

	/* Since 6.6 F_OFD_GETLK takes it, as a question of another kind. */
	if (l.l_type == F_UNLCK)
		l.l_type = F_WRLCK;

	answer(r, fcntl(FD(0), s->a[4] & 1 ? F_GETLK : F_OFD_GETLK, &l));
	/* Not which lock it is, if there are several in the way. */
	r->mode = l.l_type == F_UNLCK;
}

DO(ofdlk)
{
	struct flock l = range(s);

	answer(r, fcntl(FD(0), F_OFD_SETLK, &l));
}

DO(flock)
{
	static const int ops[] = { LOCK_SH, LOCK_EX, LOCK_UN };

	answer(r, flock(FD(0), ops[s->a[1] % 3] | LOCK_NB));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names and types of a directory, in order. */
static void names_of(DIR *d, struct result *r)
{
	char *name[500];
	struct dirent *e;
	size_t n = 0;

	r->hash = HASH_START;
	while (n < 500 && (e = readdir(d)))
		if (asprintf(&name[n], "%s %d", e->d_name, e->d_type) > 0)
			n++;
	qsort(name, n, sizeof(*name), by_name);
	for (size_t i = 0; i < n; i++) {
		r->hash = hash_more(r->hash, name[i], strlen(name[i]));
		free(name[i]);
	}
	r->ret = (int64_t)n;
}

DO(list)
{
	DIR *d = opendir(PATH(0));

	answer(r, d ? 0 : -1);
	if (!d)
		return;
	names_of(d, r);
	closedir(d);
}

DO(fdlist)
{
	int fd = dup(FD(0));
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	answer(r, d ? 0 : -1);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(d);
	names_of(d, r);
	closedir(d);
}

DO(setxattr)
{
	char value[100];
	int flags = (int)(s->a[2] % 3);

	arg_fill(value, sizeof(value), s->a[3]);
	answer(r, (s->a[5] & 1 ? lsetxattr
			       : setxattr)(PATH(0), arg_xattr(s->a[1]), value,
					   s->a[4] % 100, flags));
}

DO(getxattr)
{
	char value[200];
	ssize_t n = (s->a[5] & 1 ? lgetxattr : getxattr)(
		PATH(0), arg_xattr(s->a[1]), value, s->a[2] % 3 * 60);

	answer(r, n);
	if (n > 0 && s->a[2] % 3)
		r->hash = hash_more(HASH_START, value, (size_t)n);
}

/* As a set; an empty one, or only ours. */
static void answer_list(struct result *r, const char *list, ssize_t n)
{
	r->hash = 0;
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(list + i) + 1)
		r->hash += hash_more(HASH_START, list + i, strlen(list + i));
}

DO(listxattr)
{
	char list[500];
	ssize_t n = (s->a[5] & 1 ? llistxattr : listxattr)(PATH(0), list,
							   sizeof(list));

	answer(r, n);
	answer_list(r, list, n);
}

DO(removexattr)
{
	answer(r, (s->a[5] & 1 ? lremovexattr
			       : removexattr)(PATH(0), arg_xattr(s->a[1])));
}

DO(fsetxattr)
{
	char value[100];

	if (is_fifo(FD(0)))
		return;
	arg_fill(value, sizeof(value), s->a[3]);
	answer(r, fsetxattr(FD(0), arg_xattr(s->a[1]), value, s->a[4] % 100,
			    (int)(s->a[2] % 3)));
}

DO(fgetxattr)
{
	char value[200];
	ssize_t n;

	if (is_fifo(FD(0)))
		return;
	n = fgetxattr(FD(0), arg_xattr(s->a[1]), value, sizeof(value));
	answer(r, n);
	if (n > 0)
		r->hash = hash_more(HASH_START, value, (size_t)n);
}

DO(stdio)
{
	static const char *const modes[] = { "r",  "r+", "w", "a",
					     "a+", "w+", "wx" };
	const char *p = PATH(0);
	char line[200] = "";
	struct stat st;
	FILE *f;

	if (!stat(p, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return; /* a fifo would wait */
	f = fopen(p, modes[s->a[1] % 7]);
	answer(r, f ? 0 : -1);
	if (!f)
		return;
	fseek(f, (long)(s->a[2] % 300), s->a[3] % 3);
	fprintf(f, "%u and a line\n", s->a[4]);
	fseek(f, -10, SEEK_CUR);
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	r->hash = hash_more(HASH_START, line, strlen(line));
	r->size = ftell(f);
	r->ret = fclose(f);
}

DO(ids)
{
	gid_t groups[] = { arg_id(s->a[1]) & 0xffff, 1001 };

	if (seteuid(0) && getuid())
		return;
	if (s->a[2] & 1)
		answer(r, setgroups(s->a[2] & 2 ? 2 : 1, groups));
	if (setegid(s->a[0] & 1 ? 0 : 1000))
		answer(r, -1);
	/* As root half of the time. */
	if (s->a[3] & 1)
		answer(r, seteuid(s->a[3] & 2 ? 1000 : 1001));
}

static void content(const char *path, const struct stat *st, uint64_t *h)
{
	static char block[65536];
	int fd = open(path, O_RDONLY | O_NOATIME | O_CLOEXEC);
	off_t left = st->st_size;
	ssize_t n;

	while (fd >= 0 && left > 0 &&
	       (n = read(fd, block, sizeof(block))) > 0) {
		*h = hash_more(*h, block, (size_t)n);
		left -= n;
	}
	if (fd >= 0)
		close(fd);
}

static uint64_t tree(struct place *w, const char *path)
{
	char line[500], sub[4200], to[4200];
	struct stat st;
	struct dirent *e;
	uint64_t h = HASH_START, all;
	ssize_t n;
	DIR *d;

	if (lstat(path, &st))
		return 0;
	/* Reading a link, by this walk too, is an access; and what is read and
	 * written of a fifo is not seen (known-fifo.sh). */
	if (S_ISLNK(st.st_mode) || S_ISFIFO(st.st_mode))
		st.st_atim = (struct timespec){ 0 };
	if (S_ISFIFO(st.st_mode))
		st.st_mtim = st.st_ctim = st.st_atim;
	snprintf(line, sizeof(line), "%s %o %u %u %lu %ld %ld %ld %ld",
		 below_root(w, path), st.st_mode, st.st_uid, st.st_gid,
		 (unsigned long)st.st_nlink,
		 S_ISREG(st.st_mode) ? (long)st.st_size : 0l,
		 (long)stamp_of(st.st_atim), (long)stamp_of(st.st_mtim),
		 (long)stamp_of(st.st_ctim));
	all = h = hash_more(h, line, strlen(line));
	n = llistxattr(path, to, sizeof(to));
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(to + i) + 1)
		all += hash_more(h, to + i, strlen(to + i));
	if (S_ISREG(st.st_mode))
		content(path, &st, &all);
	if (S_ISLNK(st.st_mode) &&
	    (n = readlink(path, to, sizeof(to) - 1)) >= 0) {
		to[n] = '\0';
		all = hash_more(all, below_root(w, to),
				strlen(below_root(w, to)));
	}
	if (getenv("BENCHFS_MODEL_TREE"))
		fprintf(stderr, "%s%s %016lx\n",
			w->side ? "real:    " : "benchfs: ", line, all);
	d = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name) <
			    (int)sizeof(sub))
			all += tree(w, sub);
	if (d)
		closedir(d);
	return all;
}

DO(tree)
{
	uid_t e = geteuid();

	if (e && seteuid(0))
		return;
	r->hash = tree(w, w->root);
	if (e && seteuid(e))
		answer(r, -1);
}
