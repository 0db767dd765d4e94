/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inodes and the state of the file system, for the files that make it up.
 * Owner thread only.
 */
#ifndef BFS_INODE_H
#define BFS_INODE_H

#include "server/fs.h"
#include "server/itable.h"
#include "server/serve.h"
#include "server/spare.h"

#include <sys/stat.h>

#define BFS_ROOT_INO 1u

struct bfs_asking;
struct bfs_bnode;
struct bfs_chunks;
struct bfs_dentry;
struct bfs_doomed;
struct bfs_drop;
struct bfs_held;
struct bfs_shared;
struct bfs_slices;
struct bfs_stripe;
struct bfs_sums;
struct bfs_tx;
struct bfs_tx_news;
struct bfs_txp;
struct bfs_unsettled;
struct bfs_user;
struct bfs_waiter;
struct bfs_xattr;
struct bfs_fdref;
struct bfs_journal;

/* A description that the daemon serves: alive while its arena slot is. */
struct bfs_open {
	uint32_t uid, slot, gen;
	uint16_t node; /* the shard of its node's daemon, which has the slot */
	bool writes;
	/* It is passed through, and counts until its client has opened it. */
	bool making;
};

/* Descriptors of a data file that may be out. */
enum bfs_passed {
	BFS_PASSED_NONE,
	BFS_PASSED_ONE,	 /* of our own user */
	BFS_PASSED_MANY, /* or of whom we do not know */
};

/* What few inodes have. */
struct bfs_rare {
	struct bfs_xattr *xattrs; /* (utlist LL) */
	struct bfs_open *opens;	  /* nopens of them */
	unsigned nopens, opens_cap;
	struct bfs_stripe *stripe; /* of a striped file at its home */
	struct bfs_hint *hint;	   /* or NULL: server/hint.h */
};

struct bfs_inode {
	uint64_t ino; /* shard << 48 | counter; never used again */
	uint32_t mode, nlink, uid, gid;
	/* Of a regular file, atime and mtime are those of its data file and
	 * ctime is the later of both. */
	struct timespec atime, mtime, ctime, btime;
	struct bfs_dentry *names; /* its entries (utlist DL) */
	struct bfs_rare *rare;	  /* or NULL: see bfs_inode_rare */
	uint16_t pins; /* changes on several shards that count on it */
	struct bfs_layout layout;
	bool backed : 1;   /* there is, or may be, something on disk for it */
	bool orphan : 1;   /* in fs->orphans or fs->held: nlink is 0 */
	bool looked : 1;   /* somebody was told the present ctime */
	bool linkable : 1; /* O_TMPFILE: link may give it its first name */
	bool dirty : 1;	   /* its record is due in this turn */
	bool logged : 1;   /* the journal has one */
	bool handed : 1;   /* a directory: a handle without a slot is out */
	bool calm : 1;	   /* a file that nobody has open: see calm.h */
	bool summed : 1;   /* all changes of the file come by us: sums.h */
	bool spare : 1;	   /* its data file was made ahead: spare.h */
	union {		   /* 32 bytes: there may be many millions of them */
		struct {   /* S_IFDIR */
			struct bfs_bnode *top; /* its entries */
			uint64_t parent;
			struct bfs_shared *shared; /* in a cluster; else NULL */
		} dir;
		struct { /* S_IFLNK */
			char *target;
			uint32_t len;
		} link;
		struct { /* S_IFCHR, S_IFBLK */
			uint64_t rdev;
		} dev;
		struct {		      /* S_IFREG */
			struct bfs_fdref *fd; /* cached, or NULL */
			uint64_t blocks;      /* accounted, of 512 bytes */
			/* The record of the one description that is out. */
			uint32_t pass_gen;
			uint16_t pass_slot;
			uint8_t passed : 2;	 /* enum bfs_passed */
			uint8_t pass_writes : 1; /* it may write */
			uint8_t tries : 2;	 /* calm.c's own */
			/* Its locks are kept here, not by the kernel: one of
			 * both for all that have it open (S10). */
			bool locks_here;
			uint64_t size; /* if it is calm */
		} file;
	};
	struct bfs_inode *prev, *next; /* in fs->orphans or fs->held */
	struct bfs_inode *hash_next;   /* in fs->inodes */
};

/* What the home of another shard's file has said of it (stripe_known.c). */
struct bfs_stripe_known {
	uint64_t ino, version, size;
	uint64_t until; /* bfs_now() */
};

struct bfs_fs {
	struct bfs_fs_conf conf;
	struct bfs_itable inodes;
	struct bfs_inode *root;
	struct bfs_shared *copies; /* of other shards' directories, by name */
	struct bfs_shared *copy_list; /* ncopies of them (utlist DL) */
	unsigned ncopies, nleaving;   /* the latter are being given up */
	struct bfs_shared *busy_dirs; /* held (utlist DL) */
	struct bfs_held *held_entries;
	struct bfs_waiter *waiters; /* for something held (utlist DL) */
	struct bfs_asking *asking;  /* other shards (utlist DL) */
	struct bfs_txp *txps;	    /* changes that we take part in, by id */
	uint64_t tree_tx;	    /* who may move directories; 0: nobody */
	struct bfs_tx *driving;	    /* changes that we drive (utlist DL) */
	struct bfs_tx_news *news;   /* of their ends (utlist DL) */
	struct bfs_unsettled *unsettled; /* not on disk everywhere, by id */
	void *settling;			 /* settle_round.c's own */
	struct bfs_inode *orphans;	 /* unlinked but open (utlist DL) */
	/* After a restart: an open that made a file may be asked for again, so
	 * it stays, whoever has unlinked it since. */
	bool keep_orphans;
	uint64_t part_version; /* answers about parts of directories (home.h) */
	struct bfs_inode *held; /* removed directories with handles out */
	unsigned nheld;
	struct bfs_chunks *chunks;	/* of others' files (uthash by ino) */
	struct bfs_chunks *chunks_used; /* least used first (utlist DL) */
	uint64_t chunk_blocks;		/* of all of them, of 512 bytes */
	struct bfs_doomed *doomed; /* files with chunks elsewhere, by ino */
	struct bfs_drop *drops;	   /* shards that are being told (utlist DL) */
	uint64_t grants;	   /* made so far */
	struct bfs_stripe_known known[256];
	uint64_t first_counter;	 /* inodes up to it are of earlier runs */
	uint64_t counter;	 /* of the last inode made */
	uint64_t seed;		 /* of name hashes */
	int null_fd;		 /* null.h; -1 */
	uint64_t hash_mask;	 /* all ones; less to make names collide */
	struct bfs_handle *seen; /* genuine ones, lately: see inode.c */
	/* Files that were opened, of which ncalmed have been looked at. */
	uint64_t ncalming, ncalmed, *calming;
	uint64_t calm_from, calm_to; /* and numbers that had no room there */
	uint64_t used;		/* blocks of 512 bytes, if there is a limit */
	struct bfs_user *users; /* quota.c's own (uthash by uid) */
	struct timespec latest; /* seen on a data file: see bfs_fs_now */
	struct bfs_spares spares;
	struct bfs_fdref *fds; /* cached (utlist DL), least used first */
	unsigned nfds;
	struct bfs_slices *slices; /* slice.h; NULL: writes are whole */
	int top_fd, data_fd, sock_fd, lock_fd; /* data_dir and below */
	int data_path_fd;		       /* data_fd's, O_PATH */
	int sums_fd;			       /* -1: there are none */
	struct bfs_sums *sums;		       /* of files (uthash by ino) */
	struct bfs_sums *sums_used; /* least used first (utlist DL) */
	uint64_t sums_gen;	    /* changes so far */
	uint64_t boot[2];	    /* of the machine, for sums */
	uint64_t dev;
	int fine_stamps;     /* 1: each change that is looked at has its own;
			      * -1: no; 0: not tried yet */
	uint32_t euid, egid; /* owner of the data files */
	struct bfs_journal *journal; /* NULL: none */
	/* Names that data's 256 directories got, and that are on disk. */
	uint64_t dir_changed[256], dir_synced[256];
};

struct bfs_fs *bfs_call_fs(const struct bfs_call *c);

/*
 * The time to stamp: that of the kernel's own stamps, so that what happens
 * here and what happens to data files compare as it should.
 */
struct timespec bfs_fs_now(const struct bfs_fs *fs);

/* A new inode without a name, in no list (nlink 0, a directory's own "."
 * counted); NULL: no memory.  at: the same, with that number. */
struct bfs_inode *bfs_inode_at(struct bfs_fs *fs, uint64_t ino, uint32_t mode,
			       uint32_t uid, uint32_t gid);
struct bfs_inode *bfs_inode_new(struct bfs_fs *fs, uint32_t mode, uint32_t uid,
				uint32_t gid);
/* A number for a new inode of this shard. */
uint64_t bfs_inode_next(struct bfs_fs *fs);
/* Out of the table, with its data file. */
void bfs_inode_free(struct bfs_fs *fs, struct bfs_inode *i);
/* Reading the journal: one by that number, blank; and away with it, which is
 * no change. */
struct bfs_inode *bfs_inode_restore(struct bfs_fs *fs, uint64_t ino);
void bfs_inode_unload(struct bfs_fs *fs, struct bfs_inode *i);
struct bfs_inode *bfs_inode_find(const struct bfs_fs *fs, uint64_t ino);
/* The same, but only if this shard is its home: no copy of a directory. */
struct bfs_inode *bfs_inode_here(const struct bfs_fs *fs, uint64_t ino);

struct bfs_handle bfs_inode_handle(const struct bfs_fs *fs,
				   const struct bfs_inode *i, uint32_t rights);
/* The same for any number; and was a handle made so by a daemon? */
struct bfs_handle bfs_handle_make(const struct bfs_fs *fs, uint64_t ino,
				  uint32_t rights);
#define BFS_HANDLES_SEEN 64
#define BFS_CALMING 65536u
bool bfs_handle_genuine(const struct bfs_fs *fs, struct bfs_handle h);
/* The handle's inode, or NULL: forged or gone. */
struct bfs_inode *bfs_inode_of(const struct bfs_fs *fs, struct bfs_handle h);

/* That of the inode, made if there is none; NULL: no memory. */
struct bfs_rare *bfs_inode_rare(struct bfs_inode *i);
static inline struct bfs_stripe *bfs_inode_stripe(const struct bfs_inode *i)
{
	return i->rare ? i->rare->stripe : NULL;
}
static inline struct bfs_xattr *bfs_inode_xattrs(const struct bfs_inode *i)
{
	return i->rare ? i->rare->xattrs : NULL;
}
static inline unsigned bfs_inode_nopens(const struct bfs_inode *i)
{
	return i->rare ? i->rare->nopens : 0;
}
/* Its number, of a device; else 0. */
static inline uint64_t bfs_inode_rdev(const struct bfs_inode *i)
{
	return S_ISCHR(i->mode) || S_ISBLK(i->mode) ? i->dev.rdev : 0;
}

/* ctime, or mtime and ctime, of what is kept here: now. */
void bfs_inode_changed(struct bfs_fs *fs, struct bfs_inode *i);
void bfs_inode_modified(struct bfs_fs *fs, struct bfs_inode *i);
/* atime as relatime does it, for what has no data file... */
void bfs_inode_accessed(const struct bfs_fs *fs, struct bfs_inode *i);
/* ...and of which other shards have made a change then. */
void bfs_inode_accessed_since(const struct bfs_fs *fs, struct bfs_inode *i,
			      struct timespec changed);

/* What stat tells.  0 or -errno (the data file's). */
int bfs_inode_attr(struct bfs_fs *fs, struct bfs_inode *i, struct bfs_attr *a);
/* The same when the data file's stat is known already. */
void bfs_inode_attr_from(struct bfs_fs *fs, struct bfs_inode *i,
			 const struct stat *st, struct bfs_attr *a);

/* Its last name is gone: free it, or keep it while somebody has it open. */
void bfs_orphan_add(struct bfs_fs *fs, struct bfs_inode *i);
/* Would it be kept? */
bool bfs_orphan_stays(struct bfs_fs *fs, struct bfs_inode *i);
/* It has a name again. */
void bfs_orphan_remove(struct bfs_fs *fs, struct bfs_inode *i);
/* Has anybody a regular file open? */
bool bfs_orphan_is_open(struct bfs_fs *fs, struct bfs_inode *i);
/* May descriptors of its data file be out?  Its locks tell for certain. */
bool bfs_orphan_passed(const struct bfs_fs *fs, const struct bfs_inode *i);
/* Is one of them still out? */
bool bfs_orphan_locked(struct bfs_fs *fs, const struct bfs_inode *i);
/* Is it being opened by clients themselves just now, at least one of them to
 * write if that is asked?  Then they have no locks yet. */
bool bfs_orphan_making(const struct bfs_fs *fs, const struct bfs_inode *i,
		       bool to_write);
/* May somebody write to a regular file by a descriptor of its data file? */
bool bfs_orphan_written_past(struct bfs_fs *fs, struct bfs_inode *i);
/* Remember a description that is not passed through.  0 or -ENOMEM. */
int bfs_orphan_opened(struct bfs_fs *fs, struct bfs_inode *i,
		      const struct bfs_open *o);
/* Does one of them write?  Then it cannot be executed. */
bool bfs_orphan_written(const struct bfs_fs *fs, struct bfs_inode *i);

#endif
