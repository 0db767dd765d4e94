/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files with exported symbols share. */
#ifndef BFS_ENTRY_H
#define BFS_ENTRY_H

#include "core/util.h"
#include "preload/count.h"
#include "preload/dirstream.h"
#include "preload/fd.h"
#include "preload/lead.h"
#include "preload/mapped.h"
#include "preload/ops.h"
#include "preload/own.h"
#include "preload/path.h"
#include "preload/raw.h"
#include "preload/real.h"

#include <string.h>

#define BFS_EXPORT __attribute__((visibility("default")))

/* The conditions of hooks.def. */
#define CALLER __builtin_return_address(0)
#define FD(fd) (bfs_own_kind(fd, CALLER) != BFS_KIND_NONE)
#define HELD(fd) (bfs_own_kind(fd, CALLER) > BFS_KIND_PASS)
#define CLOSES(fd) bfs_own_closes(fd, CALLER)
#define PATH(path) bfs_owns_path(path)
#define AT(dirfd, path) bfs_owns_at(dirfd, path)
#define EXE(path) bfs_exe_named(path)
/* For a path that cannot be replaced: the caller reads it back. */
#define PATH_FIXED(path) bfs_owns_path(path)

/* Is this call ours?  A test build can take a hook out, by its name. */
#ifdef BFS_MUTATION
static inline bool bfs_mutated(const char *name)
{
	const char *out = getenv("BENCHFS_MUTATE");

	return out && !strcmp(out, name);
}
#define OURS(name, ours) (!bfs_mutated(#name) && (ours))
#elif defined(BFS_TSAN)
/* ThreadSanitizer makes calls before it is ready to look at what serves them.
 */
#define OURS(name, ours) (bfs_ready && (ours))
#else
#define OURS(name, ours) (ours)
#endif

/* A call of the name, counted. */
#define DO(name, kind, call) BFS_COUNTED(BFS_ROW_##name, kind, call)
#define DO_PLAIN(name, call) DO(name, BFS_RESULT_PLAIN, call)

static inline long bfs_finish(long result, int saved_errno)
{
	errno = result < 0 ? (int)-result : saved_errno;
	return result < 0 ? -1 : result;
}

/* A pointer in the last page is -errno. */
static inline bool bfs_finish_ptr(long p, int saved_errno)
{
	bool failed = p < 0 && p >= -4095;

	errno = failed ? (int)-p : saved_errno;
	return failed;
}

#endif
