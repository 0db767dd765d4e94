/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/null.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/data.h"
#include "server/perm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int bfs_null_start(struct bfs_fs *fs)
{
	fs->null_fd = memfd_create("benchfs-null", MFD_CLOEXEC);
	return fs->null_fd < 0 ? -errno : 0;
}

int bfs_null_open(struct bfs_fs *fs, struct bfs_inode *i, int flags)
{
	int fd = fcntl(fs->null_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (flags & O_TRUNC)
		bfs_null_resize(fs, i, 0);
	return fd;
}

void bfs_null_stat(const struct bfs_inode *i, struct stat *st)
{
	*st = (struct stat){ .st_mode = i->mode,
			     .st_size = (off_t)i->file.size,
			     .st_atim = i->atime,
			     .st_mtim = i->mtime,
			     .st_ctim = i->ctime };
}

void bfs_null_resize(struct bfs_fs *fs, struct bfs_inode *i, uint64_t size)
{
	i->file.size = size;
	bfs_inode_modified(fs, i);
}

int bfs_null_read(struct bfs_call *c, struct bfs_inode *i,
		  const struct bfs_read_req *req, size_t size)
{
	if (req->offset < i->file.size)
		c->in_len = BFS_MIN(size, i->file.size - req->offset);
	memset(c->in, 0, c->in_len);
	if (!(req->flags & O_NOATIME))
		bfs_inode_accessed(bfs_call_fs(c), i);
	bfs_stat_add(bytes_read, c->in_len);
	return 0;
}

int bfs_null_write(struct bfs_call *c, struct bfs_inode *i,
		   const struct bfs_write_req *req, struct bfs_write_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	uint64_t at = req->flags & O_APPEND ? i->file.size : req->offset;
	uint64_t len = c->out_len;

	/* as much as RLIMIT_FSIZE allows */
	if (req->room)
		len = at >= req->room - 1 ? 0
					  : BFS_MIN(len, req->room - 1 - at);
	if (c->out_len && !len)
		return -EFBIG;
	rep->written = (uint32_t)len;
	rep->end = at + len;
	if (!len)
		return 0;
	bfs_null_resize(fs, i, BFS_MAX(i->file.size, rep->end));
	bfs_stat_add(bytes_written, len);
	return bfs_data_kill_setid(fs, i, bfs_perm_write_kills(c->cred, i));
}

int bfs_null_seek(const struct bfs_inode *i, const struct bfs_seek_req *req,
		  uint64_t *offset)
{
	if (req->offset >= i->file.size)
		return -ENXIO;
	*offset = req->whence == SEEK_DATA ? req->offset : i->file.size;
	return 0;
}
