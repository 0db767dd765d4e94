/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the parts of the manual that come from config.def and stats.def. */
#include "core/config.h"
#include "core/stats.h"

#include <ctype.h>
#include <string.h>

static void put_option(unsigned i)
{
	const struct bfs_config_info *o = bfs_config_info(i);
	char accepts[256];

	printf("=item B<%s>\n\n%c%s.\n\n", o->key,
	       toupper((unsigned char)o->help[0]), o->help + 1);
	printf("Takes %s. Default: %s%s%s.",
	       bfs_config_accepts(i, accepts, sizeof(accepts)),
	       *o->deflt ? "C<" : "", *o->deflt ? o->deflt : "empty",
	       *o->deflt ? ">" : "");
	if (o->env)
		printf(" Environment: B<%s>.", o->env);
	if (o->reload)
		printf(" SIGHUP may change it.");
	if (!o->ready)
		printf(" This version accepts only the default.");
	puts("\n");
}

static void put_options(void)
{
	const char *section = "";

	for (unsigned i = 0; i < BFS_CONFIG_OPTIONS; i++) {
		const struct bfs_config_info *o = bfs_config_info(i);

		if (strcmp(section, o->section))
			printf("%s=head2 %s\n\n=over 4\n\n",
			       *section ? "=back\n\n" : "", o->section);
		section = o->section;
		put_option(i);
	}
	puts("=back\n");
}

static void put_counters(void)
{
	puts("=over 4\n");
	for (unsigned i = 0; i < BFS_STAT_COUNT; i++)
		printf("=item B<%s> (%s)\n\n%s\n\n", bfs_stat_name(i),
		       bfs_stat_unit(i), bfs_stat_help(i));
	puts("=back\n");
}

static void put_defects(void)
{
	puts("=over 4\n");
#define DEFECT(NAME, word, what, how) \
	puts("=item B<" #word ">\n\n" what ": " how ".\n");
#include "server/fsck.def"
#undef DEFECT
	puts("=back\n");
}

/* A page on stdin; a line @OPTIONS@, @COUNTERS@ or @DEFECTS@ gives way to the
 * list. */
int main(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "@OPTIONS@\n"))
			put_options();
		else if (!strcmp(line, "@COUNTERS@\n"))
			put_counters();
		else if (!strcmp(line, "@DEFECTS@\n"))
			put_defects();
		else
			fputs(line, stdout);
	}
	return ferror(stdin) || fflush(stdout);
}
