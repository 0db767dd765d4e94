/* SPDX-License-Identifier: BSD-3-Clause */
/* Records that are found at the start and wait for whom they concern. */
#include "server/hash.h"
#include "server/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct bfs_kept {
	UT_hash_handle hh;
	uint32_t kind;
	uint32_t key_len, len;
	uint8_t data[]; /* the key, then the fields */
};

static void drop(struct bfs_journal *j, struct bfs_kept *k)
{
	HASH_DEL(j->kept, k);
	free(k);
}

/* What lies under a record goes with it: its key begins with the same number.
 */
static void drop_below(struct bfs_journal *j, const struct bfs_kept *of,
		       uint32_t below)
{
	struct bfs_kept *k, *next;

	HASH_ITER(hh, j->kept, k, next)
	if (k->kind == below && !memcmp(k->data + 1, of->data + 1, 8))
		drop(j, k);
}

int bfs_kept_put(struct bfs_journal *j, const struct bfs_record *r)
{
	uint8_t key[BFS_RECORD_KEY_MAX];
	uint32_t key_len = (uint32_t)bfs_record_key(r, key);
	uint32_t below = bfs_record_below(r->kind);
	size_t size = bfs_record_size(r);
	struct bfs_kept *k;
	struct bfs_wire w;

	HASH_FIND(hh, j->kept, key, key_len, k);
	if (k && r->gone && below)
		drop_below(j, k, below);
	if (k)
		drop(j, k);
	if (r->gone)
		return 0;
	k = malloc(sizeof(*k) + key_len + size);
	if (!k)
		return -ENOMEM;
	k->kind = r->kind;
	k->key_len = key_len;
	memcpy(k->data, key, key_len);
	bfs_wire_init(&w, k->data + key_len, size);
	if (bfs_record_put(&w, r)) {
		free(k);
		return -EBADMSG;
	}
	k->len = (uint32_t)(w.pos - (k->data + key_len));
	HASH_ADD_KEYPTR(hh, j->kept, k->data, k->key_len, k);
	if (bfs_hashed(k))
		return 0;
	free(k);
	return -ENOMEM;
}

void bfs_journal_each(struct bfs_journal *j, uint32_t kind,
		      void (*fn)(void *arg, const struct bfs_record *r),
		      void *arg)
{
	struct bfs_kept *k, *next;

	HASH_ITER(hh, j->kept, k, next)
	{
		struct bfs_record r = { .kind = kind };
		struct bfs_wire w;

		if (k->kind != kind)
			continue;
		bfs_wire_init(&w, k->data + k->key_len, k->len);
		if (!bfs_record_get(&w, &r))
			fn(arg, &r);
	}
}

void bfs_journal_forget_kept(struct bfs_journal *j)
{
	struct bfs_kept *k, *next;

	HASH_ITER(hh, j->kept, k, next)
	drop(j, k);
}
