/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/journal_unit.h"

#include "core/log.h"
#include "server/data.h"
#include "server/dir.h"
#include "server/server.h"
#include "server/xattr.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

int journal_unit_setup(void **state)
{
	struct fs_unit *u;

	assert_int_equal(fs_unit_setup(state), 0);
	u = *state;
	bfs_fs_free(u->fs);
	u->conf.journal = true;
	assert_int_equal(fs_unit_restart(u), 0);
	return 0;
}

void u_turn(struct fs_unit *u)
{
	bfs_journal_turn(u->fs->journal);
	assert_int_equal(u->fs->journal->failed, 0);
}

void u_kill(struct fs_unit *u)
{
	u->fs->journal->failed = -EIO; /* nothing more is written */
	bfs_fs_free(u->fs);
	u->fs = NULL;
}

int u_kill_and_start(struct fs_unit *u)
{
	u_kill(u);
	return fs_unit_restart(u);
}

int u_start_fails(struct fs_unit *u, char *log, size_t cap)
{
	struct bfs_fs *fs = NULL;
	int fds[2], r;
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	bfs_log_fd = fds[1];
	r = bfs_fs_new(&fs, &u->conf);
	bfs_log_fd = STDERR_FILENO;
	close(fds[1]);
	n = read(fds[0], log, cap - 1);
	log[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	if (!r)
		u->fs = fs;
	return r;
}

int u_setxattr(struct fs_unit *u, const char *path, const char *name,
	       const char *value)
{
	struct bfs_setxattr_req q = { .at = u->at,
				      .path = u_str(path),
				      .name = u_str(name) };
	struct bfs_setxattr_rep rep;
	int r;

	u->c->out = value;
	u->c->out_len = strlen(value);
	r = bfs_serve_setxattr(u->c, &q, &rep);
	u->c->out_len = 0;
	return r;
}

int u_removexattr(struct fs_unit *u, const char *path, const char *name)
{
	struct bfs_removexattr_req q = { .at = u->at,
					 .path = u_str(path),
					 .name = u_str(name) };
	struct bfs_removexattr_rep rep;

	return bfs_serve_removexattr(u->c, &q, &rep);
}

void u_append(struct fs_unit *u, const char *path, const char *text)
{
	struct bfs_open_rep rep;
	int fd;

	assert_int_equal(
		u_open(u, path, O_CREAT | O_WRONLY | O_APPEND, 0644, &rep), 0);
	fd = u_take_fd(u);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void dump_xattrs(FILE *f, const struct bfs_inode *i)
{
	const struct bfs_xattr *x, *list[64];
	unsigned n = 0;

	LL_FOREACH(bfs_inode_xattrs(i), x)
	list[n++] = x;
	/* their order does not count */
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = a + 1; b < n; b++)
			if (strncmp(list[a]->name, list[b]->name, 255) > 0) {
				x = list[a];
				list[a] = list[b];
				list[b] = x;
			}
	for (unsigned a = 0; a < n; a++)
		fprintf(f, " %.*s=%.*s", list[a]->len, list[a]->name,
			(int)list[a]->size,
			(const char *)bfs_xattr_value(list[a]));
}

static void dump_inode(struct fs_unit *u, FILE *f, struct bfs_inode *i)
{
	struct stat st = { 0 };

	if (S_ISREG(i->mode)) {
		assert_int_equal(bfs_data_stat(u->fs, i, &st), 0);
		i->mtime = st.st_mtim;
	}
	fprintf(f,
		"%" PRIu64 " %o nlink %u owner %u:%u size %ld rdev %" PRIx64
		" mtime %ld.%09ld",
		i->ino, i->mode, i->nlink, i->uid, i->gid, (long)st.st_size,
		bfs_inode_rdev(i), i->mtime.tv_sec, i->mtime.tv_nsec);
	fprintf(f, " layout %x", bfs_layout_pack(i->layout));
	fprintf(f, " btime %ld.%09ld", i->btime.tv_sec, i->btime.tv_nsec);
	if (!S_ISREG(i->mode))
		fprintf(f, " ctime %ld.%09ld", i->ctime.tv_sec,
			i->ctime.tv_nsec);
	if (S_ISLNK(i->mode))
		fprintf(f, " -> %.*s", (int)i->link.len, i->link.target);
	dump_xattrs(f, i);
	fputs("\n", f);
}

static void dump_dir(struct fs_unit *u, FILE *f, struct bfs_inode *dir,
		     const char *path)
{
	uint64_t at = 0;
	struct bfs_dentry *d;

	while ((d = bfs_dir_after(dir, at))) {
		struct bfs_inode *i = bfs_dentry_inode(d);
		char sub[4096];

		at = d->cursor;
		assert_ptr_equal(d->dir, dir);
		snprintf(sub, sizeof(sub), "%s/%.*s", path, d->len, d->name);
		fprintf(f, "%s cursor %" PRIx64 " ", sub, d->cursor);
		dump_inode(u, f, i);
		if (S_ISDIR(i->mode))
			dump_dir(u, f, i, sub);
	}
}

char *u_dump(struct fs_unit *u)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct bfs_inode *i;

	assert_non_null(f);
	fputs("/ ", f);
	dump_inode(u, f, u->fs->root);
	dump_dir(u, f, u->fs->root, "");
	DL_FOREACH(u->fs->orphans, i)
	{
		fputs("orphan ", f);
		dump_inode(u, f, i);
	}
	fclose(f);
	return text;
}

void u_log_path(const char *data, char *path, size_t cap)
{
	char dir[200], newest[256] = "";
	const struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/meta", data);
	d = opendir(dir);
	assert_non_null(d);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, "log.", 4) &&
		    strcmp(e->d_name, newest) > 0)
			snprintf(newest, sizeof(newest), "%s", e->d_name);
	closedir(d);
	assert_true(snprintf(path, cap, "%s/%s", dir, newest) < (int)cap);
}
