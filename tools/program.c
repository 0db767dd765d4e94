/* SPDX-License-Identifier: BSD-3-Clause */
/* The program to run: where it is, and what it needs around it. */
#include "tools/tools.h"

#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PRELOAD "libbenchfs_preload.so"

bool bfs_program_below(const char *path, const char *mount)
{
	size_t n = strlen(mount);

	if (*path != '/')
		return false;
	path += strspn(path, "/");
	return !strncmp(path, mount + 1, n - 1) &&
	       (path[n - 1] == '/' || !path[n - 1]);
}

/* 0, or the errno that tells why path cannot be executed. */
static int runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EACCES;
	return access(path, X_OK) ? errno : 0;
}

/* Look through PATH; *inside if a directory of it lies in BenchFS. */
int bfs_program_search(const char *name, const char *mount, char **path,
		       bool *inside)
{
	const char *p = getenv("PATH"), *end;
	int error = ENOENT, e;

	*inside = false;
	*path = NULL;
	for (p = p ? p : "/bin:/usr/bin";; p = end + 1) {
		end = strchrnul(p, ':');
		if (asprintf(path, "%.*s%s%s", (int)(end - p), p,
			     end == p ? "" : "/", name) < 0)
			return ENOMEM;
		if (bfs_program_below(*path, mount)) {
			*inside = true;
			return 0;
		}
		e = runnable(*path);
		if (!e)
			return 0;
		free(*path);
		*path = NULL;
		if (e == EACCES)
			error = e;
		if (!*end)
			return error;
	}
}

int bfs_program_find(const char *name, const char *mount, char **path,
		     bool *inside)
{
	int e = 0;

	*inside = false;
	*path = NULL;
	if (strchr(name, '/')) {
		*path = strdup(name);
		*inside = bfs_program_below(name, mount);
		if (!*inside)
			e = runnable(name);
	} else {
		e = *name ? bfs_program_search(name, mount, path, inside)
			  : ENOENT;
	}
	if (!e)
		return 0;
	return bfs_fail(e == ENOENT || e == ENOTDIR ? BFS_EXIT_NOT_FOUND
						    : BFS_EXIT_CANNOT_RUN,
			"%s: %s", name, strerror(e));
}

char *bfs_preload_path(void)
{
	const char *dirs[] = { getenv("BENCHFS_LIBDIR"), BFS_PKGLIBDIR,
			       BFS_LIBDIR };
	char *path = NULL;

	for (size_t i = 0; i < BFS_COUNT(dirs); i++) {
		if (!dirs[i] || !*dirs[i])
			continue;
		path = bfs_path(dirs[i], PRELOAD);
		if (path && !access(path, R_OK)) {
			/* LD_PRELOAD knows no quoting. */
			if (!strpbrk(path, " :"))
				return path;
			bfs_fail(0,
				 "%s: a preloaded library's path must not "
				 "contain spaces or colons",
				 path);
			free(path);
			return NULL;
		}
		free(path);
		if (!i)
			break; /* named explicitly: no other will do */
	}
	bfs_fail(0, "cannot find " PRELOAD " in %s",
		 dirs[0] && *dirs[0] ? dirs[0] : BFS_PKGLIBDIR);
	return NULL;
}

/* "first:ours:theirs", each only if it is there. */
static char *preload_list(const char *ours)
{
	const char *first = getenv("BENCHFS_PRELOAD_FIRST");
	const char *theirs = getenv("LD_PRELOAD");
	char *list;

	first = first ? first : "";
	theirs = theirs ? theirs : "";
	if (asprintf(&list, "%s%s%s%s%s", first, *first ? ":" : "", ours,
		     *theirs ? ":" : "", theirs) < 0)
		return NULL;
	return list;
}

/* Settings that clients read; the long names would override the short. */
static const unsigned client_options[] = {
	BFS_CONFIG_client_mount,	 BFS_CONFIG_client_report,
	BFS_CONFIG_client_syscalls,	 BFS_CONFIG_network_transport,
	BFS_CONFIG_network_timeout_secs, BFS_CONFIG_node_log_level,
	BFS_CONFIG_network_direct_after, BFS_CONFIG_network_direct_idle_secs,
};

typedef void put_fn(void *arg, const char *name, const char *value);

/* The names of what is put, behind those that the user has in the list. */
struct names {
	put_fn *put;
	void *arg;
	char list[4096];
};

static void put_named(void *arg, const char *name, const char *value)
{
	struct names *n = arg;
	size_t len = strlen(n->list);

	n->put(n->arg, name, value);
	if (value)
		snprintf(n->list + len, sizeof(n->list) - len, "%s%s",
			 len ? ";" : "", name);
}

static void put_all(const struct bfs_config *c, const char *run_dir,
		    const char *preload, put_fn *put, void *arg)
{
	char text[4096];

	for (size_t i = 0; i < BFS_COUNT(client_options); i++) {
		unsigned option = client_options[i];

		/* The daemon tells the defaults, and may be reloaded. */
		if (c->from[option].origin == BFS_CONFIG_DEFAULT &&
		    option != BFS_CONFIG_client_mount)
			continue;
		put(arg, bfs_config_info(option)->env,
		    bfs_config_text(c, option, text, sizeof(text)));
	}
	put(arg, "BENCHFS_CLIENT_MOUNT", NULL);
	put(arg, "BENCHFS_NODE_RUN_DIR", NULL);
	put(arg, "BENCHFS_STATE", NULL);
	put(arg, "BENCHFS_RUN_DIR", run_dir);
	put(arg, "LD_PRELOAD", preload);
}

int bfs_client_env(const struct bfs_config *c, const char *run_dir, bool far,
		   put_fn *put, void *arg)
{
	static const char open_mpi[] = "OMPI_MCA_mca_base_env_list";
	const char *theirs = getenv(open_mpi);
	BFS_AUTOFREE char *lib = bfs_preload_path();
	BFS_AUTOFREE char *list = lib ? preload_list(lib) : NULL;
	struct names names = { put, arg, "" };

	if (!list)
		return lib ? EX_OSERR : EX_OSFILE;
	if (!far) {
		put_all(c, run_dir, list, put, arg);
		return 0;
	}
	if (theirs)
		snprintf(names.list, sizeof(names.list), "%s", theirs);
	put_all(c, run_dir, list, put_named, &names);
	put(arg, open_mpi, names.list);
	return 0;
}
