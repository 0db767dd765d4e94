/* SPDX-License-Identifier: BSD-3-Clause */
/* Has each file its data, and is all data some file's? */
#include "server/fsck_impl.h"

#include "core/log.h"
#include "server/data.h"
#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void do_later(struct bfs_fsck *ck, struct bfs_fsck_shard *s,
		     uint64_t ino)
{
	struct bfs_fsck_stray l = { .ino = ino, .shard = s };

	bfs_fsck_push(ck, &ck->later, &ck->nlater, &l, sizeof(l));
}

/* Reading it fails, and must not give nothing under its old name. */
static void check_file(struct bfs_fsck *ck, struct bfs_fsck_node *n)
{
	struct bfs_fsck_shard *s = bfs_fsck_home(ck, n->i->ino);
	const struct bfs_dentry *d = n->refs ? bfs_fsck_ref(ck, n, 0)->d : NULL;
	bool fifo = S_ISFIFO(n->i->mode);

	if (n->backed || !(fifo || S_ISREG(n->i->mode)) || n->i->orphan ||
	    bfs_fsck_pending(ck, n->i->ino))
		return;
	if (!bfs_fsck_tell(ck, fifo ? BFS_DEFECT_NO_FIFO : BFS_DEFECT_NO_DATA,
			   s, n->i->ino, d, "%s", ""))
		return;
	if (!fifo)
		bfs_fsck_to_lost(ck, s, n->i, n);
	do_later(ck, s, n->i->ino);
}

/* A file of which there is only the content. */
static void adopt(struct bfs_fsck *ck, const struct bfs_fsck_stray *x)
{
	struct bfs_inode *i =
		bfs_fsck_make(ck, x->shard, x->ino, S_IFREG | 0600);

	if (!i)
		return;
	i->backed = true;
	bfs_fsck_to_lost(ck, x->shard, i, NULL);
}

/* It may be what an unlink has left, or a creation that was never answered:
 * then a start removes it, and nobody misses it. */
static bool left_over(const struct bfs_fsck *ck, const struct bfs_fsck_stray *x)
{
	return x->empty || bfs_fsck_ended(ck, x->ino) ||
	       bfs_fsck_pending(ck, x->ino);
}

static void check_chunks(struct bfs_fsck *ck, const struct bfs_fsck_stray *x)
{
	const struct bfs_fsck_node *n = bfs_fsck_node(ck, x->ino);

	if (!bfs_fsck_home(ck, x->ino) &&
	    x->ino >> BFS_SHARD_SHIFT < ck->nshards) {
		ck->unchecked++;
		return;
	}
	if (n && S_ISREG(n->i->mode) &&
	    n->i->layout.policy == BFS_POLICY_STRIPE)
		return;
	if (!left_over(ck, x) && bfs_fsck_tell(ck, BFS_DEFECT_CHUNK, x->shard,
					       x->ino, NULL, "%s", ""))
		do_later(ck, x->shard, x->ino);
}

static void check_stray(struct bfs_fsck *ck, const struct bfs_fsck_stray *x)
{
	if (!x->ino) /* its inode has been made anew */
		return;
	if (bfs_shared_home(x->shard->fs, x->ino) != x->shard->fs->conf.shard)
		check_chunks(ck, x);
	else if (!left_over(ck, x) &&
		 bfs_fsck_tell(ck, BFS_DEFECT_DATA, x->shard, x->ino, NULL,
			       "%s", ""))
		adopt(ck, x);
}

void bfs_fsck_data(struct bfs_fsck *ck)
{
	for (size_t n = 0; !ck->failed && n < ck->nnodes; n++)
		check_file(ck, &ck->nodes[n]);
	for (size_t n = 0; !ck->failed && n < ck->nstrays; n++)
		check_stray(ck, &ck->strays[n]);
}

static int make_data(struct bfs_fs *fs, uint64_t ino)
{
	int fd = bfs_data_create(fs, bfs_inode_find(fs, ino), O_RDWR);

	if (fd > 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int remove_chunks(const struct bfs_fs *fs, uint64_t ino)
{
	char name[BFS_DATA_NAME_LEN];
	int e;

	bfs_data_name(name, ino);
	if (!unlinkat(fs->data_fd, name, 0))
		return 0;
	e = -errno;
	bfs_log(error, "cannot remove %s/data/%s: %m", fs->conf.data_dir, name);
	return e;
}

int bfs_fsck_data_later(struct bfs_fsck *ck)
{
	int e = 0;

	for (size_t n = 0; !e && n < ck->nlater; n++) {
		struct bfs_fs *fs = ck->later[n].shard->fs;
		uint64_t ino = ck->later[n].ino;

		e = bfs_shared_home(fs, ino) == fs->conf.shard
			    ? make_data(fs, ino)
			    : remove_chunks(fs, ino);
	}
	for (unsigned k = 0; !e && ck->nlater && k < ck->nshards; k++)
		e = syncfs(ck->shard[k].fs->data_fd) ? -errno : 0;
	return e;
}
