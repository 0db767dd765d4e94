/* SPDX-License-Identifier: BSD-3-Clause */
/* READDIR: pages of entries in the order of their cursors, from all shards. */
#include "server/readdir.h"

#include "core/util.h"
#include "server/fanout.h"
#include "server/hold.h"
#include "server/perm.h"
#include "server/shared.h"
#include "server/stripe_space.h"
#include "server/txp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct page {
	struct bfs_fs *fs;
	struct bfs_inode *dir;
	struct bfs_wire w;
	bool attrs; /* the caller wants and may see attributes */
	unsigned count;
	struct timespec changed; /* another shard's entries, at last */
};

static bool true_here(const struct bfs_fs *fs, const struct bfs_inode *i)
{
	const struct bfs_shared *s = S_ISDIR(i->mode) ? i->dir.shared : NULL;

	return (!s ||
		(!s->copy && bfs_shards_next(&s->changed, 0) == UINT_MAX)) &&
	       !bfs_txp_promised(fs, i);
}

/* Of an entry whose attributes are not told, inode and type are;
 * nlink 0 tells. */
static void attr_of(const struct page *p, uint64_t ino, uint32_t type,
		    struct bfs_inode *i, struct bfs_attr *a)
{
	if (p->attrs && i && true_here(p->fs, i) &&
	    !bfs_inode_attr(p->fs, i, a) &&
	    (!S_ISREG(i->mode) || bfs_stripe_counted(p->fs, i, a->size)))
		return;
	*a = (struct bfs_attr){ .ino = ino, .mode = type & S_IFMT };
}

/* One entry if it still fits; else 0. */
static bool put(struct page *p, const struct bfs_dirent *d)
{
	struct bfs_wire before = p->w;

	if (p->w.end - p->w.pos <
	    (ptrdiff_t)(BFS_DIRENT_MAX - BFS_NAME_MAX + d->name.len))
		return false;
	bfs_dirent_put(&p->w, d);
	if (bfs_wire_end(&p->w)) {
		p->w = before;
		return false;
	}
	p->count++;
	return true;
}

static bool put_inode(struct page *p, uint64_t cursor, struct bfs_str name,
		      uint64_t ino, struct bfs_inode *i)
{
	struct bfs_dirent d = { .cursor = cursor, .name = name };

	attr_of(p, ino, S_IFDIR, i, &d.attr);
	return put(p, &d);
}

static bool put_dots(struct page *p, uint64_t cursor)
{
	struct bfs_inode *up = bfs_dir_parent(p->fs, p->dir);
	uint64_t up_ino = up			    ? up->ino
			  : bfs_fs_clustered(p->fs) ? p->dir->dir.parent
						    : p->dir->ino;

	if (!up && !bfs_fs_clustered(p->fs))
		up = p->dir;
	if (cursor < BFS_CURSOR_DOT &&
	    !put_inode(p, BFS_CURSOR_DOT, BFS_STR("."), p->dir->ino, p->dir))
		return false;
	if (cursor < BFS_CURSOR_DOTDOT &&
	    !put_inode(p, BFS_CURSOR_DOTDOT, BFS_STR(".."), up_ino, up))
		return false;
	return true;
}

static void entry_of(const struct page *p, const struct bfs_dentry *e,
		     struct bfs_dirent *d)
{
	d->cursor = e->cursor;
	d->name = (struct bfs_str){ e->name, e->len };
	attr_of(p, bfs_dentry_ino(e), e->type, bfs_dentry_inode(e), &d->attr);
}

/* Our own entries.  True: that was all. */
static bool fill(struct page *p, uint64_t cursor)
{
	struct bfs_dir_iter it;
	struct bfs_dentry *e;
	struct bfs_dirent d;

	bfs_dir_iter_init(&it, p->dir, cursor);
	while ((e = bfs_dir_iter_next(&it))) {
		entry_of(p, e, &d);
		if (!put(p, &d))
			return false;
	}
	return true;
}

int bfs_readdir_part(struct bfs_call *c, struct bfs_inode *dir,
		     const struct bfs_readpart_req *req, uint32_t *eof)
{
	struct page p = { .fs = bfs_call_fs(c),
			  .dir = dir,
			  .attrs = req->attrs };

	bfs_wire_init(&p.w, c->in, BFS_MIN(req->size, c->in_cap));
	*eof = fill(&p, req->cursor);
	c->in_len = (size_t)(p.w.pos - (uint8_t *)c->in);
	return 0;
}

/* What a shard has sent, read entry by entry. */
struct stream {
	struct bfs_wire w;
	struct bfs_dirent next;
	bool some; /* next is one */
	bool eof;  /* there are no others behind what it sent */
};

static int advance(struct stream *s)
{
	s->some = s->w.pos < s->w.end;
	if (s->some && (bfs_dirent_get(&s->w, &s->next) ||
			s->next.name.len > BFS_NAME_MAX))
		return -EBADMSG;
	return 0;
}

struct merging {
	struct bfs_fanout f;
	struct stream *streams;
	struct bfs_time changed; /* the latest that one tells */
};

static int take(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct merging *m = (struct merging *)f;
	struct stream *s = &m->streams[n];
	struct bfs_readpart_rep rep;

	if (bfs_readpart_rep_get(w, &rep))
		return -EBADMSG;
	s->eof = rep.eof;
	if (rep.changed.sec > m->changed.sec ||
	    (rep.changed.sec == m->changed.sec &&
	     rep.changed.nsec > m->changed.nsec))
		m->changed = rep.changed;
	bfs_wire_init(&s->w, f->msgs[n].in, f->msgs[n].in_len);
	return advance(s);
}

/* The stream whose entry comes first; NULL: all have ended.  *stop: one has
 * run dry, and what comes behind is not known. */
static struct stream *first(const struct merging *m, bool *stop)
{
	struct stream *best = NULL;

	*stop = false;
	for (unsigned n = 0; n < m->f.n; n++) {
		struct stream *s = &m->streams[n];

		if (!s->some && !s->eof)
			*stop = true;
		if (s->some && (!best || s->next.cursor < best->next.cursor))
			best = s;
	}
	return best;
}

/* 1: that was all; 0: the page is full, or a stream dry; -errno. */
static int merge(struct page *p, struct merging *m, uint64_t cursor)
{
	struct bfs_dir_iter it;
	struct bfs_dentry *e;
	bool stop, fits;
	struct bfs_dirent d;
	struct stream *s;
	int r = 0;

	bfs_dir_iter_init(&it, p->dir, cursor);
	e = bfs_dir_iter_next(&it);
	while (s = first(m, &stop), !stop && (s || e)) {
		if (!s || (e && e->cursor < s->next.cursor)) {
			entry_of(p, e, &d);
			fits = put(p, &d);
			e = bfs_dir_iter_next(&it);
		} else {
			fits = put(p, &s->next);
			r = fits ? advance(s) : 0;
		}
		if (r || !fits)
			return r;
	}
	return !stop;
}

static int check(const struct bfs_inode *dir, const struct bfs_readdir_req *req)
{
	if (!dir)
		return -ESTALE;
	if (!(req->at.rights & BFS_RIGHT_READ))
		return -EBADF;
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	return dir->nlink ? 0 : -ENOENT;
}

/* Ask the other shards that may have entries for their share of a page. */
static int ask(struct bfs_call *c, const struct bfs_readdir_req *req,
	       const struct page *p, size_t size, struct merging *m)
{
	struct bfs_readpart_req ask = {
		.ino = p->dir->ino,
		.cursor = BFS_MAX(req->cursor, BFS_CURSOR_DOTDOT),
		.flags = req->flags,
		.attrs = p->attrs,
	};
	struct bfs_wire w;
	unsigned n = 1;
	int r;

	for (unsigned s = bfs_shards_next(&p->dir->dir.shared->holders, 0);
	     s != UINT_MAX;
	     s = bfs_shards_next(&p->dir->dir.shared->holders, s + 1))
		n++;
	/* What one sends too much is thrown away, too little ends the page. */
	m->f = (struct bfs_fanout){
		.c = c,
		.op = BFS_OP_READPART,
		.in_cap = BFS_MIN(size, size / n * 2 + 2 * BFS_DIRENT_MAX),
		.take = take
	};
	ask.size = (uint32_t)m->f.in_cap;
	r = bfs_fanout_begin(&m->f, &p->dir->dir.shared->holders, &w);
	if (r)
		return r;
	m->streams = calloc(m->f.n, sizeof(*m->streams));
	bfs_readpart_req_put(&w, &ask);
	r = m->streams ? bfs_fanout_run(&m->f, &w) : -ENOMEM;
	return r;
}

static int end_page(struct bfs_call *c, struct page *p, uint64_t cursor,
		    uint32_t eof)
{
	if (!p->count && !eof)
		return -EINVAL; /* not even one fits, as getdents */
	c->in_len = (size_t)(p->w.pos - (uint8_t *)c->in);
	if (!cursor)
		bfs_inode_accessed_since(p->fs, p->dir, p->changed);
	return 0;
}

static int read_shared(struct bfs_call *c, const struct bfs_readdir_req *req,
		       struct page *p, size_t size, uint32_t *eof)
{
	struct merging m = { .f = { .n = 0 } };
	int r = ask(c, req, p, size, &m);

	if (r == -BFS_NEED_FIBER)
		return r;
	p->dir = bfs_inode_of(p->fs, req->at);
	if (!r)
		r = check(p->dir, req);
	if (!r && put_dots(p, req->cursor))
		r = merge(p, &m, BFS_MAX(req->cursor, BFS_CURSOR_DOTDOT));
	*eof = r == 1;
	p->changed = (struct timespec){ m.changed.sec, (long)m.changed.nsec };
	free(m.streams);
	bfs_fanout_end(&m.f);
	return r < 0 ? r : end_page(c, p, req->cursor, *eof);
}

int bfs_serve_readdir(struct bfs_call *c, const struct bfs_readdir_req *req,
		      struct bfs_readdir_rep *rep)
{
	struct page p = { .fs = bfs_call_fs(c) };
	size_t size = BFS_MIN(req->size, c->in_cap);
	const struct bfs_shared *s;
	int r = 0;

	while (!r && bfs_hold_promised(p.fs, req->at.ino))
		r = bfs_hold_wait(c);
	if (r)
		return r;
	p.dir = bfs_inode_of(p.fs, req->at);
	r = check(p.dir, req);
	if (r)
		return r;
	p.attrs = !(req->flags & BFS_READDIR_NAMES) &&
		  !bfs_perm_check(c->cred, p.dir, BFS_MAY_EXEC);
	bfs_wire_init(&p.w, c->in, size);
	s = p.dir->dir.shared;
	if (s && bfs_shards_next(&s->holders, 0) != UINT_MAX)
		return read_shared(c, req, &p, size, &rep->eof);
	rep->eof = put_dots(&p, req->cursor) &&
		   fill(&p, BFS_MAX(req->cursor, BFS_CURSOR_DOTDOT));
	return end_page(c, &p, req->cursor, rep->eof);
}
