/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wordexp.  libc's own does everything but to match patterns, since its glob()
 * looks at real files and the real working directory only: the characters that
 * make a word a pattern go through it in disguise.  What is quoted, or comes
 * out of a parameter or a command, does not make one, so that it can be told
 * from the others; as with libc's own.
 */
#include "core/util.h"
#include "preload/ops.h"
#include "preload/real.h"

#include <errno.h>
#include <string.h>

static const char special[] = "*?[";
static const char disguise[] = "\1\2\3";

static void map(char *s, const char *from, const char *to)
{
	for (; *s; s++) {
		const char *p = strchr(from, *s);

		if (p)
			*s = to[p - from];
	}
}

/* The end of what begins with a $ or a `, which is not looked into. */
static const char *skip(const char *p)
{
	char close = p[0] == '`' ? '`' : p[1] == '{' ? '}' : ')', open = p[1];
	int depth = 1;

	if (*p == '$' && open != '{' && open != '(')
		return p + 1;
	p += *p == '`' ? 1 : 2;
	for (; *p && depth; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == close)
			depth--;
		else if (*p == open && close != '`')
			depth++;
	}
	return p;
}

/* Puts pattern characters in disguise that are not quoted. */
static void hide(char *p)
{
	char quote = 0;

	while (*p) {
		const char *q = quote ? NULL : strchr(special, *p);

		if (quote != '\'' && (*p == '$' || *p == '`')) {
			p = (char *)skip(p);
			continue;
		}
		if (quote != '\'' && *p == '\\' && p[1])
			p++;
		else if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? 0 : *p;
		else if (q)
			*p = disguise[q - special];
		p++;
	}
}

/* The words, each in single quotes: libc makes the result of them, as the
 * flags say. */
struct list {
	char *text;
	size_t len, size;
};

static int add_char(struct list *l, char c)
{
	if (l->len + 2 > l->size) {
		size_t size = 2 * l->size + 256;
		char *p = realloc(l->text, size);

		if (!p)
			return WRDE_NOSPACE;
		l->text = p;
		l->size = size;
	}
	l->text[l->len++] = c;
	l->text[l->len] = '\0';
	return 0;
}

static int add_text(struct list *l, const char *s)
{
	int r = 0;

	for (; *s && !r; s++)
		r = add_char(l, *s);
	return r;
}

static int add_word(struct list *l, const char *s)
{
	int r = add_char(l, '\'');

	for (; *s && !r; s++)
		r = *s == '\'' ? add_text(l, "'\\''") : add_char(l, *s);
	return r ? r : add_text(l, "' ");
}

static int add_matches(struct list *l, const glob_t *g)
{
	int r = 0;

	for (size_t i = 0; i < g->gl_pathc && !r; i++)
		r = add_word(l, g->gl_pathv[i]);
	return r;
}

/* A pattern that matches nothing stays as it is. */
static int add_pattern(struct list *l, char *word)
{
	glob_t g = { .gl_pathc = 0 };
	int r;

	map(word, disguise, special);
	r = bfs_glob(word, 0, NULL, &g);
	if (r == GLOB_NOMATCH)
		return add_word(l, word);
	if (r)
		return WRDE_NOSPACE;
	r = add_matches(l, &g);
	globfree(&g);
	return r;
}

static int finish(const wordexp_t *have, wordexp_t *we, int flags)
{
	struct list l = { .len = 0 };
	int r = add_char(&l, ' ');

	for (size_t i = 0; i < have->we_wordc && !r; i++) {
		char *word = have->we_wordv[i];

		r = strpbrk(word, disguise) ? add_pattern(&l, word)
					    : add_word(&l, word);
	}
	if (!r)
		r = REAL(wordexp)(l.text, we, flags);
	free(l.text);
	return r;
}

int bfs_wordexp(const char *words, wordexp_t *we, int flags)
{
	BFS_AUTOFREE char *hidden = NULL;
	wordexp_t have = { .we_wordc = 0 };
	int r;

	/* Without patterns, or with our disguise in it: libc's alone. */
	if (!strpbrk(words, special) || strpbrk(words, disguise))
		return REAL(wordexp)(words, we, flags);
	hidden = strdup(words);
	if (!hidden)
		return WRDE_NOSPACE;
	hide(hidden);
	r = REAL(wordexp)(hidden, &have,
			  flags & ~(WRDE_APPEND | WRDE_DOOFFS | WRDE_REUSE));
	if (!r)
		r = finish(&have, we, flags);
	wordfree(&have);
	return r;
}
