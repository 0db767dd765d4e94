/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/world.h"

#include "core/log.h"
#include "core/util.h"
#include "server/fs.h"
#include "server/inode.h"
#include "server/peer_impl.h"
#include "tests/fuzz/recorded.h"
#include "tests/fuzz/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HISTORY (1u << 20)
#define BULK (1u << 16)

static struct world *world;
static uint8_t *history; /* its length in front, as it is in the file */
static size_t history_len;
static int history_fd = -1;

/* A message under way in a daemon. */
struct message {
	struct bfs_call call;
	struct world *world;
	uint32_t op;
	bool client, again;
	uint8_t rep[BFS_FIELDS_MAX];
	uint8_t *out, *in;
};

static void remember(const uint8_t *data, size_t len)
{
	const char *path = getenv("FUZZ_HISTORY");

	if (!path)
		return;
	if (history_fd < 0)
		history_fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (!history)
		history = mmap(NULL, HISTORY, PROT_READ | PROT_WRITE,
			       MAP_SHARED, history_fd, 0);
	if (history_len + len > HISTORY ||
	    ftruncate(history_fd, (off_t)(history_len + len)))
		return;
	memcpy(history + history_len, data, len);
	history_len += len;
}

static void as_owner(struct world *w)
{
	w->u->cred = (struct bfs_cred){ .uid = SECRET_UID, .gid = SECRET_UID };
}

static void make_secret(struct world *w)
{
	struct bfs_open_req open = { .at = cluster_root(w->u),
				     .path = BFS_STR(SECRET_DIR
						     "/" SECRET_FILE),
				     .oflags = O_CREAT | O_RDWR,
				     .mode = 0600,
				     .arena_slot = BFS_NO_SLOT };
	struct bfs_write_req write = { .offset = 0 };
	struct bfs_write_rep written;
	struct bfs_open_rep rep;

	as_owner(w);
	FUZZ_CHECK(!cluster_mkdir_at(w->u, 0, SECRET_DIR, 0700));
	FUZZ_CHECK(!cluster_open(w->u, 0, &open, &rep));
	write.handle = w->secret = rep.handle;
	w->u->out = SECRET_TEXT;
	w->u->out_len = strlen(SECRET_TEXT);
	FUZZ_CHECK(!cluster_write(w->u, 0, &write, &written));
	/* where it is may be known, what opens it not */
	fuzz_know_number(&w->known, rep.attr.ino);
	rep.handle.mac ^= 1;
	fuzz_know_handle(&w->known, rep.handle);
}

/* As /tmp: nobody takes another one's names away. */
static void make_sticky(struct world *w)
{
	struct bfs_setattr_req req = { .at = cluster_root(w->u),
				       .valid = BFS_SET_MODE,
				       .mode = 01777 };
	struct bfs_setattr_rep rep;

	FUZZ_CHECK(!cluster_setattr(w->u, 0, &req, &rep));
}

static struct world *make(unsigned n)
{
	static const struct bfs_cred hostile = { .uid = FUZZ_UID,
						 .gid = FUZZ_UID };
	struct world *w = calloc(1, sizeof(*w));

	FUZZ_CHECK(w);
	/* of several daemons, striped: there is a journal then, too */
	w->u = n > 1 ? cluster_unit_striped(n, 1, 16) : cluster_unit_new(n, 1);
	for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
		w->client[i] =
			bfs_session_new(&w->u->servers[0], getpid(), &hostile);
		FUZZ_CHECK(w->client[i]);
		w->client[i]->greeted = true;
	}
	w->next_id = 1ull << 33;	 /* no number of an input's */
	for (unsigned i = 0; i < n; i++) /* as bfs_config_init does */
		w->u->servers[i].config.node.member = (char *)"";
	fuzz_know_handle(&w->known, cluster_root(w->u));
	make_sticky(w);
	make_secret(w);
	return w;
}

void world_end(void)
{
	if (!world)
		return;
	cluster_unit_free(world->u);
	free(world);
	world = NULL;
	history_len = 0;
}

struct world *world_for(unsigned n, const uint8_t *data, size_t len)
{
	if (world && world->inputs >= WORLD_INPUTS)
		world_end();
	if (!world)
		world = make(n);
	world->inputs++;
	remember(data, len);
	return world;
}

/* Not memcmp, from which libFuzzer would learn the text. */
#ifdef __clang__
__attribute__((no_sanitize("coverage")))
#endif
static bool
contains(const uint8_t *data, size_t len, const char *text)
{
	size_t n = strlen(text), k = 0;

	for (size_t i = 0; i + n <= len && k < n; i++)
		for (k = 0; k < n && data[i + k] == (uint8_t)text[k]; k++)
			;
	return k == n;
}

/* A hostile client must not be told what is in the private file. */
static void check_answer(struct message *m)
{
	struct bfs_call *c = &m->call;
	struct bfs_rep_head h;
	struct bfs_wire w;

	FUZZ_CHECK(c->rep_len >= BFS_REP_HEAD_LEN &&
		   c->rep_len <= sizeof(m->rep));
	FUZZ_CHECK(c->in_len <= c->in_cap);
	bfs_wire_init(&w, m->rep, c->rep_len);
	h = bfs_get_rep_head(&w);
	if (m->client) {
		FUZZ_CHECK(!contains(m->in, c->in_len, SECRET_TEXT));
		FUZZ_CHECK(h.status < 134 || h.status == BFS_ESCAPE);
	}
	/* a number used again gets the answer of its first call */
	if (!h.status && !m->again)
		fuzz_learn(&m->world->known, m->op, w);
	if (h.status == BFS_ESCAPE) {
		struct bfs_escape_rep e;

		FUZZ_CHECK(!bfs_escape_get(&w, &e));
	}
}

static void end(struct bfs_call *c)
{
	struct message *m = bfs_container_of(c, struct message, call);

	if (c->pass_fd >= 0)
		close(c->pass_fd);
	free(m->in);
	free(m->out);
	free(m);
}

static void on_reply(struct bfs_call *c)
{
	check_answer(bfs_container_of(c, struct message, call));
	end(c);
}

static const struct bfs_port_ops client_ops = {
	.name = "fuzz", .passes_fds = true, .reply = on_reply, .drop = end
};
static const struct bfs_port_ops peer_ops = {
	.name = "fuzz", .peers = true, .reply = on_reply, .drop = end
};
static struct bfs_port client_port = { .ops = &client_ops };
static struct bfs_port peer_port = { .ops = &peer_ops };

static struct bfs_session *session_of(struct world *w, unsigned at,
				      unsigned from)
{
	struct bfs_server *s = &w->u->servers[at];
	uint64_t id = bfs_peer_session_id(s, from, at, 1);
	struct bfs_session *sess = bfs_session_find(s, id);

	if (sess)
		return sess;
	return bfs_session_new_peer(
		s, id, bfs_peer_session_ticket(s, from, at, 1), from, 1);
}

static void make_bulk(struct message *m, struct fuzz_in *in)
{
	static const uint32_t sizes[] = { 0,  1,    17,	  24,	100,
					  48, 4096, 8192, BULK, 65 };
	uint8_t a = fuzz_u8(in), b = fuzz_u8(in), fill = fuzz_u8(in);

	m->call.out_len = sizes[a % BFS_COUNT(sizes)];
	m->call.in_cap = sizes[b % BFS_COUNT(sizes)];
	m->out = malloc(m->call.out_len + (m->call.out_len == 0));
	m->in = malloc(m->call.in_cap + (m->call.in_cap == 0));
	FUZZ_CHECK(m->out && m->in);
	memset(m->out, fill, m->call.out_len);
	for (unsigned i = 0; i < fill % 32u && i < m->call.out_len; i++)
		m->out[i] = fuzz_u8(in);
	m->call.out = m->out;
	m->call.in = m->in;
}

static void make_request(struct world *w, struct message *m,
			 const struct bfs_session *sess, bool peer,
			 struct fuzz_in *in)
{
	struct bfs_req_head h = { .deadline_ms = 30000,
				  .session = sess->id,
				  .ticket = sess->ticket,
				  .generation = sess->generation };
	uint8_t how = fuzz_u8(in);
	struct bfs_call *c = &m->call;
	struct bfs_wire head;
	size_t n;

	m->op = h.op = fuzz_take_op(in, peer && how % 4);
	m->again = how >= 240;
	h.id = how < 240 ? ++w->next_id : fuzz_take_u64(in, &w->known);
	if (peer) /* slots that the real peer does not use */
		h.id = h.id << 12 | 3000;
	if (how >= 250)
		h.deadline_ms = fuzz_take_u32(in);
	bfs_wire_init(&head, c->req, sizeof(c->req));
	bfs_put_req_head(&head, &h);
	if (how % 8 == 7) { /* fields as they are */
		n = BFS_MIN((size_t)(in->end - in->pos), (size_t)fuzz_u8(in));
		n = BFS_MIN((size_t)(in->end - in->pos), n);
		memcpy(head.pos, in->pos, n);
		in->pos += n;
	} else {
		n = fuzz_make(in, &w->known, h.op, head.pos,
			      (size_t)(head.end - head.pos));
	}
	c->req_len = BFS_REQ_HEAD_LEN + n;
	fuzz_know_number(&w->known, h.id);
}

/* As make_request() and make_bulk() read it. */
void world_put_op(struct fuzz_out *o, bool peer, uint32_t op)
{
	fuzz_put(o, peer);
	fuzz_put(o, recorded_op(op));
}

void world_put_bulk(struct fuzz_out *o)
{
	fuzz_put(o, 6);
	fuzz_put(o, 6);
	fuzz_put(o, 0);
}

void world_send(struct world *w, unsigned at, int client, unsigned from,
		struct fuzz_in *in)
{
	struct message *m = calloc(1, sizeof(*m));
	struct bfs_session *sess =
		client < 0 ? session_of(w, at, from) : w->client[client];

	FUZZ_CHECK(m && sess);
	m->world = w;
	m->client = client >= 0;
	make_request(w, m, sess, client < 0, in);
	make_bulk(m, in);
	m->call.server = &w->u->servers[at];
	m->call.session = sess;
	m->call.cred = &sess->cred;
	m->call.port = client < 0 ? &peer_port : &client_port;
	m->call.rep = m->rep;
	m->call.pass_fd = -1;
	bfs_serve(&m->call);
}

void world_run(struct world *w, unsigned steps)
{
	while (steps-- && w->u->net && bfs_ploop_step(w->u->net))
		;
}

void world_check(struct world *w)
{
	struct bfs_read_req read = { .handle = w->secret, .size = 100 };
	struct bfs_read_rep done;
	struct bfs_attr a;

	as_owner(w);
	FUZZ_CHECK(!cluster_stat(w->u, 0, SECRET_DIR "/" SECRET_FILE, &a));
	FUZZ_CHECK(S_ISREG(a.mode) && a.size == strlen(SECRET_TEXT));
	FUZZ_CHECK(a.uid == SECRET_UID && (a.mode & 0777) == 0600);
	FUZZ_CHECK(!cluster_read(w->u, 0, &read, &done));
	FUZZ_CHECK(w->u->in_len == strlen(SECRET_TEXT));
	FUZZ_CHECK(contains(w->u->in, w->u->in_len, SECRET_TEXT));
}

void world_after(struct fuzz_out *o, const struct recorded *m)
{
	world_put_bulk(o);
}

/* Some of everything: the bytes mean something whatever they are. */
size_t world_seed(unsigned n, const char *kind,
		  const struct recorded_form *form, uint8_t buf[FUZZ_MAX])
{
	uint64_t random = n + 1;
	size_t len = 20 + 20 * (n % 20);

	if (n >= 200)
		return recorded_run(kind, n - 200, form, buf);
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)fuzz_draw(&random);
	return len;
}

void fuzz_begin(void)
{
	fuzz_set_up();
	bfs_log_fd = -1;
}

void fuzz_end(void)
{
	world_end();
	recorded_free();
}
