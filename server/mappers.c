/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/mappers.h"

#include "core/log.h"
#include "core/util.h"
#include "server/data.h"
#include "server/fiber.h"
#include "server/hash.h"
#include "server/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct mapper {
	unsigned node;
	uint64_t reg;  /* which MAPOPEN; 0: it maps nothing */
	bool writable; /* mapped so */
	bool runs;     /* may run a copy */
	struct mapper *next;
};

struct bfs_mapped {
	uint64_t ino;
	struct mapper *all; /* utlist LL */
	UT_hash_handle hh;
};

static struct bfs_mapped *find(const struct bfs_server *s, uint64_t ino)
{
	struct bfs_mapped *m = NULL;

	if (s->mapped)
		HASH_FIND(hh, s->mapped, &ino, sizeof(ino), m);
	return m;
}

static struct mapper *find_node(const struct bfs_mapped *m, unsigned node)
{
	struct mapper *p = NULL;

	if (m)
		LL_SEARCH_SCALAR(m->all, p, node, node);
	return p;
}

static struct bfs_mapped *get_file(struct bfs_server *s, uint64_t ino)
{
	struct bfs_mapped *m = find(s, ino);

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->ino = ino;
	HASH_ADD(hh, s->mapped, ino, sizeof(m->ino), m);
	if (bfs_hashed(m))
		return m;
	free(m);
	return NULL;
}

static struct mapper *get(struct bfs_server *s, uint64_t ino, unsigned node)
{
	struct bfs_mapped *m = get_file(s, ino);
	struct mapper *p = find_node(m, node);

	if (p || !m)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL; /* without any, m does no harm */
	p->node = node;
	LL_PREPEND(m->all, p);
	return p;
}

/* What nobody maps or runs any more is forgotten. */
static void prune(struct bfs_server *s, struct bfs_mapped *m)
{
	struct mapper *p, *next;

	LL_FOREACH_SAFE(m->all, p, next)
	{
		if (p->reg || p->runs)
			continue;
		LL_DELETE(m->all, p);
		free(p);
	}
	if (m->all)
		return;
	HASH_DEL(s->mapped, m);
	free(m);
}

void bfs_mappers_end(struct bfs_server *s, uint64_t ino, unsigned node,
		     uint64_t reg)
{
	struct bfs_mapped *m = find(s, ino);
	struct mapper *p = find_node(m, node);

	if (!p || p->reg != reg)
		return;
	p->reg = 0;
	p->writable = false;
	prune(s, m);
}

bool bfs_mappers_any(const struct bfs_server *s, uint64_t ino)
{
	const struct bfs_mapped *m = find(s, ino);
	const struct mapper *p;

	if (m)
		LL_FOREACH(m->all, p)
	if (p->reg)
		return true;
	return false;
}

bool bfs_mappers_writing(const struct bfs_server *s, uint64_t ino)
{
	const struct bfs_mapped *m = find(s, ino);
	const struct mapper *p;

	if (m)
		LL_FOREACH(m->all, p)
	if (p->writable)
		return true;
	return false;
}

void bfs_mappers_forget(struct bfs_server *s, unsigned node)
{
	struct bfs_mapped *m, *next;
	struct mapper *p;

	HASH_ITER(hh, s->mapped, m, next)
	{
		p = find_node(m, node);
		if (p)
			p->reg = 0, p->writable = p->runs = false;
		prune(s, m);
	}
}

void bfs_mappers_free(struct bfs_server *s)
{
	for (unsigned n = 0; n < s->nshards; n++)
		bfs_mappers_forget(s, n);
}

/*
 * Telling them.
 */
struct telling {
	struct bfs_peer_msg *msgs;
	unsigned *nodes, n;
	uint64_t *regs;
	uint8_t req[32], (*reps)[64];
};

static void fini(struct telling *t)
{
	free(t->msgs);
	free(t->nodes);
	free(t->regs);
	free(t->reps);
}

#define NOBODY UINT_MAX

/* To whom: those who map it, or run it, but one. */
static int init(struct telling *t, const struct bfs_mapped *m, bool runs,
		unsigned except)
{
	const struct mapper *p;
	unsigned count = 0;

	LL_FOREACH(m->all, p)
	count++;
	t->msgs = calloc(count, sizeof(*t->msgs));
	t->nodes = calloc(count, sizeof(*t->nodes));
	t->regs = calloc(count, sizeof(*t->regs));
	t->reps = calloc(count, sizeof(*t->reps));
	if (!t->msgs || !t->nodes || !t->regs || !t->reps)
		return -ENOMEM;
	LL_FOREACH(m->all, p)
	{
		if ((runs ? !p->runs : !p->reg) || p->node == except)
			continue;
		t->nodes[t->n] = p->node;
		t->regs[t->n++] = p->reg;
	}
	return 0;
}

static int run(struct bfs_server *s, struct telling *t, uint32_t op,
	       size_t req_len, uint64_t deadline)
{
	for (unsigned n = 0; n < t->n; n++)
		t->msgs[n] =
			(struct bfs_peer_msg){ .op = op,
					       .req = t->req,
					       .req_len = req_len,
					       .rep = t->reps[n],
					       .rep_cap = sizeof(t->reps[n]),
					       .deadline = deadline,
					       .unless_dead = true };
	return bfs_peer_wait_all(s, t->msgs, t->nodes, t->n);
}

int bfs_mappers_ready(const struct bfs_server *s, uint64_t ino)
{
	return bfs_mappers_any(s, ino) && !bfs_fiber_self() ? -BFS_NEED_FIBER
							    : 0;
}

static int take_told(struct bfs_server *s, const struct telling *t,
		     uint64_t ino)
{
	int r = 0;

	for (unsigned n = 0; n < t->n; n++) {
		int status = t->msgs[n].status;

		if (status == -EHOSTDOWN)
			bfs_mappers_forget(s, t->nodes[n]);
		else if (status == -ENOENT)
			bfs_mappers_end(s, ino, t->nodes[n], t->regs[n]);
		else if (status)
			r = -EIO;
		if (status && status != -EHOSTDOWN && status != -ENOENT)
			bfs_log(error,
				"shard %u does not take what is new in "
				"%016llx, which its node maps: %s",
				t->nodes[n], (unsigned long long)ino,
				strerror(-status));
	}
	return r;
}

int bfs_mappers_tell_others(struct bfs_server *s, uint64_t ino, uint64_t offset,
			    uint64_t len, uint64_t deadline, unsigned except)
{
	const struct bfs_mapped *m = find(s, ino);
	struct bfs_mapnews_req req = { .ino = ino,
				       .offset = offset,
				       .len = len };
	struct telling t = { 0 };
	struct bfs_wire w;
	int r;

	if (!m || !bfs_mappers_any(s, ino))
		return 0;
	r = init(&t, m, false, except);
	bfs_wire_init(&w, t.req, sizeof(t.req));
	bfs_mapnews_req_put(&w, &req);
	if (!r)
		r = run(s, &t, BFS_OP_MAPNEWS, (size_t)(w.pos - t.req),
			deadline);
	if (!r)
		r = take_told(s, &t, ino);
	fini(&t);
	return r;
}

int bfs_mappers_tell(struct bfs_server *s, uint64_t ino, uint64_t offset,
		     uint64_t len, uint64_t deadline)
{
	return bfs_mappers_tell_others(s, ino, offset, len, deadline, NOBODY);
}

int bfs_mappers_runs(struct bfs_server *s, uint64_t ino, unsigned node)
{
	struct mapper *p = get(s, ino, node);

	if (!p)
		return -ENOMEM;
	p->runs = true;
	return 0;
}

static void stopped(struct bfs_server *s, uint64_t ino, unsigned node)
{
	struct bfs_mapped *m = find(s, ino);
	struct mapper *p = find_node(m, node);

	if (!p)
		return;
	p->runs = false;
	prune(s, m);
}

static int take_running(struct bfs_server *s, const struct telling *t,
			uint64_t ino)
{
	struct bfs_running_rep rep = { 0 };
	struct bfs_wire w;
	int r = 1;

	for (unsigned n = 0; n < t->n; n++) {
		const struct bfs_peer_msg *m = &t->msgs[n];

		bfs_wire_init(&w, m->rep, m->rep_len);
		if (m->status == -EHOSTDOWN)
			bfs_mappers_forget(s, t->nodes[n]);
		else if (m->status || bfs_running_rep_get(&w, &rep))
			r = r < 0 ? r : -EIO;
		else if (rep.running)
			r = -ETXTBSY;
		else
			stopped(s, ino, t->nodes[n]);
	}
	return r;
}

static bool any_runs(const struct bfs_mapped *m)
{
	const struct mapper *p;

	LL_FOREACH(m->all, p)
	if (p->runs)
		return true;
	return false;
}

int bfs_mappers_idle(struct bfs_call *c, uint64_t ino)
{
	struct bfs_server *s = c->server;
	const struct bfs_mapped *m = find(s, ino);
	struct telling t = { 0 };
	struct bfs_wire w;
	int r;

	if (!m || !any_runs(m))
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	r = init(&t, m, true, NOBODY);
	bfs_wire_init(&w, t.req, sizeof(t.req));
	bfs_put_u64(&w, ino);
	if (!r)
		r = run(s, &t, BFS_OP_RUNNING, (size_t)(w.pos - t.req),
			c->deadline);
	if (!r)
		r = take_running(s, &t, ino);
	fini(&t);
	return r;
}

/*
 * What a node's daemon asks for.
 */

/* Has anybody a descriptor of the data file to write with? */
static bool written_past_us(struct bfs_fs *fs, struct bfs_inode *i)
{
	bool is = false;
	int fd;

	bfs_data_uncache(fs, i);
	fd = bfs_data_open(fs, i, O_RDONLY);
	if (fd < 0)
		return true;
	if (fcntl(fd, F_SETLEASE, F_RDLCK))
		is = errno == EAGAIN || i->file.passed;
	else
		fcntl(fd, F_SETLEASE, F_UNLCK);
	close(fd);
	return is;
}

/* Another node that maps it so: only one may (D2a). */
static bool other_writes(const struct bfs_server *s, uint64_t ino,
			 unsigned node)
{
	const struct bfs_mapped *m = find(s, ino);
	const struct mapper *p;

	if (m)
		LL_FOREACH(m->all, p)
	if (p->writable && p->node != node)
		return true;
	return false;
}

int bfs_mappers_open(struct bfs_server *s, struct bfs_inode *i, unsigned node,
		     bool writable, uint64_t *reg)
{
	struct mapper *p;

	if (writable &&
	    (other_writes(s, i->ino, node) || written_past_us(s->fs, i)))
		return -ENODEV;
	p = get(s, i->ino, node);
	if (!p)
		return -ENOMEM;
	p->reg = *reg = ++s->map_regs;
	p->writable = writable;
	return 0;
}

bool bfs_mappers_may_store(const struct bfs_server *s, uint64_t ino,
			   unsigned node, uint64_t reg)
{
	const struct mapper *p = find_node(find(s, ino), node);

	return p && p->reg == reg && p->writable;
}
