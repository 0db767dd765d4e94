/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/xattr.h"

#include "server/journal.h"
#include "server/perm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <utlist.h>

enum space { SPACE_NONE, SPACE_USER, SPACE_TRUSTED, SPACE_SECURITY };

static bool begins(const char *s, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && !memcmp(s, prefix, n);
}

static enum space space_of(const char *name, size_t len)
{
	if (begins(name, len, "user."))
		return SPACE_USER;
	if (begins(name, len, "trusted."))
		return SPACE_TRUSTED;
	if (begins(name, len, "security."))
		return SPACE_SECURITY;
	return SPACE_NONE; /* system.posix_acl_* among them */
}

/* A prefix and nothing behind it. */
static bool is_bare(struct bfs_str name)
{
	return memchr(name.ptr, '.', name.len) == name.ptr + name.len - 1;
}

/* The users' own: on files and directories, as the file's permissions say. */
static int check_user(const struct bfs_cred *cred, const struct bfs_inode *i,
		      bool write)
{
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return write ? -EPERM : -ENODATA;
	if (write && S_ISDIR(i->mode) && i->mode & S_ISVTX &&
	    !bfs_perm_owner(cred, i))
		return -EPERM;
	return bfs_perm_check(cred, i, write ? BFS_MAY_WRITE : BFS_MAY_READ);
}

static int check_space(const struct bfs_cred *cred, const struct bfs_inode *i,
		       struct bfs_str name, bool write)
{
	int r = 0;

	switch (space_of(name.ptr, name.len)) {
	case SPACE_USER:
		return check_user(cred, i, write);
	case SPACE_TRUSTED:
		if (cred->uid)
			return write ? -EPERM : -ENODATA;
		return 0;
	case SPACE_SECURITY:
		return write && cred->uid ? -EPERM : 0;
	case SPACE_NONE:
		break;
	}
	/* Of a name that nobody knows the kernel looks at the rights first. */
	if (!begins(name.ptr, name.len, "system."))
		r = bfs_perm_check(cred, i,
				   write ? BFS_MAY_WRITE : BFS_MAY_READ);
	return r ? r : -EOPNOTSUPP;
}

int bfs_xattr_check(const struct bfs_cred *cred, const struct bfs_inode *i,
		    struct bfs_str name, bool write)
{
	int r;

	if (!name.len || name.len > BFS_NAME_MAX)
		return -ERANGE;
	if (memchr(name.ptr, 0, name.len))
		return -EINVAL;
	r = check_space(cred, i, name, write);
	return !r && is_bare(name) ? -EINVAL : r;
}

bool bfs_xattr_visible(const struct bfs_cred *cred, const struct bfs_xattr *x)
{
	return !cred->uid || space_of(x->name, x->len) != SPACE_TRUSTED;
}

struct bfs_xattr *bfs_xattr_find(const struct bfs_inode *i, struct bfs_str name)
{
	struct bfs_xattr *x;

	LL_FOREACH(bfs_inode_xattrs(i), x)
	if (x->len == name.len && !memcmp(x->name, name.ptr, x->len))
		break;
	return x;
}

const void *bfs_xattr_value(const struct bfs_xattr *x)
{
	return x->name + x->len;
}

/* What listxattr answers with another name of len bytes. */
static size_t list_with(const struct bfs_inode *i, uint32_t len)
{
	const struct bfs_xattr *x;
	size_t sum = len + 1;

	LL_FOREACH(bfs_inode_xattrs(i), x)
	sum += x->len + 1u;
	return sum;
}

static int check_set(const struct bfs_inode *i, const struct bfs_xattr *old,
		     struct bfs_str name, size_t size, int flags)
{
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (size > BFS_XATTR_VALUE_MAX)
		return -E2BIG;
	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && flags & XATTR_REPLACE)
		return -ENODATA;
	if (!old && list_with(i, name.len) > BFS_XATTR_LIST_MAX)
		return -ENOSPC;
	return 0;
}

static void discard(struct bfs_inode *i, struct bfs_xattr *x)
{
	LL_DELETE(i->rare->xattrs, x);
	free(x);
}

int bfs_xattr_set(struct bfs_fs *fs, struct bfs_inode *i, struct bfs_str name,
		  const void *value, size_t size, int flags)
{
	struct bfs_xattr *old = bfs_xattr_find(i, name), *x;
	int r = check_set(i, old, name, size, flags);

	if (r)
		return r;
	x = malloc(sizeof(*x) + name.len + size);
	if (!x || !bfs_inode_rare(i)) {
		free(x);
		return -ENOMEM;
	}
	x->size = (uint32_t)size;
	x->len = (uint8_t)name.len;
	memcpy(x->name, name.ptr, name.len);
	if (size)
		memcpy(x->name + name.len, value, size);
	if (old)
		discard(i, old);
	LL_PREPEND(i->rare->xattrs, x);
	bfs_note_xattr(fs, i, name,
		       (struct bfs_str){ x->name + x->len, x->size });
	return 0;
}

int bfs_xattr_remove(struct bfs_fs *fs, struct bfs_inode *i,
		     struct bfs_str name)
{
	struct bfs_xattr *x = bfs_xattr_find(i, name);

	if (!x)
		return -ENODATA;
	discard(i, x);
	bfs_note_xattr_gone(fs, i, name);
	return 0;
}

void bfs_xattr_free_all(struct bfs_inode *i)
{
	while (bfs_inode_xattrs(i))
		discard(i, i->rare->xattrs);
}
