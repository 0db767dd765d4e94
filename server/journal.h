/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal: what names and attributes survive by.  Changes are noted where
 * they happen; at the end of a turn of the loop all of them are appended to
 * the log as one frame, and only then do the turn's answers go out (D1).
 * Without a journal (NULL) each of these costs a comparison.
 * Owner thread only.
 */
#ifndef BFS_JOURNAL_H
#define BFS_JOURNAL_H

#include "server/frame.h"
#include "server/inode.h"
#include "server/jlog.h"
#include "server/loop.h"

struct bfs_dentry;
struct bfs_server;

/* A record that the file system does not take at the start. */
struct bfs_kept;

struct bfs_journal_wait {
	/* 0: it is on disk; -errno.  Once. */
	void (*done)(struct bfs_journal_wait *w, int status);
	uint64_t seq; /* the journal's own */
	struct bfs_journal_wait *next;
};

/* A backing file that goes when no restart can bring its inode back. */
struct bfs_removals {
	struct bfs_removal {
		uint64_t ino, seq;
		bool sock;
	} * v;
	unsigned n, cap;
};

struct bfs_journal {
	struct bfs_fs *fs;
	struct bfs_server *server; /* NULL: no loop, no io_uring (unit tests) */
	struct bfs_jlog *log;
	char *path; /* of its directory */
	int dir;
	int failed; /* -errno of the log: nothing more is acknowledged */

	/* The frame in the making: len bytes of records behind the head. */
	uint8_t *buf;
	size_t len, cap;
	/* Raised by each change: a call that raises it did something. */
	uint64_t changes;
	struct bfs_inode **dirty; /* whose record is due; NULL: freed since */
	unsigned ndirty, dirty_cap;

	struct bfs_call *waiting, **waiting_end; /* answers, linked by next */

	struct bfs_removals removals; /* by seq */
	struct bfs_removals due;      /* may go, when there is time */
	struct bfs_timer due_timer;
	uint64_t synced_ino; /* inodes up to it may be on disk */

	bool syncing;
	uint64_t sync_seq; /* what the sync under way covers */
	uint64_t sync_ino;
	struct bfs_journal_wait *waits, **waits_end;
	struct bfs_timer timer;
	/* A sync failed: until a checkpoint holds what may not have got to the
	 * disk, and somebody was told, every sync fails. */
	int sync_err;
	bool sync_told, sync_healed;

	uint64_t counter_limit; /* inode numbers below are reserved */

	struct bfs_checkpoint *checkpoint; /* checkpoint.c's own */
	struct bfs_kept *kept;
};

/*
 * Read what the data directory holds into fs, which is empty, and begin to
 * write.  0; -EUCLEAN, damage; -errno.
 */
int bfs_journal_open(struct bfs_fs *fs);
/*
 * For fsck: read what there is, whether it is whole or not, which nobody has
 * checked then.  write: what is noted from now on is written.  ends: inodes
 * whose end the log tells, so that their data may not have gone yet; to be
 * freed.  0 or -errno, logged.
 */
struct bfs_ends {
	uint64_t *ino;
	size_t n;
};
int bfs_journal_look(struct bfs_fs *fs, bool write, struct bfs_journal **j,
		     struct bfs_ends *ends);
/* The loop, io_uring and sessions are there now. */
void bfs_journal_attach(struct bfs_journal *j, struct bfs_server *s);
/* Write and sync what is due; NULL is fine. */
void bfs_journal_close(struct bfs_journal *j);

/* The end of a turn: write, then answer.  arg: the journal. */
void bfs_journal_turn(void *arg);
/* Write what is due; the answers still wait.  0 or -errno. */
int bfs_journal_flush(struct bfs_journal *j);

/* Is something due, so that answers have to wait? */
static inline bool bfs_journal_pending(const struct bfs_journal *j)
{
	return j->len || j->ndirty;
}

/* A record goes into this turn's frame.  r is copied. */
void bfs_journal_add(struct bfs_journal *j, const struct bfs_record *r);
/* bfs_journal_add_inode(j, &fields), bfs_journal_gone_inode(j, &key), ... */
#define RECORD(num, NAME, name, taker, under, key, other) \
	static inline void bfs_journal_add_##name( \
		struct bfs_journal *j, const struct bfs_rec_##name *r) \
	{ \
		bfs_journal_add( \
			j, &(struct bfs_record){ .kind = num, .name = *r }); \
	} \
	static inline void bfs_journal_gone_##name( \
		struct bfs_journal *j, const struct bfs_rec_##name *r) \
	{ \
		bfs_journal_add(j, &(struct bfs_record){ .kind = num, \
							 .gone = true, \
							 .name = *r }); \
	}
#include "server/journal.def"
#undef RECORD

/* The inode's record is due at the end of the turn. */
void bfs_journal_dirty(struct bfs_journal *j, struct bfs_inode *i);
/* It is about to be freed. */
void bfs_journal_forget(struct bfs_journal *j, struct bfs_inode *i);
/* Numbers up to fs->counter are taken. */
void bfs_journal_count(struct bfs_journal *j);
/* Remove the inode's backing file when that is safe. */
void bfs_journal_remove(struct bfs_journal *j, uint64_t ino, bool sock);
/* Nothing has come for so long: is there more to remove?  j may be NULL. */
bool bfs_removals_idle(struct bfs_journal *j, uint64_t idle_ns);
/* Their space is wanted: was there something that could go? */
bool bfs_removals_now(struct bfs_journal *j);

/* What to write down: the lowest layer calls these.  fs->journal may be NULL.
 */
static inline void bfs_note_inode(struct bfs_fs *fs, struct bfs_inode *i)
{
	if (fs->journal)
		bfs_journal_dirty(fs->journal, i);
}
void bfs_note_entry(struct bfs_fs *fs, const struct bfs_dentry *d);
void bfs_note_entry_gone(struct bfs_fs *fs, const struct bfs_dentry *d);
void bfs_note_xattr(struct bfs_fs *fs, const struct bfs_inode *i,
		    struct bfs_str name, struct bfs_str value);
void bfs_note_xattr_gone(struct bfs_fs *fs, const struct bfs_inode *i,
			 struct bfs_str name);
/* Something happened that no record tells, such as a truncation. */
static inline void bfs_note_change(struct bfs_fs *fs)
{
	if (fs->journal)
		fs->journal->changes++;
}

/*
 * w->done() when all that has been noted is on disk (D2): 0, or -errno and
 * done() is not called.  It may be called before this returns.
 */
int bfs_journal_sync(struct bfs_journal *j, struct bfs_journal_wait *w);

/* May an inode of ours be on disk already?  j may be NULL. */
bool bfs_journal_on_disk(const struct bfs_journal *j, uint64_t ino);

/* Have the log on disk in a moment, without anybody waiting. */
void bfs_journal_sync_soon(struct bfs_journal *j);

/* Is there room for what a call may write down?  frees: it gives space back
 * in the end.  0 or -ENOSPC. */
int bfs_journal_room(struct bfs_journal *j, size_t bytes, bool frees);
/* ... for that one, which is about to be run. */
int bfs_journal_admit(struct bfs_call *c);

/* Each record of that kind that was found at the start. */
void bfs_journal_each(struct bfs_journal *j, uint32_t kind,
		      void (*fn)(void *arg, const struct bfs_record *r),
		      void *arg);
/* All have taken what is theirs. */
void bfs_journal_forget_kept(struct bfs_journal *j);
/* While reading: keep that one, or strike it out. */
int bfs_kept_put(struct bfs_journal *j, const struct bfs_record *r);

/*
 * Reading (journal_load.c): one for each kind that the file system takes.
 * The records come in the order in which they were written, so an entry may
 * come before the inodes that it joins.  0 or -errno.
 */
#define RECORD(num, NAME, name, taker, under, key, other) \
	int bfs_load_##name(struct bfs_fs *fs, const struct bfs_rec_##name *r, \
			    bool gone);
#include "server/journal.def"
#undef RECORD
/* Is it whole?  Makes the lists that are not in the records.  0; 1: there is
 * nothing; -EUCLEAN. */
int bfs_load_finish(struct bfs_fs *fs);
/* Remove backing files that no inode claims, and find those that miss theirs.
 */
int bfs_load_sweep(struct bfs_fs *fs);

#endif
