/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/place.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/*
 * Virtual nodes of a member.  The shares of 64 members spread by
 * 1 / sqrt(VNODES) around the even one: 1.6 %, so that the largest of them
 * stays within 10 %.  A point takes 4 bytes: 1,000 members take 20 MB.
 */
#define VNODES 4096

/* A point's place on the ring has bits + 16 bits.  The upper are its bucket. */
#define MIN_BITS 12
#define LOW_BITS 16
#define POINTS 4 /* in a bucket, on average, at most */

/* The digits at *s without leading zeros; *s ends up behind them. */
static size_t number(const char **s, const char **digits)
{
	while (**s == '0')
		++*s;
	*digits = *s;
	while (isdigit((unsigned char)**s))
		++*s;
	return (size_t)(*s - *digits);
}

static int order_numbers(const char **a, const char **b)
{
	const char *x, *y;
	size_t n = number(a, &x), m = number(b, &y);

	if (n != m)
		return n < m ? -1 : 1;
	return memcmp(x, y, n);
}

int bfs_place_order(const char *a, const char *b)
{
	const char *p = a, *q = b;
	int r = 0;

	while (!r && *p && *q) {
		if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
			r = order_numbers(&p, &q);
			continue;
		}
		r = (unsigned char)*p - (unsigned char)*q;
		p++;
		q++;
	}
	if (!r)
		r = (unsigned char)*p - (unsigned char)*q;
	/* 01 and 1 are two names of one number */
	return r ? r : strcmp(a, b);
}

/* The place of the k-th virtual node on the ring. */
static uint64_t vnode(uint64_t member, uint64_t k)
{
	return XXH3_64bits_withSeed(&k, sizeof(k), member);
}

static uint32_t bucket_of(const struct bfs_place *p, uint64_t hash)
{
	return (uint32_t)(hash >> (64 - p->bits));
}

static uint32_t low_of(const struct bfs_place *p, uint64_t hash)
{
	return (uint32_t)(hash >> (64 - LOW_BITS - p->bits)) & 0xffff;
}

/* Few points in each bucket: this is fast, and it needs no room. */
static void sort(uint32_t *points, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint32_t point = points[i], at = i;

		for (; at && points[at - 1] > point; at--)
			points[at] = points[at - 1];
		points[at] = point;
	}
}

/*
 * A counting sort: first[b] counts the points of bucket b, then is its end,
 * and goes down to its start as they are put in.
 */
static void fill(struct bfs_place *p, const uint64_t *members)
{
	uint32_t buckets = 1u << p->bits;

	for (unsigned m = 0; m < p->n; m++)
		for (uint64_t k = 0; k < VNODES; k++)
			p->first[bucket_of(p, vnode(members[m], k))]++;
	for (uint32_t b = 1; b <= buckets; b++)
		p->first[b] += p->first[b - 1];
	for (unsigned m = 0; m < p->n; m++) {
		for (uint64_t k = 0; k < VNODES; k++) {
			uint64_t hash = vnode(members[m], k);
			uint32_t at = --p->first[bucket_of(p, hash)];

			p->points[at] = low_of(p, hash) << 16 | m;
		}
	}
	for (uint32_t b = 0; b < buckets; b++)
		sort(p->points + p->first[b], p->first[b + 1] - p->first[b]);
}

static int build(struct bfs_place *p, const char *const *names)
{
	BFS_AUTOFREE uint64_t *members = malloc(p->n * sizeof(*members));

	p->npoints = p->n * VNODES;
	p->bits = MIN_BITS;
	while (p->npoints >> p->bits > POINTS)
		p->bits++;
	p->first = calloc((1u << p->bits) + 1, sizeof(*p->first));
	p->points = malloc(p->npoints * sizeof(*p->points));
	if (!members || !p->first || !p->points)
		return -ENOMEM;
	for (unsigned m = 0; m < p->n; m++)
		members[m] = XXH3_64bits(names[m], strlen(names[m]));
	fill(p, members);
	return 0;
}

int bfs_place_new(struct bfs_place **out, const char *const *names, unsigned n)
{
	struct bfs_place *p;
	int r = 0;

	*out = NULL;
	if (!n || n > BFS_PLACE_MAX)
		return -EINVAL;
	for (unsigned m = 1; m < n; m++)
		if (bfs_place_order(names[m - 1], names[m]) >= 0)
			return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->n = n;
	if (n > 1)
		r = build(p, names);
	if (r)
		bfs_place_free(p);
	else
		*out = p;
	return r;
}

void bfs_place_free(struct bfs_place *p)
{
	if (!p)
		return;
	free(p->first);
	free(p->points);
	free(p);
}

/* The first point at or behind the name's place. */
unsigned bfs_place_find(const struct bfs_place *p, uint64_t dir_ino,
			struct bfs_str name)
{
	uint64_t hash = XXH3_64bits_withSeed(name.ptr, name.len, dir_ino);
	uint32_t bucket = bucket_of(p, hash), low = low_of(p, hash) << 16;
	uint32_t at = p->first[bucket], end = p->first[bucket + 1];

	while (at < end && p->points[at] < low)
		at++;
	return p->points[at < p->npoints ? at : 0] & 0xffff;
}
