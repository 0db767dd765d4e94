/* SPDX-License-Identifier: BSD-3-Clause */
/* What fsck looks at: all shards' journals, names and data files. */
#include "server/fsck_impl.h"

#include "core/log.h"
#include "core/members.h"
#include "core/place.h"
#include "core/util.h"
#include "server/change.h"
#include "server/journal_turn.h"
#include "server/shared.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool bfs_fsck_push(struct bfs_fsck *ck, void *array, size_t *n, const void *e,
		   size_t size)
{
	char **a = array;

	if (!(*n & (*n - 1))) { /* a power of two: full */
		char *p = realloc(*a, BFS_MAX(2 * *n, 1u) * size);

		if (!p) {
			bfs_log(error, "out of memory");
			ck->failed = -ENOMEM;
			return false;
		}
		*a = p;
	}
	memcpy(*a + *n * size, e, size);
	++*n;
	return true;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool among(const uint64_t *sorted, size_t n, uint64_t ino)
{
	return n && bsearch(&ino, sorted, n, sizeof(ino), by_number);
}

/* How many are left, each once. */
static size_t sort_numbers(uint64_t *a, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(a, n, sizeof(*a), by_number);
	for (size_t k = 0; k < n; k++)
		if (!kept || a[kept - 1] != a[k])
			a[kept++] = a[k];
	return kept;
}

struct bfs_fsck_shard *bfs_fsck_home(const struct bfs_fsck *ck, uint64_t ino)
{
	unsigned s = ck->nshards > 1 ? (unsigned)(ino >> BFS_SHARD_SHIFT) : 0;

	return s < ck->nshards && ck->shard[s].fs ? &ck->shard[s] : NULL;
}

bool bfs_fsck_pending(const struct bfs_fsck *ck, uint64_t ino)
{
	return among(ck->pending, ck->npending, ino);
}

bool bfs_fsck_ended(const struct bfs_fsck *ck, uint64_t ino)
{
	const struct bfs_fsck_shard *s = bfs_fsck_home(ck, ino);

	return s && among(s->ends.ino, s->ends.n, ino);
}

/* Inodes that a change names, and directories whose entries it changes. */
static void note_changes(struct bfs_fsck *ck, struct bfs_str changes)
{
	struct bfs_change c;
	struct bfs_wire w;

	bfs_wire_init(&w, changes.ptr, changes.len);
	while (w.pos < w.end && !bfs_change_get(&w, &c))
		if (!bfs_fsck_push(ck, &ck->pending, &ck->npending, &c.ino,
				   sizeof(c.ino)))
			return;
}

/* A change on several shards, as one of them knows it. */
struct known {
	uint64_t id;
	uint32_t shard;
};

struct changes {
	struct bfs_fsck *ck;
	const struct bfs_fsck_shard *shard; /* being read */
	struct known *made; /* these shards have their part, or had */
	size_t nmade;
	struct known *due; /* and these have it still before them */
	size_t ndue;
};

static int known_order(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int by_id = by_number(&x->id, &y->id);

	return by_id ? by_id : (x->shard > y->shard) - (x->shard < y->shard);
}

static bool knows(const struct known *all, size_t n, uint64_t id,
		  uint32_t shard)
{
	struct known k = { .id = id, .shard = shard };

	return n && bsearch(&k, all, n, sizeof(k), known_order);
}

static void on_part(void *arg, const struct bfs_record *r)
{
	struct changes *c = arg;
	struct known k = { .id = r->txpart.id,
			   .shard = c->shard->fs->conf.shard };

	bfs_fsck_push(c->ck, &c->due, &c->ndue, &k, sizeof(k));
	note_changes(c->ck, r->txpart.changes);
}

static void on_with(void *arg, const struct bfs_record *r)
{
	struct changes *c = arg;
	struct known k = { .id = r->txwith.id,
			   .shard = c->shard->fs->conf.shard };

	bfs_fsck_push(c->ck, &c->made, &c->nmade, &k, sizeof(k));
}

/* The driver's: have all others made their parts?  Who does not know of it may
 * have lost his with his power. */
static void on_decided(void *arg, const struct bfs_record *r)
{
	struct changes *c = arg;
	struct bfs_wire w;
	bool all = true;

	bfs_wire_init(&w, r->txwith.with.ptr, r->txwith.with.len);
	while (all && w.pos < w.end) {
		uint32_t shard = bfs_get_u32(&w);

		all = !bfs_wire_end(&w) &&
		      knows(c->made, c->nmade, r->txwith.id, shard) &&
		      !knows(c->due, c->ndue, r->txwith.id, shard);
	}
	if (!all)
		note_changes(c->ck, r->txwith.changes);
}

static void each(struct changes *c, uint32_t kind,
		 void (*fn)(void *arg, const struct bfs_record *r))
{
	for (unsigned n = 0; n < c->ck->nshards; n++) {
		c->shard = &c->ck->shard[n];
		if (c->shard->fs)
			bfs_journal_each(c->shard->journal, kind, fn, c);
	}
}

/* What is not over is not wrong, whatever it looks like. */
static void find_pending(struct bfs_fsck *ck)
{
	struct changes c = { .ck = ck };

	each(&c, BFS_RECORD_TXPART, on_part);
	each(&c, BFS_RECORD_TXWITH, on_with);
	if (c.ndue)
		qsort(c.due, c.ndue, sizeof(*c.due), known_order);
	if (c.nmade)
		qsort(c.made, c.nmade, sizeof(*c.made), known_order);
	each(&c, BFS_RECORD_TXWITH, on_decided);
	ck->npending = sort_numbers(ck->pending, ck->npending);
	free(c.due);
	free(c.made);
}

static int load_one(struct bfs_fsck *ck, struct bfs_fsck_shard *s, bool write)
{
	int e = bfs_fs_look(&s->fs, s->dir, write);

	if (e)
		return e;
	s->fs->conf.nshards = ck->nshards;
	s->fs->conf.place = ck->place;
	e = bfs_journal_look(s->fs, write, &s->journal, &s->ends);
	if (e)
		return e;
	s->ends.n = sort_numbers(s->ends.ino, s->ends.n);
	return 0;
}

int bfs_fsck_open(struct bfs_fsck *ck, bool write)
{
	int e = 0;

	for (unsigned n = 0; !e && n < ck->nshards; n++)
		if (ck->shard[n].dir)
			e = load_one(ck, &ck->shard[n], write);
	if (!e)
		find_pending(ck);
	return e ? e : ck->failed;
}

int bfs_fsck_write(struct bfs_fsck *ck)
{
	int e = ck->failed;

	for (unsigned n = 0; !e && n < ck->nshards; n++) {
		e = bfs_journal_flush(ck->shard[n].journal);
		if (!e)
			e = bfs_journal_sync_now(ck->shard[n].journal);
	}
	return e;
}

static void close_one(struct bfs_fsck_shard *s)
{
	if (s->fs && !s->fs->journal)
		bfs_journal_close(s->journal);
	bfs_fs_free(s->fs);
	free(s->ends.ino);
	s->fs = NULL;
	s->journal = NULL;
	s->ends = (struct bfs_ends){ 0 };
}

void bfs_fsck_close(struct bfs_fsck *ck)
{
	for (unsigned n = 0; n < ck->nshards; n++)
		close_one(&ck->shard[n]);
	free(ck->refs);
	free(ck->nodes);
	free(ck->strays);
	free(ck->pending);
	free(ck->no_dirs);
	free(ck->later);
	*ck = (struct bfs_fsck){ .repair = ck->repair,
				 .json = ck->json,
				 .members = ck->members,
				 .place = ck->place,
				 .shard = ck->shard,
				 .nshards = ck->nshards,
				 .missing = ck->missing };
}

static int nodes_order(const void *a, const void *b)
{
	const struct bfs_fsck_node *x = a, *y = b;

	return by_number(&x->i->ino, &y->i->ino);
}

static int refs_order(const void *a, const void *b)
{
	const struct bfs_fsck_ref *x = a, *y = b;

	return by_number(&x->ino, &y->ino);
}

static bool list_entries(struct bfs_fsck *ck, struct bfs_fsck_shard *s,
			 const struct bfs_inode *dir)
{
	struct bfs_dir_iter it;
	struct bfs_dentry *d;

	bfs_dir_iter_init(&it, dir, 0);
	while ((d = bfs_dir_iter_next(&it))) {
		struct bfs_fsck_ref r = { bfs_dentry_ino(d), d, s };

		if (!bfs_fsck_push(ck, &ck->refs, &ck->nrefs, &r, sizeof(r)))
			return false;
	}
	return true;
}

static bool list_shard(struct bfs_fsck *ck, struct bfs_fsck_shard *s)
{
	struct bfs_inode *i, *next;

	BFS_ITABLE_EACH(&s->fs->inodes, i, next)
	{
		struct bfs_fsck_node n = { .i = i };

		if (bfs_fsck_home(ck, i->ino) == s &&
		    !bfs_fsck_push(ck, &ck->nodes, &ck->nnodes, &n, sizeof(n)))
			return false;
		if ((!i->mode || S_ISDIR(i->mode)) && !list_entries(ck, s, i))
			return false;
	}
	return true;
}

/* Each node gets its names. */
static void join(struct bfs_fsck *ck)
{
	size_t r = 0;

	for (size_t n = 0; n < ck->nnodes; n++) {
		struct bfs_fsck_node *node = &ck->nodes[n];

		while (r < ck->nrefs && ck->refs[r].ino < node->i->ino)
			r++;
		node->first = r;
		while (r < ck->nrefs && ck->refs[r].ino == node->i->ino)
			r++;
		node->refs = r - node->first;
	}
}

int bfs_fsck_list(struct bfs_fsck *ck)
{
	for (unsigned n = 0; n < ck->nshards; n++)
		if (ck->shard[n].fs && !list_shard(ck, &ck->shard[n]))
			return ck->failed;
	if (ck->nnodes)
		qsort(ck->nodes, ck->nnodes, sizeof(*ck->nodes), nodes_order);
	if (ck->nrefs)
		qsort(ck->refs, ck->nrefs, sizeof(*ck->refs), refs_order);
	join(ck);
	return 0;
}

struct bfs_fsck_node *bfs_fsck_node(const struct bfs_fsck *ck, uint64_t ino)
{
	size_t low = 0, high = ck->nnodes;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ck->nodes[mid].i->ino < ino)
			low = mid + 1;
		else
			high = mid;
	}
	return low < ck->nnodes && ck->nodes[low].i->ino == ino
		       ? &ck->nodes[low]
		       : NULL;
}

/* Its owner, if that is an inode of this shard, or whose it may be. */
static bool list_file(struct bfs_fsck *ck, struct bfs_fsck_shard *s, int dir,
		      const char *name)
{
	struct bfs_fsck_stray stray = { .shard = s };
	struct bfs_fsck_node *n;
	struct stat st;
	char rest;

	if (strlen(name) != 16 ||
	    sscanf(name, "%16" SCNx64 "%c", &stray.ino, &rest) != 1)
		return true;
	ck->files++;
	if (bfs_shared_home(s->fs, stray.ino) == s->fs->conf.shard) {
		n = bfs_fsck_node(ck, stray.ino);
		if (n && (S_ISREG(n->i->mode) || S_ISFIFO(n->i->mode))) {
			n->backed = true;
			return true;
		}
	}
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return true;
	stray.empty = !S_ISREG(st.st_mode) || (!st.st_size && !st.st_blocks);
	return bfs_fsck_push(ck, &ck->strays, &ck->nstrays, &stray,
			     sizeof(stray));
}

static int list_dir(struct bfs_fsck *ck, struct bfs_fsck_shard *s,
		    const char *name)
{
	int fd = openat(s->fs->data_fd, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool ok = true;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (ok && (e = readdir(d)))
		if (e->d_name[0] != '.')
			ok = list_file(ck, s, fd, e->d_name);
	closedir(d);
	return ok ? 0 : ck->failed;
}

int bfs_fsck_list_files(struct bfs_fsck *ck)
{
	int e = 0;

	for (unsigned k = 0; !e && k < ck->nshards * 256; k++) {
		struct bfs_fsck_shard *s = &ck->shard[k / 256];
		char name[3];

		if (!s->fs)
			continue;
		snprintf(name, sizeof(name), "%02x", k % 256);
		e = list_dir(ck, s, name);
		if (e)
			bfs_log(error, "cannot look through %s/data/%s: %s",
				s->dir, name, strerror(-e));
	}
	return e;
}
