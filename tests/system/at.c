/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * at DIR [fds]: every call that takes a directory descriptor, with every kind
 * of descriptor and of path; and every call on a descriptor, with every kind of
 * that (fds: only these).  Prints what each answers.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

struct kind {
	const char *name;
	int fd;
};
static struct kind kinds[20];
static int nkinds;
static const char *top;
static struct stat st;
static struct statx stx;

/* A fresh tree in the working directory. */
static void make_tree(void)
{
	int fd = open("f", O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (fd < 0 || write(fd, "hello", 5) != 5 || close(fd))
		err(2, "f");
	if (mkdir("d", 0755) || symlink("f", "l") || symlink("d", "ld") ||
	    symlink("none", "dang") || mkfifo("p", 0644) ||
	    link("f", "d/hard") || mkdir("d/sub", 0755))
		err(2, "tree");
}

static int remove_one(const char *path, const struct stat *seen, int type,
		      struct FTW *where)
{
	(void)seen;
	(void)type;
	return where->level ? remove(path) : 0;
}

static void remove_tree(void)
{
	if (nftw(".", remove_one, 10, FTW_DEPTH | FTW_PHYS))
		err(2, "nftw");
}

static void add(const char *name, int fd)
{
	if (fd == -1)
		err(2, "%s", name);
	kinds[nkinds++] = (struct kind){ name, fd };
}

static void open_kinds(void)
{
	int pipes[2];

	nkinds = 0;
	add("cwd", AT_FDCWD);
	add("directory", open("d", O_RDONLY | O_DIRECTORY));
	add("O_PATH directory", open("d", O_PATH));
	add("O_PATH directory by link", open("ld", O_PATH));
	add("copy", dup(kinds[1].fd));
	add("file", open("f", O_RDWR));
	add("file read only", open("f", O_RDONLY));
	add("file write only", open("f", O_WRONLY));
	add("file for ioctl", open("f", O_ACCMODE));
	add("O_PATH file", open("f", O_PATH));
	add("O_PATH link", open("l", O_PATH | O_NOFOLLOW));
	add("fifo", open("p", O_RDWR | O_NONBLOCK));
	add("O_PATH fifo", open("p", O_PATH));
	add("file gone", open("g", O_RDWR | O_CREAT, 0644));
	unlink("g");
	mkdir("gd", 0755);
	add("directory gone", open("gd", O_RDONLY));
	rmdir("gd");
	if (pipe(pipes))
		err(2, "pipe");
	close(pipes[1]);
	add("pipe", pipes[0]);
	kinds[nkinds++] = (struct kind){ "nothing", 800 };
	kinds[nkinds++] = (struct kind){ "negative", -5 };
}

static void close_kinds(void)
{
	for (int i = 0; i < nkinds; i++)
		if (kinds[i].fd >= 0)
			close(kinds[i].fd);
}

static const char *paths[] = { "hard",
			       "sub",
			       "f",
			       "d",
			       "l",
			       "ld",
			       "dang",
			       "none",
			       "hard/",
			       "l/",
			       ".",
			       "..",
			       "",
			       "/proc/self/fd/%d",
			       "/proc/self/fd/%d/",
			       "/dev/fd/%d/hard",
			       "%s/f" };

/* Lots of calls: at number n, on (dir, path).  false: there is no such. */
static int ask(int n, int dir, const char *path, const char **what)
{
	char buf[64];
	int fd;

#define OPEN(flags) \
	*what = "openat " #flags; \
	fd = openat(dir, path, flags | O_NONBLOCK, 0640); \
	if (fd >= 0) \
		close(fd); \
	return fd < 0 ? -1 : 0
#define DO(call) \
	*what = #call; \
	return (call) < 0 ? -1 : 0
	switch (n) {
	case 0:
		OPEN(O_RDONLY);
	case 1:
		OPEN(O_RDWR);
	case 2:
		OPEN(O_RDONLY | O_DIRECTORY);
	case 3:
		OPEN(O_RDONLY | O_NOFOLLOW);
	case 4:
		OPEN(O_PATH);
	case 5:
		OPEN(O_PATH | O_NOFOLLOW);
	case 6:
		OPEN(O_PATH | O_NOFOLLOW | O_DIRECTORY);
	case 7:
		OPEN(O_RDWR | O_CREAT);
	case 8:
		OPEN(O_RDWR | O_CREAT | O_EXCL);
	case 9:
		OPEN(O_RDONLY | O_CREAT | O_DIRECTORY);
	case 10:
		OPEN(O_RDWR | O_TMPFILE);
	case 11:
		OPEN(O_RDONLY | O_TMPFILE);
	case 12:
		OPEN(O_WRONLY | O_TRUNC);
	case 13:
		OPEN(O_RDONLY | O_TRUNC);
	case 14:
		DO(fstatat(dir, path, &st, 0));
	case 15:
		DO(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW));
	case 16:
		DO(fstatat(dir, path, &st, AT_EMPTY_PATH));
	case 17:
		DO(fstatat(dir, path, &st,
			   AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
	case 18:
		DO(fstatat(dir, path, &st, AT_REMOVEDIR));
	case 19:
		DO(statx(dir, path, 0, STATX_ALL, &stx));
	case 20:
		DO(statx(dir, path, AT_EMPTY_PATH, STATX_ALL, &stx));
	case 21:
		DO(statx(dir, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, &stx));
	case 22:
		DO(faccessat(dir, path, R_OK, 0));
	case 23:
		DO(faccessat(dir, path, X_OK, AT_EACCESS));
	case 24:
		DO(faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW));
	case 25:
		DO(faccessat(dir, path, F_OK, AT_EMPTY_PATH));
	case 26:
		DO(faccessat(dir, path, 8, 0));
	case 27:
		DO(faccessat(dir, path, F_OK, 1));
	case 28:
		DO(fchmodat(dir, path, 0755, 0));
	case 29:
		DO(fchownat(dir, path, getuid(), -1, 0));
	case 30:
		DO(fchownat(dir, path, getuid(), -1, AT_SYMLINK_NOFOLLOW));
	case 31:
		DO(fchownat(dir, path, getuid(), -1, AT_EMPTY_PATH));
	case 32:
		DO(fchownat(dir, path, -1, -1, 1));
	case 33:
		DO(utimensat(dir, path, NULL, 0));
	case 34:
		DO(utimensat(dir, path, NULL, AT_SYMLINK_NOFOLLOW));
	case 35:
		DO(utimensat(dir, path, NULL, AT_EMPTY_PATH));
	case 36:
		DO(utimensat(dir, path, NULL, 1));
	case 37:
		DO(readlinkat(dir, path, buf, sizeof(buf)));
	case 38:
	case 39:
		DO(mkdirat(dir, path, 0755));
	case 40:
		DO(mknodat(dir, path, S_IFREG | 0644, 0));
	case 41:
		DO(mknodat(dir, path, S_IFDIR | 0755, 0));
	case 42:
		DO(symlinkat("x", dir, path));
	case 43:
		DO(mkfifoat(dir, path, 0600));
	case 44:
		DO(linkat(dir, path, AT_FDCWD, "new", 0));
	case 45:
		DO(linkat(dir, path, AT_FDCWD, "new2", AT_SYMLINK_FOLLOW));
	case 46:
		DO(linkat(dir, path, AT_FDCWD, "new3", AT_EMPTY_PATH));
	case 47:
		DO(linkat(dir, path, AT_FDCWD, "new4", 1));
	case 48:
		DO(linkat(AT_FDCWD, "f", dir, path, 0));
	case 49:
		DO(unlinkat(dir, path, 1));
	case 50:
		DO(renameat(dir, path, dir, path));
	case 51:
		DO(renameat(AT_FDCWD, "f", dir, path));
	case 52:
		DO(renameat(dir, path, AT_FDCWD, "moved"));
	case 53:
		DO(renameat2(dir, path, AT_FDCWD, "d", RENAME_EXCHANGE));
	case 54:
		DO(renameat2(dir, path, AT_FDCWD, "m2", RENAME_NOREPLACE));
	case 55:
		DO(unlinkat(dir, path, AT_REMOVEDIR));
	case 56:
		DO(unlinkat(dir, path, 0));
	default:
		return 1;
	}
}

/* "%d" in pattern is fd, "%s" the directory of the test. */
static void expand(char *to, const char *pattern, int fd)
{
	for (; *pattern; pattern++) {
		if (*pattern != '%')
			*to++ = *pattern;
		else if (*++pattern == 'd')
			to += sprintf(to, "%d", fd);
		else
			to += sprintf(to, "%s", top);
	}
	*to = '\0';
}

/* What file systems do not agree about, and what is known to differ. */
static int differs(const struct kind *k, const char *path, int n)
{
	const char *what = k->name;

	if (!strcmp(what, "directory gone") && n == 10)
		return 1;
	/* /proc's own way to say that a name is not there */
	if (!strncmp(path, "/proc", 5) && n == 48 &&
	    (!strcmp(what, "cwd") || !strcmp(what, "nothing") ||
	     !strcmp(what, "negative")))
		return 1;
	/* a fifo's descriptor is not known as one of BenchFS */
	return !strcmp(what, "fifo") && n >= 45 && n <= 46;
}

/* Each of the calls on a tree of its own if it may have changed one. */
static void ask_all(const struct kind *k, const char *path)
{
	const char *what, *name;
	char p[4200];
	int r = 0;

	for (int n = 0;; n++) {
		for (int i = 0; i < nkinds; i++)
			if (!strcmp(kinds[i].name, k->name))
				k = &kinds[i];
		expand(p, path, k->fd);
		errno = 0;
		st.st_mode = stx.stx_mode = 0;
		while (differs(k, path, n))
			n++;
		r = ask(n, k->fd, p, &what);
		if (r > 0)
			break;
		name = r ? strerrorname_np(errno) : "0";
		printf("%s, %s: %s: %s %o %o\n", k->name, path, what, name,
		       st.st_mode & S_IFMT, stx.stx_mode & S_IFMT);
		if (!r && n >= 7 && n != 14 && n != 15) {
			close_kinds();
			remove_tree();
			make_tree();
			open_kinds();
		}
	}
}

/* Calls on fd itself. */
static void on_fd(const struct kind *k)
{
	int fd = k->fd, copy;
	char buf[4096], link[64];
	struct iovec v = { buf, 4 };
	struct statfs fs;
	volatile int minus = -1;
	off_t at = 0;
	void *p;
	DIR *d;

#undef DO
#define DO(call) \
	do { \
		long r_ = (long)(call); \
		printf("%s: %s: %s\n", k->name, #call, \
		       r_ == -1 ? strerrorname_np(errno) : "fine"); \
	} while (0)
	DO(fstat(fd, &st));
	DO(fchmod(fd, 0755));
	DO(fchown(fd, -1, -1));
	DO(futimens(fd, NULL));
	DO(ftruncate(fd, 3));
	DO(ftruncate(fd, -1));
	DO(fallocate(fd, 0, 0, 10));
	DO(posix_fallocate(fd, 0, 10) ? -1 : 0);
	DO(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) ? -1 : 0);
	DO(readahead(fd, 0, 10));
	DO(fsync(fd));
	DO(fdatasync(fd));
	DO(syncfs(fd));
	DO(fstatfs(fd, &fs));
	DO(fgetxattr(fd, "user.none", buf, 10));
	DO(fsetxattr(fd, "user.x", "1", 1, 0));
	DO(flistxattr(fd, buf, sizeof(buf)));
	DO(fremovexattr(fd, "user.x"));
	DO(lseek(fd, 0, SEEK_SET));
	DO(lseek(fd, -1, SEEK_SET));
	DO(lseek(fd, 0, 77));
	DO(write(fd, "1234", 4));
	DO(pwrite(fd, "1234", 4, 0));
	DO(pwrite(fd, "1234", 4, -1));
	DO(writev(fd, &v, 1));
	DO(read(fd, buf, 4));
	DO(pread(fd, buf, 4, 0));
	DO(pread(fd, buf, 4, -1));
	DO(readv(fd, &v, 1));
	DO(readv(fd, &v, minus));
	DO(getdents64(fd, buf, sizeof(buf)));
	DO(getdents64(fd, buf, 1));
	DO(fcntl(fd, F_GETFD));
	DO(fcntl(fd, F_SETFD, FD_CLOEXEC));
	DO(fcntl(fd, F_GETFL) & 077 & ~O_NONBLOCK);
	DO(fcntl(fd, F_SETFL, O_NONBLOCK));
	DO(fcntl(fd, F_SETFL, 0));
	DO(fcntl(fd, 9999));
	DO(flock(fd, LOCK_SH | LOCK_NB));
	DO(flock(fd, LOCK_UN));
	DO(flock(fd, 16));
	DO(sendfile(fd, fd, &at, 0));
	DO(copy_file_range(fd, &at, fd, NULL, 0, 0));
	DO(fpathconf(fd, _PC_NAME_MAX));
	DO(isatty(fd) - 1);
	DO(faccessat(fd, "", R_OK, AT_EMPTY_PATH));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	DO(access(link, F_OK));
	DO(stat(link, &st));
	DO(lstat(link, &st));
	DO(chmod(link, 0700));
	DO(truncate(link, 2));
	copy = open(link, O_RDONLY | O_NONBLOCK);
	DO(copy);
	if (copy >= 0)
		close(copy);
	copy = open(link, O_WRONLY | O_NONBLOCK);
	DO(copy);
	if (copy >= 0)
		close(copy);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	DO(p);
	if (p != MAP_FAILED)
		munmap(p, 4096);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	DO(p);
	if (p != MAP_FAILED)
		munmap(p, 4096);
	DO(fchdir(fd));
	if (chdir(top))
		err(2, "%s", top);
	copy = dup(fd);
	d = copy < 0 ? NULL : fdopendir(copy);
	DO(d ? 0 : -1);
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
}

int main(int argc, char **argv)
{
	if (argc < 2 || chdir(argv[1]))
		err(2, "usage: at DIR");
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	top = argv[1];
	make_tree();
	open_kinds();
	for (int i = 1; i < nkinds; i++)
		on_fd(&kinds[i]);
	close_kinds();
	remove_tree();
	if (argc > 2)
		return 0;
	make_tree();
	open_kinds();
	for (int i = 0; i < nkinds; i++)
		for (int j = 0; j < COUNT(paths); j++) {
			struct kind k = kinds[i];

			ask_all(&k, paths[j]);
		}
	close_kinds();
	remove_tree();
	return 0;
}
