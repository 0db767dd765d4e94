/* SPDX-License-Identifier: BSD-3-Clause */
/* open and close */
#include "tests/hooks/row.h"

#include <linux/close_range.h>

ROW(open)
{
	int fd;

	FAILS(open(P("none"), O_RDONLY), ENOENT);
	fd = FD(open(P("f"), O_CREAT | O_EXCL | O_RDWR, 0640));
	TRUE(mode_of("f") == (S_IFREG | 0640));
	IS(write(fd, "hello", 5), 5);
	OK(close(fd));
	FAILS(open(P("f"), O_CREAT | O_EXCL | O_RDWR, 0640), EEXIST);
	FAILS(open(P("f/x"), O_RDONLY), ENOTDIR);
	FAILS(open(P("f"), O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(open(P("."), O_WRONLY), EISDIR);
	OK(symlink("f", P("l")));
	FAILS(open(P("l"), O_RDONLY | O_NOFOLLOW), ELOOP);
	fd = FD(open(P("l"), O_WRONLY | O_APPEND));
	IS(write(fd, " you", 4), 4);
	OK(close(fd));
	TEXT(get("f"), "hello you");
	fd = FD(open(P("f"), O_WRONLY | O_TRUNC));
	OK(close(fd));
	TEXT(get("f"), "");
	OK(symlink("loop", P("loop")));
	FAILS(open(P("loop"), O_RDONLY), ELOOP);
	fd = FD(open(P("."), O_TMPFILE | O_RDWR, 0600));
	IS(write(fd, "t", 1), 1);
	OK(close(fd));
	FAILS(open(NULL, O_RDONLY), EFAULT);
	FAILS(open("", O_RDONLY), ENOENT);
}

ROW(openat)
{
	int d = dir(), fd, f;

	FAILS(openat(d, "none", O_RDONLY), ENOENT);
	fd = FD(openat(d, "f", O_CREAT | O_EXCL | O_RDWR, 0600));
	IS(write(fd, "x", 1), 1);
	OK(close(fd));
	TEXT(get("f"), "x");
	f = FD(openat(d, "f", O_RDONLY));
	FAILS(openat(f, "x", O_RDONLY), ENOTDIR);
	FAILS(openat(987, "x", O_RDONLY), EBADF);
	fd = FD(openat(987, P("f"), O_RDONLY));
	OK(close(fd));
	fd = FD(openat(AT_FDCWD, P("f"), O_RDONLY));
	OK(close(fd));
	fd = FD(openat(d, ".", O_RDONLY | O_DIRECTORY));
	OK(close(fd));
}

ROW(creat)
{
	int fd;

	put("f", "old content");
	fd = FD(creat(P("f"), 0600));
	TEXT(get("f"), "");
	FAILS(read(fd, (char[1]){ 0 }, 1), EBADF);
	OK(close(fd));
	fd = FD(creat(P("new"), 0604));
	TRUE(mode_of("new") == (S_IFREG | 0604));
	OK(close(fd));
	FAILS(creat(P("none/new"), 0600), ENOENT);
}

ROW(__open_2)
{
	int fd;

	put("f", "content");
	fd = FD(__open_2(P("f"), O_RDONLY));
	OK(close(fd));
	FAILS(__open_2(P("none"), O_RDONLY), ENOENT);
}

ROW(__openat_2)
{
	int d = dir(), fd;

	put("f", "content");
	fd = FD(__openat_2(d, "f", O_RDONLY));
	OK(close(fd));
	FAILS(__openat_2(d, "none", O_RDONLY), ENOENT);
}

/* Does another process see a lock on f? */
static bool locked(void)
{
	return CHILD({
		       struct flock l = { .l_type = F_WRLCK };
		       int fd = open(P("f"), O_RDWR);

		       TRUE(fd >= 0 && !fcntl(fd, F_GETLK, &l) &&
			    l.l_type == F_UNLCK);
	       }) == 1;
}

/* A second descriptor of a file on which this process has a lock. */
static int lock_and_reopen(void)
{
	struct flock l = { .l_type = F_WRLCK };
	int fd = file("f", "content");

	OK(fcntl(fd, F_SETLK, &l));
	TRUE(locked());
	return open(P("f"), O_RDWR);
}

ROW(close)
{
	int fd = lock_and_reopen();

	FAILS(close(987), EBADF);
	FAILS(close(-1), EBADF);
	OK(close(fd));
	FAILS(close(fd), EBADF);
	FAILS(fcntl(fd, F_GETFD), EBADF);
	TRUE(!locked()); /* by the close of any descriptor of the file */
}

ROW(close_range)
{
	int fd = lock_and_reopen(), d = dir();

	FAILS(close_range(5, 3, 0), EINVAL);
	FAILS(close_range((unsigned)fd, (unsigned)fd, 1 << 20), EINVAL);
	OK(close_range((unsigned)d, ~0u, CLOSE_RANGE_CLOEXEC));
	IS(fcntl(d, F_GETFD), FD_CLOEXEC);
	OK(close_range((unsigned)fd, ~0u, 0));
	FAILS(fcntl(fd, F_GETFD), EBADF);
	FAILS(fcntl(d, F_GETFD), EBADF);
	TRUE(!locked());
	TEXT(get("f"), "content");
}

ROW(closefrom)
{
	int fd = lock_and_reopen();

	closefrom(fd);
	FAILS(fcntl(fd, F_GETFD), EBADF);
	TRUE(!locked());
	TEXT(get("f"), "content");
}
