/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sequences/seq_unit.h"

#include "server/dir.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void top_path(const char *path, char buf[64])
{
	snprintf(buf, 64, "/%s", path[0] == '.' ? "" : path);
}

static int write_at(struct fs_unit *u, const char *path, unsigned n,
		    bool append)
{
	size_t len = append ? SEQ_APPEND_LEN : SEQ_WRITE_LEN;
	struct bfs_write_req q = { .offset = SEQ_WRITE_AT };
	struct bfs_open_rep rep;
	char buf[SEQ_BYTES];
	int fd, r = u_open(u, path, O_WRONLY | (append ? O_APPEND : 0), 0,
			   &rep);

	if (r)
		return r;
	seq_bytes(n, len, buf);
	fd = u_take_fd(u);
	if (fd >= 0) { /* the client has the data file */
		ssize_t done = append ? write(fd, buf, len)
				      : pwrite(fd, buf, len, SEQ_WRITE_AT);

		close(fd);
		return done == (ssize_t)len ? 0 : -EIO;
	}
	q.handle = rep.handle;
	q.flags = append ? O_APPEND : 0;
	u->c->out = buf;
	u->c->out_len = len;
	r = bfs_serve_write(u->c, &q, &(struct bfs_write_rep){ 0 });
	u->c->out_len = 0;
	return r;
}

static int sync_path(struct fs_unit *u, const char *path)
{
	struct bfs_fsync_rep rep;
	struct bfs_open_rep o;
	int r = u_open(u, path, O_RDONLY, 0, &o);

	if (r)
		return r;
	if (u->c->pass_fd >= 0)
		close(u_take_fd(u));
	u->server->journal = u->fs->journal;
	r = bfs_serve_fsync(u->c, &(struct bfs_fsync_req){ .handle = o.handle },
			    &rep);
	u->server->journal = NULL;
	return r;
}

static int one_call(struct fs_unit *u, const struct seq_call *c, unsigned n)
{
	char a[64], b[64];
	int r;

	top_path(seq_path[c->a], a);
	top_path(seq_path[c->b], b);
	switch (c->kind) {
	case SEQ_create:
		r = u_open(u, a, O_CREAT | O_WRONLY, 0644, NULL);
		if (u->c->pass_fd >= 0)
			close(u_take_fd(u));
		return r;
	case SEQ_write:
		return write_at(u, a, n, false);
	case SEQ_append:
		return write_at(u, a, n, true);
	case SEQ_rename:
		return u_rename(u, a, b, 0);
	case SEQ_link:
		return u_link(u, a, b, 0);
	case SEQ_unlink:
		return u_unlink(u, a);
	case SEQ_mkdir:
		return u_mkdir(u, a, 0755);
	case SEQ_rmdir:
		return u_rmdir(u, a);
	case SEQ_truncate:
		return u_truncate(u, a, SEQ_TRUNCATE_TO);
	default:
		return sync_path(u, a);
	}
}

/* A call is a turn of the loop: then it is answered. */
static int unit_call(void *arg, const struct seq_call *c, unsigned n)
{
	int r = one_call(arg, c, n);

	u_turn(arg);
	return r;
}

static unsigned entries(struct fs_unit *u, uint64_t ino)
{
	const struct bfs_inode *i = bfs_inode_find(u->fs, ino);
	const struct bfs_dentry *d;
	unsigned n = 0;

	assert_non_null(i);
	for (uint64_t at = 0; (d = bfs_dir_after(i, at)); at = d->cursor)
		n++;
	return n;
}

static uint64_t ino_named(struct fs_unit *u, const char *path)
{
	const struct bfs_inode *dir = u->fs->root;
	const struct bfs_dentry *d;

	for (;;) {
		size_t n = strcspn(path, "/");

		d = bfs_dir_find(u->fs, dir,
				 (struct bfs_str){ path, (uint32_t)n });
		assert_non_null(d);
		if (!path[n])
			return bfs_dentry_ino(d);
		dir = bfs_dentry_inode(d);
		path += n + 1;
	}
}

static char unit_look(void *arg, const char *path, uint64_t *ino,
		      unsigned *links, unsigned *size)
{
	struct fs_unit *u = arg;
	struct bfs_attr a;
	char p[64];
	int r;

	top_path(path, p);
	r = u_lstat(u, p, &a);
	if (r == -EIO) { /* its data file is not there */
		*ino = ino_named(u, path);
		return '?';
	}
	if (r) {
		assert_true(r == -ENOENT || r == -ENOTDIR);
		return 0;
	}
	*ino = a.ino;
	*links = a.nlink;
	*size = S_ISDIR(a.mode) ? entries(u, a.ino) : (unsigned)a.size;
	return S_ISDIR(a.mode) ? 'd' : S_ISREG(a.mode) ? 'f' : '?';
}

static bool unit_bytes(void *arg, const char *path, unsigned size, char *buf)
{
	struct fs_unit *u = arg;
	struct bfs_open_rep rep;
	char p[64];
	ssize_t n;
	int fd;

	top_path(path, p);
	if (u_open(u, p, O_RDONLY, 0, &rep))
		return false;
	fd = u_take_fd(u);
	if (fd >= 0) {
		n = pread(fd, buf, SEQ_BYTES, 0);
		close(fd);
		return n == (ssize_t)size;
	}
	if (bfs_serve_read(u->c,
			   &(struct bfs_read_req){ .handle = rep.handle,
						   .size = SEQ_BYTES },
			   &(struct bfs_read_rep){}))
		return false;
	memcpy(buf, u->in, u->c->in_len);
	return u->c->in_len == size;
}

struct seq_fs seq_unit(struct fs_unit *u)
{
	return (struct seq_fs){ unit_call, unit_look, unit_bytes, u };
}
