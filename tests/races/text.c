/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Histories as text.  "-" is an unknown end, an empty set or no bytes; "." is
 * a byte of zero, and the root.  "# dirs ab" names the directories of the
 * start.
 */
#include "hist.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const call_name[CALLS] = {
#define CALL(name, args, result) #name,
#include "calls.def"
#undef CALL
};
const char *const call_args[CALLS] = {
#define CALL(name, args, result) args,
#include "calls.def"
#undef CALL
};
const char call_result[CALLS] = {
#define CALL(name, args, result) result,
#include "calls.def"
#undef CALL
};

bool call_only_looks(const struct op *op)
{
	return call_result[op->call] || op->err;
}

static void print_path(const struct path *p, FILE *f)
{
	fputc(' ', f);
	if (!p->n)
		fputc('.', f);
	for (int i = 0; i < p->n; i++)
		fprintf(f, "%s%c", i ? "/" : "", 'a' + p->name[i]);
}

static void print_bytes(const char *p, size_t n, FILE *f)
{
	fputs(n ? " " : " -", f);
	for (size_t i = 0; i < n; i++)
		fputc(p[i] ? p[i] : '.', f);
}

static void print_names(uint8_t once, uint8_t twice, FILE *f)
{
	fputs(once ? " " : " -", f);
	for (int i = 0; i < NAMES; i++)
		for (int k = (once >> i & 1) + (twice >> i & 1); k; k--)
			fputc('a' + i, f);
}

static void print_arg(const struct op *op, char arg, FILE *f)
{
	if (arg == 'A' || arg == 'B')
		print_path(arg == 'A' ? &op->a : &op->b, f);
	else if (arg == 'N')
		fprintf(f, " %c", 'a' + op->name);
	else if (arg == 'X')
		print_bytes(op->text, strlen(op->text), f);
	else if (arg == 'R')
		fprintf(f, " %d %d", op->from, op->to);
	else if (arg == 'K' || arg == 'M')
		fprintf(f, " %c", arg == 'K' ? op->kind : op->mode);
	else
		fprintf(f, " %d", arg == 'F' ? op->fd : op->num);
}

static void print_result(const struct op *op, FILE *f)
{
	char kind = call_result[op->call];

	if (op->end == NEVER)
		fputs(" ?", f);
	else if (op->err)
		fprintf(f, " %s", strerrorname_np(op->err));
	else if (kind == 'L')
		fprintf(f, " %lu %c %u", (unsigned long)op->ino, op->type,
			op->count);
	else if (kind == 'S')
		fprintf(f, " %lu %u", (unsigned long)op->ino, op->count);
	else if (kind == 'D')
		print_names(op->seen, op->twice, f);
	else if (kind == 'N')
		fprintf(f, " %c", 'a' + op->got_name);
	else if (kind == 'X')
		print_bytes(op->got, op->len, f);
	else
		fputs(" ok", f);
}

void op_print(const struct op *op, FILE *f)
{
	fprintf(f, "%d %lu ", op->proc, (unsigned long)op->start);
	if (op->end == NEVER)
		fputc('-', f);
	else
		fprintf(f, "%lu", (unsigned long)op->end);
	fprintf(f, " %s", call_name[op->call]);
	for (const char *a = call_args[op->call]; *a; a++)
		print_arg(op, *a, f);
	fputs(" =", f);
	print_result(op, f);
	fputc('\n', f);
}

void hist_print(const struct hist *h, FILE *f)
{
	fputs("# dirs", f);
	print_names(h->dirs, 0, f);
	fputs(h->lax ? "\n# lax\n" : "\n", f);
	for (int i = 0; i < h->n; i++)
		op_print(&h->op[i], f);
}

static char *word(void)
{
	char *w = strtok(NULL, " \n");

	if (!w)
		errx(2, "a word is missing");
	return w;
}

static uint8_t number(int max)
{
	char *w = word(), *end;
	long n = strtol(w, &end, 10);

	if (*end || n < 0 || n > max)
		errx(2, "no number up to %d: %s", max, w);
	return (uint8_t)n;
}

static uint8_t letter(const char *w)
{
	if (*w < 'a' || *w >= 'a' + NAMES)
		errx(2, "no name: %s", w);
	return (uint8_t)(*w - 'a');
}

static void parse_path(struct path *p)
{
	const char *w = word();

	if (!strcmp(w, "."))
		return;
	for (; *w; w += w[1] == '/' ? 2 : 1) {
		if (p->n == DEPTH)
			errx(2, "a path of more than %d names", DEPTH);
		p->name[p->n++] = letter(w);
	}
}

static size_t parse_bytes(char *to, size_t size)
{
	const char *w = word();
	size_t n = strcmp(w, "-") ? strlen(w) : 0;

	if (n > size)
		errx(2, "too many bytes: %s", w);
	for (size_t i = 0; i < n; i++)
		to[i] = w[i] == '.' ? 0 : w[i];
	return n;
}

static void parse_names(uint8_t *once, uint8_t *twice)
{
	for (const char *w = word(); *w && *w != '-'; w++) {
		uint8_t bit = (uint8_t)(1 << letter(w));

		*twice |= *once & bit;
		*once |= bit;
	}
}

static void parse_arg(struct op *op, char arg)
{
	if (arg == 'A' || arg == 'B')
		parse_path(arg == 'A' ? &op->a : &op->b);
	else if (arg == 'N')
		op->name = letter(word());
	else if (arg == 'X')
		parse_bytes(op->text, sizeof(op->text) - 1);
	else if (arg == 'R')
		op->from = number(7), op->to = number(7);
	else if (arg == 'K')
		op->kind = (uint8_t)*word();
	else if (arg == 'M')
		op->mode = (uint8_t)*word();
	else if (arg == 'F')
		op->fd = number(FDS - 1);
	else
		op->num = number(BYTES);
}

static int parse_errno(const char *w)
{
	for (int e = 1; e < 134; e++) {
		const char *name = strerrorname_np(e);

		if (name && !strcmp(name, w))
			return e;
	}
	return 0;
}

static void parse_result(struct op *op, char *rest)
{
	char *copy = strdup(rest + 1), *w = strtok(copy, " \n");

	op->err = w ? parse_errno(w) : 0;
	free(copy);
	if (op->err || op->end == NEVER || !call_result[op->call])
		return;
	strtok(rest, " \n"); /* the words after "=" are next */
	switch (call_result[op->call]) {
	case 'L':
	case 'S':
		op->ino = strtoul(word(), NULL, 10);
		if (call_result[op->call] == 'L')
			op->type = (uint8_t)*word();
		op->count = number(200);
		break;
	case 'D':
		parse_names(&op->seen, &op->twice);
		break;
	case 'N':
		op->got_name = letter(word());
		break;
	default:
		op->len = (uint8_t)parse_bytes(op->got, BYTES);
	}
}

static void parse_op(struct op *op, char *line)
{
	char *result = strchr(line, '='), *w;
	char *rest = strdup(result ? result : "=");

	if (!result)
		errx(2, "no result: %s", line);
	*result = 0;
	op->proc = (uint8_t)strtoul(strtok(line, " "), NULL, 10);
	op->start = strtoul(word(), NULL, 10);
	w = word();
	op->end = strcmp(w, "-") ? strtoul(w, NULL, 10) : NEVER;
	w = word();
	while (op->call < CALLS && strcmp(call_name[op->call], w))
		op->call++;
	if (op->call == CALLS || op->proc >= PROCS)
		errx(2, "no such call or process: %s", w);
	for (const char *a = call_args[op->call]; *a; a++)
		parse_arg(op, *a);
	if (strtok(NULL, " \n"))
		errx(2, "too many words for %s", call_name[op->call]);
	parse_result(op, rest);
	free(rest);
}

int hist_read(struct hist *h, const char *file)
{
	char line[400];
	FILE *f = fopen(file, "r");

	if (!f)
		return -errno;
	memset(h, 0, sizeof(*h));
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "# dirs ", 7)) {
			uint8_t twice = 0;

			strtok(line, " \n");
			word();
			parse_names(&h->dirs, &twice);
		}
		h->lax |= !strcmp(line, "# lax\n");
		if (*line == '#' || *line == '\n')
			continue;
		if (h->n == OPS)
			errx(2, "%s: more than %d calls", file, OPS);
		parse_op(&h->op[h->n++], line);
	}
	fclose(f);
	return 0;
}
