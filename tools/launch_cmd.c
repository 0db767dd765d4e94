/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands that get `benchfs node` to run on a node, or on all. */
#include "tools/cluster.h"

#include "core/util.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

static const char *const names[] = {
	[BFS_LAUNCH_LOCAL] = "local",
	[BFS_LAUNCH_SSH] = "ssh",
	[BFS_LAUNCH_SRUN] = "srun",
	[BFS_LAUNCH_MPIRUN] = "mpirun",
};

const char *bfs_launcher_name(enum bfs_launcher l)
{
	return names[l];
}

/* Is there a program of that name? */
static bool have(const char *name)
{
	BFS_AUTOFREE char *path = NULL;
	bool inside;

	return !bfs_program_search(name, "", &path, &inside);
}

static bool all_here(const struct bfs_hosts *h, const struct bfs_options *o)
{
	const char *us = bfs_node_name(o);

	for (unsigned i = 0; i < h->n; i++)
		if (strcmp(h->name[i], "localhost") && strcmp(h->name[i], us) &&
		    (strncmp(h->name[i], us, strcspn(us, ".")) ||
		     h->name[i][strcspn(us, ".")]))
			return false;
	return true;
}

static int automatic(const struct bfs_options *o, const struct bfs_hosts *h,
		     enum bfs_launcher *l)
{
	if (all_here(h, o))
		*l = BFS_LAUNCH_LOCAL;
	else if (getenv("SLURM_JOB_NODELIST") && have("srun"))
		*l = BFS_LAUNCH_SRUN;
	else if (have("ssh"))
		*l = BFS_LAUNCH_SSH;
	else if (have("mpirun"))
		*l = BFS_LAUNCH_MPIRUN;
	else
		return bfs_fail(EX_UNAVAILABLE,
				"no way to start programs on other nodes: "
				"neither srun nor ssh nor mpirun is in PATH");
	return 0;
}

int bfs_launcher_choose(const struct bfs_options *o, const struct bfs_hosts *h,
			enum bfs_launcher *l)
{
	const char *want = o->launcher ? o->launcher : "auto";

	if (!strcmp(want, "auto"))
		return automatic(o, h, l);
	for (unsigned i = 0; i < BFS_COUNT(names); i++) {
		if (strcmp(want, names[i]))
			continue;
		*l = (enum bfs_launcher)i;
		if (i != BFS_LAUNCH_LOCAL && !h->n)
			return bfs_fail(EX_USAGE,
					"--launcher %s: on which hosts?  Say "
					"--hosts or --hostfile",
					want);
		if (i != BFS_LAUNCH_LOCAL && !have(want))
			return bfs_fail(EX_UNAVAILABLE,
					"--launcher %s: not found in PATH",
					want);
		return 0;
	}
	return bfs_fail(EX_USAGE,
			"--launcher %s: expected auto, local, ssh, srun or "
			"mpirun",
			want);
}

/* A growing argv; without memory it stays broken. */
struct words {
	char **v;
	unsigned n;
	bool broken;
};

__attribute__((format(printf, 2, 3))) static void put(struct words *w,
						      const char *fmt, ...)
{
	char **more = realloc(w->v, (w->n + 2) * sizeof(*more));
	va_list ap;

	if (!more) {
		w->broken = true;
		return;
	}
	w->v = more;
	va_start(ap, fmt);
	if (vasprintf(&more[w->n], fmt, ap) < 0) {
		more[w->n] = NULL;
		w->broken = true;
	}
	va_end(ap);
	if (more[w->n])
		w->n++;
	more[w->n] = NULL;
}

static char **done(struct words *w)
{
	if (!w->broken)
		return w->v;
	for (unsigned i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	return NULL;
}

/* What is of one node or one daemon, or is told otherwise. */
static bool is_own(unsigned option)
{
	return option == BFS_CONFIG_node_node_id ||
	       option == BFS_CONFIG_node_member ||
	       option == BFS_CONFIG_node_run_dir ||
	       option == BFS_CONFIG_node_data_dir ||
	       option == BFS_CONFIG_network_registry_dir ||
	       !strcmp(bfs_config_info(option)->section, "client");
}

static void put_settings(struct words *w, const struct bfs_options *o)
{
	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_config_info *info = bfs_config_info(i);
		char text[4096];

		if (is_own(i) || o->config.from[i].origin < BFS_CONFIG_ENV)
			continue;
		bfs_config_text(&o->config, i, text, sizeof(text));
		put(w, "-o");
		put(w, "%s.%s=%s", info->section, info->key, text);
	}
}

/* env A=b .../benchfs node ACTION with all that it needs to know. */
static void put_node(struct words *w, const struct bfs_options *o,
		     const struct bfs_cluster *c, const char *action,
		     const char *node)
{
	const char *daemon = getenv("BENCHFS_DAEMON");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (daemon && *daemon) {
		put(w, "env");
		put(w, "BENCHFS_DAEMON=%s", daemon);
	}
	put(w, "%s", self);
	put(w, "node");
	if (o->config_file) {
		BFS_AUTOFREE char *path = realpath(o->config_file, NULL);

		put(w, "-c");
		put(w, "%s", path ? path : o->config_file);
	}
	put_settings(w, o);
	put(w, "-o");
	put(w, "network.registry_dir=%s", c->registry);
	if (node) {
		put(w, "-o");
		put(w, "node.node_id=%s", node);
	}
	put(w, "%s", action);
	if (!node)
		put(w, "stay");
	if (c->bound)
		put(w, "bound");
	if (c->resume)
		put(w, "resume");
}

/* 'it'\''s': what a shell takes literally. */
static char *quote(char **argv)
{
	size_t len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (; *argv; argv++) {
		putc('\'', out);
		for (const char *s = *argv; *s; s++) {
			if (*s == '\'')
				fputs("'\\''", out);
			else
				putc(*s, out);
		}
		fputs("' ", out);
	}
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void put_ssh(struct words *w, const struct bfs_options *o,
		    const struct bfs_cluster *c, const char *action,
		    const char *node)
{
	struct words remote = { 0 };
	BFS_AUTOFREE char *text = NULL;
	char **argv;

	put_node(&remote, o, c, action, node);
	argv = done(&remote);
	text = argv ? quote(argv) : NULL;
	for (unsigned i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
	put(w, "ssh");
	put(w, "-oBatchMode=yes");
	put(w, "-oConnectTimeout=%llu",
	    (unsigned long long)o->config.network.join_secs);
	put(w, "%s", node);
	put(w, "%s", text ? text : "");
	w->broken |= !text;
}

/* All nodes, in the order of the list, with commas. */
static char *node_list(const struct bfs_members *l, unsigned *count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	*count = 0;
	if (!out)
		return NULL;
	for (unsigned i = 0; i < l->n; i++) {
		if (bfs_members_on_node(l, l->m[i].node, 0) != (int)i)
			continue;
		fprintf(out, "%s%s", *count ? "," : "", l->m[i].node);
		++*count;
	}
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void put_srun(struct words *w, const char *list, unsigned n)
{
	put(w, "srun");
	put(w, "--overlap"); /* the job's programs want the nodes too */
	put(w, "--input=none");
	put(w, "--kill-on-bad-exit=0");
	put(w, "--nodes=%u", n);
	put(w, "--ntasks=%u", n);
	put(w, "--ntasks-per-node=1");
	put(w, "--cpu-bind=none");
	put(w, "--nodelist=%s", list);
}

static void put_mpirun(struct words *w, const char *list, unsigned n)
{
	put(w, "mpirun");
	put(w, "-n");
	put(w, "%u", n);
	put(w, "-host");
	put(w, "%s", list);
}

char **bfs_launch_command(const struct bfs_options *o,
			  const struct bfs_cluster *c, enum bfs_launcher how,
			  const char *action, const char *node)
{
	struct words w = { 0 };
	unsigned n;
	BFS_AUTOFREE char *list = node_list(c->list, &n);

	if (!list)
		return NULL;
	if (how == BFS_LAUNCH_SSH) {
		put_ssh(&w, o, c, action, node);
		return done(&w);
	}
	if (how == BFS_LAUNCH_SRUN)
		put_srun(&w, list, n);
	if (how == BFS_LAUNCH_MPIRUN)
		put_mpirun(&w, list, n);
	put_node(&w, o, c, action, node);
	return done(&w);
}
