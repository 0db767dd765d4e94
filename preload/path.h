/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which paths are ours, and where they start from.
 *
 *   struct bfs_where w;
 *   struct bfs_rpc r = BFS_RPC_INIT;
 *   int e = bfs_where(&w, dirfd, path);
 *
 *   while (!e) {
 *           if (w.foreign)
 *                   return bfs_ret(REAL(unlinkat)(w.dirfd, w.path, flags));
 *           e = bfs_rpc_unlink(client, &r, &(struct bfs_unlink_req){
 *                   .at = w.at, .path = bfs_where_str(&w), ... }, &rep);
 *           if (!bfs_where_on(&w, &r, &e))
 *                   break;
 *   }
 *   bfs_rpc_end(&r);
 */
#ifndef BFS_PATH_H
#define BFS_PATH_H

#include "core/rpc.h"
#include "preload/fd.h"
#include "preload/state.h"

struct bfs_where {
	bool foreign; /* the path leads out of BenchFS: dirfd and path */
	int dirfd;
	struct bfs_handle at;
	const char *path; /* absolute: from the root of BenchFS */
	/* The path was that of a symlink of /proc to what at is, and behind it
	 * came nothing, or only slashes. */
	bool link, link_slash;
	bool magic; /* the path began with the name of such a symlink */
	unsigned hops;
	char buf[BFS_PATH_MAX]; /* behind an escape */
};

/* Is path below the mount point?  NULL is not. */
bool bfs_owns_path(const char *path);
bool bfs_owns_at(int dirfd, const char *path);

/* Where path starts.  0, -ENOENT, -EFAULT, -ENAMETOOLONG. */
int bfs_where(struct bfs_where *w, int dirfd, const char *path);
/*
 * The same for calls with flags: "" with AT_EMPTY_PATH is dirfd itself; with
 * AT_SYMLINK_NOFOLLOW a symlink of /proc is meant itself, so it is foreign.
 */
int bfs_where_at(struct bfs_where *w, int dirfd, const char *path, int flags);
/* The same for a call that makes or removes the last name. */
int bfs_where_name(struct bfs_where *w, int dirfd, const char *path);
static inline struct bfs_str bfs_where_str(const struct bfs_where *w)
{
	return (struct bfs_str){ w->path, (uint32_t)__builtin_strlen(w->path) };
}
/*
 * After a call with result *e: true if the walk escaped and w now names where
 * to go on (*e is 0); false if the call is over.  Ends r in the first case.
 */
bool bfs_where_on(struct bfs_where *w, struct bfs_rpc *r, int *e);
/* The same for an escape that has been copied out of its reply. */
int bfs_where_escape(struct bfs_where *w, const struct bfs_escape_rep *x);

/* A foreign place may lead in after all (lead.h): true if it does. */
bool bfs_where_lead(struct bfs_where *w, bool follow);

/* The application's path of a path below the root: mount + path. */
int bfs_path_out(char *out, size_t size, struct bfs_str path);

#endif
