/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/ucx_env.h"

#include "core/sys.h"
#include "core/util.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TLS "UCX_TLS"
#define EAGER "384k" /* replaced by what the caller asks for */

enum when {
	ALWAYS,
	AT_LOAD, /* read when libucs is loaded, so too late if it is */
	NO_RDMA, /* on a node without RDMA devices; else UCX chooses */
	RDMA,
};

/*
 * UCX in a program that does not expect it: no signal handlers, no patched
 * mmap, no lines on stdout, no threads beyond the one it cannot do without.
 * Not shared memory: all clients write to one queue of the daemon, and one
 * that is killed while it fills in its element stops the queue for everybody
 * until the daemon has noticed (clients of the same node have the local
 * transport).  Nor cma: a daemon that
 * goes on late would read the buffer of a call given up long ago.  Users who
 * want them say so in UCX_TLS; both sides must then give up dead peers.
 */
static const struct {
	enum when when;
	const char *name, *value;
} settings[] = {
	{ AT_LOAD, "UCX_HANDLE_ERRORS", "none" },
	{ AT_LOAD, "UCX_ERROR_SIGNALS", "" },
	{ AT_LOAD, "UCX_DEBUG_SIGNO", "0" },
	{ AT_LOAD, "UCX_VFS_ENABLE", "n" },
	{ AT_LOAD, "UCX_WARN_UNUSED_ENV_VARS", "n" },
	{ AT_LOAD, "UCX_LOG_LEVEL", "fatal" },
	{ AT_LOAD, "UCX_LOG_FILE", "stderr" },
	{ ALWAYS, "UCX_POSIX_ERROR_HANDLING", "y" },
	{ ALWAYS, "UCX_SYSV_ERROR_HANDLING", "y" },
	{ ALWAYS, "UCX_KEEPALIVE_INTERVAL", "5s" },
	{ ALWAYS, "UCX_RNDV_THRESH", EAGER },
	{ NO_RDMA, "UCX_MEM_EVENTS", "n" },
	{ NO_RDMA, "UCX_MODULES", "none" },
	{ NO_RDMA, TLS, "tcp,self" },
	{ RDMA, TLS, "^sm" },
};

extern char **environ;

static bool have_rdma(void)
{
	return !bfs_sys_3(SYS_access, "/sys/class/infiniband", R_OK, 0);
}

static bool loaded(void)
{
	void *ucs = dlopen("libucs.so.0", RTLD_LAZY | RTLD_NOLOAD);

	if (ucs)
		dlclose(ucs);
	return ucs != NULL;
}

/* A copy of one setting as "NAME=value". */
static char *join(const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);
	char *s = malloc(n + v + 2);

	if (!s)
		return NULL;
	memcpy(s, name, n);
	s[n] = '=';
	memcpy(s + n + 1, value, v + 1);
	return s;
}

void bfs_ucx_env_leave(struct bfs_ucx_env *e)
{
	size_t n = e->kept;

	if (environ == e->ours) {
		environ = e->old;
		for (; e->ours[n]; n++)
			free(e->ours[n]);
		free(e->ours);
		return;
	}
	/*
	 * Somebody called setenv meanwhile and libc has copied our pointers:
	 * take the settings out by name, and let the strings be.
	 */
	for (; e->ours[n]; n++) {
		char name[64];
		size_t len = strcspn(e->ours[n], "=");

		memcpy(name, e->ours[n], len);
		name[len] = '\0';
		unsetenv(name);
	}
	if (e->left)
		putenv(e->left);
	free(e->ours);
}

static const char *value_of(const char *value, size_t eager_max, char *buf,
			    size_t size)
{
	if (!eager_max || strcmp(value, EAGER))
		return value;
	snprintf(buf, size, "%zu", eager_max + 1);
	return buf;
}

/* The caller's variables: all, or all but UCX_TLS. */
static void copy_env(struct bfs_ucx_env *e, bool but_tls)
{
	e->kept = 0;
	e->left = NULL;
	for (char **v = e->old; v && *v; v++)
		if (but_tls && !strncmp(*v, TLS "=", sizeof(TLS)))
			e->left = *v;
		else
			e->ours[e->kept++] = *v;
}

int bfs_ucx_env_enter(struct bfs_ucx_env *e, size_t eager_max, bool no_shm)
{
	char buf[24];
	const bool rdma = have_rdma();
	const bool skip[] = {
		[AT_LOAD] = loaded(), [NO_RDMA] = rdma, [RDMA] = !rdma
	};
	size_t n = 0;

	e->old = environ;
	while (environ && environ[n])
		n++;
	e->ours = calloc(n + BFS_COUNT(settings) + 1, sizeof(char *));
	if (!e->ours)
		return -ENOMEM;
	copy_env(e, no_shm);
	n = e->kept;
	for (size_t i = 0; i < BFS_COUNT(settings); i++) {
		if (skip[settings[i].when] ||
		    (getenv(settings[i].name) &&
		     !(no_shm && !strcmp(settings[i].name, TLS))))
			continue;
		e->ours[n] = join(settings[i].name,
				  value_of(settings[i].value, eager_max, buf,
					   sizeof(buf)));
		if (!e->ours[n++]) {
			environ = e->ours;
			bfs_ucx_env_leave(e);
			return -ENOMEM;
		}
	}
	environ = e->ours;
	return 0;
}
