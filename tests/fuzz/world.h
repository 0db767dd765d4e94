/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Daemons with their file systems in this process, into which a target puts
 * messages of hostile clients and of peers.  A world serves many inputs, since
 * to make one takes milliseconds; all of them since it was made are in the file
 * $FUZZ_HISTORY, if that is set, which can be run as one.
 */
#ifndef BFS_TESTS_FUZZ_WORLD_H
#define BFS_TESTS_FUZZ_WORLD_H

#include "tests/fuzz/message.h"
#include "tests/fuzz/recorded.h"
#include "tests/unit/cluster_unit.h"

#define WORLD_INPUTS 64 /* for each world */
#define WORLD_CLIENTS 2

struct world {
	struct cluster_unit *u;
	struct bfs_session
		*client[WORLD_CLIENTS]; /* of FUZZ_UID, at daemon 0 */
	struct bfs_handle secret;	/* its owner's, to the private file */
	struct fuzz_known known;
	unsigned inputs;
	uint64_t next_id, steps;
};

/* The present one, perhaps new, for an input. */
struct world *world_for(unsigned ndaemons, const uint8_t *data, size_t len);
void world_end(void);

/* A message that arrives at that daemon from the client (0..), or, client < 0,
 * from the peer `from`.  raw: with its head. */
void world_send(struct world *w, unsigned at, int client, unsigned from,
		struct fuzz_in *in);
/* The same as bytes, for seeds: what goes before and behind the fields of that
 * message. */
void world_put_op(struct fuzz_out *o, bool peer, uint32_t op);
void world_put_bulk(struct fuzz_out *o);
/* For a recorded_form. */
void world_after(struct fuzz_out *o, const struct recorded *m);
/* The n-th seed: bytes by chance, or behind these recorded runs of a kind. */
size_t world_seed(unsigned n, const char *kind,
		  const struct recorded_form *form, uint8_t buf[FUZZ_MAX]);
/* What is under way goes on, for a while. */
void world_run(struct world *w, unsigned steps);
/* The private file is as it was, and the daemons answer. */
void world_check(struct world *w);

#endif
