/* SPDX-License-Identifier: BSD-3-Clause */
/* A cluster's members, directories and registry: made, found, removed. */
#include "tools/cluster.h"

#include "core/cluster.h"
#include "core/place.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

static bool in_a_job(void)
{
	const char *slurm = getenv("SLURM_JOB_NODELIST");
	const char *pbs = getenv("PBS_NODEFILE");

	return (slurm && *slurm) || (pbs && *pbs);
}

bool bfs_cluster_wanted(const struct bfs_options *o)
{
	return o->resume || o->hostfile || o->hosts || o->launcher ||
	       o->daemons > 1 || (o->daemons_given && in_a_job());
}

void bfs_cluster_fini(struct bfs_cluster *c)
{
	bfs_members_free(c->list);
	free(c->dir);
	free(c->registry);
	free(c->own_data);
}

/* How many records are there?  Daemons that run, or that were killed. */
static unsigned count_records(const char *registry)
{
	DIR *d = opendir(registry);
	const struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');

		n += dot && dot != e->d_name && !strcmp(dot, ".addr");
	}
	if (d)
		closedir(d);
	return n;
}

/* host, or host.0 and so on; in dir/member, data in data/member. */
static int add_member(struct bfs_cluster *c, const char *host, int k,
		      const char *data, char *err)
{
	BFS_AUTOFREE char *name = NULL, *run = NULL, *at = NULL;

	if ((k < 0 ? asprintf(&name, "%s", host)
		   : asprintf(&name, "%s.%d", host, k)) < 0 ||
	    asprintf(&run, "%s/%s", c->dir, name) < 0 ||
	    (data ? asprintf(&at, "%s/%s", data, name)
		  : asprintf(&at, "%s/data", run)) < 0)
		return bfs_fail(EX_OSERR, "out of memory");
	if (bfs_members_add(c->list, name, host, run, at, err))
		return bfs_fail(EX_USAGE, "%s", err);
	return 0;
}

static int add_members(struct bfs_cluster *c, const struct bfs_options *o,
		       const struct bfs_hosts *h, const char *data)
{
	char err[BFS_MEMBERS_ERR];
	unsigned hosts = h->n ? h->n : 1;
	int status = 0;

	for (unsigned i = 0; !status && i < hosts; i++) {
		const char *host = h->n ? h->name[i] : bfs_node_name(o);

		for (unsigned k = 0; !status && k < o->daemons; k++)
			status = add_member(c, host,
					    o->daemons > 1 ? (int)k : -1, data,
					    err);
	}
	if (!status && bfs_members_sort(c->list, err))
		status = bfs_fail(EX_USAGE, "%s", err);
	return status;
}

static char *home_registry(const char *dir)
{
	const char *home = getenv("HOME");
	char *path;

	if (!home || *home != '/') {
		bfs_fail(0, "HOME is not set; the nodes need a directory that "
			    "they share: network.registry_dir");
		return NULL;
	}
	return asprintf(&path, "%s/.benchfs/%s", home, strrchr(dir, '/') + 1) <
			       0
		       ? NULL
		       : path;
}

/* A directory that all nodes share.  On one node: with the data, which may be
 * wanted again with it, or in the run directory. */
static int choose_registry(struct bfs_cluster *c, const struct bfs_options *o,
			   const char *data, bool far)
{
	const char *named = o->config.network.registry_dir;

	if (*named)
		c->registry = strdup(named);
	else if (far)
		c->registry = home_registry(c->dir);
	else
		c->registry = bfs_path(!c->scratch && data ? data : c->dir,
				       "registry");
	if (!c->registry)
		return EX_CANTCREAT;
	c->own_registry = access(c->registry, F_OK) != 0;
	return bfs_dir_make(c->registry, "registry");
}

/* The id of what is there, if it has the same members. */
static int take_old(struct bfs_members *new, const struct bfs_members *old,
		    const char *registry)
{
	bool same = old->n == new->n;

	for (unsigned i = 0; same && i < new->n; i++)
		same = !strcmp(old->m[i].name, new->m[i].name);
	if (!same)
		return bfs_fail(EX_CONFIG,
				"%s is the registry of a cluster with %u "
				"members, %s to %s; this one would have %u, %s "
				"to %s.  Start it with its own members, or "
				"choose another network.registry_dir",
				registry, old->n, old->m[0].name,
				old->m[old->n - 1].name, new->n, new->m[0].name,
				new->m[new->n - 1].name);
	new->cluster = old->cluster;
	new->epoch = old->epoch;
	memcpy(new->secret, old->secret, sizeof(new->secret));
	return 0;
}

static int new_identity(struct bfs_members *l, const char *registry, char *err)
{
	BFS_AUTOFREE char *path = bfs_path(registry, "secret");
	int r;

	l->epoch = 1;
	if (!path ||
	    getrandom(&l->cluster, sizeof(l->cluster), 0) != sizeof(l->cluster))
		return bfs_members_fail(-EIO, err, "no random numbers");
	l->cluster |= !l->cluster;
	r = bfs_secret_make(path, l->secret, err);
	return r == -EEXIST ? bfs_secret_read(path, l->secret, err) : r;
}

/* Who we are: what the registry says, or a new cluster. */
static int identify(struct bfs_cluster *c)
{
	struct bfs_members *old = bfs_members_new(NULL);
	char err[BFS_MEMBERS_ERR];
	int r = old ? bfs_cluster_read(old, c->registry, err) : -ENOMEM;
	unsigned n = count_records(c->registry);
	int status = 0;

	if (n)
		status = bfs_fail(EX_TEMPFAIL,
				  "%s has the records of %u members: that "
				  "cluster runs, or was killed; \"benchfs "
				  "stop\" ends it",
				  c->registry, n);
	else if (!r)
		status = take_old(c->list, old, c->registry);
	else if (r == -ENOENT)
		r = new_identity(c->list, c->registry, err);
	if (!status && r)
		status = bfs_fail(EX_CONFIG, "%s", err);
	bfs_members_free(old);
	if (!status && (bfs_members_sort(c->list, err) ||
			bfs_cluster_write(c->list, c->registry, err)))
		status = bfs_fail(EX_CANTCREAT, "%s", err);
	return status;
}

/* dir/registry leads there, for those who know dir only. */
static int link_registry(const struct bfs_cluster *c)
{
	BFS_AUTOFREE char *link = bfs_path(c->dir, "registry");

	if (!link)
		return bfs_fail(EX_OSERR, "out of memory");
	if (!strcmp(link, c->registry))
		return 0;
	(void)unlink(link);
	if (symlink(c->registry, link))
		return bfs_fail(EX_CANTCREAT, "%s: %m", link);
	return 0;
}

static int check_lengths(const struct bfs_members *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (bfs_rundir_check(l->m[i].run_dir))
			return EX_USAGE;
	return 0;
}

static int choose_data(struct bfs_cluster *c, const struct bfs_options *o,
		       bool far, char **data)
{
	const char *named = o->config.node.data_dir;

	*data = NULL;
	if (*named) {
		*data = strdup(named);
	} else if (o->keep && !far) {
		*data = bfs_rundir_data(o);
	} else if (c->scratch && !far && !strncmp(c->dir, "/run/", 5)) {
		/* memory, and small */
		*data = bfs_rundir_data(o);
		c->own_data = *data ? strdup(*data) : NULL;
	} else {
		return 0;
	}
	return *data ? 0 : EX_CANTCREAT;
}

static int make(struct bfs_cluster *c, struct bfs_options *o,
		const struct bfs_hosts *h, enum bfs_launcher how, bool run)
{
	bool far = how != BFS_LAUNCH_LOCAL;
	bool stays = *o->config.node.data_dir || o->keep;
	BFS_AUTOFREE char *data = NULL;
	struct bfs_rundir base;
	int status;

	if (far && o->keep)
		return bfs_fail(EX_USAGE, "--keep is of this node only: start "
					  "and stop keep data on others");
	/* Of other nodes the next run would not know the registry. */
	c->scratch = run && (far || !stays);
	status = bfs_rundir_base(&base, o, run, far);

	c->dir = base.path;
	c->own_dir = base.own_path;
	c->list = bfs_members_new(&bfs_members_dir);
	if (!status && !c->list)
		status = bfs_fail(EX_OSERR, "out of memory");
	if (!status)
		status = choose_data(c, o, far, &data);
	if (!status)
		status = add_members(c, o, h, data);
	if (!status)
		status = check_lengths(c->list);
	if (!status)
		status = choose_registry(c, o, data, far);
	if (status)
		return status;
	snprintf(c->list->launcher, sizeof(c->list->launcher), "%s",
		 bfs_launcher_name(how));
	status = identify(c);
	c->made = !status;
	return status ? status : link_registry(c);
}

int bfs_cluster_make(struct bfs_cluster *c, struct bfs_options *o, bool run)
{
	enum bfs_launcher how = BFS_LAUNCH_LOCAL;
	struct bfs_hosts h;
	int status = bfs_hosts_find(&h, o);

	memset(c, 0, sizeof(*c));
	if (!status)
		status = bfs_launcher_choose(o, &h, &how);
	if (!status)
		status = make(c, o, &h, how, run);
	bfs_hosts_fini(&h);
	return status;
}

static char *registry_of(const char *dir)
{
	BFS_AUTOFREE char *link = bfs_path(dir, "registry");
	BFS_AUTOFREE char *file = link ? bfs_path(link, "cluster") : NULL;

	return file && !access(file, F_OK) ? realpath(link, NULL) : NULL;
}

/* The run directory of a cluster, or of one of its members. */
static char *find_registry(struct bfs_rundir *d)
{
	char *registry = registry_of(d->path), *slash;

	if (registry)
		return registry;
	slash = strrchr(d->path, '/');
	if (!slash || slash == d->path)
		return NULL;
	*slash = '\0';
	registry = registry_of(d->path);
	if (!registry)
		*slash = '/';
	else
		d->own_path = false;
	return registry;
}

bool bfs_cluster_exists(const struct bfs_options *o)
{
	struct bfs_rundir d;
	BFS_AUTOFREE char *registry = NULL;

	if (*o->config.network.registry_dir)
		return true;
	if (!bfs_rundir_find(&d, o))
		registry = find_registry(&d);
	bfs_rundir_fini(&d);
	return registry;
}

int bfs_cluster_find(struct bfs_cluster *c, const struct bfs_options *o)
{
	const char *named = o->config.network.registry_dir;
	char err[BFS_MEMBERS_ERR];
	struct bfs_rundir d;
	int status = bfs_rundir_find(&d, o);

	memset(c, 0, sizeof(*c));
	if (status)
		return status;
	c->registry = *named ? strdup(named) : find_registry(&d);
	c->dir = d.path;
	c->own_dir = d.own_path;
	c->list = bfs_members_new(&bfs_members_dir);
	if (!c->registry || !c->list)
		return bfs_fail(EX_OSERR, "out of memory");
	if (bfs_cluster_read(c->list, c->registry, err))
		return bfs_fail(EX_UNAVAILABLE, "%s", err);
	c->made = true;
	/* Data that nobody named lies in the run directories. */
	c->scratch = !strncmp(c->list->m[0].data_dir, c->list->m[0].run_dir,
			      strlen(c->list->m[0].run_dir));
	return 0;
}

/* What we put there, and the directory if nothing else is in it. */
static void remove_registry(const struct bfs_cluster *c)
{
	static const char *const files[] = { "cluster", "secret",
					     "launch.log" };
	char err[BFS_MEMBERS_ERR];

	if (bfs_registry_clear(c->registry, err))
		bfs_warn("%s", err);
	/* With data that stays it is wanted again. */
	if (!c->scratch && !c->own_registry)
		return;
	for (size_t i = 0; i < BFS_COUNT(files); i++) {
		BFS_AUTOFREE char *path = bfs_path(c->registry, files[i]);

		if (path)
			(void)unlink(path);
	}
	(void)rmdir(c->registry);
}

static void remove_dir(const struct bfs_cluster *c)
{
	static const char *const files[] = { "registry", "ready", "report" };

	for (size_t i = 0; i < BFS_COUNT(files); i++) {
		BFS_AUTOFREE char *path = bfs_path(c->dir, files[i]);

		if (path)
			(void)unlink(path);
	}
	if (c->own_dir)
		bfs_tree_remove(c->dir);
}

void bfs_cluster_remove(const struct bfs_cluster *c)
{
	if (c->own_data)
		bfs_tree_remove(c->own_data);
	if (c->made)
		remove_registry(c);
	else if (c->registry && c->own_registry)
		(void)rmdir(c->registry);
	if (c->dir && (c->made || c->own_dir))
		remove_dir(c);
}

int bfs_cluster_here(const struct bfs_cluster *c, const struct bfs_options *o)
{
	BFS_AUTOFREE char *link = bfs_path(c->dir, "here");
	BFS_AUTOFREE char *dir = link ? realpath(link, NULL) : NULL;
	const struct bfs_members *l = c->list;
	int shard = bfs_members_on_node(l, bfs_node_name(o), 0);

	/* The list may call this node by another name than it calls itself. */
	for (unsigned i = 0; shard < 0 && dir && i < l->n; i++)
		if (!strcmp(l->m[i].run_dir, dir))
			shard = (int)i;
	if (shard >= 0)
		return shard;
	bfs_fail(0,
		 "none of the %u daemons of this cluster is on this node (%s); "
		 "the first is on %s",
		 l->n, bfs_node_name(o), l->m[0].node);
	return -1;
}
