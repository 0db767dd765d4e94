/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define SEGMENT_MAGIC 0x31676f6c73666262u /* "bbfslog1" */
#define FRAME_MAGIC 0x4d415246u
#define SUMMED_SEGMENT 64u /* bytes before the checksum */
#define SUMMED_HEAD 24u
#define GONE (1u << 31)

void bfs_segment_put(uint8_t buf[BFS_SEGMENT_HEAD],
		     const struct bfs_segment_head *h)
{
	struct bfs_wire w;

	memset(buf, 0, BFS_SEGMENT_HEAD);
	bfs_wire_init(&w, buf, BFS_SEGMENT_HEAD);
	bfs_put_u64(&w, SEGMENT_MAGIC);
	bfs_put_u32(&w, BFS_SEGMENT_FORMAT);
	bfs_put_u32(&w, h->shard);
	bfs_put_u64(&w, h->cluster);
	bfs_put_u64(&w, h->number);
	bfs_put_u64(&w, h->first);
	bfs_put_u64(&w, h->boot[0]);
	bfs_put_u64(&w, h->boot[1]);
	bfs_put_u64(&w, 0);
	bfs_put_u64(&w, XXH3_64bits(buf, SUMMED_SEGMENT));
}

int bfs_segment_get(const uint8_t buf[BFS_SEGMENT_HEAD],
		    struct bfs_segment_head *h)
{
	struct bfs_wire w;
	uint32_t format;

	bfs_wire_init(&w, buf, BFS_SEGMENT_HEAD);
	if (bfs_get_u64(&w) != SEGMENT_MAGIC)
		return -EBADMSG;
	format = bfs_get_u32(&w);
	h->shard = bfs_get_u32(&w);
	h->cluster = bfs_get_u64(&w);
	h->number = bfs_get_u64(&w);
	h->first = bfs_get_u64(&w);
	h->boot[0] = bfs_get_u64(&w);
	h->boot[1] = bfs_get_u64(&w);
	bfs_get_u64(&w);
	if (bfs_get_u64(&w) != XXH3_64bits(buf, SUMMED_SEGMENT))
		return -EBADMSG;
	return format == BFS_SEGMENT_FORMAT ? 0 : -EPROTO;
}

void bfs_frame_seal(uint8_t *frame, const struct bfs_frame_head *h)
{
	size_t size = bfs_frame_size(h->len);
	struct bfs_wire w;

	bfs_wire_init(&w, frame, BFS_FRAME_HEAD);
	bfs_put_u32(&w, FRAME_MAGIC);
	bfs_put_u32(&w, h->len);
	bfs_put_u64(&w, h->seq);
	bfs_put_u64(&w, h->synced);
	bfs_put_u64(&w, XXH3_64bits(frame, SUMMED_HEAD));
	bfs_put_u64(&w, XXH3_64bits(frame + BFS_FRAME_HEAD, h->len));
	memset(frame + BFS_FRAME_HEAD + h->len, 0,
	       size - BFS_FRAME_HEAD - h->len);
}

enum bfs_frame_state bfs_frame_check(const uint8_t *p, size_t left,
				     struct bfs_frame_head *h)
{
	struct bfs_wire w;
	uint64_t sum;

	if (left < BFS_FRAME_HEAD)
		return BFS_FRAME_SHORT;
	bfs_wire_init(&w, p, BFS_FRAME_HEAD);
	if (bfs_get_u32(&w) != FRAME_MAGIC)
		return BFS_FRAME_BAD;
	h->len = bfs_get_u32(&w);
	h->seq = bfs_get_u64(&w);
	h->synced = bfs_get_u64(&w);
	if (bfs_get_u64(&w) != XXH3_64bits(p, SUMMED_HEAD))
		return BFS_FRAME_BAD;
	sum = bfs_get_u64(&w);
	if (h->len > BFS_FRAME_MAX)
		return BFS_FRAME_BAD;
	if (left < bfs_frame_size(h->len))
		return BFS_FRAME_SHORT;
	return XXH3_64bits(p + BFS_FRAME_HEAD, h->len) == sum ? BFS_FRAME_WHOLE
							      : BFS_FRAME_BAD;
}

int bfs_frame_records(const uint8_t *body, uint32_t len,
		      int (*fn)(void *arg, const struct bfs_record *r),
		      void *arg)
{
	struct bfs_wire w;
	int r = 0;

	bfs_wire_init(&w, body, len);
	while (!r && w.pos < w.end) {
		uint32_t n = bfs_get_u32(&w), kind = bfs_get_u32(&w);
		struct bfs_record rec = { .kind = kind & ~GONE,
					  .gone = kind & GONE };
		struct bfs_wire one;

		if (bfs_wire_end(&w) || n > (size_t)(w.end - w.pos))
			return -EBADMSG;
		bfs_wire_init(&one, w.pos, n);
		w.pos += n;
		r = bfs_record_get(&one, &rec);
		if (!r)
			r = fn(arg, &rec);
	}
	return r;
}

int bfs_frame_add(struct bfs_wire *w, const struct bfs_record *r)
{
	uint8_t *head = w->pos;
	struct bfs_wire h;
	int e;

	bfs_put_u64(w, 0);
	e = bfs_record_put(w, r);
	if (e)
		return e;
	bfs_wire_init(&h, head, BFS_FRAME_RECORD_HEAD);
	bfs_put_u32(&h, (uint32_t)(w->pos - head - BFS_FRAME_RECORD_HEAD));
	bfs_put_u32(&h, r->kind | (r->gone ? GONE : 0));
	return 0;
}

static bool put_digit(uint64_t id[2], unsigned n, char c)
{
	static const char hex[] = "0123456789abcdef";
	const char *at = c ? strchr(hex, c) : NULL;

	if (!at)
		return false;
	id[n / 16] = id[n / 16] << 4 | (uint64_t)(at - hex);
	return true;
}

int bfs_boot_id(uint64_t id[2])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned digits = 0;

	if (fd >= 0)
		close(fd);
	id[0] = id[1] = 0;
	for (ssize_t i = 0; i < n && digits < 32; i++)
		digits += put_digit(id, digits, text[i]);
	return digits == 32 ? 0 : -EIO;
}
