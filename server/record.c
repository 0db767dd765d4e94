/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/record.h"

#include "core/util.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* What a field takes on the wire, at most. */
#define SIZE_u32(v) (4u + 0 * sizeof(v))
#define SIZE_u64(v) (8u + 0 * sizeof(v))
#define SIZE_i64(v) (8u + 0 * sizeof(v))
#define SIZE_time(v) (12u + 0 * sizeof(v))
#define SIZE_attr(v) (96u + 0 * sizeof(v))
#define SIZE_handle(v) (20u + 0 * sizeof(v))
#define SIZE_str(v) (4u + (v).len)

size_t bfs_record_size(const struct bfs_record *r)
{
	switch (r->kind) {
#define K(type, field) +SIZE_##type(m->field)
#define F(type, field) +(r->gone ? 0u : SIZE_##type(m->field))
#define RECORD(num, NAME, name, taker, under, key, other) \
	case BFS_RECORD_##NAME: { \
		const struct bfs_rec_##name *m = &r->name; \
		return 0u key other; \
	}
#include "server/journal.def"
#undef RECORD
#undef K
#undef F
	}
	return 0;
}

#define K(type, field) bfs_put_##type(w, m->field);
#define F(type, field) bfs_put_##type(w, m->field);
#define RECORD(num, NAME, name, taker, under, key, other) \
	static void put_##name(struct bfs_wire *w, \
			       const struct bfs_rec_##name *m, bool gone) \
	{ \
		key if (gone) return; \
		other \
	}
#include "server/journal.def"
#undef RECORD
#undef K
#undef F

#define K(type, field) m->field = bfs_get_##type(w);
#define F(type, field) m->field = bfs_get_##type(w);
#define RECORD(num, NAME, name, taker, under, key, other) \
	static void get_##name(struct bfs_wire *w, struct bfs_rec_##name *m, \
			       bool gone) \
	{ \
		key if (gone) return; \
		other \
	}
#include "server/journal.def"
#undef RECORD
#undef K
#undef F

int bfs_record_put(struct bfs_wire *w, const struct bfs_record *r)
{
	switch (r->kind) {
#define RECORD(num, NAME, name, taker, under, key, other) \
	case BFS_RECORD_##NAME: \
		put_##name(w, &r->name, r->gone); \
		return bfs_wire_end(w);
#include "server/journal.def"
#undef RECORD
	}
	return -EBADMSG;
}

int bfs_record_get(struct bfs_wire *w, struct bfs_record *r)
{
	switch (r->kind) {
#define RECORD(num, NAME, name, taker, under, key, other) \
	case BFS_RECORD_##NAME: \
		get_##name(w, &r->name, r->gone); \
		break;
#include "server/journal.def"
#undef RECORD
	default:
		return -EBADMSG;
	}
	return bfs_wire_end(w) || w->pos != w->end ? -EBADMSG : 0;
}

/* Big-endian, so that bytes compare as numbers do. */
static uint8_t *key_u64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *key_u32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *key_str(uint8_t *p, struct bfs_str v)
{
	size_t n = BFS_MIN(v.len, 255u);

	if (n)
		memcpy(p, v.ptr, n);
	return p + n;
}

size_t bfs_record_key(const struct bfs_record *r,
		      uint8_t key_[BFS_RECORD_KEY_MAX])
{
	uint8_t *p = key_;

	*p++ = (uint8_t)r->kind;
	switch (r->kind) {
#define K(type, field) p = key_##type(p, m->field);
#define F(type, field)
#define RECORD(num, NAME, name, taker, under, key, other) \
	case BFS_RECORD_##NAME: { \
		const struct bfs_rec_##name *m = &r->name; \
		key break; \
	}
#include "server/journal.def"
#undef RECORD
#undef K
#undef F
	}
	return (size_t)(p - key_);
}

uint32_t bfs_record_below(uint32_t kind)
{
	static const uint8_t above[BFS_RECORD_LIMIT] = {
#define RECORD(num, NAME, name, taker, under, key, other) \
	[num] = BFS_RECORD_##under,
#include "server/journal.def"
#undef RECORD
	};

	for (uint32_t k = 1; kind && k < BFS_RECORD_LIMIT; k++)
		if (above[k] == kind)
			return k;
	return 0;
}

#define TAKER_FS true
#define TAKER_KEPT false

bool bfs_record_of_fs(uint32_t kind)
{
	switch (kind) {
#define RECORD(num, NAME, name, taker, under, key, other) \
	case num: \
		return TAKER_##taker;
#include "server/journal.def"
#undef RECORD
	}
	return false;
}

const char *bfs_record_name(uint32_t kind)
{
	switch (kind) {
#define RECORD(num, NAME, name, taker, under, key, other) \
	case num: \
		return #name;
#include "server/journal.def"
#undef RECORD
	}
	return "unknown";
}
