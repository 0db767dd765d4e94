/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads the ucx transport when a program first needs it.  libc only; any
 * thread, one at a time.
 */
#ifndef BFS_UCX_LOAD_H
#define BFS_UCX_LOAD_H

#include "core/transport.h"

/*
 * Load libbenchfs_ucx.so (from $BENCHFS_MODULEDIR, else from moduledir) if
 * that has not been done, and connect to the daemon whose address is in
 * <run_dir>/ucx.addr.  *local, of *local_len bytes, belongs to the transport;
 * it goes into HELLO's address.  0; -ENOENT: the daemon has no ucx port;
 * -EBADMSG: the file is damaged; -ELIBACC: no module, logged; -errno.
 */
int bfs_ucx_load(const char *moduledir, const char *run_dir,
		 struct bfs_transport **t, const void **local,
		 size_t *local_len, void (*begin)(void));

/* The same for a daemon of another node, whose address is known, unless UCX
 * would not have our settings (-ELIBACC).  begin is the caller's; the rest is
 * set. */
struct bfs_ucx_link {
	void (*begin)(void);
	bool far;
	struct bfs_transport *t;
	const void *local;
	size_t local_len;
};
int bfs_ucx_load_far(const char *moduledir, const void *address, size_t len,
		     struct bfs_ucx_link *link);

#endif
