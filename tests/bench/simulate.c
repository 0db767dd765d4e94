/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * simulate SHARDS [DIRS [FILES]]: how many messages a call costs, and how
 * evenly files lie, with the daemon's own code and that many daemons in one
 * process; and how many times a message goes there and
 * back one after the other (trips). Clients sit on all nodes and take turns.
 * Cold: the first call of a node in a directory; warm: the second file that the
 * node makes or looks at there.
 */
#include "tests/unit/cluster_unit.h"

#include "core/util.h"
#include "server/inode.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES 16 /* that call; the others only serve */

static unsigned node_of(const struct cluster_unit *u, unsigned i)
{
	return i % NODES * (u->n / NODES ? u->n / NODES : 1) % u->n;
}

static void path_of(char *out, size_t size, unsigned dir, unsigned file)
{
	snprintf(out, size, "dir.%05u/file.%05u", dir, file);
}

static void make_dirs(struct cluster_unit *u, unsigned dirs)
{
	char path[64];

	for (unsigned d = 0; d < dirs; d++) {
		snprintf(path, sizeof(path), "dir.%05u", d);
		if (cluster_mkdir_at(u, node_of(u, d), path, 0755))
			fail_msg("mkdir %s", path);
	}
}

static int create(struct cluster_unit *u, unsigned node, const char *path)
{
	return cluster_create(u, node, path, O_RDWR | O_EXCL, 0644);
}

static int look(struct cluster_unit *u, unsigned node, const char *path)
{
	struct bfs_attr a;

	return cluster_stat(u, node, path, &a);
}

static int again(struct cluster_unit *u, unsigned node, const char *path)
{
	return cluster_create(u, node, path, O_RDWR, 0644);
}

static int drop(struct cluster_unit *u, unsigned node, const char *path)
{
	return cluster_remove(u, node, path, false);
}

/* The other name of the same file, which mostly lies on another shard. */
static void other_of(char *out, size_t size, const char *path)
{
	snprintf(out, size, "%.9s/other%s", path, strrchr(path, '.'));
}

static int move(struct cluster_unit *u, unsigned node, const char *path)
{
	char to[64];

	other_of(to, sizeof(to), path);
	return cluster_move(u, node, path, to, 0);
}

/* Back, over a file that is there. */
static int replace(struct cluster_unit *u, unsigned node, const char *path)
{
	char from[64];

	other_of(from, sizeof(from), path);
	return cluster_move(u, node, from, path, 0);
}

static int add_name(struct cluster_unit *u, unsigned node, const char *path)
{
	char to[64];

	other_of(to, sizeof(to), path);
	return cluster_name(u, node, path, to);
}

/* The name that lies elsewhere than the inode. */
static int drop_name(struct cluster_unit *u, unsigned node, const char *path)
{
	char other[64];

	other_of(other, sizeof(other), path);
	return cluster_remove(u, node, other, false);
}

static int make_dir(struct cluster_unit *u, unsigned node, const char *path)
{
	return cluster_mkdir_at(u, node, path, 0755);
}

static int drop_other_dir(struct cluster_unit *u, unsigned node,
			  const char *path)
{
	char other[64];

	other_of(other, sizeof(other), path);
	return cluster_remove(u, node, other, true);
}

/* All files of all directories; the requests that went between daemons. */
static void phase(struct cluster_unit *u, const char *name, unsigned dirs,
		  unsigned files,
		  int (*call)(struct cluster_unit *, unsigned, const char *))
{
	uint64_t before = bfs_ploop_total(u->net);
	uint64_t forwards = bfs_ploop_sent(u->net, BFS_OP_FORWARD);
	uint64_t copies = bfs_ploop_sent(u->net, BFS_OP_DIRCOPY);
	uint64_t start = bfs_now();
	double n = (double)dirs * files;
	char path[64];

	for (unsigned f = 0; f < files; f++)
		for (unsigned d = 0; d < dirs; d++) {
			path_of(path, sizeof(path), d, f);
			if (call(u, node_of(u, d + f), path))
				fail_msg("%s %s", name, path);
		}
	printf("%-14s %10.0f %10.3f %10.3f %10.3f %10.1f\n", name, n,
	       (double)(bfs_ploop_total(u->net) - before) / n,
	       (double)(bfs_ploop_sent(u->net, BFS_OP_FORWARD) - forwards) / n,
	       (double)(bfs_ploop_sent(u->net, BFS_OP_DIRCOPY) - copies) / n,
	       (double)(bfs_now() - start) / n / (2.0 * CLUSTER_UNIT_DELAY_NS));
}

static void imbalance(const struct cluster_unit *u)
{
	struct bfs_inode *i, *next;
	unsigned most = 0, least = ~0u, all = 0;

	for (unsigned s = 0; s < u->n; s++) {
		unsigned here = 0;

		BFS_ITABLE_EACH(&u->servers[s].fs->inodes, i, next)
		here += S_ISREG(i->mode) != 0;
		all += here;
		most = here > most ? here : most;
		least = here < least ? here : least;
	}
	printf("files on a shard: %u least, %.1f mean, %u most\n", least,
	       (double)all / u->n, most);
}

int main(int argc, char **argv)
{
	unsigned shards = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
	unsigned dirs = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
	unsigned files = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;
	struct cluster_unit *u = cluster_unit_new(shards, 1);

	printf("%u shards, %u directories, %u files in each, calls from %u "
	       "nodes\n",
	       shards, dirs, files, NODES);
	make_dirs(u, dirs);
	printf("%-14s %10s %10s %10s %10s %10s\n", "call", "calls", "messages",
	       "forwards", "copies", "trips");
	phase(u, "create", dirs, files, create);
	imbalance(u);
	phase(u, "stat", dirs, files, look);
	phase(u, "unlink", dirs, files, drop);
	phase(u, "create (warm)", dirs, files, create);
	phase(u, "open (warm)", dirs, files, again);
	phase(u, "rename", dirs, files, move);
	phase(u, "create (warm)", dirs, files, create);
	phase(u, "rename over", dirs, files, replace);
	phase(u, "link", dirs, files, add_name);
	phase(u, "unlink 2nd name", dirs, files, drop_name);
	phase(u, "unlink (warm)", dirs, files, drop);
	phase(u, "mkdir", dirs, files / 10 + 1, make_dir);
	phase(u, "rename dir", dirs, files / 10 + 1, move);
	phase(u, "rmdir", dirs, files / 10 + 1, drop_other_dir);
	cluster_unit_free(u);
	return 0;
}
