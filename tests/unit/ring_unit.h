/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A daemon with its local port in this process, whose loop turns when the test
 * says so, and clients that fill their rings by hand.
 */
#ifndef BFS_TESTS_RING_UNIT_H
#define BFS_TESTS_RING_UNIT_H

#include "tests/unit/cluster_unit.h"

#include "core/ring.h"
#include "server/port_local.h"

struct ring_unit {
	struct cluster_unit *u;
	struct bfs_port_local *port;
};

struct ring_client {
	int sock;
	struct bfs_ring *ring; /* NULL: it has not come */
	struct bfs_hello_rep hello;
	uint64_t id; /* of the last call */
};

/* False: the machine cannot watch a client (valgrind 3.19). */
bool ring_unit_can(void);
void ring_unit_init(struct ring_unit *r);
void ring_unit_fini(struct ring_unit *r);
struct bfs_server *ring_server(struct ring_unit *r);
void ring_turn(struct ring_unit *r);

/* It says HELLO, and goes. */
void ring_come(struct ring_unit *r, struct ring_client *c);
void ring_go(struct ring_client *c);

/*
 * A call in that slot: fields as bfs_<name>_req_put makes them, bulk of out_len
 * bytes (out NULL: what is there), and room for in_cap.
 */
void ring_post(struct ring_client *c, unsigned slot, uint32_t op,
	       const uint8_t *fields, size_t len, const void *out,
	       uint32_t out_len, uint32_t in_cap);
bool ring_done(const struct ring_client *c, unsigned slot);
/* Its answer is taken: status, and the fields in *w. */
uint32_t ring_take(struct ring_client *c, unsigned slot, struct bfs_wire *w);

#endif
