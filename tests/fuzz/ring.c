/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The local transport with a client that writes what it likes into what it
 * shares with the daemon: its ring (slots, states, lengths), the arena, the
 * socket; also while the daemon reads it, from a second thread.  The daemon
 * stays alive and serves another client.
 */
#include "tests/fuzz/message.h"
#include "tests/fuzz/recorded.h"
#include "tests/unit/cluster_unit.h"

#include "core/arena.h"
#include "core/local_io.h"
#include "core/log.h"
#include "core/ring.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/client.h"
#include "server/fs.h"
#include "server/port_local.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define INPUTS 64 /* for each daemon */
#define CLIENTS 2

const unsigned fuzz_runs = 3000;

/* One connection of the hostile client. */
struct client {
	int sock; /* -1: none */
	struct bfs_ring *ring;
	struct bfs_arena *arena;
	struct bfs_hello_rep hello;
};

static struct {
	struct cluster_unit *u;
	struct bfs_port_local *port;
	struct client client[CLIENTS];
	struct fuzz_known known;
	unsigned inputs;
	uint64_t next_id;
} w;

/* The second thread writes two values in turn. */
static struct {
	pthread_t thread;
	sem_t go, done;
	_Atomic bool on, end;
	_Atomic uint32_t *at;
	uint32_t values[2];
} racer;

/* libFuzzer's clock is a signal, which would end the wait too soon: the thread
 * would then still write when its page is gone. */
static void wait_for(sem_t *s)
{
	while (sem_wait(s))
		FUZZ_CHECK(errno == EINTR);
}

static void *race(void *arg)
{
	for (;;) {
		wait_for(&racer.go);
		if (racer.end)
			return NULL;
		for (unsigned n = 0; racer.on; n++)
			atomic_store_explicit(racer.at, racer.values[n % 2],
					      memory_order_relaxed);
		sem_post(&racer.done);
	}
}

static struct bfs_server *server(void)
{
	return &w.u->servers[0];
}

static void turn(unsigned n)
{
	while (n--)
		FUZZ_CHECK(bfs_loop_turn(server()->loop) >= 0);
}

static void hang_up(struct client *c)
{
	if (c->sock >= 0)
		close(c->sock);
	if (c->ring)
		munmap(c->ring, sizeof(*c->ring));
	if (c->arena)
		munmap(c->arena, sizeof(*c->arena));
	*c = (struct client){ .sock = -1 };
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	struct sockaddr_un name;

	FUZZ_CHECK(fd >= 0 && !bfs_local_name(&name, server()->run_dir));
	FUZZ_CHECK(!connect(fd, (struct sockaddr *)&name, sizeof(name)));
	return fd;
}

static size_t hello(uint8_t *buf, size_t cap, const struct bfs_hello_req *req)
{
	struct bfs_wire m;

	bfs_wire_init(&m, buf, cap);
	bfs_put_req_head(&m,
			 &(struct bfs_req_head){ .op = BFS_OP_HELLO, .id = 1 });
	bfs_hello_req_put(&m, req);
	return (size_t)(m.pos - buf);
}

static void *map(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	FUZZ_CHECK(p != MAP_FAILED);
	close(fd);
	return p;
}

static void take_hello(struct client *c)
{
	uint8_t buf[BFS_FIELDS_MAX];
	int fds[3], n = bfs_local_recv(c->sock, buf, sizeof(buf), fds, 3,
				       MSG_DONTWAIT);
	struct bfs_wire m;

	FUZZ_CHECK(n > BFS_REP_HEAD_LEN && fds[2] >= 0);
	bfs_wire_init(&m, buf, (size_t)n);
	bfs_get_rep_head(&m);
	FUZZ_CHECK(!bfs_hello_rep_get(&m, &c->hello));
	c->ring = map(fds[0], sizeof(*c->ring));
	c->arena = map(fds[1], sizeof(*c->arena));
	close(fds[2]);
	fuzz_know_handle(&w.known, c->hello.root);
}

static void come(struct client *c)
{
	struct bfs_hello_req req = { .version = BFS_PROTO_VERSION,
				     .generation = 1 };
	uint8_t buf[BFS_FIELDS_MAX];
	size_t len = hello(buf, sizeof(buf), &req);

	c->sock = dial();
	FUZZ_CHECK(send(c->sock, buf, len, 0) == (ssize_t)len);
	turn(3);
	take_hello(c);
}

static void make(void)
{
	char *run;

	w.u = cluster_unit_new(1, 1);
	FUZZ_CHECK(asprintf(&run, "%s/run", w.u->dir) > 0);
	FUZZ_CHECK(!mkdir(run, 0700));
	server()->run_dir = run;
	server()->pass = true;
	server()->config.node.member = (char *)""; /* as bfs_config_init does */
	server()->loop = bfs_loop_new(0);
	FUZZ_CHECK(server()->loop);
	FUZZ_CHECK(!bfs_port_local_new(server(), &w.port));
	for (unsigned i = 0; i < CLIENTS; i++)
		w.client[i] = (struct client){ .sock = -1 };
	w.inputs = 0;
	w.next_id = 0;
	memset(&w.known, 0, sizeof(w.known));
}

static void end(void)
{
	struct bfs_loop *loop;

	if (!w.u)
		return;
	for (unsigned i = 0; i < CLIENTS; i++)
		hang_up(&w.client[i]);
	turn(3);
	loop = server()->loop;
	bfs_port_local_free(w.port);
	free(server()->run_dir);
	server()->run_dir = NULL;
	cluster_unit_free(w.u);
	bfs_loop_free(loop);
	w.u = NULL;
}

/* A request in a slot as a good client makes it, or nearly. */
static void post(struct client *c, struct fuzz_in *in)
{
	unsigned k = fuzz_u8(in) % BFS_RING_SLOTS;
	struct bfs_slot *s = &c->ring->slot[k];
	uint8_t how = fuzz_u8(in);
	struct bfs_req_head h = { .op = fuzz_take_op(in, how == 77),
				  .deadline_ms = 30000,
				  .id = ++w.next_id,
				  .session = c->hello.session,
				  .generation = 1 };
	struct bfs_wire m;

	if (how > 250)
		h.id = fuzz_take_u64(in, &w.known);
	bfs_wire_init(&m, s->fields, sizeof(s->fields));
	bfs_put_req_head(&m, &h);
	s->req_len = BFS_REQ_HEAD_LEN;
	s->req_len += (uint32_t)fuzz_make(in, &w.known, h.op, m.pos,
					  (size_t)(m.end - m.pos));
	s->out_len = how < 200 ? how : fuzz_take_u32(in);
	s->in_cap = how < 200 ? 4096 : fuzz_take_u32(in);
	if (how > 240)
		s->req_len = fuzz_take_u32(in);
	atomic_store(&s->state, BFS_SLOT_POSTED);
	atomic_fetch_or(&c->ring->posted, 1ull << k);
}

/* Answers of good requests are learned from. */
static void look(struct client *c)
{
	for (unsigned k = 0; k < BFS_RING_SLOTS; k++) {
		struct bfs_slot *s = &c->ring->slot[k];
		struct bfs_rep_head h;
		struct bfs_wire m;

		if (s->state != BFS_SLOT_DONE || s->rep_len > sizeof(s->fields))
			continue;
		bfs_wire_init(&m, s->fields, s->rep_len);
		h = bfs_get_rep_head(&m);
		if (h.op == BFS_OP_OPEN && !h.status) {
			struct bfs_open_rep rep;

			if (!bfs_open_rep_get(&m, &rep))
				fuzz_know_handle(&w.known, rep.handle);
		}
		s->state = BFS_SLOT_FREE;
	}
}

/* Somewhere in what is shared; mostly where it matters. */
static _Atomic uint32_t *place(struct client *c, struct fuzz_in *in)
{
	unsigned how = fuzz_u8(in), k = fuzz_u8(in), at = fuzz_u8(in);
	struct bfs_slot *s = &c->ring->slot[k % BFS_RING_SLOTS];
	uint8_t *p;

	if (how < 80)
		p = (uint8_t *)s + at % 32 / 4 * 4; /* state, lengths */
	else if (how < 160)
		p = s->fields + at / 4 * 4;
	else if (how < 180)
		p = s->bulk + at / 4 * 4;
	else if (how < 200)
		p = (uint8_t *)c->ring + at; /* of the ring itself */
	else if (how < 230)
		p = (uint8_t *)&c->arena->desc[k] +
		    at % sizeof(struct bfs_desc);
	else if (how < 240)
		p = (uint8_t *)c->arena + at;
	else
		p = (uint8_t *)c->ring + fuzz_bytes(in, 4) % sizeof(*c->ring);
	return (_Atomic uint32_t *)((uintptr_t)p & ~(uintptr_t)3);
}

static void race_turn(struct client *c, struct fuzz_in *in)
{
	racer.at = place(c, in);
	racer.values[0] = fuzz_take_u32(in);
	racer.values[1] = fuzz_take_u32(in);
	racer.on = true;
	sem_post(&racer.go);
	turn(4);
	racer.on = false;
	wait_for(&racer.done);
}

static void say(struct client *c, struct fuzz_in *in)
{
	struct bfs_hello_req req = { .version = fuzz_u8(in) % 8,
				     .session = c->hello.session,
				     .ticket = c->hello.ticket,
				     .generation = fuzz_u8(in) };
	uint8_t buf[BFS_FIELDS_MAX];
	size_t len = fuzz_u8(in);
	int fd = -1;

	if (len < 100) {
		len = hello(buf, sizeof(buf), &req);
	} else {
		for (size_t i = 0; i < len; i++)
			buf[i] = fuzz_u8(in);
	}
	if (len % 16 == 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	bfs_local_send(c->sock, buf, len, &fd, fd >= 0, MSG_DONTWAIT);
	if (fd >= 0)
		close(fd);
}

static bool swept_closed(void *arg, uint64_t ino, uint32_t uid, uint32_t slot)
{
	return bfs_fs_slot_locked(arg, ino, uid, slot);
}

static void closed(void *arg, struct bfs_handle h)
{
	bfs_fs_check(arg, h);
}

static void sweep(void)
{
	const struct bfs_arena_sweep ops = { swept_closed, closed,
					     server()->fs };

	bfs_arenas_sweep(server()->arenas, &ops);
	bfs_fs_sweep(server()->fs);
	bfs_session_sweep(server());
}

static void step(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	struct client *c = &w.client[how % CLIENTS];

	if (c->sock < 0) {
		come(c);
		return;
	}
	switch (how / 16) {
	case 0 ... 6:
		post(c, in);
		break;
	case 7 ... 9:
		*place(c, in) = fuzz_take_u32(in);
		break;
	case 10:
		race_turn(c, in);
		break;
	case 11:
		say(c, in);
		break;
	case 12:
		sweep();
		break;
	case 13:
		if (how % 16 < 4)
			hang_up(c);
		break;
	default:
		send(c->sock, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		turn(2);
		look(c);
	}
}

/* A good client finds a daemon that serves. */
static void check(void)
{
	struct client good = { .sock = -1 };

	turn(2);
	come(&good);
	hang_up(&good);
	turn(2);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct fuzz_in in = { data, data + len };

	if (w.u && w.inputs++ >= INPUTS)
		end();
	if (!w.u)
		make();
	while (in.pos < in.end)
		step(&in);
	check();
}

/* As step() and post() read it: the client comes, unless it is there. */
static void before(struct fuzz_out *o, const struct recorded *m)
{
	static const uint8_t come_and_post[] = { 13 * 16 + 4, 0, 1, 0 };

	for (size_t n = 0; n < sizeof(come_and_post); n++)
		fuzz_put(o, come_and_post[n]);
	fuzz_put(o, recorded_op(m->op));
}

static void after(struct fuzz_out *o, const struct recorded *m)
{
	fuzz_put(o, 14 * 16); /* the daemon's turn */
}

static const struct recorded_form form = { .opens = true,
					   .before = before,
					   .after = after };

size_t fuzz_seed(unsigned n, uint8_t buf[FUZZ_MAX])
{
	uint64_t random = n + 1;
	size_t len = 20 + 20 * (n % 20);

	if (n >= 100)
		return recorded_run("calls", n - 100, &form, buf);
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)fuzz_draw(&random);
	return len;
}

void fuzz_begin(void)
{
	fuzz_set_up();
	bfs_log_fd = -1;
	sem_init(&racer.go, 0, 0);
	sem_init(&racer.done, 0, 0);
	FUZZ_CHECK(!pthread_create(&racer.thread, NULL, race, NULL));
}

void fuzz_end(void)
{
	end();
	racer.end = true;
	sem_post(&racer.go);
	pthread_join(racer.thread, NULL);
	recorded_free();
}
