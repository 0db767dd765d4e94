/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F2 between daemons: in a script of names and data on three of them each
 * message is lost, comes twice, or loses its connection, one in each run.
 * What the script is answered, and what it leaves, is what a run without
 * faults gives.  EVERY=N: every N-th message.
 */
#include "tests/unit/cluster_unit.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODES 3
#define CHUNK_LOG2 16
#define BYTES 150000 /* over all of them */
#define TEXT 32768

struct world {
	struct cluster_unit *u;
	unsigned messages, doomed; /* from 1; 0: none */
	enum bfs_ploop_fate fate;
	bool met, on;
	struct bfs_ploop_msg message;
	char text[TEXT]; /* what was answered, and what is there */
	size_t len;
};

static unsigned doomed_ops[BFS_OP_LIMIT][2];

static enum bfs_ploop_fate decide(void *arg, const struct bfs_ploop_msg *m)
{
	struct world *w = arg;

	if (!w->on || ++w->messages != w->doomed)
		return BFS_PLOOP_PASS;
	w->met = true;
	w->message = *m;
	doomed_ops[m->op][m->reply]++;
	return w->fate;
}

__attribute__((format(printf, 2, 3))) static void note(struct world *w,
						       const char *format, ...)
{
	va_list list;

	va_start(list, format);
	w->len += (size_t)vsnprintf(w->text + w->len, TEXT - w->len, format,
				    list);
	va_end(list);
	assert_true(w->len < TEXT);
}

static void data(struct world *w, unsigned node, const char *path)
{
	static uint8_t buf[BYTES];
	struct bfs_open_req open = { .at = cluster_root(w->u),
				     .path = cluster_str(path),
				     .oflags = O_RDWR,
				     .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;
	struct bfs_write_rep wrote = { 0 };
	int e = cluster_open(w->u, node, &open, &rep);

	note(w, "open %d\n", e);
	if (e)
		return;
	for (unsigned n = 0; n < 2; n++) {
		memset(buf, 'a' + (int)n, sizeof(buf));
		w->u->out = buf;
		w->u->out_len = sizeof(buf);
		e = cluster_write(
			w->u, (node + n) % NODES,
			&(struct bfs_write_req){ .handle = rep.handle,
						 .flags = n ? O_APPEND : 0 },
			&wrote);
		note(w, "write %d %u to %lu\n", e, wrote.written, wrote.end);
	}
	e = cluster_setattr(
		w->u, (node + 1) % NODES,
		&(struct bfs_setattr_req){ .at = cluster_root(w->u),
					   .path = cluster_str(path),
					   .valid = BFS_SET_SIZE,
					   .flags = AT_EMPTY_PATH,
					   .size = BYTES + 5000 },
		&(struct bfs_setattr_rep){ 0 });
	note(w, "truncate %d\n", e);
}

static void names(struct world *w, unsigned n)
{
	char file[20], link[20], moved[20];
	struct cluster_unit *u = w->u;
	unsigned a = n % NODES, b = (n + 1) % NODES, c = (n + 2) % NODES;

	snprintf(file, sizeof(file), "d/f%u", n);
	snprintf(link, sizeof(link), "d/l%u", n);
	snprintf(moved, sizeof(moved), "d/s/m%u", n);
	note(w, "create %d\n",
	     cluster_create(u, a, file, O_CREAT | O_EXCL | O_RDWR, 0644));
	note(w, "link %d\n", cluster_name(u, b, file, link));
	note(w, "rename %d\n", cluster_move(u, c, link, moved, 0));
	note(w, "over %d\n", cluster_move(u, a, moved, file, 0));
	note(w, "exchange %d\n",
	     cluster_move(u, b, moved, file, 2 /* RENAME_EXCHANGE */));
	note(w, "rmdir %d\n", cluster_remove(u, c, "d", true));
	if (n % 2)
		note(w, "unlink %d\n", cluster_remove(u, a, file, false));
}

static void locks(struct world *w, unsigned node, const char *path)
{
	struct bfs_open_req open = { .at = cluster_root(w->u),
				     .path = cluster_str(path),
				     .oflags = O_RDWR,
				     .arena_slot = BFS_NO_SLOT };
	struct bfs_lock_req l = { .space = BFS_LOCK_POSIX,
				  .type = F_WRLCK,
				  .end = UINT64_MAX,
				  .pid = 100 };
	struct bfs_open_rep rep;
	struct bfs_lock_rep got;

	if (cluster_open(w->u, node, &open, &rep))
		return;
	l.handle = rep.handle;
	note(w, "lock %d\n", cluster_lock(w->u, node, &l, &got));
	l.type = F_UNLCK;
	note(w, "unlock %d\n", cluster_lock(w->u, node, &l, &got));
}

static void look(struct world *w, const char *path)
{
	struct bfs_attr a;
	int e = cluster_stat(w->u, 1, path, &a);

	note(w, "%s: %d", path, e);
	if (!e)
		note(w, " %o links %u size %lu", a.mode, a.nlink, a.size);
	note(w, "\n");
}

static void look_at_data(struct world *w, const char *path)
{
	struct bfs_open_req open = { .at = cluster_root(w->u),
				     .path = cluster_str(path),
				     .oflags = O_RDONLY,
				     .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;
	uint64_t sum = 0;
	int e = cluster_open(w->u, 2, &open, &rep);

	if (!e)
		e = cluster_read(w->u, 0,
				 &(struct bfs_read_req){ .handle = rep.handle,
							 .size = 2 * BYTES },
				 &(struct bfs_read_rep){});
	for (size_t n = 0; !e && n < w->u->in_len; n++)
		sum = sum * 31 + w->u->in[n];
	note(w, "%s: %d %zu bytes, sum %lx\n", path, e, e ? 0 : w->u->in_len,
	     sum);
}

static void script(struct world *w)
{
	struct cluster_unit *u = w->u;
	struct bfs_statfs_rep st;

	note(w, "mkdir %d\n", cluster_mkdir_at(u, 0, "d", 0755));
	note(w, "mkdir %d\n", cluster_mkdir_at(u, 1, "d/s", 0755));
	for (unsigned n = 0; n < 4; n++)
		names(w, n);
	data(w, 0, "d/f0");
	data(w, 1, "d/f2");
	locks(w, 2, "d/f0");
	note(w, "chmod %d\n",
	     cluster_setattr(
		     u, 2,
		     &(struct bfs_setattr_req){ .at = cluster_root(u),
						.path = cluster_str("d"),
						.valid = BFS_SET_MODE,
						.mode = 0711 },
		     &(struct bfs_setattr_rep){ 0 }));
	note(w, "move %d\n", cluster_move(u, 1, "d/s", "t", 0));
	note(w, "move %d\n", cluster_move(u, 2, "d", "t/d", 0));
	note(w, "statfs %d\n",
	     cluster_statfs(u, 1,
			    &(struct bfs_statfs_req){ cluster_root(u),
						      cluster_str("") },
			    &st));
	note(w, "unlink %d\n", cluster_remove(u, 0, "t/d/f2", false));
	note(w, "mkdir %d\n", cluster_mkdir_at(u, 2, "t/e", 0700));
	note(w, "rmdir %d\n", cluster_remove(u, 0, "t/e", true));
	note(w, "symlink %d\n",
	     cluster_mknod(
		     u, 1,
		     &(struct bfs_mknod_req){ .at = cluster_root(u),
					      .path = cluster_str("ln"),
					      .mode = S_IFLNK | 0777,
					      .target = cluster_str("t/d") },
		     &(struct bfs_mknod_rep){ 0 }));
}

static void list(struct world *w, const char *path)
{
	struct bfs_open_req open = { .at = cluster_root(w->u),
				     .path = cluster_str(path),
				     .oflags = O_DIRECTORY,
				     .arena_slot = BFS_NO_SLOT };
	struct bfs_readdir_rep got = { 0 };
	struct bfs_open_rep rep;
	int e = cluster_open(w->u, 0, &open, &rep);

	if (!e)
		e = cluster_readdir(w->u, 0,
				    &(struct bfs_readdir_req){ .at = rep.handle,
							       .size = 4096 },
				    &got);
	note(w, "list %d eof %u, %zu bytes\n", e, got.eof, w->u->in_len);
}

static void look_around(struct world *w)
{
	static const char *const paths[] = { "d",      "t",	 "t/d",
					     "t/e",    "t/d/f0", "t/d/f1",
					     "t/d/f2", "t/d/f3", "t/d/l0",
					     "t/m0",   "t/m1",	 "t/m2",
					     "t/m3" };

	for (unsigned n = 0; n < BFS_COUNT(paths); n++)
		look(w, paths[n]);
	look_at_data(w, "t/d/f0");
	look_at_data(w, "ln/f0");
	list(w, "t");
	list(w, "t/d");
}

/* False: there are not so many messages. */
static bool play(struct world *w, unsigned doomed, enum bfs_ploop_fate fate)
{
	struct cluster_unit_conf conf = {
		.n = NODES,
		.seed = 3,
		.layout = { .policy = BFS_POLICY_STRIPE,
			    .chunk_log2 = CHUNK_LOG2 },
		.journal = true,
		.decide = decide,
		.arg = w,
	};

	memset(w, 0, sizeof(*w));
	w->doomed = doomed;
	w->fate = fate;
	w->u = cluster_unit_with(&conf);
	w->on = true;
	script(w);
	look_around(w);
	w->on = false;
	cluster_unit_free(w->u);
	return w->met;
}

static void test_all(void **state)
{
	static const enum bfs_ploop_fate fates[] = { BFS_PLOOP_LOSE,
						     BFS_PLOOP_DUPLICATE,
						     BFS_PLOOP_BREAK,
						     BFS_PLOOP_STRAY };
	const char *given = getenv("EVERY");
	unsigned every = given ? (unsigned)atoi(given) : 13, runs = 0;
	static struct world good, w;

	play(&good, 0, BFS_PLOOP_PASS);
	assert_non_null(strstr(good.text, "write 0 150000 to 300000"));
	assert_non_null(strstr(good.text, "t/d/f0: 0 155000 bytes"));
	for (unsigned f = 0; f < BFS_COUNT(fates); f++)
		for (unsigned n = 1 + f; play(&w, n, fates[f]);
		     n += every, runs++)
			if (strcmp(w.text, good.text))
				fail_msg("message %u (%s %s, %u to %u) fate "
					 "%d:\n%s\nand without it\n%s",
					 n, bfs_op_name(w.message.op),
					 w.message.reply ? "reply" : "request",
					 w.message.from, w.message.to, fates[f],
					 w.text, good.text);
	printf("%u messages met one of %zu fates each\n", runs,
	       BFS_COUNT(fates));
	for (unsigned op = 0; op < BFS_OP_LIMIT; op++)
		if (doomed_ops[op][0] || doomed_ops[op][1])
			printf("%s %u+%u  ", bfs_op_name(op), doomed_ops[op][0],
			       doomed_ops[op][1]);
	printf("\n");
	if (getenv("VERBOSE"))
		puts(good.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	bfs_log_fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
