/* SPDX-License-Identifier: BSD-3-Clause */
/* working directory and file system */
#include "tests/hooks/row.h"

static char buf[4096];

ROW(chdir)
{
	put("f", "hello");
	OK(mkdir(P("d"), 0755));
	OK(chdir(row_dir));
	OK(access("f", R_OK));
	OK(chdir("d"));
	OK(access("../f", R_OK));
	FAILS(access("f", R_OK), ENOENT);
	FAILS(chdir("none"), ENOENT);
	FAILS(chdir("../f"), ENOTDIR);
	TEXT(getcwd(buf, sizeof(buf)), P("d"));
	OK(chdir("/"));
	TEXT(getcwd(buf, sizeof(buf)), "/");
	FAILS(access("f", R_OK), ENOENT);
}

ROW(fchdir)
{
	int d = dir(), root = open("/", O_RDONLY), f = file("f", "hello");

	OK(fchdir(d));
	OK(access("f", R_OK));
	TEXT(getcwd(buf, sizeof(buf)), row_dir);
	FAILS(fchdir(f), ENOTDIR);
	FAILS(fchdir(987), EBADF);
	OK(fchdir(root));
	FAILS(access("f", R_OK), ENOENT);
}

ROW(getcwd)
{
	OK(chdir(row_dir));
	TEXT(getcwd(buf, sizeof(buf)), row_dir);
	TEXT(getcwd(NULL, 0), row_dir);
	NONE(getcwd(buf, 2), ERANGE);
	NONE(getcwd(buf, 0), EINVAL);
	OK(mkdir(P("gone"), 0755));
	OK(chdir("gone"));
	OK(rmdir(P("gone")));
	NONE(getcwd(buf, sizeof(buf)), ENOENT);
}

ROW(__getcwd_chk)
{
	OK(chdir(row_dir));
	TEXT(__getcwd_chk(buf, sizeof(buf), sizeof(buf)), row_dir);
	NONE(__getcwd_chk(buf, 2, sizeof(buf)), ERANGE);
}

ROW(getwd)
{
	char *(*call)(char *) = dlsym(RTLD_DEFAULT, "getwd");

	OK(chdir(row_dir));
	TEXT(call(buf), row_dir);
}

ROW(get_current_dir_name)
{
	OK(chdir(row_dir));
	unsetenv("PWD");
	TEXT(get_current_dir_name(), row_dir);
}

ROW(chroot)
{
	if (row_ours) /* the kernel cannot be sent there */
		FAILS(chroot(row_dir), EPERM);
	else if (!geteuid())
		OK(CHILD(OK(chroot(row_dir)); OK(access("/", F_OK))));
	FAILS(chroot(P("none")), ENOENT);
	put("f", "hello");
	FAILS(chroot(P("f")), ENOTDIR);
	OK(symlink("loop", P("loop")));
	FAILS(chroot(P("loop")), ELOOP);
}

/* Nothing can be mounted on BenchFS; elsewhere nothing is. */
ROW(mount)
{
	FAILS(mount("none", P("none"), "tmpfs", 0, NULL), ENOENT);
	if (row_ours)
		FAILS(mount("none", row_dir, "tmpfs", 0, NULL), EPERM);
}

ROW(umount)
{
	FAILS(umount(P("none")), ENOENT);
	if (row_ours)
		FAILS(umount(row_dir), EPERM);
}

ROW(umount2)
{
	FAILS(umount2(P("none"), 0), ENOENT);
	if (row_ours)
		FAILS(umount2(row_dir, MNT_DETACH), EPERM);
}

ROW(ftok)
{
	struct stat st;

	put("f", "hello");
	OK(stat(P("f"), &st));
	TRUE(ftok(P("f"), 'x') ==
	     (key_t)((st.st_ino & 0xffff) | (st.st_dev & 0xff) << 16 |
		     (unsigned)'x' << 24));
	TRUE(ftok(P("f"), 0xff) < 0);
	FAILS(ftok(P("none"), 'x'), ENOENT);
}

ROW(statfs)
{
	struct statfs s;

	OK(statfs(row_dir, &s));
	TRUE(s.f_bsize > 0 && s.f_blocks >= s.f_bfree && s.f_namelen == 255);
	FAILS(statfs(P("none"), &s), ENOENT);
}

ROW(fstatfs)
{
	struct statfs s, t;

	OK(statfs(row_dir, &s));
	OK(fstatfs(dir(), &t));
	TRUE(s.f_type == t.f_type && s.f_blocks == t.f_blocks);
	OK(fstatfs(file("f", ""), &t));
	TRUE(s.f_type == t.f_type && s.f_namelen == t.f_namelen);
	FAILS(fstatfs(987, &s), EBADF);
}

ROW(statvfs)
{
	struct statvfs s;

	OK(statvfs(row_dir, &s));
	TRUE(s.f_frsize > 0 && s.f_blocks >= s.f_bfree && s.f_namemax == 255);
	FAILS(statvfs(P("none"), &s), ENOENT);
}

ROW(fstatvfs)
{
	struct statvfs s, t;

	OK(statvfs(row_dir, &s));
	OK(fstatvfs(dir(), &t));
	TRUE(s.f_fsid == t.f_fsid && s.f_blocks == t.f_blocks);
	FAILS(fstatvfs(987, &s), EBADF);
}

ROW(pathconf)
{
	GIVES(pathconf(row_dir, _PC_NAME_MAX), 255);
	GIVES(pathconf(row_dir, _PC_PATH_MAX), 4096);
	FAILS(pathconf(row_dir, 9999), EINVAL);
	FAILS(pathconf(P("none"), _PC_NAME_MAX), ENOENT);
}

ROW(fpathconf)
{
	int fd = file("f", ""), big = (int)pathconf(row_dir, _PC_LINK_MAX);

	GIVES(fpathconf(fd, _PC_NAME_MAX), 255);
	TRUE(fpathconf(fd, _PC_LINK_MAX) == big);
	FAILS(fpathconf(fd, 9999), EINVAL);
	FAILS(fpathconf(-1, _PC_NAME_MAX), EBADF);
}

ROW(inotify_add_watch)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (row_ours)
		FAILS(inotify_add_watch(fd, row_dir, IN_CREATE), ENOSYS);
	else
		IS(inotify_add_watch(fd, row_dir, IN_CREATE), 1);
}

ROW(name_to_handle_at)
{
	struct file_handle h = { .handle_bytes = 0 };
	int id;

	if (row_ours)
		FAILS(name_to_handle_at(dir(), ".", &h, &id, 0), EOPNOTSUPP);
	else
		SAYS(name_to_handle_at(dir(), ".", &h, &id, 0));
	FAILS(name_to_handle_at(dir(), "none", &h, &id, 0), ENOENT);
	FAILS(name_to_handle_at(dir(), "", &h, &id, 0), ENOENT);
	FAILS(name_to_handle_at(dir(), ".", &h, &id, 0x40000000), EINVAL);
}
