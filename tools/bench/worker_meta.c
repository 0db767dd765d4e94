/* SPDX-License-Identifier: BSD-3-Clause */
/* Works on names and attributes. */
#include "tools/bench/worker.h"

#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MANY 10000u
#define HUGE_DIR 1000000u
#define QUICK 200u
#define ROUND_FILES 2000u /* made or removed in one round at most */

static uint64_t files_of(const struct bench_job *j)
{
	if (j->quick)
		return QUICK;
	return j->work->flags & BFS_WORK_HUGE ? HUGE_DIR : MANY;
}

/* The rank is in the name: the directory may be shared. */
static void name_of(const struct bench_job *j, char *out, size_t size,
		    const char *what, uint64_t i)
{
	snprintf(out, size, "%s/%s.%u.%llu", j->dir, what, j->rank,
		 (unsigned long long)i);
}

static int make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0)
		return -errno;
	return close(fd) ? -errno : 0;
}

static int make_files(struct bench_job *j, const char *what, uint64_t n)
{
	char path[1200];
	int e = 0;

	for (uint64_t i = 0; !e && i < n; i++) {
		name_of(j, path, sizeof(path), what, i);
		e = make_file(path);
	}
	return e;
}

static int drop_files(struct bench_job *j, const char *what, uint64_t from,
		      uint64_t to)
{
	char path[1200];

	for (uint64_t i = from; i < to; i++) {
		name_of(j, path, sizeof(path), what, i);
		if (unlink(path))
			return -errno;
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *at)
{
	return remove(path);
}

int bench_remove_tree(const char *dir)
{
	return nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) ? -errno : 0;
}

static int join_one(struct bench_job *j)
{
	char path[1200];

	name_of(j, path, sizeof(path), "f", 0);
	j->fd = open(path, O_RDWR | O_CREAT, 0644);
	return j->fd < 0 ? -errno : 0;
}

/* What nobody has open, as most files that are asked for. */
static int join_closed(struct bench_job *j)
{
	int e = join_one(j);

	if (!e && close(j->fd))
		e = -errno;
	j->fd = -1;
	return e;
}

/* The huge directory stays for the works that follow. */
static int join_many(struct bench_job *j)
{
	char last[1200];

	j->files = files_of(j);
	name_of(j, last, sizeof(last), "f", j->files - 1);
	return access(last, F_OK) ? make_files(j, "f", j->files) : 0;
}

static int leave_one(struct bench_job *j)
{
	return j->fd >= 0 && close(j->fd) ? -errno : 0;
}

static int regular(int r, const struct stat *st)
{
	if (r)
		return -errno;
	return S_ISREG(st->st_mode) ? 0 : -EBADMSG;
}

static int op_stat_one(struct bench_job *j, uint64_t i)
{
	struct stat st;
	char path[1200];

	name_of(j, path, sizeof(path), "f", 0);
	return regular(stat(path, &st), &st);
}

static int op_stat_many(struct bench_job *j, uint64_t i)
{
	struct stat st;
	char path[1200];

	name_of(j, path, sizeof(path), "f", bench_random(j) % j->files);
	return regular(stat(path, &st), &st);
}

static int op_fstat_one(struct bench_job *j, uint64_t i)
{
	struct stat st;

	return regular(fstat(j->fd, &st), &st);
}

static int op_open_close(struct bench_job *j, uint64_t i)
{
	char path[1200];
	int fd;

	name_of(j, path, sizeof(path), "f", 0);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	return close(fd) ? -errno : 0;
}

static int op_null_call(struct bench_job *j, uint64_t i)
{
	return access(j->place->dir, F_OK) ? -errno : 0;
}

/* A process that has nothing to do with us and never sleeps. */
static int busy_before(struct bench_job *j)
{
	pid_t pid = j->rank ? 0 : fork();

	if (pid < 0)
		return -errno;
	if (!pid && !j->rank) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			bfs_relax();
	}
	j->helper = pid;
	return 0;
}

static int busy_after(struct bench_job *j, uint64_t done)
{
	if (!j->helper)
		return 0;
	kill(j->helper, SIGKILL);
	while (waitpid(j->helper, NULL, 0) < 0 && errno == EINTR)
		;
	j->helper = 0;
	return 0;
}

static int op_create_only(struct bench_job *j, uint64_t i)
{
	char path[1200];

	name_of(j, path, sizeof(path), "n", i);
	return make_file(path);
}

static int create_before(struct bench_job *j)
{
	j->max = ROUND_FILES;
	return 0;
}

static int create_after(struct bench_job *j, uint64_t done)
{
	return drop_files(j, "n", 0, done);
}

static int unlink_before(struct bench_job *j)
{
	j->max = j->quick ? QUICK : ROUND_FILES;
	return make_files(j, "u", j->max);
}

static int op_unlink_only(struct bench_job *j, uint64_t i)
{
	char path[1200];

	name_of(j, path, sizeof(path), "u", i);
	return unlink(path) ? -errno : 0;
}

static int unlink_after(struct bench_job *j, uint64_t done)
{
	return drop_files(j, "u", done, j->max);
}

static int op_create_unlink(struct bench_job *j, uint64_t i)
{
	char path[1200];
	int e;

	name_of(j, path, sizeof(path), "c", i);
	e = make_file(path);
	if (e)
		return e;
	return unlink(path) ? -errno : 0;
}

static int op_rename_file(struct bench_job *j, uint64_t i)
{
	char a[1200], b[1200];

	/* there and back */
	name_of(j, a, sizeof(a), "f", j->files & 1);
	name_of(j, b, sizeof(b), "f", ++j->files & 1);
	return rename(a, b) ? -errno : 0;
}

static int op_mkdir_rmdir(struct bench_job *j, uint64_t i)
{
	char path[1200];

	name_of(j, path, sizeof(path), "d", i);
	if (mkdir(path, 0755))
		return -errno;
	return rmdir(path) ? -errno : 0;
}

/* The next entry; from the start when they have all been seen. */
static int next_entry(struct bench_job *j, const char **name)
{
	struct dirent *d;

	for (int again = 0; again < 2; again++) {
		if (!j->stream)
			j->stream = opendir(j->dir);
		if (!j->stream)
			return -errno;
		do {
			errno = 0;
			d = readdir(j->stream);
		} while (d && *d->d_name == '.');
		if (d) {
			*name = d->d_name;
			return 0;
		}
		if (errno)
			return -errno;
		closedir(j->stream);
		j->stream = NULL;
	}
	return -ENOENT;
}

static int op_read_dir(struct bench_job *j, uint64_t i)
{
	const char *name;

	return next_entry(j, &name);
}

static int op_read_dir_stat(struct bench_job *j, uint64_t i)
{
	const char *name;
	struct stat st;
	int e = next_entry(j, &name);

	if (e)
		return e;
	return regular(
		fstatat(dirfd(j->stream), name, &st, AT_SYMLINK_NOFOLLOW), &st);
}

static int leave_dir(struct bench_job *j)
{
	if (j->stream)
		closedir(j->stream);
	return 0;
}

#define op_stat_busy op_stat_one
#define op_create_more op_create_only
#define BODY(name, join_, before_, after_, leave_) \
	const struct bench_body bench_body_##name = { \
		.make = bench_nothing, \
		.join = join_, \
		.before = before_, \
		.op = op_##name, \
		.after = after_, \
		.leave = leave_, \
		.drop = bench_nothing, \
	}
BODY(stat_one, join_closed, bench_nothing, bench_nothing_done, leave_one);
BODY(stat_busy, join_closed, busy_before, busy_after, leave_one);
BODY(stat_many, join_many, bench_nothing, bench_nothing_done, bench_nothing);
BODY(fstat_one, join_one, bench_nothing, bench_nothing_done, leave_one);
BODY(open_close, join_one, bench_nothing, bench_nothing_done, leave_one);
BODY(null_call, bench_nothing, bench_nothing, bench_nothing_done,
     bench_nothing);
BODY(create_only, bench_nothing, create_before, create_after, bench_nothing);
BODY(create_more, join_many, create_before, create_after, bench_nothing);
BODY(unlink_only, bench_nothing, unlink_before, unlink_after, bench_nothing);
BODY(create_unlink, bench_nothing, bench_nothing, bench_nothing_done,
     bench_nothing);
BODY(rename_file, join_one, bench_nothing, bench_nothing_done, leave_one);
BODY(mkdir_rmdir, bench_nothing, bench_nothing, bench_nothing_done,
     bench_nothing);
BODY(read_dir, join_many, bench_nothing, bench_nothing_done, leave_dir);
BODY(read_dir_stat, join_many, bench_nothing, bench_nothing_done, leave_dir);
