/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/registrar.h"

#include "core/siphash.h"
#include "core/wire.h"

#include <string.h>

static void put_nonce(struct bfs_wire *w, const uint8_t nonce[BFS_NONCE_LEN])
{
	memcpy(w->pos, nonce, BFS_NONCE_LEN);
	w->pos += BFS_NONCE_LEN;
}

static void get_nonce(struct bfs_wire *w, uint8_t nonce[BFS_NONCE_LEN])
{
	memcpy(nonce, w->pos, BFS_NONCE_LEN);
	w->pos += BFS_NONCE_LEN;
}

void bfs_greeting_put(uint8_t buf[BFS_GREETING_LEN],
		      const struct bfs_greeting *g)
{
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_GREETING_LEN);
	bfs_put_u64(&w, g->magic);
	bfs_put_u32(&w, g->version);
	bfs_put_u32(&w, g->key);
	put_nonce(&w, g->nonce);
}

struct bfs_greeting bfs_greeting_get(const uint8_t buf[BFS_GREETING_LEN])
{
	struct bfs_greeting g;
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_GREETING_LEN);
	g.magic = bfs_get_u64(&w);
	g.version = bfs_get_u32(&w);
	g.key = bfs_get_u32(&w);
	get_nonce(&w, g.nonce);
	return g;
}

void bfs_ask_put(uint8_t buf[BFS_ASK_LEN], const struct bfs_ask *a)
{
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_ASK_LEN);
	bfs_put_u32(&w, a->key);
	bfs_put_u32(&w, 0);
	put_nonce(&w, a->nonce);
	bfs_put_u64(&w, a->mac);
}

struct bfs_ask bfs_ask_get(const uint8_t buf[BFS_ASK_LEN])
{
	struct bfs_ask a;
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_ASK_LEN);
	a.key = bfs_get_u32(&w);
	bfs_get_u32(&w);
	get_nonce(&w, a.nonce);
	a.mac = bfs_get_u64(&w);
	return a;
}

void bfs_record_reply_put(uint8_t buf[BFS_REPLY_HEAD_LEN],
			  const struct bfs_record_reply *r)
{
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_REPLY_HEAD_LEN);
	bfs_put_u32(&w, r->status);
	bfs_put_u32(&w, r->len);
	bfs_put_u64(&w, r->mac);
}

struct bfs_record_reply
bfs_record_reply_get(const uint8_t buf[BFS_REPLY_HEAD_LEN])
{
	struct bfs_record_reply r;
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_REPLY_HEAD_LEN);
	r.status = bfs_get_u32(&w);
	r.len = bfs_get_u32(&w);
	r.mac = bfs_get_u64(&w);
	return r;
}

uint64_t bfs_registrar_mac(const uint8_t secret[BFS_SECRET_LEN],
			   const uint8_t member[BFS_NONCE_LEN],
			   const uint8_t asker[BFS_NONCE_LEN],
			   const void *record, size_t len)
{
	/* What is long goes in by its own MAC, so that this has one size. */
	uint64_t digest = len ? bfs_siphash(secret, record, len) : 0;
	uint8_t text[2 * BFS_NONCE_LEN + 2 * sizeof(uint64_t)];
	struct bfs_wire w;

	bfs_wire_init(&w, text, sizeof(text));
	put_nonce(&w, member);
	put_nonce(&w, asker);
	bfs_put_u64(&w, len);
	bfs_put_u64(&w, digest);
	return bfs_siphash(secret, text, sizeof(text));
}
