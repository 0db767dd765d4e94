/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/store.h"

#include "core/log.h"
#include "core/sys.h"
#include "core/util.h"
#include "server/sum_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define LOCK_WAIT_NS 5000000000u
#define LOCK BFS_STORE_LOCK
#define META BFS_STORE_META

static int failed(const struct bfs_fs *fs, const char *what)
{
	int err = errno;

	bfs_log(error, "cannot %s data directory %s: %m", what,
		fs->conf.data_dir);
	return -err;
}

/* The name of a new one is on disk before anything in it is promised (D2). */
static int sync_above(const struct bfs_fs *fs)
{
	int fd = openat(fs->top_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		/* Who may not read it cannot sync it. */
		return errno == EACCES ? 0 : failed(fs, "open what is above");
	r = fsync(fd) ? failed(fs, "sync what is above") : 0;
	close(fd);
	return r;
}

static int open_top(struct bfs_fs *fs)
{
	bool made = !mkdir(fs->conf.data_dir, 0700);

	if (!made && errno != EEXIST)
		return failed(fs, "create");
	fs->top_fd =
		open(fs->conf.data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs->top_fd < 0)
		return failed(fs, "open");
	return made && fs->conf.journal ? sync_above(fs) : 0;
}

/* Read a small file whole, terminated.  Its length or -errno. */
static ssize_t read_small(int fd, char *buf, size_t cap)
{
	ssize_t n = pread(fd, buf, cap - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : n;
}

static int in_use(const struct bfs_fs *fs)
{
	char pid[32] = "";

	read_small(fs->lock_fd, pid, sizeof(pid));
	bfs_log(error, "data directory %s is in use by process %.20s",
		fs->conf.data_dir, pid[0] ? pid : "(unknown)");
	return -EBUSY;
}

/* Is the locked file still the one by that name?  Whoever had the directory
 * before us removes it when it goes. */
static bool lock_stands(const struct bfs_fs *fs)
{
	struct stat ours, there;

	return !fstat(fs->lock_fd, &ours) &&
	       !fstatat(fs->top_fd, LOCK, &there, AT_SYMLINK_NOFOLLOW) &&
	       ours.st_ino == there.st_ino;
}

static bool owner_ended(const struct bfs_fs *fs)
{
	char pid[32] = "";
	bool ended;
	int fd;

	if (read_small(fs->lock_fd, pid, sizeof(pid)) <= 0)
		return false;
	fd = pidfd_open(atoi(pid), 0);
	if (fd < 0)
		return errno == ESRCH;
	ended = bfs_sys_poll1(fd, POLLIN, 0) > 0;
	close(fd);
	return ended;
}

/*
 * An OFD lock ends with us, however we end; but for a child that is about to
 * become another program, and has all our descriptors until then.
 */
static int try_lock(struct bfs_fs *fs)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	uint64_t until = bfs_now() + LOCK_WAIT_NS;

	fs->lock_fd = openat(fs->top_fd, LOCK,
			     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fs->lock_fd < 0)
		return failed(fs, "lock");
	while (fcntl(fs->lock_fd, F_OFD_SETLK, &l)) {
		if (errno != EAGAIN && errno != EACCES)
			return failed(fs, "lock");
		if (!owner_ended(fs) || bfs_now() >= until)
			return in_use(fs);
		usleep(5000);
	}
	return 0;
}

static int take_lock(struct bfs_fs *fs)
{
	char pid[32];
	int n = snprintf(pid, sizeof(pid), "%d", getpid());
	int r = try_lock(fs);

	while (!r && !lock_stands(fs)) {
		close(fs->lock_fd);
		r = try_lock(fs);
	}
	if (r)
		return r;
	if (ftruncate(fs->lock_fd, 0) ||
	    pwrite(fs->lock_fd, pid, (size_t)n, 0) != n)
		return failed(fs, "write the lock of");
	return 0;
}

/* A directory in it, of that mode. */
static int open_sub(const struct bfs_fs *fs, const char *name, mode_t mode,
		    int *fd)
{
	if (mkdirat(fs->top_fd, name, mode) && errno != EEXIST)
		return failed(fs, "set up");
	*fd = openat(fs->top_fd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 || fchmod(*fd, mode))
		return failed(fs, "set up");
	return 0;
}

/* For who is to open files in it, and no more. */
static int open_path(struct bfs_fs *fs)
{
	fs->data_path_fd =
		openat(fs->data_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fs->data_path_fd < 0 ? failed(fs, "open") : 0;
}

static int empty(int at, const char *name, int depth);

/* Those of a run that kept sums would be wrong after one that does not. */
static int drop_sums(const struct bfs_fs *fs)
{
	int r = empty(fs->top_fd, BFS_SUM_DIR, 1);

	if (r == -ENOENT)
		return 0;
	bfs_log(warn,
		"data directory %s: storage.checksum is off, so its checksums "
		"go",
		fs->conf.data_dir);
	if (r || unlinkat(fs->top_fd, BFS_SUM_DIR, AT_REMOVEDIR) ||
	    fsync(fs->top_fd)) {
		errno = r ? -r : errno;
		return failed(fs, "remove the checksums of");
	}
	return 0;
}

static int take(struct bfs_fs *fs)
{
	int r = take_lock(fs);

	if (!r)
		r = bfs_store_identify(fs);
	if (!r)
		r = open_sub(fs, "data", 0700, &fs->data_fd);
	if (!r)
		r = open_path(fs);
	/* Clients of other users bind sockets here, through a passed fd. */
	if (!r)
		r = open_sub(fs, "sock", 01777, &fs->sock_fd);
	if (!r)
		r = fs->conf.checksum
			    ? open_sub(fs, BFS_SUM_DIR, 0700, &fs->sums_fd)
			    : drop_sums(fs);
	return r;
}

int bfs_store_open(struct bfs_fs *fs)
{
	int r;

	fs->top_fd = fs->data_fd = fs->sock_fd = fs->lock_fd = -1;
	fs->data_path_fd = fs->sums_fd = -1;
	r = open_top(fs);
	if (!r)
		r = take(fs);
	if (r)
		bfs_store_close(fs);
	return r;
}

/* A start is kept out; several may look. */
static int lock_look(struct bfs_fs *fs, bool write)
{
	struct flock l = { .l_type = write ? F_WRLCK : F_RDLCK,
			   .l_whence = SEEK_SET };

	fs->lock_fd =
		openat(fs->top_fd, LOCK,
		       (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
	if (fs->lock_fd < 0)
		return errno == ENOENT && !write ? 0 : failed(fs, "lock");
	if (!fcntl(fs->lock_fd, F_OFD_SETLK, &l))
		return 0;
	return errno == EAGAIN || errno == EACCES ? in_use(fs)
						  : failed(fs, "lock");
}

static int open_there(const struct bfs_fs *fs, const char *name, int *fd)
{
	*fd = openat(fs->top_fd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *fd < 0 ? failed(fs, "look into") : 0;
}

int bfs_store_look(struct bfs_fs *fs, bool write)
{
	int r;

	fs->top_fd = fs->data_fd = fs->sock_fd = fs->lock_fd = -1;
	fs->data_path_fd = fs->sums_fd = -1;
	fs->top_fd =
		open(fs->conf.data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fs->top_fd < 0 ? failed(fs, "open") : lock_look(fs, write);
	if (!r)
		r = bfs_store_recognize(fs);
	if (!r)
		r = open_there(fs, "data", &fs->data_fd);
	if (!r)
		r = open_there(fs, "sock", &fs->sock_fd);
	if (!r && !faccessat(fs->top_fd, BFS_SUM_DIR, F_OK, 0))
		r = open_there(fs, BFS_SUM_DIR, &fs->sums_fd);
	if (r)
		bfs_store_close(fs);
	return r;
}

void bfs_store_close(struct bfs_fs *fs)
{
	const int fds[] = { fs->data_path_fd, fs->data_fd, fs->sock_fd,
			    fs->sums_fd,      fs->top_fd,  fs->lock_fd };

	for (unsigned n = 0; n < sizeof(fds) / sizeof(fds[0]); n++)
		if (fds[n] >= 0)
			close(fds[n]);
}

/* Remove what is in the directory, one level of directories included. */
static int empty(int at, const char *name, int depth)
{
	int fd = openat(at, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return -errno;
	while (!r && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!unlinkat(fd, e->d_name, 0))
			continue;
		if (depth)
			r = empty(fd, e->d_name, depth - 1);
		if (!r && unlinkat(fd, e->d_name, AT_REMOVEDIR))
			r = -errno;
	}
	closedir(d);
	return r;
}

int bfs_store_wipe(const struct bfs_fs *fs)
{
	int r = empty(fs->data_fd, ".", 1);

	if (!r)
		r = empty(fs->sock_fd, ".", 0);
	if (!r && fs->sums_fd >= 0)
		r = empty(fs->sums_fd, ".", 1);
	if (!r && !faccessat(fs->top_fd, META, F_OK, 0))
		r = empty(fs->top_fd, META, 0);
	if (r) {
		errno = -r;
		return failed(fs, "clear");
	}
	return 0;
}

void bfs_store_remove(const struct bfs_fs *fs)
{
	if (bfs_store_wipe(fs))
		return;
	if (unlinkat(fs->top_fd, META, AT_REMOVEDIR) && errno != ENOENT)
		failed(fs, "empty");
	if (unlinkat(fs->top_fd, BFS_SUM_DIR, AT_REMOVEDIR) && errno != ENOENT)
		failed(fs, "empty");
	/* The lock last: nobody else may come before all is gone. */
	bfs_store_forget(fs);
	if (unlinkat(fs->top_fd, "data", AT_REMOVEDIR) ||
	    unlinkat(fs->top_fd, "sock", AT_REMOVEDIR) ||
	    unlinkat(fs->top_fd, LOCK, 0))
		failed(fs, "empty");
}
