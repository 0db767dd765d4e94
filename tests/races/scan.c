/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks at what is there, as text that world_dump() would make. */
#include "crash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define must(k, what) crew_want((k)->crew, what)

void where_path(const struct worker *k, const struct where *p, char *buf)
{
	int n = sprintf(buf, "%s/s%d/%u.%c", k->crew->dir, p->at[0] / LABELS,
			k->number, 'a' + p->at[0] % LABELS);

	for (int i = 1; i < p->n; i++)
		n += sprintf(buf + n, "/%c", 'a' + p->at[i]);
}

/* Each unit is one byte again and again; the bytes of them, or -1. */
static int read_units(int fd, char *unit)
{
	char buf[UNITS * UNIT + 1];
	ssize_t n = pread(fd, buf, sizeof(buf), 0);

	if (n < 0 || n % UNIT)
		return -1;
	for (int i = 0; i < n; i++)
		if (buf[i] != buf[i / UNIT * UNIT])
			return -1;
	for (int i = 0; i < n / UNIT; i++)
		unit[i] = buf[i * UNIT];
	return (int)(n / UNIT);
}

static int print_bytes(int fd, char *to)
{
	char unit[UNITS + 1];
	int n = read_units(fd, unit);
	uint32_t h = 1;

	if (n < 0)
		return sprintf(to, " torn");
	for (int i = 0; i < n; i++)
		h = h * 31 + (uint8_t)unit[i];
	return sprintf(to, " %d %x", n * UNIT, h);
}

static int print_stat(const char *name, const struct stat *st, char *to)
{
	char type = S_ISDIR(st->st_mode)   ? 'd'
		    : S_ISLNK(st->st_mode) ? 'l'
		    : S_ISREG(st->st_mode) ? 'f'
					   : '?';

	return sprintf(to, "%s %c %o %d", name, type, st->st_mode & 07777,
		       (int)st->st_nlink);
}

static int print_xattr(const char *path, int fd, char *to)
{
	uint8_t v = 0;
	ssize_t n = path ? lgetxattr(path, "user.a", &v, 1)
			 : fgetxattr(fd, "user.a", &v, 1);

	return n == 1 ? sprintf(to, " user.a=%d\n", v) : sprintf(to, "\n");
}

/* Is the file one of those whose bytes may be anything? */
static bool is_unsure(struct world *w, const char *name)
{
	struct where p = { 1, { 0 } };
	uint8_t *o;

	if (sscanf(name, "held%hhu", &p.at[0]) == 1)
		return w->object[w->held[p.at[0]]].unsure;
	p.at[0] = (uint8_t)((name[1] - '0') * LABELS + strchr(name, '.')[1] -
			    'a');
	for (const char *c = strchr(name, '.') + 2; *c == '/' && p.n < DEEP;
	     c += 2)
		p.at[p.n++] = (uint8_t)(c[1] - 'a');
	o = world_at(w, &p);
	return o && w->object[*o].unsure;
}

static int scan_file(struct world *w, const char *name, const char *path,
		     char *to)
{
	int fd, n;

	if (is_unsure(w, name))
		return sprintf(to, " ?");
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return sprintf(to, " unreadable (%s)", strerrorname_np(errno));
	n = print_bytes(fd, to);
	close(fd);
	return n;
}

static int scan_dir(struct worker *k, struct world *w, const char *name,
		    const char *prefix, char *to);

static int scan_name(struct worker *k, struct world *w, const char *name,
		     char *to)
{
	char path[600], target[100];
	struct stat st;
	int n;

	snprintf(path, sizeof(path), "%s/%s", k->crew->dir, name);
	if (lstat(path, &st))
		return sprintf(to, "%s %s\n", name, strerrorname_np(errno));
	n = print_stat(name, &st, to);
	if (S_ISREG(st.st_mode))
		n += scan_file(w, name, path, to + n);
	if (S_ISLNK(st.st_mode)) {
		ssize_t len = readlink(path, target, sizeof(target) - 1);

		target[len < 0 ? 0 : len] = 0;
		n += sprintf(to + n, " -> %s", target);
	}
	n += S_ISLNK(st.st_mode) ? sprintf(to + n, "\n")
				 : print_xattr(path, -1, to + n);
	if (S_ISDIR(st.st_mode))
		n += scan_dir(k, w, name, "", to + n);
	return n;
}

static int wanted(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

static int scan_dir(struct worker *k, struct world *w, const char *name,
		    const char *prefix, char *to)
{
	char path[600], below[300];
	struct dirent **list;
	int n = 0, count;

	snprintf(path, sizeof(path), "%s/%s", k->crew->dir, name);
	count = scandir(path, &list, wanted, alphasort);
	if (count < 0)
		return sprintf(to, "%s: %s\n", name, strerrorname_np(errno));
	for (int i = 0; i < count; i++) {
		snprintf(below, sizeof(below), "%s/%s", name, list[i]->d_name);
		if (!strncmp(list[i]->d_name, prefix, strlen(prefix)))
			n += scan_name(k, w, below, to + n);
		free(list[i]);
		must(k, n < DUMP / 2);
	}
	free(list);
	return n;
}

void scan(struct worker *k, struct world *w, char *text)
{
	char name[20], prefix[20];
	struct stat st;
	int n = 0;

	text[0] = 0;
	snprintf(prefix, sizeof(prefix), "%u.", k->number);
	for (int i = 0; i < SHARED; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		n += scan_dir(k, w, name, prefix, text + n);
	}
	for (int i = 0; i < HELD; i++) {
		if (k->fd[i] < 0)
			continue;
		snprintf(name, sizeof(name), "held%d", i);
		if (fstat(k->fd[i], &st)) {
			n += sprintf(text + n, "%s %s\n", name,
				     strerrorname_np(errno));
			continue;
		}
		n += print_stat(name, &st, text + n);
		n += is_unsure(w, name) ? sprintf(text + n, " ?")
					: print_bytes(k->fd[i], text + n);
		n += print_xattr(NULL, k->fd[i], text + n);
	}
}

static void become_sure(struct worker *k, struct object *f, int fd)
{
	int n;

	must(k, fd >= 0);
	n = read_units(fd, f->unit);
	f->unsure = false;
	/* a write that failed may have been done in part, but by units */
	if (n < 0)
		must(k, !ftruncate(fd, 0));
	f->size = (uint8_t)(n < 0 ? 0 : n);
}

static void unsure_below(struct worker *k, struct world *w, struct where *p)
{
	uint8_t *o = world_at(w, p);
	char path[600];

	if (!o || !*o)
		return;
	if (w->object[*o].unsure) {
		int fd;

		where_path(k, p, path);
		fd = open(path, O_RDWR);
		become_sure(k, &w->object[*o], fd);
		close(fd);
	}
	for (uint8_t i = 0;
	     w->object[*o].type == 'd' && p->n < DEEP && i < CHILDREN; i++) {
		struct where below = *p;

		below.at[below.n++] = i;
		unsure_below(k, w, &below);
	}
}

void scan_unsure(struct worker *k, struct world *w)
{
	for (int i = 0; i < HELD; i++)
		if (w->object[w->held[i]].unsure)
			become_sure(k, &w->object[w->held[i]], k->fd[i]);
	for (uint8_t i = 0; i < SLOTS; i++) {
		struct where p = { 1, { i } };

		unsure_below(k, w, &p);
	}
}
