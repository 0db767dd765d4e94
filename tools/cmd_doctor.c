/* SPDX-License-Identifier: BSD-3-Clause */
/* benchfs doctor: will BenchFS serve a program, and if not, why not? */
#include "tools/inspect.h"
#include "tools/tools.h"

#include "core/util.h"

#include <string.h>

/* The prefix stands between the two texts. */
static const struct {
	const char *name, *before, *behind;
	int status;
} verdicts[] = {
	[BFS_SERVED] = { "served", "all that it does under ", " is BenchFS's",
			 0 },
	[BFS_PARTLY] = { "partly", "not all that it does under ",
			 " is sure to be BenchFS's", 2 },
	[BFS_NOT_SERVED] = { "not served", "what it does under ",
			     " goes to the real directory of that name", 1 },
};

static bool says(const struct bfs_inspection *x, enum bfs_finding_code code)
{
	for (unsigned i = 0; i < x->n; i++)
		for (unsigned k = 0; k < x->step[i].n; k++)
			if (x->step[i].finding[k].code == code)
				return true;
	return false;
}

static void print_step(const struct bfs_step *s)
{
	if (s->script)
		printf("%s: a script, run by:\n", s->path);
	else if (!s->n)
		printf("%s: nothing in the way\n", s->path);
	for (unsigned i = 0; i < s->n; i++)
		printf("%s: %s%s%s%s\n", s->path,
		       bfs_finding_text(s->finding[i].code),
		       s->finding[i].detail ? " (" : "",
		       s->finding[i].detail ? s->finding[i].detail : "",
		       s->finding[i].detail ? ")" : "");
}

static void print_verdict(const struct bfs_inspection *x, enum bfs_verdict v)
{
	if (says(x, BFS_FINDING_no_library) || says(x, BFS_FINDING_no_program))
		printf("%s: it does not start\n", verdicts[v].name);
	else
		printf("%s: %s%s%s\n", verdicts[v].name, verdicts[v].before,
		       x->mount, verdicts[v].behind);
	if (says(x, BFS_FINDING_raw_calls))
		puts("benchfs run --syscalls, or BENCHFS_SYSCALLS=1, serves "
		     "calls past the C library too");
}

static void print_text(const struct bfs_inspection *x, enum bfs_verdict v)
{
	for (unsigned i = 0; i < x->n; i++)
		print_step(&x->step[i]);
	print_verdict(x, v);
}

static void print_json(const struct bfs_inspection *x, enum bfs_verdict v)
{
	printf("{\"verdict\":\"%s\",\"chain\":[", verdicts[v].name);
	for (unsigned i = 0; i < x->n; i++) {
		const struct bfs_step *s = &x->step[i];

		printf("%s\n{\"path\":", i ? "," : "");
		bfs_json_string(s->path, stdout);
		printf(",\"kind\":\"%s\",\"findings\":[",
		       s->script ? "script" : "program");
		for (unsigned k = 0; k < s->n; k++) {
			printf("%s{\"code\":\"%s\",\"text\":\"%s\",\"detail\":",
			       k ? "," : "",
			       bfs_finding_name(s->finding[k].code),
			       bfs_finding_text(s->finding[k].code));
			bfs_json_string(s->finding[k].detail
						? s->finding[k].detail
						: "",
					stdout);
			putchar('}');
		}
		printf("]}");
	}
	puts("]}");
}

int bfs_cmd_doctor(struct bfs_options *o)
{
	struct bfs_inspection x = { .mount = o->config.client.mount,
				    .syscalls = o->config.client.syscalls,
				    .deep = true };
	BFS_AUTOFREE char *path = NULL;
	enum bfs_verdict v;
	bool inside;
	int status;

	if (o->nargs != 1)
		return bfs_fail(EX_USAGE, "doctor: name one program");
	status = bfs_program_find(o->args[0], x.mount, &path, &inside);
	if (status)
		return status;
	bfs_inspect(&x, path);
	v = bfs_inspection_verdict(&x);
	(o->json ? print_json : print_text)(&x, v);
	bfs_inspection_fini(&x);
	return verdicts[v].status;
}
