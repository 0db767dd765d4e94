/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/members.h"

#include "core/log.h"
#include "core/place.h"
#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

int bfs_members_fail(int e, char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, BFS_MEMBERS_ERR, fmt, ap);
	bfs_log_one_line(err);
	va_end(ap);
	return e;
}

bool bfs_member_name_ok(const char *name)
{
	size_t len = strlen(name);

	/* It is a file's name too, with dots for those that are hidden. */
	if (!len || len > BFS_MEMBER_NAME_MAX || *name == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-:@+", *name))
			return false;
	return true;
}

struct bfs_members *bfs_members_new(const struct bfs_members_ops *ops)
{
	struct bfs_members *l = calloc(1, sizeof(*l));

	if (l)
		l->ops = ops;
	return l;
}

static void fini_member(struct bfs_member *m)
{
	free(m->name);
	free(m->node);
	free(m->run_dir);
	free(m->data_dir);
	free(m->address);
}

void bfs_members_free(struct bfs_members *l)
{
	if (!l)
		return;
	if (l->ops && l->ops->fini)
		l->ops->fini(l);
	for (unsigned i = 0; i < l->n; i++)
		fini_member(&l->m[i]);
	free(l->m);
	free(l->record);
	free(l->dir);
	explicit_bzero(l->secret, sizeof(l->secret));
	free(l);
}

int bfs_members_add(struct bfs_members *l, const char *name, const char *node,
		    const char *run_dir, const char *data_dir, char *err)
{
	struct bfs_member *more, *m;

	if (!bfs_member_name_ok(name))
		return bfs_members_fail(-EINVAL, err,
					"\"%s\" cannot be a member's name: it "
					"has 1 to %d letters, digits or "
					"._-:@+, and no dot at first",
					name, BFS_MEMBER_NAME_MAX);
	if (l->n == BFS_PLACE_MAX)
		return bfs_members_fail(-E2BIG, err, "more than %d members",
					BFS_PLACE_MAX);
	more = realloc(l->m, (l->n + 1) * sizeof(*more));
	if (!more)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	l->m = more;
	m = &more[l->n];
	*m = (struct bfs_member){ .name = strdup(name),
				  .node = strdup(node),
				  .run_dir = strdup(run_dir),
				  .data_dir = strdup(data_dir) };
	if (!m->name || !m->node || !m->run_dir || !m->data_dir) {
		fini_member(m);
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	}
	l->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct bfs_member *x = a, *y = b;

	return bfs_place_order(x->name, y->name);
}

/* What all must agree on.  Neither addresses nor incarnations, which change
 * when a member starts anew. */
static uint64_t hash_of(const struct bfs_members *l)
{
	uint64_t h =
		XXH3_64bits_withSeed(&l->cluster, sizeof(l->cluster), l->epoch);

	for (unsigned i = 0; i < l->n; i++)
		h = XXH3_64bits_withSeed(l->m[i].name, strlen(l->m[i].name), h);
	h = XXH3_64bits_withSeed(&l->n, sizeof(l->n), h);
	return h ? h : 1; /* 0 stands for "any" in HELLO */
}

int bfs_members_sort(struct bfs_members *l, char *err)
{
	if (!l->n)
		return bfs_members_fail(-EINVAL, err, "no members");
	qsort(l->m, l->n, sizeof(*l->m), by_name);
	for (unsigned i = 1; i < l->n; i++)
		if (!by_name(&l->m[i - 1], &l->m[i]))
			return bfs_members_fail(-EINVAL, err,
						"member \"%s\" is there twice",
						l->m[i].name);
	l->hash = hash_of(l);
	return 0;
}

int bfs_members_load(struct bfs_members **out, const struct bfs_config *c,
		     char *err)
{
	const struct bfs_members_ops *ops = NULL;
	struct bfs_members *l;
	int r;

	*out = NULL;
	if (*c->network.peers)
		ops = &bfs_members_hosts;
	else if (*c->network.registry_dir)
		ops = &bfs_members_dir;
	if (!ops)
		return 0;
	l = bfs_members_new(ops);
	if (!l)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	r = ops->load(l, c, err);
	if (!r)
		*out = l;
	else
		bfs_members_free(l);
	return r;
}

int bfs_members_find(const struct bfs_members *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (!strcmp(l->m[i].name, name))
			return (int)i;
	return -ENOENT;
}

/* Up to the first dot one may say more than the other. */
static bool same_node(const char *a, const char *b)
{
	size_t n = strcspn(a, "."), m = strcspn(b, ".");

	if (!strcmp(a, b))
		return true;
	return n && n == m && !strncmp(a, b, n) && (!a[n] || !b[m]);
}

int bfs_members_on_node(const struct bfs_members *l, const char *node,
			unsigned from)
{
	for (unsigned i = from; i < l->n; i++)
		if (same_node(l->m[i].node, node))
			return (int)i;
	return -ENOENT;
}

int bfs_members_publish(struct bfs_members *l, unsigned shard,
			const struct bfs_member *us, char *err)
{
	void *record;
	size_t len;
	int r = bfs_record_make(l, shard, us, &record, &len);

	if (r)
		return bfs_members_fail(r, err, "cannot make a record: %s",
					strerror(-r));
	free(l->record);
	l->record = record;
	l->record_len = len;
	l->self = shard;
	r = bfs_record_take(l, shard, record, len, "our own record", err);
	return r ? r : l->ops->publish(l, err);
}

void bfs_members_withdraw(struct bfs_members *l)
{
	if (l->record)
		l->ops->withdraw(l);
	free(l->record);
	l->record = NULL;
}

int bfs_members_lookup(struct bfs_members *l, unsigned shard, char *err)
{
	const char *from = l->m[shard].name;
	void *record = NULL;
	size_t len = 0;
	int r = l->ops->fetch(l, shard, &record, &len, &from, err);

	if (!r)
		r = bfs_record_take(l, shard, record, len, from, err);
	free(record);
	return r;
}
