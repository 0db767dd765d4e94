/* SPDX-License-Identifier: BSD-3-Clause */
/* Workloads in which processes race, and what must hold whoever wins. */
#ifndef BFS_RACES_RACE_H
#define BFS_RACES_RACE_H

#include "crew.h"

struct racer {
	struct crew *crew;
	uint32_t number, clients, rounds;
	uint64_t random;
	bool fault; /* do wrong, so that the race must be lost */
};

/* A path in the race's directory; eight of them are good at a time. */
const char *in(const struct racer *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What must hold; failing ends the race. */
#define must(r, what) crew_want((r)->crew, what)
/* The call failed, with this errno. */
#define must_fail(r, call, e) must(r, (call) < 0 && errno == (e))

uint32_t below(struct racer *r, uint32_t n);
/* Fills a file of n bytes with one byte; made anew with O_EXCL. */
void put_file(struct racer *r, const char *path, char c, size_t n);
/* The byte that all n bytes of the file are; anything else fails. */
char get_file(struct racer *r, int fd, size_t n);

/* A number that all clients have added to since the last meeting. */
#define COUNT(r, i) ((r)->crew->count[i])

#define RACE(name, rounds, clients) void race_##name(struct racer *r);
#include "race.def"
#undef RACE

#endif
