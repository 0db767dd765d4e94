/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs fsck and scrub: which directories belong together; benchfsd, which
 * knows what is in them, does the rest. */
#include "tools/cluster.h"

#include "core/cluster.h"
#include "core/util.h"

#include <string.h>

struct plan {
	struct bfs_options *o;
	char **argv; /* of benchfsd: nargs of them */
	unsigned n, cap;
	bool alone; /* that of the run directory's daemon will do */
};

static int add(struct plan *p, const char *word)
{
	if (p->n + 2 > p->cap) {
		unsigned cap = p->cap ? 2 * p->cap : 32;
		void *a = realloc(p->argv, cap * sizeof(*p->argv));

		if (!a)
			return bfs_fail(BFS_FSCK_ERROR, "out of memory");
		p->argv = a;
		p->cap = cap;
	}
	p->argv[p->n] = strdup(word);
	if (!p->argv[p->n])
		return bfs_fail(BFS_FSCK_ERROR, "out of memory");
	p->argv[++p->n] = NULL;
	return 0;
}

static int add_setting(struct plan *p, const char *key, const char *value)
{
	BFS_AUTOFREE char *text = NULL;
	int status;

	if (!*value)
		return 0;
	if (asprintf(&text, "%s=%s", key, value) < 0)
		return bfs_fail(BFS_FSCK_ERROR, "out of memory");
	status = add(p, "-s");
	return status ? status : add(p, text);
}

/* Those of its members that are on this node, or can be reached from it. */
static int add_members(struct plan *p, const char *registry)
{
	struct bfs_members *l = bfs_members_new(&bfs_members_dir);
	char err[BFS_MEMBERS_ERR] = "out of memory";
	int status = 0;

	if (!l || bfs_cluster_read(l, registry, err))
		status = bfs_fail(BFS_FSCK_ERROR, "%s", err);
	if (!status)
		status = add_setting(p, "network.registry_dir", registry);
	for (unsigned n = 0; !status && n < l->n; n++) {
		if (!access(l->m[n].data_dir, F_OK))
			status = add(p, l->m[n].data_dir);
		else
			bfs_warn("%s: the data directory %s of %s is not here",
				 l->m[n].name, l->m[n].data_dir, l->m[n].node);
	}
	bfs_members_free(l);
	return status;
}

/* A registry in dir; NULL: none. */
static char *registry_in(const char *dir)
{
	BFS_AUTOFREE char *path = bfs_path(dir, "registry");
	BFS_AUTOFREE char *file = path ? bfs_path(path, "cluster") : NULL;

	return file && !access(file, F_OK) ? realpath(path, NULL) : NULL;
}

/* That of the cluster whose member has its data there, if it is where `start
 * -d` puts it. */
static char *registry_beside(const char *dir)
{
	BFS_AUTOFREE char *up = bfs_path(dir, "..");

	return up ? registry_in(up) : NULL;
}

/* What -d named, or a member's own. */
static int add_named(struct plan *p, char *const *dirs)
{
	BFS_AUTOFREE char *whole = registry_in(dirs[0]);
	BFS_AUTOFREE char *beside = NULL;
	const struct bfs_config *c = &p->o->config;
	int status = 0;

	if (whole && !dirs[1])
		return add_members(p, whole);
	beside = registry_beside(dirs[0]);
	if (!*c->network.registry_dir && !*c->network.peers && beside)
		status = add_setting(p, "network.registry_dir", beside);
	else
		status = add_setting(p, "network.registry_dir",
				     c->network.registry_dir);
	if (!status)
		status = add_setting(p, "network.peers", c->network.peers);
	if (!status)
		status = add_setting(p, "network.secret_file",
				     c->network.secret_file);
	for (; !status && *dirs; dirs++)
		status = add(p, *dirs);
	return status;
}

/* That of the run directory, as for stop and status. */
static int add_cluster(struct plan *p)
{
	struct bfs_cluster c;
	int status = bfs_cluster_find(&c, p->o) ? BFS_FSCK_ERROR : 0;

	if (!status)
		status = add_members(p, c.registry);
	bfs_cluster_fini(&c);
	return status;
}

/* What the daemon of the run directory was told. */
static int add_alone(struct plan *p)
{
	struct bfs_rundir d = { 0 };
	int status = bfs_rundir_find(&d, p->o) ? BFS_FSCK_ERROR : 0;
	pid_t pid = status ? 0 : bfs_daemon_find(d.path);
	BFS_AUTOFREE char *path = NULL;
	BFS_AUTOFREE char *word = NULL;
	size_t cap = 0;
	FILE *f = NULL;
	bool next = false;

	if (!status && !pid)
		status = bfs_fail(BFS_FSCK_USAGE,
				  "scrub: no daemon runs in %s; which data "
				  "directories?",
				  d.path);
	if (!status && asprintf(&path, "/proc/%d/cmdline", pid) > 0)
		f = fopen(path, "r");
	while (f && !status && getdelim(&word, &cap, '\0', f) > 0) {
		if (next)
			status = add(p, word);
		next = !strcmp(word, "--data-dir");
	}
	if (f)
		fclose(f);
	bfs_rundir_fini(&d);
	return status;
}

static int choose(struct plan *p)
{
	char *named[] = { (char *)p->o->config.node.data_dir, NULL };

	if (p->o->nargs)
		return add_named(p, p->o->args);
	if (*named[0])
		return add_named(p, named);
	if (bfs_cluster_exists(p->o))
		return add_cluster(p);
	return p->alone ? add_alone(p)
			: bfs_fail(BFS_FSCK_USAGE,
				   "fsck: which data directories?");
}

static int check(struct bfs_options *o, const char *how, bool alone)
{
	struct plan p = { .o = o, .alone = alone };
	BFS_AUTOFREE char *path = bfs_daemon_path();
	int status = path ? 0 : BFS_FSCK_ERROR;

	if (!status)
		status = add(&p, "benchfsd") || add(&p, how) ||
					 (o->repair && add(&p, "--repair")) ||
					 (o->json && add(&p, "--json"))
				 ? BFS_FSCK_ERROR
				 : choose(&p);
	if (!status) {
		execv(path, p.argv);
		status = bfs_fail(BFS_FSCK_ERROR, "%s: %m", path);
	}
	for (unsigned n = 0; n < p.n; n++)
		free(p.argv[n]);
	free(p.argv);
	return status;
}

int bfs_cmd_fsck(struct bfs_options *o)
{
	return check(o, "--fsck", false);
}

int bfs_cmd_scrub(struct bfs_options *o)
{
	return check(o, "--scrub", true);
}
