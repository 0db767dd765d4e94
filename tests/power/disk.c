/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/power/disk.h"
#include "tests/power/disk_impl.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is to be built: an inode, by its number while it was recorded. */
struct object {
	uint64_t ino;
	bool dir;
	mode_t mode;
	char *data;
	size_t size, cap;
	struct name *names;
	unsigned nnames;
};

struct name {
	char name[64];
	uint64_t ino;
};

struct build {
	struct object *object;
	unsigned n;
};

static struct object *find(struct build *b, uint64_t ino)
{
	for (unsigned n = 0; n < b->n; n++)
		if (b->object[n].ino == ino)
			return &b->object[n];
	return NULL;
}

static struct object *get(struct build *b, uint64_t ino, bool dir, mode_t mode)
{
	struct object *o = find(b, ino);

	if (o)
		return o;
	b->object = realloc(b->object, (b->n + 1) * sizeof(*o));
	o = &b->object[b->n++];
	*o = (struct object){ .ino = ino, .dir = dir, .mode = mode };
	return o;
}

static void resize(struct object *o, size_t size)
{
	if (size > o->cap) {
		o->cap = size * 2;
		o->data = realloc(o->data, o->cap);
	}
	if (size > o->size)
		memset(o->data + o->size, 0, size - o->size);
	o->size = size;
}

static void unname(struct object *dir, const char *name)
{
	for (unsigned n = 0; n < dir->nnames; n++)
		if (!strcmp(dir->names[n].name, name))
			dir->names[n--] = dir->names[--dir->nnames];
}

static void name_it(struct object *dir, const char *name, uint64_t ino)
{
	struct name *p;

	unname(dir, name);
	dir->names =
		realloc(dir->names, (dir->nnames + 1) * sizeof(*dir->names));
	p = &dir->names[dir->nnames++];
	p->ino = ino;
	snprintf(p->name, sizeof(p->name), "%s", name);
}

static void apply(struct build *b, const struct disk_change *c)
{
	struct object *o = find(b, c->ino), *dir;

	switch (c->kind) {
	case DISK_WRITE:
		if (c->at + c->len > o->size)
			resize(o, c->at + c->len);
		if (c->len)
			memcpy(o->data + c->at, c->data, c->len);
		break;
	case DISK_SIZE:
		resize(o, c->at);
		break;
	case DISK_MODE:
		o->mode = c->mode;
		break;
	case DISK_NAME:
		name_it(find(b, c->dir), c->name, c->ino);
		break;
	case DISK_UNNAME:
		unname(find(b, c->dir), c->name);
		break;
	case DISK_SYNC:
		break;
	default: /* rename, in one directory: it is there or not */
		dir = find(b, c->dir);
		unname(dir, c->from);
		name_it(dir, c->name, c->ino);
	}
}

static void make_file(const struct object *o, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || fchmod(fd, o->mode & 07777) ||
	    write(fd, o->data, o->size) != (ssize_t)o->size || close(fd))
		err(1, "%s", path);
}

static void make_dir(struct build *b, const struct object *o, const char *path)
{
	if (mkdir(path, 0700))
		err(1, "%s", path);
	for (unsigned n = 0; n < o->nnames; n++) {
		const struct object *x = find(b, o->names[n].ino);
		char sub[4096];

		snprintf(sub, sizeof(sub), "%s/%s", path, o->names[n].name);
		if (x->dir)
			make_dir(b, x, sub);
		else
			make_file(x, sub);
	}
	if (chmod(path, o->mode & 07777))
		err(1, "%s", path);
}

void disk_build(unsigned upto, disk_choice *keep, void *arg, const char *to)
{
	struct build b = { 0 };

	get(&b, disk.root, true, 0700);
	for (unsigned n = 0; n < upto; n++) {
		const struct disk_change *c = &disk.change[n];

		if (c->makes)
			get(&b, c->ino, c->makes == 'd', c->mode);
		if (disk_synced(c, upto) || keep(arg, n))
			apply(&b, c);
	}
	make_dir(&b, find(&b, disk.root), to);
	for (unsigned n = 0; n < b.n; n++) {
		free(b.object[n].data);
		free(b.object[n].names);
	}
	free(b.object);
}

void disk_tell(unsigned upto, disk_choice *keep, void *arg)
{
	static const char *const kinds[] = { "write",  "size",	 "mode", "name",
					     "unname", "rename", "sync" };

	for (unsigned n = 0; n < upto; n++) {
		const struct disk_change *c = &disk.change[n];

		fprintf(stderr, "%4u %-6s %-7s inode %lu %s", n,
			c->kind == DISK_SYNC   ? ""
			: disk_synced(c, upto) ? "synced"
			: keep(arg, n)	       ? "there"
					       : "lost",
			kinds[c->kind], c->ino, c->name);
		if (c->kind == DISK_WRITE || c->kind == DISK_SIZE)
			fprintf(stderr, " %zu bytes at %zu", c->len, c->at);
		if (c->kind >= DISK_NAME && c->kind != DISK_SYNC)
			fprintf(stderr, " in %lu", c->dir);
		fprintf(stderr, "\n");
	}
}
