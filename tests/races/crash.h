/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work while daemons are killed, and what must be there afterwards: each
 * client keeps the state that was acknowledged to it, of names that only it
 * uses, in directories that all use.  A call whose result is unknown (EIO, a
 * time-out) has taken effect or not, which is seen at the end of the round;
 * until then its names are left alone.
 */
#ifndef BFS_RACES_CRASH_H
#define BFS_RACES_CRASH_H

#include "crew.h"

#define SHARED 3 /* directories */
#define LABELS 5 /* names of a client in each */
#define SLOTS (SHARED * LABELS)
#define CHILDREN 3 /* names in a client's own directory */
#define DEEP 3
#define OBJECTS 250
#define UNITS 60  /* of a file */
#define UNIT 509  /* bytes: what the model has as one */
#define HELD 2	  /* descriptors that stay open over the rounds */
#define PENDING 8 /* calls with unknown result, of a client in a round */
#define DUMP 65536

/* What a name leads to. */
struct object {
	char type; /* 0: free; f, d, l */
	uint8_t links, size, xattr, target;
	bool unsure; /* its bytes: a write is unknown */
	bool busy;   /* a call on it is unknown */
	uint16_t mode;
	uint8_t child[CHILDREN]; /* objects, 0 is none */
	char unit[UNITS];
};

struct where {
	uint8_t n;
	uint8_t at[DEEP]; /* a slot, then children */
};

enum work {
#define WORK(name, often) WORK_##name,
#include "crash.def"
#undef WORK
	WORKS
};

struct job {
	enum work work;
	struct where a, b;
	uint8_t off, len, value, held;
	char byte;
};

/* A client's, in the crew's area. */
struct world {
	uint8_t slot[SLOTS]; /* objects; 0 is none */
	bool frozen[SLOTS];
	struct object object[OBJECTS]; /* from 1 */
	uint8_t held[HELD];
	struct job pending[PENDING];
	uint32_t pendings;
	uint64_t calls, unknown, by_work[WORKS];
	/* For the one who goes on after a death. */
	uint32_t round, deaths;
	uint8_t stage; /* of the round: 1 at work, 2 looking */
	bool doing;    /* job is under way */
	struct job job;
};

struct worker {
	struct crew *crew;
	struct world *w;
	uint32_t number;
	uint64_t random;
	int fd[HELD];
};

/* world.c: the state. */
uint8_t *world_at(struct world *w, const struct where *p);
/* The call was acknowledged. */
void world_apply(struct world *w, const struct job *j);
/* Text of all that there is, sorted: one line a name. */
void world_dump(struct world *w, uint32_t client, char *text);
/* Nothing below is to be touched until the round is over. */
void world_freeze(struct world *w, const struct job *j);
/* Its client is dead: no descriptor is open any more. */
void world_forget_held(struct world *w);
bool world_is_free(struct world *w, const struct where *p);

/* work.c: a job that must succeed; false: nothing can be done now. */
bool job_choose(struct worker *k, struct job *j);
/* 0, or -errno. */
int job_do(struct worker *k, const struct job *j);
void job_print(const struct job *j);

/* scan.c: the text of what is there, as world_dump() makes it. */
void scan(struct worker *k, struct world *w, char *text);
/* The bytes of files that are unsure become what they are. */
void scan_unsure(struct worker *k, struct world *w);
void where_path(const struct worker *k, const struct where *p, char *buf);
bool is_unknown_error(int e);

/* points.c: false, there are none. */
bool points_open(void);
/* One of them kills somebody, who is started again. */
void points_kill(struct crew *c, uint64_t *random, uint32_t daemons);
int points_report(uint32_t daemons);
/* $WHAT K.  0, or it failed. */
int points_command(const char *what, uint32_t k);

/* The crew's counts. */
#define COUNT(k, i) ((k)->crew->count[i])
#define COUNT_ROUND 0
#define COUNT_STOP 1
#define COUNT_KILLS 2
#define COUNT_LONGEST 3 /* call, ns */
#define COUNT_LOSSES 4
#define COUNT_DEATHS 6
#define COUNT_SETTLED 5 /* unknown calls that had taken effect */

#endif
