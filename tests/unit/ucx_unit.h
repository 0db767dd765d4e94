/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server of our own on the ucx port, in a process of its own, and a client of
 * it.  A client that UCX does not let go of (after a failed test, say) is in no
 * later server's way: those do not inherit it.
 */
#ifndef TESTS_UNIT_UCX_UNIT_H
#define TESTS_UNIT_UCX_UNIT_H

#include "tests/unit/unit.h"

#include "core/rpc.h"

#include <limits.h>
#include <sys/types.h>

#define SESSION 0x1122334455667788u
#define TICKET 0x99aabbccddeeff00u
#define LONG_PATH 4000

struct fixture {
	pid_t server;
	struct bfs_client client;
	const void *address;
	size_t address_len;
};

/* Of the sockets' addresses; the caller makes and removes it. */
extern char dir[64];

void pattern(uint8_t *p, size_t n, uint64_t seed);
bool matches(const uint8_t *p, size_t n, uint64_t seed);

/* The server's main(), for a program called as "PROGRAM server DIR". */
int run_server(void);
pid_t start_server(void);

void open_transport(struct fixture *f);
int say_hello(struct fixture *f, uint32_t version);
int do_read(struct bfs_client *c, uint8_t *buf, uint32_t n, uint64_t seed);
int do_write(struct bfs_client *c, uint8_t *buf, uint32_t n, uint64_t seed);
/* A call that is never answered. */
int do_lock(struct fixture *f, uint32_t ms, bool interruptible);
/* The server stops: for good, or by SIGSTOP. */
void order(struct fixture *f, bool stop);

int set_up(void **state);
int tear_down(void **state);

#endif
