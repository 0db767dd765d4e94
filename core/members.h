/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of a cluster: one complete list in a fixed order, which all of
 * them agree on; and for each of them a record, which it publishes when it can
 * be reached, and which the others look up.  Where the list and the records
 * are kept is behind one op table.  Owner thread only.
 *
 * Messages: functions with an err write one line there, without a newline, and
 * log nothing.  They name both values where two do not agree.
 */
#ifndef BFS_MEMBERS_H
#define BFS_MEMBERS_H

#include "core/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BFS_MEMBERS_ERR 1024
#define BFS_MEMBER_NAME_MAX 200
#define BFS_SECRET_LEN 16
#define BFS_RECORD_MAX 65536 /* bytes of a record, with its head */

/* Strings are owned, never NULL. */
struct bfs_member {
	char *name; /* unique in the cluster; makes the order */
	char *node; /* the node that it runs on; "": not known yet */
	char *run_dir, *data_dir; /* on that node; "": not known yet */
	/* What its record says: */
	bool known;	      /* there was a good one when we last looked */
	uint64_t incarnation; /* greater after each start */
	uint32_t pid;
	void *address; /* of its UCX worker */
	size_t address_len;
};

struct bfs_members;

struct bfs_members_ops {
	const char *name;
	/* Fill in names, cluster, epoch and secret.  0 or -errno. */
	int (*load)(struct bfs_members *l, const struct bfs_config *c,
		    char *err);
	/* l->record is new: 0 or -errno. */
	int (*publish)(struct bfs_members *l, char *err);
	void (*withdraw)(struct bfs_members *l);
	/*
	 * A member's record, allocated; *from says where it lies.  Never
	 * blocks on another member: 0, -ENOENT if there is none yet,
	 * -EAGAIN if the answer is under way, or -errno.
	 */
	int (*fetch)(struct bfs_members *l, unsigned shard, void **record,
		     size_t *len, const char **from, char *err);
	void (*fini)(struct bfs_members *l);
};
extern const struct bfs_members_ops bfs_members_dir, bfs_members_hosts;

struct bfs_members {
	unsigned n;
	struct bfs_member *m;	/* a member's shard is its place here */
	uint64_t cluster, hash; /* never 0 */
	uint32_t epoch;
	uint8_t secret[BFS_SECRET_LEN];
	char launcher[16]; /* how it was started; "": by hand */
	void *record;	   /* our own, when published */
	size_t record_len;
	unsigned self; /* whose it is */
	const struct bfs_members_ops *ops;
	char *dir;  /* of the registry; NULL: none */
	void *priv; /* the back-end's own */
};

/*
 * The list that the settings lead to: network.peers or network.registry_dir.
 * 0 and NULL if neither is set: one daemon alone.
 */
int bfs_members_load(struct bfs_members **out, const struct bfs_config *c,
		     char *err);
void bfs_members_free(struct bfs_members *l);

/* The shard of a member, or -ENOENT. */
int bfs_members_find(const struct bfs_members *l, const char *name);
/* The lowest shard on that node, or -ENOENT.  "n1" and "n1.site" are one. */
int bfs_members_on_node(const struct bfs_members *l, const char *node,
			unsigned from);

/*
 * Publish our record: we can be reached.  us: node, run_dir, data_dir,
 * incarnation, pid and address count.  Again when the address changes.
 */
int bfs_members_publish(struct bfs_members *l, unsigned shard,
			const struct bfs_member *us, char *err);
/* We cannot be reached any more. */
void bfs_members_withdraw(struct bfs_members *l);

/*
 * Read a member's record again, and take it over into l->m[shard].  0,
 * -ENOENT: not published; -EAGAIN: it is being fetched, ask again; -EBADMSG:
 * not a record, or a damaged one; -ESTALE: of another cluster, list or secret;
 * else what reading it gave.  In all these cases what was known stays.
 */
int bfs_members_lookup(struct bfs_members *l, unsigned shard, char *err);

/* Records (members_record.c).  A record is bytes under the secret's MAC. */
int bfs_record_make(const struct bfs_members *l, unsigned shard,
		    const struct bfs_member *us, void **record, size_t *len);
/* Check and take over.  from: what to call it in a message. */
int bfs_record_take(struct bfs_members *l, unsigned shard, const void *record,
		    size_t len, const char *from, char *err);
/* A number that tells secrets apart and gives nothing away. */
uint32_t bfs_secret_id(const uint8_t secret[BFS_SECRET_LEN]);

/* Format into err; returns e. */
int bfs_members_fail(int e, char *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The list as a whole (members.c), for those who make one: add in any order,
 * then sort, which sets the hash and refuses duplicates.
 */
struct bfs_members *bfs_members_new(const struct bfs_members_ops *ops);
int bfs_members_add(struct bfs_members *l, const char *name, const char *node,
		    const char *run_dir, const char *data_dir, char *err);
int bfs_members_sort(struct bfs_members *l, char *err);
/* May this be a member's name?  Letters, digits and some of "._-:@+". */
bool bfs_member_name_ok(const char *name);

#endif
