/* SPDX-License-Identifier: BSD-3-Clause */
#include "preload/script.h"

#include <errno.h>
#include <string.h>

static char *skip_blanks(char *p)
{
	return p + strspn(p, " \t");
}

int bfs_script_parse(struct bfs_script *s)
{
	char *name = skip_blanks(s->head + 2);
	char *end = strchr(name, '\n'), *sep;

	s->head[BFS_SCRIPT_HEAD] = '\0';
	/* Without an end of line the name may have been cut short. */
	if (!end) {
		end = name + strlen(name);
		if (end == s->head + BFS_SCRIPT_HEAD &&
		    !name[strcspn(name, " \t")])
			return -ENOEXEC;
	}
	while (end > name && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end == name)
		return -ENOEXEC;
	*end = '\0';
	sep = name + strcspn(name, " \t");
	s->interp = name;
	s->arg = NULL;
	if (*sep) {
		*sep = '\0';
		s->arg = skip_blanks(sep + 1);
	}
	return 0;
}

void bfs_script_args(const struct bfs_script *s, const char *name,
		     char *const argv[], char **out)
{
	*out++ = s->interp;
	if (s->arg)
		*out++ = s->arg;
	*out++ = (char *)name;
	if (argv && *argv)
		for (argv++; *argv; argv++)
			*out++ = *argv;
	*out = NULL;
}
