/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/data.h"

#include "core/kill.h"
#include "core/log.h"
#include "server/journal.h"
#include "server/null.h"
#include "server/perm.h"
#include "server/quota.h"
#include "server/slice.h"
#include "server/stage.h"
#include "server/stripe.h"
#include "server/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Errors of the caller's making are no news. */
static bool expected(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG ||
	       err == EINVAL || err == EOPNOTSUPP || err == ETXTBSY;
}

/* errno as our answer; a backing file that is not there is damage, and that we
 * have no descriptor left is not the caller's limit. */
static int failed(const char *what, const struct bfs_inode *i)
{
	int err = errno;

	if (expected(err))
		bfs_log(debug, "%s backing file %016lx: %m", what, i->ino);
	else
		bfs_log(error, "cannot %s backing file %016lx: %m", what,
			i->ino);
	return err == ENOENT ? -EIO : err == EMFILE ? -ENFILE : -err;
}

/* Set-id bits that mean the same on the data file. */
static uint32_t mirrored(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	uint32_t bits = 0;

	if (i->uid == fs->euid)
		bits |= S_ISUID;
	if (i->gid == fs->egid)
		bits |= S_ISGID;
	return bits;
}

/* Set-id bits that the data file cannot have as they are. */
static uint32_t not_mirrored(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return i->mode & (S_ISUID | S_ISGID) & ~mirrored(fs, i);
}

bool bfs_data_mirrors(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	/* That one goes or stays by the writer's groups. */
	return i->mode & S_IXGRP || !(not_mirrored(fs, i) & S_ISGID);
}

/*
 * A data file that nobody can execute may have S_ISUID whoever owns it: the
 * kernel takes it at a write, and that tells that the inode's bits are gone.
 */
static bool has_watch(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	return S_ISREG(i->mode) && not_mirrored(fs, i) &&
	       bfs_data_mirrors(fs, i);
}

uint32_t bfs_data_killed(const struct bfs_fs *fs, const struct bfs_inode *i,
			 const struct stat *st)
{
	uint32_t gone =
		bfs_data_mode(fs, i) & (S_ISUID | S_ISGID) & ~st->st_mode;

	if (has_watch(fs, i) && gone & S_ISUID && i->mode & S_IXGRP)
		gone |= S_ISGID;
	return gone & i->mode;
}

uint32_t bfs_data_mode(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	/* A fifo is opened by the client, so the kernel checks its mode. */
	if (S_ISFIFO(i->mode))
		return 0600 | (i->mode & 0066);
	if (has_watch(fs, i))
		return 0600 | S_ISUID |
		       (i->mode & S_IXGRP
				? 0
				: i->mode & S_ISGID & mirrored(fs, i));
	return 0600 | (i->mode & (0111 | mirrored(fs, i)));
}

/* A fifo's owner, where we may: the kernel checks who opens it. */
static void own_fifo(const struct bfs_fs *fs, const struct bfs_inode *i,
		     const char *name)
{
	if (i->uid == fs->euid && i->gid == fs->egid)
		return;
	if (fchownat(fs->data_fd, name, i->uid, i->gid, AT_SYMLINK_NOFOLLOW))
		bfs_log(debug, "chown of fifo %s: %m", name);
}

/* Without a descriptor left, those that are only kept give way. */
static int open_data(struct bfs_fs *fs, const char *name, int flags,
		     mode_t mode)
{
	int fd = openat(fs->data_fd, name, flags | O_CLOEXEC, mode);

	if (fd < 0 && errno == EMFILE && bfs_data_shed(fs))
		fd = openat(fs->data_fd, name, flags | O_CLOEXEC, mode);
	return fd;
}

static int make(struct bfs_fs *fs, const struct bfs_inode *i, const char *name,
		int flags)
{
	if (S_ISFIFO(i->mode))
		return mkfifoat(fs->data_fd, name, bfs_data_mode(fs, i));
	if (flags == BFS_DATA_NO_FD)
		return mknodat(fs->data_fd, name,
			       S_IFREG | bfs_data_mode(fs, i), 0);
	return open_data(fs, name, flags | O_CREAT | O_EXCL,
			 bfs_data_mode(fs, i));
}

/* The umask took what is not the owner's. */
static int widen(const struct bfs_fs *fs, const struct bfs_inode *i,
		 const char *name)
{
	uint32_t mode = bfs_data_mode(fs, i);

	if (mode != 0600 && fchmodat(fs->data_fd, name, mode, 0))
		return failed("chmod", i);
	if (S_ISFIFO(i->mode))
		own_fifo(fs, i, name);
	return 0;
}

/* The 256 directories are made as they are needed. */
static int make_dir(const struct bfs_fs *fs, const char *name)
{
	const char dir[] = { name[0], name[1], '\0' };

	return mkdirat(fs->data_fd, dir, 0700) && errno != EEXIST ? -1 : 0;
}

static int make_new(struct bfs_fs *fs, const struct bfs_inode *i,
		    const char *name, int flags)
{
	int r = make(fs, i, name, flags);

	if (r < 0 && errno == ENOENT && !make_dir(fs, name))
		r = make(fs, i, name, flags);
	if (r < 0 && errno == ENOSPC && bfs_removals_now(fs->journal))
		r = make(fs, i, name, flags);
	if (r < 0)
		return failed("create", i);
	BFS_KILL_POINT(data_made);
	bfs_sums_remove(fs, i->ino); /* of what had its number and was lost */
	fs->dir_changed[i->ino & 0xff]++;
	return r;
}

int bfs_data_prepare(struct bfs_fs *fs, uint64_t ino)
{
	BFS_STAGE_SCOPE(storage);
	const struct bfs_inode i = { .ino = ino, .mode = S_IFREG };
	char name[BFS_DATA_NAME_LEN];

	bfs_data_name(name, ino);
	return make_new(fs, &i, name, BFS_DATA_NO_FD);
}

/* It is there, as the umask left it. */
static int use_spare(struct bfs_fs *fs, const struct bfs_inode *i,
		     const char *name, int flags)
{
	static const struct timespec now[] = { { .tv_nsec = UTIME_NOW },
					       { .tv_nsec = UTIME_NOW } };
	int fd;

	if (bfs_spare_is_old(fs) &&
	    utimensat(fs->data_fd, name, now, AT_SYMLINK_NOFOLLOW))
		return failed("set times of", i);
	if (flags == BFS_DATA_NO_FD)
		return 0;
	fd = open_data(fs, name, flags, 0);
	return fd < 0 ? failed("open", i) : fd;
}

int bfs_data_create(struct bfs_fs *fs, struct bfs_inode *i, int flags)
{
	BFS_STAGE_SCOPE(storage);
	char name[BFS_DATA_NAME_LEN];
	int r, w;

	if (bfs_null_on(fs) && S_ISREG(i->mode)) {
		i->calm = true;
		return flags == BFS_DATA_NO_FD ? 0 : bfs_null_open(fs, i, 0);
	}
	bfs_data_name(name, i->ino);
	r = i->spare ? use_spare(fs, i, name, flags)
		     : make_new(fs, i, name, flags);
	if (r < 0)
		return r;
	i->spare = false;
	i->backed = true;
	w = widen(fs, i, name);
	if (!w)
		return r;
	if (S_ISREG(i->mode) && flags != BFS_DATA_NO_FD)
		close(r);
	return w;
}

bool bfs_data_dir_changed(const struct bfs_fs *fs, unsigned hex, uint64_t *at)
{
	*at = fs->dir_changed[hex];
	return *at != fs->dir_synced[hex];
}

void bfs_data_dir_synced(struct bfs_fs *fs, unsigned hex, uint64_t at)
{
	fs->dir_synced[hex] = at;
}

static int open_file(struct bfs_fs *fs, const struct bfs_inode *i, int flags)
{
	char name[BFS_DATA_NAME_LEN];
	int fd;

	bfs_data_name(name, i->ino);
	/* Nothing that F_GETFL would show: the directory is ours alone. */
	fd = open_data(fs, name, flags, 0);
	return fd < 0 ? failed("open", i) : fd;
}

int bfs_data_open(struct bfs_fs *fs, struct bfs_inode *i, int flags)
{
	BFS_STAGE_SCOPE(storage);

	if (bfs_null_on(fs))
		return bfs_null_open(fs, i, flags);
	bfs_slice_settle(fs, i->ino);
	i->calm = false;
	i->file.tries = 0;
	return open_file(fs, i, flags);
}

int bfs_data_look(struct bfs_fs *fs, const struct bfs_inode *i)
{
	BFS_STAGE_SCOPE(storage);
	return open_file(fs, i, O_RDONLY);
}

int bfs_data_open_path(struct bfs_fs *fs, const struct bfs_inode *i)
{
	return open_file(fs, i, O_PATH);
}

void bfs_data_remove_file(struct bfs_fs *fs, uint64_t ino, bool sock)
{
	BFS_STAGE_SCOPE(storage);
	char name[BFS_DATA_NAME_LEN];

	bfs_data_name(name, ino);
	bfs_stripe_removed(fs, ino);
	if (!sock)
		bfs_sums_remove(fs, ino);
	if (!(sock ? unlinkat(fs->sock_fd, name + 3, 0)
		   : unlinkat(fs->data_fd, name, 0))) {
		BFS_KILL_POINT(data_removed);
		return;
	}
	/* A socket is there only once somebody has bound it. */
	if (!sock || errno != ENOENT)
		bfs_log(error, "cannot remove backing file %016lx: %m", ino);
}

void bfs_data_remove(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (!i->backed)
		return;
	i->backed = false;
	if (fs->journal && i->logged)
		bfs_journal_remove(fs->journal, i->ino, S_ISSOCK(i->mode));
	else
		bfs_data_remove_file(fs, i->ino, S_ISSOCK(i->mode));
	if (S_ISREG(i->mode)) {
		uint64_t was = i->file.blocks;

		fs->used -= was;
		i->file.blocks = 0;
		bfs_quota_moved(fs, i, was);
	}
}

int bfs_data_stat(const struct bfs_fs *fs, const struct bfs_inode *i,
		  struct stat *st)
{
	BFS_STAGE_SCOPE(storage);
	char name[BFS_DATA_NAME_LEN];

	if (bfs_null_on(fs) && S_ISREG(i->mode)) {
		bfs_null_stat(i, st);
		return 0;
	}
	bfs_slice_settle(fs, i->ino);
	bfs_data_name(name, i->ino);
	if (fstatat(fs->data_fd, name, st, AT_SYMLINK_NOFOLLOW))
		return failed("stat", i);
	return 0;
}

int bfs_data_chmod(const struct bfs_fs *fs, struct bfs_inode *i)
{
	BFS_STAGE_SCOPE(storage);
	char name[BFS_DATA_NAME_LEN];

	if (!S_ISREG(i->mode) && !S_ISFIFO(i->mode))
		return 0;
	if (S_ISREG(i->mode) && bfs_null_on(fs))
		return 0;
	bfs_slice_settle(fs, i->ino);
	i->calm = false;
	bfs_data_name(name, i->ino);
	if (fchmodat(fs->data_fd, name, bfs_data_mode(fs, i), 0))
		return failed("chmod", i);
	if (S_ISFIFO(i->mode))
		own_fifo(fs, i, name);
	return 0;
}

void bfs_data_touch(struct bfs_fs *fs, struct bfs_inode *i)
{
	BFS_STAGE_SCOPE(storage);
	struct bfs_attr a;

	/* What a write took must not come back. */
	if (bfs_data_mode(fs, i) & (S_ISUID | S_ISGID) &&
	    bfs_inode_attr(fs, i, &a))
		return;
	bfs_data_chmod(fs, i);
}

int bfs_data_utimens(const struct bfs_fs *fs, struct bfs_inode *i,
		     const struct timespec times[2])
{
	BFS_STAGE_SCOPE(storage);
	char name[BFS_DATA_NAME_LEN];

	bfs_slice_settle(fs, i->ino);
	i->calm = false;
	bfs_data_name(name, i->ino);
	if (utimensat(fs->data_fd, name, times, AT_SYMLINK_NOFOLLOW))
		return failed("set times of", i);
	return 0;
}

int bfs_data_kill_setid(struct bfs_fs *fs, struct bfs_inode *i, uint32_t kill)
{
	if (!(i->mode & kill))
		return 0;
	i->mode &= ~kill;
	bfs_inode_changed(fs, i);
	return bfs_data_chmod(fs, i);
}

bool bfs_data_over_room(uint64_t at, uint64_t to, uint64_t room)
{
	return room && to > at && to > room - 1;
}

static int cut(struct bfs_fs *fs, const struct bfs_inode *i, int fd,
	       uint64_t size)
{
	BFS_STAGE_SCOPE(storage);

	return bfs_sums_truncate(fs, i->ino, fd, size);
}

/* Not by the cached descriptor: who has been truncated may be executed next,
 * which an open writer of ours would forbid. */
static int cut_file(struct bfs_fs *fs, struct bfs_inode *i, uint64_t size)
{
	int fd = bfs_data_open(fs, i, bfs_sums_on(fs) ? O_RDWR : O_WRONLY), r;

	if (fd < 0)
		return fd;
	r = cut(fs, i, fd, size);
	if (r) {
		errno = -r;
		r = failed("truncate", i);
	}
	BFS_KILL_POINT(data_cut);
	bfs_space_account(fs, i, fd);
	close(fd);
	return r;
}

int bfs_data_truncate(struct bfs_fs *fs, const struct bfs_cred *cred,
		      struct bfs_inode *i, uint64_t size)
{
	int r = 0;

	if (bfs_null_on(fs))
		bfs_null_resize(fs, i, size);
	else
		r = cut_file(fs, i, size);
	return r ? r
		 : bfs_data_kill_setid(fs, i, bfs_perm_write_kills(cred, i));
}

int bfs_data_inode(const struct bfs_call *c, struct bfs_handle h,
		   uint32_t rights, struct bfs_inode **i)
{
	*i = bfs_inode_of(bfs_call_fs(c), h);
	if (!*i)
		return -ESTALE;
	if (h.rights & BFS_RIGHT_PATH || (rights & ~h.rights))
		return -EBADF;
	if (S_ISDIR((*i)->mode))
		return -EISDIR;
	return S_ISREG((*i)->mode) ? 0 : -EINVAL;
}
