/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers for the bulk of calls to other daemons, which outlive the calls. */
#include "core/util.h"
#include "server/peer_ucx.h"

#include <sys/mman.h>

#define ALL 256 /* buffers of BFS_BULK_MAX */
#define ONE_PEER 32
#define POOLED 32 /* that are kept */

static struct bfs_port_ucx *port_of(const struct bfs_peer_tx *tx)
{
	return tx->peer->all->net;
}

static void *get(struct bfs_port_ucx *p)
{
	void *b = p->out_buffers;

	if (b) {
		p->out_buffers = *(void **)b;
		p->out_pooled--;
		return b;
	}
	b = mmap(NULL, BFS_BULK_MAX, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return b == MAP_FAILED ? NULL : b;
}

static void put(struct bfs_port_ucx *p, void *b)
{
	if (p->out_pooled >= POOLED) {
		munmap(b, BFS_BULK_MAX);
		return;
	}
	*(void **)b = p->out_buffers;
	p->out_buffers = b;
	p->out_pooled++;
}

bool bfs_peer_ucx_reserve(struct bfs_peer_tx *tx)
{
	const struct bfs_peer_msg *m = tx->m;
	struct bfs_port_ucx *p = port_of(tx);

	if (tx->buffer || (!m->out_len && !m->in_cap))
		return true;
	if (p->out_bulk >= ALL || tx->peer->bulk >= ONE_PEER)
		return false;
	tx->buffer = get(p);
	if (!tx->buffer)
		return false;
	p->out_bulk++;
	tx->peer->bulk++;
	return true;
}

void bfs_peer_ucx_release(struct bfs_peer_tx *tx)
{
	struct bfs_port_ucx *p = port_of(tx);

	put(p, tx->buffer);
	tx->buffer = NULL;
	p->out_bulk--;
	tx->peer->bulk--;
	tx->peer->all->released = true;
}

void bfs_peer_ucx_free_buffers(struct bfs_port_ucx *p)
{
	while (p->out_buffers) {
		void *b = p->out_buffers;

		p->out_buffers = *(void **)b;
		munmap(b, BFS_BULK_MAX);
	}
	p->out_pooled = 0;
}
