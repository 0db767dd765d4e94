/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system that does one thing at a time, small enough to be copied. */
#ifndef BFS_RACES_STATE_H
#define BFS_RACES_STATE_H

#include "hist.h"

#define NODES 28
#define DESCS 24
#define THREADS (PROCS + UNKNOWN) /* a call of unknown result is its own */
#define NONE 0xff

struct node {
	uint16_t id;   /* of the call that made it, from 1; 0: free */
	uint8_t type;  /* f, d, l */
	uint8_t links; /* names that lead here */
	uint8_t parent, target, size;
	uint8_t entry[NAMES]; /* nodes, or NONE */
	uint64_t ino;	      /* as stat has told, or 0 */
	char data[BYTES];
};

/* An open file description. */
struct desc {
	uint16_t id; /* of the open, from 1; 0: free */
	uint8_t proc, node;
	bool closed; /* only a call of unknown result still means it */
	uint8_t posix_r, posix_w, ofd_r, ofd_w; /* sets of bytes */
	char flock;				/* r, w or 0 */
};

enum stage { START, WALK_A, WALK_B, LAST, HELD, LISTING };

/* How far a call has come: each lookup of a path has its own moment. */
struct walk {
	uint8_t stage, at, dir, loops;
	uint8_t pending; /* a symlink's target, or NONE */
	uint8_t dir_a, name_a, dir_b, name_b, held;
	uint8_t present, absent, changed; /* while listing: names */
};

struct state {
	struct node node[NODES];
	struct desc desc[DESCS];
	struct walk walk[THREADS];
	uint8_t fixed; /* names in the root that nobody changes */
	uint8_t walks; /* threads in use */
};

struct hash {
	uint64_t a, b;
};

/*
 * NO: not with this result.  MORE: one step further.  QUIET: done, and with
 * this result it could never change anything.
 */
enum outcome { NO, MORE, DONE, QUIET };

void state_init(struct state *s, uint8_t dirs);
struct hash state_hash(const struct state *s);
int node_new(struct state *s, int id, char type);
void state_sweep(struct state *s);
struct desc *desc_of(struct state *s, const struct op *op);
void set_entry(struct state *s, int dir, int name, int node);
bool is_below(const struct state *s, int node, int dir);

/* names.c, files.c */
typedef enum outcome final_fn(struct state *s, struct walk *w,
			      const struct op *op, int id);
#define CALL(name, args, result) final_fn final_##name;
#include "calls.def"
#undef CALL

/* A result that may be an error; without changes. */
enum outcome answer(const struct op *op, int err);
bool is_unknown(const struct op *op);

/* walk.c: one step of a call; id is its index from 1. */
enum outcome state_step(struct state *s, int thread, const struct op *op,
			int id);

#endif
