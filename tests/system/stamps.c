/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stamps DIR [nomap]: which of the times each call changes, of the thing itself
 * and of the directory; utimensat with every kind of time, by owners and
 * others; relatime; statx with every mask.  Prints what happened.  nomap:
 * nothing is mapped shared.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define TICK 12000000 /* ns: more than the grain of the kernel's stamps */

static bool mapping = true;

static bool same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void print_changes(const char *name, const struct stat *was)
{
	struct stat is;

	if (lstat(name, &is)) {
		printf(" %s:gone", name);
		return;
	}
	printf(" %s:%s%s%s", name, same(was->st_atim, is.st_atim) ? "" : "a",
	       same(was->st_mtim, is.st_mtim) ? "" : "m",
	       same(was->st_ctim, is.st_ctim) ? "" : "c");
}

/* The call between two looks at up to four names. */
#define CHANGES(call, ...) \
	do { \
		const char *names_[] = { __VA_ARGS__ }; \
		int count_ = (int)(sizeof(names_) / sizeof(names_[0])); \
		struct stat was_[4]; \
		long r_; \
\
		for (int i_ = 0; i_ < count_; i_++) \
			if (lstat(names_[i_], &was_[i_])) \
				memset(&was_[i_], 0, sizeof(was_[i_])); \
		nanosleep(&(struct timespec){ 0, TICK }, NULL); \
		r_ = (long)(call); \
		printf("%s: %s", #call, \
		       r_ < 0 ? strerrorname_np(errno) : "fine"); \
		for (int i_ = 0; i_ < count_; i_++) \
			print_changes(names_[i_], &was_[i_]); \
		printf("\n"); \
	} while (0)

static int make(const char *name)
{
	int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0644);

	return fd < 0 ? fd : close(fd);
}

static int store(const char *name)
{
	int fd = open(name, O_RDWR), r;
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		err(2, "mmap");
	p[0] = 'x';
	r = msync(p, 4096, MS_SYNC);
	munmap(p, 4096);
	close(fd);
	return r;
}

static int open_once(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	return fd < 0 ? fd : close(fd);
}

static int bind_to(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), r;

	strcpy(un.sun_path, name);
	r = bind(s, (struct sockaddr *)&un, sizeof(un));
	close(s);
	return r;
}

static int name_unnamed(const char *to)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0644), r;
	char from[64];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	r = linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
	close(fd);
	return r;
}

static void changes(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	if (fd < 0 || mkdir("d", 0755) || mkdir("e", 0755) ||
	    symlink("f", "l") || mkfifo("p", 0644) || ftruncate(fd, 8192))
		err(2, "tree");
	CHANGES(write(fd, "12345678", 8), "f", ".");
	CHANGES(pwrite(fd, "1", 1, 0), "f");
	CHANGES(write(fd, "", 0), "f");
	if (mapping)
		CHANGES(store("f"), "f");
	CHANGES(ftruncate(fd, 8192), "f");
	CHANGES(ftruncate(fd, 10000), "f");
	CHANGES(truncate("f", 10000), "f");
	CHANGES(truncate("f", 8192), "f");
	CHANGES(open_once("f", O_RDWR), "f");
	CHANGES(open_once("f", O_CREAT | O_RDWR), "f", ".");
	CHANGES(open_once("f", O_TRUNC | O_RDWR), "f", ".");
	CHANGES(open_once("f", O_TRUNC | O_RDWR), "f");
	CHANGES(fallocate(fd, 0, 0, 8192), "f");
	CHANGES(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 16384), "f");
	CHANGES(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0,
			  4096),
		"f");
	CHANGES(chmod("f", 0600), "f", ".");
	CHANGES(chmod("f", 0600), "f");
	CHANGES(fchmod(fd, 0644), "f");
	CHANGES(chmod("d", 0700), "d", ".");
	CHANGES(chmod("p", 0600), "p", ".");
	CHANGES(chown("f", getuid(), getgid()), "f", ".");
	CHANGES(chown("f", -1, -1), "f");
	CHANGES(lchown("l", getuid(), -1), "l", "f");
	CHANGES(fchown(fd, -1, getgid()), "f");
	CHANGES(setxattr("f", "user.a", "1", 1, 0), "f", ".");
	CHANGES(setxattr("f", "user.a", "2", 1, 0), "f");
	CHANGES(removexattr("f", "user.a"), "f");
	CHANGES(removexattr("f", "user.a"), "f");
	CHANGES(setxattr("d", "user.a", "1", 1, 0), "d");
	CHANGES(link("f", "d/h"), "f", "d", ".", "d/h");
	CHANGES(link("l", "d/l"), "l", "d", "f");
	CHANGES(rename("d/h", "e/h"), "f", "d", "e", ".");
	CHANGES(rename("e/h", "e/h2"), "f", "e");
	CHANGES(rename("e/h2", "f"), "f", "e", ".");
	CHANGES(unlink("e/h2"), "f", "e");
	CHANGES(unlink("d/l"), "l", "d");
	CHANGES(mkdir("d/s", 0755), "d", ".");
	CHANGES(make("d/s/f"), "d", "d/s");
	CHANGES(rename("d/s", "e/s"), "d", "e", "e/s", "e/s/f");
	CHANGES(rename("e/s", "e/s2"), "e", "e/s2");
	CHANGES(unlink("e/s2/f"), "e", "e/s2");
	CHANGES(mkdir("d/s", 0755), "d");
	CHANGES(rename("d/s", "e/s2"), "d", "e", "e/s2");
	CHANGES(rmdir("e/s2"), "e", ".");
	CHANGES(make("d/1"), "d");
	CHANGES(make("e/2"), "e");
	CHANGES(renameat2(AT_FDCWD, "d/1", AT_FDCWD, "e/2", RENAME_EXCHANGE),
		"d", "e", "d/1", "e/2");
	CHANGES(rename("d/1", "e/2"), "d", "e", "e/2");
	CHANGES(symlink("x", "d/sym"), "d");
	CHANGES(mkfifo("d/fifo", 0644), "d");
	CHANGES(bind_to("d/sock"), "d");
	CHANGES(name_unnamed("d/tmp"), "d");
	CHANGES(mkdir("d/s", 0755), "d");
	CHANGES(rmdir("d"), "d");
	CHANGES(mkdir("d", 0755), "d", ".");
	CHANGES(rename("f", "none/f"), "f", ".");
	CHANGES(access("f", R_OK), "f", ".");
	CHANGES(fsync(fd), "f");
	CHANGES(open_once("new", O_CREAT | O_TRUNC | O_RDWR), ".");
	close(fd);
}

/* A time to be set: one of the past, now, or none. */
static const struct timespec kinds[] = {
	{ 1000000000, 123456789 }, { 0, UTIME_NOW },
	{ 0, UTIME_OMIT },	   { -1, 0 },
	{ 1, 1000000000 },	   { 1, -1 }
};
static const char *const kind_names[] = { "past", "now",  "omit",
					  "1969", "10^9", "-1" };

static const char *as_time(struct timespec t, time_t start, char *buf)
{
	if (t.tv_sec >= start)
		return "now";
	sprintf(buf, "%ld.%09ld", t.tv_sec, t.tv_nsec);
	return buf;
}

static void set_times(const char *who, const char *name)
{
	time_t start = time(NULL) - 5;
	char a[64], m[64];
	struct stat st;

	for (int i = 0; i < 36; i++) {
		struct timespec t[2] = { kinds[i / 6], kinds[i % 6] };
		int r = utimensat(AT_FDCWD, name, t, AT_SYMLINK_NOFOLLOW);
		int e = errno;

		if (lstat(name, &st))
			err(2, "%s", name);
		printf("%s, %s, %s and %s: %s, %s and %s\n", who, name,
		       kind_names[i / 6], kind_names[i % 6],
		       r ? strerrorname_np(e) : "fine",
		       as_time(st.st_atim, start, a),
		       as_time(st.st_mtim, start, m));
	}
	printf("%s, %s, NULL: %s\n", who, name,
	       utimensat(AT_FDCWD, name, NULL, 0) ? strerrorname_np(errno)
						  : "fine");
}

static void as_user(uid_t uid, const char *who, const char *name)
{
	fflush(stdout);
	if (!fork()) {
		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			err(2, "setresuid");
		set_times(who, name);
		exit(0);
	}
	wait(NULL);
}

static void utimes_by_all(void)
{
	const char *const names[] = { "open", "closed", "opendir", "sym" };

	if (make("open") || make("closed") || mkdir("opendir", 0777) ||
	    chmod("open", 0666) || chmod("opendir", 0777) ||
	    symlink("none", "sym"))
		err(2, "tree");
	for (int i = 0; i < 4; i++) {
		set_times("owner", names[i]);
		if (getuid())
			continue;
		as_user(1000, "another", names[i]);
		if (lchown(names[i], 1000, 1000))
			err(2, "lchown");
		as_user(1000, "its owner", names[i]);
	}
}

/* atime before mtime, both so many seconds ago. */
static void set_ago(const char *name, time_t atime, time_t mtime)
{
	time_t now = time(NULL);
	struct timespec t[2] = { { now - atime, 5 }, { now - mtime, 7 } };

	if (utimensat(AT_FDCWD, name, t, AT_SYMLINK_NOFOLLOW))
		err(2, "%s", name);
}

static int read_once(const char *name, int flags, size_t n, off_t at)
{
	int fd = open(name, O_RDONLY | flags);
	char buf[16];
	ssize_t r = pread(fd, buf, n, at);

	close(fd);
	return (int)r;
}

static int list_once(const char *name)
{
	DIR *d = opendir(name);

	while (readdir(d))
		;
	return closedir(d);
}

static int link_once(const char *name)
{
	char buf[64];

	return (int)readlink(name, buf, sizeof(buf));
}

static int look_at(const char *name)
{
	int fd = open(name, O_RDONLY);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	volatile char c = p[0];

	(void)c;
	munmap(p, 4096);
	return close(fd);
}

static void relatime(void)
{
	static const time_t ago[][2] = {
		{ 100, 50 },	   /* not read since it was written */
		{ 50, 100 },	   /* read since */
		{ 90000, 100000 }, /* but more than a day ago */
	};

	if (mkdir("rd", 0755) || make("rd/x") || symlink("rd", "rl") ||
	    make("rf") || truncate("rf", 100))
		err(2, "tree");
	for (int i = 0; i < 3; i++) {
		printf("read %ld, written %ld seconds ago\n", ago[i][0],
		       ago[i][1]);
#define AGO(name, call) \
	do { \
		set_ago(name, ago[i][0], ago[i][1]); \
		CHANGES(call, name); \
	} while (0)
		AGO("rf", read_once("rf", 0, 5, 0));
		CHANGES(read_once("rf", 0, 5, 0), "rf");
		AGO("rf", read_once("rf", 0, 0, 0));
		AGO("rf", read_once("rf", 0, 5, 100));
		AGO("rf", read_once("rf", O_NOATIME, 5, 0));
		if (mapping)
			AGO("rf", look_at("rf"));
		AGO("rf", truncate("rf", 100));
		AGO("rd", list_once("rd"));
		CHANGES(list_once("rd"), "rd");
		AGO("rd", access("rd/x", F_OK));
		AGO("rl", link_once("rl"));
		CHANGES(link_once("rl"), "rl");
		AGO("rl", access("rl/x", F_OK));
	}
}

static void masks(const char *name, int flags)
{
	struct statx a, b;
	struct stat st;

	if (stat(name, &st))
		err(2, "%s", name);
	for (int bit = 0; bit < 12; bit++) {
		unsigned mask = 1u << bit;

		memset(&a, 0xaa, sizeof(a));
		if (statx(AT_FDCWD, name, flags, mask, &a))
			err(2, "statx");
		/* more than was asked for may come */
		printf("statx %s %x: %x\n", name, mask, a.stx_mask & mask);
	}
	if (statx(AT_FDCWD, name, flags, STATX_ALL, &a) ||
	    statx(AT_FDCWD, name, flags, 0, &b))
		err(2, "statx");
	printf("%d %d %d %d %d %d %d\n", a.stx_ino == st.st_ino,
	       a.stx_mode == st.st_mode, a.stx_size == (uint64_t)st.st_size,
	       a.stx_blocks == (uint64_t)st.st_blocks,
	       a.stx_mtime.tv_nsec == st.st_mtim.tv_nsec,
	       a.stx_btime.tv_sec > 1000000000 &&
		       a.stx_btime.tv_sec <= a.stx_ctime.tv_sec,
	       b.stx_ino == a.stx_ino);
}

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, TICK }, NULL);
}

/* Listed, changed and listed again, and nobody looks at it in between: the
 * entry may be on a shard that has to tell. */
static void listed_again(void)
{
	char dir[8], link[16];
	struct stat st;

	for (int i = 0; i < 6; i++) {
		snprintf(dir, sizeof(dir), "la%d", i);
		snprintf(link, sizeof(link), "%s/x", dir);
		if (mkdir(dir, 0755) || (tick(), list_once(dir)) ||
		    (tick(), symlink("y", link)) || (tick(), list_once(dir)) ||
		    stat(dir, &st))
			err(2, "%s", dir);
		printf("%s: read %s written\n", dir,
		       st.st_atim.tv_sec > st.st_mtim.tv_sec ||
				       (st.st_atim.tv_sec ==
						st.st_mtim.tv_sec &&
					st.st_atim.tv_nsec > st.st_mtim.tv_nsec)
			       ? "after"
			       : "before");
	}
}

/* A file without a name is read after its ctime has changed. */
static void nameless(void)
{
	int fd = open("nl", O_CREAT | O_RDWR, 0644);
	struct stat st;
	char c;

	if (fd < 0 || write(fd, "x", 1) != 1 || unlink("nl") ||
	    (tick(), pread(fd, &c, 1, 0)) != 1 ||
	    (tick(), fsetxattr(fd, "user.a", "b", 1, 0)) ||
	    (tick(), pread(fd, &c, 1, 0)) != 1 || fstat(fd, &st))
		err(2, "nl");
	printf("nameless: read %s changed\n",
	       st.st_atim.tv_sec > st.st_ctim.tv_sec ||
			       (st.st_atim.tv_sec == st.st_ctim.tv_sec &&
				st.st_atim.tv_nsec > st.st_ctim.tv_nsec)
		       ? "after"
		       : "before");
	close(fd);
}

static void statx_masks(void)
{
	struct statx x;

	masks("f", 0);
	masks("d", AT_STATX_FORCE_SYNC);
	masks("l", AT_STATX_DONT_SYNC);
#define FAILS(call) \
	printf("%s: %s\n", #call, (call) ? strerrorname_np(errno) : "fine")
	FAILS(statx(AT_FDCWD, "f", 0, 1u << 31, &x));
	FAILS(statx(AT_FDCWD, "f", AT_STATX_SYNC_TYPE, STATX_ALL, &x));
	FAILS(statx(AT_FDCWD, "f", AT_REMOVEDIR, STATX_ALL, &x));
	FAILS(statx(AT_FDCWD, "f", AT_NO_AUTOMOUNT, STATX_ALL, &x));
	FAILS(statx(AT_FDCWD, "", 0, STATX_ALL, &x));
}

int main(int argc, char **argv)
{
	if (argc < 2 || chdir(argv[1]))
		err(2, "usage: stamps DIR");
	mapping = argc == 2;
	umask(022);
	changes();
	utimes_by_all();
	relatime();
	listed_again();
	nameless();
	statx_masks();
	return 0;
}
