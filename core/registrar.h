/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a member hands out its record over TCP, to those who hold the secret:
 *
 *	member	greeting: magic, version, secret's number, nonce
 *	asker	request: secret's number, nonce, MAC over both nonces
 *	member	reply: status, length, MAC over both nonces and the record;
 *		then the record
 *
 * and nothing else, after which the connection is closed.  The record is no
 * secret; that both show that they have the secret keeps strangers from making
 * the daemons work, and wrong addresses away.  Any thread.
 */
#ifndef BFS_REGISTRAR_H
#define BFS_REGISTRAR_H

#include "core/members.h"

#define BFS_REGISTRAR_MAGIC 0x3147455253464242ull
#define BFS_REGISTRAR_VERSION 1
#define BFS_NONCE_LEN 16
#define BFS_GREETING_LEN (16 + BFS_NONCE_LEN)
#define BFS_ASK_LEN (16 + BFS_NONCE_LEN)
#define BFS_REPLY_HEAD_LEN 16
#define BFS_REGISTRAR_NS 5000000000ull /* one exchange takes at most */

struct bfs_greeting {
	uint64_t magic;
	uint32_t version, key;
	uint8_t nonce[BFS_NONCE_LEN];
};

struct bfs_ask {
	uint32_t key;
	uint8_t nonce[BFS_NONCE_LEN];
	uint64_t mac;
};

struct bfs_record_reply {
	uint32_t status, len; /* status: 0 or a positive errno */
	uint64_t mac;
};

void bfs_greeting_put(uint8_t buf[BFS_GREETING_LEN],
		      const struct bfs_greeting *g);
struct bfs_greeting bfs_greeting_get(const uint8_t buf[BFS_GREETING_LEN]);
void bfs_ask_put(uint8_t buf[BFS_ASK_LEN], const struct bfs_ask *a);
struct bfs_ask bfs_ask_get(const uint8_t buf[BFS_ASK_LEN]);
void bfs_record_reply_put(uint8_t buf[BFS_REPLY_HEAD_LEN],
			  const struct bfs_record_reply *r);
struct bfs_record_reply
bfs_record_reply_get(const uint8_t buf[BFS_REPLY_HEAD_LEN]);

/* Over the member's nonce, the asker's, and what the reply carries. */
uint64_t bfs_registrar_mac(const uint8_t secret[BFS_SECRET_LEN],
			   const uint8_t member[BFS_NONCE_LEN],
			   const uint8_t asker[BFS_NONCE_LEN],
			   const void *record, size_t len);

/* Where the member of that shard listens, in the back-end `hosts`. */
struct sockaddr_storage;
const struct sockaddr_storage *bfs_hosts_address(const struct bfs_members *l,
						 unsigned shard);

#endif
