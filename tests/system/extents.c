/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * extents DIR: fallocate with every mode, SEEK_DATA and SEEK_HOLE, files of
 * more than 4 GiB and sparse ones of terabytes.  Prints what each call answers
 * and what is in the file then.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096
#define SIZE (16 * BLOCK)
#define GIB (1ll << 30)
#define TIB (1ll << 40)

static uint64_t sum_of(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
	return h;
}

static const char *said(long r)
{
	static char buf[32];

	if (r < 0)
		return strerrorname_np(errno);
	sprintf(buf, "%ld", r);
	return buf;
}

#define TELL(call) printf("%s: %s\n", #call, said((long)(call)))

/* A file of 16 blocks, each full of its own letter. */
static int make(void)
{
	int fd = open("f", O_CREAT | O_TRUNC | O_RDWR, 0644);
	char block[BLOCK];

	for (int i = 0; i < 16; i++) {
		memset(block, 'a' + i, BLOCK);
		if (pwrite(fd, block, BLOCK, i * BLOCK) != BLOCK)
			err(2, "pwrite");
	}
	return fd;
}

static void show(int fd)
{
	static char buf[64 * BLOCK];
	ssize_t n = pread(fd, buf, sizeof(buf), 0);
	struct stat st;

	if (n < 0 || fstat(fd, &st))
		err(2, "read");
	printf("\tsize %ld, %zd bytes read, sum %" PRIx64 "\n", st.st_size, n,
	       sum_of(buf, n));
}

static const struct {
	const char *name;
	int mode;
} modes[] = {
	{ "allocate", 0 },
	{ "keep", FALLOC_FL_KEEP_SIZE },
	{ "punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
	{ "punch alone", FALLOC_FL_PUNCH_HOLE },
	{ "collapse", FALLOC_FL_COLLAPSE_RANGE },
	{ "zero", FALLOC_FL_ZERO_RANGE },
	{ "zero and keep", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE },
	{ "insert", FALLOC_FL_INSERT_RANGE },
	{ "collapse and keep", FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE },
	{ "unknown", 0x4000 },
};

static const struct {
	off_t at, n;
} ranges[] = {
	{ 0, BLOCK },
	{ BLOCK, 3 * BLOCK },
	{ 100, 200 },
	{ 5 * BLOCK + 1, 2 * BLOCK },
	{ 14 * BLOCK, 4 * BLOCK },
	{ SIZE, BLOCK },
	{ SIZE + 100, 50 },
	{ 0, SIZE },
	{ 0, 0 },
	{ -1, 10 },
	{ 10, -1 },
	{ INT64_MAX - 10, 100 },
	{ 20 * TIB, 1 },
};

static void allocations(void)
{
	for (unsigned m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]);
		     i++) {
			int fd = make(), r;

			r = fallocate(fd, modes[m].mode, ranges[i].at,
				      ranges[i].n);
			printf("%s %ld %ld: %s\n", modes[m].name, ranges[i].at,
			       ranges[i].n, said(r));
			show(fd);
			close(fd);
		}
}

/* Every change of data and hole, by walking from one to the other. */
static void walk(int fd)
{
	off_t at = 0, data, hole;

	printf("\t");
	while ((data = lseek(fd, at, SEEK_DATA)) >= 0) {
		hole = lseek(fd, data, SEEK_HOLE);
		printf("[%ld, %ld) ", data, hole);
		at = hole;
	}
	printf("%s\n", strerrorname_np(errno));
}

static void holes(void)
{
	int fd = make();

	walk(fd);
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLOCK,
		  2 * BLOCK);
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 15 * BLOCK,
		  BLOCK);
	walk(fd);
	if (ftruncate(fd, 40 * BLOCK) ||
	    pwrite(fd, "x", 1, 30 * BLOCK + 1) != 1)
		err(2, "extend");
	walk(fd);
	TELL(lseek(fd, BLOCK, SEEK_HOLE));
	TELL(lseek(fd, BLOCK + 7, SEEK_DATA));
	TELL(lseek(fd, 40 * BLOCK - 1, SEEK_HOLE));
	TELL(lseek(fd, 40 * BLOCK - 1, SEEK_DATA));
	TELL(lseek(fd, 40 * BLOCK, SEEK_HOLE));
	TELL(lseek(fd, 40 * BLOCK, SEEK_DATA));
	TELL(lseek(fd, -1, SEEK_DATA));
	TELL(lseek(fd, 5, SEEK_CUR));
	TELL(lseek(fd, -5, SEEK_END));
	TELL(lseek(fd, 0, 99));
	TELL(lseek(fd, 10 * TIB, SEEK_SET));
	TELL(lseek(fd, INT64_MAX, SEEK_CUR));
	close(fd);
}

static void put(int fd, off_t at, const char *what)
{
	char buf[8] = "";
	ssize_t n = pwrite(fd, what, strlen(what), at);

	printf("write at %ld: %s", at, said(n));
	if (n > 0)
		printf(", read back %zd %s", pread(fd, buf, sizeof(buf), at),
		       buf);
	printf("\n");
}

static void large(void)
{
	int fd = open("big", O_CREAT | O_RDWR, 0644),
	    out = open("copy", O_CREAT | O_RDWR, 0644);
	off_t at = 5 * GIB - 2;
	struct stat st;
	char c;

	put(fd, 4 * GIB - 2, "edge");
	put(fd, 5 * GIB, "five");
	put(fd, TIB, "tera");
	put(fd, 8 * TIB, "eight");
	put(fd, -1, "minus");
	put(fd, INT64_MAX - 1, "end");
	TELL(fstat(fd, &st));
	printf("%ld, few blocks: %d\n", st.st_size, st.st_blocks < 1000);
	TELL(lseek(fd, 6 * GIB, SEEK_DATA));
	TELL(lseek(fd, 0, SEEK_DATA));
	TELL(lseek(fd, 4 * GIB - 2, SEEK_SET));
	TELL(read(fd, &c, 1));
	printf("%c\n", c);
	TELL(lseek(fd, 0, SEEK_CUR));
	TELL(sendfile(out, fd, &at, 6));
	TELL(lseek(out, 0, SEEK_END));
	printf("%ld\n", at);
	TELL(ftruncate(fd, 9 * TIB));
	TELL(lseek(fd, 0, SEEK_END));
	TELL(ftruncate(fd, 5 * GIB + 2));
	TELL(stat("big", &st));
	printf("%ld\n", st.st_size);
	put(fd, 5 * GIB + 1, "!");
	TELL(truncate("big", INT64_MAX));
	TELL(truncate("big", 0));
	TELL(fstat(fd, &st));
	printf("%ld %ld\n", st.st_size, st.st_blocks);
	close(fd);
	close(out);
}

static void append(void)
{
	int fd = open("app", O_CREAT | O_WRONLY | O_APPEND, 0644);

	if (ftruncate(fd, 6 * GIB))
		err(2, "ftruncate");
	TELL(write(fd, "behind", 6));
	TELL(lseek(fd, 0, SEEK_CUR) - 6 * GIB);
	TELL(pwrite(fd, "at the end all the same", 23, 0));
	TELL(lseek(fd, 0, SEEK_END) - 6 * GIB);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		err(2, "usage: extents DIR");
	allocations();
	holes();
	large();
	append();
	if (unlink("f") || unlink("big") || unlink("app"))
		err(2, "unlink");
	return 0;
}
