/* SPDX-License-Identifier: BSD-3-Clause */
/* Cached descriptors of data files. */
#include "server/data.h"
#include "server/null.h"
#include "server/slice.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <utlist.h>

#define FDS_MAX 128

static void drop(struct bfs_fs *fs, struct bfs_fdref *d)
{
	DL_DELETE(fs->fds, d);
	fs->nfds--;
	d->inode->file.fd = NULL;
	d->inode = NULL;
	bfs_data_put(d);
}

void bfs_data_put(struct bfs_fdref *d)
{
	if (--d->refs)
		return;
	close(d->fd);
	free(d);
}

void bfs_data_uncache(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (i->file.fd)
		drop(fs, i->file.fd);
}

bool bfs_data_shed(struct bfs_fs *fs)
{
	struct bfs_fdref *d, *next;
	bool any = false;

	DL_FOREACH_SAFE(fs->fds, d, next)
	if (d->refs == 1) {
		drop(fs, d);
		any = true;
	}
	return any;
}

static struct bfs_fdref *cache(struct bfs_fs *fs, struct bfs_inode *i, int fd,
			       bool write)
{
	struct bfs_fdref *d = malloc(sizeof(*d));

	if (!d)
		return NULL;
	*d = (struct bfs_fdref){
		.fd = fd, .write = write, .refs = 1, .inode = i
	};
	DL_APPEND(fs->fds, d);
	i->file.fd = d;
	if (++fs->nfds > FDS_MAX)
		drop(fs, fs->fds);
	return d;
}

static struct bfs_fdref *open_anew(struct bfs_fs *fs, struct bfs_inode *i,
				   bool write, int *err)
{
	int fd = bfs_data_open(fs, i, write ? O_RDWR : O_RDONLY);
	struct bfs_fdref *d;

	if (fd < 0) {
		*err = fd;
		return NULL;
	}
	bfs_data_uncache(fs, i);
	d = cache(fs, i, fd, write);
	if (!d) {
		close(fd);
		*err = -ENOMEM;
	}
	return d;
}

struct bfs_fdref *bfs_data_get(struct bfs_fs *fs, struct bfs_inode *i,
			       bool write, int *err)
{
	struct bfs_fdref *d;

	bfs_slice_settle(fs, i->ino);
	d = i->file.fd;
	if (!bfs_null_on(fs))
		i->calm = false;
	i->file.tries = 0;
	if (!d || (write && !d->write))
		d = open_anew(fs, i, write, err);
	if (!d)
		return NULL;
	if (fs->fds->prev != d) {
		DL_DELETE(fs->fds, d);
		DL_APPEND(fs->fds, d);
	}
	d->refs++;
	return d;
}
