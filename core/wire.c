/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/wire.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Claim the next n bytes, or NULL and a sticky error. */
static void *take(struct bfs_wire *w, size_t n)
{
	uint8_t *p = w->pos;

	if (w->err)
		return NULL;
	if (n > (size_t)(w->end - w->pos)) {
		w->err = -EBADMSG;
		return NULL;
	}
	w->pos += n;
	return p;
}

void bfs_put_u32(struct bfs_wire *w, uint32_t v)
{
	void *p = take(w, sizeof(v));

	v = htole32(v);
	if (p)
		memcpy(p, &v, sizeof(v));
}

void bfs_put_u64(struct bfs_wire *w, uint64_t v)
{
	void *p = take(w, sizeof(v));

	v = htole64(v);
	if (p)
		memcpy(p, &v, sizeof(v));
}

void bfs_put_i64(struct bfs_wire *w, int64_t v)
{
	bfs_put_u64(w, (uint64_t)v);
}

void bfs_put_str(struct bfs_wire *w, struct bfs_str v)
{
	void *p;

	bfs_put_u32(w, v.len);
	p = take(w, v.len);
	if (p && v.len)
		memcpy(p, v.ptr, v.len);
}

void bfs_put_time(struct bfs_wire *w, struct bfs_time v)
{
	bfs_put_i64(w, v.sec);
	bfs_put_u32(w, v.nsec);
}

void bfs_put_attr(struct bfs_wire *w, struct bfs_attr v)
{
	bfs_put_u64(w, v.ino);
	bfs_put_u32(w, v.mode);
	bfs_put_u32(w, v.nlink);
	bfs_put_u32(w, v.uid);
	bfs_put_u32(w, v.gid);
	bfs_put_u64(w, v.rdev);
	bfs_put_u64(w, v.size);
	bfs_put_u64(w, v.blocks);
	bfs_put_time(w, v.atime);
	bfs_put_time(w, v.mtime);
	bfs_put_time(w, v.ctime);
	bfs_put_time(w, v.btime);
}

void bfs_put_handle(struct bfs_wire *w, struct bfs_handle v)
{
	bfs_put_u64(w, v.ino);
	bfs_put_u32(w, v.rights);
	bfs_put_u64(w, v.mac);
}

uint32_t bfs_get_u32(struct bfs_wire *w)
{
	void *p = take(w, sizeof(uint32_t));
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

uint64_t bfs_get_u64(struct bfs_wire *w)
{
	void *p = take(w, sizeof(uint64_t));
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

int64_t bfs_get_i64(struct bfs_wire *w)
{
	return (int64_t)bfs_get_u64(w);
}

struct bfs_str bfs_get_str(struct bfs_wire *w)
{
	uint32_t len = bfs_get_u32(w);
	const char *p = take(w, len);

	return (struct bfs_str){ p, p ? len : 0 };
}

struct bfs_time bfs_get_time(struct bfs_wire *w)
{
	struct bfs_time v;

	v.sec = bfs_get_i64(w);
	v.nsec = bfs_get_u32(w);
	return v;
}

struct bfs_attr bfs_get_attr(struct bfs_wire *w)
{
	struct bfs_attr v;

	v.ino = bfs_get_u64(w);
	v.mode = bfs_get_u32(w);
	v.nlink = bfs_get_u32(w);
	v.uid = bfs_get_u32(w);
	v.gid = bfs_get_u32(w);
	v.rdev = bfs_get_u64(w);
	v.size = bfs_get_u64(w);
	v.blocks = bfs_get_u64(w);
	v.atime = bfs_get_time(w);
	v.mtime = bfs_get_time(w);
	v.ctime = bfs_get_time(w);
	v.btime = bfs_get_time(w);
	return v;
}

struct bfs_handle bfs_get_handle(struct bfs_wire *w)
{
	struct bfs_handle v;

	v.ino = bfs_get_u64(w);
	v.rights = bfs_get_u32(w);
	v.mac = bfs_get_u64(w);
	return v;
}
