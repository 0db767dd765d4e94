/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/model/planted.h"

#include "server/data.h"
#include "server/dir.h"
#include "server/serve.h"

#include <errno.h>
#include <linux/fs.h>
#include <unistd.h>

/* A file that grows shows what was behind its end. */
PLANT(int, bfs_data_truncate,
      (struct bfs_fs * fs, const struct bfs_cred *cred, struct bfs_inode *i,
       uint64_t size))
{
	struct bfs_fdref *d;
	struct stat st = { 0 };
	int err, r;

	if (!planted("truncate") || bfs_data_stat(fs, i, &st))
		return __real_bfs_data_truncate(fs, cred, i, size);
	r = __real_bfs_data_truncate(fs, cred, i, size);
	d = r || size <= (uint64_t)st.st_size ? NULL
					      : bfs_data_get(fs, i, true, &err);
	if (d) {
		if (pwrite(d->fd, "x", 1, st.st_size) != 1)
			r = -EIO;
		bfs_data_put(d);
	}
	return r;
}

static bool renaming;

/* Nobody's ctime changes by rename; or an exchange replaces. */
PLANT(int, bfs_serve_rename,
      (struct bfs_call * c, const struct bfs_rename_req *req,
       struct bfs_rename_rep *rep))
{
	struct bfs_rename_req q = *req;
	int r;

	if (planted("exchange"))
		q.flags &= ~(uint32_t)RENAME_EXCHANGE;
	renaming = planted("ctime");
	r = __real_bfs_serve_rename(c, &q, rep);
	renaming = false;
	return r;
}

PLANT(void, bfs_inode_changed, (const struct bfs_fs *fs, struct bfs_inode *i))
{
	if (!renaming)
		__real_bfs_inode_changed(fs, i);
}

/* Directories do not count the directories in them. */
PLANT(int, bfs_inode_attr,
      (struct bfs_fs * fs, struct bfs_inode *i, struct bfs_attr *a))
{
	int r = __real_bfs_inode_attr(fs, i, a);

	if (!r && S_ISDIR(i->mode) && i->nlink && planted("nlink"))
		a->nlink = 2;
	return r;
}

PLANT(int, bfs_serve_mknod,
      (struct bfs_call * c, const struct bfs_mknod_req *req,
       struct bfs_mknod_rep *rep))
{
	int r = __real_bfs_serve_mknod(c, req, rep);

	return r == -ENOTDIR && planted("errno") ? -EEXIST : r;
}

/* Links and directories are never seen to be read. */
PLANT(void, bfs_inode_accessed, (const struct bfs_fs *fs, struct bfs_inode *i))
{
	if (!planted("atime"))
		__real_bfs_inode_accessed(fs, i);
}
