/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hot paths of client and daemon over the loop transport, with a journal:
 * what paths.sh counts the instructions of.  Each is a function hot_NAME() that
 * does it once; only what is done in these is collected.
 *
 *   paths TIMES [NAME]	prints the calls made of each, and the least time of
 *			one in nanoseconds
 */
#include "tests/unit/fs_unit.h"
#include "tests/unit/journal_unit.h"
#include "tests/unit/loop_port.h"

#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/serve_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRIES 100
#define BLOCK 4096

struct world {
	void *fs_state;
	struct fs_unit *u;
	struct loop_port port;
	struct loop_client l;
	struct bfs_handle file; /* to be read and written here */
	char buf[1 << 16];
};

#define HOT __attribute__((noinline)) static int

static int done(struct world *w, struct bfs_rpc *r, int e)
{
	if (r->io.fd >= 0)
		close(r->io.fd);
	bfs_rpc_end(r);
	/* the end of a turn: what has changed is logged */
	u_turn(w->u);
	return e;
}

static int look(struct world *w, const char *path)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_getattr_req q = { .at = w->u->root, .path = u_str(path) };
	struct bfs_getattr_rep rep;

	return done(w, &r, bfs_rpc_getattr(&w->l.c, &r, &q, &rep));
}

HOT hot_stat(struct world *w, unsigned i)
{
	return look(w, "a/file");
}

HOT hot_stat_deep(struct world *w, unsigned i)
{
	return look(w, "a/b/c/d/e/f/g/file");
}

static int open_with(struct world *w, const char *path, int flags,
		     uint32_t slot)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_open_req q = { .at = w->u->root,
				  .path = u_str(path),
				  .oflags = (uint32_t)flags,
				  .mode = 0644,
				  .arena_slot = slot,
				  .slot_gen = 1 };
	struct bfs_open_rep rep;
	int e = bfs_rpc_open(&w->l.c, &r, &q, &rep);

	w->file = rep.handle;
	return done(w, &r, e);
}

HOT hot_open(struct world *w, unsigned i)
{
	return open_with(w, "a/file", O_RDWR, 1);
}

static const char *numbered(unsigned i)
{
	static char name[32];

	snprintf(name, sizeof(name), "a/new.%05u", i);
	return name;
}

HOT hot_create(struct world *w, unsigned i)
{
	return open_with(w, numbered(i), O_CREAT | O_EXCL | O_RDWR, 1);
}

HOT hot_rename(struct world *w, unsigned i)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_rename_req q = { .old_at = w->u->root,
				    .old_path = BFS_STR("a/old"),
				    .new_at = w->u->root,
				    .new_path = BFS_STR("a/b/old") };
	struct bfs_rename_rep rep;

	if (i & 1) {
		struct bfs_str old = q.old_path;

		q.old_path = q.new_path;
		q.new_path = old;
	}
	return done(w, &r, bfs_rpc_rename(&w->l.c, &r, &q, &rep));
}

HOT hot_unlink(struct world *w, unsigned i)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_unlink_req q = { .at = w->u->root,
				    .path = u_str(numbered(i)) };
	struct bfs_unlink_rep rep;

	return done(w, &r, bfs_rpc_unlink(&w->l.c, &r, &q, &rep));
}

HOT hot_readdir(struct world *w, unsigned i)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_readdir_req q = { .at = w->file, .size = sizeof(w->buf) };
	struct bfs_readdir_rep rep;

	r.io.in = w->buf;
	r.io.in_cap = sizeof(w->buf);
	return done(w, &r, bfs_rpc_readdir(&w->l.c, &r, &q, &rep));
}

HOT hot_read(struct world *w, unsigned i)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_read_req q = { .handle = w->file, .size = BLOCK };
	struct bfs_read_rep rep;

	r.io.in = w->buf;
	r.io.in_cap = BLOCK;
	return done(w, &r, bfs_rpc_read(&w->l.c, &r, &q, &rep));
}

HOT hot_write(struct world *w, unsigned i)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_write_req q = { .handle = w->file, .offset = 0 };
	struct bfs_write_rep rep;

	r.io.out = w->buf;
	r.io.out_len = BLOCK;
	return done(w, &r, bfs_rpc_write(&w->l.c, &r, &q, &rep));
}

/* One message to the wire and back. */
HOT hot_codec(struct world *w, unsigned i)
{
	struct bfs_open_req q = { .at = w->u->root,
				  .path = BFS_STR("a/b/c/file") };
	struct bfs_open_req got;
	struct bfs_wire out, in;
	int e;

	bfs_wire_init(&out, (uint8_t *)w->buf, sizeof(w->buf));
	e = bfs_open_req_put(&out, &q);
	bfs_wire_init(&in, (uint8_t *)w->buf,
		      (size_t)(out.pos - (uint8_t *)w->buf));
	return e ? e : bfs_open_req_get(&in, &got);
}

static int begin(struct world *w)
{
	static const char deep[] = "a/b/c/d/e/f/g";
	char path[sizeof(deep)];
	struct bfs_server *s;

	bfs_log_fd = -1;
	if (journal_unit_setup(&w->fs_state))
		return -1;
	w->u = w->fs_state;
	s = w->u->server;
	s->arenas = bfs_arenas_new(s->secret);
	s->pass = true;
	if (!s->arenas || bfs_serve_lock_start(s))
		return -1;
	loop_port_init(&w->port, s, (struct bfs_tloop_config){ .seed = 3 });
	loop_client_init(&w->l, &w->port, 100);
	for (size_t n = 1; n < sizeof(deep); n += 2) {
		snprintf(path, sizeof(path), "%.*s", (int)n, deep);
		if (u_mkdir(w->u, path, 0777))
			return -1;
	}
	return 0;
}

static int begin_files(struct world *w)
{
	char name[64];

	if (u_mknod(w->u, "a/file", S_IFREG | 0666, 0) ||
	    u_mknod(w->u, "a/old", S_IFREG | 0666, 0) ||
	    u_mknod(w->u, "a/b/c/d/e/f/g/file", S_IFREG | 0666, 0) ||
	    u_truncate(w->u, "a/file", BLOCK) || u_mkdir(w->u, "many", 0777))
		return -1;
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "many/entry.%03u", i);
		if (u_mknod(w->u, name, S_IFREG | 0666, 0))
			return -1;
	}
	u_turn(w->u);
	return 0;
}

static void end(struct world *w)
{
	struct bfs_server *s = w->u->server;

	loop_client_fini(&w->l);
	loop_port_fini(&w->port);
	bfs_session_free_all(s);
	bfs_serve_lock_stop(s);
	bfs_arenas_free(s->arenas);
	u_kill(w->u);
	fs_unit_teardown(&w->fs_state);
}

static void repeat(struct world *w, const char *name,
		   int (*f)(struct world *w, unsigned i), unsigned n)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < n; i++) {
		uint64_t start = bfs_now();
		int e = f(w, i);

		least = BFS_MIN(least, bfs_now() - start);
		if (e) {
			fprintf(stderr, "%s: %s\n", name, strerror(-e));
			exit(1);
		}
	}
	printf("%s %u %llu\n", name, n, (unsigned long long)least);
}

static const struct path {
	const char *name;
	int (*f)(struct world *w, unsigned i);
} paths[] = {
#define HOT_PATH(name) \
	{ \
#name, hot_##name \
	}
	HOT_PATH(codec),   HOT_PATH(stat),   HOT_PATH(stat_deep),
	HOT_PATH(open),	   HOT_PATH(read),   HOT_PATH(write),
	HOT_PATH(create),  HOT_PATH(unlink), HOT_PATH(rename),
	HOT_PATH(readdir),
};

static int prepare(struct world *w, const char *name, unsigned n)
{
	int e = 0;

	if (!strcmp(name, "unlink"))
		for (unsigned i = 0; !e && i < n; i++)
			e = u_mknod(w->u, numbered(i), S_IFREG | 0666, 0);
	else if (!strcmp(name, "readdir"))
		e = open_with(w, "many", O_RDONLY | O_DIRECTORY, BFS_NO_SLOT);
	else
		e = open_with(w, "a/file", O_RDWR, 1);
	return e;
}

static int one(const struct path *p, unsigned n)
{
	static struct world w;
	int e;

	memset(&w, 0, sizeof(w));
	e = begin(&w) || begin_files(&w) || prepare(&w, p->name, n);
	if (!e)
		repeat(&w, p->name, p->f, n);
	end(&w);
	return e;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
	int e = 0;

	for (size_t i = 0; !e && i < BFS_COUNT(paths); i++)
		if (argc < 3 || !strcmp(paths[i].name, argv[2]))
			e = one(&paths[i], n);
	return e;
}
