/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal's records: everything that can be generated from journal.def.
 * Any thread. */
#ifndef BFS_RECORD_H
#define BFS_RECORD_H

#include "core/wire.h"

#include <stdbool.h>

enum bfs_record_kind {
	BFS_RECORD_NONE,
#define RECORD(num, NAME, name, taker, under, key, other) \
	BFS_RECORD_##NAME = num,
#include "server/journal.def"
#undef RECORD
	BFS_RECORD_LIMIT
};

/* flags of INODE. */
#define BFS_REC_ORPHAN 1u   /* no name, but somebody had it open */
#define BFS_REC_LINKABLE 2u /* of O_TMPFILE: link may name it */
#define BFS_REC_HELD 4u	    /* a directory with a handle out */
#define BFS_REC_COPY 8u	    /* a directory whose home is another shard */

/* struct bfs_rec_inode, ... */
#define K(type, field) bfs_field_##type field;
#define F(type, field) bfs_field_##type field;
#define RECORD(num, NAME, name, taker, under, key, other) \
	struct bfs_rec_##name { \
		key other \
	};
#include "server/journal.def"
#undef RECORD
#undef K
#undef F

/* Any of them, and whether it says "gone": then only the key is valid. */
struct bfs_record {
	uint32_t kind;
	bool gone;
	union {
#define RECORD(num, NAME, name, taker, under, key, other) \
	struct bfs_rec_##name name;
#include "server/journal.def"
#undef RECORD
	};
};

/* Bytes that bfs_record_put needs at most; 0: no such kind. */
size_t bfs_record_size(const struct bfs_record *r);
/* 0 or -EBADMSG. */
int bfs_record_put(struct bfs_wire *w, const struct bfs_record *r);
/* kind and gone are set; strings borrow w's buffer.  0, or -EBADMSG, also if
 * something is left behind the fields. */
int bfs_record_get(struct bfs_wire *w, struct bfs_record *r);

/*
 * The key as bytes, in an order that keeps what belongs together together.
 * Its length.  A name is at most 255 bytes, so that it fits.
 */
#define BFS_RECORD_KEY_MAX 280
size_t bfs_record_key(const struct bfs_record *r,
		      uint8_t key[BFS_RECORD_KEY_MAX]);
/* The kind that goes with records of that kind, or 0. */
uint32_t bfs_record_below(uint32_t kind);
/* Does the file system take it at the start, or others? */
bool bfs_record_of_fs(uint32_t kind);

/* "inode"; "unknown". */
const char *bfs_record_name(uint32_t kind);

#endif
