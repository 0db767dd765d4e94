/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The backing files of inodes, data/<2 hex>/<16 hex ino> below the data
 * directory: data files of regular files, and real fifos.  Errors are logged
 * here, callers do not.  Owner thread only.
 */
#ifndef BFS_DATA_H
#define BFS_DATA_H

#include "core/datafile.h"
#include "server/inode.h"

/*
 * The mode of the backing file: its owner's rw, so that only passed
 * descriptors open it, x as the inode's so that exec works, and set-id bits
 * so that the kernel clears them on a write (RULES 9, 12).  Where the file's
 * owner is not the inode's, exec would give the daemon's identity: there it
 * has no x, and S_ISUID stands for all of them.
 */
uint32_t bfs_data_mode(const struct bfs_fs *fs, const struct bfs_inode *i);
/* Do the set-id bits of the inode go as they should when it is written
 * past us? */
bool bfs_data_mirrors(const struct bfs_fs *fs, const struct bfs_inode *i);

/* Those that have gone so, as st of the data file tells. */
uint32_t bfs_data_killed(const struct bfs_fs *fs, const struct bfs_inode *i,
			 const struct stat *st);

/* Make the backing file; of a regular file an fd opened with flags is
 * returned, unless they are BFS_DATA_NO_FD, else 0.  -errno. */
#define BFS_DATA_NO_FD (-1)
int bfs_data_create(struct bfs_fs *fs, struct bfs_inode *i, int flags);
/* The data file of a regular file that is to come.  0 or -errno. */
int bfs_data_prepare(struct bfs_fs *fs, uint64_t ino);
/*
 * Directories of data files, by the last two digits of the number: has that one
 * got names since it was last synced?  Then at is what to say when it has been.
 */
bool bfs_data_dir_changed(const struct bfs_fs *fs, unsigned hex, uint64_t *at);
void bfs_data_dir_synced(struct bfs_fs *fs, unsigned hex, uint64_t at);
/* A new open of the data file, which is calm no more.  The fd or -errno. */
int bfs_data_open(struct bfs_fs *fs, struct bfs_inode *i, int flags);
/* For a look at its locks and leases. */
int bfs_data_look(struct bfs_fs *fs, const struct bfs_inode *i);
/* An O_PATH fd of a fifo.  The fd or -errno. */
int bfs_data_open_path(struct bfs_fs *fs, const struct bfs_inode *i);
/* Remove what is on disk for the inode. */
void bfs_data_remove(struct bfs_fs *fs, struct bfs_inode *i);
/* The same, by number and now. */
void bfs_data_remove_file(struct bfs_fs *fs, uint64_t ino, bool sock);

int bfs_data_stat(const struct bfs_fs *fs, const struct bfs_inode *i,
		  struct stat *st);
/* Carry the inode's mode (and a fifo's owner) over to the backing file. */
int bfs_data_chmod(const struct bfs_fs *fs, struct bfs_inode *i);
/* The ctime of the data file is now: relatime compares with that. */
void bfs_data_touch(struct bfs_fs *fs, struct bfs_inode *i);
/* times as utimensat takes them. */
int bfs_data_utimens(const struct bfs_fs *fs, struct bfs_inode *i,
		     const struct timespec times[2]);

/* 0 or -errno: the handle's inode, if it is a regular file that was opened
 * with those rights. */
int bfs_data_inode(const struct bfs_call *c, struct bfs_handle h,
		   uint32_t rights, struct bfs_inode **i);

/* A cached descriptor: valid until bfs_data_put, whatever happens. */
struct bfs_fdref {
	int fd;
	bool write; /* O_RDWR, else O_RDONLY */
	unsigned refs;
	struct bfs_inode *inode;       /* that caches it; NULL: not any more */
	struct bfs_fdref *prev, *next; /* in fs->fds */
};
/* NULL and *err = -errno.  A reference for the caller. */
struct bfs_fdref *bfs_data_get(struct bfs_fs *fs, struct bfs_inode *i,
			       bool write, int *err);
void bfs_data_put(struct bfs_fdref *d);
/* Close those that nobody uses; false: there is none. */
bool bfs_data_shed(struct bfs_fs *fs);
/* Forget the inode's cached descriptor: nothing of ours holds it open. */
void bfs_data_uncache(struct bfs_fs *fs, struct bfs_inode *i);

/* Set the size, on behalf of cred (whose truncate takes set-id bits). */
/* Is to beyond room (as in SETATTR), and growth from size at? */
bool bfs_data_over_room(uint64_t at, uint64_t to, uint64_t room);
int bfs_data_truncate(struct bfs_fs *fs, const struct bfs_cred *cred,
		      struct bfs_inode *i, uint64_t size);
/* The set-id bits in kill go, as after a write.  0 or -errno. */
int bfs_data_kill_setid(struct bfs_fs *fs, struct bfs_inode *i, uint32_t kill);

/*
 * Space (space.c), if there is a limit on it.  room: how many of len bytes may
 * be written at offset, 0 for none, and what to answer where it is not all of
 * them (-ENOSPC, -EDQUOT); i NULL: another shard's.  account, take_over: the
 * file uses what it says now.
 */
static inline bool bfs_space_limited(const struct bfs_fs *fs)
{
	return fs->conf.max_bytes || fs->conf.quota.bytes ||
	       fs->conf.quota.user_bytes;
}
/* What is there is counted. */
void bfs_space_begin(struct bfs_fs *fs);
uint64_t bfs_space_room(struct bfs_fs *fs, struct bfs_inode *i, int fd,
			uint64_t offset, uint64_t len, int *err);
void bfs_space_account(struct bfs_fs *fs, struct bfs_inode *i, int fd);
void bfs_space_take_over(struct bfs_fs *fs, struct bfs_inode *i,
			 const struct stat *st);

#endif
