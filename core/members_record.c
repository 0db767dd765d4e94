/* SPDX-License-Identifier: BSD-3-Clause */
/* A member's record: who it is, where it is reached, under the secret's MAC. */
#include "core/members.h"

#include "core/siphash.h"
#include "core/util.h"
#include "core/wire.h"

#include <errno.h>
#include <string.h>

#define MAGIC 0x31424d454d534642ull /* "BFSMEMB1" */
#define RECORD_VERSION 1
#define HEAD 40 /* magic, version, length, cluster, key, 0, MAC */

struct head {
	uint64_t magic, cluster, mac;
	uint32_t version, len, key;
};

uint32_t bfs_secret_id(const uint8_t secret[BFS_SECRET_LEN])
{
	static const char text[] = "benchfs secret id";

	return (uint32_t)bfs_siphash(secret, text, sizeof(text));
}

static struct bfs_str str(const char *text)
{
	return (struct bfs_str){ text, (uint32_t)strlen(text) };
}

static void put_body(struct bfs_wire *w, const struct bfs_members *l,
		     unsigned shard, const struct bfs_member *us)
{
	bfs_put_u32(w, l->epoch);
	bfs_put_u64(w, l->hash);
	bfs_put_str(w, str(l->m[shard].name));
	bfs_put_str(w, str(us->node));
	bfs_put_str(w, str(us->run_dir));
	bfs_put_str(w, str(us->data_dir));
	bfs_put_u64(w, us->incarnation);
	bfs_put_u32(w, us->pid);
	bfs_put_str(w,
		    (struct bfs_str){ us->address, (uint32_t)us->address_len });
}

static void put_head(struct bfs_wire *w, const struct head *h)
{
	bfs_put_u64(w, h->magic);
	bfs_put_u32(w, h->version);
	bfs_put_u32(w, h->len);
	bfs_put_u64(w, h->cluster);
	bfs_put_u32(w, h->key);
	bfs_put_u32(w, 0);
	bfs_put_u64(w, h->mac);
}

static struct head get_head(struct bfs_wire *w)
{
	struct head h;

	h.magic = bfs_get_u64(w);
	h.version = bfs_get_u32(w);
	h.len = bfs_get_u32(w);
	h.cluster = bfs_get_u64(w);
	h.key = bfs_get_u32(w);
	bfs_get_u32(w);
	h.mac = bfs_get_u64(w);
	return h;
}

int bfs_record_make(const struct bfs_members *l, unsigned shard,
		    const struct bfs_member *us, void **record, size_t *len)
{
	uint8_t *buf = malloc(BFS_RECORD_MAX);
	struct head h = { .magic = MAGIC,
			  .version = RECORD_VERSION,
			  .cluster = l->cluster,
			  .key = bfs_secret_id(l->secret) };
	struct bfs_wire w;

	if (!buf)
		return -ENOMEM;
	bfs_wire_init(&w, buf + HEAD, BFS_RECORD_MAX - HEAD);
	put_body(&w, l, shard, us);
	if (w.err) {
		free(buf);
		return -E2BIG;
	}
	h.len = (uint32_t)(w.pos - buf - HEAD);
	h.mac = bfs_siphash(l->secret, buf + HEAD, h.len);
	bfs_wire_init(&w, buf, HEAD);
	put_head(&w, &h);
	*record = buf;
	*len = HEAD + h.len;
	return 0;
}

/* What can be told before anything in it is believed. */
static int check_head(const struct bfs_members *l, const struct head *h,
		      size_t len, const char *from, char *err)
{
	if (len < HEAD || h->magic != MAGIC)
		return bfs_members_fail(-EBADMSG, err,
					"%s: not the record of a member, or "
					"only the beginning of one",
					from);
	if (h->version != RECORD_VERSION)
		return bfs_members_fail(-ESTALE, err,
					"%s: has version %u, we have %u", from,
					h->version, RECORD_VERSION);
	if (h->len != len - HEAD)
		return bfs_members_fail(-EBADMSG, err,
					"%s: has %zu bytes, its head says %u",
					from, len, h->len + HEAD);
	if (h->cluster != l->cluster)
		return bfs_members_fail(-ESTALE, err,
					"%s: belongs to cluster %016llx, we "
					"to %016llx",
					from, (unsigned long long)h->cluster,
					(unsigned long long)l->cluster);
	if (h->key != bfs_secret_id(l->secret))
		return bfs_members_fail(-ESTALE, err,
					"%s: was made under the secret number "
					"%08x, we have %08x",
					from, h->key, bfs_secret_id(l->secret));
	return 0;
}

static int replace(char **field, struct bfs_str text)
{
	char *copy = strndup(text.len ? text.ptr : "", text.len);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int replace_address(struct bfs_member *m, struct bfs_str address)
{
	void *copy = malloc(address.len + 1);

	if (!copy)
		return -ENOMEM;
	if (address.len)
		memcpy(copy, address.ptr, address.len);
	free(m->address);
	m->address = copy;
	m->address_len = address.len;
	return 0;
}

static int take_body(struct bfs_members *l, unsigned shard, struct bfs_wire *w,
		     const char *from, char *err)
{
	uint32_t epoch = bfs_get_u32(w);
	uint64_t hash = bfs_get_u64(w);
	struct bfs_str name = bfs_get_str(w), node = bfs_get_str(w);
	struct bfs_str run_dir = bfs_get_str(w), data_dir = bfs_get_str(w);
	uint64_t incarnation = bfs_get_u64(w);
	uint32_t pid = bfs_get_u32(w);
	struct bfs_str address = bfs_get_str(w);
	struct bfs_member *m = &l->m[shard];

	if (bfs_wire_end(w))
		return bfs_members_fail(-EBADMSG, err, "%s: is damaged", from);
	if (epoch != l->epoch || hash != l->hash)
		return bfs_members_fail(
			-ESTALE, err,
			"%s: has the member list %016llx of epoch %u, we have "
			"%016llx of epoch %u",
			from, (unsigned long long)hash, epoch,
			(unsigned long long)l->hash, l->epoch);
	if (name.len != strlen(m->name) || memcmp(name.ptr, m->name, name.len))
		return bfs_members_fail(-ESTALE, err,
					"%s: is the record of %.*s, not of %s",
					from, (int)name.len, name.ptr, m->name);
	if (replace(&m->node, node) || replace(&m->run_dir, run_dir) ||
	    replace(&m->data_dir, data_dir) || replace_address(m, address))
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	m->incarnation = incarnation;
	m->pid = pid;
	m->known = true;
	return 0;
}

int bfs_record_take(struct bfs_members *l, unsigned shard, const void *record,
		    size_t len, const char *from, char *err)
{
	struct bfs_wire w;
	struct head h;
	int r;

	bfs_wire_init(&w, record, BFS_MIN(len, (size_t)HEAD));
	h = get_head(&w);
	r = check_head(l, &h, len, from, err);
	if (r)
		return r;
	bfs_wire_init(&w, (const uint8_t *)record + HEAD, h.len);
	if (bfs_siphash(l->secret, w.pos, h.len) != h.mac)
		return bfs_members_fail(-EBADMSG, err,
					"%s: is damaged: its checksum does not "
					"match",
					from);
	return take_body(l, shard, &w, from, err);
}
