/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Being a member of a cluster: who we are, publishing where we are reached,
 * and waiting at the start until all others can be reached too (C1: nobody
 * goes on with those found so far).  Owner thread only.
 */
#ifndef BFS_JOIN_H
#define BFS_JOIN_H

#include "server/server.h"

/*
 * From the settings: s->members, shard, nshards, place, cluster, list_hash,
 * secret and incarnation.  Alone, with a cluster and a secret of our own.
 * 0 or -errno, logged.
 */
int bfs_join_identify(struct bfs_server *s);

/*
 * The address of our UCX worker: now, and again when it changes.  From then on
 * others find us.  Harmless if we are alone.  0 or -errno, logged.
 */
int bfs_join_publish(struct bfs_server *s, const void *address, size_t len);

/*
 * Listen for those who ask for our record, and look for all members' until
 * network.join_secs have passed; then calls done(s), or sets s->stop and
 * s->failed.  0 or -errno, logged.
 */
int bfs_join_start(struct bfs_server *s, void (*done)(struct bfs_server *s));

/* Take our record back.  Harmless at any time. */
void bfs_join_stop(struct bfs_server *s);

#endif
