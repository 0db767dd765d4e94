/* SPDX-License-Identifier: BSD-3-Clause */
/* What the recorder has recorded. */
#ifndef BFS_POWER_DISK_IMPL_H
#define BFS_POWER_DISK_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum disk_kind {
	DISK_WRITE, /* len bytes at `at` */
	DISK_SIZE,  /* is `at` */
	DISK_MODE,
	DISK_NAME, /* in dir */
	DISK_UNNAME,
	DISK_RENAME, /* in dir, from `from` */
	DISK_SYNC,   /* of ino, or all */
};

struct disk_change {
	enum disk_kind kind;
	char makes; /* the inode is new: 'f' or 'd' */
	uint64_t ino, dir;
	size_t at, len;
	char *data;
	mode_t mode;
	char name[64], from[64];
	/* The change behind which a sync had ended; 0: none. */
	unsigned synced;
};

struct disk {
	bool on;
	uint64_t root; /* its inode's number, as all of them */
	struct disk_change *change;
	unsigned n, cap;
	uint64_t *known; /* inodes below the root */
	unsigned nknown;
};
extern struct disk disk;

/* Has a sync covered it by then? */
static inline bool disk_synced(const struct disk_change *c, unsigned upto)
{
	return c->synced && c->synced <= upto;
}

#endif
