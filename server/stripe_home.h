/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the home of a striped file keeps of it, in memory: who is about to
 * write, what failed writers may have left, and what others have yet to cut
 * (docs/design/STRIPING.md).  Owner thread only.
 */
#ifndef BFS_STRIPE_HOME_H
#define BFS_STRIPE_HOME_H

#include "server/shards.h"
#include "server/stripe.h"
#include "server/stripe_plan.h"

/* A range beyond the size that somebody is writing. */
struct bfs_grant {
	struct bfs_grant *prev, *next;
	uint64_t id, offset, end;
	unsigned node;	/* the shard of who is */
	uint64_t until; /* bfs_now(): then it has failed */
};

/* Bytes beyond the size that are nobody's any more. */
struct bfs_dirty {
	struct bfs_dirty *next;
	uint64_t offset, end;
};

/* Other shards have to cut that range before they serve that version. */
struct bfs_cut {
	struct bfs_cut *prev, *next;
	uint64_t version, offset, end;
	struct bfs_shards owing;
	bool logged;
};

struct bfs_stripe {
	uint64_t steps; /* the version is that of the start, and so many */
	struct bfs_grant *grants; /* utlist DL_ */
	struct bfs_dirty *dirty;  /* utlist LL_ */
	struct bfs_cut *cuts;	  /* utlist DL_, by version */
	/* Something is changed that nobody else may change the size beside. */
	bool busy;
	unsigned wanting; /* who want to be busy */
	bool unsure;	  /* of an earlier run: all beyond size is dirty */
	bool counted;	  /* blocks is true */
	uint64_t blocks;  /* of 512 bytes, on the other shards */
};

/* NULL: no memory. */
struct bfs_stripe *bfs_stripe_get(struct bfs_fs *fs, struct bfs_inode *i);
uint64_t bfs_stripe_version(const struct bfs_fs *fs, const struct bfs_inode *i);
/* The kernel's size of the home's data file, which is the file's. 0, -errno. */
int bfs_stripe_size(struct bfs_fs *fs, struct bfs_inode *i, uint64_t *size);
unsigned bfs_stripe_chunk_of(const struct bfs_fs *fs, struct bfs_handle h);
struct bfs_plan bfs_stripe_plan(const struct bfs_fs *fs, uint64_t ino,
				unsigned chunk, uint64_t offset, uint64_t end);

/* Grants that have expired, or whose daemon has ended, have failed. */
void bfs_stripe_expire(struct bfs_server *s, struct bfs_inode *i);
/* Wait until nobody is busy (and none wants to be); with alone, until there
 * are no grants either.  0, -ESTALE: the inode has gone; -errno;
 * -BFS_NEED_FIBER. */
int bfs_stripe_await(struct bfs_call *c, uint64_t ino, bool alone);
/* Be busy: from a fiber.  The inode stays until the end. */
int bfs_stripe_enter(struct bfs_call *c, struct bfs_inode *i);
void bfs_stripe_leave(struct bfs_fs *fs, struct bfs_inode *i);
/* NULL: no memory. */
struct bfs_grant *bfs_stripe_grant(struct bfs_call *c, struct bfs_inode *i,
				   uint64_t offset, uint64_t end);
struct bfs_grant *bfs_stripe_granted(const struct bfs_inode *i, uint64_t id);
/* It is over: what is behind done was not written. */
void bfs_stripe_ungrant(struct bfs_fs *fs, struct bfs_inode *i,
			struct bfs_grant *g, uint64_t done);

/* What is not granted in it is dirty from now on, as far as it is not
 * published. */
void bfs_stripe_dirty(struct bfs_fs *fs, struct bfs_inode *i, uint64_t offset,
		      uint64_t end);
/* Bytes below `end` are about to be published, or written, by somebody who
 * does not write all of them: what is dirty is to be cut.  0 or -ENOMEM. */
int bfs_stripe_clean(struct bfs_fs *fs, struct bfs_inode *i, uint64_t end);

/* whom: who has chunks there; emptied.  The version goes up.  logged: it is
 * put down at once.  NULL: no memory. */
struct bfs_cut *bfs_cut_add(struct bfs_fs *fs, struct bfs_inode *i,
			    uint64_t offset, uint64_t end,
			    struct bfs_shards *whom, bool logged);
/* Have them cut it, now, from a fiber.  0; -EIO: some have not answered, they
 * will have to before they serve the file. */
int bfs_cut_push(struct bfs_call *c, struct bfs_inode *i, struct bfs_cut *cut);
/* What that shard, which has cut all up to that version, has yet to cut: u64
 * offset and end of each.  0 or -EIO: too many. */
int bfs_cuts_tell(struct bfs_fs *fs, struct bfs_inode *i, unsigned shard,
		  uint64_t have, struct bfs_wire *w);
void bfs_cuts_free(struct bfs_fs *fs, struct bfs_inode *i, bool gone);
/* The shards but the home with chunks in the range.  0 or -ENOMEM. */
int bfs_cut_whom(const struct bfs_fs *fs, const struct bfs_inode *i,
		 uint64_t offset, uint64_t end, struct bfs_shards *whom);

/* For who reads and writes: has the file been that long, at that version?  And
 * what its home has said when it was asked at that time. */
bool bfs_stripe_known(struct bfs_fs *fs, uint64_t ino, uint64_t end,
		      uint64_t *version);
void bfs_stripe_learn(struct bfs_fs *fs, uint64_t ino, uint64_t version,
		      uint64_t size, uint64_t asked);
void bfs_stripe_forget(struct bfs_fs *fs, uint64_t ino);

struct bfs_peer_msg;

/* The others' part of a write. */
struct bfs_sending {
	struct bfs_call *c;
	uint64_t ino, version;
	struct bfs_plan plan;
	const uint8_t *data; /* of the whole range */
	uint32_t flags;	     /* as in WRITE */
	/* Set: how far all is written, why no farther, and a newer version
	 * (then nothing else counts). */
	uint64_t front;
	int error;
	uint64_t again;
	/* To go along, to the home; or NULL. */
	struct bfs_peer_msg *home;
};
/* From a fiber. */
int bfs_stripe_send(struct bfs_sending *s);

/* The home's part: own pieces (gathered) of plan, then all of it counts.  How
 * many bytes, or -errno; a short count has *err.  With O_SYNC or O_DSYNC it may
 * wait, on a fiber: the inode has to be pinned. */
struct bfs_finishing {
	struct bfs_server *server;
	const struct bfs_plan *plan;
	const uint8_t *own;
	uint32_t flags;
	const struct bfs_cred *cred;
	int error; /* set */
};
/* Does anybody have to be told of each change, after it? */
bool bfs_stripe_watched(const struct bfs_server *s, uint64_t ino);
/* The data file has at least that size, and its times are of now. */
int bfs_stripe_publish(int fd, uint64_t end);
ssize_t bfs_stripe_finish(struct bfs_fs *fs, struct bfs_inode *i,
			  struct bfs_finishing *f);

#endif
