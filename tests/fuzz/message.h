/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages out of the bytes of an input: fields that mostly mean something
 * (names and handles that there are, small numbers, limits), so that what lies
 * behind the first check is reached too.
 */
#ifndef BFS_TESTS_FUZZ_MESSAGE_H
#define BFS_TESTS_FUZZ_MESSAGE_H

#include "tests/fuzz/fuzz.h"

#include "core/proto.h"

#define FUZZ_KNOWN 32

/* What earlier answers have told. */
struct fuzz_known {
	struct bfs_handle root; /* the first */
	struct bfs_handle handle[FUZZ_KNOWN];
	uint64_t number[FUZZ_KNOWN]; /* inodes, cursors, sizes, requests */
	unsigned handles, numbers;
};

void fuzz_know_handle(struct fuzz_known *k, struct bfs_handle h);
void fuzz_know_number(struct fuzz_known *k, uint64_t v);
/* The fields of an answer with status 0; it must be a good one. */
void fuzz_learn(struct fuzz_known *k, uint32_t op, struct bfs_wire w);

uint32_t fuzz_take_u32(struct fuzz_in *in);
uint64_t fuzz_take_u64(struct fuzz_in *in, const struct fuzz_known *k);

/* An op of clients, or of peers. */
uint32_t fuzz_take_op(struct fuzz_in *in, bool peer);
/* The fields of a request for that op; its length. */
size_t fuzz_make(struct fuzz_in *in, struct fuzz_known *k, uint32_t op,
		 uint8_t *fields, size_t cap);

#endif
