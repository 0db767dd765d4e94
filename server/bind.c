/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/bind.h"

#include "core/log.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)b)->sin6_addr,
		       sizeof(struct in6_addr));
}

static void take(struct bfs_bind *b, const struct ifaddrs *i)
{
	memset(b, 0, sizeof(*b));
	strncpy(b->device, i->ifa_name, sizeof(b->device) - 1);
	memcpy(&b->addr, i->ifa_addr,
	       i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6));
}

/* want NULL: the interface is called text. */
static bool search(struct bfs_bind *b, const struct ifaddrs *all,
		   const char *text, const struct sockaddr *want, int family)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		int f = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;

		if ((f != AF_INET && f != AF_INET6) ||
		    (family != AF_UNSPEC && f != family))
			continue;
		if (want ? !same_address(i->ifa_addr, want)
			 : strcmp(i->ifa_name, text))
			continue;
		take(b, i);
		return true;
	}
	return false;
}

int bfs_bind_find(struct bfs_bind *b, const char *text, int family)
{
	const struct addrinfo hints = { .ai_family = family,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct ifaddrs *all;
	bool ok;

	if (getifaddrs(&all))
		return -errno;
	ok = search(b, all, text, NULL, family);
	if (!ok && !getaddrinfo(text, NULL, &hints, &found))
		for (const struct addrinfo *a = found; a && !ok; a = a->ai_next)
			ok = search(b, all, text, a->ai_addr, family);
	if (found)
		freeaddrinfo(found);
	freeifaddrs(all);
	return ok ? 0 : -EADDRNOTAVAIL;
}

int bfs_bind_ucx(const char *text)
{
	struct bfs_bind b;
	int r;

	if (!*text)
		return 0;
	r = bfs_bind_find(&b, text, AF_UNSPEC);
	if (r) {
		bfs_log(error,
			"network.bind_addr: \"%s\" is neither an interface nor "
			"an address of this node",
			text);
		return r;
	}
	return setenv("UCX_NET_DEVICES", b.device, 0) ? -errno : 0;
}
