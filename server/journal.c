/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/journal.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"
#include "server/checkpoint.h"
#include "server/data.h"
#include "server/dir.h"
#include "server/hint.h"
#include "server/journal_turn.h"
#include "server/server.h"
#include "server/shared.h"
#include "server/store.h"
#include "server/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define META BFS_STORE_META
/* Inode numbers are reserved in such blocks; half a block before the end the
 * next one is. */
#define NUMBERS (1u << 20)

static struct bfs_time to_time(struct timespec t)
{
	return (struct bfs_time){ t.tv_sec, (uint32_t)t.tv_nsec };
}

static uint32_t flags_of(const struct bfs_inode *i)
{
	uint32_t f = 0;

	if (S_ISDIR(i->mode) && i->dir.shared && i->dir.shared->copy)
		return BFS_REC_COPY;
	if (i->orphan || (!i->nlink && !i->names))
		f |= BFS_REC_ORPHAN;
	if (i->linkable)
		f |= BFS_REC_LINKABLE;
	if (S_ISDIR(i->mode) && i->handed)
		f |= BFS_REC_HELD;
	return f;
}

static void add_inode(struct bfs_journal *j, const struct bfs_inode *i)
{
	struct bfs_str hint = { 0 };
	uint64_t named = bfs_hint_get(i, &hint);
	struct bfs_rec_inode r = {
		.ino = i->ino,
		.mode = i->mode,
		.nlink = i->nlink,
		.uid = i->uid,
		.gid = i->gid,
		.rdev = bfs_inode_rdev(i),
		.atime = to_time(i->atime),
		.mtime = to_time(i->mtime),
		.ctime = to_time(i->ctime),
		.btime = to_time(i->btime),
		.flags = flags_of(i),
		.layout = bfs_layout_pack(i->layout),
		.parent = S_ISDIR(i->mode) ? i->dir.parent : named,
		.target = hint,
	};

	if (S_ISLNK(i->mode))
		r.target = (struct bfs_str){ i->link.target, i->link.len };
	else if (S_ISDIR(i->mode))
		r.target = bfs_shared_name(i);
	bfs_journal_add_inode(j, &r);
}

/* The turn's inodes, each once, as they are now. */
static void add_dirty(struct bfs_journal *j)
{
	for (unsigned n = 0; n < j->ndirty; n++) {
		struct bfs_inode *i = j->dirty[n];

		if (!i)
			continue;
		i->dirty = false;
		i->logged = true;
		add_inode(j, i);
	}
	j->ndirty = 0;
}

void bfs_journal_dirty(struct bfs_journal *j, struct bfs_inode *i)
{
	j->changes++;
	if (i->dirty)
		return;
	if (j->ndirty == j->dirty_cap) {
		unsigned cap = j->dirty_cap ? 2 * j->dirty_cap : 64;
		void *p = realloc(j->dirty, cap * sizeof(struct bfs_inode *));

		if (!p) {
			bfs_journal_fail(j, -ENOMEM);
			return;
		}
		j->dirty = p;
		j->dirty_cap = cap;
	}
	i->dirty = true;
	j->dirty[j->ndirty++] = i;
}

void bfs_journal_forget(struct bfs_journal *j, struct bfs_inode *i)
{
	/* Most likely among the last. */
	for (unsigned n = j->ndirty; i->dirty && n-- > 0;)
		if (j->dirty[n] == i) {
			j->dirty[n] = NULL;
			i->dirty = false;
		}
	if (i->logged)
		bfs_journal_gone_inode(
			j, &(struct bfs_rec_inode){ .ino = i->ino });
}

void bfs_note_entry(struct bfs_fs *fs, const struct bfs_dentry *d)
{
	if (fs->journal)
		bfs_journal_add_entry(
			fs->journal,
			&(struct bfs_rec_entry){ .dir = d->dir->ino,
						 .cursor = d->cursor,
						 .ino = bfs_dentry_ino(d),
						 .type = d->type,
						 .name = { d->name, d->len } });
}

void bfs_note_entry_gone(struct bfs_fs *fs, const struct bfs_dentry *d)
{
	if (fs->journal)
		bfs_journal_gone_entry(
			fs->journal,
			&(struct bfs_rec_entry){ .dir = d->dir->ino,
						 .cursor = d->cursor });
}

void bfs_note_xattr(struct bfs_fs *fs, const struct bfs_inode *i,
		    struct bfs_str name, struct bfs_str value)
{
	if (fs->journal)
		bfs_journal_add_xattr(
			fs->journal, &(struct bfs_rec_xattr){ .ino = i->ino,
							      .name = name,
							      .value = value });
}

void bfs_note_xattr_gone(struct bfs_fs *fs, const struct bfs_inode *i,
			 struct bfs_str name)
{
	if (fs->journal)
		bfs_journal_gone_xattr(
			fs->journal,
			&(struct bfs_rec_xattr){ .ino = i->ino, .name = name });
}

/* The next block is in the log, and on disk, long before it is needed. */
static void reserve(struct bfs_journal *j)
{
	j->counter_limit = j->fs->counter + NUMBERS;
	bfs_journal_add_counter(
		j, &(struct bfs_rec_counter){ .limit = j->counter_limit });
}

void bfs_journal_count(struct bfs_journal *j)
{
	if (j->fs->counter + NUMBERS / 2 < j->counter_limit)
		return;
	reserve(j);
	bfs_journal_sync_soon(j);
}

/* One turn's frame goes to the log: 1 if there was one. */
static int write_frame(struct bfs_journal *j)
{
	int e;

	if (j->failed)
		return j->failed;
	add_dirty(j);
	if (!j->len || j->failed)
		return j->failed;
	e = bfs_jlog_append(j->log, j->buf, (uint32_t)j->len);
	j->len = 0;
	if (e)
		bfs_journal_fail(j, e);
	return e ? e : 1;
}

int bfs_journal_flush(struct bfs_journal *j)
{
	int r = write_frame(j);

	if (r == 1)
		bfs_removals_logged(j);
	return r < 0 ? r : 0;
}

void bfs_journal_turn(void *arg)
{
	struct bfs_journal *j = arg;

	int r = bfs_journal_pending(j) ? write_frame(j) : 0;

	bfs_journal_send_waiting(j);
	/* Nobody needs to wait for that. */
	if (r == 1)
		bfs_removals_logged(j);
	if (!j->failed && bfs_jlog_full(j->log))
		bfs_checkpoint_due(j);
}

static int apply(void *arg, const struct bfs_record *r)
{
	struct bfs_journal *j = arg;

	if (!bfs_record_of_fs(r->kind))
		return bfs_kept_put(j, r);
	switch (r->kind) {
#define TAKE_FS(name) return bfs_load_##name(j->fs, &r->name, r->gone)
#define TAKE_KEPT(name) return -EBADMSG
#define RECORD(num, NAME, name, taker, under, key, other) \
	case num: \
		TAKE_##taker(name);
#include "server/journal.def"
#undef RECORD
	}
	return -EBADMSG;
}

static int on_frame(void *arg, const struct bfs_frame_head *h,
		    const uint8_t *body)
{
	return bfs_frame_records(body, h->len, apply, arg);
}

static int open_dir(struct bfs_journal *j)
{
	if (asprintf(&j->path, "%s/" META, j->fs->conf.data_dir) < 0)
		return -ENOMEM;
	if (mkdirat(j->fs->top_fd, META, 0700) && errno != EEXIST)
		return -errno;
	/* It is there, as are its neighbours, before what is in it (D2). */
	if (fsync(j->fs->top_fd))
		return -errno;
	j->dir = openat(j->fs->top_fd, META,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return j->dir < 0 ? -errno : 0;
}

static struct bfs_jlog_conf log_conf(const struct bfs_journal *j)
{
	return (struct bfs_jlog_conf){ .dir = j->dir,
				       .path = j->path,
				       .cluster = j->fs->conf.cluster,
				       .shard = j->fs->conf.shard };
}

static int read_in(struct bfs_journal *j)
{
	struct bfs_jlog_conf conf = log_conf(j);
	uint64_t after = 0;
	int e = bfs_checkpoint_load(&conf, &after, apply, j);

	if (!e)
		e = bfs_jlog_open(&j->log, &conf, after, on_frame, j);
	return e;
}

/* What is there is in j->fs: number what comes from now on. */
static int begin(struct bfs_journal *j)
{
	struct bfs_fs *fs = j->fs;
	int e;

	BFS_KILL_POINT(start_read);
	fs->journal = j;
	reserve(j);
	e = bfs_journal_flush(j);
	if (!e && fdatasync(bfs_jlog_fd(j->log)))
		e = -errno;
	if (!e)
		bfs_jlog_set_synced(j->log, bfs_jlog_seq(j->log));
	j->synced_ino = fs->counter;
	return e;
}

void bfs_journal_attach(struct bfs_journal *j, struct bfs_server *s)
{
	j->server = s;
	bfs_checkpoint_begin(j);
}

static struct bfs_journal *blank(struct bfs_fs *fs)
{
	struct bfs_journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->fs = fs;
	j->dir = -1;
	j->waiting_end = &j->waiting;
	j->waits_end = &j->waits;
	return j;
}

int bfs_journal_open(struct bfs_fs *fs)
{
	struct bfs_journal *j = blank(fs);
	int e;

	if (!j)
		return -ENOMEM;
	e = open_dir(j);
	if (!e)
		e = read_in(j);
	if (!e)
		e = bfs_load_finish(fs);
	if (e >= 0) {
		int fresh = e;

		e = begin(j);
		return e ? e : fresh;
	}
	bfs_log(error, "cannot read the journal in %s: %s",
		j->path ? j->path : fs->conf.data_dir, strerror(-e));
	bfs_journal_close(j);
	return e;
}

struct look {
	struct bfs_journal *j;
	struct bfs_ends *ends;
};

static int note_end(struct bfs_ends *a, uint64_t ino)
{
	if (!(a->n & (a->n - 1))) { /* a power of two: full */
		void *p = realloc(a->ino, BFS_MAX(2 * a->n, 1u) * sizeof(ino));

		if (!p)
			return -ENOMEM;
		a->ino = p;
	}
	a->ino[a->n++] = ino;
	return 0;
}

static int look_at(void *arg, const struct bfs_record *r)
{
	struct look *l = arg;
	int e = apply(l->j, r);

	if (!e && r->kind == BFS_RECORD_INODE && r->gone)
		e = note_end(l->ends, r->inode.ino);
	return e;
}

static int on_look(void *arg, const struct bfs_frame_head *h,
		   const uint8_t *body)
{
	return bfs_frame_records(body, h->len, look_at, arg);
}

static int look_in(struct look *l, bool write)
{
	struct bfs_jlog_conf conf;
	uint64_t after = 0;
	int e;

	l->j->dir = openat(l->j->fs->top_fd, META,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (l->j->dir < 0)
		return -errno;
	conf = log_conf(l->j);
	e = bfs_checkpoint_load(&conf, &after, apply, l->j);
	if (e)
		return e;
	return write ? bfs_jlog_open(&l->j->log, &conf, after, on_look, l)
		     : bfs_jlog_read(&conf, after, UINT64_MAX, on_look, l);
}

int bfs_journal_look(struct bfs_fs *fs, bool write, struct bfs_journal **out,
		     struct bfs_ends *ends)
{
	struct bfs_journal *j = blank(fs);
	struct look l = { j, ends };
	int e;

	if (!j)
		return -ENOMEM;
	e = asprintf(&j->path, "%s/" META, fs->conf.data_dir) < 0
		    ? -ENOMEM
		    : look_in(&l, write);
	if (e) {
		bfs_log(error, "cannot read the journal in %s: %s",
			j->path ? j->path : fs->conf.data_dir, strerror(-e));
		bfs_journal_close(j);
		return e;
	}
	if (write)
		fs->journal = j;
	*out = j;
	return 0;
}

void bfs_journal_close(struct bfs_journal *j)
{
	if (!j)
		return;
	bfs_checkpoint_end(j);
	if (j->log && !j->failed) {
		bfs_journal_flush(j);
		bfs_journal_sync_now(j);
	}
	bfs_journal_send_waiting(j);
	bfs_removals_now(j);
	if (j->log)
		bfs_jlog_close(j->log);
	bfs_journal_forget_kept(j);
	if (j->dir >= 0)
		close(j->dir);
	j->fs->journal = NULL;
	free(j->path);
	free(j->buf);
	free(j->dirty);
	free(j->removals.v);
	free(j->due.v);
	free(j);
}
