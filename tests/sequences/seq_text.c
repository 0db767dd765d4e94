/* SPDX-License-Identifier: BSD-3-Clause */
/* The state as text: a line for each name, with a number for each inode in
 * the order in which it is met, so that two names of one file show. */
#include "tests/sequences/seq.h"

#include <stdio.h>
#include <string.h>

static const char *const names[3] = { "a", "b", "d" };

struct text {
	char *at;
	size_t left;
	uint64_t met[SEQ_NODES];
	unsigned nmet;
};

static unsigned number(struct text *t, uint64_t ino)
{
	unsigned n = 0;

	while (n < t->nmet && t->met[n] != ino)
		n++;
	if (n == t->nmet && n < SEQ_NODES)
		t->met[t->nmet++] = ino;
	return n;
}

static void line(struct text *t, const char *path, char type, unsigned nr,
		 unsigned links, const char *byte, unsigned size)
{
	int n = snprintf(t->at, t->left, "%s %c #%u links %u: ", path, type, nr,
			 links);

	t->at += n;
	t->left -= (size_t)n;
	for (unsigned i = 0; type == 'f' && i < size && t->left > 2; i++) {
		*t->at++ = byte[i] ? byte[i] : '.';
		t->left--;
	}
	*t->at++ = '\n';
	*t->at = '\0';
	t->left--;
}

static unsigned links_of(const struct seq_world *w, const struct seq_node *x)
{
	unsigned links = 2;

	if (x->type == 'f')
		return x->links;
	for (int k = 0; k < 3; k++)
		links += x->child[k] && w->node[x->child[k]].type == 'd';
	return links;
}

static void world_dir(const struct seq_world *w, uint8_t dir, const char *path,
		      struct text *t)
{
	for (int k = 0; k < 3; k++) {
		uint8_t i = w->node[dir].child[k];
		const struct seq_node *x = &w->node[i];
		char sub[64];

		if (!i)
			continue;
		snprintf(sub, sizeof(sub), "%.60s%s", path, names[k]);
		line(t, sub, x->type, number(t, i), links_of(w, x),
		     x->unsure ? "~" : x->byte, x->unsure ? 1 : x->size);
		strcat(sub, "/");
		if (x->type == 'd')
			world_dir(w, i, sub, t);
	}
}

void seq_world_text(const struct seq_world *w, char *text)
{
	struct text t = { .at = text, .left = SEQ_TEXT };

	*text = '\0';
	world_dir(w, 1, "", &t);
}

static void fs_dir(const struct seq_fs *fs, const char *path, unsigned entries,
		   struct text *t);

/* 1: there is something by that name. */
static unsigned fs_name(const struct seq_fs *fs, const char *sub,
			struct text *t)
{
	unsigned links = 0, size = 0;
	char byte[SEQ_BYTES], below[64];
	uint64_t ino;
	char type = fs->look(fs->arg, sub, &ino, &links, &size);

	if (!type)
		return 0;
	if (type == 'f' &&
	    (size > SEQ_BYTES || !fs->bytes(fs->arg, sub, size, byte)))
		type = '?';
	line(t, sub, type, number(t, ino), links, byte, size);
	snprintf(below, sizeof(below), "%.60s/", sub);
	if (type == 'd')
		fs_dir(fs, below, size, t);
	return 1;
}

static void fs_dir(const struct seq_fs *fs, const char *path, unsigned entries,
		   struct text *t)
{
	unsigned found = 0;

	for (int k = 0; k < 3; k++) {
		char sub[64];

		snprintf(sub, sizeof(sub), "%.60s%s", path, names[k]);
		found += fs_name(fs, sub, t);
	}
	/* Nothing else, and nothing that is listed and cannot be found. */
	if (found != entries)
		line(t, path, '!', entries, found, "", 0);
}

void seq_fs_text(const struct seq_fs *fs, char *text)
{
	struct text t = { .at = text, .left = SEQ_TEXT };
	unsigned links, entries = 0;
	uint64_t ino;

	*text = '\0';
	if (fs->look(fs->arg, ".", &ino, &links, &entries) != 'd')
		strcpy(text, "no directory\n");
	else
		fs_dir(fs, "", entries, &t);
}

/* "d/a f #3 links 1: ~" is like "d/a ? #3 links 0: " too. */
static bool line_matches(const char *expected, size_t len, const char *seen,
			 size_t seen_len)
{
	const char *mark = memchr(expected, '#', len), *at;
	size_t path = (size_t)(mark - expected) - 2, number;

	if (len == seen_len && !memcmp(expected, seen, len))
		return true;
	if (expected[len - 1] != '~' || seen_len < path + 2 ||
	    memcmp(expected, seen, path))
		return false;
	at = seen + path;
	number = strcspn(mark, " ");
	return (*at == 'f' || *at == '?') && !strncmp(at + 2, mark, number + 1);
}

bool seq_text_matches(const char *expected, const char *seen)
{
	while (*expected && *seen) {
		size_t n = strcspn(expected, "\n"), m = strcspn(seen, "\n");

		if (!line_matches(expected, n, seen, m))
			return false;
		expected += n + 1;
		seen += m + 1;
	}
	return !*expected && !*seen;
}
