/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes: twelve names, four calls. */
#include "core/util.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"

#include <linux/limits.h>
#include <string.h>

struct xcall {
	int op; /* 'g', 's', 'l', 'r' */
	const char *name;
	void *value; /* or the list */
	const void *give;
	size_t size;
	int flags;	 /* of setxattr */
	uint64_t length; /* answer */
};

static int run_one(struct bfs_client *c, struct bfs_rpc *r,
		   const struct bfs_where *w, uint32_t flags, struct xcall *x)
{
	struct bfs_str name = { x->name,
				x->name ? (uint32_t)strlen(x->name) : 0 };
	struct bfs_str path = bfs_where_str(w);
	struct bfs_getxattr_rep got;
	struct bfs_listxattr_rep list;
	struct bfs_setxattr_rep set;
	struct bfs_removexattr_rep removed;
	int e;

	switch (x->op) {
	case 'g':
		r->io.in = x->value;
		r->io.in_cap = BFS_MIN(x->size, (size_t)XATTR_SIZE_MAX);
		e = bfs_rpc_getxattr(c, r,
				     &(struct bfs_getxattr_req){ w->at, path,
								 flags, name,
								 x->size },
				     &got);
		x->length = e ? 0 : got.length;
		return e;
	case 'l':
		r->io.in = x->value;
		r->io.in_cap = BFS_MIN(x->size, (size_t)XATTR_LIST_MAX);
		e = bfs_rpc_listxattr(c, r,
				      &(struct bfs_listxattr_req){
					      w->at, path, flags, x->size },
				      &list);
		x->length = e ? 0 : list.length;
		return e;
	case 's':
		r->io.out = x->give;
		r->io.out_len = x->size;
		return bfs_rpc_setxattr(
			c, r,
			&(struct bfs_setxattr_req){
				w->at, path, flags | (uint32_t)x->flags << 16,
				name },
			&set);
	default:
		return bfs_rpc_removexattr(c, r,
					   &(struct bfs_removexattr_req){
						   w->at, path, flags, name },
					   &removed);
	}
}

static int check_name(const char *name)
{
	long n = bfs_mem_str(name, XATTR_NAME_MAX + 1);

	if (n < 0)
		return (int)n;
	return n && n <= XATTR_NAME_MAX ? 0 : -ERANGE;
}

static int check(const struct xcall *x)
{
	int e = x->op == 'l' ? 0 : check_name(x->name);

	if (e || x->op != 's')
		return e;
	if (x->flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	return x->size > XATTR_SIZE_MAX ? -E2BIG : bfs_mem_in(x->give, x->size);
}

/* 0, -errno, or 1: w leads out. */
static int run_good(struct bfs_where *w, uint32_t flags, struct xcall *x)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_client *c;
	int e = check(x);

	if (!e)
		e = bfs_session(&c);
	while (!e) {
		if (w->foreign)
			return 1;
		e = run_one(c, &r, w, flags, x);
		if (!bfs_where_on(w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e;
}

/*
 * Where less is behind value than the caller says, it may still do for what
 * is there.
 */
static int run_bounced(struct bfs_where *w, uint32_t flags, struct xcall *x)
{
	void *value = x->value, *own = malloc(XATTR_SIZE_MAX);
	int e;

	if (!own)
		return -ENOMEM;
	x->value = own;
	e = run_good(w, flags, x);
	x->value = value;
	if (!e && bfs_mem_out(value, x->length))
		e = -EFAULT;
	if (!e)
		memcpy(value, own, x->length);
	free(own);
	return e;
}

static int run(struct bfs_where *w, uint32_t flags, struct xcall *x)
{
	size_t room = BFS_MIN(x->size, (size_t)XATTR_SIZE_MAX);

	return !x->give && bfs_mem_out(x->value, room)
		       ? run_bounced(w, flags, x)
		       : run_good(w, flags, x);
}

/* -1: let libc do it, on w's path. */
static ssize_t by_path(const char *path, uint32_t flags, struct xcall *x,
		       struct bfs_where *w, bool *out)
{
	int e = bfs_where_at(w, AT_FDCWD, path, (int)flags);

	if (!e)
		e = run(w, flags, x);
	*out = e == 1;
	return e ? e : (ssize_t)x->length;
}

static ssize_t by_fd(int fd, struct xcall *x)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct bfs_where w = { .path = "" };
	int e;

	if (!d || d->kind == BFS_KIND_PATH)
		return -EBADF;
	w.at = bfs_desc_handle(d);
	e = run(&w, 0, x);
	return e ? e : (ssize_t)x->length;
}

#define NOFOLLOW AT_SYMLINK_NOFOLLOW

/* The path forms; libc_call is what serves a path that leads out. */
#define BY_PATH(flags, x, libc_call) \
	struct bfs_where w; \
	bool out; \
	ssize_t n = by_path(path, flags, x, &w, &out); \
\
	return out ? bfs_ret(libc_call) : n

ssize_t bfs_getxattr(const char *path, const char *name, void *value, size_t n_)
{
	struct xcall x = {
		.op = 'g', .name = name, .value = value, .size = n_
	};

	BY_PATH(0, &x, REAL(getxattr)(w.path, name, value, n_));
}

ssize_t bfs_lgetxattr(const char *path, const char *name, void *value,
		      size_t n_)
{
	struct xcall x = {
		.op = 'g', .name = name, .value = value, .size = n_
	};

	BY_PATH(NOFOLLOW, &x, REAL(lgetxattr)(w.path, name, value, n_));
}

ssize_t bfs_fgetxattr(int fd, const char *name, void *value, size_t n)
{
	struct xcall x = { .op = 'g', .name = name, .value = value, .size = n };

	return by_fd(fd, &x);
}

int bfs_setxattr(const char *path, const char *name, const void *value,
		 size_t n_, int flags)
{
	struct xcall x = { .op = 's',
			   .name = name,
			   .give = value,
			   .size = n_,
			   .flags = flags };

	BY_PATH(0, &x, REAL(setxattr)(w.path, name, value, n_, flags));
}

int bfs_lsetxattr(const char *path, const char *name, const void *value,
		  size_t n_, int flags)
{
	struct xcall x = { .op = 's',
			   .name = name,
			   .give = value,
			   .size = n_,
			   .flags = flags };

	BY_PATH(NOFOLLOW, &x, REAL(lsetxattr)(w.path, name, value, n_, flags));
}

int bfs_fsetxattr(int fd, const char *name, const void *value, size_t n,
		  int flags)
{
	struct xcall x = { .op = 's',
			   .name = name,
			   .give = value,
			   .size = n,
			   .flags = flags };

	return (int)by_fd(fd, &x);
}

ssize_t bfs_listxattr(const char *path, char *list, size_t n_)
{
	struct xcall x = { .op = 'l', .value = list, .size = n_ };

	BY_PATH(0, &x, REAL(listxattr)(w.path, list, n_));
}

ssize_t bfs_llistxattr(const char *path, char *list, size_t n_)
{
	struct xcall x = { .op = 'l', .value = list, .size = n_ };

	BY_PATH(NOFOLLOW, &x, REAL(llistxattr)(w.path, list, n_));
}

ssize_t bfs_flistxattr(int fd, char *list, size_t n)
{
	struct xcall x = { .op = 'l', .value = list, .size = n };

	return by_fd(fd, &x);
}

int bfs_removexattr(const char *path, const char *name)
{
	struct xcall x = { .op = 'r', .name = name };

	BY_PATH(0, &x, REAL(removexattr)(w.path, name));
}

int bfs_lremovexattr(const char *path, const char *name)
{
	struct xcall x = { .op = 'r', .name = name };

	BY_PATH(NOFOLLOW, &x, REAL(lremovexattr)(w.path, name));
}

int bfs_fremovexattr(int fd, const char *name)
{
	struct xcall x = { .op = 'r', .name = name };

	return (int)by_fd(fd, &x);
}
