/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rename and link: calls with two places, both in BenchFS or both outside,
 * else EXDEV as between two file systems.
 */
#include "core/sys.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KNOWN_FLAGS (RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)

/* As the caller gave it. */
struct place {
	int dirfd;
	const char *path;
};

struct pair {
	struct bfs_where from, to;
	struct place old, new;
	uint32_t flags;
	/* What is wrong with one place alone comes before EXDEV, and with the
	 * old one before anything about the new: 0 or -errno. */
	int (*check_old)(const struct pair *p);
	int (*check_new)(struct place at);
};

/* libc's own names from here on: a place may lie anywhere. */
static int look(struct place at, int flags)
{
	struct stat st;

	return fstatat(at.dirfd, at.path, &st, flags) ? -errno : 0;
}

/* Where the last name begins and ends, the slashes behind it left out. */
static void last_name(const char *path, size_t *start, size_t *end)
{
	*end = strlen(path);
	while (*end && path[*end - 1] == '/')
		(*end)--;
	*start = *end;
	while (*start && path[*start - 1] != '/')
		(*start)--;
}

/* Is there a directory that the last name may be looked up in? */
static int look_parent(struct place at)
{
	char dir[BFS_PATH_MAX + 2];
	size_t start, end;

	last_name(at.path, &start, &end);
	memcpy(dir, at.path, start);
	strcpy(dir + start, ".");
	return look((struct place){ at.dirfd, dir }, 0);
}

/* May the last name be made? */
static int look_new(struct place at)
{
	char name[BFS_PATH_MAX];
	size_t start, end;
	int e = look_parent(at);

	last_name(at.path, &start, &end);
	memcpy(name, at.path, end);
	name[end] = '\0';
	if (!e && !look((struct place){ at.dirfd, name }, AT_SYMLINK_NOFOLLOW))
		e = -EEXIST;
	return e || !at.path[end] ? e : -ENOENT;
}

static int look_old_parent(const struct pair *p)
{
	return look_parent(p->old);
}

static int look_old(const struct pair *p)
{
	int flags = (int)p->flags & AT_EMPTY_PATH;

	if (!(p->flags & AT_SYMLINK_FOLLOW))
		flags |= AT_SYMLINK_NOFOLLOW;
	return look(p->old, flags);
}

static int refuse(const struct pair *p, int e)
{
	int old = p->check_old(p), new;

	if (old || e)
		return old ? old : e;
	new = p->check_new(p->new);
	return new ? new : -EXDEV;
}

static int run_pair(struct pair *p,
		    int (*send)(struct bfs_client *c, struct bfs_rpc *r,
				struct pair *p))
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_client *c;
	int e = bfs_session(&c);

	while (!e) {
		if (p->from.foreign && p->to.foreign)
			return 1;
		if ((p->from.foreign && !bfs_where_lead(&p->from, false)) ||
		    (p->to.foreign && !bfs_where_lead(&p->to, false)))
			return refuse(p, 0);
		e = send(c, &r, p);
		if (!bfs_where_on(r.escape.which && e == -(int)BFS_ESCAPE
					  ? &p->to
					  : &p->from,
				  &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

static int send_rename(struct bfs_client *c, struct bfs_rpc *r, struct pair *p)
{
	struct bfs_rename_rep rep;

	return bfs_rpc_rename(
		c, r,
		&(struct bfs_rename_req){ .old_at = p->from.at,
					  .old_path = bfs_where_str(&p->from),
					  .new_at = p->to.at,
					  .new_path = bfs_where_str(&p->to),
					  .flags = p->flags },
		&rep);
}

int bfs_renameat2(int fromfd, const char *from, int tofd, const char *to,
		  unsigned int flags)
{
	struct pair p = { .old = { fromfd, from },
			  .new = { tofd, to },
			  .flags = flags,
			  .check_old = look_old_parent,
			  .check_new = look_parent };
	int e;

	if (flags & ~KNOWN_FLAGS ||
	    (flags & RENAME_EXCHANGE && flags != RENAME_EXCHANGE))
		return -EINVAL;
	e = bfs_where_name(&p.from, fromfd, from);
	if (!e) {
		e = bfs_where_name(&p.to, tofd, to);
		e = e ? refuse(&p, e) : run_pair(&p, send_rename);
	}
	return e == 1 ? (int)bfs_ret(REAL(renameat2)(p.from.dirfd, p.from.path,
						     p.to.dirfd, p.to.path,
						     flags))
		      : e;
}

int bfs_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	return bfs_renameat2(fromfd, from, tofd, to, 0);
}

int bfs_rename(const char *from, const char *to)
{
	return bfs_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int send_link(struct bfs_client *c, struct bfs_rpc *r, struct pair *p)
{
	struct bfs_link_rep rep;

	return bfs_rpc_link(
		c, r,
		&(struct bfs_link_req){ .old_at = p->from.at,
					.old_path = bfs_where_str(&p->from),
					.new_at = p->to.at,
					.new_path = bfs_where_str(&p->to),
					.flags = p->flags },
		&rep);
}

int bfs_linkat(int fromfd, const char *from, int tofd, const char *to,
	       int flags)
{
	struct pair p = { .old = { fromfd, from },
			  .new = { tofd, to },
			  .flags = (uint32_t)flags,
			  .check_old = look_old,
			  .check_new = look_new };
	int e;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	e = bfs_where_at(&p.from, fromfd, from,
			 flags & AT_SYMLINK_FOLLOW
				 ? flags
				 : flags | AT_SYMLINK_NOFOLLOW);
	/* The usual way to name an O_TMPFILE: /proc/self/fd/N, a link. */
	if (!e && !*p.from.path && (flags & AT_SYMLINK_FOLLOW))
		p.flags |= AT_EMPTY_PATH;
	if (!e) {
		e = bfs_where_name(&p.to, tofd, to);
		e = e ? refuse(&p, e) : run_pair(&p, send_link);
	}
	return e == 1 ? (int)bfs_ret(REAL(linkat)(p.from.dirfd, p.from.path,
						  p.to.dirfd, p.to.path, flags))
		      : e;
}

int bfs_link(const char *from, const char *to)
{
	return bfs_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
