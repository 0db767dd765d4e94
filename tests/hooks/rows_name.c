/* SPDX-License-Identifier: BSD-3-Clause */
/* names: rename, link, unlink, mkdir, mknod and so on */
#include "tests/hooks/row.h"

#include <sys/sysmacros.h>

ROW(rename)
{
	put("a", "a");
	put("b", "b");
	OK(rename(P("a"), P("b")));
	TRUE(!exists("a"));
	TEXT(get("b"), "a");
	OK(mkdir(P("d"), 0755));
	OK(mkdir(P("d/e"), 0755));
	FAILS(rename(P("d"), P("d/e/f")), EINVAL);
	FAILS(rename(P("b"), P("d")), EISDIR);
	FAILS(rename(P("d"), P("b")), ENOTDIR);
	OK(mkdir(P("g"), 0755));
	FAILS(rename(P("g"), P("d")), ENOTEMPTY);
	FAILS(rename(P("none"), P("x")), ENOENT);
	if (row_ours)
		FAILS(rename(P("b"), "/tmp/benchfs-none"), EXDEV);
}

ROW(renameat)
{
	int d = dir();

	put("a", "a");
	OK(renameat(d, "a", d, "b"));
	TRUE(!exists("a") && exists("b"));
	FAILS(renameat(d, "none", d, "x"), ENOENT);
	FAILS(renameat(d, "b", 987, "x"), EBADF);
}

ROW(renameat2)
{
	int d = dir();

	put("a", "a");
	put("b", "b");
	FAILS(renameat2(d, "a", d, "b", RENAME_NOREPLACE), EEXIST);
	OK(renameat2(d, "a", d, "b", RENAME_EXCHANGE));
	TEXT(get("a"), "b");
	TEXT(get("b"), "a");
	OK(renameat2(d, "a", d, "c", RENAME_NOREPLACE));
	FAILS(renameat2(d, "b", d, "x", RENAME_EXCHANGE), ENOENT);
	FAILS(renameat2(d, "b", d, "x", 1 << 20), EINVAL);
}

ROW(link)
{
	struct stat st;

	put("a", "a");
	OK(link(P("a"), P("b")));
	OK(stat(P("b"), &st));
	TRUE(st.st_nlink == 2);
	FAILS(link(P("a"), P("b")), EEXIST);
	FAILS(link(P("."), P("c")), EPERM);
	FAILS(link(P("none"), P("c")), ENOENT);
	if (row_ours)
		FAILS(link(P("a"), "/tmp/benchfs-none"), EXDEV);
}

ROW(linkat)
{
	int d = dir(), fd;

	put("a", "a");
	OK(symlink("a", P("l")));
	OK(linkat(d, "l", d, "b", AT_SYMLINK_FOLLOW));
	TRUE(S_ISREG(mode_of("b")));
	OK(linkat(d, "l", d, "m", 0));
	TRUE(S_ISLNK(mode_of("m")));
	fd = open(P("."), O_TMPFILE | O_RDWR, 0600);
	IS(write(fd, "t", 1), 1);
	snprintf(row_dir + 600, 64, "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, row_dir + 600, d, "t", AT_SYMLINK_FOLLOW));
	TEXT(get("t"), "t");
	FAILS(linkat(d, "none", d, "c", 0), ENOENT);
	FAILS(linkat(d, "a", d, "b", 0), EEXIST);
	FAILS(linkat(d, "a", d, "c", 1 << 20), EINVAL);
}

ROW(symlink)
{
	char buf[64];

	OK(symlink("some/target", P("l")));
	IS(readlink(P("l"), buf, sizeof(buf)), 11);
	TRUE(!memcmp(buf, "some/target", 11));
	FAILS(symlink("x", P("l")), EEXIST);
	FAILS(symlink("", P("m")), ENOENT);
	FAILS(symlink("x", P("none/l")), ENOENT);
}

ROW(symlinkat)
{
	int d = dir();

	OK(symlinkat("target", d, "l"));
	TRUE(S_ISLNK(mode_of("l")));
	FAILS(symlinkat("target", d, "l"), EEXIST);
	FAILS(symlinkat("target", 987, "l"), EBADF);
}

ROW(unlink)
{
	put("f", "");
	OK(unlink(P("f")));
	TRUE(!exists("f"));
	FAILS(unlink(P("f")), ENOENT);
	FAILS(unlink(P(".")), EISDIR);
}

ROW(unlinkat)
{
	int d = dir();

	put("f", "");
	OK(mkdir(P("d"), 0755));
	OK(unlinkat(d, "f", 0));
	TRUE(!exists("f"));
	FAILS(unlinkat(d, "d", 0), EISDIR);
	OK(unlinkat(d, "d", AT_REMOVEDIR));
	TRUE(!exists("d"));
	FAILS(unlinkat(d, "d", AT_REMOVEDIR), ENOENT);
	FAILS(unlinkat(d, "d", 1 << 20), EINVAL);
}

ROW(remove)
{
	put("f", "");
	OK(mkdir(P("d"), 0755));
	OK(remove(P("f")));
	TRUE(!exists("f"));
	GIVES(remove(P("d")), 0);
	TRUE(!exists("d"));
	FAILS(remove(P("none")), ENOENT);
}

ROW(rmdir)
{
	OK(mkdir(P("d"), 0755));
	put("d/f", "");
	put("f", "");
	FAILS(rmdir(P("d")), ENOTEMPTY);
	FAILS(rmdir(P("f")), ENOTDIR);
	FAILS(rmdir(P("d/.")), EINVAL);
	OK(unlink(P("d/f")));
	OK(rmdir(P("d")));
	TRUE(!exists("d"));
	FAILS(rmdir(P("d")), ENOENT);
}

ROW(mkdir)
{
	OK(mkdir(P("d"), 0777));
	TRUE(mode_of("d") == (S_IFDIR | 0755)); /* the umask is 022 */
	FAILS(mkdir(P("d"), 0755), EEXIST);
	FAILS(mkdir(P("none/d"), 0755), ENOENT);
	put("f", "");
	FAILS(mkdir(P("f/d"), 0755), ENOTDIR);
}

ROW(mkdirat)
{
	int d = dir();

	OK(mkdirat(d, "d", 0700));
	TRUE(mode_of("d") == (S_IFDIR | 0700));
	FAILS(mkdirat(d, "d", 0700), EEXIST);
	FAILS(mkdirat(987, "e", 0700), EBADF);
}

ROW(mknod)
{
	OK(mknod(P("f"), S_IFREG | 0640, 0));
	TRUE(mode_of("f") == (S_IFREG | 0640));
	OK(mknod(P("p"), S_IFIFO | 0600, 0));
	TRUE(mode_of("p") == (S_IFIFO | 0600));
	FAILS(mknod(P("p"), S_IFIFO | 0600, 0), EEXIST);
	FAILS(mknod(P("d"), S_IFDIR | 0600, 0), EPERM);
	FAILS(mknod(P("none/p"), S_IFIFO | 0600, 0), ENOENT);
}

ROW(mknodat)
{
	int d = dir();

	OK(mknodat(d, "p", S_IFIFO | 0600, 0));
	TRUE(mode_of("p") == (S_IFIFO | 0600));
	FAILS(mknodat(d, "p", S_IFIFO | 0600, 0), EEXIST);
}

ROW(__xmknod)
{
	dev_t dev = 0;

	OK(__xmknod(0, P("p"), S_IFIFO | 0600, &dev));
	TRUE(mode_of("p") == (S_IFIFO | 0600));
	FAILS(__xmknod(0, P("p"), S_IFIFO | 0600, &dev), EEXIST);
}

ROW(__xmknodat)
{
	dev_t dev = 0;
	int d = dir();

	OK(__xmknodat(0, d, "p", S_IFIFO | 0600, &dev));
	TRUE(mode_of("p") == (S_IFIFO | 0600));
	FAILS(__xmknodat(0, d, "p", S_IFIFO | 0600, &dev), EEXIST);
}

ROW(mkfifo)
{
	char c = 0;
	int fd;

	OK(mkfifo(P("p"), 0600));
	TRUE(mode_of("p") == (S_IFIFO | 0600));
	FAILS(mkfifo(P("p"), 0600), EEXIST);
	fd = FD(open(P("p"), O_RDWR));
	IS(write(fd, "x", 1), 1);
	IS(read(fd, &c, 1), 1);
	TRUE(c == 'x');
	FAILS(open(P("p"), O_WRONLY | O_NONBLOCK | O_DIRECTORY), ENOTDIR);
}

ROW(mkfifoat)
{
	int d = dir();

	OK(mkfifoat(d, "p", 0600));
	TRUE(mode_of("p") == (S_IFIFO | 0600));
	FAILS(mkfifoat(d, "p", 0600), EEXIST);
}

static char buf[4096];

static const char *text(long n)
{
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

ROW(readlink)
{
	put("f", "");
	OK(symlink("target", P("l")));
	TEXT(text(readlink(P("l"), buf, sizeof(buf))), "target");
	IS(readlink(P("l"), buf, 3), 3);
	FAILS(readlink(P("f"), buf, sizeof(buf)), EINVAL);
	FAILS(readlink(P("l"), buf, 0), EINVAL);
	FAILS(readlink(P("none"), buf, sizeof(buf)), ENOENT);
}

ROW(readlinkat)
{
	int d = dir(), fd;

	OK(symlink("target", P("l")));
	TEXT(text(readlinkat(d, "l", buf, sizeof(buf))), "target");
	fd = open(P("l"), O_PATH | O_NOFOLLOW);
	TEXT(text(readlinkat(fd, "", buf, sizeof(buf))), "target");
	FAILS(readlinkat(d, "none", buf, sizeof(buf)), ENOENT);
}

ROW(__readlink_chk)
{
	OK(symlink("target", P("l")));
	TEXT(text(__readlink_chk(P("l"), buf, 9, sizeof(buf))), "target");
	FAILS(__readlink_chk(P("none"), buf, 9, sizeof(buf)), ENOENT);
}

ROW(__readlinkat_chk)
{
	int d = dir();

	OK(symlink("target", P("l")));
	TEXT(text(__readlinkat_chk(d, "l", buf, 9, sizeof(buf))), "target");
	FAILS(__readlinkat_chk(d, "none", buf, 9, sizeof(buf)), ENOENT);
}

static void make_links(void)
{
	OK(mkdir(P("d"), 0755));
	put("d/f", "");
	OK(symlink("d", P("l")));
}

ROW(realpath)
{
	make_links();
	TEXT(realpath(P("l/../l/./f"), buf), P("d/f"));
	TEXT(realpath(P("d/f"), NULL), P("d/f"));
	NONE(realpath(P("d/none"), buf), ENOENT);
	NONE(realpath(P("d/f/x"), buf), ENOTDIR);
	NONE(realpath(NULL, buf), EINVAL);
}

ROW(__realpath_chk)
{
	make_links();
	TEXT(__realpath_chk(P("l/f"), buf, sizeof(buf)), P("d/f"));
	NONE(__realpath_chk(P("none"), buf, sizeof(buf)), ENOENT);
}

ROW(canonicalize_file_name)
{
	make_links();
	TEXT(canonicalize_file_name(P("l//f")), P("d/f"));
	NONE(canonicalize_file_name(P("none")), ENOENT);
}
