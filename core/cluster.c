/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of a cluster as a text file, and its secret:
 *
 *	benchfs-cluster	1
 *	id	9f0c...		16 hex digits
 *	epoch	1
 *	launcher	ssh
 *	members	2
 *	member	n1.0	n1	/run/dir/n1.0	/data/n1.0
 *	member	n1.1	n1	/run/dir/n1.1	/data/n1.1
 *	end	77ab... 51c3...	the hash of the list, a checksum of this
 *
 * with a tab between the words.  It is made by `benchfs start`; nobody has to
 * write it by hand.
 */
#include "core/cluster.h"

#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FORMAT "1"
#define MAX_FILE (64u << 20) /* 65,535 members with long paths */

struct parser {
	const char *path;
	unsigned line;
	char *next; /* what has not been read yet */
	char *word[6];
	unsigned nwords;
	char *err;
};

static unsigned long long checksum(const char *text, size_t len)
{
	return XXH3_64bits(text, len);
}

static bool plain(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

static int print_list(const struct bfs_members *l, FILE *out, char *err)
{
	fprintf(out,
		"benchfs-cluster\t" FORMAT "\nid\t%016llx\nepoch\t%u\n"
		"launcher\t%s\nmembers\t%u\n",
		(unsigned long long)l->cluster, l->epoch, l->launcher, l->n);
	for (unsigned i = 0; i < l->n; i++) {
		const struct bfs_member *m = &l->m[i];

		if (!plain(m->node) || !plain(m->run_dir) ||
		    !plain(m->data_dir))
			return bfs_members_fail(-EINVAL, err,
						"member %s: a tab, newline or "
						"other control character in a "
						"directory's name",
						m->name);
		fprintf(out, "member\t%s\t%s\t%s\t%s\n", m->name, m->node,
			m->run_dir, m->data_dir);
	}
	fprintf(out, "end\t%016llx\t", (unsigned long long)l->hash);
	return 0;
}

int bfs_cluster_write(const struct bfs_members *l, const char *dir, char *err)
{
	BFS_AUTOFREE char *text = NULL, *path = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int r;

	/* the checksum stands behind what it is of */
	if (!out || asprintf(&path, "%s/cluster", dir) < 0) {
		if (out)
			fclose(out);
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	}
	r = print_list(l, out, err);
	if (!fflush(out))
		fprintf(out, "%016llx\n", checksum(text, len));
	if (fclose(out) && !r)
		r = bfs_members_fail(-ENOMEM, err, "out of memory");
	return r ? r : bfs_file_replace(path, text, len, 0600, err);
}

static int bad(const struct parser *p, const char *what)
{
	return bfs_members_fail(-EINVAL, p->err, "%s:%u: %s", p->path, p->line,
				what);
}

/* The next line's words.  key must be the first of n. */
static int line(struct parser *p, const char *key, unsigned n)
{
	char *end = p->next ? strchr(p->next, '\n') : NULL, *at = p->next;

	p->line++;
	if (!end)
		return bad(p, "ends too early: it was not written by benchfs, "
			      "or is cut off");
	*end = '\0';
	p->next = end + 1;
	for (p->nwords = 0; at && p->nwords < BFS_COUNT(p->word);)
		p->word[p->nwords++] = strsep(&at, "\t");
	if (at || p->nwords != n || strcmp(p->word[0], key))
		return bfs_members_fail(-EINVAL, p->err,
					"%s:%u: expected \"%s\" and %u words "
					"behind tabs",
					p->path, p->line, key, n - 1);
	return 0;
}

static int number(struct parser *p, const char *key, int base, uint64_t *to)
{
	int r = line(p, key, 2);
	char *end;

	if (r)
		return r;
	errno = 0;
	*to = strtoull(p->word[1], &end, base);
	if (errno || *end || !isxdigit((unsigned char)p->word[1][0]) || !*to)
		return bad(p, "not a number above 0");
	return 0;
}

static int parse_head(struct parser *p, struct bfs_members *l, uint64_t *n)
{
	uint64_t epoch;
	int r = line(p, "benchfs-cluster", 2);

	if (!r && strcmp(p->word[1], FORMAT))
		return bfs_members_fail(-EINVAL, p->err,
					"%s: has version %s, we have " FORMAT,
					p->path, p->word[1]);
	if (!r)
		r = number(p, "id", 16, &l->cluster);
	if (!r)
		r = number(p, "epoch", 10, &epoch);
	if (!r)
		r = line(p, "launcher", 2);
	if (r)
		return r;
	l->epoch = (uint32_t)epoch;
	snprintf(l->launcher, sizeof(l->launcher), "%s", p->word[1]);
	return number(p, "members", 10, n);
}

static int parse_members(struct parser *p, struct bfs_members *l, uint64_t n)
{
	int r = 0;

	for (uint64_t i = 0; !r && i < n; i++) {
		r = line(p, "member", 5);
		if (!r)
			r = bfs_members_add(l, p->word[1], p->word[2],
					    p->word[3], p->word[4], p->err);
	}
	return r;
}

/* The last line vouches for the rest. */
static int parse_end(struct parser *p, const struct bfs_members *l,
		     unsigned long long sum)
{
	int r = line(p, "end", 3);
	char hash[17], text[17];

	if (r)
		return r;
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)l->hash);
	snprintf(text, sizeof(text), "%016llx", sum);
	if (strcmp(p->word[1], hash))
		return bfs_members_fail(-EINVAL, p->err,
					"%s: says that its members make the "
					"list %s, and they make %s",
					p->path, p->word[1], hash);
	if (strcmp(p->word[2], text))
		return bfs_members_fail(-EINVAL, p->err,
					"%s: has the checksum %s, its text "
					"gives %s",
					p->path, p->word[2], text);
	return *p->next ? bad(p, "goes on behind its end") : 0;
}

static int parse(struct parser *p, struct bfs_members *l)
{
	const char *last = strrchr(p->next, '\t');
	size_t len = last ? (size_t)(last + 1 - p->next) : 0;
	unsigned long long sum = checksum(p->next, len);
	uint64_t n = 0;
	int r = parse_head(p, l, &n);

	if (!r)
		r = parse_members(p, l, n);
	if (!r)
		r = bfs_members_sort(l, p->err);
	return r ? r : parse_end(p, l, sum);
}

/* What the list itself refuses does not know where it comes from. */
static int name_file(const struct parser *p, int r)
{
	char text[BFS_MEMBERS_ERR];

	if (strstr(p->err, p->path))
		return r;
	snprintf(text, sizeof(text), "%s", p->err);
	return bfs_members_fail(r, p->err, "%s:%u: %s", p->path, p->line, text);
}

int bfs_cluster_read(struct bfs_members *l, const char *dir, char *err)
{
	BFS_AUTOFREE char *path = NULL, *secret = NULL;
	BFS_AUTOFREE void *text = NULL;
	struct parser p = { .err = err };
	size_t len;
	int r;

	if (asprintf(&path, "%s/cluster", dir) < 0)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	r = bfs_file_read(path, &text, &len, MAX_FILE, err);
	if (r)
		return r;
	if (strlen(text) != len)
		return bfs_members_fail(-EINVAL, err, "%s: has a zero byte",
					path);
	p.path = path;
	p.next = text;
	r = parse(&p, l);
	if (r)
		return name_file(&p, r);
	if (asprintf(&secret, "%s/secret", dir) < 0)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	return bfs_secret_read(secret, l->secret, err);
}
