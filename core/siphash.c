/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static uint64_t load(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static void compress(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

uint64_t bfs_siphash(const uint8_t key[BFS_SIPHASH_KEY_LEN], const void *data,
		     size_t len)
{
	uint64_t k0 = load(key), k1 = load(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
			  k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	const uint8_t *p = data;
	uint8_t tail[8] = { 0 };
	size_t left;

	for (left = len; left >= 8; left -= 8, p += 8)
		compress(v, load(p));
	if (left)
		memcpy(tail, p, left);
	tail[7] = (uint8_t)len;
	compress(v, load(tail));
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
