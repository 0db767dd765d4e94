/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file system in a temporary directory and short words for its calls, each
 * a request as a client would send it.  They return 0, -errno or -BFS_ESCAPE.
 */
#ifndef BFS_TESTS_FS_UNIT_H
#define BFS_TESTS_FS_UNIT_H

#include "tests/unit/unit.h"

#include "server/inode.h"

#include <fcntl.h>

struct fs_unit {
	char dir[64]; /* scratch: data is below it */
	char data[80];
	struct bfs_fs_conf conf;
	struct bfs_server *server;
	struct bfs_fs *fs;
	struct bfs_call *c; /* the one call that is used over and over */
	struct bfs_cred cred;
	struct bfs_handle root, at; /* at: where paths start */
	uint8_t *in;		    /* bulk of replies */
	uint32_t live_slots;	    /* slots below are alive */
};
#define FS_UNIT_IN (1u << 20)

/* cmocka's set-up and tear-down: *state is a struct fs_unit. */
int fs_unit_setup(void **state);
int fs_unit_teardown(void **state);
/* Once more on the same directory, by u->conf. */
int fs_unit_restart(struct fs_unit *u);

void u_as(struct fs_unit *u, uint32_t uid, uint32_t gid);
struct bfs_str u_str(const char *s);

int u_stat(struct fs_unit *u, const char *path, struct bfs_attr *a);
int u_lstat(struct fs_unit *u, const char *path, struct bfs_attr *a);
int u_hstat(struct fs_unit *u, struct bfs_handle h, struct bfs_attr *a);
/* Without a slot; rep may be NULL.  A passed fd is in u->c->pass_fd. */
int u_open(struct fs_unit *u, const char *path, int flags, unsigned mode,
	   struct bfs_open_rep *rep);
int u_open_slot(struct fs_unit *u, const char *path, int flags, unsigned mode,
		uint32_t slot, struct bfs_open_rep *rep);
int u_mknod(struct fs_unit *u, const char *path, unsigned mode, uint64_t rdev);
int u_mkdir(struct fs_unit *u, const char *path, unsigned mode);
int u_symlink(struct fs_unit *u, const char *target, const char *path);
int u_unlink(struct fs_unit *u, const char *path);
int u_rmdir(struct fs_unit *u, const char *path);
int u_rename(struct fs_unit *u, const char *from, const char *to,
	     unsigned flags);
int u_link(struct fs_unit *u, const char *from, const char *to, int flags);
int u_setattr(struct fs_unit *u, const char *path, unsigned valid,
	      struct bfs_setattr_req req);
int u_chmod(struct fs_unit *u, const char *path, unsigned mode);
int u_chown(struct fs_unit *u, const char *path, uint32_t uid, uint32_t gid);
int u_truncate(struct fs_unit *u, const char *path, uint64_t size);
int u_access(struct fs_unit *u, const char *path, unsigned mode);
/* Into buf, terminated. */
int u_readlink(struct fs_unit *u, const char *path, char *buf, size_t cap);
/* The fd that came with the last reply; the caller closes it. */
int u_take_fd(struct fs_unit *u);

#endif
