/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a change on several shards holds until it is over: entries here, and
 * directories whose home this is (bfs_shared.busy).  Who meets it waits.
 * Owner thread only.
 */
#ifndef BFS_HOLD_H
#define BFS_HOLD_H

#include "server/inode.h"

/* Take the entry for tx (not 0), which may have it already.  0; -EBUSY: another
 * has it; -ENOMEM. */
int bfs_hold_entry(struct bfs_fs *fs, uint64_t dir, struct bfs_str name,
		   uint64_t tx);
/* Has tx the entry? */
bool bfs_hold_entry_by(const struct bfs_fs *fs, uint64_t dir,
		       struct bfs_str name, uint64_t tx);
/* Has anybody? */
bool bfs_hold_entry_held(const struct bfs_fs *fs, uint64_t dir,
			 struct bfs_str name);
/* Take the directory, whose home this is and which nobody has, for tx; give it
 * up. */
void bfs_hold_dir(struct bfs_fs *fs, struct bfs_inode *dir, uint64_t tx);
void bfs_hold_dir_end(struct bfs_fs *fs, struct bfs_inode *dir);
/* Is an entry of that directory held? */
bool bfs_hold_any(const struct bfs_fs *fs, uint64_t dir);

/* What tx holds is promised: it may have happened already, as others see it. */
void bfs_hold_promise(struct bfs_fs *fs, uint64_t tx);
/* Is an entry of that directory promised? */
bool bfs_hold_promised(const struct bfs_fs *fs, uint64_t dir);

/* Give up all that tx holds here, entries and directories: who waits looks
 * again. */
void bfs_hold_release(struct bfs_fs *fs, uint64_t tx);

/* On a fiber, until something has been given up: 0; -ETIMEDOUT by the call's
 * deadline; -BFS_NEED_FIBER. */
int bfs_hold_wait(struct bfs_call *c);
/* The same, or until then: 0. */
int bfs_hold_wait_until(struct bfs_call *c, uint64_t at);
/* Something has: everybody looks again. */
void bfs_hold_changed(struct bfs_fs *fs);
void bfs_hold_free_all(struct bfs_fs *fs);

#endif
