/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into a client over UCX (tcp): BENCHFS_CUT="N request" ends its
 * connections just before its N-th message, "N reply" just behind it: then the
 * daemon has it, and its answer finds nobody.  Says in the file BENCHFS_CUT_LOG
 * which message that was.  N = 0: none; says how many there were.
 */
#include "core/sys.h"
#include "core/ucx_common.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))
#define FDS 4096

static long doomed;
static bool reply;
static long messages;

static void say(const char *what, unsigned op)
{
	const char *name = getenv("BENCHFS_CUT_LOG");
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %u\n", what, op);
	int fd = name ? bfs_sys_openat(
				AT_FDCWD, name,
				O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)
		      : -1;

	if (fd < 0)
		return;
	(void)bfs_sys_3(SYS_write, fd, line, n);
	bfs_sys_close(fd);
}

__attribute__((constructor)) static void begin(void)
{
	const char *v = getenv("BENCHFS_CUT");
	char what[16] = "";

	if (v && sscanf(v, "%ld %15s", &doomed, what) == 2)
		reply = !strcmp(what, "reply");
}

__attribute__((destructor)) static void end(void)
{
	if (messages)
		say("messages", (unsigned)messages);
}

/* The hooks do not let anybody at these descriptors: past them. */
static bool is_connection(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	return !bfs_sys_3(SYS_getpeername, fd, &peer, &len) &&
	       (peer.ss_family == AF_INET || peer.ss_family == AF_INET6);
}

static void cut(const void *header)
{
	const uint8_t *fields = (const uint8_t *)header + BFS_UCX_HEAD_LEN;

	for (int fd = 0; fd < FDS; fd++)
		if (is_connection(fd))
			(void)bfs_sys_2(SYS_shutdown, fd, SHUT_RDWR);
	say(reply ? "reply" : "request", fields[0]);
}

typedef ucs_status_ptr_t send_fn(ucp_ep_h ep, unsigned id, const void *header,
				 size_t header_length, const void *buffer,
				 size_t count,
				 const ucp_request_param_t *param);

/* UCX is loaded by a module, so it is not behind us in the order of look-up. */
static send_fn *real(void)
{
	static send_fn *found;
	void *ucp;

	if (found)
		return found;
	ucp = dlopen("libucp.so.0", RTLD_NOLOAD | RTLD_LAZY);
	found = ucp ? (send_fn *)dlsym(ucp, "ucp_am_send_nbx") : NULL;
	if (!found)
		abort();
	return found;
}

API ucs_status_ptr_t ucp_am_send_nbx(ucp_ep_h ep, unsigned id,
				     const void *header, size_t header_length,
				     const void *buffer, size_t count,
				     const ucp_request_param_t *param)
{
	bool now = ++messages == doomed;
	ucs_status_ptr_t s;

	if (now && !reply)
		cut(header);
	s = real()(ep, id, header, header_length, buffer, count, param);
	if (now && reply)
		cut(header);
	return s;
}
