/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one program passes on to the next across exec, as one variable:
 *   c<ino>.<rights>.<mac>;f<fd>.<kind>.<slot>.<gen>.<arena>.<ino>.
 *   <rights>.<mac>.<oflags>.<data ino>.<offset>;...        all numbers hex
 *   l<inodes with POSIX locks>;d<ino>.<rights>.<mac>;
 * where d is a descriptor with CLOEXEC, whose close drops such locks.
 */
#include "core/sys.h"
#include "preload/fd.h"
#include "preload/lock.h"
#include "preload/ops.h"
#include "preload/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NUMBERS 11

struct text {
	char *pos, *end;
	bool full;
};

static void put(struct text *t, char tag, const uint64_t *v, int n)
{
	char item[NUMBERS * 17 + 4], *p = item;

	*p++ = tag;
	for (int i = 0; i < n; i++)
		p += sprintf(p, i ? ".%llx" : "%llx", (unsigned long long)v[i]);
	*p++ = ';';
	if (t->end - t->pos <= p - item) {
		t->full = true;
		return;
	}
	memcpy(t->pos, item, (size_t)(p - item));
	t->pos += p - item;
}

/* The descriptor fd, as number. */
static void put_fd(struct text *t, int number, int fd)
{
	const struct bfs_desc *d = bfs_fd_desc(fd);
	uint64_t v[NUMBERS] = { (uint64_t)number,
				d->kind,
				bfs_fd_slot(fd),
				bfs_desc_gen(d),
				bfs_fd_arena_ino(fd),
				d->ino,
				d->rights,
				d->mac,
				d->oflags,
				d->data_ino,
				d->offset };

	put(t, 'f', v, NUMBERS);
}

static void put_handle(struct text *t, char tag, struct bfs_handle h)
{
	uint64_t v[3] = { h.ino, h.rights, h.mac };

	put(t, tag, v, 3);
}

static void put_cwd(struct text *t)
{
	if (bfs_cwd_ours)
		put_handle(t, 'c', bfs_cwd_handle());
}

static void put_locks(struct text *t)
{
	uint64_t inodes = bfs_lock_inodes();

	if (inodes)
		put(t, 'l', &inodes, 1);
}

static int finish(struct text *t, const char *buf)
{
	if (t->full)
		return -E2BIG;
	*t->pos = '\0';
	return (int)(t->pos - buf);
}

int bfs_state_write(char *buf, size_t size)
{
	struct text t = { buf, buf + size, false };

	put_cwd(&t);
	put_locks(&t);
	for (int fd = 0; fd < bfs_fd_high(); fd++) {
		const struct bfs_desc *d = bfs_fd_desc(fd);
		int flags = d ? bfs_sys_fcntl(fd, F_GETFD, 0) : -1;

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			put_fd(&t, fd, fd);
		else if (flags >= 0 && bfs_lock_to_drop(d))
			put_handle(&t, 'd', bfs_desc_handle(d));
	}
	return finish(&t, buf);
}

int bfs_state_write_as(char *buf, size_t size, const int *from, int n)
{
	struct text t = { buf, buf + size, false };

	put_cwd(&t);
	for (int i = 0; i < n; i++)
		if (from[i] >= 0 && bfs_fd_desc(from[i]))
			put_fd(&t, i, from[i]);
	return finish(&t, buf);
}

/* "1f.2.3;": the numbers, and where the next item starts; NULL: malformed. */
static const char *take(const char *p, uint64_t *v, int *n)
{
	for (*n = 0; *n < NUMBERS;) {
		uint64_t x = 0;

		for (;; p++) {
			int digit = *p >= '0' && *p <= '9'   ? *p - '0'
				    : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
							     : -1;

			if (digit < 0)
				break;
			x = x << 4 | (uint64_t)digit;
		}
		v[(*n)++] = x;
		if (*p == ';')
			return p + 1;
		if (*p++ != '.')
			return NULL;
	}
	return NULL;
}

static void restore_fd(const uint64_t *v)
{
	struct bfs_desc d = { .kind = (uint32_t)v[1],
			      .ino = v[5],
			      .rights = (uint32_t)v[6],
			      .mac = v[7],
			      .data_ino = v[9],
			      .life_slot = (uint32_t)v[2],
			      .life_gen = (uint32_t)v[3],
			      .life = v[4] };

	d.word = BFS_DESC_WORD(d.life_gen, BFS_DESC_USED);
	d.oflags = (uint32_t)v[8];
	d.offset = v[10];
	if (d.kind < BFS_KIND_PASS || d.kind > BFS_KIND_PATH)
		return;
	bfs_fd_restore((int)v[0], &d);
	if (d.kind == BFS_KIND_FILE && v[0] <= 2)
		bfs_stdio_prepare();
}

static struct bfs_handle handle_of(const uint64_t *v)
{
	return (struct bfs_handle){ v[0], (uint32_t)v[1], v[2] };
}

void bfs_state_read(const char *p)
{
	uint64_t v[NUMBERS];
	char tag;
	int n;

	while (p && *p) {
		tag = *p;
		p = take(p + 1, v, &n);
		if (!p)
			return;
		if (tag == 'c' && n == 3)
			bfs_cwd_set(handle_of(v));
		else if (tag == 'd' && n == 3)
			bfs_lock_closed(handle_of(v));
		else if (tag == 'l' && n == 1)
			bfs_lock_set_inodes(v[0]);
		else if (tag == 'f' && n == NUMBERS)
			restore_fd(v);
	}
}
