/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire codec: little-endian fields, packed, in the order of proto.def.
 * take() in wire.c is the only bounds check; errors are sticky, so a decoder
 * reads all its fields and asks bfs_wire_end() once.  Any thread.
 */
#ifndef BFS_WIRE_H
#define BFS_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct bfs_wire {
	uint8_t *pos, *end;
	int err; /* 0 or -EBADMSG, sticky */
};

/* Bytes with a length; not terminated.  Decoded ones borrow the buffer. */
struct bfs_str {
	const char *ptr;
	uint32_t len;
};

#define BFS_STR(s) ((struct bfs_str){ (s), sizeof(s) - 1 })

/* Seconds and nanoseconds since the epoch, as struct timespec. */
struct bfs_time {
	int64_t sec;
	uint32_t nsec;
};

/* What stat(2) tells of an inode; size in bytes, blocks in 512 bytes. */
struct bfs_attr {
	uint64_t ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev, size, blocks;
	struct bfs_time atime, mtime, ctime, btime;
};

/*
 * A capability to an inode (RULES 33): made by the daemon, opaque to clients.
 * mac covers ino and rights under the cluster's secret.
 */
struct bfs_handle {
	uint64_t ino;
	uint32_t rights; /* BFS_RIGHT_* in proto.h */
	uint64_t mac;
};

static inline void bfs_wire_init(struct bfs_wire *w, const void *buf,
				 size_t len)
{
	w->pos = (uint8_t *)buf;
	w->end = len ? w->pos + len : w->pos; /* buf may be NULL then */
	w->err = 0;
}

/* 0, or -EBADMSG if anything did not fit. */
static inline int bfs_wire_end(const struct bfs_wire *w)
{
	return w->err;
}

/* One put and one get for each field type of proto.def. */
#define BFS_FIELD_TYPES(T) \
	T(u32, uint32_t) \
	T(u64, uint64_t) \
	T(i64, int64_t) \
	T(str, struct bfs_str) \
	T(time, struct bfs_time) \
	T(attr, struct bfs_attr) T(handle, struct bfs_handle)

#define T(name, type) \
	typedef type bfs_field_##name; \
	void bfs_put_##name(struct bfs_wire *w, type v); \
	type bfs_get_##name(struct bfs_wire *w);
BFS_FIELD_TYPES(T)
#undef T

#endif
