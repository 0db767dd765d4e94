/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes a call and writes it down: before it begins, and when it has ended. */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Long names agree in their first 69 bytes. */
static int real_name(const struct client *c, int letter, char *buf)
{
	int n = 0;

	if (c->long_names)
		for (; n < 69; n++)
			buf[n] = 'n';
	buf[n++] = (char)('a' + letter);
	buf[n] = 0;
	return n;
}

void client_path(const struct client *c, const struct path *p, char *buf,
		 size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%s", c->base);

	for (int i = 0; i < p->n && n + 80 < size; i++) {
		buf[n++] = '/';
		n += (size_t)real_name(c, p->name[i], buf + n);
	}
}

int client_letter(const struct client *c, const char *name)
{
	char buf[80];
	size_t n = strlen(name);
	int letter = n ? name[n - 1] - 'a' : -1;

	if (letter < 0 || letter >= NAMES)
		return -1;
	real_name(c, letter, buf);
	return strcmp(buf, name) ? -1 : letter;
}

static int do_open(struct client *c, const struct op *op, const char *path)
{
	int flags = O_RDWR | (c->p->append ? O_APPEND : 0), fd;

	if (op->call != CALL_open)
		flags |= O_CREAT;
	if (op->call == CALL_excl)
		flags |= O_EXCL;
	if (op->call == CALL_trunc)
		flags |= O_TRUNC;
	fd = open(path, flags, 0666);
	if (fd >= 0)
		c->fd[op->fd] = fd;
	return fd < 0 ? -1 : 0;
}

static int do_close(struct client *c, const struct op *op)
{
	int fd = c->fd[op->fd];

	c->fd[op->fd] = -1;
	return close(fd);
}

/* Of a history's file: what lies before it is one hole, or not there. */
static off_t size_from(const struct client *c, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size ? st->st_size - c->at
						   : st->st_size;
}

static int do_stat(struct client *c, struct op *op, const char *path)
{
	struct stat st;
	int r = path ? lstat(path, &st) : fstat(c->fd[op->fd], &st);

	if (r)
		return r;
	op->ino = st.st_ino;
	op->type = S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : 'f';
	if (S_ISREG(st.st_mode) && st.st_size && st.st_size < c->at)
		crew_fail(c->crew, "%ld bytes that nobody wrote", st.st_size);
	op->count = (uint32_t)(call_result[op->call] == 'L'
				       ? (uint64_t)st.st_nlink
				       : (uint64_t)size_from(c, &st));
	return 0;
}

static int do_readdir(struct client *c, struct op *op, const char *path)
{
	DIR *d = opendir(path);
	struct stat st;
	int dots = 0;

	if (!d)
		return -1;
	for (;;) {
		struct dirent *e;
		int letter;

		errno = 0;
		e = readdir(d);
		if (!e)
			break;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) {
			dots++;
			continue;
		}
		letter = client_letter(c, e->d_name);
		if (letter < 0)
			crew_fail(c->crew, "%s: a name that nobody made: %s",
				  path, e->d_name);
		op->twice |= op->seen & (uint8_t)(1 << letter);
		op->seen |= (uint8_t)(1 << letter);
	}
	if (errno) {
		int e = errno;

		closedir(d);
		errno = e;
		return -1;
	}
	/* a directory that was removed meanwhile has nothing at all */
	if (dots != 2 && (fstat(dirfd(d), &st) || st.st_nlink || op->seen))
		crew_fail(c->crew, "%s: %d times . or ..", path, dots);
	return closedir(d);
}

static int do_readlink(struct client *c, struct op *op, const char *path)
{
	char buf[100];
	ssize_t n = readlink(path, buf, sizeof(buf) - 1);
	int letter;

	if (n < 0)
		return -1;
	buf[n] = 0;
	letter = client_letter(c, buf);
	if (letter < 0)
		crew_fail(c->crew, "%s: a target that nobody made: %s", path,
			  buf);
	op->got_name = (uint8_t)letter;
	return 0;
}

/* All bytes or an error; a short count breaks a promise. */
static int whole(struct client *c, ssize_t n, size_t wanted)
{
	if (n >= 0 && (size_t)n != wanted)
		crew_fail(c->crew, "%zd bytes of %zu", n, wanted);
	return n < 0 ? -1 : 0;
}

static int do_data(struct client *c, struct op *op)
{
	size_t len = strlen(op->text), max = op->call == CALL_read ? 1 : BYTES;
	int fd = c->fd[op->fd];
	ssize_t n;

	if (op->call == CALL_ftrunc)
		return ftruncate(fd, c->at + op->num);
	if (op->call == CALL_write)
		return whole(c, pwrite(fd, op->text, len, c->at + op->num),
			     len);
	if (op->call == CALL_append)
		return whole(c, write(fd, op->text, len), len);
	n = pread(fd, op->got, max, c->at + op->num);
	op->len = (uint8_t)(n < 0 ? 0 : n);
	return n < 0 ? -1 : 0;
}

static int do_lock(struct client *c, struct op *op)
{
	bool waits = op->call == CALL_lockw;
	short type = op->mode == 'r'   ? F_RDLCK
		     : op->mode == 'w' ? F_WRLCK
				       : F_UNLCK;
	int how = op->mode == 'r'   ? LOCK_SH
		  : op->mode == 'w' ? LOCK_EX
				    : LOCK_UN;
	struct flock l = { .l_type = type,
			   .l_whence = SEEK_SET,
			   .l_start = op->from,
			   .l_len = op->to - op->from + 1 };
	int r;

	if (op->kind == 'f')
		r = flock(c->fd[op->fd], how | (waits ? 0 : LOCK_NB));
	else if (op->kind == 'o')
		r = fcntl(c->fd[op->fd], waits ? F_OFD_SETLKW : F_OFD_SETLK,
			  &l);
	else
		r = fcntl(c->fd[op->fd], waits ? F_SETLKW : F_SETLK, &l);
	if (r && errno == EACCES)
		errno = EAGAIN;
	return r;
}

static int do_pair(struct client *c, const struct op *op, const char *a)
{
	char b[800];

	client_path(c, &op->b, b, sizeof(b));
	if (op->call == CALL_link)
		return link(a, b);
	if (op->call == CALL_rename)
		return rename(a, b);
	return renameat2(AT_FDCWD, a, AT_FDCWD, b,
			 op->call == CALL_exchange ? RENAME_EXCHANGE
						   : RENAME_NOREPLACE);
}

static int do_path(struct client *c, struct op *op)
{
	char a[800], target[80];

	client_path(c, &op->a, a, sizeof(a));
	switch (op->call) {
	case CALL_mkdir:
		return mkdir(a, 0777);
	case CALL_rmdir:
		return rmdir(a);
	case CALL_unlink:
		return unlink(a);
	case CALL_symlink:
		real_name(c, op->name, target);
		return symlink(target, a);
	case CALL_readlink:
		return do_readlink(c, op, a);
	case CALL_readdir:
		return do_readdir(c, op, a);
	case CALL_links:
	case CALL_size:
		return do_stat(c, op, a);
	case CALL_link:
	case CALL_rename:
	case CALL_noreplace:
	case CALL_exchange:
		return do_pair(c, op, a);
	default:
		return do_open(c, op, a);
	}
}

static int do_call(struct client *c, struct op *op)
{
	switch (op->call) {
	case CALL_close:
		return do_close(c, op);
	case CALL_flinks:
	case CALL_fsize:
		return do_stat(c, op, NULL);
	case CALL_write:
	case CALL_read:
	case CALL_append:
	case CALL_readall:
	case CALL_ftrunc:
		return do_data(c, op);
	case CALL_lock:
	case CALL_lockw:
		return do_lock(c, op);
	default:
		return do_path(c, op);
	}
}

/* Errors that do not tell whether it has happened. */
static bool tells_nothing(int e)
{
	return e == EIO || e == ETIMEDOUT || e == ENOTCONN || e == ECONNRESET ||
	       e == EPIPE || e == ECONNREFUSED;
}

bool client_lost(struct client *c)
{
	uint64_t end = crew_now() + 60000000000ull;
	int e = errno;

	if (!tells_nothing(e))
		return false;
	while (access(c->crew->dir, F_OK) && tells_nothing(errno)) {
		if (crew_now() > end)
			crew_fail(c->crew, "no daemon for a minute");
		usleep(2000);
	}
	errno = e;
	return true;
}

void client_took(struct client *c, uint64_t start)
{
	uint64_t ns = crew_now() - start, was = c->crew->count[0];

	while (ns > was &&
	       !atomic_compare_exchange_weak(&c->crew->count[0], &was, ns))
		;
}

bool client_do(struct client *c, struct op *op)
{
	struct op *to = &c->log->op[c->log->n];
	int r;

	if (c->log->n == CALLS_MAX)
		crew_fail(c->crew, "more than %d calls", CALLS_MAX);
	op->proc = (uint8_t)c->number;
	op->end = NEVER;
	op->start = crew_now();
	*to = *op;
	c->log->n++;
	/* A call may be interrupted anywhere; so the control sees some too. */
	if (crew_random(&c->random) % 4 == 0)
		sched_yield();
	r = do_call(c, op);
	op->err = r ? errno : 0;
	if (op->call != CALL_lockw)
		client_took(c, op->start);
	if (crew_random(&c->random) % 4 == 0)
		sched_yield();
	if (!r || !tells_nothing(op->err)) {
		op->end = crew_now();
		*to = *op;
		return true;
	}
	if (call_result[op->call])
		c->log->n--; /* says nothing at all */
	errno = op->err;
	client_lost(c);
	return false;
}
