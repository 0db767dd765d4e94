/* SPDX-License-Identifier: BSD-3-Clause */
/* attributes: size, space and sync */
#include "tests/hooks/row.h"

static int read_only(void)
{
	put("r", "r");
	return open(P("r"), O_RDONLY);
}

ROW(truncate)
{
	put("f", "hello");
	OK(truncate(P("f"), 2));
	TEXT(get("f"), "he");
	OK(truncate(P("f"), 10));
	IS(size_of("f"), 10);
	FAILS(truncate(P("f"), -1), EINVAL);
	FAILS(truncate(P("none"), 1), ENOENT);
	FAILS(truncate(P("."), 1), EISDIR);
}

ROW(ftruncate)
{
	int fd = file("f", "hello"), r = read_only();

	OK(ftruncate(fd, 2));
	TEXT(get("f"), "he");
	OK(ftruncate(fd, 4));
	IS(size_of("f"), 4);
	FAILS(ftruncate(fd, -1), EINVAL);
	FAILS(ftruncate(r, 1), EINVAL);
	FAILS(ftruncate(dir(), 1), EINVAL);
	FAILS(ftruncate(987, 1), EBADF);
}

ROW(fallocate)
{
	int fd = file("f", "hello"), r = read_only();

	OK(fallocate(fd, 0, 0, 8192));
	IS(size_of("f"), 8192);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 16384));
	IS(size_of("f"), 8192);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 3));
	TRUE(!memcmp(get("f"), "h\0\0\0o", 5));
	FAILS(fallocate(fd, 0, 0, 0), EINVAL);
	FAILS(fallocate(fd, 0, -1, 1), EINVAL);
	FAILS(fallocate(r, 0, 0, 1), EBADF);
	FAILS(fallocate(dir(), 0, 0, 1), EBADF);
}

/* Answers the error itself, and leaves errno alone. */
ROW(posix_fallocate)
{
	int fd = file("f", "hello"), r = read_only();

	OK(posix_fallocate(fd, 0, 4096));
	IS(size_of("f"), 4096);
	IS(posix_fallocate(fd, 0, -1), EINVAL);
	GIVES(posix_fallocate(r, 0, 1), EBADF);
	IS(posix_fallocate(987, 0, 1), EBADF);
}

ROW(posix_fadvise)
{
	int fd = file("f", "hello"), p = open(P("f"), O_PATH);

	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	OK(posix_fadvise(fd, 0, 5, POSIX_FADV_DONTNEED));
	IS(posix_fadvise(fd, 0, 0, 99), EINVAL);
	IS(posix_fadvise(fd, 0, -1, 0), EINVAL);
	IS(posix_fadvise(p, 0, 0, 0), EBADF);
	IS(posix_fadvise(987, 0, 0, 0), EBADF);
}

ROW(readahead)
{
	int fd = file("f", "hello"), w = open(P("f"), O_WRONLY);

	OK(readahead(fd, 0, 5));
	FAILS(readahead(w, 0, 5), EBADF);
	FAILS(readahead(dir(), 0, 5), EINVAL);
}

ROW(fsync)
{
	OK(fsync(file("f", "hello")));
	OK(fsync(dir()));
	FAILS(fsync(open(P("f"), O_PATH)), EBADF);
	FAILS(fsync(987), EBADF);
}

ROW(fdatasync)
{
	OK(fdatasync(file("f", "hello")));
	OK(fdatasync(dir()));
	FAILS(fdatasync(open(P("f"), O_PATH)), EBADF);
	FAILS(fdatasync(987), EBADF);
}

ROW(syncfs)
{
	OK(syncfs(file("f", "hello")));
	OK(syncfs(dir()));
	FAILS(syncfs(open(P("f"), O_PATH)), EBADF);
	FAILS(syncfs(987), EBADF);
}

ROW(sync_file_range)
{
	int fd = file("f", "hello"), p = open(P("f"), O_PATH);

	OK(sync_file_range(fd, 0, 5, SYNC_FILE_RANGE_WRITE));
	FAILS(sync_file_range(fd, -1, 5, 0), EINVAL);
	FAILS(sync_file_range(fd, 0, 5, 1 << 20), EINVAL);
	FAILS(sync_file_range(p, 0, 5, 0), EBADF);
	FAILS(sync_file_range(987, 0, 5, 0), EBADF);
}
