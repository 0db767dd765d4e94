/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls by chance, of the kinds that a profile wants. */
#include "client.h"

#include <err.h>
#include <string.h>

#define A_B 3 /* the directories a and b */

const struct profile profiles[] = {
	/* names of files and empty directories in two directories */
	{ .name = "names",
	  .dirs = A_B,
	  .tops = 2,
	  .first = 2,
	  .names = 3,
	  .shallow = 2,
	  .deep = 2,
	  .weight = { [CALL_excl] = 4,
		      [CALL_creat] = 2,
		      [CALL_open] = 1,
		      [CALL_close] = 4,
		      [CALL_mkdir] = 2,
		      [CALL_rmdir] = 3,
		      [CALL_unlink] = 3,
		      [CALL_link] = 3,
		      [CALL_symlink] = 1,
		      [CALL_readlink] = 1,
		      [CALL_rename] = 5,
		      [CALL_noreplace] = 1,
		      [CALL_exchange] = 2,
		      [CALL_links] = 5,
		      [CALL_flinks] = 2,
		      [CALL_readdir] = 2 } },
	/* trees that move */
	{ .name = "dirs",
	  .dirs = A_B,
	  .tops = 2,
	  .first = 2,
	  .names = 2,
	  .shallow = 2,
	  .deep = 4,
	  .weight = { [CALL_excl] = 3,
		      [CALL_close] = 3,
		      [CALL_mkdir] = 7,
		      [CALL_rmdir] = 3,
		      [CALL_unlink] = 1,
		      [CALL_rename] = 5,
		      [CALL_noreplace] = 1,
		      [CALL_exchange] = 2,
		      [CALL_links] = 4,
		      [CALL_readdir] = 2 } },
	/* the upper directories move too */
	{ .name = "tops",
	  .dirs = A_B,
	  .tops = 3,
	  .first = 3,
	  .names = 2,
	  .shallow = 1,
	  .deep = 3,
	  .weight = { [CALL_excl] = 3,
		      [CALL_close] = 3,
		      [CALL_mkdir] = 5,
		      [CALL_rmdir] = 2,
		      [CALL_symlink] = 1,
		      [CALL_unlink] = 2,
		      [CALL_rename] = 5,
		      [CALL_exchange] = 2,
		      [CALL_links] = 4,
		      [CALL_readdir] = 2 } },
	/* bytes and sizes of files that are renamed and removed */
	{ .name = "data",
	  .dirs = A_B,
	  .tops = 2,
	  .first = 2,
	  .names = 2,
	  .shallow = 2,
	  .deep = 2,
	  .weight = { [CALL_creat] = 6,
		      [CALL_trunc] = 2,
		      [CALL_open] = 2,
		      [CALL_close] = 2,
		      [CALL_write] = 10,
		      [CALL_read] = 10,
		      [CALL_ftrunc] = 3,
		      [CALL_fsize] = 3,
		      [CALL_size] = 3,
		      [CALL_rename] = 2,
		      [CALL_unlink] = 1 } },
	{ .name = "append",
	  .dirs = A_B,
	  .tops = 1,
	  .first = 2,
	  .names = 2,
	  .shallow = 2,
	  .deep = 2,
	  .append = true,
	  .weight = { [CALL_creat] = 6,
		      [CALL_close] = 2,
		      [CALL_append] = 10,
		      [CALL_readall] = 6,
		      [CALL_size] = 3,
		      [CALL_rename] = 1 } },
	{ .name = "locks",
	  .dirs = A_B,
	  .tops = 1,
	  .first = 2,
	  .names = 1,
	  .shallow = 2,
	  .deep = 2,
	  .weight = { [CALL_creat] = 5,
		      [CALL_close] = 2,
		      [CALL_lock] = 20,
		      [CALL_lockw] = 8,
		      [CALL_unlink] = 1 } },
	{ 0 }
};

const struct profile *profile_find(const char *name)
{
	const struct profile *p = profiles;

	while (p->name && strcmp(p->name, name))
		p++;
	if (!p->name)
		errx(2, "no profile %s", name);
	return p;
}

static uint8_t below(struct client *c, uint32_t n)
{
	return (uint8_t)(crew_random(&c->random) % n);
}

static void choose_path(struct client *c, struct path *p)
{
	const struct profile *f = c->p;

	p->n = (uint8_t)(f->shallow + below(c, f->deep - f->shallow + 1u));
	p->name[0] = below(c, f->tops);
	for (int i = 1; i < p->n; i++)
		p->name[i] = (uint8_t)(f->first + below(c, f->names));
}

static uint8_t choose_call(struct client *c)
{
	uint32_t sum = 0, x;
	uint8_t call = 0;

	for (int i = 0; i < CALLS; i++)
		sum += c->p->weight[i];
	x = crew_random(&c->random) % sum;
	while (x >= c->p->weight[call])
		x -= c->p->weight[call++];
	return call;
}

static void choose_text(struct client *c, struct op *op)
{
	char x = (char)('A' + c->number), y = (char)('a' + below(c, 26));

	op->text[0] = x;
	op->text[1] = op->text[2] = op->call == CALL_append ? y : 0;
	if (op->call == CALL_write)
		op->text[0] = y;
}

/* A change of the kind of a flock is not one step: the lock goes first. */
static bool choose_lock(struct client *c, struct op *op)
{
	static const char kinds[] = "pof", modes[] = "rrwwwu";

	op->kind = (uint8_t)kinds[below(c, 3)];
	op->mode = (uint8_t)modes[below(c, 6)];
	op->from = below(c, 4);
	op->to = (uint8_t)(op->from + below(c, 8u - op->from));
	if (op->kind == 'f')
		op->from = 0, op->to = 7;
	if (op->call == CALL_lockw)
		for (int i = 0; i < FDS; i++)
			if (c->held[i])
				return false;
	if (op->kind == 'f' && op->mode != 'u' && c->flocked[op->fd])
		return false;
	if (op->mode != 'u')
		c->held[op->fd] = true;
	if (op->kind == 'f')
		c->flocked[op->fd] = op->mode != 'u';
	return true;
}

static bool choose_fd(struct client *c, struct op *op)
{
	bool opens = strchr(call_args[op->call], 'A');

	op->fd = below(c, FDS);
	if ((c->fd[op->fd] < 0) != opens)
		return false;
	if (op->call == CALL_close || opens) {
		c->held[op->fd] = false;
		c->flocked[op->fd] = false;
	}
	return true;
}

bool client_choose(struct client *c, struct op *op)
{
	const char *args;

	memset(op, 0, sizeof(*op));
	op->call = choose_call(c);
	args = call_args[op->call];
	if (strchr(args, 'F') && !choose_fd(c, op))
		return false;
	if (op->call == CALL_append && c->appended++ >= BYTES / 3 / PROCS)
		return false;
	if (strchr(args, 'A'))
		choose_path(c, &op->a);
	if (strchr(args, 'B'))
		choose_path(c, &op->b);
	if (op->call == CALL_readdir && op->a.n > 1 && below(c, 2))
		op->a.n--;
	if (strchr(args, 'N'))
		op->name = (uint8_t)(c->p->first + below(c, c->p->names));
	if (strchr(args, 'O'))
		op->num = below(c, 5);
	if (strchr(args, 'X'))
		choose_text(c, op);
	return !strchr(args, 'K') || choose_lock(c, op);
}
