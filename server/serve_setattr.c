/* SPDX-License-Identifier: BSD-3-Clause */
/* chmod, chown, truncate, utimensat. */
#include "server/data.h"
#include "server/fiber.h"
#include "server/hold.h"
#include "server/mappers.h"
#include "server/null.h"
#include "server/perm.h"
#include "server/quota.h"
#include "server/shared.h"
#include "server/stripe.h"
#include "server/walk.h"

#include <errno.h>
#include <fcntl.h>

#define TIMES \
	(BFS_SET_ATIME | BFS_SET_MTIME | BFS_SET_ATIME_NOW | BFS_SET_MTIME_NOW)
#define ALL_SET (BFS_SET_MODE | BFS_SET_OWNER | BFS_SET_SIZE | TIMES)
#define KEEP 0xffffffffu /* uid, gid: unchanged */

static int check_mode(const struct bfs_call *c, const struct bfs_inode *i)
{
	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	return bfs_perm_owner(c->cred, i) ? 0 : -EPERM;
}

/* Only root gives files away; owners choose among their own groups. */
static int check_owner(const struct bfs_call *c, const struct bfs_inode *i,
		       const struct bfs_setattr_req *req)
{
	bool owner = c->cred->uid == i->uid;

	if (!c->cred->uid)
		return 0;
	/* Whoever chowns to nobody else takes set-id bits all the same, and
	 * that is a change of the mode. */
	if (!owner && bfs_perm_chown_kills(c->cred, i))
		return -EPERM;
	if (req->uid != KEEP && (!owner || req->uid != i->uid))
		return -EPERM;
	if (req->gid != KEEP &&
	    (!owner ||
	     (req->gid != i->gid && !bfs_perm_in_group(c->cred, req->gid))))
		return -EPERM;
	return 0;
}

/* truncate(2) asks for permission now, ftruncate(2) did at open. */
static int check_size(const struct bfs_call *c, const struct bfs_inode *i,
		      const struct bfs_setattr_req *req)
{
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) || req->size > INT64_MAX)
		return -EINVAL;
	if (!req->path.len && !(req->flags & AT_EMPTY_PATH) &&
	    !(req->at.rights & BFS_RIGHT_NAMED))
		return req->at.rights & BFS_RIGHT_WRITE ? 0 : -EINVAL;
	return bfs_perm_check(c->cred, i, BFS_MAY_WRITE);
}

static bool bad_time(struct bfs_time t)
{
	return t.nsec > 999999999;
}

/* Both times "now" is what a writer may do, all else is the owner's. */
static int check_times(const struct bfs_call *c, const struct bfs_inode *i,
		       const struct bfs_setattr_req *req)
{
	const uint32_t now = BFS_SET_ATIME_NOW | BFS_SET_MTIME_NOW;

	if ((req->valid & BFS_SET_ATIME && bad_time(req->atime)) ||
	    (req->valid & BFS_SET_MTIME && bad_time(req->mtime)))
		return -EINVAL;
	if (bfs_perm_owner(c->cred, i))
		return 0;
	if ((req->valid & TIMES) == now)
		return bfs_perm_check(c->cred, i, BFS_MAY_WRITE);
	return -EPERM;
}

static int check_setattr(const struct bfs_call *c, const struct bfs_inode *i,
			 const struct bfs_setattr_req *req)
{
	int r = 0;

	if (req->valid & ~ALL_SET)
		return -EINVAL;
	if (req->valid & BFS_SET_MODE)
		r = check_mode(c, i);
	if (!r && req->valid & BFS_SET_OWNER)
		r = check_owner(c, i, req);
	if (!r && req->valid & BFS_SET_SIZE)
		r = check_size(c, i, req);
	if (!r && req->valid & TIMES)
		r = check_times(c, i, req);
	return r;
}

/* Mode and owner, here and on the backing file; all or nothing. */
static int set_identity(struct bfs_call *c, struct bfs_inode *i, uint32_t mode,
			uint32_t uid, uint32_t gid)
{
	const uint32_t was[] = { i->mode, i->uid, i->gid };
	int r;

	bfs_quota_went(bfs_call_fs(c), i);
	i->mode = mode;
	i->uid = uid;
	i->gid = gid;
	bfs_quota_came(bfs_call_fs(c), i);
	r = bfs_data_chmod(bfs_call_fs(c), i);
	if (!r) {
		bfs_inode_changed(bfs_call_fs(c), i);
		return 0;
	}
	bfs_quota_went(bfs_call_fs(c), i);
	i->mode = was[0];
	i->uid = was[1];
	i->gid = was[2];
	bfs_quota_came(bfs_call_fs(c), i);
	return r;
}

static int set_mode(struct bfs_call *c, struct bfs_inode *i, uint32_t mode)
{
	if (c->cred->uid && !bfs_perm_in_group(c->cred, i->gid))
		mode &= ~(uint32_t)S_ISGID;
	mode = (i->mode & S_IFMT) | (mode & 07777);
	return set_identity(c, i, mode, i->uid, i->gid);
}

static int set_owner(struct bfs_call *c, struct bfs_inode *i, uint32_t uid,
		     uint32_t gid)
{
	uint32_t mode = i->mode & ~bfs_perm_chown_kills(c->cred, i);

	return set_identity(c, i, mode, uid == KEEP ? i->uid : uid,
			    gid == KEEP ? i->gid : gid);
}

static struct timespec choose(const struct bfs_setattr_req *req, uint32_t set,
			      uint32_t now, struct bfs_time t)
{
	struct timespec ts = { .tv_nsec = UTIME_OMIT };

	if (req->valid & now) {
		ts.tv_nsec = UTIME_NOW;
	} else if (req->valid & set) {
		ts.tv_sec = t.sec;
		ts.tv_nsec = t.nsec;
	}
	return ts;
}

static void stamp(const struct bfs_fs *fs, struct timespec *to,
		  struct timespec t)
{
	if (t.tv_nsec == UTIME_NOW)
		*to = bfs_fs_now(fs);
	else if (t.tv_nsec != UTIME_OMIT)
		*to = t;
}

static int set_times(struct bfs_call *c, struct bfs_inode *i,
		     const struct bfs_setattr_req *req)
{
	struct timespec t[2] = {
		choose(req, BFS_SET_ATIME, BFS_SET_ATIME_NOW, req->atime),
		choose(req, BFS_SET_MTIME, BFS_SET_MTIME_NOW, req->mtime),
	};
	struct bfs_fs *fs = bfs_call_fs(c);

	bfs_inode_changed(fs, i);
	if (S_ISREG(i->mode) && !bfs_null_on(fs))
		return bfs_data_utimens(fs, i, t);
	stamp(fs, &i->atime, t[0]);
	stamp(fs, &i->mtime, t[1]);
	if (S_ISDIR(i->mode) && i->dir.shared)
		i->dir.shared->times_set = t[1].tv_nsec != UTIME_OMIT;
	return 0;
}

static int set_size(struct bfs_call *c, struct bfs_inode *i,
		    const struct bfs_setattr_req *req)
{
	struct bfs_attr a;

	if (req->room && !bfs_inode_attr(bfs_call_fs(c), i, &a) &&
	    bfs_data_over_room(a.size, req->size, req->room))
		return -EFBIG;
	return bfs_stripe_truncate(c, i, req->size);
}

static int apply(struct bfs_call *c, struct bfs_inode *i,
		 const struct bfs_setattr_req *req)
{
	int r = 0;

	if (req->valid & BFS_SET_OWNER)
		r = set_owner(c, i, req->uid, req->gid);
	if (!r && req->valid & BFS_SET_MODE)
		r = set_mode(c, i, req->mode);
	if (!r && req->valid & BFS_SET_SIZE)
		r = set_size(c, i, req);
	if (!r && req->valid & TIMES)
		r = set_times(c, i, req);
	return r;
}

/*
 * A directory's mode and owner are known to other shards, its times depend on
 * them.  tx: held for the change.  As bfs_home_revoke().
 */
static int prepare(struct bfs_call *c, struct bfs_inode *i,
		   const struct bfs_setattr_req *req, uint64_t *tx)
{
	int r = 0;

	*tx = 0;
	if (req->valid & BFS_SET_SIZE && !bfs_fiber_self() &&
	    bfs_stripe_reaches(bfs_call_fs(c), i, req->size))
		return -BFS_NEED_FIBER;
	if (!S_ISDIR(i->mode) || !i->dir.shared)
		return 0;
	if (req->valid & TIMES && !c->waits)
		r = bfs_home_gather(c, i);
	if (r || !(req->valid & (BFS_SET_MODE | BFS_SET_OWNER)))
		return r;
	*tx = bfs_home_tx(bfs_call_fs(c));
	r = bfs_home_revoke(c, i, *tx, NULL);
	if (r)
		*tx = 0;
	return r;
}

/* Other nodes that run the file, or map it and have to be told. */
static int check_nodes(struct bfs_call *c, const struct bfs_inode *i,
		       const struct bfs_setattr_req *req)
{
	int r = 0;

	if (!(req->valid & BFS_SET_SIZE))
		return 0;
	if (i->mode & 0111)
		r = bfs_mappers_idle(c, i->ino);
	return r ? r : bfs_mappers_ready(c->server, i->ino);
}

static int set(struct bfs_call *c, struct bfs_inode *i,
	       const struct bfs_setattr_req *req)
{
	uint64_t tx;
	int r = check_setattr(c, i, req);

	if (!r)
		r = prepare(c, i, req, &tx);
	if (!r)
		r = check_nodes(c, i, req);
	if (r)
		return r;
	r = apply(c, i, req);
	if (tx)
		bfs_hold_release(bfs_call_fs(c), tx);
	return r;
}

int bfs_serve_setattr(struct bfs_call *c, const struct bfs_setattr_req *req,
		      struct bfs_setattr_rep *rep)
{
	bool follow = !(req->flags & AT_SYMLINK_NOFOLLOW);
	struct bfs_inode *i;
	int r;

	do {
		r = bfs_walk_to(c, req->at, req->path, follow, &i);
		if (!r)
			r = set(c, i, req);
		c->waits += r == 1;
	} while (r == 1);
	if (!r)
		r = bfs_inode_attr(bfs_call_fs(c), i, &rep->attr);
	if (!r && req->valid & BFS_SET_SIZE)
		r = bfs_mappers_tell(c->server, rep->attr.ino, req->size,
				     UINT64_MAX, c->deadline);
	return r;
}
