/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same calls here and on a real directory: results and what stat tells
 * must agree.  First a table of the cases worth naming, then random ones.
 */
#include "tests/unit/fs_unit.h"

#include "core/util.h"

#include <errno.h>
#include <grp.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534u
#define ROOT 0, 0
#define USER NOBODY, NOBODY

struct op {
	const char *name;
	int (*ours)(struct fs_unit *u, const char *a, const char *b, int n);
	int (*kernel)(const char *a, const char *b, int n);
};

/* Each op twice: for BenchFS, and as the system call it stands for. */
#define OP(name, our_call, kernel_call) \
	static int our_##name(struct fs_unit *u, const char *a, const char *b, \
			      int n) \
	{ \
		return our_call; \
	} \
	static int kernel_##name(const char *a, const char *b, int n) \
	{ \
		return (int)(kernel_call); \
	}

static int our_do_open(struct fs_unit *u, const char *path, int flags)
{
	return u_open(u, path, flags, 0644, NULL);
}

static int kernel_do_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static int our_set_times(struct fs_unit *u, const char *path, bool now)
{
	unsigned valid = now ? BFS_SET_ATIME_NOW | BFS_SET_MTIME_NOW
			     : BFS_SET_ATIME | BFS_SET_MTIME_NOW;

	return u_setattr(u, path, valid,
			 (struct bfs_setattr_req){ .atime = { 5, 6 } });
}

static int kernel_set_times(const char *path, bool now)
{
	const struct timespec t[2] = { { 5, 6 }, { 0, UTIME_NOW } };

	return utimensat(AT_FDCWD, path, now ? NULL : t, 0);
}

static int our_read_link(struct fs_unit *u, const char *path)
{
	char buf[256];

	return u_readlink(u, path, buf, sizeof(buf));
}

static int kernel_read_link(const char *path)
{
	char buf[256];

	return readlink(path, buf, sizeof(buf)) < 0 ? -1 : 0;
}

static int our_find(struct fs_unit *u, const char *path)
{
	struct bfs_attr a;

	return u_stat(u, path, &a);
}

static int kernel_find(const char *path)
{
	struct stat st;

	return stat(path, &st);
}

OP(open, our_do_open(u, a, n), kernel_do_open(a, n))
OP(mkdir, u_mkdir(u, a, (unsigned)n), mkdir(a, (mode_t)n))
OP(mknod, u_mknod(u, a, (unsigned)n, 0), mknod(a, (mode_t)n, 0))
OP(symlink, u_symlink(u, b, a), symlink(b, a))
OP(unlink, u_unlink(u, a), unlink(a))
OP(rmdir, u_rmdir(u, a), rmdir(a))
OP(rename, u_rename(u, a, b, (unsigned)n),
   syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, n))
OP(link, u_link(u, a, b, n), linkat(AT_FDCWD, a, AT_FDCWD, b, n))
OP(chmod, u_chmod(u, a, (unsigned)n), chmod(a, (mode_t)n))
OP(chown, u_chown(u, a, (uint32_t)n, (uint32_t)-1), chown(a, (uid_t)n, -1))
OP(chgrp, u_chown(u, a, (uint32_t)-1, (uint32_t)n), chown(a, -1, (gid_t)n))
OP(truncate, u_truncate(u, a, (uint64_t)n), truncate(a, n))
OP(access, u_access(u, a, (unsigned)n), faccessat(AT_FDCWD, a, n, AT_EACCESS))
OP(touch, our_set_times(u, a, n), kernel_set_times(a, n))
OP(readlink, our_read_link(u, a), kernel_read_link(a))
OP(stat, our_find(u, a), kernel_find(a))

static const struct op ops[] = {
#define O(name) \
	{ \
#name, our_##name, kernel_##name \
	}
	O(open),   O(mkdir), O(mknod), O(symlink),  O(unlink), O(rmdir),
	O(rename), O(link),  O(chmod), O(chown),    O(chgrp),  O(truncate),
	O(access), O(touch), O(stat),  O(readlink),
#undef O
};

/* The real side: a directory next to the data, entered. */
static void enter_real(struct fs_unit *u)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/real", u->dir);
	umask(0);
	assert_int_equal(chmod(u->dir, 0755), 0);
	assert_int_equal(mkdir(path, 0), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(chdir(path), 0);
}

/* Effective ids of this process, and the caller's here. */
static void become(struct fs_unit *u, uint32_t uid, uint32_t gid)
{
	u_as(u, uid, gid);
	if (geteuid() == uid && getegid() == gid)
		return;
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(gid), 0);
	assert_int_equal(seteuid(uid), 0);
}

static void be_root(void)
{
	if (seteuid(0) || setegid(0))
		abort();
}

/* What stat tells, as far as it can be the same. */
static void describe(char *line, size_t cap, unsigned mode, unsigned nlink,
		     unsigned uid, unsigned gid, uint64_t size)
{
	snprintf(line, cap, "mode %o nlink %u uid %u gid %u size %lu", mode,
		 nlink, uid, gid, S_ISDIR(mode) ? 0 : size);
}

static void compare_stat(struct fs_unit *u, const char *path, const char *what)
{
	char ours[128] = "none", kernels[128] = "none";
	struct bfs_attr a;
	struct stat st;
	int r;

	be_root();
	u_as(u, 0, 0);
	r = u_lstat(u, path, &a);
	if (r == -(int)BFS_ESCAPE)
		return;
	if (!r)
		describe(ours, sizeof(ours), a.mode, a.nlink, a.uid, a.gid,
			 a.size);
	if (!lstat(path, &st))
		describe(kernels, sizeof(kernels), st.st_mode,
			 (unsigned)st.st_nlink, st.st_uid, st.st_gid,
			 (uint64_t)st.st_size);
	if (strcmp(ours, kernels))
		fail_msg("%s: %s: we say \"%s\", the kernel \"%s\"", what, path,
			 ours, kernels);
}

static const struct op *op_named(const char *name)
{
	for (size_t n = 0; n < BFS_COUNT(ops); n++)
		if (!strcmp(ops[n].name, name))
			return &ops[n];
	fail_msg("no op %s", name);
	return NULL;
}

/* One call on both sides; an escape has no counterpart and is passed over. */
static int both(struct fs_unit *u, const struct op *op, const char *a,
		const char *b, int n, uint32_t uid, uint32_t gid)
{
	char what[256];
	int ours, kernels;

	snprintf(what, sizeof(what), "%s(\"%s\", \"%s\", %#x) as %u", op->name,
		 a, b ? b : "", n, uid);
	be_root();
	u_as(u, uid, gid);
	ours = op->ours(u, a, b, n);
	if (ours == -(int)BFS_ESCAPE)
		return ours;
	become(u, uid, gid);
	kernels = op->kernel(a, b, n) ? -errno : 0;
	be_root();
	if (ours != kernels)
		fail_msg("%s: we say %s, the kernel %s", what, strerror(-ours),
			 strerror(-kernels));
	return ours;
}

static const struct step {
	const char *op, *a, *b;
	int n;
	uint32_t uid, gid;
} steps[] = {
	/* names and slashes */
	{ "mkdir", "d", 0, 0755, ROOT },
	{ "mkdir", "d", 0, 0755, ROOT },
	{ "mkdir", "d/", 0, 0755, ROOT },
	{ "mkdir", "d/x/", 0, 0755, ROOT },
	{ "mkdir", ".", 0, 0755, ROOT },
	{ "mkdir", "d/..", 0, 0755, ROOT },
	{ "mkdir", "no/x", 0, 0755, ROOT },
	{ "mknod", "f", 0, S_IFREG | 0644, ROOT },
	{ "mknod", "f/", 0, S_IFREG | 0644, ROOT },
	{ "mknod", "g/", 0, S_IFREG | 0644, ROOT },
	{ "mknod", "f/x", 0, S_IFREG | 0644, ROOT },
	{ "mknod", "pipe", 0, S_IFIFO | 0600, ROOT },
	{ "mknod", "sock", 0, S_IFSOCK | 0600, ROOT },
	{ "mknod", "white", 0, S_IFCHR, USER },
	{ "mknod", "block", 0, S_IFBLK, USER },
	{ "mknod", "odd", 0, 0170000, ROOT },
	{ "stat", "f/", 0, 0, ROOT },
	{ "stat", "f/.", 0, 0, ROOT },
	{ "stat", "d/./x/../x/.", 0, 0, ROOT },
	{ "stat", "d//x//", 0, 0, ROOT },
	/* symlinks */
	{ "symlink", "l", "d", 0, ROOT },
	{ "symlink", "l/", "d", 0, ROOT },
	{ "symlink", "l2/", "d", 0, ROOT },
	{ "symlink", "empty", "", 0, ROOT },
	{ "symlink", "lf", "f", 0, ROOT },
	{ "symlink", "slash", "f/", 0, ROOT },
	{ "symlink", "loop", "loop", 0, ROOT },
	{ "symlink", "dangling", "nothing", 0, ROOT },
	{ "symlink", "d/up", "../d", 0, ROOT },
	{ "stat", "l/x", 0, 0, ROOT },
	{ "stat", "l/up/up/up/x/", 0, 0, ROOT },
	{ "stat", "loop", 0, 0, ROOT },
	{ "stat", "loop/x", 0, 0, ROOT },
	{ "stat", "dangling", 0, 0, ROOT },
	{ "stat", "slash", 0, 0, ROOT },
	{ "stat", "lf/", 0, 0, ROOT },
	{ "readlink", "l", 0, 0, ROOT },
	{ "readlink", "l/", 0, 0, ROOT },
	{ "readlink", "f", 0, 0, ROOT },
	{ "mkdir", "dangling", 0, 0755, ROOT },
	{ "mkdir", "dangling/", 0, 0755, ROOT },
	{ "rmdir", "l", 0, 0, ROOT },
	{ "rmdir", "l/", 0, 0, ROOT },
	{ "unlink", "l/", 0, 0, ROOT },
	/* open */
	{ "open", "f", 0, O_CREAT | O_EXCL | O_RDWR, ROOT },
	{ "open", "f", 0, O_CREAT | O_RDWR, ROOT },
	{ "open", "f", 0, O_DIRECTORY, ROOT },
	{ "open", "f", 0, O_CREAT | O_DIRECTORY, ROOT },
	{ "open", "d", 0, O_CREAT, ROOT },
	{ "open", "d", 0, O_CREAT | O_EXCL, ROOT },
	{ "open", "d", 0, O_WRONLY, ROOT },
	{ "open", "d", 0, O_RDONLY | O_TRUNC, ROOT },
	{ "open", "d", 0, O_PATH | O_RDWR | O_TRUNC, ROOT },
	{ "open", "d/", 0, O_CREAT, ROOT },
	{ "open", "new/", 0, O_CREAT, ROOT },
	{ "open", "f/", 0, O_CREAT, ROOT },
	{ "open", ".", 0, O_CREAT | O_EXCL, ROOT },
	{ "open", ".", 0, O_CREAT, ROOT },
	{ "open", "lf", 0, O_NOFOLLOW, ROOT },
	{ "open", "lf", 0, O_NOFOLLOW | O_DIRECTORY, ROOT },
	{ "open", "lf", 0, O_NOFOLLOW | O_PATH, ROOT },
	{ "open", "lf", 0, O_NOFOLLOW | O_PATH | O_DIRECTORY, ROOT },
	{ "open", "lf", 0, O_CREAT | O_EXCL, ROOT },
	{ "open", "slash", 0, O_CREAT, ROOT },
	{ "open", "dangling", 0, O_RDONLY, ROOT },
	{ "open", "dangling", 0, O_CREAT | O_EXCL, ROOT },
	{ "open", "dangling", 0, O_CREAT | O_NOFOLLOW, ROOT },
	{ "open", "dangling", 0, O_CREAT | O_WRONLY, ROOT },
	{ "stat", "nothing", 0, 0, ROOT },
	{ "open", "loop", 0, O_CREAT, ROOT },
	{ "open", "sock", 0, O_RDONLY, ROOT },
	{ "open", "d", 0, O_TMPFILE | O_RDWR, ROOT },
	{ "open", "d", 0, O_TMPFILE | O_RDONLY, ROOT },
	{ "open", "d", 0, (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, ROOT },
	{ "open", "d", 0, O_TMPFILE | O_CREAT | O_RDWR, ROOT },
	{ "open", "f", 0, O_TMPFILE | O_RDWR, ROOT },
	{ "open", "f", 0, O_NOATIME, ROOT },
	{ "open", "f", 0, O_NOATIME, USER },
	/* unlink and rmdir */
	{ "unlink", "d", 0, 0, ROOT },
	{ "unlink", "d/", 0, 0, ROOT },
	{ "unlink", ".", 0, 0, ROOT },
	{ "unlink", "f/", 0, 0, ROOT },
	{ "unlink", "none", 0, 0, ROOT },
	{ "unlink", "none/", 0, 0, ROOT },
	{ "rmdir", "d", 0, 0, ROOT },
	{ "rmdir", "d/.", 0, 0, ROOT },
	{ "rmdir", "d/..", 0, 0, ROOT },
	{ "rmdir", "f", 0, 0, ROOT },
	{ "rmdir", "none", 0, 0, ROOT },
	/* rename */
	{ "mkdir", "e", 0, 0755, ROOT },
	{ "mkdir", "e/y", 0, 0755, ROOT },
	{ "mkdir", "void", 0, 0755, ROOT },
	{ "rename", "d", "d/x/z", 0, ROOT },
	{ "rename", "d", "d/z", 0, ROOT },
	{ "rename", "d", "d", 0, ROOT },
	{ "rename", "d/x", "d", 0, ROOT },
	{ "rename", "d/x", "d", RENAME_EXCHANGE, ROOT },
	{ "rename", "d", "d/x", RENAME_EXCHANGE, ROOT },
	{ "rename", "d", "e", 0, ROOT },
	{ "rename", "d", "f", 0, ROOT },
	{ "rename", "f", "d", 0, ROOT },
	{ "rename", "f", "new/", 0, ROOT },
	{ "rename", "f/", "new", 0, ROOT },
	{ "rename", "f", "none/new", 0, ROOT },
	{ "rename", "none", "new", 0, ROOT },
	{ "rename", ".", "new", 0, ROOT },
	{ "rename", "f", ".", 0, ROOT },
	{ "rename", "f", "d/..", 0, ROOT },
	{ "rename", "f", ".", RENAME_NOREPLACE, ROOT },
	{ "rename", "f", "pipe", RENAME_NOREPLACE, ROOT },
	{ "rename", "f", "none", RENAME_EXCHANGE, ROOT },
	{ "rename", "f", "d", RENAME_EXCHANGE | RENAME_NOREPLACE, ROOT },
	{ "rename", "f", "d", 0x40, ROOT },
	{ "rename", "f", "e/y", RENAME_EXCHANGE, ROOT },
	{ "rename", "f", "e/y", RENAME_EXCHANGE, ROOT },
	{ "rename", "f", "e/y/", RENAME_EXCHANGE, ROOT },
	{ "rename", "e/y", "f/", RENAME_EXCHANGE, ROOT },
	{ "rename", "d/x", "void", 0, ROOT },
	{ "rename", "void/", "d/x/", 0, ROOT },
	{ "rename", "l", "l3", 0, ROOT },
	{ "rename", "l3/", "l", 0, ROOT },
	{ "rename", "l3", "l", RENAME_NOREPLACE, ROOT },
	/* link */
	{ "link", "f", "f2", 0, ROOT },
	{ "link", "f", "f2", 0, ROOT },
	{ "link", "d", "d2", 0, ROOT },
	{ "link", "f", "f3/", 0, ROOT },
	{ "link", "lf", "lf2", 0, ROOT },
	{ "link", "lf", "lf3", AT_SYMLINK_FOLLOW, ROOT },
	{ "link", "dangling", "x", AT_SYMLINK_FOLLOW, ROOT },
	{ "link", "none", "x", 0, ROOT },
	{ "link", "f", ".", 0, ROOT },
	{ "link", "f", "x", 1, ROOT },
	{ "rename", "f", "f2", 0, ROOT }, /* one inode: nothing is done */
	{ "rename", "f", "f2", RENAME_NOREPLACE, ROOT },
	{ "unlink", "f2", 0, 0, ROOT },
	/* permissions */
	{ "mkdir", "priv", 0, 0700, ROOT },
	{ "mknod", "priv/f", 0, S_IFREG | 0666, ROOT },
	{ "stat", "priv", 0, 0, USER },
	{ "stat", "priv/f", 0, 0, USER },
	{ "stat", "priv/.", 0, 0, USER },
	{ "stat", "priv/..", 0, 0, USER },
	{ "open", "priv/f", 0, O_CREAT, USER },
	{ "open", "priv", 0, O_RDONLY, USER },
	{ "open", "priv", 0, O_PATH, USER },
	{ "open", "f", 0, O_WRONLY, USER },
	{ "open", "f", 0, O_RDONLY, USER },
	{ "open", "f", 0, O_RDONLY | O_TRUNC, USER },
	{ "open", "d/new", 0, O_CREAT, USER },
	{ "mkdir", "d/new", 0, 0755, USER },
	{ "mkdir", "d/x", 0, 0755, USER },
	{ "unlink", "d/up", 0, 0, USER },
	{ "rmdir", "d/x", 0, 0, USER },
	{ "rename", "d/up", "up", 0, USER },
	{ "rename", "nothing", "d/up", 0, USER },
	{ "access", "f", 0, R_OK, USER },
	{ "access", "f", 0, W_OK, USER },
	{ "access", "f", 0, X_OK, USER },
	{ "access", "f", 0, X_OK, ROOT },
	{ "access", "d", 0, X_OK | W_OK | R_OK, ROOT },
	{ "access", "f", 0, F_OK, USER },
	{ "access", "f", 0, 8, USER },
	{ "open", "mine", 0, O_CREAT | O_RDWR, USER },
	{ "mkdir", "mined", 0, 0755, USER },
	{ "chmod", "mine", 0, 0, USER },
	{ "open", "mine", 0, O_RDWR, USER },
	{ "open", "mine", 0, O_RDWR, ROOT },
	{ "access", "mine", 0, R_OK, USER },
	{ "chmod", "f", 0, 0777, USER },
	{ "chmod", "l3", 0, 0755, USER },
	{ "chmod", "mine", 0, 06777, USER },
	{ "truncate", "mine", 0, 10, USER },
	{ "chmod", "mine", 0, 06777, USER },
	{ "truncate", "mine", 0, 20, ROOT },
	{ "open", "mine", 0, O_WRONLY | O_TRUNC, USER },
	{ "chmod", "mine", 0, 06745, USER },
	{ "chown", "mine", 0, NOBODY, USER },
	{ "chmod", "mine", 0, 06755, USER },
	{ "chown", "mine", 0, 1, USER },
	{ "chgrp", "mine", 0, 1, USER },
	{ "chgrp", "mine", 0, NOBODY, USER },
	{ "chown", "mine", 0, -1, USER },
	{ "chown", "f", 0, -1, USER },
	{ "chmod", "mine", 0, 06755, ROOT },
	{ "chown", "mine", 0, NOBODY, ROOT },
	{ "chown", "f", 0, NOBODY, USER },
	{ "chown", "f", 0, 7, ROOT },
	{ "chgrp", "f", 0, 7, ROOT },
	{ "chmod", "mined", 0, 02755, USER },
	{ "chgrp", "mined", 0, 7, ROOT },
	{ "chmod", "mined", 0, 02777, ROOT },
	{ "mkdir", "mined/sub", 0, 0755, USER },
	{ "mknod", "mined/f", 0, S_IFREG | 02755, USER },
	{ "mknod", "mined/g", 0, S_IFREG | 02745, USER },
	{ "mknod", "mined/h", 0, S_IFREG | 02755, ROOT },
	{ "chmod", "mined/f", 0, 02755, USER },
	{ "truncate", "d", 0, 0, ROOT },
	{ "truncate", "pipe", 0, 0, ROOT },
	{ "truncate", "f", 0, 0, USER },
	{ "truncate", "f", 0, -1, ROOT },
	{ "truncate", "l3", 0, 5, ROOT },
	{ "touch", "f", 0, 1, USER },
	{ "touch", "f", 0, 0, USER },
	{ "touch", "mine", 0, 0, USER },
	{ "chmod", "f", 0, 0666, ROOT },
	{ "touch", "f", 0, 1, USER },
	{ "touch", "f", 0, 0, USER },
	/* sticky */
	{ "mkdir", "tmp", 0, 0755, ROOT },
	{ "chmod", "tmp", 0, 01777, ROOT },
	{ "mknod", "tmp/root", 0, S_IFREG | 0644, ROOT },
	{ "mknod", "tmp/user", 0, S_IFREG | 0644, USER },
	{ "mkdir", "tmp/dir", 0, 0777, ROOT },
	{ "unlink", "tmp/root", 0, 0, USER },
	{ "rmdir", "tmp/dir", 0, 0, USER },
	{ "unlink", "tmp/dir", 0, 0, USER },
	{ "rename", "tmp/user", "tmp/root", 0, USER },
	{ "rename", "tmp/root", "tmp/user", 0, USER },
	{ "rename", "tmp/root", "stolen", 0, USER },
	{ "rename", "tmp/user", "tmp/root", RENAME_EXCHANGE, USER },
	{ "rename", "tmp/user", "tmp/user2", 0, USER },
	{ "link", "tmp/root", "tmp/link", 0, ROOT },
	{ "unlink", "tmp/user2", 0, 0, USER },
	/* a directory moves to another parent only by who may write to it */
	{ "mkdir", "open", 0, 0777, ROOT },
	{ "chmod", "open", 0, 0777, ROOT },
	{ "mkdir", "open/shut", 0, 0755, ROOT },
	{ "rename", "open/shut", "shut", 0, USER },
	{ "rename", "open/shut", "open/shut2", 0, USER },
};

static const char *const seen[] = {
	".",	   "d",	      "d/x",	 "e",	 "e/y",	  "f",
	"f2",	   "lf",      "lf2",	 "lf3",	 "l3",	  "pipe",
	"sock",	   "white",   "nothing", "mine", "mined", "mined/sub",
	"mined/f", "mined/g", "mined/h", "tmp",	 "open",
};

static void test_table(void **state)
{
	struct fs_unit *u = *state;

	enter_real(u);
	for (size_t n = 0; n < BFS_COUNT(steps); n++) {
		const struct step *s = &steps[n];

		if (s->n == O_TMPFILE && s->uid)
			continue;
		both(u, op_named(s->op), s->a, s->b, s->n, s->uid, s->gid);
		for (size_t k = 0; k < BFS_COUNT(seen); k++)
			compare_stat(u, seen[k], s->op);
	}
}

static const char *const names[] = {
	"a",	 "b",	    "c",      "a/b",   "a/c",	 "b/a",	  "b/c",
	"c/a",	 "a/b/c",   "b/a/c",  "a/",    "b/",	 "a/b/",  "a/.",
	"a/..",	 "a/../b",  "c/a/..", ".",     "b/a/..", "a/./b", "c/../c/a",
	"a/b/a", "a/b/c/a", "c/",     "c/a/b", "b/a/",
};

static const int numbers[][6] = {
	{ O_RDWR, O_CREAT | O_RDWR, O_CREAT | O_EXCL, O_WRONLY | O_TRUNC,
	  O_DIRECTORY, O_PATH | O_NOFOLLOW },
	{ 0, RENAME_NOREPLACE, RENAME_EXCHANGE, 0, 0, 0 },
	{ 0, AT_SYMLINK_FOLLOW, 0, 0, 0, 0 },
	{ 0777, 0755, 0700, 01777, 0666, 02775 },
};

static int number_for(const char *op, unsigned r)
{
	unsigned row = !strcmp(op, "open")     ? 0
		       : !strcmp(op, "rename") ? 1
		       : !strcmp(op, "link")   ? 2
					       : 3;

	if (!strcmp(op, "mknod"))
		return S_IFREG | 0644;
	if (!strcmp(op, "chown") || !strcmp(op, "chgrp"))
		return r & 1 ? (int)NOBODY : 0;
	if (!strcmp(op, "access"))
		return (int)(r & 7);
	if (!strcmp(op, "touch"))
		return (int)(r & 1);
	return numbers[row][r % 6];
}

/* Any order of calls on few names soon meets every odd pair of things. */
static void test_random(void **state)
{
	struct fs_unit *u = *state;
	uint64_t x = 88172645463325252u;

	enter_real(u);
	for (int round = 0; round < 20000; round++) {
		const struct op *op;
		const char *a, *b;
		uint32_t id;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		op = &ops[(x >> 8) % BFS_COUNT(ops)];
		a = names[(x >> 16) % BFS_COUNT(names)];
		b = names[(x >> 24) % BFS_COUNT(names)];
		/* Whose files may be linked depends on a sysctl. */
		id = x >> 40 & 3 || !strcmp(op->name, "link") ? 0 : NOBODY;
		both(u, op, a, b, number_for(op->name, (unsigned)(x >> 48)), id,
		     id);
		compare_stat(u, a, op->name);
		compare_stat(u, b, op->name);
		compare_stat(u, ".", op->name);
	}
}

static int leave_and_teardown(void **state)
{
	be_root();
	if (chdir("/"))
		return -1;
	return fs_unit_teardown(state);
}

#define KERNEL_TEST(t) \
	cmocka_unit_test_setup_teardown(t, fs_unit_setup, leave_and_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(test_table),
		KERNEL_TEST(test_random),
	};

	if (geteuid() || setgroups(0, NULL)) {
		fprintf(stderr, "skipped: needs root to act as another user\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
