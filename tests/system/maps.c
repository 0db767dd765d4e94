/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * maps DIR: mappings, shared and private, of files in DIR: what is stored is
 * seen by reads, by other mappings and by other processes, and the other way
 * round (D2a).  Prints each finding, for comparing two file systems.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 5 * PAGE + 100 };

static sigjmp_buf on_fault;

#define must(e) \
	do { \
		if (!(e)) \
			err(1, "line %d: %s", __LINE__, #e); \
	} while (0)
#define say(e) printf("%s: %d\n", #e, (int)(e))

static char *map(int fd, int prot, int flags, off_t at)
{
	char *p = mmap(NULL, SIZE, prot, flags, fd, at);

	must(p != MAP_FAILED);
	return p;
}

static int make(const char *name)
{
	static char data[SIZE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	must(fd >= 0);
	for (int i = 0; i < SIZE; i++)
		data[i] = (char)('a' + i % 23);
	must(write(fd, data, SIZE) == SIZE);
	return fd;
}

static int reads(int fd, off_t at, const char *want)
{
	char got[32] = "";

	must(pread(fd, got, strlen(want), at) == (ssize_t)strlen(want));
	return strcmp(got, want) == 0;
}

static void shared(void)
{
	int fd = make("shared"), other = open("shared", O_RDWR);
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	char *q = map(other, PROT_READ, MAP_SHARED, 0);
	int status;

	must(other >= 0);
	memcpy(p + 10, "STORED", 6);
	say(reads(other, 10, "STORED"));
	say(memcmp(q + 10, "STORED", 6) == 0);
	must(pwrite(other, "WRITTEN", 7, 2 * PAGE + 5) == 7);
	say(memcmp(p + 2 * PAGE + 5, "WRITTEN", 7) == 0);
	if (fork() == 0) {
		int again = open("shared", O_RDWR);
		char *r = map(again, PROT_READ | PROT_WRITE, MAP_SHARED, 0);

		memcpy(p + 100, "CHILD", 5);
		memcpy(r + PAGE, "AGAIN", 5);
		_exit(memcmp(r + 10, "STORED", 6) != 0);
	}
	must(wait(&status) > 0);
	say(status);
	say(memcmp(p + 100, "CHILD", 5) == 0);
	say(reads(fd, PAGE, "AGAIN"));
	say(msync(p, SIZE, MS_SYNC));
	must(close(fd) == 0 && close(other) == 0);
	memcpy(p + 200, "CLOSED", 6);
	say(memcmp(q + 200, "CLOSED", 6) == 0);
	fd = open("shared", O_RDONLY);
	say(reads(fd, 200, "CLOSED"));
	must(unlink("shared") == 0);
	memcpy(p + 300, "GONE", 4);
	say(reads(fd, 300, "GONE"));
	say(munmap(p, SIZE));
	say(reads(fd, 300, "GONE"));
	say(memcmp(q + 300, "GONE", 4) == 0);
	say(munmap(q, SIZE));
	close(fd);
}

static void private(void)
{
	int fd = make("private");
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, PAGE);

	p[0] = '!';
	say(reads(fd, PAGE, "!"));
	say(p[1] == 'a' + (PAGE + 1) % 23);
	must(munmap(p, SIZE) == 0);
	close(fd);
	fd = open("private", O_RDONLY);
	p = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	p[5] = '?';
	say(p[5] == '?');
	close(fd);
	say(p[PAGE] == 'a' + PAGE % 23);
	must(munmap(p, SIZE) == 0);
}

static void refused(int prot, int open_flags, int flags, size_t size, off_t at)
{
	int fd = open("private", open_flags);
	char *p = mmap(NULL, size, prot, flags, fd, at);

	printf("mmap %d %d %x %zu %jd: %s\n", prot, open_flags,
	       (unsigned int)flags, size, (intmax_t)at,
	       p == MAP_FAILED ? strerrorname_np(errno) : "ok");
	if (p != MAP_FAILED)
		munmap(p, size);
	close(fd);
}

static void fault(int sig)
{
	siglongjmp(on_fault, sig);
}

static void past_the_end(void)
{
	int fd = make("end");
	char *p =
		mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int sig;

	must(p != MAP_FAILED);
	signal(SIGBUS, fault);
	say(p[SIZE] == 0 && p[6 * PAGE - 1] == 0);
	sig = sigsetjmp(on_fault, 1);
	if (sig == 0)
		p[7 * PAGE] = 'x';
	say(sig == SIGBUS);
	must(ftruncate(fd, 8 * PAGE) == 0);
	p[7 * PAGE] = 'x';
	say(reads(fd, 7 * PAGE, "x"));
	must(ftruncate(fd, PAGE) == 0);
	sig = sigsetjmp(on_fault, 1);
	if (sig == 0)
		p[2 * PAGE] = 'x';
	say(sig == SIGBUS);
	must(munmap(p, 8 * PAGE) == 0);
	close(fd);
}

static void grown(void)
{
	int fd = make("grown");
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *fixed;

	must(p != MAP_FAILED);
	p = mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	must(p != MAP_FAILED);
	memcpy(p + 2 * PAGE, "MOVED", 5);
	say(reads(fd, 2 * PAGE, "MOVED"));
	fixed = mmap(p + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
		     4 * PAGE);
	say(fixed == p + PAGE && p[PAGE] == 'a' + 4 * PAGE % 23);
	say(mprotect(p, PAGE, PROT_READ));
	say(madvise(p, 3 * PAGE, MADV_WILLNEED));
	must(munmap(p, 3 * PAGE) == 0);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: maps DIR");
	if (chdir(argv[1]) < 0)
		err(1, "%s", argv[1]);
	shared();
	private();
	refused(PROT_WRITE, O_RDONLY, MAP_SHARED, PAGE, 0);
	refused(PROT_WRITE, O_RDONLY, MAP_PRIVATE, PAGE, 0);
	refused(PROT_READ, O_WRONLY, MAP_PRIVATE, PAGE, 0);
	refused(PROT_READ, O_RDWR, MAP_SHARED, PAGE, 100);
	refused(PROT_READ, O_RDWR, MAP_SHARED, 0, 0);
	refused(PROT_READ, O_RDWR | O_DIRECTORY, MAP_SHARED, PAGE, 0);
	refused(PROT_READ | PROT_EXEC, O_RDONLY, MAP_PRIVATE, PAGE, 0);
	past_the_end();
	grown();
	return 0;
}
