/* SPDX-License-Identifier: BSD-3-Clause */
/*
 *   rows list           the names of hooks.def, one a line
 *   rows aliases        checks that each alias is the very same function
 *   rows run NAME DIR   runs one row in DIR/NAME, which must not exist
 *
 * A row ends with 0, with 1 if something was not as it must be, and with 77
 * if it cannot be judged here.  A name without a row does not link.
 */
#include "tests/hooks/row.h"

#include <signal.h>

#undef ROW
#define ROW(name) void row_##name(void);
#define HOOK(type, name, params, args, ours) ROW(name)
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours) ROW(name)
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params) ROW(name)
#define ALIAS(new, old)
#include "preload/hooks.def"
#include "preload/undef.h"

static const struct row {
	const char *name;
	void (*run)(void);
} rows[] = {
#define HOOK(type, name, params, args, ours) { #name, row_##name },
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours) { #name, row_##name },
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params) { #name, row_##name },
#define ALIAS(new, old)
#include "preload/hooks.def"
#include "preload/undef.h"
};

static const struct alias {
	const char *new, *old;
} aliases[] = {
#define HOOK(type, name, params, args, ours)
#define HOOK_P HOOK
#define HOOK_E HOOK
#define HOOK_R HOOK
#define HOOK_V(name, params, args, ours)
#define HOOK_N HOOK_V
#define VARIADIC(type, name, params)
#define ALIAS(new, old) { #new, #old },
#include "preload/hooks.def"
#include "preload/undef.h"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int check_aliases(void)
{
	int bad = 0;

	for (size_t i = 0; i < COUNT(aliases); i++) {
		const struct alias *a = &aliases[i];

		if (dlsym(RTLD_DEFAULT, a->new) == dlsym(RTLD_DEFAULT, a->old))
			continue;
		fprintf(stderr, "%s is not %s\n", a->new, a->old);
		bad = 1;
	}
	return bad;
}

static int list(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		puts(rows[i].name);
	return 0;
}

static int run(const char *name, const char *in)
{
	const char *mount = getenv("BENCHFS_MOUNT");

	row_ours = mount && !strncmp(in, mount, strlen(mount));
	snprintf(row_dir, 512, "%s/%s", in, name);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(rows[i].name, name))
			continue;
		if (mkdir(row_dir, 0755)) {
			perror(row_dir);
			return 1;
		}
		alarm(200); /* whatever hangs has failed */
		rows[i].run();
		row_exit();
	}
	fprintf(stderr, "no row %s\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (argc == 4 && !strcmp(argv[1], "run"))
		return run(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "aliases"))
		return check_aliases();
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	fputs("usage: rows list | aliases | run NAME DIR\n", stderr);
	return 2;
}
