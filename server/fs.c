/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/siphash.h"
#include "core/util.h"
#include "server/chunks.h"
#include "server/data.h"
#include "server/dir.h"
#include "server/hold.h"
#include "server/journal.h"
#include "server/journal_turn.h"
#include "server/null.h"
#include "server/quota.h"
#include "server/settle.h"
#include "server/shared.h"
#include "server/store.h"
#include "server/stripe.h"
#include "server/sums.h"
#include "server/txp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number that names and directories cannot foresee. */
static uint64_t derived(const struct bfs_fs *fs, const char *label)
{
	return bfs_siphash(fs->conf.secret, label, strlen(label)) | 1;
}

static int own_ids(struct bfs_fs *fs)
{
	struct stat st;

	if (fstat(fs->data_fd, &st))
		return -errno;
	fs->dev = st.st_dev;
	fs->euid = geteuid();
	fs->egid = st.st_mode & S_ISGID ? st.st_gid : getegid();
	return 0;
}

static int make_root(struct bfs_fs *fs)
{
	uint32_t mode = fs->conf.root_mode ? fs->conf.root_mode : 0755;

	if (bfs_shared_home(fs, BFS_ROOT_INO) != fs->conf.shard) {
		fs->root = bfs_copy_get(fs, BFS_ROOT_INO);
		return fs->root ? 0 : -ENOMEM;
	}
	/* Whatever numbers are reserved: a start before may have got so far. */
	fs->root = bfs_inode_at(fs, BFS_ROOT_INO, S_IFDIR | (mode & 07777),
				geteuid(), getegid());
	if (!fs->root)
		return -ENOMEM;
	fs->counter = BFS_MAX(fs->counter, BFS_ROOT_INO);
	fs->root->nlink = 2;
	bfs_note_inode(fs, fs->root);
	return 0;
}

/* What is not set on it is as it is configured now. */
static void lay_out_root(struct bfs_fs *fs)
{
	struct bfs_layout was = fs->root->layout, now = fs->conf.layout;

	if (bfs_shared_home(fs, BFS_ROOT_INO) != fs->conf.shard)
		return;
	now.own = was.own;
	if (was.own & BFS_LAYOUT_OWN_POLICY)
		now.policy = was.policy;
	if (was.own & BFS_LAYOUT_OWN_CHUNK)
		now.chunk_log2 = was.chunk_log2;
	if (bfs_layout_pack(was) == bfs_layout_pack(now))
		return;
	fs->root->layout = now;
	bfs_note_inode(fs, fs->root);
}

void bfs_fs_placed(struct bfs_fs *fs, bool many_nodes)
{
	fs->conf.many_nodes = many_nodes;
	if (!fs->conf.unplaced)
		return;
	fs->conf.unplaced = false;
	if (many_nodes)
		fs->conf.layout.policy = BFS_POLICY_STRIPE;
	lay_out_root(fs);
	bfs_hold_changed(fs);
}

/* What the journal has, or a root that it gets. */
static int set_up_journal(struct bfs_fs *fs)
{
	int r = bfs_journal_open(fs);

	if (r > 0)
		r = make_root(fs);
	if (!r && !fs->conf.unplaced)
		lay_out_root(fs);
	if (!r)
		r = bfs_journal_flush(fs->journal);
	if (!r)
		r = bfs_journal_sync_now(fs->journal);
	return r ? r : bfs_load_sweep(fs);
}

static int set_up(struct bfs_fs *fs)
{
	int r = own_ids(fs);

	if (!r)
		r = bfs_sums_start(fs);
	if (r)
		return r;
	if (fs->conf.journal)
		return set_up_journal(fs);
	r = bfs_store_wipe(fs);
	return r ? r : make_root(fs);
}

static void unload_entries(struct bfs_inode *dir)
{
	struct bfs_dentry *d;

	while ((d = bfs_dir_after(dir, 0)))
		bfs_dir_unload(d);
}

/* Out of memory, and no more: what is on disk stays. */
static void unload(struct bfs_fs *fs)
{
	struct bfs_inode *i, *next;

	BFS_ITABLE_EACH(&fs->inodes, i, next)
	if (!i->mode || S_ISDIR(i->mode))
		unload_entries(i);
	BFS_ITABLE_EACH(&fs->inodes, i, next)
	{
		if (S_ISREG(i->mode))
			bfs_data_uncache(fs, i);
		bfs_inode_unload(fs, i);
	}
	bfs_itable_fini(&fs->inodes);
}

static void dispose(struct bfs_fs *fs)
{
	free((char *)fs->conf.data_dir);
	free(fs->seen);
	free(fs->calming);
	if (fs->null_fd >= 0)
		close(fs->null_fd);
	free(fs);
}

/* With nothing in it, and no directory. */
static struct bfs_fs *blank(const struct bfs_fs_conf *conf)
{
	struct bfs_fs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return NULL;
	fs->conf = *conf;
	fs->conf.data_dir = strdup(conf->data_dir);
	fs->seen = calloc(BFS_HANDLES_SEEN, sizeof(*fs->seen));
	fs->hash_mask = UINT64_MAX;
	fs->sums_fd = fs->null_fd = -1;
	if (!fs->conf.layout.chunk_log2)
		fs->conf.layout.chunk_log2 = BFS_CHUNK_LOG2_DEFAULT;
	if (fs->conf.data_dir && fs->seen)
		return fs;
	dispose(fs);
	return NULL;
}

static void derive(struct bfs_fs *fs)
{
	fs->seed = derived(fs, "names");
}

int bfs_fs_new(struct bfs_fs **out, const struct bfs_fs_conf *conf)
{
	struct bfs_fs *fs = blank(conf);
	int r;

	if (!fs)
		return -ENOMEM;
	umask(077); /* whatever we were started with: never less than 0600 */
	r = bfs_store_open(fs);
	if (r) {
		dispose(fs);
		return r;
	}
	derive(fs);
	r = bfs_null_on(fs) ? bfs_null_start(fs) : 0;
	if (!r)
		r = set_up(fs);
	fs->first_counter = fs->counter;
	if (!r) {
		bfs_space_begin(fs);
		*out = fs;
		return 0;
	}
	bfs_journal_close(fs->journal);
	unload(fs);
	bfs_sums_free_all(fs);
	bfs_store_close(fs);
	dispose(fs);
	return r;
}

int bfs_fs_look(struct bfs_fs **out, const char *data_dir, bool write)
{
	struct bfs_fs_conf conf = { .data_dir = data_dir, .journal = true };
	struct bfs_fs *fs = blank(&conf);
	int r = fs ? bfs_store_look(fs, write) : -ENOMEM;

	if (!r && own_ids(fs)) {
		r = -errno;
		bfs_store_close(fs);
	}
	if (r) {
		if (fs)
			dispose(fs);
		return r;
	}
	umask(077);
	derive(fs);
	*out = fs;
	return 0;
}

void bfs_fs_identity(const struct bfs_fs *fs, uint64_t *cluster,
		     uint8_t secret[16])
{
	*cluster = fs->conf.cluster;
	memcpy(secret, fs->conf.secret, sizeof(fs->conf.secret));
}

void bfs_fs_free(struct bfs_fs *fs)
{
	bool stays;

	if (!fs)
		return;
	stays = fs->conf.journal && !fs->conf.scratch;
	bfs_spare_drop(fs);
	bfs_journal_close(fs->journal);
	unload(fs);
	bfs_chunks_free_all(fs);
	bfs_sums_free_all(fs);
	bfs_stripe_drops_free(fs);
	bfs_hold_free_all(fs);
	bfs_txp_free_all(fs);
	bfs_settle_free_all(fs);
	bfs_quota_free(fs);
	if (!stays)
		bfs_store_remove(fs);
	bfs_store_close(fs);
	dispose(fs);
}

void bfs_fs_set_sync_close(struct bfs_fs *fs, bool sync_close)
{
	fs->conf.sync_close = sync_close;
}

int bfs_fs_data_fd(const struct bfs_fs *fs, uint32_t uid)
{
	return uid == fs->euid && !bfs_sums_on(fs) && !bfs_null_on(fs)
		       ? fs->data_path_fd
		       : -1;
}

uint64_t bfs_fs_data_dev(const struct bfs_fs *fs)
{
	return fs->dev;
}

struct bfs_handle bfs_fs_root(const struct bfs_fs *fs)
{
	return bfs_inode_handle(fs, fs->root, BFS_RIGHT_PATH);
}

int bfs_fs_check(const struct bfs_fs *fs, struct bfs_handle h)
{
	return bfs_inode_of(fs, h) ? 0 : -ESTALE;
}
