/* SPDX-License-Identifier: BSD-3-Clause */
/* descriptors */
#include "tests/hooks/row.h"

#include <linux/fs.h>
#include <sys/syscall.h>

/* a and b are one description: size and offset show it. */
static bool same(int a, int b)
{
	struct stat s, t;

	return !fstat(a, &s) && !fstat(b, &t) && s.st_ino == t.st_ino &&
	       lseek(a, 3, SEEK_SET) == 3 && lseek(b, 0, SEEK_CUR) == 3;
}

ROW(dup)
{
	int fd = file("f", "hello"), to = FD(dup(fd));

	TRUE(same(fd, to));
	OK(close(fd));
	IS(write(to, "p!", 2), 2);
	TEXT(get("f"), "help!");
	FAILS(dup(987), EBADF);
}

ROW(dup2)
{
	int fd = file("f", "hello"), other = file("g", "other");

	IS(dup2(fd, 50), 50);
	TRUE(same(fd, 50));
	IS(dup2(fd, fd), fd);
	IS(dup2(fd, other), other);
	TRUE(same(fd, other));
	FAILS(dup2(987, other), EBADF);
	FAILS(dup2(987, 987), EBADF);
	IS(dup2(open("/dev/null", O_WRONLY), other), other);
	IS(write(other, "x", 1), 1);
	TEXT(get("g"), "other");
	TEXT(get("f"), "hello");
}

ROW(dup3)
{
	int fd = file("f", "hello");

	IS(dup3(fd, 51, O_CLOEXEC), 51);
	TRUE(same(fd, 51));
	IS(fcntl(51, F_GETFD), FD_CLOEXEC);
	FAILS(dup3(fd, fd, 0), EINVAL);
	FAILS(dup3(fd, 52, 1 << 20), EINVAL);
}

/* What a child sees of a lock on fd's file. */
static int child_getlk(const char *name)
{
	return CHILD({
		struct flock l = { .l_type = F_WRLCK };
		int fd = open(P(name), O_RDWR);

		fcntl(fd, F_GETLK, &l);
		_exit(l.l_type == F_UNLCK    ? 10
		      : l.l_pid == getppid() ? 11
					     : 12);
	});
}

ROW(fcntl)
{
	struct flock l = { .l_type = F_WRLCK, .l_len = 10 };
	int fd = file("f", "hello"), to, flags;

	to = FD(fcntl(fd, F_DUPFD, 60));
	TRUE(to == 60 && same(fd, to));
	to = FD(fcntl(fd, F_DUPFD_CLOEXEC, 61));
	IS(fcntl(to, F_GETFD), FD_CLOEXEC);
	OK(fcntl(to, F_SETFD, 0));
	OK(fcntl(to, F_GETFD));
	flags = (int)SAYS(fcntl(fd, F_GETFL));
	TRUE((flags & O_ACCMODE) == O_RDWR && !(flags & O_APPEND));
	OK(fcntl(fd, F_SETFL, flags | O_APPEND));
	TRUE(fcntl(to, F_GETFL) & O_APPEND); /* the description's */
	OK(lseek(fd, 0, SEEK_SET));
	IS(write(fd, " you", 4), 4);
	TEXT(get("f"), "hello you");
	OK(fcntl(fd, F_SETLK, &l));
	IS(child_getlk("f"), 11);
	l.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &l));
	IS(child_getlk("f"), 10);
	FAILS(fcntl(987, F_GETFD), EBADF);
	FAILS(fcntl(fd, 9999), EINVAL);
}

ROW(ioctl)
{
	int fd = file("f", "hello"), n = 0, d = dir();

	FAILS(ioctl(fd, TCGETS, &n), ENOTTY);
	OK(ioctl(fd, FIONREAD, &n));
	TRUE(n == 5);
	OK(ioctl(fd, FIOCLEX));
	IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
	OK(ioctl(fd, FIONCLEX));
	OK(fcntl(fd, F_GETFD));
	FAILS(ioctl(d, TCGETS, &n), ENOTTY);
	FAILS(ioctl(987, FIONREAD, &n), EBADF);
	if (row_ours)
		FAILS(ioctl(fd, FICLONE, d), EOPNOTSUPP);
}

ROW(flock)
{
	int a = file("f", ""), b = open(P("f"), O_RDWR);

	OK(flock(a, LOCK_EX));
	FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	OK(flock(a, LOCK_SH));
	OK(flock(b, LOCK_SH | LOCK_NB));
	OK(flock(a, LOCK_UN));
	OK(flock(b, LOCK_EX | LOCK_NB));
	FAILS(flock(a, LOCK_SH | LOCK_EX), EINVAL);
	FAILS(flock(open(P("f"), O_PATH), LOCK_SH), EBADF);
	OK(flock(dir(), LOCK_SH));
}

ROW(lockf)
{
	int fd = file("f", "");

	OK(lockf(fd, F_LOCK, 0));
	IS(child_getlk("f"), 11);
	OK(lockf(fd, F_TEST, 0));
	OK(lockf(fd, F_ULOCK, 0));
	IS(child_getlk("f"), 10);
	OK(lockf(fd, F_TLOCK, 5));
	IS(CHILD(FAILS(lockf(open(P("f"), O_RDWR), F_TEST, 0), EACCES)), 0);
	FAILS(lockf(fd, 99, 0), EINVAL);
	FAILS(lockf(987, F_LOCK, 0), EBADF);
}

ROW(isatty)
{
	row_is(__LINE__, "isatty of a file", CALL(isatty(file("f", ""))), 0,
	       ENOTTY);
	row_is(__LINE__, "isatty of O_PATH", CALL(isatty(open(P("f"), O_PATH))),
	       0, EBADF);
	row_is(__LINE__, "isatty of nothing", CALL(isatty(987)), 0, EBADF);
}

ROW(getdents64)
{
	char buf[4096];
	bool found = false;
	int d = dir();
	ssize_t n;

	put("some-name", "");
	n = getdents64(d, buf, sizeof(buf));
	for (ssize_t i = 0; i < n;) {
		struct dirent *e = (struct dirent *)(buf + i);

		found = found || (!strcmp(e->d_name, "some-name") &&
				  e->d_type == DT_REG);
		i += e->d_reclen;
	}
	TRUE(found);
	IS(getdents64(d, buf, sizeof(buf)), 0);
	OK(lseek(d, 0, SEEK_SET));
	FAILS(getdents64(d, buf, 4), EINVAL);
	FAILS(getdents64(file("f", ""), buf, sizeof(buf)), ENOTDIR);
	FAILS(getdents64(987, buf, sizeof(buf)), EBADF);
}

ROW(syscall)
{
	struct stat st;
	char buf[8];
	int fd, d;

	put("f", "hello");
	FAILS(syscall(SYS_open, P("none"), O_RDONLY), ENOENT);
	fd = FD(syscall(SYS_openat, AT_FDCWD, P("f"), O_RDWR));
	IS(syscall(SYS_read, fd, buf, 8), 5);
	IS(syscall(SYS_pwrite64, fd, "J", 1, 0), 1);
	IS(syscall(SYS_lseek, fd, 0, SEEK_CUR), 5);
	OK(syscall(SYS_fstat, fd, &st));
	TRUE(st.st_size == 5);
	OK(syscall(SYS_stat, P("f"), &st));
	TRUE(st.st_size == 5);
	OK(syscall(SYS_close, fd));
	FAILS(syscall(SYS_close, fd), EBADF);
	TEXT(get("f"), "Jello");
	OK(syscall(SYS_mkdir, P("d"), 0700));
	d = FD(syscall(SYS_open, P("d"), O_RDONLY | O_DIRECTORY));
	OK(syscall(SYS_renameat2, AT_FDCWD, P("f"), d, "g", 0));
	TEXT(get("d/g"), "Jello");
	OK(syscall(SYS_unlinkat, d, "g", 0));
	OK(syscall(SYS_rmdir, P("d")));
	TRUE(!exists("d"));
	FAILS(syscall(9999), ENOSYS);
	TRUE(syscall(SYS_getpid) == getpid());
}
