/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check FILE...: is there an order that explains the history?  A first line
 * "# wrong" or "# right" says what should come out; then the status is 0 only
 * if it does for all files.
 */
#include "hist.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdict_name[] = { "right", "wrong", "too long" };

static bool starts_with(const char *file, const char *word)
{
	char line[100] = "";
	FILE *f = fopen(file, "r");

	if (!f || !fgets(line, sizeof(line), f))
		errx(2, "cannot read %s", file);
	fclose(f);
	return !strncmp(line, word, strlen(word));
}

static int check(const char *file)
{
	struct hist *h = malloc(sizeof(*h)), *wrong = malloc(sizeof(*wrong));
	int wanted = starts_with(file, "# wrong") ? WRONG : RIGHT;
	enum verdict v;

	if (hist_read(h, file))
		errx(2, "cannot read %s", file);
	hist_steps = 0;
	v = hist_check(h, wrong);
	printf("%s: %s, %d calls, %lu steps\n", file, verdict_name[v], h->n,
	       (unsigned long)hist_steps);
	if (v == WRONG) {
		hist_shrink(wrong);
		hist_print(wrong, stdout);
	}
	free(h);
	free(wrong);
	return (int)v != wanted;
}

int main(int argc, char **argv)
{
	int bad = argc < 2;

	for (int i = 1; i < argc; i++)
		bad |= check(argv[i]);
	return bad;
}
