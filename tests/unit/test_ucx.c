/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ucx transport against the ucx port, in a process of its own with
 * handlers of our own; over tcp and over shared memory.
 */
#include "tests/unit/ucx_unit.h"

#include "core/ucx_common.h"
#include "core/ucx_env.h"
#include "core/ucx_load.h"
#include "core/util.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

static const uint32_t sizes[] = { 0,	  1,	  63,	   4096,   8000,
				  8192,	  65536,  131071,  262144, 393215,
				  393216, 393217, 1048575, 1048576 };

static void test_sizes(void **state)
{
	struct fixture *f = *state;
	uint8_t *buf = malloc(BFS_BULK_MAX);

	for (size_t i = 0; i < BFS_COUNT(sizes); i++) {
		assert_int_equal(do_write(&f->client, buf, sizes[i], i), 0);
		assert_int_equal(do_read(&f->client, buf, sizes[i], i), 0);
	}
	free(buf);
}

/* Fields that do not fit into an active message's header. */
static void test_long_fields(void **state)
{
	struct fixture *f = *state;
	static uint8_t a[LONG_PATH], b[5000];
	static const uint32_t lens[] = { 0, 4000, 4090, 4100, 4200, 5000 };
	struct bfs_rename_req req = { .old_path = { (char *)a, LONG_PATH },
				      .new_path = { (char *)b, 0 } };
	struct bfs_rename_rep rep;
	struct bfs_readlink_rep link;

	pattern(a, sizeof(a), 1);
	pattern(b, sizeof(b), 2);
	for (size_t i = 0; i < BFS_COUNT(lens); i++) {
		struct bfs_rpc r = BFS_RPC_INIT;

		req.new_path.len = lens[i];
		assert_int_equal(bfs_rpc_rename(&f->client, &r, &req, &rep), 0);
		bfs_rpc_end(&r);
	}
	for (uint32_t n = 7900; n < 9190; n += 13) {
		struct bfs_readlink_req q = { .at = { .ino = n } };
		struct bfs_rpc r = BFS_RPC_INIT;

		assert_int_equal(bfs_rpc_readlink(&f->client, &r, &q, &link),
				 0);
		assert_int_equal(link.target.len, n);
		assert_true(matches((const uint8_t *)link.target.ptr, n, 3));
		bfs_rpc_end(&r);
	}
}

#define THREADS 8

static void *many_calls(void *arg)
{
	struct bfs_client *c = arg;
	uint8_t *buf = malloc(BFS_BULK_MAX);
	intptr_t e = 0;

	for (uint32_t i = 0; !e && i < 60; i++) {
		uint32_t n = sizes[i % BFS_COUNT(sizes)];
		uint64_t seed = (uintptr_t)buf + i;

		e = do_write(c, buf, n, seed);
		if (!e)
			e = do_read(c, buf, n, seed + 1);
	}
	free(buf);
	return (void *)e;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, many_calls, &f->client);
	for (int i = 0; i < THREADS; i++) {
		void *e;

		pthread_join(t[i], &e);
		assert_int_equal((intptr_t)e, 0);
	}
}

/* More calls at once than there are slots: the rest wait their turn. */
static void *wait_in_vain(void *arg)
{
	return (void *)(intptr_t)do_lock(arg, 300, false);
}

static void test_all_slots_taken(void **state)
{
	struct fixture *f = *state;
	pthread_t t[70];
	uint8_t c;

	for (size_t i = 0; i < BFS_COUNT(t); i++)
		pthread_create(&t[i], NULL, wait_in_vain, f);
	assert_int_equal(do_read(&f->client, &c, 1, 5), 0);
	for (size_t i = 0; i < BFS_COUNT(t); i++) {
		void *e;

		pthread_join(t[i], &e);
		assert_int_equal((intptr_t)e, -ETIMEDOUT);
	}
	assert_int_equal(do_read(&f->client, &c, 1, 6), 0);
}

static void on_alarm(int sig)
{
}

static void test_signal(void **state)
{
	struct fixture *f = *state;
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value = { 0, 50000 } };
	uint8_t c;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(do_lock(f, 10000, true), -EINTR);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(do_lock(f, 300, false), -ETIMEDOUT);
	assert_int_equal(do_read(&f->client, &c, 1, 5), 0);
}

static struct fixture *in_handler;
static int handler_result;

static void call_from_handler(int sig)
{
	uint8_t c;

	handler_result = do_read(&in_handler->client, &c, 1, 9);
}

/* A handler that calls while its own thread waits in a call. */
static void test_call_from_handler(void **state)
{
	struct sigaction sa = { .sa_handler = call_from_handler };
	struct itimerval soon = { .it_value = { 0, 50000 } };

	in_handler = *state;
	handler_result = 1;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(do_lock(*state, 400, false), -ETIMEDOUT);
	assert_int_equal(handler_result, 0);
}

/* A stopped daemon answers nothing in time, and all is well when it goes on. */
static void test_stopped(void **state)
{
	struct fixture *f = *state;
	uint64_t t0 = bfs_now();
	uint8_t c;

	order(f, false); /* it stops itself */
	f->client.timeout_ms = 300;
	assert_int_equal(do_read(&f->client, &c, 1, 1), -ETIMEDOUT);
	assert_true(bfs_now() - t0 < 5000000000u);
	kill(f->server, SIGCONT);
	f->client.timeout_ms = 20000;
	assert_int_equal(do_read(&f->client, &c, 1, 2), 0);
}

/* UCX must let go of the caller's buffer when a call is given up. */
static void test_stopped_with_bulk(void **state)
{
	struct fixture *f = *state;
	uint8_t *buf = malloc(BFS_BULK_MAX);
	int e;

	order(f, false);
	f->client.timeout_ms = 300;
	e = do_write(&f->client, buf, BFS_BULK_MAX, 1);
	assert_true(e == -ETIMEDOUT || e == -EIO);
	e = do_read(&f->client, buf, BFS_BULK_MAX, 1);
	assert_true(e == -ETIMEDOUT || e == -EIO);
	memset(buf, 0, BFS_BULK_MAX);
	free(buf);
	kill(f->server, SIGCONT);
	/* The client comes back on a connection of its own. */
	((struct bfs_transport *)f->client.t)->ops->destroy(f->client.t);
	open_transport(f);
	assert_int_equal(say_hello(f, BFS_PROTO_VERSION), 0);
	buf = malloc(BFS_BULK_MAX);
	assert_int_equal(do_write(&f->client, buf, BFS_BULK_MAX, 7), 0);
	free(buf);
}

static void test_killed(void **state)
{
	struct fixture *f = *state;
	uint64_t t0;
	uint8_t c;
	int e;

	kill(f->server, SIGKILL);
	/* UCX asks /proc about peers on shared memory: no zombie, please. */
	waitpid(f->server, NULL, 0);
	f->server = 0;
	t0 = bfs_now();
	e = do_read(&f->client, &c, 1, 1);
	assert_int_equal(e, -EIO);
	assert_true(bfs_now() - t0 < 15000000000u);
	assert_int_equal(do_read(&f->client, &c, 1, 1), -EIO);
}

static int child(struct fixture *f)
{
	struct bfs_transport *t = f->client.t;
	uint8_t *buf = malloc(BFS_BULK_MAX);

	if (t)
		t->ops->forget(t);
	open_transport(f);
	t = f->client.t;
	t->session++;
	if (say_hello(f, BFS_PROTO_VERSION))
		return 1;
	if (do_write(&f->client, buf, BFS_BULK_MAX, 1))
		return 2;
	return do_read(&f->client, buf, 100, 1) ? 3 : 0;
}

/* A child makes its own connection; the parent's goes on. */
static void test_fork(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;
	uint8_t c;

	pid = unit_fork();
	if (!pid)
		_exit(child(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(do_read(&f->client, &c, 1, 1), 0);
}

static bool stuck; /* closing an endpoint does not end */

__attribute__((visibility("default"))) ucs_status_ptr_t
ucp_ep_close_nbx(ucp_ep_h ep, const ucp_request_param_t *p)
{
	static __typeof__(ucp_ep_close_nbx) *real;
	static uint64_t request[16];

	if (stuck)
		return request;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ucp_ep_close_nbx");
	return real(ep, p);
}

/* Descriptors that epoll sets of ours watch. */
static int watched(void)
{
	DIR *d = opendir("/proc/self/fdinfo");
	char path[300], line[256];
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", e->d_name);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			n += !strncmp(line, "tfd:", 4);
		if (f)
			fclose(f);
	}
	closedir(d);
	return n;
}

/* A child connects, and adds nothing to what its parent watches. */
static void fork_apart(struct fixture *f)
{
	int status, before = watched(), p[2][2];
	pid_t pid;
	char c;

	assert_false(pipe(p[0]) || pipe(p[1]));
	pid = unit_fork();
	if (!pid) {
		c = (char)child(f);
		(void)!write(p[0][1], &c, 1);
		(void)!read(p[1][0], &c, 1);
		_exit(0);
	}
	assert_int_equal(read(p[0][0], &c, 1), 1);
	assert_int_equal(c, 0);
	assert_int_equal(watched(), before);
	assert_int_equal(write(p[1][1], "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < 4; i++)
		close(p[i / 2][i % 2]);
}

/*
 * A connection that UCX does not let go of is left alone; the process goes on,
 * and so do its children, on connections of their own.
 */
static void test_not_let_go(void **state)
{
	struct fixture *f = *state;
	uint64_t t0 = bfs_now();
	uint8_t c;

	stuck = true;
	((struct bfs_transport *)f->client.t)->ops->destroy(f->client.t);
	stuck = false;
	f->client.t = NULL;
	assert_true(bfs_now() - t0 > 900000000u); /* it was tried */
	fork_apart(f);
	open_transport(f);
	assert_int_equal(say_hello(f, BFS_PROTO_VERSION), 0);
	assert_int_equal(do_read(&f->client, &c, 1, 1), 0);
	fork_apart(f);
	assert_int_equal(do_read(&f->client, &c, 1, 1), 0);
}

static void toil(struct fixture *f, int ready)
{
	struct bfs_transport *t = f->client.t;
	uint8_t *buf = malloc(BFS_BULK_MAX);

	t->ops->forget(t);
	open_transport(f);
	t = f->client.t;
	t->session++;
	if (say_hello(f, BFS_PROTO_VERSION))
		_exit(1);
	(void)!write(ready, "", 1);
	while (!do_write(&f->client, buf, BFS_BULK_MAX, 1) &&
	       !do_read(&f->client, buf, BFS_BULK_MAX, 1))
		;
	_exit(2);
}

/* Clients that die in the middle of a megabyte leave nothing behind. */
static void test_client_killed(void **state)
{
	struct fixture *f = *state;
	uint8_t *buf = malloc(BFS_BULK_MAX);
	int status, ready[2];
	const char *tls = getenv("UCX_TLS");
	char c;

	/* UCX's queue in shared memory does not survive it (ucx_env.c). */
	if (tls && strstr(tls, "posix")) {
		free(buf);
		skip();
	}
	assert_int_equal(pipe(ready), 0);
	for (int i = 0; i < 4; i++) {
		pid_t pid = unit_fork();

		if (!pid)
			toil(f, ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		usleep(3000u * (unsigned)i);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(do_write(&f->client, buf, BFS_BULK_MAX, 7), 0);
		assert_int_equal(do_read(&f->client, buf, BFS_BULK_MAX, 7), 0);
	}
	close(ready[0]);
	close(ready[1]);
	free(buf);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct bfs_transport *t = f->client.t;
	int e;

	t->ops->destroy(t);
	open_transport(f);
	assert_int_equal(say_hello(f, 999), -EPROTO);
	t = f->client.t;
	t->ops->destroy(t);
	open_transport(f);
	t = f->client.t;
	t->ticket++;
	/* Over tcp a stranger's first HELLO has no endpoint to answer to. */
	f->client.timeout_ms = 1000;
	e = say_hello(f, BFS_PROTO_VERSION);
	assert_true(e == -EIO || e == -ETIMEDOUT);
}

/* Another session's name does not open anything. */
static void test_stranger(void **state)
{
	struct fixture *f = *state;
	struct bfs_transport *t = f->client.t;
	uint8_t c;

	t->ticket++;
	assert_int_equal(do_read(&f->client, &c, 1, 1), -EIO);
}

static void test_damaged_address(void **state)
{
	struct bfs_transport *t;
	char path[96];
	const void *a;
	size_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/ucx.addr", dir);
	for (off_t at = 0; at < 60; at += 7) {
		uint8_t c;

		fd = open(path, O_RDWR);
		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= 0x40;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		assert_int_equal(bfs_ucx_load("none", dir, &t, &a, &n, NULL),
				 -EBADMSG);
		c ^= 0x40;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		close(fd);
	}
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(bfs_ucx_load("none", dir, &t, &a, &n, NULL), -EBADMSG);
	unlink(path);
	assert_int_equal(bfs_ucx_load("none", dir, &t, &a, &n, NULL), -ENOENT);
}

/* A client that sends what it likes. */
struct stranger {
	struct bfs_ucx ucx;
	ucp_ep_h ep;
	int under_way;
	uint8_t payload[1 << 19];
};

static void on_gone(void *arg, ucp_ep_h ep, ucs_status_t status)
{
}

static void on_flushed(void *req, ucs_status_t status, void *arg)
{
	((struct stranger *)arg)->under_way--;
	ucp_request_free(req);
}

static void stranger_open(struct stranger *s)
{
	static const ucp_am_recv_callback_t nothing[BFS_UCX_IDS];
	struct bfs_ucx_env env;
	uint8_t address[16384];
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/ucx.addr", dir);
	fd = open(path, O_RDONLY);
	n = read(fd, address, sizeof(address));
	close(fd);
	assert_int_equal(bfs_ucx_env_enter(&env, 0, false), 0);
	assert_int_equal(bfs_ucx_open(&s->ucx), 0);
	bfs_ucx_env_leave(&env);
	assert_int_equal(
		bfs_ucx_handle(&s->ucx, nothing, NULL, UCP_AM_FLAG_WHOLE_MSG),
		0);
	assert_int_equal(bfs_ucx_endpoint(&s->ucx, address, (size_t)n, on_gone,
					  NULL, &s->ep),
			 0);
}

static void stranger_send(struct stranger *s, unsigned id, const void *header,
			  size_t header_len, size_t len)
{
	ucp_request_param_t p = { .op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK |
						  UCP_OP_ATTR_FIELD_USER_DATA |
						  UCP_OP_ATTR_FIELD_FLAGS,
				  .cb.send = on_flushed,
				  .user_data = s,
				  .flags = UCP_AM_SEND_FLAG_REPLY };
	uint64_t until = bfs_now() + 3000000000u;
	ucs_status_ptr_t r = ucp_am_send_nbx(s->ep, id, header, header_len,
					     len ? s->payload : NULL, len, &p);

	s->under_way = UCS_PTR_IS_PTR(r);
	/* A rendezvous that nobody wants is never finished: go on. */
	while (s->under_way && bfs_now() < until)
		ucp_worker_progress(s->ucx.worker);
	ucp_worker_progress(s->ucx.worker);
}

static const size_t lengths[] = { 0, 1, 15, 16, 17, 51, 52, 53, 1000, 8000 };

/* Random bytes, then heads that agree with the lengths, then with a ticket. */
static void send_nonsense(struct stranger *s)
{
	uint8_t header[8000];
	struct bfs_wire w;

	for (unsigned i = 0; i < 300; i++) {
		size_t n = lengths[i % BFS_COUNT(lengths)];
		size_t len = i % 3 ? lengths[i / 7 % BFS_COUNT(lengths)] : 0;

		for (size_t k = 0; k < sizeof(header); k++)
			header[k] = (uint8_t)rand();
		if (n >= BFS_UCX_HEAD_LEN && i % 2) {
			bfs_wire_init(&w, header, sizeof(header));
			bfs_put_u32(&w, (uint32_t)(n - BFS_UCX_HEAD_LEN));
			bfs_put_u32(&w, (uint32_t)len);
			bfs_put_u32(&w, i % 5 ? 0 : BFS_BULK_MAX);
			bfs_put_u32(&w, (uint32_t)rand());
			bfs_put_req_head(
				&w, &(struct bfs_req_head){
					    .op = i % 4 ? 1 : (uint32_t)rand(),
					    .session = SESSION + 1,
					    .ticket = i % 8 ? TICKET : 0 });
		}
		stranger_send(s, i % 11 ? BFS_UCX_REQUEST : i, header, n, len);
	}
}

static void test_hostile(void **state)
{
	struct fixture *f = *state;
	struct stranger *s = calloc(1, sizeof(*s));
	uint8_t c;

	for (size_t i = 0; i < sizeof(s->payload); i++)
		s->payload[i] = (uint8_t)rand();
	stranger_open(s);
	send_nonsense(s);
	assert_int_equal(do_read(&f->client, &c, 1, 5), 0);
	bfs_ucx_close(&s->ucx);
	free(s);
	assert_int_equal(do_read(&f->client, &c, 1, 6), 0);
}

static void test_parse(void **state)
{
	static const struct {
		uint32_t fields, bulk, in_cap;
		size_t header, payload;
		int result;
	} cases[] = {
		{ 40, 0, 0, 56, 0, 0 },
		{ 40, 9, 0, 56, 9, 0 },
		{ 40, 0, 0, 16, 40, 0 }, /* the fields are the payload */
		{ 0, 0, 0, 16, 0, 0 },
		{ 40, 9, 0, 16, 49, -EBADMSG },
		{ 40, 9, 0, 56, 8, -EBADMSG },
		{ 41, 0, 0, 56, 0, -EBADMSG },
		{ 39, 0, 0, 56, 0, -EBADMSG },
		{ 0, 0, 0, 15, 0, -EBADMSG },
		{ 40, 0, BFS_BULK_MAX + 1, 56, 0, -EBADMSG },
		{ BFS_FIELDS_MAX + 1, 0, 0, 16, BFS_FIELDS_MAX + 1, -EBADMSG },
		{ 0, BFS_BULK_MAX + 1, 0, 16, BFS_BULK_MAX + 1, -EBADMSG },
		{ UINT32_MAX, 0, 0, 16, UINT32_MAX, -EBADMSG },
	};
	uint8_t header[64];

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		const uint8_t *fields;
		struct bfs_ucx_head h;
		struct bfs_wire w;

		bfs_wire_init(&w, header, sizeof(header));
		bfs_put_u32(&w, cases[i].fields);
		bfs_put_u32(&w, cases[i].bulk);
		bfs_put_u32(&w, cases[i].in_cap);
		bfs_put_u32(&w, 7);
		assert_int_equal(bfs_ucx_parse(header, cases[i].header,
					       cases[i].payload, &h, &fields),
				 cases[i].result);
	}
}

/* What the program sees of UCX: nothing below the base, nothing over exec. */
static void test_descriptors(void **state)
{
	char link[300], to[300];
	struct dirent *e;
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%s", e->d_name);
		len = readlink(link, to, sizeof(to) - 1);
		if (len < 0)
			continue;
		to[len] = '\0';
		if (!strstr(to, "socket:") && !strstr(to, "anon_inode") &&
		    !strstr(to, "shm"))
			continue;
		n++;
		if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			fail_msg("%s -> %s survives exec", link, to);
		if (fd < 500)
			fail_msg("%s -> %s is a low number", link, to);
	}
	closedir(d);
	assert_true(n > 0);
	assert_null(getenv("UCX_HANDLE_ERRORS"));
}

static void test_clean_stop(void **state)
{
	struct fixture *f = *state;
	char path[96];
	int status;

	order(f, true);
	assert_int_equal(waitpid(f->server, &status, 0), f->server);
	f->server = 0;
	assert_int_equal(status, 0);
	snprintf(path, sizeof(path), "%s/ucx.addr", dir);
	assert_int_equal(access(path, F_OK), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int run(const char *name, const char *tls)
{
	const struct CMUnitTest tests[] = {
		T(test_sizes),	       T(test_long_fields),
		T(test_threads),       T(test_all_slots_taken),
		T(test_signal),	       T(test_call_from_handler),
		T(test_stopped),       T(test_stopped_with_bulk),
		T(test_killed),	       T(test_fork),
		T(test_refused),       T(test_stranger),
		T(test_client_killed), T(test_damaged_address),
		T(test_hostile),       cmocka_unit_test(test_parse),
		T(test_descriptors),   T(test_clean_stop),
		T(test_not_let_go),
	};

	if (tls)
		setenv("UCX_TLS", tls, 1);
	else
		unsetenv("UCX_TLS");
	return _cmocka_run_group_tests(name, tests, BFS_COUNT(tests), NULL,
				       NULL);
}

int main(int argc, char **argv)
{
	const char *build = getenv("builddir");
	const char *valgrind = getenv("BENCHFS_VALGRIND");
	char module[PATH_MAX];
	int bad;

	if (argc == 3 && !strcmp(argv[1], "server")) {
		snprintf(dir, sizeof(dir), "%s", argv[2]);
		return run_server();
	}
	/* It complains of UCX, and is too slow for the deadlines in here. */
	if (valgrind && *valgrind == '1')
		return 77;
	snprintf(module, sizeof(module), "%s/core/.libs", build ? build : ".");
	setenv("BENCHFS_MODULEDIR", module, 1);
	setenv("UCX_KEEPALIVE_INTERVAL", "1s", 1); /* not to wait so long */
	strcpy(dir, "/tmp/bfs-ucx.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	if (argc > 1)
		bad = run(argv[1], strcmp(argv[1], "-") ? argv[1] : NULL);
	else
		bad = run("default", NULL) + run("shared memory", "posix,self");
	rmdir(dir);
	return bad != 0;
}
