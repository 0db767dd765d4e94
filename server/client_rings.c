/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/client_rings.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BURY_NS 2000000u

static void unmap_grave(struct bfs_port_local *p)
{
	while (p->ngrave)
		munmap(p->grave[--p->ngrave], sizeof(struct bfs_ring));
}

static void on_bury(struct bfs_timer *t)
{
	unmap_grave(t->arg);
}

/* To give the memory back takes as long as a whole call of it has, and who
 * waits for the client's end may wait for our core. */
void bfs_rings_bury(struct bfs_port_local *p, struct bfs_ring *ring)
{
	if (p->ngrave == BFS_GRAVE)
		unmap_grave(p);
	p->grave[p->ngrave++] = ring;
	if (!p->bury.at)
		bfs_loop_timer(p->server->loop, &p->bury, bfs_now() + BURY_NS);
}

/* A sealed one: its descriptor or -errno. */
static int new_ring(struct bfs_ring **ring)
{
	int fd = memfd_create("benchfs-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(**ring)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    (p = mmap(NULL, sizeof(**ring), PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0)) == MAP_FAILED) {
		int r = -errno;

		close(fd);
		return r;
	}
	*ring = p;
	(*ring)->magic = BFS_RING_MAGIC;
	(*ring)->slots = BFS_RING_SLOTS;
	(*ring)->cpu = BFS_RING_NO_CPU;
	(*ring)->sleeping = 1;
	/* The first call finds its page. */
	(*ring)->slot[0].state = BFS_SLOT_FREE;
	return fd;
}

void bfs_rings_prepare(struct bfs_port_local *p)
{
	if (p->spare)
		return;
	p->spare_fd = new_ring(&p->spare);
	if (p->spare_fd < 0)
		p->spare = NULL; /* who needs it will see */
}

void bfs_rings_begin(struct bfs_port_local *p)
{
	p->bury.fn = on_bury;
	p->bury.arg = p;
	bfs_rings_prepare(p);
}

void bfs_rings_end(struct bfs_port_local *p)
{
	bfs_loop_timer(p->server->loop, &p->bury, 0);
	unmap_grave(p);
	if (!p->spare)
		return;
	munmap(p->spare, sizeof(*p->spare));
	close(p->spare_fd);
	p->spare = NULL;
}

int bfs_rings_take(struct bfs_port_local *p, struct bfs_ring **ring)
{
	int fd = p->spare ? p->spare_fd : new_ring(ring);

	if (fd < 0)
		return fd;
	if (p->spare)
		*ring = p->spare;
	p->spare = NULL;
	return fd;
}
