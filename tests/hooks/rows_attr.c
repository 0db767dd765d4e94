/* SPDX-License-Identifier: BSD-3-Clause */
/* attributes: stat, access, chmod, chown, times */
#include "tests/hooks/row.h"

static struct stat st;

static bool regular(off_t size)
{
	return S_ISREG(st.st_mode) && st.st_size == size && st.st_nlink == 1;
}

ROW(stat)
{
	put("f", "hello");
	OK(symlink("f", P("l")));
	OK(stat(P("l"), &st));
	TRUE(regular(5));
	OK(stat(P("."), &st));
	TRUE(S_ISDIR(st.st_mode));
	FAILS(stat(P("none"), &st), ENOENT);
	FAILS(stat(P("f/"), &st), ENOTDIR);
	FAILS(stat(NULL, &st), EFAULT);
}

ROW(lstat)
{
	put("f", "hello");
	OK(symlink("target", P("l")));
	OK(lstat(P("l"), &st));
	TRUE(S_ISLNK(st.st_mode) && st.st_size == 6);
	FAILS(lstat(P("none"), &st), ENOENT);
}

ROW(fstat)
{
	int fd = file("f", "hello");

	OK(fstat(fd, &st));
	TRUE(regular(5));
	OK(unlink(P("f")));
	OK(fstat(fd, &st));
	TRUE(st.st_nlink == 0);
	OK(fstat(dir(), &st));
	TRUE(S_ISDIR(st.st_mode));
	FAILS(fstat(987, &st), EBADF);
}

ROW(fstatat)
{
	int d = dir(), fd = file("f", "hello");

	OK(symlink("f", P("l")));
	OK(fstatat(d, "l", &st, 0));
	TRUE(regular(5));
	OK(fstatat(d, "l", &st, AT_SYMLINK_NOFOLLOW));
	TRUE(S_ISLNK(st.st_mode));
	OK(fstatat(fd, "", &st, AT_EMPTY_PATH));
	TRUE(regular(5));
	FAILS(fstatat(fd, "", &st, 0), ENOENT);
	FAILS(fstatat(fd, "x", &st, 0), ENOTDIR);
	FAILS(fstatat(d, "none", &st, 0), ENOENT);
	FAILS(fstatat(d, "l", &st, 1 << 20), EINVAL);
}

ROW(statx)
{
	int d = dir(), fd = file("f", "hello");
	struct statx x;

	OK(statx(d, "f", 0, STATX_BASIC_STATS, &x));
	TRUE(S_ISREG(x.stx_mode) && x.stx_size == 5 && x.stx_nlink == 1);
	TRUE((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	OK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	TRUE(x.stx_size == 5);
	FAILS(statx(d, "none", 0, STATX_SIZE, &x), ENOENT);
	FAILS(statx(d, "f", 1 << 20, STATX_SIZE, &x), EINVAL);
}

ROW(__xstat)
{
	put("f", "hello");
	OK(__xstat(1, P("f"), &st));
	TRUE(regular(5));
	FAILS(__xstat(1, P("none"), &st), ENOENT);
}

ROW(__lxstat)
{
	OK(symlink("f", P("l")));
	OK(__lxstat(1, P("l"), &st));
	TRUE(S_ISLNK(st.st_mode));
	FAILS(__lxstat(1, P("none"), &st), ENOENT);
}

ROW(__fxstat)
{
	OK(__fxstat(1, file("f", "hello"), &st));
	TRUE(regular(5));
	FAILS(__fxstat(1, 987, &st), EBADF);
}

ROW(__fxstatat)
{
	int d = dir();

	put("f", "hello");
	OK(__fxstatat(1, d, "f", &st, 0));
	TRUE(regular(5));
	FAILS(__fxstatat(1, d, "none", &st, 0), ENOENT);
}

ROW(access)
{
	put("f", "");
	OK(access(P("f"), F_OK));
	OK(access(P("f"), R_OK | W_OK));
	FAILS(access(P("f"), X_OK), EACCES);
	FAILS(access(P("none"), F_OK), ENOENT);
	FAILS(access(P("f"), 99), EINVAL);
}

ROW(faccessat)
{
	int d = dir();

	put("f", "");
	OK(faccessat(d, "f", R_OK, 0));
	OK(faccessat(d, "f", R_OK, AT_EACCESS));
	FAILS(faccessat(d, "f", X_OK, 0), EACCES);
	FAILS(faccessat(d, "none", F_OK, 0), ENOENT);
	FAILS(faccessat(d, "f", F_OK, 1 << 20), EINVAL);
}

ROW(euidaccess)
{
	put("f", "");
	OK(euidaccess(P("f"), R_OK));
	FAILS(euidaccess(P("f"), X_OK), EACCES);
	FAILS(euidaccess(P("none"), F_OK), ENOENT);
}

ROW(chmod)
{
	put("f", "");
	OK(symlink("f", P("l")));
	OK(chmod(P("l"), 04711));
	TRUE(mode_of("f") == (S_IFREG | 04711));
	FAILS(chmod(P("none"), 0600), ENOENT);
}

ROW(lchmod)
{
	put("f", "");
	OK(symlink("f", P("l")));
	OK(lchmod(P("f"), 0611));
	TRUE(mode_of("f") == (S_IFREG | 0611));
	FAILS(lchmod(P("l"), 0600), EOPNOTSUPP);
	FAILS(lchmod(P("none"), 0600), ENOENT);
}

ROW(fchmod)
{
	int fd = file("f", "");

	OK(fchmod(fd, 0640));
	TRUE(mode_of("f") == (S_IFREG | 0640));
	OK(fchmod(dir(), 0751));
	TRUE(mode_of(".") == (S_IFDIR | 0751));
	FAILS(fchmod(open(P("f"), O_PATH), 0600), EBADF);
	FAILS(fchmod(987, 0600), EBADF);
}

ROW(fchmodat)
{
	int d = dir();

	put("f", "");
	OK(fchmodat(d, "f", 0604, 0));
	TRUE(mode_of("f") == (S_IFREG | 0604));
	FAILS(fchmodat(d, "none", 0600, 0), ENOENT);
	FAILS(fchmodat(d, "f", 0600, 1 << 20), EINVAL);
}

static bool owner(uid_t uid, gid_t gid)
{
	return st.st_uid == uid && st.st_gid == gid;
}

#define ME (geteuid() ? geteuid() : 12u), (getegid() ? getegid() : 34u)
#define NOBODY_CHANGES (uid_t) - 1, (gid_t)-1

ROW(chown)
{
	put("f", "");
	OK(symlink("f", P("l")));
	OK(chown(P("l"), ME));
	OK(stat(P("f"), &st));
	TRUE(owner(ME));
	OK(chown(P("f"), NOBODY_CHANGES));
	OK(stat(P("f"), &st));
	TRUE(owner(ME));
	FAILS(chown(P("none"), ME), ENOENT);
}

ROW(lchown)
{
	put("f", "");
	OK(symlink("f", P("l")));
	OK(lchown(P("l"), ME));
	OK(lstat(P("l"), &st));
	TRUE(owner(ME));
	OK(stat(P("f"), &st));
	TRUE(owner(geteuid(), getegid()));
	FAILS(lchown(P("none"), ME), ENOENT);
}

ROW(fchown)
{
	int fd = file("f", "");

	OK(fchown(fd, ME));
	OK(fstat(fd, &st));
	TRUE(owner(ME));
	FAILS(fchown(open(P("f"), O_PATH), ME), EBADF);
	FAILS(fchown(987, ME), EBADF);
}

ROW(fchownat)
{
	int d = dir(), fd = file("f", "");

	OK(symlink("f", P("l")));
	OK(fchownat(d, "l", ME, AT_SYMLINK_NOFOLLOW));
	OK(lstat(P("l"), &st));
	TRUE(owner(ME));
	OK(fchownat(fd, "", ME, AT_EMPTY_PATH));
	OK(fstat(fd, &st));
	TRUE(owner(ME));
	FAILS(fchownat(d, "none", ME, 0), ENOENT);
	FAILS(fchownat(d, "f", ME, 1 << 20), EINVAL);
}

static bool times(time_t atime, time_t mtime)
{
	return st.st_atim.tv_sec == atime && st.st_mtim.tv_sec == mtime;
}

static const struct timeval tv[2] = { { 1000, 500 }, { 2000, 600 } };
static const struct timeval tv_bad[2] = { { 1000, 2000000 }, { 0, 0 } };
static const struct timespec ts[2] = { { 3000, 7 }, { 4000, 8 } };
static const struct timespec ts_bad[2] = { { 0, -5 }, { 0, 0 } };
static const struct timespec ts_omit[2] = { { 0, UTIME_OMIT }, { 5000, 9 } };

ROW(utime)
{
	struct utimbuf t = { 1000, 2000 };

	put("f", "");
	OK(utime(P("f"), &t));
	OK(stat(P("f"), &st));
	TRUE(times(1000, 2000));
	OK(utime(P("f"), NULL));
	OK(stat(P("f"), &st));
	TRUE(st.st_mtim.tv_sec > 2000);
	FAILS(utime(P("none"), &t), ENOENT);
}

ROW(utimes)
{
	put("f", "");
	OK(symlink("f", P("l")));
	OK(utimes(P("l"), tv));
	OK(stat(P("f"), &st));
	TRUE(times(1000, 2000) && st.st_mtim.tv_nsec == 600000);
	FAILS(utimes(P("f"), tv_bad), EINVAL);
	FAILS(utimes(P("none"), tv), ENOENT);
}

ROW(lutimes)
{
	OK(symlink("f", P("l")));
	OK(lutimes(P("l"), tv));
	OK(lstat(P("l"), &st));
	TRUE(times(1000, 2000));
	FAILS(lutimes(P("none"), tv), ENOENT);
}

ROW(futimes)
{
	int fd = file("f", "");

	OK(futimes(fd, tv));
	OK(fstat(fd, &st));
	TRUE(times(1000, 2000));
	FAILS(futimes(fd, tv_bad), EINVAL);
	FAILS(futimes(987, tv), EBADF);
}

ROW(futimesat)
{
	int d = dir();

	put("f", "");
	OK(futimesat(d, "f", tv));
	OK(stat(P("f"), &st));
	TRUE(times(1000, 2000));
	FAILS(futimesat(d, "none", tv), ENOENT);
}

ROW(utimensat)
{
	int d = dir();

	put("f", "");
	OK(symlink("f", P("l")));
	OK(utimensat(d, "f", ts, 0));
	OK(stat(P("f"), &st));
	TRUE(times(3000, 4000) && st.st_atim.tv_nsec == 7 &&
	     st.st_mtim.tv_nsec == 8);
	OK(utimensat(d, "f", ts_omit, 0));
	OK(stat(P("f"), &st));
	TRUE(times(3000, 5000));
	OK(utimensat(d, "l", ts, AT_SYMLINK_NOFOLLOW));
	OK(lstat(P("l"), &st));
	TRUE(times(3000, 4000));
	FAILS(utimensat(d, "f", ts_bad, 0), EINVAL);
	FAILS(utimensat(d, "f", ts, 1 << 20), EINVAL);
	FAILS(utimensat(d, "none", ts, 0), ENOENT);
}

ROW(futimens)
{
	int fd = file("f", "");

	OK(futimens(fd, ts));
	OK(fstat(fd, &st));
	TRUE(times(3000, 4000));
	FAILS(futimens(fd, ts_bad), EINVAL);
	FAILS(futimens(987, ts), EBADF);
}
