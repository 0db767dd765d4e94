/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/ucx_load.h"

#include "core/log.h"
#include "core/sys.h"
#include "core/ucx_env.h"
#include "core/util.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MODULE "libbenchfs_ucx.so"
#define ADDRESS_MAX 16384
#define SETTING \
	"UCX_KEEPALIVE_INTERVAL" /* ucx_env.c has it, if nobody else \
				  */
#define SHM_MAX (64u << 20)	 /* more than UCX takes */

static int read_address(const char *run_dir, void *buf, size_t cap, size_t *len)
{
	char path[PATH_MAX];
	long n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/ucx.addr", run_dir) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bfs_sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	do
		n = bfs_sys_3(SYS_read, fd, buf, cap);
	while (n == -EINTR);
	bfs_sys_close(fd);
	*len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? (int)n : 0;
}

/*
 * UCX makes its shared memory for its own user only, and as a file: a limit on
 * their size stops it.
 */
static bool may_share(const char *run_dir)
{
	struct rlimit l = { RLIM_INFINITY, RLIM_INFINITY };
	struct stat st;

	bfs_sys_2(SYS_getrlimit, RLIMIT_FSIZE, &l);
	return l.rlim_cur >= SHM_MAX && !bfs_sys_2(SYS_stat, run_dir, &st) &&
	       st.st_uid == (uid_t)bfs_sys_0(SYS_geteuid);
}

static bfs_ucx_connect_fn *load(const char *moduledir)
{
	static bfs_ucx_connect_fn *loaded;
	const char *dir = getenv("BENCHFS_MODULEDIR");
	char path[PATH_MAX];
	void *module, *sym;

	if (loaded)
		return loaded;
	snprintf(path, sizeof(path), "%s/" MODULE, dir ? dir : moduledir);
	/* Never unloaded: UCX has a thread. */
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	sym = module ? dlsym(module, "bfs_ucx_connect") : NULL;
	if (!sym) {
		bfs_log(error, "the ucx transport cannot be loaded: %s",
			dlerror());
		return NULL;
	}
	memcpy(&loaded, &sym, sizeof(loaded));
	return loaded;
}

static int connect_to(const char *moduledir, const void *address, size_t len,
		      bool no_shm, struct bfs_ucx_link *link)
{
	bfs_ucx_connect_fn *connect_fn;
	struct bfs_ucx_env env;
	int r = bfs_ucx_env_enter(&env, 0, no_shm);

	if (r)
		return r;
	/* bash answers getenv() from variables of its own: UCX would have
	 * settings that nobody expects. */
	connect_fn = link->far && !getenv(SETTING) ? NULL : load(moduledir);
	r = connect_fn ? connect_fn(address, len, &link->t, &link->local,
				    &link->local_len, link->begin)
		       : -ELIBACC;
	bfs_ucx_env_leave(&env);
	return r;
}

int bfs_ucx_load(const char *moduledir, const char *run_dir,
		 struct bfs_transport **t, const void **local,
		 size_t *local_len, void (*begin)(void))
{
	struct bfs_ucx_link link = { .begin = begin };
	uint8_t address[ADDRESS_MAX];
	size_t len;
	int r = read_address(run_dir, address, sizeof(address), &len);

	if (!r)
		r = connect_to(moduledir, address, len, !may_share(run_dir),
			       &link);
	if (r)
		return r;
	*t = link.t;
	*local = link.local;
	*local_len = link.local_len;
	return 0;
}

int bfs_ucx_load_far(const char *moduledir, const void *address, size_t len,
		     struct bfs_ucx_link *link)
{
	link->far = true;
	return connect_to(moduledir, address, len, true, link);
}
