/* SPDX-License-Identifier: BSD-3-Clause */
/* read and write */
#include "tests/hooks/row.h"

static char buf[64];

/* What was read, as a string. */
static const char *text(long n)
{
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static int write_only(void)
{
	put("w", "");
	return open(P("w"), O_WRONLY);
}

ROW(read)
{
	int fd = file("f", "hello"), w = write_only();

	TEXT(text(read(fd, buf, 3)), "hel");
	TEXT(text(read(fd, buf, 9)), "lo");
	IS(read(fd, buf, 9), 0);
	FAILS(read(w, buf, 1), EBADF);
	FAILS(read(dir(), buf, 1), EISDIR);
	FAILS(read(987, buf, 1), EBADF);
}

ROW(write)
{
	int fd = file("f", "hello"), r = open(P("f"), O_RDONLY);

	IS(write(fd, "HE", 2), 2);
	IS(write(fd, "", 0), 0);
	IS(write(fd, "LLO YOU", 7), 7);
	TEXT(get("f"), "HELLO YOU");
	FAILS(write(r, "x", 1), EBADF);
	FAILS(write(987, "x", 1), EBADF);
}

ROW(pread)
{
	int fd = file("f", "hello"), w = write_only();

	TEXT(text(pread(fd, buf, 3, 1)), "ell");
	IS(pread(fd, buf, 3, 5), 0);
	IS(pread(fd, buf, 3, 500), 0);
	IS(lseek(fd, 0, SEEK_CUR), 0);
	FAILS(pread(fd, buf, 1, -1), EINVAL);
	FAILS(pread(w, buf, 1, 0), EBADF);
	FAILS(pread(dir(), buf, 1, 0), EISDIR);
}

ROW(pwrite)
{
	int fd = file("f", "hello"), r = open(P("f"), O_RDONLY);

	IS(pwrite(fd, "ELL", 3, 1), 3);
	IS(pwrite(fd, "!", 1, 7), 1);
	IS(lseek(fd, 0, SEEK_CUR), 0);
	IS(pread(fd, buf, sizeof(buf), 0), 8);
	TRUE(!memcmp(buf, "hELLo\0\0!", 8));
	FAILS(pwrite(fd, "x", 1, -1), EINVAL);
	FAILS(pwrite(r, "x", 1, 0), EBADF);
}

static const struct iovec *two(char *a, char *b, size_t na, size_t nb)
{
	static struct iovec v[2];

	v[0] = (struct iovec){ a, na };
	v[1] = (struct iovec){ b, nb };
	return v;
}

ROW(readv)
{
	int fd = file("f", "hello"), w = write_only();

	IS(readv(fd, two(buf, buf + 4, 2, 9), 2), 5);
	TRUE(!memcmp(buf, "he", 2) && !memcmp(buf + 4, "llo", 3));
	IS(readv(fd, two(buf, buf, 2, 2), 2), 0);
	FAILS(readv(fd, two(buf, buf, 1, 1), -1), EINVAL);
	FAILS(readv(w, two(buf, buf, 1, 1), 2), EBADF);
	FAILS(readv(dir(), two(buf, buf, 1, 1), 2), EISDIR);
}

static char ab[] = "ab", cd[] = "cde";

ROW(writev)
{
	int fd = file("f", ""), r = open(P("f"), O_RDONLY);

	IS(writev(fd, two(ab, cd, 2, 3), 2), 5);
	IS(writev(fd, two(ab, cd, 0, 1), 2), 1);
	TEXT(get("f"), "abcdec");
	FAILS(writev(fd, two(ab, cd, 1, 1), -1), EINVAL);
	FAILS(writev(r, two(ab, cd, 1, 1), 2), EBADF);
}

ROW(preadv)
{
	int fd = file("f", "hello"), w = write_only();

	IS(preadv(fd, two(buf, buf + 4, 2, 9), 2, 1), 4);
	TRUE(!memcmp(buf, "el", 2) && !memcmp(buf + 4, "lo", 2));
	IS(lseek(fd, 0, SEEK_CUR), 0);
	FAILS(preadv(fd, two(buf, buf, 1, 1), 2, -1), EINVAL);
	FAILS(preadv(w, two(buf, buf, 1, 1), 2, 0), EBADF);
	FAILS(preadv(dir(), two(buf, buf, 1, 1), 2, 0), EISDIR);
}

ROW(pwritev)
{
	int fd = file("f", "hello"), r = open(P("f"), O_RDONLY);

	IS(pwritev(fd, two(ab, cd, 2, 3), 2, 3), 5);
	TEXT(get("f"), "helabcde");
	IS(lseek(fd, 0, SEEK_CUR), 0);
	FAILS(pwritev(fd, two(ab, cd, 1, 1), 2, -1), EINVAL);
	FAILS(pwritev(r, two(ab, cd, 1, 1), 2, 0), EBADF);
}

ROW(preadv2)
{
	int fd = file("f", "hello");

	IS(preadv2(fd, two(buf, buf + 4, 2, 9), 2, 1, 0), 4);
	IS(lseek(fd, 0, SEEK_CUR), 0);
	IS(preadv2(fd, two(buf, buf + 4, 2, 2), 2, -1, 0), 4);
	IS(lseek(fd, 0, SEEK_CUR), 4);
	FAILS(preadv2(fd, two(buf, buf, 1, 1), 2, 0, 1 << 30), EOPNOTSUPP);
	FAILS(preadv2(dir(), two(buf, buf, 1, 1), 2, 0, 0), EISDIR);
}

ROW(pwritev2)
{
	int fd = file("f", "hello"), r = open(P("f"), O_RDONLY);

	IS(pwritev2(fd, two(ab, cd, 2, 3), 2, 3, 0), 5);
	IS(pwritev2(fd, two(ab, cd, 2, 0), 2, -1, 0), 2);
	IS(lseek(fd, 0, SEEK_CUR), 2);
	TEXT(get("f"), "ablabcde");
	FAILS(pwritev2(fd, two(ab, cd, 1, 1), 2, 0, 1 << 30), EOPNOTSUPP);
	FAILS(pwritev2(r, two(ab, cd, 1, 1), 2, 0, 0), EBADF);
}

ROW(__read_chk)
{
	int fd = file("f", "hello");

	TEXT(text(__read_chk(fd, buf, 9, sizeof(buf))), "hello");
	FAILS(__read_chk(dir(), buf, 9, sizeof(buf)), EISDIR);
}

ROW(__pread_chk)
{
	int fd = file("f", "hello");

	TEXT(text(__pread_chk(fd, buf, 9, 2, sizeof(buf))), "llo");
	FAILS(__pread_chk(dir(), buf, 9, 0, sizeof(buf)), EISDIR);
}

ROW(lseek)
{
	int fd = file("f", "hello"), p = open(P("f"), O_PATH);

	IS(lseek(fd, 2, SEEK_SET), 2);
	IS(lseek(fd, 1, SEEK_CUR), 3);
	IS(lseek(fd, -1, SEEK_END), 4);
	IS(lseek(fd, 7, SEEK_END), 12);
	IS(lseek(fd, 0, SEEK_DATA), 0);
	IS(lseek(fd, 0, SEEK_HOLE), 5);
	FAILS(lseek(fd, 5, SEEK_DATA), ENXIO);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 99), EINVAL);
	IS(lseek(fd, 0, SEEK_CUR), 5);
	FAILS(lseek(p, 0, SEEK_SET), EBADF);
	IS(lseek(dir(), 0, SEEK_SET), 0);
}
