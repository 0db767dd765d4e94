/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/perm.h"

#include <errno.h>

bool bfs_perm_in_group(const struct bfs_cred *cred, uint32_t gid)
{
	if (cred->gid == gid)
		return true;
	for (uint32_t n = 0; n < cred->ngroups; n++)
		if (cred->groups[n] == gid)
			return true;
	return false;
}

bool bfs_perm_owner(const struct bfs_cred *cred, const struct bfs_inode *i)
{
	return !cred->uid || cred->uid == i->uid;
}

/* Root may do all, but execute only what somebody may execute. */
static unsigned root_rights(const struct bfs_inode *i)
{
	unsigned all = BFS_MAY_READ | BFS_MAY_WRITE;

	if (S_ISDIR(i->mode) || i->mode & 0111)
		all |= BFS_MAY_EXEC;
	return all;
}

int bfs_perm_check(const struct bfs_cred *cred, const struct bfs_inode *i,
		   unsigned mask)
{
	unsigned rights = i->mode;

	if (!cred->uid)
		rights = root_rights(i);
	else if (cred->uid == i->uid)
		rights >>= 6;
	else if (bfs_perm_in_group(cred, i->gid))
		rights >>= 3;
	return mask & ~rights & 7 ? -EACCES : 0;
}

int bfs_perm_create(const struct bfs_cred *cred, const struct bfs_inode *dir)
{
	if (!dir->nlink)
		return -ENOENT;
	return bfs_perm_check(cred, dir, BFS_MAY_WRITE | BFS_MAY_EXEC);
}

/* In a sticky directory only the owners of file or directory remove. */
static bool sticky_forbids(const struct bfs_cred *cred,
			   const struct bfs_inode *dir,
			   const struct bfs_inode *i)
{
	return dir->mode & S_ISVTX && !bfs_perm_owner(cred, i) &&
	       !bfs_perm_owner(cred, dir);
}

int bfs_perm_delete(const struct bfs_cred *cred, const struct bfs_inode *dir,
		    const struct bfs_inode *i, bool is_dir)
{
	int r = bfs_perm_check(cred, dir, BFS_MAY_WRITE | BFS_MAY_EXEC);

	if (r)
		return r;
	if (sticky_forbids(cred, dir, i))
		return -EPERM;
	if (is_dir && !S_ISDIR(i->mode))
		return -ENOTDIR;
	if (!is_dir && S_ISDIR(i->mode))
		return -EISDIR;
	return 0;
}

void bfs_perm_inherit(const struct bfs_cred *cred, const struct bfs_inode *dir,
		      uint32_t *mode, uint32_t *gid)
{
	const uint32_t runs_as_group = S_ISGID | S_IXGRP;
	uint32_t asked = *mode | (*mode & BFS_MODE_XGRP ? S_IXGRP : 0);

	*mode &= ~BFS_MODE_XGRP;
	*gid = cred->gid;
	if (!(dir->mode & S_ISGID))
		return;
	*gid = dir->gid;
	if (S_ISDIR(*mode))
		*mode |= S_ISGID;
	else if ((asked & runs_as_group) == runs_as_group && cred->uid &&
		 !bfs_perm_in_group(cred, dir->gid))
		*mode &= ~(uint32_t)S_ISGID;
}

uint32_t bfs_perm_write_kills(const struct bfs_cred *cred,
			      const struct bfs_inode *i)
{
	return S_ISREG(i->mode) && cred->uid ? bfs_perm_chown_kills(cred, i)
					     : 0;
}

uint32_t bfs_perm_chown_kills(const struct bfs_cred *cred,
			      const struct bfs_inode *i)
{
	uint32_t kill = i->mode & S_ISUID;

	if (S_ISDIR(i->mode))
		return 0;
	/* Without group execution the bit once meant mandatory locking, and
	 * stays for the group's members. */
	if (i->mode & S_ISGID &&
	    (i->mode & S_IXGRP ||
	     (cred->uid && !bfs_perm_in_group(cred, i->gid))))
		kill |= S_ISGID;
	return kill;
}
