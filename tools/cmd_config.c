/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs config: what is set, and is it right? */
#include "tools/tools.h"

#include <errno.h>
#include <string.h>

static int check_file(struct bfs_options *o, const char *path)
{
	struct bfs_config_err err;
	int r = bfs_config_load(&o->config, path, &err);

	if (r)
		return bfs_fail(r == -EINVAL ? EX_CONFIG : EX_NOINPUT, "%s",
				err.text);
	if (o->verbose)
		printf("%s: ok\n", path);
	return 0;
}

int bfs_cmd_config(struct bfs_options *o)
{
	const char *verb = o->nargs ? o->args[0] : "";

	if (!strcmp(verb, "show") && o->nargs == 1) {
		bfs_config_show(&o->config, stdout);
		return 0;
	}
	/* -c, the environment and -o were checked while they were read. */
	if (!strcmp(verb, "check") && o->nargs == 1)
		return 0;
	if (!strcmp(verb, "check") && o->nargs == 2)
		return check_file(o, o->args[1]);
	return bfs_fail(EX_USAGE, "config: expected show, or check [FILE]");
}
