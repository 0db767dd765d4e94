/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addresses DIR: calls in DIR with addresses that are not the program's to
 * use.  Prints what each answers; nothing may be signalled.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PAGE 4096

static char *volatile none;	  /* nobody may touch it */
static char *volatile const_page; /* may be read only */
static char *volatile edge;	  /* the last byte in front of none */
static char *volatile bad[4];

/* What is asked, and the answer. */
#define TELL(what, call) tell(what, #call, (call))

static void tell(const char *what, const char *call, long r)
{
	int e = errno;

	printf("%s, %s: %ld %s\n", call, what, r < 0 ? -1 : r,
	       r < 0 ? strerrorname_np(e) : "");
}

static void make_pages(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(2, "mmap");
	memset(p, 'x', 4 * PAGE);
	memset(p + 3 * PAGE, 0, PAGE); /* a lock, and so on */
	edge = p + PAGE - 1;
	none = p + PAGE;
	const_page = p + 3 * PAGE;
	if (mprotect(none, PAGE, PROT_NONE) ||
	    mprotect(const_page, PAGE, PROT_READ))
		err(2, "mprotect");
	bad[0] = NULL;
	bad[1] = none;
	bad[2] = edge; /* a string that does not end */
	bad[3] = (char *)0xdeadc0de;
}

/* p is no path. */
static void paths(const char *what, const char *p)
{
	struct stat st;
	char buf[16];

	TELL(what, open(p, O_RDONLY));
	TELL(what, open(p, O_CREAT | O_WRONLY, 0644));
	TELL(what, openat(AT_FDCWD, p, O_RDONLY));
	TELL(what, lstat(p, &st));
	TELL(what, stat(p, &st));
	TELL(what, access(p, R_OK));
	TELL(what, chmod(p, 0644));
	TELL(what, chown(p, -1, -1));
	TELL(what, lchown(p, -1, -1));
	TELL(what, truncate(p, 0));
	TELL(what, rename(p, "to"));
	TELL(what, rename("f", p));
	TELL(what, link(p, "to"));
	TELL(what, link("f", p));
	TELL(what, symlink(p, "to"));
	TELL(what, symlink("f", p));
	TELL(what, unlink(p));
	TELL(what, rmdir(p));
	TELL(what, mkdir(p, 0755));
	TELL(what, mkfifo(p, 0644));
	TELL(what, mknod(p, S_IFREG | 0644, 0));
	TELL(what, readlink(p, buf, sizeof(buf)));
	TELL(what, chdir(p));
	TELL(what, getxattr(p, "user.a", buf, sizeof(buf)));
	TELL(what, setxattr(p, "user.a", "v", 1, 0));
	TELL(what, listxattr(p, buf, sizeof(buf)));
	TELL(what, getxattr("f", p, buf, sizeof(buf)));
	TELL(what, setxattr("f", p, "v", 1, 0));
	TELL(what, removexattr("f", p));
	TELL(what, execv(p, (char *[]){ NULL }));
	TELL(what, syscall(SYS_openat, AT_FDCWD, p, O_RDONLY));
}

static void dir_paths(const char *what, int dir, const char *p)
{
	struct stat st;

	TELL(what, openat(dir, p, O_RDONLY));
	TELL(what, fstatat(dir, p, &st, 0));
	TELL(what, mkdirat(dir, p, 0755));
	TELL(what, unlinkat(dir, p, 0));
	TELL(what, renameat(dir, p, dir, "to"));
	TELL(what, linkat(dir, "f", dir, p, 0));
}

/* p cannot be written. */
static void outputs(const char *what, char *p)
{
	int fd = open("f", O_RDONLY), dir = open(".", O_RDONLY);
	struct iovec v = { p, 4 };

	TELL(what, stat("f", (struct stat *)p));
	TELL(what, lstat("f", (struct stat *)p));
	TELL(what, fstat(fd, (struct stat *)p));
	TELL(what, fstat(dir, (struct stat *)p));
	TELL(what, statx(dir, "f", 0, STATX_ALL, (struct statx *)p));
	TELL(what, statfs("f", (struct statfs *)p));
	TELL(what, fstatfs(fd, (struct statfs *)p));
	TELL(what, readlink("l", p, 10));
	TELL(what, read(fd, p, 4));
	TELL(what, pread(fd, p, 4, 1));
	TELL(what, readv(fd, &v, 1));
	TELL(what, getxattr("f", "user.a", p, p ? 100 : 0));
	TELL(what, listxattr("f", p, p ? 1000 : 0));
	TELL(what, getdents64(dir, p, 4096));
	TELL(what, fcntl(fd, F_GETLK, (struct flock *)p));
	TELL(what, fcntl(fd, F_SETLK, (struct flock *)none));
	TELL(what, ioctl(fd, FIONREAD, p));
	TELL(what, syscall(SYS_getcwd, p, 4000) < 0 ? -1 : 0);
	TELL(what, syscall(SYS_getcwd, p, 0));
	TELL(what, syscall(SYS_getcwd, p, 1));
	TELL(what, lseek(fd, 0, SEEK_CUR));
	close(fd);
	close(dir);
}

/* p cannot be read. */
static void inputs(const char *what, char *p)
{
	int fd = open("g", O_RDWR | O_CREAT | O_TRUNC, 0644);
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	struct iovec v[2] = { { (void *)"good", 4 }, { p, 4 } };

	TELL(what, write(fd, p, 4));
	TELL(what, pwrite(fd, p, 4, 0));
	TELL(what, writev(fd, v, 2));
	TELL(what, writev(fd, (struct iovec *)p, 1));
	TELL(what, readv(fd, (struct iovec *)p, 1));
	TELL(what, lseek(fd, 0, SEEK_END));
	TELL(what, setxattr("g", "user.b", p, 4, 0));
	if (p) {
		TELL(what, utimensat(AT_FDCWD, "g", (struct timespec *)p, 0));
		TELL(what, futimens(fd, (struct timespec *)p));
		TELL(what, syscall(SYS_utimes, "g", p));
		TELL(what, execv("f", (char **)p));
	}
	TELL(what,
	     bind(sock, (struct sockaddr *)p, sizeof(struct sockaddr_un)));
	TELL(what,
	     connect(sock, (struct sockaddr *)p, sizeof(struct sockaddr_un)));
	TELL(what, syscall(SYS_openat2, AT_FDCWD, "g", p, 24));
	close(sock);
	close(fd);
}

/* Half of a buffer is good: so much is done. */
static void halves(void)
{
	int fd = open("h", O_RDWR | O_CREAT | O_TRUNC, 0644), n;
	char *half = edge - 99; /* 100 bytes */
	char back[300] = "";

	TELL("half", write(fd, half, 300));
	TELL("half", pwrite(fd, "0123456789", 10, 1000));
	TELL("half", pread(fd, half, 300, 950));
	n = (int)pread(fd, back, sizeof(back), 950);
	printf("%d bytes, %s\n", n,
	       memcmp(half, back, n) ? "different" : "the same");
	TELL("half", getxattr("f", "user.a", half, 65536));
	TELL("half", readlink("l", half, 4096));
	TELL("half", syscall(SYS_getcwd, half - 1000, 4000) > 0);
	close(fd);
}

/* A buffer far down a stack that has not grown there yet is good. */
static void __attribute__((noinline)) deep(void)
{
	volatile char room[1 << 20];
	char *low = (char *)room;
	int fd = open("f", O_RDONLY);

	__asm__ volatile("" : "+r"(low));
	TELL("deep", read(fd, low, 5));
	TELL("deep", stat("f", (struct stat *)(low + 8192)));
	close(fd);
}

int main(int argc, char **argv)
{
	static const char *const kinds[] = { "NULL", "PROT_NONE", "no end",
					     "nothing there" };
	int dir;
	FILE *f;

	if (argc != 2 || chdir(argv[1]))
		err(2, "usage: addresses DIR");
	make_pages();
	deep();
	f = fopen("f", "w");
	if (!f || fputs("hello", f) < 0 || fclose(f) || symlink("f", "l") ||
	    setxattr("f", "user.a", "value", 5, 0))
		err(2, "preparations");
	deep();
	dir = open(".", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 4; i++) {
		paths(kinds[i], bad[i]);
		dir_paths(kinds[i], dir, bad[i]);
	}
	outputs("NULL", NULL);
	outputs("PROT_NONE", none);
	outputs("read only", const_page);
	inputs("NULL", NULL);
	inputs("PROT_NONE", none);
	halves();
	close(dir);
	return 0;
}
