/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that can be generated from proto.def.  Any thread. */
#ifndef BFS_PROTO_H
#define BFS_PROTO_H

#include "core/wire.h"

#include <stdbool.h>

#define BFS_PROTO_VERSION 19
#define BFS_PATH_MAX 4096      /* with the final NUL, as the kernel counts */
#define BFS_DEEP_PATH_MAX 8192 /* what GETPATH says: names add up by chdir */
#define BFS_NAME_MAX 255
#define BFS_FIELDS_MAX 9216	/* header and fields of any message */
#define BFS_BULK_MAX (1u << 20) /* largest bulk of any transport */

enum bfs_op {
#define RPC(num, NAME, name, flags, req, rep) BFS_OP_##NAME = num,
#include "core/proto.def"
#undef RPC
	BFS_OP_LIMIT
};

enum bfs_op_flags { BFS_RPC_PURE = 0, BFS_RPC_ONCE = 1, BFS_RPC_WAIT = 2 };

/* In proto.def: only another daemon may ask for it. */
#define BFS_RPC_PEER 4
#define BFS_RPC_PEER_PURE (BFS_RPC_PEER | BFS_RPC_PURE)
#define BFS_RPC_PEER_ONCE (BFS_RPC_PEER | BFS_RPC_ONCE)
#define BFS_RPC_PEER_WAIT (BFS_RPC_PEER | BFS_RPC_WAIT)

/* Rights in a handle. */
#define BFS_RIGHT_READ 1u     /* opened for reading */
#define BFS_RIGHT_WRITE 2u    /* opened for writing */
#define BFS_RIGHT_PATH 4u     /* O_PATH: a place to start from, no content */
#define BFS_RIGHT_LOCK 8u     /* the daemon keeps the description's locks */
#define BFS_RIGHT_SYNC 16u    /* its last close makes the file durable */
#define BFS_RIGHT_NAMED 32u   /* a daemon's, for what it found by its name */
#define BFS_RIGHT_STRIPED 64u /* chunks of that size, as log2: */
#define BFS_RIGHT_CHUNK_SHIFT 8
#define BFS_RIGHT_CHUNK(rights) ((rights) >> BFS_RIGHT_CHUNK_SHIFT & 63u)

/* Reply kinds of OPEN. */
enum bfs_open_kind {
	BFS_OPEN_PASS = 1, /* the passed fd is the data file: pass-through */
	BFS_OPEN_FILE = 2, /* a regular file, data through the daemon */
	BFS_OPEN_DIR = 3,
	BFS_OPEN_PATH = 4,    /* O_PATH */
	BFS_OPEN_SPECIAL = 5, /* a fifo: open the passed O_PATH fd */
	BFS_OPEN_SELF = 6,    /* pass-through: open the data file yourself */
};

/* An inode number: its home above, a counter below. */
#define BFS_SHARD_SHIFT 48
#define BFS_NO_SLOT 0xffffffffu
#define BFS_NO_SHARD 0xffffffffu
/* In the mode of a new inode: S_IXGRP was asked for, whatever the umask took
 * (S_ISGID depends on it). */
#define BFS_MODE_XGRP 0x10000u

/* valid bits of SETATTR. */
#define BFS_SET_MODE 1u
#define BFS_SET_OWNER 2u
#define BFS_SET_SIZE 4u
#define BFS_SET_ATIME 8u
#define BFS_SET_MTIME 16u
#define BFS_SET_ATIME_NOW 32u
#define BFS_SET_MTIME_NOW 64u

/* Of whom ALIVE asks, and the bytes for each. */
enum bfs_alive_kind { BFS_ALIVE_OPEN, BFS_ALIVE_PROCESS };
#define BFS_ALIVE_BYTES 24
/* Bytes for each in the answer to OPENS. */
#define BFS_OPENS_BYTES 32

/* space and flags of LOCK. */
enum bfs_lock_space { BFS_LOCK_POSIX, BFS_LOCK_OFD, BFS_LOCK_FLOCK };
#define BFS_LOCK_TEST 1u
#define BFS_LOCK_BLOCK 2u

/* flags of READDIR: of the attributes only inode and type are wanted (nlink is
 * 0 then); the others cost a look at each data file. */
#define BFS_READDIR_NAMES 1u

/* flags of FSYNC. */
#define BFS_FSYNC_DATA 1u    /* fdatasync */
#define BFS_FSYNC_ALL 2u     /* syncfs */
#define BFS_FSYNC_NAMES 4u   /* what finds the data, which is synced */
#define BFS_FSYNC_CLOSED 8u  /* nobody asks: it was closed, and needs a name */
#define BFS_FSYNC_MAPPED 16u /* only what was stored into mappings here */

/* what of DATAFD. */
enum bfs_datafd {
	BFS_DATAFD_MAP,	      /* a shared mapping */
	BFS_DATAFD_MAP_WRITE, /* ... that may be stored into */
	BFS_DATAFD_EXEC,
	BFS_DATAFD_SOCKET,
	BFS_DATAFD_COPY /* to be read, now or by a private mapping */
};

/* features in HELLO's reply. */
#define BFS_FEATURE_PASS 1u    /* descriptors are passed through */
#define BFS_FEATURE_JOURNAL 2u /* fsync concerns the daemon too */

/* What every request and every reply starts with. */
struct bfs_req_head {
	uint32_t op;
	uint32_t deadline_ms; /* how long the caller will wait */
	uint64_t id;	      /* unique in the session, ascending */
	uint64_t session;
	uint64_t ticket; /* proves the session (0 on its own connection) */
	uint32_t generation;
};
struct bfs_rep_head {
	uint32_t op;
	uint32_t status; /* 0, a positive errno, or BFS_ESCAPE */
	uint64_t id;
};
#define BFS_REQ_HEAD_LEN 36
#define BFS_REP_HEAD_LEN 16

void bfs_put_req_head(struct bfs_wire *w, const struct bfs_req_head *h);
void bfs_put_rep_head(struct bfs_wire *w, const struct bfs_rep_head *h);
struct bfs_req_head bfs_get_req_head(struct bfs_wire *w);
struct bfs_rep_head bfs_get_rep_head(struct bfs_wire *w);

/*
 * The walk left BenchFS.  which: 0 the first place of the call, 1 the second.
 * path: where it goes on; absolute in the caller's world, or, with up set,
 * relative to the directory that holds the mount point.  links: symlinks
 * followed so far.  Sent in place of the reply's fields.
 */
#define BFS_ESCAPE 4097u
struct bfs_escape_rep {
	uint32_t which;
	uint32_t up;
	uint32_t links;
	struct bfs_str path;
};
void bfs_escape_put(struct bfs_wire *w, const struct bfs_escape_rep *m);
int bfs_escape_get(struct bfs_wire *w, struct bfs_escape_rep *m);

/* One entry of READDIR's bulk. */
struct bfs_dirent {
	uint64_t cursor; /* goes on behind this entry; never 0, < 2^63 */
	struct bfs_attr attr;
	struct bfs_str name;
};
#define BFS_DIRENT_MAX (8 + 96 + 4 + BFS_NAME_MAX)
void bfs_dirent_put(struct bfs_wire *w, const struct bfs_dirent *d);
int bfs_dirent_get(struct bfs_wire *w, struct bfs_dirent *d);

/* struct bfs_getattr_req, struct bfs_getattr_rep, ... */
#define F(type, field) bfs_field_##type field;
#define RPC(num, NAME, name, flags, req, rep) \
	struct bfs_##name##_req { \
		req \
	}; \
	struct bfs_##name##_rep { \
		rep \
	};
#include "core/proto.def"
#undef RPC
#undef F

/* int bfs_getattr_req_put(w, m), bfs_getattr_req_get(w, m), ... */
#define RPC(num, NAME, name, flags, req, rep) \
	int bfs_##name##_req_put(struct bfs_wire *, \
				 const struct bfs_##name##_req *); \
	int bfs_##name##_req_get(struct bfs_wire *, \
				 struct bfs_##name##_req *); \
	int bfs_##name##_rep_put(struct bfs_wire *, \
				 const struct bfs_##name##_rep *); \
	int bfs_##name##_rep_get(struct bfs_wire *, struct bfs_##name##_rep *);
#include "core/proto.def"
#undef RPC

/* "getattr"; "unknown" for a number that is not in proto.def. */
const char *bfs_op_name(uint32_t op);
/* BFS_RPC_PURE, _ONCE or _WAIT. */
unsigned bfs_op_flags(uint32_t op);
/* Is it in proto.def? */
bool bfs_op_known(uint32_t op);
/* Is it refused from clients? */
bool bfs_op_peer(uint32_t op);

#endif
