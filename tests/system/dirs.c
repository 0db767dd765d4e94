/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dirs DIR: directory streams in the empty directory DIR.  What must hold in
 * any file system is checked here; the exit status is 1 if something did not.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 10000

static int bad;

#define CHECK(x) \
	do { \
		if (!(x)) \
			complain(__func__, __LINE__, #x); \
	} while (0)

static void complain(const char *test, int line, const char *what)
{
	int e = errno;

	printf("%s: line %d: not so: %s (errno %s)\n", test, line, what,
	       strerrorname_np(e));
	bad = 1;
}

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		err(2, "%s", name);
	close(fd);
}

static void fill(const char *dir, int count)
{
	char name[64];

	if (mkdir(dir, 0755))
		err(2, "%s", dir);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/file-%d", dir, i);
		touch(name);
	}
}

static DIR *must_open(const char *path)
{
	DIR *d = opendir(path);

	if (!d)
		err(2, "opendir %s", path);
	return d;
}

/* The number behind "file-"; MANY for ".", MANY + 1 for ".."; else -1. */
static int number(const char *name)
{
	int n;

	if (name[0] == '.')
		return !name[1] ? MANY : !strcmp(name, "..") ? MANY + 1 : -1;
	return sscanf(name, "file-%d", &n) == 1 && n >= 0 && n < MANY ? n : -1;
}

static void test_many_entries_each_once(void)
{
	static unsigned char seen[MANY + 2];
	struct dirent *e;
	struct stat st;
	char name[300];
	int count = 0;
	DIR *d;

	fill("many", MANY);
	d = must_open("many");
	errno = EXDEV;
	while ((e = readdir(d))) {
		int n = number(e->d_name);

		CHECK(n >= 0 && !seen[n]);
		seen[n < 0 ? 0 : n] = 1;
		CHECK(e->d_type == (n < MANY ? DT_REG : DT_DIR));
		if (count++ % 100)
			continue;
		snprintf(name, sizeof(name), "many/%s", e->d_name);
		CHECK(!lstat(name, &st) && st.st_ino == e->d_ino);
	}
	CHECK(errno == EXDEV);
	CHECK(count == MANY + 2);
	CHECK(!readdir(d) && errno == EXDEV);
	CHECK(!closedir(d));
}

static void test_every_position(void)
{
	static char names[400][32];
	static long at[400];
	struct dirent *e;
	int n = 0;
	long end;
	DIR *d;

	fill("positions", 300);
	d = must_open("positions");
	while (at[n] = telldir(d), (e = readdir(d)))
		strcpy(names[n++], e->d_name);
	CHECK(n == 302);
	end = at[n];
	for (int i = 0; i < n; i++) {
		int k = i * 97 % n;

		seekdir(d, at[k]);
		CHECK(telldir(d) == at[k]);
		e = readdir(d);
		CHECK(e && !strcmp(e->d_name, names[k]));
		CHECK(telldir(d) == at[k + 1]);
	}
	seekdir(d, end);
	CHECK(!readdir(d));
	/* a position outlives what it stood at */
	for (int i = 10; i < 290; i++)
		if (names[i][0] == 'f')
			unlinkat(dirfd(d), names[i], 0);
	seekdir(d, at[10]);
	e = readdir(d);
	while (e && e->d_name[0] == '.')
		e = readdir(d);
	CHECK(e && !strcmp(e->d_name, names[290]));
	rewinddir(d);
	for (n = 0; readdir(d); n++)
		;
	CHECK(n < 30);
	CHECK(!closedir(d));
}

static void test_delete_while_reading(void)
{
	DIR *d = must_open("many");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			CHECK(!unlinkat(dirfd(d), e->d_name, 0));
			n++;
		}
	CHECK(n == MANY);
	rewinddir(d);
	for (n = 0; (e = readdir(d)); n++)
		CHECK(e->d_name[0] == '.');
	CHECK(n == 2);
	CHECK(!closedir(d));
	CHECK(!rmdir("many"));
}

static void test_create_while_reading(void)
{
	char name[64];
	struct dirent *e;
	int old = 0, n = 0;
	DIR *d;

	fill("grows", 1000);
	d = must_open("grows");
	while ((e = readdir(d))) {
		old += e->d_name[0] == 'f';
		if (n >= 500)
			continue;
		snprintf(name, sizeof(name), "grows/new-%d", n++);
		touch(name);
	}
	CHECK(old == 1000);
	rewinddir(d);
	for (n = 0; readdir(d); n++)
		;
	CHECK(n == 1502);
	CHECK(!closedir(d));
}

/* Records of one call: how many, or -1 if they are malformed. */
static int count_records(const char *buf, ssize_t len)
{
	int n = 0;

	for (ssize_t at = 0; at < len; n++) {
		const struct dirent *e = (const void *)(buf + at);

		if (e->d_reclen % 8 || e->d_reclen < 24 ||
		    at + e->d_reclen > len ||
		    memchr(e->d_name, 0, e->d_reclen - 19u) == NULL)
			return -1;
		at += e->d_reclen;
	}
	return n;
}

/* All that is left, by buffers of that size. */
static int count_dents(int fd, size_t size)
{
	char buf[65536] __attribute__((aligned(8)));
	int all = 0;
	ssize_t len;

	while ((len = getdents64(fd, buf, size)) > 0) {
		int n = count_records(buf, len);

		CHECK(n > 0);
		all += n;
	}
	CHECK(len == 0);
	return all;
}

static void test_getdents(void)
{
	static const size_t sizes[] = { 32, 100, 1000, 8192, 65536 };
	int fd = open("grows", O_RDONLY | O_DIRECTORY), other;
	char buf[64] __attribute__((aligned(8)));

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		CHECK(lseek(fd, 0, SEEK_SET) == 0);
		CHECK(count_dents(fd, sizes[i]) == 1502);
	}
	CHECK(getdents64(fd, buf, 64) == 0);
	/* position shared by dup, and by fork */
	lseek(fd, 0, SEEK_SET);
	other = dup(fd);
	CHECK(getdents64(fd, buf, 32) > 0);
	CHECK(count_dents(other, 8192) == 1501);
	CHECK(getdents64(fd, buf, 64) == 0);
	lseek(other, 0, SEEK_SET);
	fflush(stdout);
	if (!fork())
		_exit(count_dents(fd, 512) == 1502 ? 0 : 1);
	else {
		int status;

		CHECK(wait(&status) > 0 && status == 0);
	}
	CHECK(getdents64(fd, buf, 64) == 0);
	close(other);
	lseek(fd, 0, SEEK_SET);
	CHECK(getdents64(fd, buf, 10) == -1 && errno == EINVAL);
	close(fd);
	CHECK(getdents64(fd, buf, 64) == -1 && errno == EBADF);
	fd = open("grows/file-1", O_RDONLY);
	CHECK(getdents64(fd, buf, 64) == -1 && errno == ENOTDIR);
	close(fd);
}

static void test_fdopendir(void)
{
	char buf[32] __attribute__((aligned(8)));
	int fd = open("grows", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *d;

	/* a stream starts where the descriptor is */
	CHECK(getdents64(fd, buf, sizeof(buf)) > 0);
	d = fdopendir(fd);
	CHECK(d && dirfd(d) == fd);
	while (readdir(d))
		n++;
	CHECK(n == 1501);
	rewinddir(d);
	for (n = 0; readdir(d); n++)
		;
	CHECK(n == 1502);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(!closedir(d));
	CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
	CHECK(!fdopendir(fd) && errno == EBADF);
	fd = open("grows/file-1", O_RDONLY);
	CHECK(!fdopendir(fd) && errno == ENOTDIR);
	CHECK(!close(fd));
	d = must_open("grows");
	CHECK(fcntl(dirfd(d), F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(dirfd(d), F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK(!closedir(d));
}

static void test_closed_behind(void)
{
	DIR *d = must_open("grows");

	CHECK(readdir(d));
	CHECK(!close(dirfd(d)));
	CHECK(closedir(d) == -1 && errno == EBADF);
	d = must_open("grows");
	CHECK(!close(dirfd(d)));
	CHECK(!readdir(d) && errno == EBADF);
	CHECK(closedir(d) == -1 && errno == EBADF);
}

static void test_open_errors(void)
{
	struct stat st;

	CHECK(!opendir("none") && errno == ENOENT);
	CHECK(!opendir("grows/file-1") && errno == ENOTDIR);
	CHECK(!opendir("grows/file-1/x") && errno == ENOTDIR);
	CHECK(!opendir("") && errno == ENOENT);
	CHECK(!symlink("loop", "loop"));
	CHECK(!opendir("loop") && errno == ELOOP);
	/* a fifo must not block */
	CHECK(!mkfifo("fifo", 0644) && !lstat("fifo", &st));
	CHECK(!opendir("fifo") && errno == ENOTDIR);
	CHECK(!mkdir("secret", 0));
	if (geteuid())
		CHECK(!opendir("secret") && errno == EACCES);
}

static void test_removed_directory(void)
{
	char buf[64] __attribute__((aligned(8)));
	int fd;
	DIR *d;

	CHECK(!mkdir("doomed", 0755));
	d = must_open("doomed");
	fd = open("doomed", O_RDONLY | O_DIRECTORY);
	CHECK(!rmdir("doomed"));
	errno = 0;
	CHECK(!readdir(d) && errno == 0);
	CHECK(getdents64(fd, buf, sizeof(buf)) == -1 && errno == ENOENT);
	CHECK(!closedir(d));
	close(fd);
}

static void test_readdir_r(void)
{
	struct dirent e, *got;
	DIR *d = must_open("grows");
	int n = 0;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	while (!readdir_r(d, &e, &got) && got) {
		CHECK(got == &e && e.d_name[0]);
		n++;
	}
#pragma GCC diagnostic pop
	CHECK(!got && n == 1502);
	CHECK(!closedir(d));
}

static void test_fork_goes_on(void)
{
	DIR *d = must_open("grows");
	int n = 0, status;

	for (; n < 100; n++)
		CHECK(readdir(d));
	fflush(stdout);
	if (!fork()) {
		while (readdir(d))
			n++;
		_exit(n == 1502 && !closedir(d) ? 0 : 1);
	}
	CHECK(wait(&status) > 0 && status == 0);
	CHECK(!closedir(d));
}

static void *count_thread(void *d)
{
	long n = 0;

	while (readdir(d))
		n++;
	return (void *)n;
}

static void test_two_threads_share(void)
{
	DIR *d = must_open("grows");
	pthread_t t[2];
	long all = 0;

	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, count_thread, d))
			errx(2, "pthread_create");
	for (int i = 0; i < 2; i++) {
		void *n;

		pthread_join(t[i], &n);
		all += (long)n;
	}
	CHECK(all == 1502);
	CHECK(!closedir(d));
}

static void test_long_names(void)
{
	char name[256];
	struct dirent *e;
	int found = 0;
	DIR *d;

	CHECK(!mkdir("long", 0755));
	for (int i = 0; i < 300; i++) {
		char path[300];

		memset(name, 'a' + i % 26, 255);
		name[255] = '\0';
		name[0] = (char)('A' + i % 26);
		name[1] = (char)('0' + i / 26);
		snprintf(path, sizeof(path), "long/%s", name);
		touch(path);
	}
	d = must_open("long");
	while ((e = readdir(d)))
		found += strlen(e->d_name) == 255;
	CHECK(found == 300);
	CHECK(!closedir(d));
}

static int starts_with_f(const struct dirent *e)
{
	return e->d_name[0] == 'f';
}

static int nothing(const struct dirent *e)
{
	return 0;
}

static void free_list(struct dirent **list, int n)
{
	while (n-- > 0)
		free(list[n]);
	free(list);
}

static void test_scandir(void)
{
	struct dirent **list = NULL;
	int n = scandir("grows", &list, starts_with_f, versionsort), fd;

	CHECK(n == 1000);
	for (int i = 0; i < n; i++)
		CHECK(number(list[i]->d_name) == i);
	free_list(list, n);
	n = scandir("grows", &list, starts_with_f, alphasort);
	CHECK(n == 1000);
	for (int i = 1; i < n; i++)
		CHECK(strcmp(list[i - 1]->d_name, list[i]->d_name) < 0);
	free_list(list, n);
	n = scandir("grows", &list, NULL, NULL);
	CHECK(n == 1502);
	free_list(list, n);
	CHECK(scandir("grows", &list, nothing, alphasort) == 0);
	free(list);
	fd = open("grows", O_PATH);
	n = scandirat(fd, ".", &list, NULL, alphasort);
	CHECK(n == 1502);
	free_list(list, n);
	close(fd);
	CHECK(scandir("none", &list, NULL, NULL) == -1 && errno == ENOENT);
	CHECK(scandir("fifo", &list, NULL, NULL) == -1 && errno == ENOTDIR);
	CHECK(scandirat(fd, "x", &list, NULL, NULL) == -1 && errno == EBADF);
}

/* A symlink may lead to the other world and a stream must follow. */
static void test_symlink_out(void)
{
	struct dirent *e;
	int found = 0;
	DIR *d;

	CHECK(!symlink("/etc", "etc"));
	d = must_open("etc");
	while ((e = readdir(d)))
		found += !strcmp(e->d_name, "passwd");
	CHECK(found == 1);
	CHECK(!closedir(d));
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: dirs DIR");
	if (chdir(argv[1]))
		err(2, "%s", argv[1]);
	test_many_entries_each_once();
	test_every_position();
	test_delete_while_reading();
	test_create_while_reading();
	test_getdents();
	test_fdopendir();
	test_closed_behind();
	test_open_errors();
	test_removed_directory();
	test_readdir_r();
	test_fork_goes_on();
	test_two_threads_share();
	test_long_names();
	test_scandir();
	test_symlink_out();
	if (fflush(stdout))
		err(2, "stdout");
	return bad;
}
