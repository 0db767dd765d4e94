/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * together DIR [ROUNDS]: threads of one process at the same things of it at
 * once: the working directory, an offset, locks, streams, a directory, their
 * own files, children.  What is promised of each is checked behind it; under
 * ThreadSanitizer also how the preload library gets there.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 6, RECORD = 8, NAMES = 20, ROUNDS_MAX = 10000 };

extern char **environ;

static const char *dir;
static int rounds = 40;
static int shared; /* a descriptor */
static FILE *stream;
static atomic_int seen[THREADS * ROUNDS_MAX];

#define must(e) \
	do { \
		if (!(e)) \
			err(1, "line %d: %s", __LINE__, #e); \
	} while (0)

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	must(close(fd) == 0);
}

/* One changes directories; the others are in the one or in the other. */
static void begin_cwd(void)
{
	must(!mkdir("a", 0755) && !mkdir("b", 0755));
	write_file("a/who", "a");
	write_file("b/who", "b");
	must(!chdir("a"));
}

static void work_cwd(int me, int round)
{
	char path[4096], c = 0;
	int fd;

	if (!me) {
		snprintf(path, sizeof(path), "%s/%c", dir, 'a' + round % 2);
		must(!chdir(path));
		return;
	}
	fd = open("who", O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	must(read(fd, &c, 1) == 1 && (c == 'a' || c == 'b'));
	must(close(fd) == 0);
	must(getcwd(path, sizeof(path)));
	must(!strncmp(path, dir, strlen(dir)));
	c = path[strlen(path) - 1];
	must(c == 'a' || c == 'b');
}

static void end_cwd(void)
{
	must(!chdir(dir));
	must(!unlink("a/who") && !unlink("b/who") && !rmdir("a") &&
	     !rmdir("b"));
}

/* Each record is read by one of them, by whatever descriptor (S6). */
static void begin_offset(void)
{
	char record[16];

	shared = open("records", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	must(shared >= 0);
	for (int n = 0; n < THREADS * rounds; n++) {
		snprintf(record, sizeof(record), "%07d\n", n);
		must(write(shared, record, RECORD) == RECORD);
	}
	must(lseek(shared, 0, SEEK_SET) == 0);
}

static void work_offset(int me, int round)
{
	char record[RECORD + 1] = "";
	int fd = dup(shared), n;
	void *p;

	must(fd >= 0);
	must(read(fd, record, RECORD) == RECORD);
	n = atoi(record);
	must(n >= 0 && n < THREADS * rounds);
	atomic_fetch_add(&seen[n], 1);
	must(close(fd) == 0);
	if (round % 8)
		return;
	p = mmap(NULL, RECORD, PROT_READ, MAP_PRIVATE, shared, 0);
	must(p != MAP_FAILED);
	must(!memcmp(p, "0000000\n", RECORD));
	must(munmap(p, RECORD) == 0);
}

static void end_offset(void)
{
	for (int n = 0; n < THREADS * rounds; n++)
		if (atomic_load(&seen[n]) != 1)
			errx(1, "record %d was read %d times", n, seen[n]);
	must(lseek(shared, 0, SEEK_CUR) == (off_t)THREADS * rounds * RECORD);
	must(close(shared) == 0 && unlink("records") == 0);
}

/* A number that each raises under a lock of its own description (S10). */
static void begin_count(void)
{
	write_file("count", "0000000\n");
}

static void lock(int fd, bool whole, bool on)
{
	struct flock f = { .l_type = on ? F_WRLCK : F_UNLCK,
			   .l_whence = SEEK_SET,
			   .l_len = RECORD };

	must(!(whole ? flock(fd, on ? LOCK_EX : LOCK_UN)
		     : fcntl(fd, F_OFD_SETLKW, &f)));
}

static void raise_count(bool whole)
{
	char number[16] = "";
	int fd = open("count", O_RDWR | O_CLOEXEC);

	must(fd >= 0);
	lock(fd, whole, true);
	must(pread(fd, number, RECORD, 0) == RECORD);
	snprintf(number, sizeof(number), "%07d\n", atoi(number) + 1);
	must(pwrite(fd, number, RECORD, 0) == RECORD);
	lock(fd, whole, false);
	must(close(fd) == 0);
}

static void work_ofd(int me, int round)
{
	raise_count(false);
}

static void work_flock(int me, int round)
{
	raise_count(true);
}

static void end_count(void)
{
	char number[16] = "";
	int fd = open("count", O_RDONLY);

	must(fd >= 0 && read(fd, number, RECORD) == RECORD);
	if (atoi(number) != THREADS * rounds)
		errx(1, "the count is %s", number);
	must(close(fd) == 0 && unlink("count") == 0);
}

/* Some make and remove names, the others list those that stay (S11). */
static void begin_list(void)
{
	char name[32];

	for (int n = 0; n < NAMES; n++) {
		snprintf(name, sizeof(name), "stays%d", n);
		write_file(name, "");
	}
}

static void work_list(int me, int round)
{
	int found[NAMES] = { 0 };
	struct dirent *e;
	char name[32];
	DIR *d;

	if (me < 2) {
		snprintf(name, sizeof(name), "goes%d.%d", me, round);
		write_file(name, "x");
		must(unlink(name) == 0);
		return;
	}
	d = opendir(".");
	must(d);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, "stays", 5))
			found[atoi(e->d_name + 5) % NAMES]++;
	must(closedir(d) == 0);
	for (int n = 0; n < NAMES; n++)
		if (found[n] != 1)
			errx(1, "stays%d was listed %d times", n, found[n]);
}

static void end_list(void)
{
	char name[32];

	for (int n = 0; n < NAMES; n++) {
		snprintf(name, sizeof(name), "stays%d", n);
		must(unlink(name) == 0);
	}
}

/* A stream that all write, and one of each. */
static void begin_stream(void)
{
	stream = fopen("log", "a+e");
	must(stream);
}

static void work_stream(int me, int round)
{
	char name[32], line[32], back[32] = "";
	FILE *f;

	snprintf(name, sizeof(name), "own%d", me);
	snprintf(line, sizeof(line), "%03d %06d\n", me, round);
	must(fputs(line, stream) >= 0);
	f = fopen(name, "w+e");
	must(f);
	must(fputs(line, f) >= 0 && fseek(f, 0, SEEK_SET) == 0);
	must(fgets(back, sizeof(back), f) && !strcmp(line, back));
	must(fclose(f) == 0 && unlink(name) == 0);
}

static void end_stream(void)
{
	int last[THREADS], lines = 0, me, round;

	for (int n = 0; n < THREADS; n++)
		last[n] = -1;
	must(fseek(stream, 0, SEEK_SET) == 0);
	while (fscanf(stream, "%d %d\n", &me, &round) == 2) {
		must(me >= 0 && me < THREADS && round == last[me] + 1);
		last[me] = round;
		lines++;
	}
	must(lines == THREADS * rounds);
	must(fclose(stream) == 0 && unlink("log") == 0);
}

/* What is asked of names and files that are nobody else's. */
static void work_own(int me, int round)
{
	char name[32], other[32], text[16] = "";
	struct stat st;

	snprintf(name, sizeof(name), "file%d", me);
	snprintf(other, sizeof(other), "link%d", me);
	write_file(name, "0123456789");
	must(chmod(name, 0600) == 0 && truncate(name, 5) == 0);
	must(stat(name, &st) == 0 && st.st_size == 5);
	must((st.st_mode & 0777) == 0600);
	must(symlink(name, other) == 0);
	must(readlink(other, text, sizeof(text)) == (ssize_t)strlen(name));
	must(stat(other, &st) == 0 && st.st_size == 5);
	must(unlink(other) == 0 && link(name, other) == 0);
	must(stat(name, &st) == 0 && st.st_nlink == 2);
	must(rename(other, name) == 0 && unlink(other) == 0);
	must(access(dir, R_OK | X_OK) == 0);
	must(unlink(name) == 0 && access(name, F_OK) && errno == ENOENT);
}

/* Children, while others open and close. */
static void work_child(int me, int round)
{
	char *argv[] = { (char *)"true", NULL };
	char name[32];
	int status;
	pid_t pid;

	snprintf(name, sizeof(name), "child%d", me);
	write_file(name, "x");
	if (round % 20 == 0 && me == 1) {
		must(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv,
				  environ));
		must(waitpid(pid, &status, 0) == pid && status == 0);
	}
	if (round % 10 == 0 && me == 2) {
		pid = fork();
		must(pid >= 0);
		if (!pid) {
			struct stat st;

			_exit(stat(name, &st) || st.st_size != 1);
		}
		must(waitpid(pid, &status, 0) == pid && status == 0);
	}
	must(unlink(name) == 0);
}

static void nothing(void)
{
}

static const struct part {
	const char *name;
	void (*begin)(void);
	void (*work)(int me, int round);
	void (*end)(void);
} parts[] = {
	{ "cwd", begin_cwd, work_cwd, end_cwd },
	{ "offset", begin_offset, work_offset, end_offset },
	{ "ofd", begin_count, work_ofd, end_count },
	{ "flock", begin_count, work_flock, end_count },
	{ "list", begin_list, work_list, end_list },
	{ "stream", begin_stream, work_stream, end_stream },
	{ "own", nothing, work_own, nothing },
	{ "child", nothing, work_child, nothing },
};
static const struct part *now;

static void *run(void *arg)
{
	for (int round = 0; round < rounds; round++)
		now->work((int)(intptr_t)arg, round);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc < 2 || argc > 3)
		errx(2, "usage: together DIR [ROUNDS]");
	dir = argv[1];
	rounds = argc == 3 ? atoi(argv[2]) : rounds;
	if (rounds < 1 || rounds > ROUNDS_MAX)
		errx(2, "%s rounds", argv[2]);
	must(chdir(dir) == 0);
	for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
		now = &parts[p];
		now->begin();
		for (int n = 0; n < THREADS; n++)
			must(!pthread_create(&threads[n], NULL, run,
					     (void *)(intptr_t)n));
		for (int n = 0; n < THREADS; n++)
			pthread_join(threads[n], NULL);
		now->end();
	}
	return 0;
}
