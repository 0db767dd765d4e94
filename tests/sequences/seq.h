/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Short sequences of calls on the names a and b in two directories, the top
 * and d in it; what POSIX says that each call does; and what must be there
 * afterwards, as text.  Not thread-safe.
 */
#ifndef BFS_SEQUENCES_SEQ_H
#define BFS_SEQUENCES_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEQ_CALLS_MAX 128
#define SEQ_LEN_MAX 3
#define SEQ_NODES 16 /* of a world */
#define SEQ_BYTES 32 /* of a file */
#define SEQ_TEXT 4096

enum seq_kind {
#define CALL(name, first, second) SEQ_##name,
#include "tests/sequences/seq.def"
#undef CALL
	SEQ_KINDS
};

/* Indices of seq_path: the leaves, the second directory, the first. */
enum { SEQ_D = 4, SEQ_TOP = 5, SEQ_PATHS = 6 };
extern const char *const seq_path[SEQ_PATHS];

struct seq_call {
	enum seq_kind kind;
	uint8_t a, b;
};

/* All there are; how many. */
unsigned seq_calls(struct seq_call calls[SEQ_CALLS_MAX]);
/* "rename a d/b", into buf. */
void seq_call_name(const struct seq_call *c, char *buf, size_t cap);
/* What the n-th call of a sequence writes, other bytes for each n. */
#define SEQ_WRITE_AT 1
#define SEQ_WRITE_LEN 2
#define SEQ_APPEND_LEN 3
#define SEQ_TRUNCATE_TO 2
void seq_bytes(unsigned n, size_t len, char *buf);

/* What is there. */
struct seq_node {
	char type;   /* 0: free; f or d */
	bool unsure; /* its bytes may be others */
	uint8_t links, size;
	uint16_t serial; /* no other has had it */
	char byte[SEQ_BYTES];
	uint8_t child[3]; /* nodes, by name: a, b, d; 0 is none */
};
struct seq_world {
	struct seq_node node[SEQ_NODES]; /* the top is 1 */
	uint16_t made;
};

/* How a sequence may begin: nothing but d, or a file with two names. */
#define SEQ_STARTS 2
#define SEQ_BARE 2 /* not one of them: nothing at all */
void seq_world_init(struct seq_world *w, unsigned start);
/* 0 or -errno: what the n-th call is to answer, and w is as it leaves it. */
int seq_apply(struct seq_world *w, const struct seq_call *c, unsigned n);

/* The node of that name; 0: there is none. */
uint8_t seq_node_at(struct seq_world *w, uint8_t path);

/* A file system under test. */
struct seq_fs {
	/* The n-th call of a sequence.  0 or -errno. */
	int (*call)(void *arg, const struct seq_call *c, unsigned n);
	/* 'f', 'd', '?' (a file whose bytes cannot be read) or 0 (none),
	 * with the number of its inode, links and size; of a directory, its
	 * entries. */
	char (*look)(void *arg, const char *path, uint64_t *ino,
		     unsigned *links, unsigned *size);
	/* Its size bytes, of a file.  False: an error. */
	bool (*bytes)(void *arg, const char *path, unsigned size, char *buf);
	void *arg;
};

/* By calls of libc in that directory, whose path is the caller's. */
struct seq_fs seq_libc(const char *dir);

/* The same text for the same state, SEQ_TEXT bytes. */
void seq_world_text(const struct seq_world *w, char *text);
void seq_fs_text(const struct seq_fs *fs, char *text);
/* Is that what there is, but for the bytes of who is unsure? */
bool seq_text_matches(const char *expected, const char *seen);
/* Make it so, in an empty directory.  0 or -errno. */
int seq_fs_init(const struct seq_fs *fs, unsigned start);

#endif
