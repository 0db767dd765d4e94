/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/fsck.h"

#include "core/log.h"
#include "core/members.h"
#include "core/place.h"
#include "core/util.h"
#include "server/fsck_impl.h"
#include "server/server.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage(const char *what, const char *which)
{
	bfs_log(error, "fsck: %s%s", what, which);
	return BFS_FSCK_USAGE;
}

/* What root makes in a user's directory his daemon could not open. */
static int become_owner(const char *dir)
{
	struct stat st;

	if (stat(dir, &st)) {
		bfs_log(error, "cannot look at %s: %m", dir);
		return -errno;
	}
	if (geteuid() || !st.st_uid)
		return 0;
	if (setgroups(0, NULL) || setresgid(st.st_gid, st.st_gid, st.st_gid) ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid)) {
		bfs_log(error, "cannot become the owner of %s: %m", dir);
		return -errno;
	}
	return 0;
}

static int differ(const char *dir, const char *what)
{
	bfs_log(error, "%s: %s", dir, what);
	return -EINVAL;
}

/* Is the directory one of those that belong together? */
static int fits(const struct bfs_fsck *ck, const struct bfs_fs_conf *c)
{
	const struct bfs_members *l = ck->members;

	if (!l && c->list_hash > BFS_LIST_ALONE)
		return differ(c->data_dir,
			      "it is of a cluster, whose members have to be "
			      "known: network.registry_dir or network.peers");
	if (l && c->cluster != l->cluster)
		return differ(c->data_dir, "it is another cluster's");
	if (l && c->list_hash && c->list_hash != l->hash)
		return differ(c->data_dir, "it has another list of members");
	if (c->shard >= ck->nshards)
		return differ(c->data_dir, "there is no such shard");
	if (ck->shard[c->shard].dir)
		return differ(c->data_dir, "this shard has been given already");
	return 0;
}

/* Which shard's directory is it? */
static int sort_in(struct bfs_fsck *ck, const char *dir)
{
	struct bfs_fs *fs;
	int e = bfs_fs_look(&fs, dir, false);

	if (e)
		return e;
	e = fits(ck, &fs->conf);
	if (!e) {
		ck->shard[fs->conf.shard].dir = dir;
		ck->missing--;
	}
	bfs_fs_free(fs);
	return e;
}

static int lay_ring(struct bfs_fsck *ck)
{
	const struct bfs_members *l = ck->members;
	const char **names = calloc(ck->nshards, sizeof(*names));
	int e = names ? 0 : -ENOMEM;

	for (unsigned n = 0; !e && n < ck->nshards; n++)
		names[n] = l->m[n].name;
	if (!e)
		e = bfs_place_new(&ck->place, names, ck->nshards);
	free(names);
	return e;
}

static int set_up(struct bfs_fsck *ck, const struct bfs_config *c,
		  char *const *dirs)
{
	char err[BFS_MEMBERS_ERR];
	int e = bfs_members_load(&ck->members, c, err);

	if (e) {
		bfs_log(error, "%s", err);
		return e;
	}
	ck->nshards = ck->missing = ck->members ? ck->members->n : 1;
	ck->shard = calloc(ck->nshards, sizeof(*ck->shard));
	if (!ck->shard)
		return -ENOMEM;
	if (ck->nshards > 1)
		e = lay_ring(ck);
	for (; !e && *dirs; dirs++)
		e = sort_in(ck, *dirs);
	if (!e && ck->repair && ck->missing) {
		bfs_log(error,
			"--repair needs the data directories of all %u "
			"shards: %u are missing",
			ck->nshards, ck->missing);
		e = -EINVAL;
	}
	return e;
}

static int check(struct bfs_fsck *ck)
{
	int e;

	bfs_fsck_dirs(ck);
	e = ck->failed;
	if (!e)
		e = bfs_fsck_list(ck);
	if (!e)
		e = bfs_fsck_list_files(ck);
	if (e)
		return e;
	bfs_fsck_names(ck);
	bfs_fsck_inodes(ck);
	bfs_fsck_tree(ck);
	bfs_fsck_data(ck);
	return ck->failed;
}

static int look(struct bfs_fsck *ck)
{
	int e = bfs_fsck_open(ck, false);

	return e ? e : check(ck);
}

static int mend(struct bfs_fsck *ck)
{
	int e;

	bfs_fsck_close(ck);
	ck->mending = true;
	e = bfs_fsck_open(ck, true);
	if (!e)
		e = check(ck);
	if (!e)
		e = bfs_fsck_write(ck);
	if (!e)
		e = bfs_fsck_data_later(ck);
	return e;
}

/* First it is only looked: nothing is written where there is nothing to be
 * mended. */
static int run(struct bfs_fsck *ck)
{
	int e, status;

	ck->quiet = ck->repair;
	bfs_fsck_begin(ck);
	e = look(ck);
	if (!e && ck->repair) {
		bool clean = !ck->defects;

		ck->quiet = false;
		bfs_fsck_begin(ck);
		if (!clean)
			e = mend(ck);
	}
	status = e		? BFS_FSCK_ERROR
		 : !ck->defects ? BFS_FSCK_CLEAN
		 : ck->mending	? BFS_FSCK_CORRECTED
				: BFS_FSCK_LEFT;
	if (!ck->json || !ck->quiet)
		bfs_fsck_summary(ck, status);
	bfs_fsck_close(ck);
	return status;
}

/* 0, or an exit status. */
static int parse(struct bfs_fsck *ck, struct bfs_config *c, int argc,
		 char **argv)
{
	static const struct option longs[] = {
		{ "repair", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "set", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct bfs_config_err err;
	int code;

	optind = 0; /* glibc: start anew */
	while ((code = getopt_long(argc, argv, "s:", longs, NULL)) != -1) {
		if (code == 'r')
			ck->repair = true;
		else if (code == 'j')
			ck->json = true;
		else if (code != 's')
			return BFS_FSCK_USAGE; /* getopt has told */
		else if (bfs_config_set(c, optarg, &err))
			return usage(err.text, "");
	}
	if (optind == argc)
		return usage("which data directories?", "");
	return 0;
}

int bfs_fsck_main(int argc, char **argv)
{
	struct bfs_fsck ck = { 0 };
	struct bfs_config c;
	int status;

	if (bfs_config_init(&c))
		return BFS_FSCK_ERROR;
	status = parse(&ck, &c, argc, argv);
	if (!status)
		status = become_owner(argv[optind]) ||
					 set_up(&ck, &c, argv + optind)
				 ? BFS_FSCK_ERROR
				 : run(&ck);
	bfs_place_free(ck.place);
	bfs_members_free(ck.members);
	free(ck.shard);
	bfs_config_fini(&c);
	return fflush(stdout) ? BFS_FSCK_ERROR : status;
}
