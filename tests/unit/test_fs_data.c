/* SPDX-License-Identifier: BSD-3-Clause */
/* File content through the daemon, and what limits it. */
#include "tests/unit/fs_unit.h"

#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

static int do_read(struct fs_unit *u, struct bfs_handle h, uint64_t offset,
		   uint32_t size)
{
	struct bfs_read_req req = { h, offset, size, 0 };
	struct bfs_read_rep rep;
	int r = bfs_serve_read(u->c, &req, &rep);

	return r ? r : (int)u->c->in_len;
}

/* What was written, or -errno. */
static int do_write(struct fs_unit *u, struct bfs_handle h, uint64_t offset,
		    const void *data, size_t len, uint32_t flags, uint64_t *end)
{
	struct bfs_write_req req = { h, offset, flags, 0 };
	struct bfs_write_rep rep = { 0 };
	int r;

	u->c->out = data;
	u->c->out_len = len;
	r = bfs_serve_write(u->c, &req, &rep);
	u->c->out_len = 0;
	if (end)
		*end = rep.end;
	return r ? r : (int)rep.written;
}

static int do_fallocate(struct fs_unit *u, struct bfs_handle h, uint32_t mode,
			uint64_t offset, uint64_t size)
{
	struct bfs_fallocate_req req = { h, mode, offset, size, 0 };
	struct bfs_fallocate_rep rep;

	return bfs_serve_fallocate(u->c, &req, &rep);
}

static int do_fsync(struct fs_unit *u, struct bfs_handle h, uint32_t flags)
{
	struct bfs_fsync_req req = { h, flags };
	struct bfs_fsync_rep rep;

	return bfs_serve_fsync(u->c, &req, &rep);
}

static int64_t do_seek(struct fs_unit *u, struct bfs_handle h, uint64_t offset,
		       uint32_t whence)
{
	struct bfs_seek_req req = { h, offset, whence };
	struct bfs_seek_rep rep;
	int r = bfs_serve_seek(u->c, &req, &rep);

	return r ? r : (int64_t)rep.offset;
}

static int do_datafd(struct fs_unit *u, struct bfs_handle at, const char *path,
		     uint32_t what)
{
	struct bfs_datafd_req req = { at, u_str(path), what };
	struct bfs_datafd_rep rep;
	int r = bfs_serve_datafd(u->c, &req, &rep);

	return r ? r : u_take_fd(u);
}

static struct bfs_handle open_file(struct fs_unit *u, const char *path,
				   int flags, unsigned mode)
{
	struct bfs_open_rep rep;

	assert_int_equal(u_open_slot(u, path, flags, mode, 1, &rep), 0);
	return rep.handle;
}

/* Data through the daemon only: as over a transport that passes no fds. */
static int served_setup(void **state)
{
	struct fs_unit *u;
	int r = fs_unit_setup(state);

	u = *state;
	u->fs->conf.pass = false;
	u->live_slots = 2;
	return r;
}

static void test_read_write(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, "f", O_CREAT | O_RDWR, 0644);
	static const char zeros[5];
	uint64_t end;

	assert_int_equal(do_write(u, h, 5, "world", 5, 0, &end), 5);
	assert_int_equal(end, 10);
	assert_int_equal(do_read(u, h, 0, 100), 10); /* a hole is zeros */
	assert_memory_equal(u->in, zeros, 5);
	assert_memory_equal(u->in + 5, "world", 5);
	assert_int_equal(do_read(u, h, 8, 2), 2);
	assert_int_equal(do_read(u, h, 10, 100), 0);
	assert_int_equal(do_read(u, h, 1ull << 40, 100), 0);
	assert_int_equal(do_write(u, h, 0, "hello", 5, O_APPEND, &end), 5);
	assert_int_equal(end, 15);
	assert_int_equal(do_write(u, h, 0, "", 0, 0, &end), 0);
	assert_int_equal(do_write(u, h, 0, "H", 1, O_SYNC, &end), 1);
	assert_int_equal(do_read(u, h, 0, 100), 15);
	assert_memory_equal(u->in, "H\0\0\0\0worldhello", 15);
	assert_int_equal(do_fsync(u, h, 0), 0);
	assert_int_equal(do_fsync(u, h, 1), 0);
	assert_int_equal(do_fsync(u, u->root, 2), 0);
}

static void test_rights(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle rd, wr, dir, path, bad;

	wr = open_file(u, "f", O_CREAT | O_WRONLY, 0644);
	rd = open_file(u, "f", O_RDONLY, 0);
	path = open_file(u, "f", O_PATH, 0);
	dir = open_file(u, "/", O_RDONLY, 0);
	bad = wr;
	bad.mac ^= 1;
	assert_int_equal(do_read(u, wr, 0, 1), -EBADF);
	assert_int_equal(do_read(u, path, 0, 1), -EBADF);
	assert_int_equal(do_read(u, dir, 0, 1), -EISDIR);
	assert_int_equal(do_read(u, bad, 0, 1), -ESTALE);
	assert_int_equal(do_write(u, rd, 0, "x", 1, 0, NULL), -EBADF);
	assert_int_equal(do_write(u, bad, 0, "x", 1, 0, NULL), -ESTALE);
	assert_int_equal(do_fallocate(u, rd, 0, 0, 1), -EBADF);
	assert_int_equal(do_fsync(u, path, 0), -EBADF);
	assert_int_equal(do_fsync(u, dir, 0), 0);
	assert_int_equal(do_seek(u, path, 0, SEEK_HOLE), -EBADF);
	/* Offsets that no file has. */
	assert_int_equal(do_write(u, wr, INT64_MAX, "x", 1, 0, NULL), -EFBIG);
	assert_int_equal(do_write(u, wr, UINT64_MAX, "x", 1, 0, NULL), -EINVAL);
	assert_int_equal(do_read(u, rd, UINT64_MAX, 1), -EINVAL);
	assert_int_equal(do_fallocate(u, wr, 0, UINT64_MAX, 1), -EINVAL);
	assert_int_equal(do_fallocate(u, wr, 0, 0, 0), -EINVAL);
}

static void test_fallocate_seek(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, "f", O_CREAT | O_RDWR, 0644);
	static char block[65536];
	struct bfs_attr a;

	memset(block, 'x', sizeof(block));
	assert_int_equal(do_fallocate(u, h, 0, 0, 4096), 0);
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.size, 4096);
	assert_true(a.blocks >= 8);
	assert_int_equal(do_write(u, h, 1 << 20, block, sizeof(block), 0, NULL),
			 sizeof(block));
	assert_int_equal(
		do_fallocate(u, h, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     0, 1 << 20),
		0);
	assert_int_equal(do_seek(u, h, 0, SEEK_DATA), 1 << 20);
	assert_int_equal(do_seek(u, h, 1 << 20, SEEK_HOLE),
			 (1 << 20) + sizeof(block));
	assert_int_equal(do_seek(u, h, 2 << 20, SEEK_DATA), -ENXIO);
	assert_int_equal(do_seek(u, h, 0, SEEK_SET), -EINVAL);
	assert_int_equal(do_fallocate(u, h, 0x8000, 0, 1), -EOPNOTSUPP);
}

/* Cached descriptors outlive neither unlink nor a crowd of files. */
static void test_many_files(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h[200];
	char name[16] = "";

	for (int n = 0; n < 200; n++) {
		snprintf(name, sizeof(name), "%d", n);
		h[n] = open_file(u, name, O_CREAT | O_RDWR, 0600);
		assert_int_equal(
			do_write(u, h[n], 0, name, sizeof(name), 0, NULL),
			sizeof(name));
		assert_int_equal(u_unlink(u, name), 0);
	}
	for (int n = 0; n < 200; n++) {
		snprintf(name, sizeof(name), "%d", n);
		assert_int_equal(do_read(u, h[n], 0, 100), sizeof(name));
		assert_string_equal((char *)u->in, name);
	}
	u->live_slots = 0;
	assert_false(bfs_fs_sweep(u->fs));
	assert_int_equal(do_read(u, h[0], 0, 100), -ESTALE);
}

/* A write by another than root takes set-id bits away. */
static void test_setid(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle h = open_file(u, "f", O_CREAT | O_RDWR, 0777);
	struct bfs_attr a;

	u_as(u, 1000, 1000);
	for (int n = 0; n < 3; n++) {
		u_as(u, geteuid(), getegid());
		assert_int_equal(u_chmod(u, "f", 06777), 0);
		u_as(u, 1000, 1000);
		if (n == 0)
			assert_int_equal(do_write(u, h, 0, "x", 1, 0, NULL), 1);
		else if (n == 1)
			assert_int_equal(do_fallocate(u, h, 0, 0, 10), 0);
		else
			assert_int_equal(u_truncate(u, "f", 5), 0);
		assert_int_equal(u_stat(u, "f", &a), 0);
		assert_int_equal(a.mode & 07777, 0777);
	}
}

/* With a limit only reading is passed through, and it is never exceeded. */
static void test_limit(void **state)
{
	struct fs_unit *u = *state;
	static char block[65536];
	struct bfs_statfs_req sreq = { .at = u->root };
	struct bfs_statfs_rep sf;
	struct bfs_open_rep rep;
	struct bfs_handle h;
	uint64_t sum = 0;
	int n;

	u->fs->conf.pass = true;
	bfs_fs_set_limit(u->fs, 1 << 20);
	assert_int_equal(u_open_slot(u, "f", O_CREAT | O_RDWR, 0600, 1, &rep),
			 0);
	assert_int_equal(rep.kind, BFS_OPEN_FILE);
	h = rep.handle;
	do {
		n = do_write(u, h, sum, block, sizeof(block), 0, NULL);
		if (n > 0)
			sum += (uint64_t)n;
	} while (n > 0);
	assert_int_equal(n, -ENOSPC);
	assert_true(sum <= 1 << 20);
	assert_true(sum >= (1 << 20) - sizeof(block));
	assert_int_equal(do_write(u, h, 0, block, 4096, 0, NULL), 4096);
	assert_int_equal(do_write(u, h, 0, "x", 1, O_APPEND, NULL), -ENOSPC);
	assert_int_equal(do_fallocate(u, h, 0, 2 << 20, 1 << 20), -ENOSPC);
	assert_int_equal(bfs_serve_statfs(u->c, &sreq, &sf), 0);
	assert_int_equal(sf.blocks * sf.bsize, 1 << 20);
	assert_int_equal(sf.bavail, 0);

	assert_int_equal(u_open_slot(u, "f", O_RDONLY, 0, 1, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_PASS);
	assert_int_equal(do_datafd(u, h, "", BFS_DATAFD_MAP_WRITE), -ENODEV);
	/* What goes is given back: by truncate, by unlink. */
	assert_int_equal(u_truncate(u, "f", 0), 0);
	assert_int_equal(do_write(u, h, 0, block, sizeof(block), 0, NULL),
			 sizeof(block));
	u->live_slots = 0;
	close(u_take_fd(u));
	assert_int_equal(u_unlink(u, "f"), 0);
	bfs_fs_sweep(u->fs);
	assert_int_equal(u->fs->used, 0);
}

static void test_datafd(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle rw, wr;
	int fd;

	rw = open_file(u, "f", O_CREAT | O_RDWR, 0600);
	wr = open_file(u, "f", O_WRONLY, 0);
	assert_int_equal(do_write(u, rw, 0, "#!/bin/sh\n", 10, 0, NULL), 10);
	fd = do_datafd(u, rw, "", BFS_DATAFD_MAP);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	fd = do_datafd(u, rw, "", BFS_DATAFD_MAP_WRITE);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
	assert_int_equal(do_datafd(u, wr, "", BFS_DATAFD_MAP), -EACCES);
	assert_int_equal(do_datafd(u, u->root, "f", BFS_DATAFD_EXEC), -EACCES);
	assert_int_equal(u_chmod(u, "f", 0700), 0);
	/* Not while a description that writes is alive, though not passed. */
	assert_int_equal(do_datafd(u, u->root, "f", BFS_DATAFD_EXEC), -ETXTBSY);
	u->live_slots = 0;
	fd = do_datafd(u, u->root, "f", BFS_DATAFD_EXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	/* Nothing of ours writes to it any more: it can be executed. */
	assert_int_equal(fcntl(fd, F_SETLEASE, F_RDLCK), 0);
	close(fd);
	assert_int_equal(do_datafd(u, u->root, "/", BFS_DATAFD_EXEC), -EACCES);
	assert_int_equal(do_datafd(u, u->root, "f", 77), -EINVAL);
	assert_int_equal(do_datafd(u, u->root, "f", BFS_DATAFD_SOCKET),
			 -ECONNREFUSED);
}

/* Bind and connect go by the directory of sockets and the inode's number. */
static void test_socket(void **state)
{
	struct fs_unit *u = *state;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, a = socket(AF_UNIX, SOCK_STREAM, 0),
		b = socket(AF_UNIX, SOCK_STREAM, 0);
	struct bfs_attr at;

	assert_int_equal(u_mknod(u, "s", S_IFSOCK | 0700, 0), 0);
	assert_int_equal(u_stat(u, "s", &at), 0);
	fd = do_datafd(u, u->root, "s", BFS_DATAFD_SOCKET);
	assert_true(fd >= 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%016lx",
		 fd, at.ino);
	assert_int_equal(bind(a, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(a, 1), 0);
	assert_int_equal(connect(b, (struct sockaddr *)&sa, sizeof(sa)), 0);
	u_as(u, 4242, 4242);
	assert_int_equal(do_datafd(u, u->root, "s", BFS_DATAFD_SOCKET),
			 -EACCES);
	u_as(u, geteuid(), getegid());
	assert_int_equal(u_unlink(u, "s"), 0);
	assert_int_equal(access(sa.sun_path, F_OK), -1);
	close(a);
	close(b);
	close(fd);
}

static void test_fifo(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	char path[64], buf[4];
	int fd, pipe_fd;

	assert_int_equal(u_mknod(u, "p", S_IFIFO | 0644, 0), 0);
	assert_int_equal(u_open(u, "p", O_RDWR, 0, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_SPECIAL);
	fd = u_take_fd(u);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pipe_fd = open(path, O_RDWR);
	assert_true(pipe_fd >= 0);
	assert_int_equal(write(pipe_fd, "abc", 3), 3);
	assert_int_equal(read(pipe_fd, buf, 4), 3);
	close(pipe_fd);
	close(fd);
	u_as(u, 4242, 4242);
	assert_int_equal(u_open(u, "p", O_WRONLY, 0, &rep), -EACCES);
}

/* O_TMPFILE: nameless until link gives a name, if it may. */
static void test_tmpfile(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_link_req req = { .new_at = u->root,
				    .new_path = u_str("named"),
				    .flags = AT_EMPTY_PATH };
	struct bfs_link_rep rep;
	struct bfs_attr a;

	req.old_at = open_file(u, "/", O_TMPFILE | O_RDWR, 0640);
	assert_int_equal(do_write(u, req.old_at, 0, "x", 1, 0, NULL), 1);
	assert_int_equal(u_hstat(u, req.old_at, &a), 0);
	assert_int_equal(a.nlink, 0);
	assert_int_equal(bfs_serve_link(u->c, &req, &rep), 0);
	u->live_slots = 0;
	assert_false(bfs_fs_sweep(u->fs));
	assert_int_equal(u_stat(u, "named", &a), 0);
	assert_int_equal(a.nlink, 1);
	assert_int_equal(a.size, 1);
	u->live_slots = 2;
	req.new_path = u_str("other");
	req.old_at = open_file(u, "/", O_TMPFILE | O_RDWR | O_EXCL, 0640);
	assert_int_equal(bfs_serve_link(u->c, &req, &rep), -ENOENT);
	u->live_slots = 0;
	assert_false(bfs_fs_sweep(u->fs));
	assert_int_equal(u_hstat(u, req.old_at, &a), -ESTALE);
}

#define FS_TEST(t) \
	cmocka_unit_test_setup_teardown(t, served_setup, fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_read_write),     FS_TEST(test_rights),
		FS_TEST(test_fallocate_seek), FS_TEST(test_many_files),
		FS_TEST(test_setid),	      FS_TEST(test_limit),
		FS_TEST(test_datafd),	      FS_TEST(test_socket),
		FS_TEST(test_fifo),	      FS_TEST(test_tmpfile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
