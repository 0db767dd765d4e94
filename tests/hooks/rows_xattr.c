/* SPDX-License-Identifier: BSD-3-Clause */
/* extended attributes */
#include "tests/hooks/row.h"

static char buf[256];
static int fd;

/* A file f with user.a = "value", and a link to it. */
static void make(void)
{
	fd = file("f", "");
	if (setxattr(P("f"), "user.a", "value", 5, 0) && errno == EOPNOTSUPP)
		row_skip("no user xattrs on this file system");
	OK(symlink("f", P("l")));
}

ROW(getxattr)
{
	make();
	IS(getxattr(P("l"), "user.a", NULL, 0), 5);
	IS(getxattr(P("l"), "user.a", buf, sizeof(buf)), 5);
	TRUE(!memcmp(buf, "value", 5));
	FAILS(getxattr(P("f"), "user.a", buf, 2), ERANGE);
	FAILS(getxattr(P("f"), "user.b", buf, sizeof(buf)), ENODATA);
	FAILS(getxattr(P("none"), "user.a", buf, sizeof(buf)), ENOENT);
}

ROW(lgetxattr)
{
	make();
	IS(lgetxattr(P("f"), "user.a", buf, sizeof(buf)), 5);
	FAILS(lgetxattr(P("l"), "user.a", buf, sizeof(buf)), ENODATA);
}

ROW(fgetxattr)
{
	make();
	IS(fgetxattr(fd, "user.a", buf, sizeof(buf)), 5);
	FAILS(fgetxattr(fd, "user.b", buf, sizeof(buf)), ENODATA);
	FAILS(fgetxattr(987, "user.a", buf, sizeof(buf)), EBADF);
}

ROW(setxattr)
{
	make();
	OK(setxattr(P("l"), "user.b", "x", 1, XATTR_CREATE));
	FAILS(setxattr(P("f"), "user.b", "x", 1, XATTR_CREATE), EEXIST);
	FAILS(setxattr(P("f"), "user.c", "x", 1, XATTR_REPLACE), ENODATA);
	OK(setxattr(P("f"), "user.b", "yz", 2, XATTR_REPLACE));
	IS(getxattr(P("f"), "user.b", buf, sizeof(buf)), 2);
	FAILS(setxattr(P("f"), "nonsense", "x", 1, 0), EOPNOTSUPP);
	FAILS(setxattr(P("none"), "user.b", "x", 1, 0), ENOENT);
	FAILS(setxattr(P("f"), "user.b", "x", 1, 99), EINVAL);
}

ROW(lsetxattr)
{
	make();
	OK(lsetxattr(P("f"), "user.b", "x", 1, 0));
	IS(getxattr(P("f"), "user.b", buf, sizeof(buf)), 1);
	FAILS(lsetxattr(P("l"), "user.b", "x", 1, 0), EPERM);
}

ROW(fsetxattr)
{
	make();
	OK(fsetxattr(fd, "user.b", "xyz", 3, 0));
	IS(getxattr(P("f"), "user.b", buf, sizeof(buf)), 3);
	FAILS(fsetxattr(987, "user.b", "x", 1, 0), EBADF);
}

/* A list of n bytes names user.a. */
static bool listed(long n)
{
	for (long i = 0; i < n; i += (long)strlen(buf + i) + 1)
		if (!strcmp(buf + i, "user.a"))
			return true;
	return false;
}

ROW(listxattr)
{
	make();
	TRUE(listed(listxattr(P("l"), buf, sizeof(buf))));
	TRUE(listxattr(P("f"), NULL, 0) >= 7);
	FAILS(listxattr(P("f"), buf, 2), ERANGE);
	FAILS(listxattr(P("none"), buf, sizeof(buf)), ENOENT);
}

ROW(llistxattr)
{
	make();
	TRUE(listed(llistxattr(P("f"), buf, sizeof(buf))));
	TRUE(!listed(llistxattr(P("l"), buf, sizeof(buf))));
	FAILS(llistxattr(P("none"), buf, sizeof(buf)), ENOENT);
}

ROW(flistxattr)
{
	make();
	TRUE(listed(flistxattr(fd, buf, sizeof(buf))));
	FAILS(flistxattr(987, buf, sizeof(buf)), EBADF);
}

ROW(removexattr)
{
	make();
	OK(removexattr(P("l"), "user.a"));
	FAILS(getxattr(P("f"), "user.a", buf, sizeof(buf)), ENODATA);
	FAILS(removexattr(P("f"), "user.a"), ENODATA);
	FAILS(removexattr(P("none"), "user.a"), ENOENT);
}

ROW(lremovexattr)
{
	make();
	OK(lremovexattr(P("f"), "user.a"));
	FAILS(lremovexattr(P("f"), "user.a"), ENODATA);
}

ROW(fremovexattr)
{
	make();
	OK(fremovexattr(fd, "user.a"));
	FAILS(fremovexattr(fd, "user.a"), ENODATA);
	FAILS(fremovexattr(987, "user.a"), EBADF);
}
