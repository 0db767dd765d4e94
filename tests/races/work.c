/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of the crash driver: those that the known state lets succeed. */
#include "crash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const work_name[WORKS] = {
#define WORK(name, often) #name,
#include "crash.def"
#undef WORK
};

static const uint8_t work_often[WORKS] = {
#define WORK(name, often) often,
#include "crash.def"
#undef WORK
};

void job_print(const struct job *j)
{
	printf("  unknown: %s %d", work_name[j->work], j->a.at[0]);
	for (int i = 1; i < j->a.n; i++)
		printf("/%c", 'a' + j->a.at[i]);
	if (j->b.n)
		printf(" %d", j->b.at[0]);
	for (int i = 1; i < j->b.n; i++)
		printf("/%c", 'a' + j->b.at[i]);
	printf("\n");
}

bool is_unknown_error(int e)
{
	return e == EIO || e == ETIMEDOUT || e == ENOTCONN || e == ECONNRESET ||
	       e == EPIPE || e == ECONNREFUSED;
}

static uint8_t below(struct worker *k, uint32_t n)
{
	return (uint8_t)(crew_random(&k->random) % n);
}

static enum work choose_work(struct worker *k)
{
	uint32_t sum = 0, x;
	int w = 0;

	for (int i = 0; i < WORKS; i++)
		sum += work_often[i];
	x = crew_random(&k->random) % sum;
	while (x >= work_often[w])
		x -= work_often[w++];
	return (enum work)w;
}

/* A name whose directory is there, and that may be touched. */
static uint8_t *choose_where(struct worker *k, struct where *p)
{
	uint8_t *o;

	p->n = 1;
	p->at[0] = below(k, SLOTS);
	for (;;) {
		o = world_at(k->w, p);
		if (!*o || k->w->object[*o].type != 'd' || p->n == DEEP ||
		    below(k, 3) == 0)
			break;
		p->at[p->n++] = below(k, CHILDREN);
	}
	return world_is_free(k->w, p) ? o : NULL;
}

static bool is_empty(const struct object *d)
{
	for (int i = 0; i < CHILDREN; i++)
		if (d->child[i])
			return false;
	return true;
}

/* How many levels a directory has below it, itself included. */
static int height(const struct world *w, uint8_t o)
{
	int most = 0;

	if (!o)
		return 0;
	for (int i = 0; w->object[o].type == 'd' && i < CHILDREN; i++) {
		int h = height(w, w->object[o].child[i]);

		most = h > most ? h : most;
	}
	return 1 + most;
}

static bool inside(const struct where *p, const struct where *dir)
{
	return p->n >= dir->n && !memcmp(p->at, dir->at, dir->n);
}

static bool fits(struct worker *k, uint8_t o, const struct where *to)
{
	return to->n - 1 + height(k->w, o) <= DEEP;
}

static bool may_rename(struct worker *k, const struct job *j, uint8_t a,
		       uint8_t b)
{
	const struct object *x = &k->w->object[a], *y = &k->w->object[b];

	if (!a || inside(&j->b, &j->a) || inside(&j->a, &j->b) ||
	    !fits(k, a, &j->b))
		return false;
	if (j->work == WORK_exchange)
		return b && fits(k, b, &j->a);
	if (!b)
		return true;
	return x->type == 'd' ? y->type == 'd' && is_empty(y) : y->type != 'd';
}

static bool may_name(struct worker *k, const struct job *j, uint8_t a,
		     uint8_t b)
{
	const struct object *x = &k->w->object[a];

	switch (j->work) {
	case WORK_create:
	case WORK_mkdir:
	case WORK_symlink:
		return !a;
	case WORK_link:
		return a && !b && x->type == 'f' && x->links < 200;
	case WORK_unlink:
		return a && x->type != 'd';
	case WORK_rmdir:
		return a && x->type == 'd' && is_empty(x);
	default:
		return may_rename(k, j, a, b);
	}
}

static bool may_object(struct worker *k, struct job *j, uint8_t o)
{
	const struct object *x = &k->w->object[o];

	j->off = below(k, 30);
	j->len = (uint8_t)(1 + below(k, 10));
	j->value = (uint8_t)(1 + below(k, 60));
	j->byte = (char)('A' + below(k, 50));
	switch (j->work) {
	case WORK_chmod:
	case WORK_setxattr:
		return o && x->type != 'l';
	case WORK_removexattr:
		return o && x->xattr;
	case WORK_append:
		return o && x->type == 'f' && x->size + j->len <= UNITS;
	default:
		return o && x->type == 'f';
	}
}

bool job_choose(struct worker *k, struct job *j)
{
	uint8_t *a, *b, o;

	memset(j, 0, sizeof(*j));
	j->work = choose_work(k);
	j->held = below(k, HELD);
	o = k->w->held[j->held];
	if (j->work == WORK_heldwrite || j->work == WORK_release)
		return o && !k->w->object[o].busy && may_object(k, j, o);
	if (j->work == WORK_hold && o)
		return false;
	if (j->work == WORK_list) {
		j->a = (struct where){ 1, { below(k, SLOTS) } };
		return true;
	}
	a = choose_where(k, &j->a);
	if (!a)
		return false;
	if (j->work >= WORK_write)
		return may_object(k, j, *a);
	j->value = below(k, 100);
	if (j->work != WORK_link && j->work != WORK_rename &&
	    j->work != WORK_exchange)
		return may_name(k, j, *a, 0);
	b = choose_where(k, &j->b);
	return b && may_name(k, j, *a, *b);
}

/* -errno, or 0 if all bytes went. */
static int put(int fd, const struct job *j, bool append)
{
	char buf[UNITS * UNIT];
	size_t n = (size_t)j->len * UNIT;
	ssize_t done;

	memset(buf, j->byte, n);
	done = append ? write(fd, buf, n) : pwrite(fd, buf, n, j->off * UNIT);
	return done < 0 ? -errno : done == (ssize_t)n ? 0 : -EIO;
}

/* An open that changes nothing may be tried until it succeeds. */
static int open_again(const char *path, int flags)
{
	int fd;

	for (int i = 0; i < 6000; i++) {
		fd = open(path, flags);
		if (fd >= 0 || !is_unknown_error(errno))
			return fd < 0 ? -errno : fd;
		usleep(5000);
	}
	return -ETIME; /* the daemon has not come back */
}

static int do_data(const char *path, const struct job *j)
{
	int fd, r;

	if (j->work == WORK_truncate)
		return truncate(path, j->off * UNIT) ? -errno : 0;
	fd = open_again(path,
			O_WRONLY | (j->work == WORK_append ? O_APPEND : 0));
	if (fd < 0)
		return fd;
	r = put(fd, j, j->work == WORK_append);
	close(fd);
	return r;
}

static int do_held(struct worker *k, const struct job *j, const char *path)
{
	int *fd = &k->fd[j->held];

	switch (j->work) {
	case WORK_hold:
		*fd = open_again(path, O_RDWR);
		return *fd < 0 ? *fd : 0;
	case WORK_heldwrite:
		return put(*fd, j, false);
	default:
		close(*fd);
		*fd = -1;
		return 0;
	}
}

static int do_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	return fd < 0 ? -1 : (close(fd), 0);
}

static int do_name(struct worker *k, const struct job *j, const char *a,
		   const char *b)
{
	char target[20];

	switch (j->work) {
	case WORK_create:
		return do_create(a);
	case WORK_mkdir:
		return mkdir(a, 0755);
	case WORK_symlink:
		snprintf(target, sizeof(target), "t%d", j->value);
		return symlink(target, a);
	case WORK_link:
		return link(a, b);
	case WORK_unlink:
		return unlink(a);
	case WORK_rmdir:
		return rmdir(a);
	case WORK_rename:
		return rename(a, b);
	case WORK_exchange:
		return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	case WORK_chmod:
		return chmod(a,
			     (k->w->object[*world_at(k->w, &j->a)].type == 'd'
				      ? 0700u
				      : 0600u) +
				     j->value);
	case WORK_setxattr:
		return setxattr(a, "user.a", &j->value, 1, 0);
	default:
		return removexattr(a, "user.a");
	}
}

/* Some other client's names come and go there. */
static int do_list(const char *path)
{
	DIR *d = opendir(path);
	int r = 0;

	if (!d)
		return is_unknown_error(errno) ? 0 : -errno;
	errno = 0;
	while (readdir(d))
		;
	r = is_unknown_error(errno) ? 0 : -errno;
	closedir(d);
	return r;
}

int job_do(struct worker *k, const struct job *j)
{
	char a[600] = "", b[600] = "";

	if (j->work < WORK_heldwrite || j->work == WORK_list)
		where_path(k, &j->a, a);
	if (j->b.n)
		where_path(k, &j->b, b);
	if (j->work == WORK_list) {
		*strrchr(a, '/') = '\0';
		return do_list(a);
	}
	if (j->work >= WORK_hold)
		return do_held(k, j, a);
	if (j->work >= WORK_write && j->work <= WORK_truncate)
		return do_data(a, j);
	return do_name(k, j, a, b) ? -errno : 0;
}
