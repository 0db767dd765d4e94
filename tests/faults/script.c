/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * script DIR FAIL_FILE: what a client does while a call of its daemon fails.
 * Each of its calls ends as it should or with an error that says what is the
 * matter; then nothing fails any more, and what is there is explained by the
 * calls that succeeded, and those that failed having happened or not.
 * script DIR keep|check: makes a state, and looks whether it is there.
 * script DIR clear: removes all that is in it.
 */
#include "tests/faults/fail_file.h"
#include "tests/sequences/seq.h"

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
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define WORLDS 256
#define LONG 300000
#define CALL_MAX_SECS 45 /* F1: 30, and what the machine takes */

static const struct seq_call calls[] = {
	{ SEQ_mkdir, SEQ_D, 0 },     { SEQ_create, 0, 0 },
	{ SEQ_append, 0, 0 },	     { SEQ_write, 0, 0 },
	{ SEQ_fsync, 0, 0 },	     { SEQ_link, 0, 2 },
	{ SEQ_rename, 0, 1 },	     { SEQ_create, 3, 3 },
	{ SEQ_append, 3, 3 },	     { SEQ_truncate, 1, 1 },
	{ SEQ_rename, 3, 1 },	     { SEQ_unlink, 2, 2 },
	{ SEQ_fsync, SEQ_D, 0 },     { SEQ_create, 2, 2 },
	{ SEQ_append, 2, 2 },	     { SEQ_rename, SEQ_D, 0 },
	{ SEQ_fsync, SEQ_TOP, 0 },   { SEQ_mkdir, SEQ_D, 0 },
	{ SEQ_rmdir, SEQ_D, SEQ_D },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static const int clean[] = {
#define FAIL(kind, error, what) error,
#include "tests/faults/fail.def"
#undef FAIL
	ETIMEDOUT, ENOTCONN, ECONNRESET, EPIPE, ECONNREFUSED, ENFILE, ENOLCK,
};

static int keep_levels; /* of what is to be removed */
static struct seq_world world[WORLDS];
static unsigned nworlds = 1;
static const char *dir;

static bool is_clean(int e)
{
	for (unsigned n = 0; n < sizeof(clean) / sizeof(clean[0]); n++)
		if (e == clean[n])
			return true;
	return false;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* It may have happened in each of the worlds, or not. */
static void fork_worlds(const struct seq_call *c, unsigned n)
{
	unsigned was = nworlds;

	for (unsigned k = 0; k < was; k++) {
		struct seq_world w = world[k];

		if (seq_apply(&w, c, n))
			continue;
		if (nworlds == WORLDS)
			errx(1, "too many calls have failed");
		world[nworlds++] = w;
	}
}

static void keep_worlds(const struct seq_call *c, unsigned n, int r)
{
	unsigned kept = 0;
	char name[64];

	for (unsigned k = 0; k < nworlds; k++)
		if (seq_apply(&world[k], c, n) == r)
			world[kept++] = world[k];
	seq_call_name(c, name, sizeof(name));
	if (!kept)
		errx(1, "%s: answers %s", name, r ? strerror(-r) : "success");
	nworlds = kept;
}

/* A daemon that has stopped is started again. */
static void wait_until_back(void)
{
	time_t end = now() + 60;

	while (access(dir, F_OK) && is_clean(errno)) {
		if (now() > end)
			errx(1, "no daemon for a minute");
		usleep(1000);
	}
}

static void make_call(const struct seq_fs *fs, unsigned n)
{
	time_t start = now();
	int r = fs->call(fs->arg, &calls[n], n);

	if (now() - start > CALL_MAX_SECS)
		errx(1, "a call of %ld s", (long)(now() - start));
	if (!is_clean(-r)) {
		keep_worlds(&calls[n], n, r);
		return;
	}
	fork_worlds(&calls[n], n);
	wait_until_back();
}

#define want(what) ((what) || is_clean(errno) ? (void)0 : err(1, "%s", #what))

/* A long one, appended in slices (server/slice.h): as much of it as it says. */
static void write_long(int fd)
{
	static char buf[LONG], seen[LONG];
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t n, done;

	want(end >= 0);
	if (end < 0 || fcntl(fd, F_SETFL, O_APPEND))
		return;
	memset(buf, 'l', sizeof(buf));
	n = write(fd, buf, sizeof(buf));
	want(n > 0);
	if (n <= 0)
		return;
	done = pread(fd, seen, sizeof(seen), end);
	want(done >= 0);
	if (done > n || (done > 0 && memcmp(buf, seen, (size_t)done)))
		errx(1, "%zd bytes written, and %zd others read", n, done);
}

/* What leaves the state as it is. */
static void look_around(void)
{
	char path[400], text[16];
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct statvfs v;
	ssize_t n;
	DIR *d;
	int fd;

	/* Not the name that is created next: it may stay, and lead there. */
	snprintf(path, sizeof(path), "%s/link", dir);
	want(!symlink("a", path));
	n = readlink(path, text, sizeof(text));
	want(n == 1 || (n < 0 && errno == ENOENT));
	want(!unlink(path) || errno == ENOENT);
	snprintf(path, sizeof(path), "%s/other", dir);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	want(fd >= 0);
	want(!statvfs(dir, &v));
	d = opendir(dir);
	want(d);
	while (d && readdir(d))
		;
	if (d)
		closedir(d);
	if (fd < 0)
		return;
	if (fsetxattr(fd, "user.a", "1", 1, 0))
		want(false);
	else
		want(fgetxattr(fd, "user.a", text, 16) == 1);
	want(!fchmod(fd, 0640));
	want(!fcntl(fd, F_SETLK, &l));
	want(!flock(fd, LOCK_EX));
	want(!futimens(fd, NULL));
	want(!fallocate(fd, 0, 0, 10));
	want(write(fd, "x", 1) == 1);
	write_long(fd);
	want(!fdatasync(fd));
	want(lseek(fd, 0, SEEK_END) >= 0);
	want(!ftruncate(fd, 5));
	close(fd);
	want(!unlink(path));
}

/* They may be there still, if their end has failed. */
static void forget_others(void)
{
	static const char *const names[] = { "link", "other" };
	char path[400];

	for (unsigned n = 0; n < 2; n++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[n]);
		if (unlink(path) && errno != ENOENT)
			err(1, "%s", path);
	}
}

static void compare(const struct seq_fs *fs)
{
	static char expected[SEQ_TEXT], seen[SEQ_TEXT];

	seq_fs_text(fs, seen);
	for (unsigned n = 0; n < nworlds; n++) {
		seq_world_text(&world[n], expected);
		if (!strcmp(expected, seen))
			return;
	}
	seq_world_text(&world[0], expected);
	errx(1, "%u states are possible, the first is\n%sand there is\n%s",
	     nworlds, expected, seen);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	if (ftw->level >= keep_levels && remove(path))
		err(1, "%s", path);
	return 0;
}

static void disarm(const char *name)
{
	int fd = open(name, O_RDWR);
	struct fail_file *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);

	if (f == MAP_FAILED)
		err(1, "%s", name);
	close(fd);
	f->kind = FAIL_nothing;
}

static void make_all(const struct seq_fs *fs)
{
	for (unsigned n = 0; n < CALLS; n++) {
		if (n == CALLS / 2)
			look_around();
		make_call(fs, n);
	}
}

int main(int argc, char **argv)
{
	struct seq_fs fs;

	if (argc != 3)
		errx(2, "script DIR FAIL_FILE|keep|check|clear");
	dir = argv[1];
	fs = seq_libc(dir);
	alarm(200);
	seq_world_init(&world[0], SEQ_BARE);
	if (!strcmp(argv[2], "clear")) {
		keep_levels = 1;
		return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
	if (!strcmp(argv[2], "check")) {
		for (unsigned n = 0; n < CALLS; n++)
			seq_apply(&world[0], &calls[n], n);
		compare(&fs);
		return 0;
	}
	while (mkdir(dir, 0755) && errno != EEXIST) {
		if (!is_clean(errno))
			err(1, "%s", dir);
		wait_until_back();
	}
	make_all(&fs);
	if (!strcmp(argv[2], "keep"))
		return nworlds == 1 ? 0 : 1;
	disarm(argv[2]);
	wait_until_back();
	forget_others();
	compare(&fs);
	if (nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS))
		err(1, "%s", dir);
	return 0;
}
