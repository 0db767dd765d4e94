/* SPDX-License-Identifier: BSD-3-Clause */
/* What the numbers in a step stand for: few values, so that calls meet. */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])

static const char *const names[] = {
	"a",   "b",   "c",     "d",    "e",	 "l",	 "a",	   "b",
	"d/x", "d/y", "e/f",   "e/g",  "d/s/t",	 "d/s",	 "d/../a", "l/x",
	".",   "b/",  "nope/", "d/./", "e/f/..", "../e", "d/l",	   "a/b",
};

/* Three ways to name it: absolutely, below the working directory, or long. */
const char *arg_path(const struct place *w, uint32_t n, char buf[4200])
{
	const char *name = PICK(names, n >> 4);

	switch (n & 15) {
	case 0:
		return "";
	case 1:
		snprintf(buf, 4200, "%s/%0300d", w->root, 7); /* too long */
		return buf;
	case 2:
	case 3:
	case 4:
	case 5:
		return name;
	default:
		snprintf(buf, 4200, "%s/%s", w->root, name);
		return buf;
	}
}

int *arg_fd(struct place *w, uint32_t n)
{
	return &w->fd[n % FDS];
}

int arg_dirfd(const struct place *w, uint32_t n)
{
	return n & 1 ? AT_FDCWD : w->fd[(n >> 1) % FDS];
}

int arg_oflags(uint32_t n)
{
	static const int some[] = {
		0,	   O_CREAT,   O_CREAT,	   O_CREAT | O_EXCL,  O_TRUNC,
		O_APPEND,  O_APPEND,  O_DIRECTORY, O_NOFOLLOW,	      O_PATH,
		O_TMPFILE, O_CLOEXEC, O_SYNC,	   O_CREAT | O_TRUNC, 0,
		0,
	};
	static const int access[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };

	/* Nobody is to wait for the other end of a fifo. */
	return PICK(access, n) | PICK(some, n >> 2) | PICK(some, n >> 6) |
	       O_NONBLOCK;
}

/* No sticky directory for all: fs.protected_* of the kernel adds rules there.
 */
int arg_mode(uint32_t n)
{
	static const int modes[] = { 0644, 0666, 0777,	0700,  0600,
				     0755, 0444, 0,	0222,  01755,
				     0775, 0711, 04755, 02775, 06777 };

	return PICK(modes, n);
}

int64_t arg_offset(uint32_t n)
{
	static const int64_t places[] = { 0,	  1,	   100,	    4095,  4096,
					  4097,	  8192,	   10000,   65536, 5,
					  100000, 1000000, 1 << 22, -1 };

	return PICK(places, n) + (n >> 8 & 1 ? (n >> 9) % 50 : 0);
}

uint32_t arg_size(uint32_t n)
{
	static const uint32_t sizes[] = { 0,	1,    10,   100,  1000,
					  4096, 4097, 8192, 5000, 20000 };

	return PICK(sizes, n);
}

uint32_t arg_id(uint32_t n)
{
	static const uint32_t ids[] = { 0, 1000, 1001, (uint32_t)-1 };

	return PICK(ids, n);
}

const char *arg_xattr(uint32_t n)
{
	static const char *const x[] = { "user.a",	   "user.b",
					 "user.long.name", "user.",
					 "trusted.t",	   "nonsense.x" };

	return PICK(x, n);
}

void arg_fill(char *buf, uint32_t n, uint32_t what)
{
	for (uint32_t i = 0; i < n; i++)
		buf[i] = (char)('a' + (what + i * 7) % 26);
}

uint64_t hash_more(uint64_t h, const void *p, size_t n)
{
	for (const unsigned char *c = p; n--; c++)
		h = (h ^ *c) * 0x100000001b3ull;
	return h;
}

void answer(struct result *r, int64_t ret)
{
	r->ret = ret;
	r->err = ret < 0 ? errno : 0;
}

void answer_stat(struct result *r, int ret, const struct stat *st)
{
	answer(r, ret);
	if (ret)
		return;
	r->mode = st->st_mode;
	r->nlink = (uint32_t)st->st_nlink;
	r->uid = st->st_uid;
	r->gid = st->st_gid;
	r->rdev = (uint32_t)st->st_rdev;
	/* The size of a directory is the file system's own affair. */
	r->size = S_ISDIR(st->st_mode) ? 0 : st->st_size;
	/* That of a link is its target's, which may begin with the root. */
	if (S_ISLNK(st->st_mode))
		r->size = 0;
	r->blksize = (uint32_t)st->st_blksize;
	/* The file systems' own: how much a directory or a link takes. */
	r->blocks = S_ISREG(st->st_mode) ? st->st_blocks : 0;
	r->ino = st->st_ino;
	if (S_ISFIFO(st->st_mode)) /* known-fifo.sh: read and write */
		return;
	r->stamp[A_TIME] = stamp_of(st->st_atim);
	r->stamp[M_TIME] = stamp_of(st->st_mtim);
	r->stamp[C_TIME] = stamp_of(st->st_ctim);
}

void answer_born(struct result *r, int dirfd, const char *path, int flags)
{
	struct statx x;
	struct timespec t;

	if (r->ret || statx(dirfd, path, flags, STATX_BTIME, &x))
		return;
	t = (struct timespec){ x.stx_btime.tv_sec, x.stx_btime.tv_nsec };
	r->stamp[B_TIME] = stamp_of(t);
	r->born = t.tv_sec * 1000000000 + t.tv_nsec;
}

const char *below_root(const struct place *w, const char *path)
{
	const char *own = w->root + strlen(w->root);
	size_t n;

	/* What both have begins at the last name but one. */
	for (int left = 2; left; left -= *--own == '/')
		;
	n = (size_t)(own - w->root);
	return strncmp(path, w->root, n) ? path : path + n;
}
