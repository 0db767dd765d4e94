/* SPDX-License-Identifier: BSD-3-Clause */
/* openat2(2): checks that the kernel makes, and paths with a root. */
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/open.h"
#include "preload/path.h"

#include <errno.h>
#include <fcntl.h>

#define RESOLVE_KNOWN \
	(RESOLVE_NO_XDEV | BFS_NO_MAGIC | BFS_SCOPED | RESOLVE_CACHED)
#define FLAGS_OF_PATH (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FLAGS_KNOWN \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
	 O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT | \
	 BFS_O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	 O_PATH | O_TMPFILE)

/* A larger structure than ours may only hold zeros behind it. */
static int take_how(struct open_how *how, const struct open_how *from,
		    size_t size)
{
	const char *rest = (const char *)(from + 1);

	if (size < sizeof(*how))
		return -EINVAL;
	if (size > 4096)
		return -E2BIG;
	if (bfs_mem_in(from, size))
		return -EFAULT;
	*how = *from;
	for (size_t i = 0; i < size - sizeof(*how); i++)
		if (rest[i])
			return -E2BIG;
	return 0;
}

/* openat2 refuses what open ignores. */
static int check_how(const struct open_how *how)
{
	bool makes = bfs_open_creates((int)how->flags);

	if (how->flags & ~(uint64_t)FLAGS_KNOWN ||
	    how->resolve & ~(uint64_t)RESOLVE_KNOWN ||
	    (how->resolve & BFS_SCOPED) == BFS_SCOPED)
		return -EINVAL;
	if (makes ? how->mode & ~07777ull : how->mode)
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~(uint64_t)FLAGS_OF_PATH)
		return -EINVAL;
	if (how->resolve & RESOLVE_CACHED && (makes || how->flags & O_TRUNC))
		return -EAGAIN;
	return bfs_open_bad_flags((int)how->flags);
}

/* In a root of its own a path has no slash at its front. */
static const char *in_root(const char *path, const struct open_how *how)
{
	if (*path != '/' || !(how->resolve & RESOLVE_IN_ROOT))
		return path;
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

bool bfs_openat2_ours(int dirfd, const char *path, const struct open_how *how,
		      size_t size)
{
	if (bfs_mem_str(path, BFS_PATH_MAX) < 0 || size < sizeof(*how) ||
	    bfs_mem_in(how, sizeof(*how)))
		return bfs_owns_at(dirfd, path);
	path = in_root(path, how);
	return bfs_owns_at(dirfd, path);
}

long bfs_openat2(int dirfd, const char *path, const struct open_how *from,
		 size_t size)
{
	struct open_how how;
	int e = take_how(&how, from, size);

	if (!e)
		e = check_how(&how);
	if (!e && *path == '/' && how.resolve & RESOLVE_BENEATH)
		e = -EXDEV;
	if (e)
		return e;
	path = in_root(path, &how);
	return bfs_openat_resolve(dirfd, path, (int)how.flags, (mode_t)how.mode,
				  (uint32_t)how.resolve);
}
