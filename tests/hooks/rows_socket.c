/* SPDX-License-Identifier: BSD-3-Clause */
/* sockets: names in the file system, and descriptors that are passed */
#include "tests/hooks/row.h"

#include <sys/un.h>

static struct sockaddr_un addr;

/* The address of a name in the working directory, since the path of the
 * directory may be longer than an address. */
static const struct sockaddr *at(const char *name)
{
	addr.sun_family = AF_UNIX;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", name);
	return (const struct sockaddr *)&addr;
}

static int listener(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	OK(chdir(row_dir));
	OK(bind(s, at("s"), sizeof(addr)));
	OK(listen(s, 4));
	return s;
}

ROW(bind)
{
	int s = listener(), t = socket(AF_UNIX, SOCK_STREAM, 0);

	TRUE(s >= 0 && S_ISSOCK(mode_of("s")));
	FAILS(bind(t, at("s"), sizeof(addr)), EADDRINUSE);
	FAILS(bind(t, at("none/s"), sizeof(addr)), ENOENT);
	FAILS(open(P("s"), O_RDONLY), ENXIO);
}

ROW(connect)
{
	int s = listener(), c = socket(AF_UNIX, SOCK_STREAM, 0), a;
	char buf[8] = "";

	OK(connect(c, at("s"), sizeof(addr)));
	a = accept(s, NULL, NULL);
	IS(write(c, "hello", 5), 5);
	IS(read(a, buf, sizeof(buf)), 5);
	TEXT(buf, "hello");
	close(c);
	close(s);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	FAILS(connect(c, at("s"), sizeof(addr)), ECONNREFUSED);
	FAILS(connect(c, at("none"), sizeof(addr)), ENOENT);
	put("f", "");
	FAILS(connect(c, at("f"), sizeof(addr)), ECONNREFUSED);
}

static int receiver(void)
{
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	OK(chdir(row_dir));
	OK(bind(s, at("s"), sizeof(addr)));
	return s;
}

ROW(sendto)
{
	int s = receiver(), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[8] = "";

	IS(sendto(c, "hello", 5, 0, at("s"), sizeof(addr)), 5);
	IS(recv(s, buf, sizeof(buf), MSG_DONTWAIT), 5);
	TEXT(buf, "hello");
	FAILS(sendto(c, "x", 1, 0, at("none"), sizeof(addr)), ENOENT);
}

ROW(sendmsg)
{
	int s = receiver(), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[8] = "", out[] = "hello";
	struct iovec v = { out, 5 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_name = &addr,
			    .msg_namelen = sizeof(addr) };

	at("s");
	IS(sendmsg(c, &m, 0), 5);
	IS(recv(s, buf, sizeof(buf), MSG_DONTWAIT), 5);
	TEXT(buf, "hello");
	at("none");
	FAILS(sendmsg(c, &m, 0), ENOENT);
}

/* A message of one byte with room for one descriptor. */
static struct msghdr *message(void)
{
	static char byte[1] = "x";
	static union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	static struct iovec v = { byte, 1 };
	static struct msghdr m;

	m = (struct msghdr){ .msg_iov = &v,
			     .msg_iovlen = 1,
			     .msg_control = control.space,
			     .msg_controllen = sizeof(control.space) };
	return &m;
}

static void attach(struct msghdr *m, int fd)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

ROW(recvmsg)
{
	int pair[2], fd = file("f", "hello"), d = dir(), got = -1;
	struct msghdr *m = message();
	struct stat a, b;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	attach(m, d);
	IS(sendmsg(pair[0], m, 0), 1);
	attach(m, fd);
	IS(sendmsg(pair[0], m, 0), 1);
	OK(fstat(d, &a));
	close(d);
	close(fd);
	m = message();
	IS(recvmsg(pair[1], m, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(m)), sizeof(got));
	OK(fstat(got, &b));
	TRUE(a.st_ino == b.st_ino && S_ISDIR(b.st_mode));
	OK(faccessat(got, "f", R_OK, 0));
	m = message();
	IS(recvmsg(pair[1], m, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(m)), sizeof(got));
	IS(pwrite(got, "J", 1, 0), 1);
	TEXT(get("f"), "Jello");
	FAILS(recvmsg(pair[1], message(), MSG_DONTWAIT), EAGAIN);
}
