/* SPDX-License-Identifier: BSD-3-Clause */
/* Members find each other in a directory that all of them can read. */
#include "core/cluster.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *record_path(const struct bfs_members *l, unsigned shard)
{
	char *path;

	return asprintf(&path, "%s/%s.addr", l->dir, l->m[shard].name) < 0
		       ? NULL
		       : path;
}

/* Of somebody who is not in the list: two clusters in one directory. */
static int check_names(const struct bfs_members *l, char *err)
{
	DIR *d = opendir(l->dir);
	const struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		return bfs_members_fail(r, err, "cannot read %s: %s", l->dir,
					strerror(-r));
	}
	while (!r && (e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');
		BFS_AUTOFREE char *name = NULL;

		if (!dot || dot == e->d_name || strcmp(dot, ".addr"))
			continue;
		name = strndup(e->d_name, (size_t)(dot - e->d_name));
		if (!name || bfs_members_find(l, name) < 0)
			r = bfs_members_fail(-ESTALE, err,
					     "%s/%s: is the record of a member "
					     "who is not among the %u of %s/"
					     "cluster",
					     l->dir, e->d_name, l->n, l->dir);
	}
	closedir(d);
	return r;
}

/* Who can write here decides who the members are. */
static int check_dir(const char *dir, char *err)
{
	struct stat st;

	if (stat(dir, &st))
		return bfs_members_fail(-errno, err, "cannot read %s: %s", dir,
					strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return bfs_members_fail(-ENOTDIR, err, "%s: not a directory",
					dir);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return bfs_members_fail(-EACCES, err,
					"%s: belongs to user %u and has mode "
					"%04o; it must be a directory of user "
					"%u that others cannot write to",
					dir, st.st_uid, st.st_mode & 07777,
					geteuid());
	return 0;
}

static int load(struct bfs_members *l, const struct bfs_config *c, char *err)
{
	int r;

	l->dir = strdup(c->network.registry_dir);
	if (!l->dir)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	r = check_dir(l->dir, err);
	if (!r)
		r = bfs_cluster_read(l, l->dir, err);
	return r ? r : check_names(l, err);
}

static int publish(struct bfs_members *l, char *err)
{
	BFS_AUTOFREE char *path = record_path(l, l->self);

	if (!path)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	return bfs_file_replace(path, l->record, l->record_len, 0600, err);
}

/* Unless another has put its own there since. */
static void withdraw(struct bfs_members *l)
{
	BFS_AUTOFREE char *path = record_path(l, l->self);
	BFS_AUTOFREE void *record = NULL;
	char err[BFS_MEMBERS_ERR];
	size_t len;

	if (!path || bfs_file_read(path, &record, &len, BFS_RECORD_MAX, err))
		return;
	if (len == l->record_len && !memcmp(record, l->record, len))
		unlink(path);
}

static int fetch(struct bfs_members *l, unsigned shard, void **record,
		 size_t *len, const char **from, char *err)
{
	static char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s.addr", l->dir,
			 l->m[shard].name);

	if (n >= (int)sizeof(path))
		return bfs_members_fail(-ENAMETOOLONG, err,
					"%s: too long a name", l->dir);
	*from = path;
	return bfs_file_read(path, record, len, BFS_RECORD_MAX, err);
}

const struct bfs_members_ops bfs_members_dir = {
	.name = "dir",
	.load = load,
	.publish = publish,
	.withdraw = withdraw,
	.fetch = fetch,
};
