/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and attributes. */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DO(name) \
	void do_##name(struct place *w, const struct step *s, struct result *r)
#define PATH(i) arg_path(w, s->a[i], buf[i])
#define FD(i) (*arg_fd(w, s->a[i]))
/* Not a fifo's: see fstat. */
static bool is_fifo(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISFIFO(st.st_mode);
}

#define DIR_FD(i) arg_dirfd(w, s->a[i])

static char buf[ARGS][4200];

DO(stat)
{
	struct stat st;
	int e = stat(PATH(0), &st);

	answer_stat(r, e, &st);
	answer_born(r, AT_FDCWD, PATH(0), 0);
}

DO(lstat)
{
	struct stat st;
	int e = lstat(PATH(0), &st);

	answer_stat(r, e, &st);
	answer_born(r, AT_FDCWD, PATH(0), AT_SYMLINK_NOFOLLOW);
}

/* A fifo's descriptor is the one of the data directory (known-fifo.sh). */
static bool a_fifos(const char *path, mode_t mode)
{
	return !*path && S_ISFIFO(mode);
}

DO(fstat)
{
	struct stat st;
	int e = fstat(FD(0), &st);

	if (!e && a_fifos("", st.st_mode))
		return;
	answer_stat(r, e, &st);
	answer_born(r, FD(0), "", AT_EMPTY_PATH);
}

DO(fstatat)
{
	static const int flags[] = { 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH,
				     AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW };
	struct stat st;
	int e = fstatat(DIR_FD(2), PATH(0), &st, flags[s->a[1] % 4]);

	if (!e && a_fifos(PATH(0), st.st_mode))
		return;
	answer_stat(r, e, &st);
	answer_born(r, DIR_FD(2), PATH(0), flags[s->a[1] % 4]);
}

static struct timespec time_of(struct statx_timestamp t)
{
	return (struct timespec){ t.tv_sec, t.tv_nsec };
}

DO(statx)
{
	int flags = s->a[1] & 1 ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
	struct statx x;
	int e = statx(DIR_FD(2), PATH(0), flags, STATX_BASIC_STATS, &x);

	answer(r, e);
	if (e || a_fifos(PATH(0), x.stx_mode))
		return;
	answer_stat(r, 0,
		    &(struct stat){ .st_mode = x.stx_mode,
				    .st_nlink = x.stx_nlink,
				    .st_uid = x.stx_uid,
				    .st_gid = x.stx_gid,
				    .st_size = (off_t)x.stx_size,
				    .st_ino = x.stx_ino,
				    .st_blocks = (blkcnt_t)x.stx_blocks,
				    .st_blksize = x.stx_blksize,
				    .st_rdev = makedev(x.stx_rdev_major,
						       x.stx_rdev_minor),
				    .st_atim = time_of(x.stx_atime),
				    .st_mtim = time_of(x.stx_mtime),
				    .st_ctim = time_of(x.stx_ctime) });
	r->err = (x.stx_mask & STATX_BASIC_STATS) != STATX_BASIC_STATS;
	answer_born(r, DIR_FD(2), PATH(0), flags);
}

DO(access)
{
	answer(r, access(PATH(0), (int)s->a[1] & 7));
}

DO(faccessat)
{
	answer(r, faccessat(DIR_FD(2), PATH(0), (int)s->a[1] & 7,
			    s->a[3] & 1 ? AT_EACCESS : 0));
}

DO(rename)
{
	answer(r, rename(PATH(0), PATH(1)));
}

DO(renameat2)
{
	static const unsigned flags[] = { 0, RENAME_NOREPLACE, RENAME_EXCHANGE,
					  RENAME_EXCHANGE, 3 };

	answer(r, renameat2(DIR_FD(2), PATH(0), DIR_FD(3), PATH(1),
			    flags[s->a[4] % 5]));
}

DO(link)
{
	answer(r, link(PATH(0), PATH(1)));
}

/* Who may use AT_EMPTY_PATH has changed in Linux 6.10: renames.sh has it. */
DO(linkat)
{
	answer(r, linkat(DIR_FD(2), PATH(0), DIR_FD(3), PATH(1),
			 s->a[4] & 1 ? AT_SYMLINK_FOLLOW : 0));
}

DO(symlink)
{
	answer(r, symlink(PATH(0), PATH(1)));
}

DO(readlink)
{
	char to[4200];
	ssize_t n = readlink(PATH(0), to, sizeof(to) - 1);

	answer(r, n < 0 ? -1 : 0);
	if (n < 0)
		return;
	to[n] = '\0';
	r->hash = hash_more(HASH_START, below_root(w, to),
			    strlen(below_root(w, to)));
}

DO(unlink)
{
	answer(r, unlink(PATH(0)));
}

DO(unlinkat)
{
	answer(r, unlinkat(DIR_FD(2), PATH(0), s->a[1] & 1 ? AT_REMOVEDIR : 0));
}

DO(remove)
{
	answer(r, remove(PATH(0)));
}

DO(mkdir)
{
	answer(r, mkdir(PATH(0), (mode_t)arg_mode(s->a[1])));
}

DO(mkdirat)
{
	answer(r, mkdirat(DIR_FD(2), PATH(0), (mode_t)arg_mode(s->a[1])));
}

DO(rmdir)
{
	answer(r, rmdir(PATH(0)));
}

/* A device that there is not: those of BenchFS cannot be opened. */
DO(mknod)
{
	static const mode_t types[] = { S_IFREG, S_IFREG, S_IFSOCK,
					S_IFCHR, 0,	  S_IFDIR };

	answer(r, mknod(PATH(0), types[s->a[2] % 6] | (mode_t)arg_mode(s->a[1]),
			makedev(200, 200)));
}

DO(mkfifo)
{
	answer(r, mkfifo(PATH(0), (mode_t)arg_mode(s->a[1])));
}

DO(chmod)
{
	answer(r, chmod(PATH(0), (mode_t)arg_mode(s->a[1])));
}

DO(fchmod)
{
	if (is_fifo(FD(0)))
		return;
	answer(r, fchmod(FD(0), (mode_t)arg_mode(s->a[1])));
}

DO(fchmodat)
{
	answer(r, fchmodat(DIR_FD(2), PATH(0), (mode_t)arg_mode(s->a[1]),
			   s->a[3] & 1 ? AT_SYMLINK_NOFOLLOW : 0));
}

DO(chown)
{
	answer(r, chown(PATH(0), arg_id(s->a[1]), arg_id(s->a[2])));
}

DO(lchown)
{
	answer(r, lchown(PATH(0), arg_id(s->a[1]), arg_id(s->a[2])));
}

DO(fchown)
{
	if (is_fifo(FD(0)))
		return;
	answer(r, fchown(FD(0), arg_id(s->a[1]), arg_id(s->a[2])));
}

static const struct timespec *times(uint32_t n)
{
	static struct timespec t[2];
	static const long nsec[] = { 0, 5, UTIME_NOW, UTIME_OMIT, 1000000000 };

	for (int i = 0; i < 2; i++) {
		t[i].tv_sec = 1000 + (time_t)(n >> 8) % 1000 + i;
		t[i].tv_nsec = nsec[(n >> (2 + 4 * i)) % 5];
	}
	return n & 1 ? t : n & 2 ? NULL : t;
}

DO(utimensat)
{
	answer(r, utimensat(DIR_FD(2), PATH(0), times(s->a[1]),
			    s->a[3] & 1 ? AT_SYMLINK_NOFOLLOW : 0));
}

DO(futimens)
{
	if (is_fifo(FD(0)))
		return;
	answer(r, futimens(FD(0), times(s->a[1])));
}

DO(chdir)
{
	answer(r, chdir(PATH(0)));
}

DO(fchdir)
{
	answer(r, fchdir(FD(0)));
}

DO(getcwd)
{
	char at[4200];
	const char *p = getcwd(at, sizeof(at));

	answer(r, p ? 0 : -1);
	if (p)
		r->hash = hash_more(HASH_START, below_root(w, p),
				    strlen(below_root(w, p)));
}

DO(umask)
{
	static const mode_t m[] = { 022, 0, 077, 027 };

	answer(r, umask(m[s->a[0] % 4]));
}
