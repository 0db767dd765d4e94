/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading the log, and what to make of it when it is not whole.
 *
 * What a kill leaves is a frame that the file's end cuts off.  After a loss of
 * power anything may be missing that was not synced, and each frame says what
 * was synced before it.  All else is damage, and frames that were acknowledged
 * lie behind it: it is not for us to drop them.
 */
#include "server/jlog_impl.h"

#include "core/log.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
	const struct bfs_jlog_conf *conf;
	struct bfs_jlog_end *end;
	uint64_t boot[2];
	bfs_jlog_frame_fn *fn;
	void *arg;
	/* The segment at hand. */
	struct bfs_segment *seg;
	uint8_t *buf;
	size_t size;
	bool same_boot;
	uint64_t first; /* frame of it */
};

static int failed(const struct reading *r, const char *what)
{
	int err = errno;

	bfs_log(error, "cannot %s %s/log.%016" PRIx64 ": %m", what,
		r->conf->path, r->seg->number);
	return -err;
}

static int damaged(const struct reading *r, size_t at, const char *what)
{
	bfs_log(error,
		"%s/log.%016" PRIx64 ", offset %zu: %s; what was acknowledged "
		"after it would be lost, so nothing is changed: restore the "
		"data directory, or move it away and start with an empty one",
		r->conf->path, r->seg->number, at, what);
	return -EUCLEAN;
}

void bfs_segment_name(char name[BFS_SEGMENT_NAME], uint64_t number)
{
	snprintf(name, BFS_SEGMENT_NAME, "log.%016" PRIx64, number);
}

static int add_segment(struct bfs_jlog_end *end, uint64_t number)
{
	struct bfs_segment *s = realloc(end->seg, (end->nseg + 1) * sizeof(*s));

	if (!s)
		return -ENOMEM;
	end->seg = s;
	s[end->nseg++] = (struct bfs_segment){ .number = number };
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct bfs_segment *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int list_segments(struct reading *r, uint64_t last)
{
	int fd = openat(r->conf->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int err = 0;

	if (!d)
		return -errno;
	while (!err && (e = readdir(d))) {
		uint64_t number;
		char rest;

		if (sscanf(e->d_name, "log.%16" SCNx64 "%c", &number, &rest) ==
			    1 &&
		    strlen(e->d_name) == 20 && number <= last)
			err = add_segment(r->end, number);
	}
	closedir(d);
	if (r->end->nseg)
		qsort(r->end->seg, r->end->nseg, sizeof(*r->end->seg),
		      by_number);
	return err;
}

static int read_all(struct reading *r, int fd)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st))
		return failed(r, "stat");
	r->size = (size_t)st.st_size;
	r->buf = malloc(r->size + 1);
	if (!r->buf)
		return -ENOMEM;
	while (done < r->size) {
		ssize_t n =
			pread(fd, r->buf + done, r->size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(r, "read");
		done += (size_t)n;
	}
	return 0;
}

static int load(struct reading *r)
{
	char name[BFS_SEGMENT_NAME];
	int fd, e;

	free(r->buf);
	r->buf = NULL;
	r->size = 0;
	bfs_segment_name(name, r->seg->number);
	fd = openat(r->conf->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return failed(r, "open");
	e = read_all(r, fd);
	close(fd);
	r->seg->size = r->size;
	return e;
}

/* Is it ours?  1: its head was never written. */
static int check_head(struct reading *r, uint64_t after)
{
	struct bfs_segment_head h;
	int e = -EBADMSG;

	if (r->size >= BFS_SEGMENT_HEAD)
		e = bfs_segment_get(r->buf, &h);
	if (e == -EBADMSG && r->seg == &r->end->seg[r->end->nseg - 1] &&
	    r->size <= BFS_SEGMENT_HEAD)
		return 1;
	if (e == -EPROTO) {
		bfs_log(error,
			"%s/log.%016" PRIx64 " has another format than %u",
			r->conf->path, r->seg->number, BFS_SEGMENT_FORMAT);
		return e;
	}
	if (e || h.number != r->seg->number)
		return damaged(r, 0, "the head is not what was written");
	if (h.cluster != r->conf->cluster || h.shard != r->conf->shard)
		return damaged(r, 0, "it is another cluster's, or shard's");
	if (h.first > BFS_MAX(r->end->seq, after) + 1)
		return damaged(r, 0,
			       "what came before it is missing, log or "
			       "checkpoint");
	r->first = h.first;
	r->same_boot = !memcmp(h.boot, r->boot, sizeof(h.boot));
	r->end->other_boot |= !r->same_boot;
	return 0;
}

/* The last frame that frames from offset `at` of this segment on say is on
 * disk.  found: there are whole ones. */
static uint64_t promised(const struct reading *r, size_t at, uint64_t expected,
			 bool *found)
{
	struct bfs_frame_head h;
	uint64_t most = 0;

	for (; at + BFS_FRAME_HEAD <= r->size; at += 8) {
		if (bfs_frame_check(r->buf + at, r->size - at, &h) !=
			    BFS_FRAME_WHOLE ||
		    h.seq < expected)
			continue;
		*found = true;
		most = BFS_MAX(most, h.synced);
		at += bfs_frame_size(h.len) - 8;
	}
	return most;
}

/* ... in the segments behind this one. */
static int promised_later(struct reading *r, uint64_t expected, bool *found,
			  uint64_t *most)
{
	struct bfs_segment *here = r->seg;
	struct bfs_segment *stop = r->end->seg + r->end->nseg;
	int e = 0;

	for (r->seg++; !e && r->seg < stop; r->seg++) {
		uint64_t m;

		e = load(r);
		if (e)
			break;
		m = promised(r, BFS_SEGMENT_HEAD, expected, found);
		*most = BFS_MAX(*most, m);
	}
	r->seg = here;
	return e;
}

/*
 * The frame at that offset is not there.  0: it may be cut off, and all
 * behind it.
 */
static int judge(struct reading *r, size_t at, enum bfs_frame_state state,
		 uint64_t expected)
{
	bool found = false, same = r->same_boot;
	uint64_t most = promised(r, at, expected, &found);
	int e = promised_later(r, expected, &found, &most);

	if (e)
		return e;
	/* Pages that were written stay what they are while the kernel runs:
	 * what is all there is no torn tail. */
	if (same && (found || state == BFS_FRAME_BAD))
		return damaged(r, at, "a frame is damaged");
	if (most >= expected)
		return damaged(r, at,
			       "a frame is missing that had been synced");
	return 0;
}

static void tell_cut(const struct reading *r, size_t at)
{
	if (r->size > at)
		bfs_log(warn,
			"%s/log.%016" PRIx64
			": cut off at offset %zu of %zu: the last change had "
			"not been written whole, and was never acknowledged",
			r->conf->path, r->seg->number, at, r->size);
}

/* 0: go on with the next segment; 1: the log ends here. */
static int read_frames(struct reading *r, uint64_t after)
{
	size_t at = BFS_SEGMENT_HEAD;

	while (at < r->size) {
		struct bfs_frame_head h;
		enum bfs_frame_state state =
			bfs_frame_check(r->buf + at, r->size - at, &h);
		int e = 0;

		if (state == BFS_FRAME_WHOLE && r->end->seq &&
		    h.seq != r->end->seq + 1)
			return damaged(r, at, "frames are missing before it");
		if (state == BFS_FRAME_WHOLE && !r->end->seq &&
		    h.seq > after + 1)
			return damaged(r, at, "frames are missing before it");
		if (state != BFS_FRAME_WHOLE) {
			e = judge(r, at, state,
				  r->end->seq ? r->end->seq + 1 : r->first);
			r->end->cut = at;
			r->end->cut_segment = r->seg->number;
			return e ? e : 1;
		}
		r->end->seq = h.seq;
		if (h.seq > after)
			e = r->fn(r->arg, &h, r->buf + at + BFS_FRAME_HEAD);
		if (e == -EBADMSG)
			return damaged(r, at, "a record cannot be read");
		if (e)
			return e;
		at += bfs_frame_size(h.len);
	}
	return 0;
}

static int read_segments(struct reading *r, uint64_t after)
{
	int e = 0;

	for (size_t n = 0; !e && n < r->end->nseg; n++) {
		r->seg = &r->end->seg[n];
		e = load(r);
		if (!e)
			e = check_head(r, after);
		if (e == 1) { /* the daemon ended while it made it */
			r->end->cut = 0;
			r->end->cut_segment = r->seg->number;
			break;
		}
		if (!e)
			e = read_frames(r, after);
		if (e == 1)
			tell_cut(r, r->end->cut);
	}
	return e == 1 ? 0 : e;
}

int bfs_jlog_scan(const struct bfs_jlog_conf *conf, uint64_t after,
		  uint64_t last, bfs_jlog_frame_fn *fn, void *arg,
		  struct bfs_jlog_end *end)
{
	struct reading r = { .conf = conf, .end = end, .fn = fn, .arg = arg };
	int e;

	*end = (struct bfs_jlog_end){ .cut_segment = UINT64_MAX };
	e = bfs_boot_id(r.boot);
	if (!e)
		e = list_segments(&r, last);
	if (!e)
		e = read_segments(&r, after);
	free(r.buf);
	if (end->seq < after)
		end->seq = after;
	return e;
}

int bfs_jlog_read(const struct bfs_jlog_conf *conf, uint64_t after,
		  uint64_t last, bfs_jlog_frame_fn *fn, void *arg)
{
	struct bfs_jlog_end end;
	int e = bfs_jlog_scan(conf, after, last, fn, arg, &end);

	free(end.seg);
	return e;
}
