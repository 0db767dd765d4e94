/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libconfig's scanner ends the process at a file that it can open and not
 * read, such as a directory.  So what "@include" names is looked at before.
 */
#include "core/config_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH 10 /* libconfig's own limit, which it reports itself */

/* The path that a line includes, as libconfig reads it; NULL: none. */
static char *included(char *line)
{
	static const char word[] = "@include";
	char *p = line + strspn(line, " \t"), *to = line;

	if (strncmp(p, word, sizeof(word) - 1))
		return NULL;
	p += sizeof(word) - 1;
	p += strspn(p, " \t");
	if (*p++ != '"')
		return NULL;
	for (; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		*to++ = *p;
	}
	*to = '\0';
	return line;
}

/* Does a comment that began before, or begins here, go on behind the line? */
static bool in_comment(const char *line, bool in)
{
	for (const char *p = line; (p = strstr(p, in ? "*/" : "/*")); p += 2)
		in = !in;
	return in;
}

static int check_file(const char *path, int depth, struct bfs_config_err *err);

static int check_path(const char *path, const struct bfs_config_from *from,
		      int depth, struct bfs_config_err *err)
{
	struct stat st;

	if (stat(path, &st))
		return 0; /* libconfig says so */
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) &&
	    !S_ISCHR(st.st_mode))
		return bfs_config_fail(err, from, "@include \"%s\": not a file",
				       path);
	return S_ISREG(st.st_mode) ? check_file(path, depth + 1, err) : 0;
}

static int check_file(const char *path, int depth, struct bfs_config_err *err)
{
	struct bfs_config_from from = { .origin = BFS_CONFIG_FILE };
	FILE *f = depth < DEPTH ? fopen(path, "re") : NULL;
	char *line = NULL, *name;
	bool comment = false;
	size_t size = 0;
	int r = 0;

	if (!f)
		return 0;
	snprintf(from.name, sizeof(from.name), "%s", path);
	while (!r && getline(&line, &size, f) >= 0) {
		bool was = comment;

		from.line++;
		comment = in_comment(line, comment);
		name = was ? NULL : included(line);
		if (name)
			r = check_path(name, &from, depth, err);
	}
	free(line);
	fclose(f);
	return r;
}

int bfs_config_check_includes(const char *path, struct bfs_config_err *err)
{
	return check_file(path, 0, err);
}
