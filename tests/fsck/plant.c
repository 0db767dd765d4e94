/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plant DATA_DIR SHARDS ACTION ARGUMENT...: writes something wrong into the
 * journal of a stopped daemon, and has it put into the checkpoint, as if it had
 * always been so.  Numbers are hexadecimal.  Exit status 3: there is no such
 * inode or entry on that shard.
 */
#include "server/checkpoint.h"
#include "server/dir.h"
#include "server/journal_turn.h"
#include "server/shared.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_HERE 3

static struct bfs_fs *fs;

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 16);
}

static struct bfs_inode *inode(const char *text)
{
	struct bfs_inode *i = bfs_inode_find(fs, number(text));

	if (!i || !i->mode)
		exit(NOT_HERE);
	return i;
}

static struct bfs_dentry *entry(const char *dir, const char *name)
{
	const struct bfs_inode *i = inode(dir);
	struct bfs_dentry *d = NULL;
	uint64_t at = 0;

	while (S_ISDIR(i->mode) && (d = bfs_dir_after(i, at))) {
		if (d->len == strlen(name) && !memcmp(d->name, name, d->len))
			return d;
		at = d->cursor;
	}
	exit(NOT_HERE);
}

static void gone(uint64_t ino)
{
	bfs_journal_gone_inode(fs->journal,
			       &(struct bfs_rec_inode){ .ino = ino });
}

static void do_uninode(char **a)
{
	gone(inode(a[0])->ino);
}

/* The entries stay. */
static void do_losedir(char **a)
{
	const struct bfs_inode *i = inode(a[0]);
	const struct bfs_dentry *d;
	uint64_t at = 0;

	gone(i->ino);
	for (; (d = bfs_dir_after(i, at)); at = d->cursor)
		bfs_note_entry(fs, d);
}

static void do_unentry(char **a)
{
	bfs_note_entry_gone(fs, entry(a[0], a[1]));
}

static void do_entry(char **a)
{
	struct bfs_str name = { a[1], (uint32_t)strlen(a[1]) };

	if (bfs_dir_put(fs, inode(a[0]), name, number(a[2]),
			(uint32_t)strtoul(a[3], NULL, 8)))
		errx(1, "put");
}

static void do_type(char **a)
{
	struct bfs_dentry *d = entry(a[0], a[1]);

	d->type = (uint16_t)strtoul(a[2], NULL, 8);
	bfs_note_entry(fs, d);
}

static void do_nlink(char **a)
{
	struct bfs_inode *i = inode(a[0]);

	i->nlink = (uint32_t)number(a[1]);
	bfs_note_inode(fs, i);
}

static void do_parent(char **a)
{
	struct bfs_inode *i = inode(a[0]);

	i->dir.parent = number(a[1]);
	bfs_note_inode(fs, i);
}

static void do_unholder(char **a)
{
	struct bfs_inode *i = inode(a[0]);
	unsigned shard = (unsigned)number(a[1]);

	if (!bfs_shards_has(&i->dir.shared->holders, shard))
		exit(NOT_HERE);
	bfs_holder_remove(fs, i, shard);
}

static void do_xattr(char **a)
{
	bfs_journal_add_xattr(fs->journal,
			      &(struct bfs_rec_xattr){ .ino = number(a[0]),
						       .name = { "user.x", 6 },
						       .value = { "v", 1 } });
}

static const struct {
	const char *name;
	int args;
	void (*run)(char **a);
} actions[] = {
	{ "uninode", 1, do_uninode }, { "losedir", 1, do_losedir },
	{ "unentry", 2, do_unentry }, { "entry", 4, do_entry },
	{ "type", 3, do_type },	      { "nlink", 2, do_nlink },
	{ "parent", 2, do_parent },   { "unholder", 2, do_unholder },
	{ "xattr", 1, do_xattr },
};

static void settle(void)
{
	struct bfs_journal *j = fs->journal;
	uint64_t closed;

	if (bfs_journal_flush(j) || bfs_journal_sync_now(j) ||
	    bfs_jlog_rotate(j->log, &closed) ||
	    bfs_journal_checkpoint(j, closed))
		errx(1, "cannot write");
	bfs_jlog_drop(j->log, closed);
}

int main(int argc, char **argv)
{
	struct bfs_ends ends = { 0 };
	struct bfs_journal *j;

	if (argc < 5 || bfs_fs_look(&fs, argv[1], true))
		errx(1, "plant DATA_DIR SHARDS ACTION ARGUMENT...");
	fs->conf.nshards = (uint32_t)atoi(argv[2]);
	if (bfs_journal_look(fs, true, &j, &ends))
		errx(1, "%s", argv[1]);
	free(ends.ino);
	for (size_t n = 0; n < sizeof(actions) / sizeof(actions[0]); n++) {
		if (strcmp(argv[3], actions[n].name) ||
		    argc != 4 + actions[n].args)
			continue;
		actions[n].run(argv + 4);
		settle();
		bfs_fs_free(fs);
		return 0;
	}
	errx(1, "%s: no such action, or not so many arguments", argv[3]);
}
