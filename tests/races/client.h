/* SPDX-License-Identifier: BSD-3-Clause */
/* A process that makes the calls of a history and writes down the results. */
#ifndef BFS_RACES_CLIENT_H
#define BFS_RACES_CLIENT_H

#include "crew.h"
#include "hist.h"

#include <sys/types.h>

#define CALLS_MAX 120 /* of a process in a round, the last look included */

/* What a process has done in a round; it survives the process. */
struct log {
	uint32_t n;
	struct op op[CALLS_MAX];
};

struct profile {
	const char *name;
	uint8_t dirs;	       /* that are there at first */
	uint8_t tops;	       /* how many names begin a path, from a */
	uint8_t first, names;  /* what the other components are */
	uint8_t shallow, deep; /* components of a path */
	bool append;	       /* open with O_APPEND */
	uint8_t weight[CALLS];
};
extern const struct profile profiles[];
const struct profile *profile_find(const char *name);

struct client {
	struct crew *crew;
	const struct profile *p;
	uint32_t number;
	bool long_names;
	char base[300]; /* of the round */
	struct log *log;
	uint64_t random;
	off_t at; /* where the bytes of a history's file begin */
	const char *end;
	int fd[FDS];
	bool held[FDS]; /* it may hold locks */
	bool flocked[FDS];
	uint8_t appended;
};

/* do.c: makes the call, writes it down; false if the result is unknown. */
bool client_do(struct client *c, struct op *op);
/* A call that began then has ended. */
void client_took(struct client *c, uint64_t start);
/* Did the call that has just failed tell nothing?  Then the daemon, which was
 * killed perhaps, is back now. */
bool client_lost(struct client *c);
/* The path of a name of the history, and back; -1 for another name. */
void client_path(const struct client *c, const struct path *p, char *buf,
		 size_t size);
int client_letter(const struct client *c, const char *name);

/* make.c: a call by chance; false if this one cannot be made now. */
bool client_choose(struct client *c, struct op *op);

/* look.c: at the end, all that is there. */
void client_look(struct client *c);

#endif
