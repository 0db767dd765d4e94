/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The working directory.  One in BenchFS is kept as a handle; the kernel's
 * stays where it was and is not used meanwhile.
 */
#include "core/sys.h"
#include "preload/count.h"
#include "preload/handle.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/real.h"
#include "preload/session.h"
#include "preload/vfork.h"

#include <string.h>

_Atomic bool bfs_cwd_ours;
const char *_Atomic bfs_cwd_to_mount = "";
/*
 * Two copies, of which readers take the one that nobody writes at the moment,
 * and look again if that has changed meanwhile: signal handlers and children of
 * a fork may read too, whatever they have interrupted.
 */
static struct {
	_Atomic uint64_t ino, rights, mac;
} cwd[2];
static _Atomic unsigned turn; /* odd: the first copy is being written */

struct bfs_handle bfs_cwd_handle(void)
{
	struct bfs_handle h;
	unsigned t;

	do {
		t = turn;
		h = (struct bfs_handle){ cwd[t & 1].ino,
					 (uint32_t)cwd[t & 1].rights,
					 cwd[t & 1].mac };
	} while (t != turn);
	return h;
}

static void write_copy(unsigned n, struct bfs_handle h)
{
	cwd[n].ino = h.ino;
	cwd[n].rights = h.rights;
	cwd[n].mac = h.mac;
}

/* One writer at a time. */
static void set(struct bfs_handle h)
{
	turn |= 1;
	write_copy(0, h);
	turn++;
	write_copy(1, h);
	bfs_cwd_ours = true;
}

void bfs_cwd_set(struct bfs_handle h)
{
	uint64_t signals;
	bool locked = bfs_session_lock(&signals);

	set(h);
	if (locked)
		bfs_session_unlock(&signals);
}

static struct {
	struct bfs_handle h;
	const char *to_mount;
	bool ours;
} aside;

void bfs_cwd_aside(void)
{
	aside.h = bfs_cwd_handle();
	aside.to_mount = bfs_cwd_to_mount;
	aside.ours = bfs_cwd_ours;
}

void bfs_cwd_back(void)
{
	set(aside.h);
	bfs_cwd_ours = aside.ours;
	bfs_cwd_to_mount = aside.to_mount;
}

/* What leads from the kernel's working directory to the mount point. */
static const char *to_mount(void)
{
	char now[BFS_PATH_MAX];
	const char *m = bfs_settings.mount;
	long n = bfs_sys_2(SYS_getcwd, now, sizeof(now));

	if (n <= 1 || now[0] != '/')
		return "";
	n--;
	if (n == 1)
		return m + 1;
	return !strncmp(m, now, (size_t)n) && m[n] == '/' ? m + n + 1 : "";
}

void bfs_cwd_moved(void)
{
	uint64_t signals;
	bool locked = bfs_session_lock(&signals);

	bfs_cwd_ours = false;
	bfs_cwd_to_mount = to_mount();
	if (locked)
		bfs_session_unlock(&signals);
}

/*
 * The handle of a directory that stays although no descriptor has it: the
 * daemon keeps one that is removed, too.
 */
static int hold(struct bfs_client *c, struct bfs_handle *h)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_rep rep;
	int e = bfs_rpc_open(
		c, &r,
		&(struct bfs_open_req){ .at = *h,
					.path = BFS_STR(""),
					.oflags = O_PATH | O_DIRECTORY,
					.arena_slot = BFS_NO_SLOT },
		&rep);

	if (!e)
		*h = rep.handle;
	bfs_rpc_end(&r);
	return e;
}

static int enter(struct bfs_client *c, struct bfs_handle h)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_access_rep rep;
	int e = bfs_rpc_access(c, &r,
			       &(struct bfs_access_req){ .at = h,
							 .path = BFS_STR(""),
							 .mode = X_OK,
							 .flags = AT_EACCESS },
			       &rep);

	bfs_rpc_end(&r);
	if (!e)
		bfs_cwd_set(h);
	return e;
}

int bfs_chdir(const char *path)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_rep rep;
	struct bfs_client *c;
	struct bfs_where w;
	int e = bfs_where(&w, AT_FDCWD, path);

	while (!e) {
		if (w.foreign) {
			bfs_count_foreign();
			e = (int)bfs_ret(REAL(chdir)(w.path));
			if (!e)
				bfs_cwd_moved();
			if (e != -ENOENT || !bfs_where_lead(&w, true))
				return e;
			e = 0;
			continue;
		}
		e = bfs_session(&c);
		if (e)
			return e;
		e = bfs_rpc_open(
			c, &r,
			&(struct bfs_open_req){ .at = w.at,
						.path = bfs_where_str(&w),
						.oflags = O_PATH | O_DIRECTORY,
						.arena_slot = BFS_NO_SLOT },
			&rep);
		if (!bfs_where_on(&w, &r, &e))
			break;
	}
	bfs_rpc_end(&r);
	return e ? e : enter(c, rep.handle);
}

int bfs_fchdir(int fd)
{
	struct bfs_desc *d = bfs_fd_desc(fd);
	struct bfs_client *c;
	struct bfs_handle h;
	int e;

	if (!d) {
		bfs_count_foreign();
		e = (int)bfs_ret(REAL(fchdir)(fd));
		if (!e)
			bfs_cwd_moved();
		return e;
	}
	if (d->kind != BFS_KIND_DIR && d->kind != BFS_KIND_PATH)
		return -ENOTDIR;
	e = bfs_session(&c);
	if (!e && d->kind == BFS_KIND_PATH) {
		struct stat st;

		e = bfs_fstat(fd, &st);
		if (!e && !S_ISDIR(st.st_mode))
			e = -ENOTDIR;
	}
	h = bfs_desc_handle(d);
	if (!e)
		e = hold(c, &h);
	return e ? e : enter(c, h);
}

/* The working directory's path into out: its length or -errno. */
int bfs_handle_path(struct bfs_handle h, char *out, size_t size)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_getpath_rep rep;
	struct bfs_client *c;
	int e = bfs_session(&c);

	if (!e)
		e = bfs_rpc_getpath(c, &r, &(struct bfs_getpath_req){ .at = h },
				    &rep);
	if (!e)
		e = bfs_path_out(out, size, rep.path);
	bfs_rpc_end(&r);
	return e;
}

char *bfs_getcwd(char *buf, size_t n)
{
	char path[sizeof(bfs_settings.mount) + BFS_DEEP_PATH_MAX];
	int len;

	if (buf && !n)
		return (char *)(long)-EINVAL;
	len = bfs_handle_path(bfs_cwd_handle(), path, sizeof(path));
	if (len < 0)
		return (char *)(long)len;
	if (n && (size_t)len >= n)
		return (char *)(long)-ERANGE;
	if (!buf)
		buf = malloc(n ? n : (size_t)len + 1);
	if (!buf)
		return (char *)(long)-ENOMEM;
	if (bfs_mem_out(buf, (size_t)len + 1))
		return (char *)(long)-EFAULT;
	memcpy(buf, path, (size_t)len + 1);
	return buf;
}

char *bfs___getcwd_chk(char *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return bfs_getcwd(buf, n);
}

char *bfs_getwd(char *buf)
{
	return buf ? bfs_getcwd(buf, BFS_PATH_MAX) : (char *)(long)-EINVAL;
}

char *bfs_get_current_dir_name(void)
{
	return bfs_getcwd(NULL, 0);
}

/* There is no root to change to that the kernel knows. */
int bfs_chroot(const char *path)
{
	struct stat st;
	int e = bfs_stat(path, &st);

	if (!e && !S_ISDIR(st.st_mode))
		e = -ENOTDIR;
	if (!e)
		e = bfs_faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
	return e ? e : -EPERM;
}
