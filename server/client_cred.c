/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is at the other end of a socket, and may he connect? */
#include "server/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool bfs_client_others(const struct bfs_server *s)
{
	return s->allow_all || s->nallowed;
}

bool bfs_client_allowed(const struct bfs_server *s, uid_t uid)
{
	if (uid == geteuid() || uid == 0 || s->allow_all)
		return true;
	for (unsigned i = 0; i < s->nallowed; i++)
		if (s->allowed[i] == uid)
			return true;
	return false;
}

int bfs_client_cred(int sock, struct bfs_cred *cred, pid_t *pid)
{
	gid_t some[64];
	struct ucred u;
	socklen_t len = sizeof(u);
	int few;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &u, &len))
		return -errno;
	*pid = u.pid;
	cred->uid = u.uid;
	cred->gid = u.gid;
	len = sizeof(some);
	few = !getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, some, &len);
	if (!few && errno != ERANGE)
		return -errno;
	cred->groups = malloc(len ? len : 1);
	if (!cred->groups)
		return -ENOMEM;
	if (few)
		memcpy(cred->groups, some, len);
	else if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, cred->groups,
			    &len))
		return -errno;
	cred->ngroups = len / sizeof(gid_t);
	return 0;
}
