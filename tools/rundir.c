/* SPDX-License-Identifier: BSD-3-Clause */
/* Run and data directories: made privately, removed with what is in them. */
#include "tools/tools.h"

#include "core/util.h"

#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* What a daemon puts into its run directory. */
static const char *const files[] = { "sock", "pid",    "ready",	   "ucx.addr",
				     "log",  "report", "restarts", "hold" };

char *bfs_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static bool all_may_pass(const char *dir)
{
	struct stat st;

	return !stat(dir, &st) && st.st_mode & S_IXOTH;
}

/* Other users get through to the sockets, and see no names. */
static int open_way(const char *dir, const char *base)
{
	if (!all_may_pass(base))
		return bfs_fail(EX_CANTCREAT,
				"auth.allow_users: other users cannot pass %s; "
				"choose another --run-dir",
				base);
	return chmod(dir, 0711) ? bfs_fail(EX_CANTCREAT, "%s: %m", dir) : 0;
}

/*
 * <base>/benchfs-<uid>, ours alone.  In a directory that all may write to,
 * somebody else may have made that name first: then it is refused.
 */
static char *private_parent(const char *base, bool others)
{
	char *dir = NULL;
	struct stat st;

	if (asprintf(&dir, "%s/benchfs-%u", base, geteuid()) < 0)
		return NULL;
	if ((mkdir(dir, 0700) && errno != EEXIST) || lstat(dir, &st)) {
		bfs_fail(0, "%s: %m", dir);
	} else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
		   (st.st_mode & 066)) {
		bfs_fail(0, "%s: not a directory of mode 0700 that is yours",
			 dir);
	} else if (!others || !open_way(dir, base)) {
		return dir;
	}
	free(dir);
	return NULL;
}

/* An empty private directory; the parent may vanish with another run. */
static char *scratch_dir(const char *base, bool others)
{
	for (int i = 0; i < 100; i++) {
		BFS_AUTOFREE char *parent = private_parent(base, others);
		char *dir = parent ? bfs_path(parent, "XXXXXX") : NULL;

		if (!dir)
			return NULL;
		if (mkdtemp(dir))
			return dir;
		if (errno != ENOENT)
			i = 100;
		bfs_fail(0, "%s: %m", dir);
		free(dir);
	}
	return NULL;
}

static const char *env_dir(const char *name)
{
	const char *dir = getenv(name);

	return dir && *dir == '/' ? dir : NULL;
}

static const char *run_base(void)
{
	const char *base = env_dir("XDG_RUNTIME_DIR");

	return base ? base : "/tmp";
}

static const char *data_base(void)
{
	const char *base = env_dir("TMPDIR");

	return base ? base : "/tmp";
}

static char *default_dir(const char *name)
{
	char *dir;

	return asprintf(&dir, "%s/benchfs-%u/%s", run_base(), geteuid(), name) <
			       0
		       ? NULL
		       : dir;
}

int bfs_rundir_check(const char *run_dir)
{
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	size_t len = strlen(run_dir) + strlen("/sock");

	if (len <= max)
		return 0;
	return bfs_fail(EX_USAGE,
			"%s: too long for a run directory: its socket's name "
			"would have %zu bytes, and a local socket's can have "
			"%zu",
			run_dir, len, max);
}

/* Make dir if it is missing; *made says whether. */
static int make_dir(const char *dir, const char *what, bool *made)
{
	struct stat st;

	*made = mkdir(dir, 0700) == 0;
	if (!*made && errno != EEXIST)
		return bfs_fail(EX_CANTCREAT, "cannot make the %s %s: %m", what,
				dir);
	if (stat(dir, &st))
		return bfs_fail(EX_CANTCREAT, "%s: %m", dir);
	if (!S_ISDIR(st.st_mode))
		return bfs_fail(EX_CANTCREAT, "the %s %s is not a directory",
				what, dir);
	if (access(dir, R_OK | W_OK | X_OK))
		return bfs_fail(EX_CANTCREAT, "the %s %s: %m", what, dir);
	return 0;
}

/* A run directory that the user named: it must not be somebody's. */
static int take_named(struct bfs_rundir *d, const char *path)
{
	int status = bfs_rundir_check(path);
	BFS_AUTOFREE char *ready = bfs_path(path, "ready");
	BFS_AUTOFREE char *cluster = bfs_path(path, "registry/cluster");
	pid_t pid;

	d->path = strdup(path);
	if (!status)
		status = make_dir(path, "run directory", &d->own_path);
	if (status)
		return status;
	pid = bfs_daemon_find(path);
	if (pid)
		return bfs_fail(EX_TEMPFAIL,
				"%s: the daemon with pid %d runs here", path,
				pid);
	if (cluster && !access(cluster, F_OK))
		return bfs_fail(EX_TEMPFAIL,
				"%s: a cluster was started here; \"benchfs "
				"stop\" ends it",
				path);
	/* A dead daemon's word must not be taken for the new one's. */
	if (!ready || (unlink(ready) && errno != ENOENT))
		return bfs_fail(EX_CANTCREAT, "%s/ready: %m", path);
	return 0;
}

/* The data directory; scratch data goes to parent, or beside the socket. */
static int take_data(struct bfs_rundir *d, const struct bfs_options *o,
		     const char *parent)
{
	const char *named = o->config.node.data_dir;
	bool made;

	d->own_data = !*named && !o->keep;
	if (*named)
		d->data = strdup(named);
	else
		d->data = parent ? scratch_dir(parent, false)
				 : bfs_path(d->path, "data");
	if (!d->data)
		return EX_CANTCREAT;
	return make_dir(d->data, "data directory", &made);
}

static bool others_come(const struct bfs_options *o)
{
	return *o->config.auth.allow_users;
}

/* A new directory for one run, somewhere under the usual place. */
static int take_scratch(struct bfs_rundir *d, const struct bfs_options *o)
{
	BFS_AUTOFREE char *longest = default_dir("XXXXXX");
	int status = longest ? bfs_rundir_check(longest) : EX_OSERR;
	const char *base = run_base();

	if (status)
		return status;
	/* XDG_RUNTIME_DIR is its user's alone, as a rule. */
	if (others_come(o) && !all_may_pass(base))
		base = "/tmp";
	d->path = scratch_dir(base, others_come(o));
	d->own_path = d->path != NULL;
	return d->path ? 0 : EX_CANTCREAT;
}

char *bfs_rundir_data(const struct bfs_options *o)
{
	return scratch_dir(data_base(), false);
}

/* XDG_RUNTIME_DIR is of this node, and other nodes may not have it. */
static int take_far(struct bfs_rundir *d, const struct bfs_options *o,
		    bool scratch)
{
	BFS_AUTOFREE char *parent = private_parent("/tmp", others_come(o));

	if (!parent)
		return EX_CANTCREAT;
	if (!scratch) {
		BFS_AUTOFREE char *path = bfs_path(parent, "default");

		return path ? take_named(d, path) : EX_OSERR;
	}
	d->path = scratch_dir("/tmp", others_come(o));
	d->own_path = true;
	return d->path ? 0 : EX_CANTCREAT;
}

int bfs_rundir_base(struct bfs_rundir *d, const struct bfs_options *o,
		    bool scratch, bool far)
{
	const char *named = o->config.node.run_dir;
	unsigned origin = o->config.from[BFS_CONFIG_node_run_dir].origin;
	BFS_AUTOFREE char *usual = default_dir("default");
	BFS_AUTOFREE char *parent = NULL;

	memset(d, 0, sizeof(*d));
	/* run: the environment names the daemon to talk to */
	if (*named && (!scratch || origin != BFS_CONFIG_ENV))
		return take_named(d, named);
	if (far)
		return take_far(d, o, scratch);
	if (scratch)
		return take_scratch(d, o);
	parent = private_parent(run_base(), others_come(o));
	return parent && usual ? take_named(d, usual) : EX_CANTCREAT;
}

/* Make what is missing of a directory's path, for us alone. */
static int make_way(const char *path)
{
	BFS_AUTOFREE char *copy = strdup(path);

	if (!copy)
		return bfs_fail(EX_OSERR, "out of memory");
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST && errno != EROFS &&
		    errno != EACCES)
			return bfs_fail(EX_CANTCREAT, "cannot make %s: %m",
					copy);
		*slash = '/';
	}
	return 0;
}

int bfs_dir_make(const char *path, const char *what)
{
	bool made;
	int status = make_way(path);

	return status ? status : make_dir(path, what, &made);
}

/* The run directories of a cluster are ours, whoever made the first. */
static int check_ours(const char *dir)
{
	struct stat st;

	if (lstat(dir, &st))
		return bfs_fail(EX_CANTCREAT, "%s: %m", dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022))
		return bfs_fail(EX_CANTCREAT,
				"%s: not a directory that is yours and that "
				"only you can write to",
				dir);
	return 0;
}

int bfs_rundir_member(struct bfs_rundir *d, const struct bfs_options *o,
		      const char *path, const char *data)
{
	BFS_AUTOFREE char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	int status;

	memset(d, 0, sizeof(*d));
	if (!slash)
		return bfs_fail(EX_OSERR, "out of memory");
	*slash = '\0';
	status = bfs_dir_make(parent, "run directory");
	if (!status)
		status = check_ours(parent);
	if (!status && others_come(o) && chmod(parent, 0711))
		status = bfs_fail(EX_CANTCREAT, "%s: %m", parent);
	if (!status)
		status = take_named(d, path);
	d->own_path = true;
	d->data = strdup(data);
	d->own_data = !strncmp(data, path, strlen(path));
	return status ? status : bfs_dir_make(data, "data directory");
}

int bfs_rundir_make(struct bfs_rundir *d, const struct bfs_options *o)
{
	unsigned origin = o->config.from[BFS_CONFIG_node_run_dir].origin;
	int status;

	memset(d, 0, sizeof(*d));
	/* The environment names the daemon to talk to, not one to start. */
	if (origin == BFS_CONFIG_FILE || origin == BFS_CONFIG_COMMAND)
		status = take_named(d, o->config.node.run_dir);
	else
		status = take_scratch(d, o);
	if (status)
		return status;
	/* XDG_RUNTIME_DIR is memory, and small. */
	return take_data(
		d, o,
		strncmp(d->path, "/run/", 5) && !o->keep ? NULL : data_base());
}

int bfs_rundir_find(struct bfs_rundir *d, const struct bfs_options *o)
{
	const char *named = o->config.node.run_dir;
	BFS_AUTOFREE char *usual = default_dir("default");

	memset(d, 0, sizeof(*d));
	if (usual)
		d->path = strdup(*named ? named : usual);
	if (!d->path)
		return bfs_fail(EX_OSERR, "out of memory");
	d->own_path = !strcmp(d->path, usual);
	return bfs_rundir_check(d->path);
}

int bfs_rundir_make_fixed(struct bfs_rundir *d, const struct bfs_options *o)
{
	const char *named = o->config.node.run_dir;
	BFS_AUTOFREE char *parent = NULL;
	BFS_AUTOFREE char *path =
		*named ? strdup(named) : default_dir("default");
	int status;

	memset(d, 0, sizeof(*d));
	if (!*named)
		parent = private_parent(run_base(), others_come(o));
	if (!path || (!*named && !parent))
		return EX_CANTCREAT;
	status = take_named(d, path);
	return status ? status : take_data(d, o, NULL);
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *at)
{
	/* Go on: what can be removed shall be removed. */
	(void)(type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path));
	return 0;
}

void bfs_tree_remove(const char *dir)
{
	char *slash;
	BFS_AUTOFREE char *parent = strdup(dir);

	(void)nftw(dir, remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (!access(dir, F_OK))
		bfs_warn("could not remove all of %s", dir);
	/* The last one out takes benchfs-<uid> along. */
	slash = parent ? strrchr(parent, '/') : NULL;
	if (slash && slash != parent) {
		*slash = '\0';
		if (strstr(parent, "/benchfs-"))
			(void)rmdir(parent);
	}
}

void bfs_rundir_remove(const struct bfs_rundir *d)
{
	if (d->own_data && d->data)
		bfs_tree_remove(d->data);
	if (!d->path)
		return;
	if (d->own_path) {
		bfs_tree_remove(d->path);
		return;
	}
	for (size_t i = 0; i < BFS_COUNT(files); i++) {
		BFS_AUTOFREE char *file = bfs_path(d->path, files[i]);

		if (file)
			(void)unlink(file);
	}
}

void bfs_rundir_fini(struct bfs_rundir *d)
{
	free(d->path);
	free(d->data);
}
