/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/change.h"

#include "core/log.h"
#include "server/dir.h"
#include "server/hint.h"
#include "server/node.h"
#include "server/shared.h"

#include <errno.h>
#include <string.h>

void bfs_change_put(struct bfs_wire *w, const struct bfs_change *c)
{
	bfs_put_u32(w, c->kind);
	bfs_put_u64(w, c->dir);
	bfs_put_str(w, c->name);
	bfs_put_u64(w, c->ino);
	bfs_put_u32(w, c->type);
	bfs_put_u32(w, (uint32_t)c->delta);
}

int bfs_change_get(struct bfs_wire *w, struct bfs_change *c)
{
	c->kind = bfs_get_u32(w);
	c->dir = bfs_get_u64(w);
	c->name = bfs_get_str(w);
	c->ino = bfs_get_u64(w);
	c->type = bfs_get_u32(w);
	c->delta = (int32_t)bfs_get_u32(w);
	if (bfs_wire_end(w) || c->kind < BFS_CHANGE_PUT ||
	    c->kind > BFS_CHANGE_TREE || c->name.len > BFS_NAME_MAX)
		return -EBADMSG;
	return 0;
}

static bool of_entry(const struct bfs_change *c)
{
	return c->kind == BFS_CHANGE_PUT || c->kind == BFS_CHANGE_DROP;
}

unsigned bfs_change_shard(const struct bfs_fs *fs, const struct bfs_change *c)
{
	return of_entry(c) ? bfs_shared_place(fs, c->dir, c->name)
			   : bfs_shared_home(fs, c->ino);
}

static bool name_ok(struct bfs_str name)
{
	return name.len && name.len <= BFS_NAME_MAX &&
	       !memchr(name.ptr, '/', name.len) &&
	       !memchr(name.ptr, '\0', name.len);
}

static bool entry_ok(const struct bfs_fs *fs, const struct bfs_change *c)
{
	const struct bfs_inode *dir = bfs_inode_find(fs, c->dir), *i;

	if (!name_ok(c->name) ||
	    (dir ? !S_ISDIR(dir->mode)
		 : bfs_shared_home(fs, c->dir) == fs->conf.shard))
		return false;
	if (c->kind == BFS_CHANGE_DROP)
		return true;
	i = bfs_inode_here(fs, c->ino);
	return i ? !((i->mode ^ c->type) & S_IFMT)
		 : bfs_shared_home(fs, c->ino) != fs->conf.shard;
}

static bool inode_ok(const struct bfs_fs *fs, const struct bfs_change *c)
{
	const struct bfs_inode *i = bfs_inode_here(fs, c->ino);

	switch (c->kind) {
	case BFS_CHANGE_TREE:
		return true;
	case BFS_CHANGE_LINKS:
		return i && c->delta >= -1 && c->delta <= 1 &&
		       !S_ISDIR(i->mode) && (!c->dir || name_ok(c->name));
	case BFS_CHANGE_MOVED:
		return i && S_ISDIR(i->mode) && name_ok(c->name);
	default:
		return i && S_ISDIR(i->mode);
	}
}

int bfs_changes_check(const struct bfs_fs *fs, struct bfs_str changes)
{
	struct bfs_change c;
	struct bfs_wire w;
	unsigned n = 0;

	bfs_wire_init(&w, changes.ptr, changes.len);
	for (; w.pos < w.end; n++) {
		if (n == BFS_CHANGES_MAX || bfs_change_get(&w, &c) ||
		    bfs_change_shard(fs, &c) != fs->conf.shard)
			return -EBADMSG;
		if (!(of_entry(&c) ? entry_ok(fs, &c) : inode_ok(fs, &c)))
			return -EBADMSG;
	}
	return 0;
}

static int make_entry(struct bfs_fs *fs, const struct bfs_change *c)
{
	struct bfs_inode *dir = bfs_copy_get(fs, c->dir);
	const struct bfs_dentry *d;

	if (!dir)
		return -ENOMEM;
	if (c->kind == BFS_CHANGE_PUT)
		return bfs_dir_put(fs, dir, c->name, c->ino, c->type);
	/* It may be another's when the change is made late (TXREDO). */
	d = bfs_dir_find(fs, dir, c->name);
	if (d && bfs_dentry_ino(d) == c->ino)
		bfs_dir_drop(fs, dir, c->name);
	return 0;
}

static void add_links(struct bfs_fs *fs, struct bfs_inode *i,
		      const struct bfs_change *c)
{
	int32_t delta = c->delta;

	if (delta < 0 && !i->nlink)
		return; /* none of ours asks for that */
	if (delta < 0)
		bfs_hint_drop(i, c->dir, c->name);
	else if (c->dir &&
		 bfs_shared_place(fs, c->dir, c->name) != fs->conf.shard)
		bfs_hint_set(i, c->dir, c->name);
	i->nlink += (uint32_t)delta;
	bfs_inode_changed(fs, i);
	if (delta > 0)
		bfs_orphan_remove(fs, i);
	else if (!i->nlink && !i->orphan)
		bfs_orphan_add(fs, i);
}

static int make_inode(struct bfs_fs *fs, const struct bfs_change *c)
{
	struct bfs_inode *i = bfs_inode_here(fs, c->ino);

	if (c->kind == BFS_CHANGE_TREE)
		return 0;
	if (!i)
		return -ENOENT;
	switch (c->kind) {
	case BFS_CHANGE_LINKS:
		add_links(fs, i, c);
		break;
	case BFS_CHANGE_GONE:
		bfs_node_dropped(fs, i);
		break;
	case BFS_CHANGE_MOVED:
		bfs_shared_named(fs, i, c->dir, c->name);
		bfs_inode_changed(fs, i);
		break;
	}
	return 0;
}

void bfs_changes_make(struct bfs_fs *fs, const uint8_t *buf, size_t len)
{
	struct bfs_change c;
	struct bfs_wire w;
	int r = 0;

	bfs_wire_init(&w, buf, len);
	while (w.pos < w.end && !bfs_change_get(&w, &c)) {
		r = of_entry(&c) ? make_entry(fs, &c) : make_inode(fs, &c);
		if (r)
			bfs_log(error,
				"change %u of inode %016lx, entry %.*s in "
				"%016lx: %s; run benchfs fsck",
				c.kind, c.ino, (int)c.name.len, c.name.ptr,
				c.dir, strerror(-r));
	}
}
