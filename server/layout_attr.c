/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/layout_attr.h"

#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OURS "user.benchfs."

static const struct attr {
	unsigned own;
	const char *name;
} attrs[] = { { BFS_LAYOUT_OWN_POLICY, OURS "placement" },
	      { BFS_LAYOUT_OWN_CHUNK, OURS "chunk_size" } };

unsigned bfs_layout_attr(struct bfs_str name)
{
	for (size_t n = 0; n < BFS_COUNT(attrs); n++)
		if (name.len == strlen(attrs[n].name) &&
		    !memcmp(name.ptr, attrs[n].name, name.len))
			return attrs[n].own;
	return 0;
}

const char *bfs_layout_attr_name(unsigned own)
{
	return attrs[own == BFS_LAYOUT_OWN_CHUNK].name;
}

bool bfs_layout_reserved(struct bfs_str name)
{
	return name.len >= strlen(OURS) &&
	       !memcmp(name.ptr, OURS, strlen(OURS));
}

static int parse_policy(struct bfs_layout *l, const char *text)
{
	for (unsigned n = 0; n < BFS_POLICIES; n++)
		if (!strcmp(text, bfs_policy_name(n))) {
			l->policy = (uint8_t)n;
			l->own |= BFS_LAYOUT_OWN_POLICY;
			return 0;
		}
	return -EINVAL;
}

/* "4194304", "4M": as storage.chunk_size. */
static int parse_chunk(struct bfs_layout *l, const char *text)
{
	static const char units[] = "KMG";
	const char *unit;
	uint64_t v = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9' && v < UINT32_MAX; text++)
		v = 10 * v + (uint64_t)(*text - '0');
	unit = *text ? strchr(units, *text == 'k' ? 'K' : *text) : NULL;
	if (unit) {
		v <<= 10 * (unit - units + 1);
		text++;
		if (!strcmp(text, "iB"))
			text += 2;
	}
	if (*text || !v || v & (v - 1) || v < 1ull << BFS_CHUNK_LOG2_MIN ||
	    v > 1ull << BFS_CHUNK_LOG2_MAX)
		return -EINVAL;
	l->chunk_log2 = __builtin_ctzll(v) & 63;
	l->own |= BFS_LAYOUT_OWN_CHUNK;
	return 0;
}

int bfs_layout_parse(struct bfs_layout *l, unsigned own, const void *value,
		     size_t len)
{
	char text[BFS_LAYOUT_TEXT];

	if (len >= sizeof(text) || memchr(value, 0, len))
		return -EINVAL;
	memcpy(text, value, len);
	text[len] = '\0';
	return own == BFS_LAYOUT_OWN_POLICY ? parse_policy(l, text)
					    : parse_chunk(l, text);
}

size_t bfs_layout_text(struct bfs_layout l, unsigned own,
		       char text[BFS_LAYOUT_TEXT])
{
	int n;

	if (own == BFS_LAYOUT_OWN_POLICY)
		n = snprintf(text, BFS_LAYOUT_TEXT, "%s",
			     bfs_policy_name(l.policy));
	else
		n = snprintf(text, BFS_LAYOUT_TEXT, "%llu",
			     (unsigned long long)bfs_layout_chunk(l));
	return (size_t)n;
}
