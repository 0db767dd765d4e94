/* SPDX-License-Identifier: BSD-3-Clause */
/* Members that are found by host:port: a daemon's registrar, asked by another
 * process. */
#include "tests/unit/unit.h"

#include "core/cluster.h"
#include "core/log.h"
#include "core/registrar.h"
#include "core/util.h"
#include "server/registrar.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LATE_NS 20000000000ull

static char dir[64];
static char err[BFS_MEMBERS_ERR];
static unsigned ports[2];

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/bfs-hosts.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/secret", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/other", dir);
	unlink(path);
	return rmdir(dir);
}

/* A port that nobody uses now; the registrar takes it with SO_REUSEADDR. */
static unsigned free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static int load_peers(struct bfs_members **l, const char *peers,
		      const char *secret)
{
	struct bfs_config_err e;
	struct bfs_config c;
	char text[512];
	int r;

	assert_int_equal(bfs_config_init(&c), 0);
	snprintf(text, sizeof(text), "network.peers=%s", peers);
	assert_int_equal(bfs_config_set(&c, text, &e), 0);
	snprintf(text, sizeof(text), "network.secret_file=%s/%s", dir, secret);
	assert_int_equal(bfs_config_set(&c, text, &e), 0);
	r = bfs_members_load(l, &c, err);
	bfs_config_fini(&c);
	return r;
}

static struct bfs_members *load_two(const char *secret)
{
	struct bfs_members *l;
	char peers[128];

	snprintf(peers, sizeof(peers), "m10@127.0.0.1:%u,m9@localhost:%u",
		 ports[1], ports[0]);
	if (load_peers(&l, peers, secret))
		fail_msg("%s", err);
	return l;
}

static void make_secret(const char *name)
{
	uint8_t secret[BFS_SECRET_LEN];
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(bfs_secret_make(path, secret, err), 0);
}

/* The daemon of m9: hands out its record, of len bytes of address. */
static void serve(struct bfs_members *l, int ready, bool published, size_t len)
{
	static const char *const stop;
	struct bfs_loop *loop = bfs_loop_new(0);
	struct bfs_member us = { .node = (char *)"here",
				 .run_dir = (char *)"/r",
				 .data_dir = (char *)"/d",
				 .incarnation = 5,
				 .pid = 6,
				 .address = calloc(1, len),
				 .address_len = len };
	struct bfs_registrar *r;

	alarm(60);
	bfs_log_fd = open("/dev/null", O_WRONLY);
	if (!loop || !us.address ||
	    (published && bfs_members_publish(l, 0, &us, err)) ||
	    bfs_registrar_new(&r, loop, l, 0, "lo"))
		_exit(1);
	(void)!write(ready, "1", 1);
	(void)bfs_loop_run(loop, &stop);
	_exit(2);
}

static pid_t start(bool published, size_t len)
{
	struct bfs_members *l;
	int ready[2];
	char one;
	pid_t pid;

	ports[0] = free_port();
	ports[1] = free_port();
	make_secret("secret");
	l = load_two("secret");
	assert_int_equal(pipe(ready), 0);
	pid = unit_fork();
	if (!pid)
		serve(l, ready[1], published, len);
	bfs_members_free(l);
	close(ready[1]);
	assert_int_equal(read(ready[0], &one, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it was alive */
}

/* Until there is an answer. */
static int look_up(struct bfs_members *l, unsigned shard)
{
	uint64_t late = bfs_now() + LATE_NS;
	int r;

	while ((r = bfs_members_lookup(l, shard, err)) == -EAGAIN) {
		assert_true(bfs_now() < late);
		(void)poll(NULL, 0, 1);
	}
	return r;
}

static void test_found(void **state)
{
	pid_t pid = start(true, 400);
	struct bfs_members *l = load_two("secret");

	assert_int_equal(l->n, 2);
	assert_string_equal(l->m[0].name, "m9");
	assert_int_equal(look_up(l, 0), 0);
	assert_int_equal(l->m[0].incarnation, 5);
	assert_string_equal(l->m[0].node, "here");
	assert_string_equal(l->m[0].run_dir, "/r");
	assert_int_equal(l->m[0].address_len, 400);
	assert_int_equal(look_up(l, 0), 0);	  /* again */
	assert_int_equal(look_up(l, 1), -ENOENT); /* nobody there */
	end(pid);
	assert_int_equal(look_up(l, 0), -ENOENT);
	assert_int_equal(l->m[0].incarnation, 5);
	bfs_members_free(l);
}

/* More than a socket takes at once. */
static void test_long_record(void **state)
{
	pid_t pid = start(true, 60000);
	struct bfs_members *l = load_two("secret");

	assert_int_equal(look_up(l, 0), 0);
	assert_int_equal(l->m[0].address_len, 60000);
	end(pid);
	bfs_members_free(l);
}

static void test_not_ready(void **state)
{
	pid_t pid = start(false, 8);
	struct bfs_members *l = load_two("secret");

	assert_int_equal(look_up(l, 0), -ENOENT);
	assert_non_null(strstr(err, "not ready"));
	end(pid);
	bfs_members_free(l);
}

static void test_wrong_secret(void **state)
{
	pid_t pid = start(true, 8);
	struct bfs_members *l, *right = load_two("secret");
	char both[64];

	make_secret("other");
	l = load_two("other");
	assert_true(l->cluster != right->cluster);
	assert_int_equal(look_up(l, 0), -ESTALE);
	snprintf(both, sizeof(both), "%08x, we have %08x",
		 bfs_secret_id(right->secret), bfs_secret_id(l->secret));
	assert_non_null(strstr(err, both));
	bfs_members_free(l);
	/* and it serves on */
	assert_int_equal(look_up(right, 0), 0);
	bfs_members_free(right);
	end(pid);
}

static int connect_to(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port) };
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Whoever knows the secret's number but not the secret gets no record. */
static void test_no_secret(void **state)
{
	pid_t pid = start(true, 8);
	struct bfs_members *l = load_two("secret");
	struct bfs_ask ask = { .key = bfs_secret_id(l->secret), .mac = 1 };
	int fd = connect_to(ports[0]);
	uint8_t buf[4096];
	ssize_t n;

	assert_int_equal(recv(fd, buf, BFS_GREETING_LEN, MSG_WAITALL),
			 BFS_GREETING_LEN);
	bfs_ask_put(buf, &ask);
	assert_int_equal(send(fd, buf, BFS_ASK_LEN, 0), BFS_ASK_LEN);
	n = recv(fd, buf, sizeof(buf), MSG_WAITALL);
	assert_int_equal(n, BFS_REPLY_HEAD_LEN);
	assert_int_equal(bfs_record_reply_get(buf).status, EACCES);
	close(fd);
	assert_int_equal(look_up(l, 0), 0);
	bfs_members_free(l);
	end(pid);
}

/* Callers who say nothing, or anything, keep nobody out for long. */
static void test_garbage(void **state)
{
	pid_t pid = start(true, 8);
	struct bfs_members *l = load_two("secret");
	int fd[100];

	for (unsigned i = 0; i < BFS_COUNT(fd); i++) {
		fd[i] = connect_to(ports[0]);
		if (i % 2)
			(void)!write(fd[i], "GET / HTTP/1.0\r\n\r\n", i % 18);
		if (i % 3 == 2)
			close(fd[i]);
	}
	while (look_up(l, 0) == -ETIMEDOUT)
		;
	assert_true(l->m[0].known);
	for (unsigned i = 0; i < BFS_COUNT(fd); i++)
		if (i % 3 != 2)
			close(fd[i]);
	bfs_members_free(l);
	end(pid);
}

static void test_bad_lists(void **state)
{
	static const struct {
		const char *peers, *says;
	} bad[] = {
		{ "127.0.0.1", "host:port" },
		{ "127.0.0.1:", "host:port" },
		{ ":7", "host:port" },
		{ "127.0.0.1:x", "127.0.0.1:x" },
		{ "a@no.such.invalid:7", "no.such.invalid:7" },
		{ "a@127.0.0.1:1,a@127.0.0.1:2", "\"a\" is there twice" },
		{ "127.0.0.1:1,127.0.0.1:1", "there twice" },
		{ "a/b@127.0.0.1:1", "member's name" },
		{ ",", "no members" },
	};
	struct bfs_members *l;

	make_secret("secret");
	for (size_t i = 0; i < BFS_COUNT(bad); i++) {
		assert_int_equal(load_peers(&l, bad[i].peers, "secret"),
				 -EINVAL);
		if (!strstr(err, bad[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].peers,
				 err, bad[i].says);
	}
	assert_int_equal(load_peers(&l, "127.0.0.1:1", "nosuch"), -ENOENT);
	assert_int_equal(load_peers(&l, "127.0.0.1:1,x@[::1]:2", "secret"), 0);
	assert_string_equal(l->m[0].name, "127.0.0.1:1");
	bfs_members_free(l);
}

#define in_own_dir(test) \
	cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_own_dir(test_found),	    in_own_dir(test_long_record),
		in_own_dir(test_not_ready), in_own_dir(test_wrong_secret),
		in_own_dir(test_no_secret), in_own_dir(test_garbage),
		in_own_dir(test_bad_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
