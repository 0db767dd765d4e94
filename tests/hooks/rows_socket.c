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

/* The address that a call told names this file.  Not printed: the name may be
 * the one that was bound, or the whole path. */
static bool names(const struct sockaddr_un *told, const char *file)
{
	struct stat a, b;

	return told->sun_family == AF_UNIX && !stat(told->sun_path, &a) &&
	       !lstat(file, &b) && S_ISSOCK(a.st_mode) && a.st_ino == b.st_ino;
}

/* A client of listener() that is bound to "c". */
static int client(void)
{
	int c = socket(AF_UNIX, SOCK_STREAM, 0);

	OK(bind(c, at("c"), sizeof(addr)));
	OK(connect(c, at("s"), sizeof(addr)));
	return c;
}

ROW(getsockname)
{
	struct sockaddr_un told;
	socklen_t len = sizeof(told);
	int s = listener();

	OK(getsockname(s, (struct sockaddr *)&told, &len));
	TRUE(names(&told, "s"));
	OK(rename("s", "t"));
	len = sizeof(told);
	OK(getsockname(s, (struct sockaddr *)&told, &len));
	len = 1; /* what has no room is left out */
	memset(&told, 7, sizeof(told));
	OK(getsockname(s, (struct sockaddr *)&told, &len));
	TRUE(len > 1 && ((char *)&told)[1] == 7);
	FAILS(getsockname(file("f", ""), (struct sockaddr *)&told, &len),
	      ENOTSOCK);
}

ROW(getpeername)
{
	struct sockaddr_un told;
	socklen_t len = sizeof(told);
	int s = listener(), c = client();

	OK(getpeername(c, (struct sockaddr *)&told, &len));
	TRUE(names(&told, "s"));
	len = sizeof(told);
	FAILS(getpeername(s, (struct sockaddr *)&told, &len), ENOTCONN);
}

ROW(accept)
{
	struct sockaddr_un told;
	socklen_t len = sizeof(told);
	int s = listener(), c = client();

	FD(accept(s, (struct sockaddr *)&told, &len));
	TRUE(names(&told, "c"));
	len = sizeof(told);
	FAILS(accept(c, (struct sockaddr *)&told, &len), EINVAL);
}

ROW(accept4)
{
	struct sockaddr_un told;
	socklen_t len = sizeof(told);
	int s = listener(), a;

	client();
	a = FD(accept4(s, (struct sockaddr *)&told, &len, SOCK_CLOEXEC));
	TRUE(names(&told, "c"));
	IS(fcntl(a, F_GETFD), FD_CLOEXEC);
	len = sizeof(told);
	FAILS(accept4(s, (struct sockaddr *)&told, &len, -1), EINVAL);
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

/* A message from a socket that is bound to "c"; where it will arrive. */
static int letter(void)
{
	int s = receiver(), c = socket(AF_UNIX, SOCK_DGRAM, 0);

	OK(bind(c, at("c"), sizeof(addr)));
	IS(sendto(c, "hello", 5, 0, at("s"), sizeof(addr)), 5);
	return s;
}

ROW(recvfrom)
{
	struct sockaddr_un told;
	socklen_t len = sizeof(told);
	int s = letter();
	char buf[8] = "";

	IS(recvfrom(s, buf, 8, MSG_DONTWAIT, (struct sockaddr *)&told, &len),
	   5);
	TEXT(buf, "hello");
	TRUE(names(&told, "c"));
	/* an answer to where it came from */
	IS(sendto(s, "x", 1, 0, (struct sockaddr *)&told, len), 1);
	FAILS(recvfrom(s, buf, 8, MSG_DONTWAIT, (struct sockaddr *)&told, &len),
	      EAGAIN);
}

ROW(__recvfrom_chk)
{
	struct sockaddr_un told;
	socklen_t len = sizeof(told);
	int s = letter();
	char buf[8] = "";

	IS(__recvfrom_chk(s, buf, 8, sizeof(buf), MSG_DONTWAIT,
			  (struct sockaddr *)&told, &len),
	   5);
	TEXT(buf, "hello");
	TRUE(names(&told, "c"));
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

ROW(sendmmsg)
{
	int s = receiver(), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[8] = "", out[] = "hello";
	struct iovec v[2] = { { out, 5 }, { out + 1, 2 } };
	struct sockaddr_un good;
	struct mmsghdr m[3] = {
		{ .msg_hdr = { .msg_iov = &v[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &v[1], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &v[1], .msg_iovlen = 1 } },
	};

	at("s");
	good = addr;
	at("none");
	for (int i = 0; i < 3; i++) {
		m[i].msg_hdr.msg_name = i < 2 ? &good : &addr;
		m[i].msg_hdr.msg_namelen = sizeof(addr);
	}
	IS(sendmmsg(c, m, 3, 0), 2);
	TRUE(m[0].msg_len == 5 && m[1].msg_len == 2);
	IS(recv(s, buf, sizeof(buf), MSG_DONTWAIT), 5);
	IS(recv(s, buf, sizeof(buf), MSG_DONTWAIT), 2);
	TEXT(buf, "elllo");
	FAILS(sendmmsg(c, m + 2, 1, 0), ENOENT);
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

static void told_by_recvmsg(void)
{
	struct sockaddr_un told;
	char buf[8] = "";
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_name = &told,
			    .msg_namelen = sizeof(told) };

	IS(recvmsg(letter(), &m, MSG_DONTWAIT), 5);
	TRUE(names(&told, "c"));
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
	told_by_recvmsg();
}

ROW(recvmmsg)
{
	int pair[2], fd = file("f", "hello"), got = -1;
	struct mmsghdr m = { .msg_hdr = *message() };
	struct sockaddr_un told;
	char buf[8] = "";
	struct iovec v = { buf, sizeof(buf) };
	struct mmsghdr n = { .msg_hdr = { .msg_iov = &v,
					  .msg_iovlen = 1,
					  .msg_name = &told,
					  .msg_namelen = sizeof(told) } };

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	attach(&m.msg_hdr, fd);
	IS(sendmmsg(pair[0], &m, 1, 0), 1);
	close(fd);
	m.msg_hdr = *message();
	IS(recvmmsg(pair[1], &m, 1, 0, NULL), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m.msg_hdr)), sizeof(got));
	IS(pwrite(got, "J", 1, 0), 1);
	TEXT(get("f"), "Jello");
	FAILS(recvmmsg(pair[1], &m, 1, MSG_DONTWAIT, NULL), EAGAIN);
	IS(recvmmsg(letter(), &n, 1, MSG_DONTWAIT, NULL), 1);
	TRUE(n.msg_len == 5 && names(&told, "c"));
}
