/* SPDX-License-Identifier: BSD-3-Clause */
/* Cached descriptors of data files, and the account of their space. */
#include "server/data.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <utlist.h>

#define FDS_MAX 128
#define BLOCK 512u

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
	struct bfs_fdref *d = i->file.fd;

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

/* Is every block below end allocated?  Then writing there takes no space. */
static bool solid(const struct stat *st, uint64_t end)
{
	return end <= (uint64_t)st->st_size &&
	       (uint64_t)st->st_blocks * BLOCK >= (uint64_t)st->st_size;
}

uint64_t bfs_space_room(struct bfs_fs *fs, struct bfs_inode *i, int fd,
			uint64_t offset, uint64_t len)
{
	uint64_t max = fs->conf.max_bytes,
		 used = (fs->used + fs->chunk_blocks) * BLOCK;
	uint64_t left = used < max ? max - used : 0;
	struct stat st;

	if (!max || len <= left)
		return len;
	if (!fstat(fd, &st) && solid(&st, offset + len))
		return len;
	return left;
}

void bfs_space_take_over(struct bfs_fs *fs, struct bfs_inode *i,
			 const struct stat *st)
{
	fs->used += (uint64_t)st->st_blocks - i->file.blocks;
	i->file.blocks = (uint64_t)st->st_blocks;
}

void bfs_space_account(struct bfs_fs *fs, struct bfs_inode *i, int fd)
{
	struct stat st;

	if (!fs->conf.max_bytes)
		return;
	if (fstat(fd, &st))
		bfs_log(error, "cannot stat data file %016lx: %m", i->ino);
	else
		bfs_space_take_over(fs, i, &st);
}
