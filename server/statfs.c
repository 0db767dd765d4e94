/* SPDX-License-Identifier: BSD-3-Clause */
/* STATFS: the space of all shards. */
#include "server/statfs.h"

#include "core/log.h"
#include "core/util.h"
#include "server/fanout.h"
#include "server/journal.h"
#include "server/shared.h"
#include "server/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* What a limit of that many bytes leaves of it. */
static void limit(const struct bfs_fs *fs, uint64_t max,
		  struct bfs_statfs_rep *rep)
{
	uint64_t used = (fs->used + fs->chunk_blocks) * 512 / rep->bsize;
	uint64_t left;

	if (!max)
		return;
	max /= rep->bsize;
	left = max > used ? max - used : 0;
	rep->blocks = BFS_MIN(rep->blocks, max);
	rep->bfree = BFS_MIN(rep->bfree, left);
	rep->bavail = BFS_MIN(rep->bavail, left);
}

static void limit_files(const struct bfs_fs *fs, struct bfs_statfs_rep *rep)
{
	uint64_t max = fs->conf.quota.files, used = rep->files - rep->ffree;

	if (!max)
		return;
	rep->ffree = BFS_MIN(rep->ffree, max > used ? max - used : 0);
	rep->files = used + rep->ffree;
}

/*
 * Daemons of one machine may keep their data on one disk, which counts once.
 * Each has its own limit: what that allows is a disk to itself.
 */
static uint64_t disk_of(const struct bfs_fs *fs, bool limited)
{
	char id[128] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, id, sizeof(id)) < 0)
		bfs_log(debug, "boot_id: %m");
	if (fd >= 0)
		close(fd);
	return XXH3_64bits_withSeed(id, sizeof(id), fs->dev) +
	       (limited ? 1 + fs->conf.shard : 0);
}

int bfs_statfs_here(struct bfs_fs *fs, struct bfs_statfs_rep *rep,
		    uint64_t *disk)
{
	struct statvfs v;
	int r;

	bfs_removals_now(fs->journal); /* their space counts as free */
	if (fstatvfs(fs->data_fd, &v)) {
		r = -errno;
		bfs_log(error, "cannot statfs the data directory: %m");
		return r;
	}
	rep->bsize = (uint32_t)(v.f_frsize ? v.f_frsize : v.f_bsize);
	rep->blocks = v.f_blocks;
	rep->bfree = v.f_bfree;
	rep->bavail = v.f_bavail;
	/* Each of our inodes needs one there, and memory. */
	rep->ffree = v.f_favail;
	rep->files = fs->inodes.n - fs->ncopies + rep->ffree;
	rep->fsid = fs->conf.cluster;
	rep->namelen = BFS_NAME_MAX;
	limit(fs, fs->conf.max_bytes, rep);
	limit(fs, fs->conf.quota.bytes, rep);
	limit_files(fs, rep);
	if (bfs_fs_clustered(fs))
		*disk = disk_of(fs, rep->blocks < v.f_blocks ||
					    fs->conf.quota.files);
	return 0;
}

struct summing {
	struct bfs_fanout f;
	struct bfs_statfs_rep *sum;
	uint64_t *disks; /* counted so far */
	unsigned ndisks;
};

static bool counted(struct summing *m, uint64_t disk)
{
	for (unsigned n = 0; n < m->ndisks; n++)
		if (m->disks[n] == disk)
			return true;
	m->disks[m->ndisks++] = disk;
	return false;
}

static int take(struct bfs_fanout *f, unsigned n, struct bfs_wire *w)
{
	struct summing *m = (struct summing *)f;
	struct bfs_statpart_rep rep;

	if (bfs_statpart_rep_get(w, &rep) || !m->sum->bsize)
		return -EBADMSG;
	m->sum->files += rep.files - BFS_MIN(rep.files, rep.ffree);
	if (counted(m, rep.disk))
		return 0;
	m->sum->files += rep.ffree;
	m->sum->ffree += rep.ffree;
	m->sum->blocks += rep.blocks * rep.bsize / m->sum->bsize;
	m->sum->bfree += rep.bfree * rep.bsize / m->sum->bsize;
	m->sum->bavail += rep.bavail * rep.bsize / m->sum->bsize;
	return 0;
}

static int everybody_else(const struct bfs_fs *fs, struct bfs_shards *all)
{
	int r = 0;

	for (unsigned n = 0; !r && n < fs->conf.nshards; n++)
		if (n != fs->conf.shard)
			r = bfs_shards_add(all, n);
	return r;
}

/* What does not answer is not there to be used: a dead shard counts nothing. */
static int add_others(struct bfs_call *c, struct bfs_statfs_rep *rep,
		      uint64_t disk)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_statpart_req req = { 0 };
	struct bfs_shards all = { 0 };
	struct summing m = { .f = { .c = c,
				    .op = BFS_OP_STATPART,
				    .unless_dead = true,
				    .dead_ok = true,
				    .take = take },
			     .sum = rep };
	struct bfs_wire w;
	int r = everybody_else(fs, &all);

	if (!r)
		r = bfs_fanout_begin(&m.f, &all, &w);
	bfs_shards_clear(&all);
	if (r)
		return r;
	m.disks = calloc(fs->conf.nshards, sizeof(*m.disks));
	if (m.disks)
		counted(&m, disk);
	bfs_statpart_req_put(&w, &req);
	r = m.disks ? bfs_fanout_run(&m.f, &w) : -ENOMEM;
	bfs_fanout_end(&m.f);
	free(m.disks);
	return r;
}

int bfs_serve_statfs(struct bfs_call *c, const struct bfs_statfs_req *req,
		     struct bfs_statfs_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_inode *i;
	uint64_t disk;
	int r = bfs_walk_to(c, req->at, req->path, true, &i);

	if (!r)
		r = bfs_statfs_here(fs, rep, &disk);
	if (!r && bfs_fs_clustered(fs))
		r = add_others(c, rep, disk);
	return r;
}
